"""Which values the settings beside the messages may have, as a table by name.

A setting that is not in a table is passed on unlooked at: the gateway forwards what it is sent.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from langchain_segmind.testing.checks import shown
from langchain_segmind.testing.errors import RefusalError

_NOT_ACCEPTABLE = 406

Rule = tuple[Callable[[Any], bool], str]


def number(low: float, high: float) -> Rule:
    """Allow numbers between two bounds, both included."""
    return (
        lambda value: _is_number(value) and low <= value <= high,
        f"a number between {low:g} and {high:g}",
    )


def whole(low: float = -math.inf, high: float = math.inf) -> Rule:
    """Allow whole numbers between two bounds, both included."""
    text = "a whole number" + (f" of at least {low:g}" if low > -math.inf else "")
    text += f" and at most {high:g}" if high < math.inf else ""
    return (
        lambda value: _is_number(value) and isinstance(value, int) and low <= value <= high,
        text,
    )


def words(*allowed: str) -> Rule:
    """Allow a few words."""
    return (lambda value: isinstance(value, str) and value in allowed, " | ".join(allowed))


def texts(most: int) -> Rule:
    """Allow a list of at most so many non-empty texts."""
    return (lambda value: _are_texts(value, most), f"a list of 1 to {most} non-empty strings")


def text_or_texts(most: int) -> Rule:
    """Allow a non-empty text, or a list of at most so many."""
    return (
        lambda value: (isinstance(value, str) and bool(value)) or _are_texts(value, most),
        f"a non-empty string, or a list of 1 to {most} of them",
    )


OPENAI: Mapping[str, Rule] = {
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "top_k": whole(1),
    "max_tokens": whole(1),
    "max_completion_tokens": whole(1),
    "n": whole(1, 8),
    "seed": whole(),
    "presence_penalty": number(-2, 2),
    "frequency_penalty": number(-2, 2),
    "stop": text_or_texts(4),
    "reasoning_effort": words("none", "minimal", "low", "medium", "high", "xhigh"),
}

ANTHROPIC: Mapping[str, Rule] = {
    "temperature": number(0, 1),
    "top_p": number(0, 1),
    "top_k": whole(1),
    "max_tokens": whole(1),
    "stop_sequences": texts(8191),
}

GEMINI: Mapping[str, Rule] = {
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "top_k": whole(1),
    "max_tokens": whole(1),
    "seed": whole(),
    "stop": text_or_texts(5),
    "stop_sequences": texts(5),
    "stopSequences": texts(5),
}


def check_settings(settings: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Check every setting a table names.

    Args:
        settings: The settings of a request.
        rules: The table.

    Raises:
        RefusalError: A value is out of range; 406, naming the parameter.
    """
    for name in settings.keys() & rules.keys():
        fits, expected = rules[name]
        if not fits(settings[name]):
            got = shown(settings[name])
            raise RefusalError(
                _NOT_ACCEPTABLE, f"Invalid value for parameter '{name}': {got} is not {expected}"
            )


def stop_words(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Collect the stop sequences of a request, whatever name they came under."""
    found: list[str] = []
    for name in ("stop", "stop_sequences", "stopSequences"):
        value = settings.get(name, ())
        found += [value] if isinstance(value, str) else [str(item) for item in value or ()]
    return tuple(found)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _are_texts(value: Any, most: int) -> bool:
    return (
        isinstance(value, list)
        and 1 <= len(value) <= most
        and all(isinstance(item, str) and item for item in value)
    )
