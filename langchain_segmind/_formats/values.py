"""Read JSON that may be anything: each function returns a usable value, or an empty one.

Nothing here may raise: an answer that was paid for must not be lost to one odd field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from langchain_segmind._messages.text import replace_surrogates
from langchain_segmind._messages.types import Choice

_TOO_MANY: Final = 2**53


def as_text(value: Any) -> str | None:
    """Return a string that can be sent, lone surrogates replaced; None for anything else."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else replace_surrogates(value)


def as_count(value: Any) -> int | None:
    """Return a number of tokens: a whole number, not negative; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value < _TOO_MANY else None


def as_dict(value: Any) -> Mapping[str, Any]:
    """Return a JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def dict_items(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a JSON list; none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def join_text(items: Iterable[Mapping[str, Any]], key: str) -> str:
    """Join the texts that stand under a key of some objects."""
    return "".join(as_text(item.get(key)) or "" for item in items)


def read_choices(
    read: Callable[[Mapping[str, Any]], Choice | None], value: Any
) -> tuple[Choice, ...]:
    """Read the alternatives in a JSON list, and skip one that cannot be read."""
    return tuple([choice for item in dict_items(value) if (choice := read(item)) is not None])


def is_refusal_reason(reason: str | None) -> bool:
    """Return whether a reason for a reply's end says that a model or a filter refused.

    Providers add such reasons (`MODEL_ARMOR`, `guardrail_intervened`), so their words decide.
    """
    return reason is not None and _REFUSAL_WORDS.search(reason) is not None


_REFUSAL_WORDS: Final = re.compile(
    r"refus|safety|filter|block|prohibit|recitation|moderat|polic|sensitive|spii|armor|guard|harm"
    r"|violat",
    re.IGNORECASE,
)
