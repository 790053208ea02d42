"""Parse the JSON that models write: whole, slightly broken, or somewhere in a text.

Mends only where there is one reading: commas too many, line breaks in strings, a backslash before a
character that JSON does not escape (LaTeX, Windows paths), and Python's way of writing. It must not
raise for any text, must not complete what was cut short, and must take time in proportion to the
text.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from langchain_segmind._messages.json_schema import finite_float, reject_constant, unique_keys
from langchain_segmind._messages.limits import MOST, is_more_than_read
from langchain_segmind._messages.text import replace_surrogates

UNPARSABLE: Final = object()
"""What `parse_json` returns for a text that is not JSON; None is JSON."""

DEEPEST: Final = 100
"""Levels of nesting that are read: the history refuses to send deeper ones, see `check_json`."""

# A string that does not end runs to the end of the text, so that each is read only once. Stretches
# without a backslash are matched at once: `(?:a|b)*` takes time and memory for each character.
_STRING: Final = r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)'
_ESCAPE: Final = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})?')
_MEANT: Final = re.compile(
    r'(?P<good>[^\\]*(?:\\(?:["\\/nrt]|u[0-9a-fA-F]{4})[^\\]*)*)(?P<bad>\\|\Z)', re.DOTALL
)
"""Whoever writes `\\alpha` means no form feed by `\\frac`; `\\n` and `\\t` may be either."""
_CONSTANT: Final = re.compile(_STRING + r"|\b(?:True|False|None)\b", re.DOTALL)
_CONSTANTS: Final = {"True": "true", "False": "false", "None": "null"}
_ODD_ESCAPE: Final = re.compile(r"\\(?![\\'\"nrt])(?<!\\\\)")
_LONGEST_PYTHON: Final = 20_000
_EXTRA_COMMA: Final = re.compile(r",(?=\s*[}\]])")
_COMMA: Final = re.compile(f"{_STRING}|{_EXTRA_COMMA.pattern}", re.DOTALL)
_TOKEN: Final = re.compile(_STRING + r"|[{}\[\]]", re.DOTALL)
_QUOTATION_MARK: Final = re.compile(r'\\.|"', re.DOTALL)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F]")
_BRACKET: Final = re.compile(r"[{\[]")


def parse_json(text: str) -> Any:
    """Parse JSON, mended where it must be; `UNPARSABLE` if it is not JSON."""
    value, broken_at = _decode(text)
    if value is not UNPARSABLE:
        return value
    mended = _mend(text)
    if mended != text:
        value, broken_at = _decode(mended)
    if value is UNPARSABLE and _may_have_escapes(mended, broken_at):
        value, _ = _decode(_mend_escapes(mended))
    if value is UNPARSABLE and (literal := _mend_python(text)) is not None:
        value, _ = _decode(literal)
    return value


def _decode(text: str) -> tuple[Any, int]:
    """Return the value, or `UNPARSABLE`, and the place where decoding ended."""
    try:
        return _clean(_DECODER.decode(text), text), len(text)
    except json.JSONDecodeError as error:
        return UNPARSABLE, error.pos
    except (ValueError, RecursionError, MemoryError):
        return UNPARSABLE, len(text)


def match_brackets(text: str, start: int) -> dict[int, int]:
    """Find where each bracket from `start` on is closed, until the first one is.

    Returns:
        The end of each closed bracket by its place. Where the first is never closed, the whole
        rest of the text was searched.
    """
    ends: dict[int, int] = {}
    opened: list[int] = []
    for token in _TOKEN.finditer(text, start):
        if token[0] in "{[":
            opened.append(token.start())
        elif token[0] in "}]":
            ends[opened.pop()] = token.end()
            if not opened:
                break
    return ends


def json_in(text: str, required: Sequence[str] = ()) -> tuple[str, Any] | None:
    """Return the JSON that a text is or holds, mended, and its value; None without any.

    It may stand in a fence or in prose. Of several, the first object that has the required keys
    counts, else the last value; of more than are read, none.
    """
    whole = parse_json(text)
    if whole is not UNPARSABLE:
        return _mend(text), whole
    spans = [_without_language(inside).strip() for inside in text.split("```")[1::2]]
    at = 0
    while len(spans) <= MOST and (found := _BRACKET.search(text, at)):
        end = match_brackets(text, found.start()).get(found.start())
        if end is None:
            break
        spans.append(text[found.start() : end])
        at = end
    if is_more_than_read(spans):
        return None
    values = [(span, value) for span in spans if (value := parse_json(span)) is not UNPARSABLE]
    fitting = [v for v in values if isinstance(v[1], dict) and set(required) <= set(v[1])]
    if not values:
        return None
    span, value = fitting[0] if fitting else values[-1]
    return _mend(span), value


def begun_string(text: str) -> str:
    """Read a JSON string that may lack its end; empty if the text does not begin with one."""
    found = _TOKEN.match(text)
    if found is None or not text.startswith('"'):
        return ""
    written = found[0]
    for end in range(
        len(written), max(0, len(written) - 7), -1
    ):  # an escape has at most 6 characters
        for candidate in (written[:end], written[:end] + '"'):
            value = parse_json(candidate)
            if isinstance(value, str):
                return value
    return ""


def last_string(text: str) -> str:
    """Read a JSON string that ends a broken object: it may hold quotation marks of its own."""
    found = _TOKEN.match(text)
    if found is not None and text.startswith('"') and not text[found.end() :].strip("} \n\r\t"):
        return begun_string(text)
    inner = text[1:].rstrip("} \n\r\t").removesuffix(text[:1])
    value = parse_json(f'"{_QUOTATION_MARK.sub(_escaped, inner)}"')
    return value if isinstance(value, str) else inner


def _escaped(match: re.Match[str]) -> str:
    return match[0] if len(match[0]) > 1 else f"\\{match[0]}"


def _without_language(fenced: str) -> str:
    language, line, rest = fenced.partition("\n")
    return rest if line and language.strip().isalnum() else fenced


_DECODER: Final = json.JSONDecoder(
    strict=False,
    parse_constant=reject_constant,
    parse_float=finite_float,
    object_pairs_hook=unique_keys,
)


def _mend(text: str) -> str:
    """Replace commas that no value follows with spaces."""
    if _EXTRA_COMMA.search(text) is None:
        return text
    return _COMMA.sub(lambda match: " " if match[0] == "," else match[0], text)


def _may_have_escapes(text: str, broken_at: int) -> bool:
    """Whether `_mend_escapes` changes anything up to the place where decoding failed.

    What it changes behind it does not help: decoding would fail there again.
    """
    constants = (text.find(each, 0, broken_at + len(each)) for each in _CONSTANTS)
    return text.find("\\", 0, broken_at + 1) >= 0 or max(constants) >= 0


def _mend_escapes(text: str) -> str:
    """Double a backslash that escapes nothing, and write Python's constants as JSON's."""
    return _CONSTANT.sub(lambda m: _CONSTANTS.get(m[0]) or _mend_string(m[0]), text)


def _mend_string(string: str) -> str:
    is_broken = "\\" in _ESCAPE.findall(string)
    return _MEANT.sub(r"\g<good>\g<bad>\g<bad>", string) if is_broken else string


def has_odd_escape(text: str) -> bool:
    r"""Return whether Python would read LaTeX or a path as control characters, as in `\alpha`."""
    return _ODD_ESCAPE.search(text) is not None


def _mend_python(text: str) -> str | None:
    """Write a Python literal as JSON; None if the text is none."""
    stripped = text.strip()
    is_literal = "'" in text and stripped[:1] in "{[" and len(text) <= _LONGEST_PYTHON
    if not is_literal or has_odd_escape(text):
        return None
    try:
        tree = ast.parse(stripped, mode="eval")
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
                if len(keys) != len(node.keys) or not all(isinstance(key, str) for key in keys):
                    return None  # not a JSON object
                unique_keys([(str(key), None) for key in keys])
        return json.dumps(ast.literal_eval(tree))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _clean(value: Any, text: str) -> Any:
    """Replace lone surrogates, which cannot be printed or sent, and refuse very deep nesting."""
    if text.count("{") + text.count("[") > DEEPEST and _is_too_deep(value):
        raise ValueError("nested too deeply")
    return _without_surrogates(value) if _SURROGATE.search(text) else value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST + 1):
        lists = [item for item in level if isinstance(item, list)]
        dicts = [item.values() for item in level if isinstance(item, dict)]
        level = [*chain.from_iterable(lists), *chain.from_iterable(dicts)]
    return bool(level)


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return replace_surrogates(value)
        case list():
            return [_without_surrogates(item) for item in value]
        case dict():
            return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
        case _:
            return value
