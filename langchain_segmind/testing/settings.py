"""Which values the settings beside the messages may have; the families keep tables of these rules.

A setting that is not in a table is forwarded unchecked, as the real gateway does.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from langchain_segmind.testing.answers import RefusalError
from langchain_segmind.testing.checks import shown

Rule = tuple[Callable[[Any], bool], str]


def number(low: float, high: float) -> Rule:
    """Allow numbers between two bounds, both included."""
    return (
        lambda value: type(value) in {int, float} and low <= value <= high,
        f"a number between {low:g} and {high:g}",
    )


def whole(low: float = -math.inf, high: float = math.inf) -> Rule:
    """Allow whole numbers between two bounds, both included."""
    text = "a whole number" + (f" of at least {low:g}" if low > -math.inf else "")
    text += f" and at most {high:g}" if high < math.inf else ""
    return lambda value: type(value) is int and low <= value <= high, text


def words(*allowed: str) -> Rule:
    """Allow a few words."""
    return lambda value: isinstance(value, str) and value in allowed, " | ".join(allowed)


def texts(most: int) -> Rule:
    """Allow a list of at most so many non-empty texts."""
    return (
        lambda value: (
            isinstance(value, list)
            and 1 <= len(value) <= most
            and all(isinstance(item, str) and item for item in value)
        ),
        f"a list of 1 to {most} non-empty strings",
    )


def text_or_texts(most: int) -> Rule:
    """Allow a non-empty text, or a list of at most so many."""
    are_texts, _ = texts(most)
    return (
        lambda value: are_texts([value] if isinstance(value, str) else value),
        f"a non-empty string, or a list of 1 to {most} of them",
    )


# What all families allow alike.
COMMON: Mapping[str, Rule] = {"top_p": number(0, 1), "top_k": whole(1), "max_tokens": whole(1)}


def check_settings(settings: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Refuse a value that a table's rule does not allow with 406, naming the parameter."""
    for name in settings.keys() & rules.keys():
        fits, expected = rules[name]
        if not fits(settings[name]):
            got = shown(settings[name])
            text = f"Invalid value for parameter '{name}': {got} is not {expected}"
            raise RefusalError(406, text)


def stop_words(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Collect the stop sequences of a request, whatever name they came under."""
    found: list[str] = []
    for name in ("stop", "stop_sequences", "stopSequences"):
        value = settings.get(name, ())
        found += [value] if isinstance(value, str) else [str(item) for item in value or ()]
    return tuple(found)
