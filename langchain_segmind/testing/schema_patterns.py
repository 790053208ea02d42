"""Write texts that a regular expression matches.

Python's own parser of regular expressions is used, under its private name: `re._parser` since
Python 3.11, `sre_parse` before. Should it go, a pattern is met only by the samples below.
"""

import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

_PARSER = "re._parser" if sys.version_info >= (3, 11) else "sre_parse"
_SAMPLES = ("a", "A", "0", "1", "abc", "ABC", "123", "a1", "1.0.0", "12:00", "#000000", "x@x.xx")
_LETTERS = "aA0 -_.:/@#+abcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ123456789"
_MORE = (0, 1, 2, 3, 4, 5, 8, 12, 16, 24, 32, 64, 128)  # times that a repeatable part is repeated
_CATEGORIES = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}
_CATEGORIES |= {f"NOT_{name}": written.upper() for name, written in _CATEGORIES.items()}


def texts_of(pattern: str) -> Iterator[str]:
    """Yield texts that a pattern matches, the shortest first; empty if none was found."""
    tries: list[str] = []
    with suppress(Exception):  # a private parser may raise anything
        parsed = importlib.import_module(_PARSER).parse(pattern)
        tries += [_text(parsed, letter, more) for more in _MORE for letter in _LETTERS[:4]]
    longer = [f"{tries[0]}{end}" for end in range(1, 10)] if tries else []
    for text in dict.fromkeys([*tries, *longer, *_SAMPLES]):
        with suppress(re.error):
            if re.search(pattern, text):
                yield text


def _text(parsed: Sequence[Any], letter: str, more: int) -> str:
    return "".join(_part(str(op), argument, letter, more) for op, argument in parsed)


def _part(op: str, argument: Any, letter: str, more: int) -> str:
    match op:
        case "LITERAL":
            return chr(argument)
        case "NOT_LITERAL":
            return next(other for other in _LETTERS if ord(other) != argument)
        case "ANY":
            return letter
        case "IN":
            return _one_of(argument, letter)
        case "BRANCH":
            return _text(argument[1][0], letter, more)
        case "SUBPATTERN":
            return _text(argument[3], letter, more)
        case "ATOMIC_GROUP":
            return _text(argument, letter, more)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, inner = argument
            return _text(inner, letter, more) * min(max(int(least), more), int(most))
        case _:  # anchors and assertions have no text of their own; the result is checked
            return ""


def _one_of(options: Sequence[Any], letter: str) -> str:
    written: list[tuple[str, Any]] = [(str(op), argument) for op, argument in options]
    negated = written[0][0] == "NEGATE"
    own = [chr(argument) for op, argument in written if op == "LITERAL"]
    own += [chr(argument[0]) for op, argument in written if op == "RANGE"]
    fitting = (
        character
        for character in (letter, *own, *_LETTERS)
        if any(_holds(op, argument, character) for op, argument in written) is not negated
    )
    return next(fitting, letter)


def _holds(op: str, argument: Any, character: str) -> bool:
    if op == "CATEGORY":
        category = str(argument).removeprefix("CATEGORY_")
        return re.match(_CATEGORIES[category], character) is not None
    low, high = argument if op == "RANGE" else (argument, argument)
    return op != "NEGATE" and bool(low <= ord(character) <= high)
