"""Limit how much of a reply is read: more than any model writes, not enough to hang a program.

What exceeds a limit is ignored, or makes the reply unusable. No text is cut here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, TypeVar

T = TypeVar("T")

MOST: Final = 1000
"""Choices that are read of one reply, calls of one choice, and JSON values in a text."""

MOST_VALUES: Final = 500_000
"""JSON values that are read of one reply: no model's answer has as many tokens."""

MOST_CHARACTERS: Final = 2_000_000
"""Characters of a text that is searched for calls or JSON."""

_MANY_BYTES: Final = 1_000_000  # fewer cannot hold values that hurt

_log: Final = logging.getLogger(__name__)


def at_most(items: Iterable[T], what: str) -> list[T]:
    """Return the first of the items, and log a warning if there are more than are read."""
    kept = list(islice(items, MOST + 1))
    if len(kept) > MOST:
        kept.pop()
        _log.warning("A reply has more than %d %s; the others are ignored.", MOST, what)
    return kept


def is_more_than_read(items: Sequence[object]) -> bool:
    """Return whether a text holds more JSON values than are read, and log a warning if so."""
    if len(items) <= MOST:
        return False
    _log.warning("A reply has more than %d JSON values in its text: they are not read.", MOST)
    return True


def is_too_long(text: str) -> bool:
    """Return whether a text is not searched for calls or JSON, and log a warning if so."""
    if len(text) <= MOST_CHARACTERS:
        return False
    _log.warning(
        "A reply has more than %d characters: it is not searched for tool calls or JSON.",
        MOST_CHARACTERS,
    )
    return True


def has_too_many_values(text: bytes) -> bool:
    """Return whether JSON holds more values than are read, without parsing it."""
    if len(text) < _MANY_BYTES:
        return False
    text = text.replace(rb"\\", b"").replace(rb"\"", b"")
    if text.count(b'"') > 2 * MOST_VALUES:
        return True
    outside = b"".join(text.split(b'"')[::2])
    return sum(map(outside.count, (b",", b"{", b"["))) > MOST_VALUES
