"""Reading JSON that may be anything: each function gives a usable value or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from langchain_segmind._messages.types import Choice


def as_text(value: Any) -> str | None:
    """A string, half surrogate pairs replaced with U+FFFD; None for anything else."""
    if not isinstance(value, str):
        return None
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def as_count(value: Any) -> int | None:
    """A number of tokens: a whole number, not negative; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value < _TOO_MANY else None


_TOO_MANY: Final = 2**53


def as_dict(value: Any) -> Mapping[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def dict_items(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a JSON list; none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def readable(read: Callable[[Mapping[str, Any]], Choice | None], value: Any) -> tuple[Choice, ...]:
    """The alternatives in a JSON list that can be read: one that cannot spoils no other."""
    return tuple([choice for item in dict_items(value) if (choice := read(item)) is not None])
