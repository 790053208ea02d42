"""Check parts of a request body: each check returns what it was given, or refuses and says where.

It must not know any family's format; the families keep tables of the rules for their settings. A
setting that is not in a table is forwarded unchecked, as the real gateway does.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn, TypeVar

from langchain_segmind.testing.answers import RefusalError

T = TypeVar("T")

_IMAGE_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def refuse(message: str) -> NoReturn:
    """Refuse a body as malformed."""
    raise RefusalError(400, message)


def json_body(raw: bytes) -> Any:
    """Parse strict JSON: UTF-8, no NaN or Infinity, not nested too deeply for Python."""
    try:
        return json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RefusalError(400, f"Invalid JSON body: {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def fields(
    value: Any, where: str, required: Collection[str] = (), optional: Collection[str] | None = ()
) -> dict[str, Any]:
    """Check that a value is an object with the right keys; `optional` None allows any more."""
    if not isinstance(value, dict):
        refuse(f"{where}: expected an object, got {_kind(value)}")
    if missing := [key for key in required if key not in value]:
        refuse(f"{where}: missing field '{missing[0]}'")
    if optional is not None and (unknown := sorted(value.keys() - {*required, *optional})):
        refuse(f"{where}: unknown field '{unknown[0]}'")
    return value


def field(value: Any, where: str, name: str, *others: str) -> Any:
    """Return one field of an object that must have exactly these."""
    return fields(value, where, [name, *others])[name]


def type_of(value: Any, where: str, *allowed: str) -> str:
    """Return the ``type`` of an object, which must be one of these."""
    return one_of(fields(value, where, ["type"], None)["type"], f"{where}.type", allowed)


def each(
    value: Any, where: str, read: Callable[..., T], *more: Any, place: str = "{}[{}]"
) -> list[T]:
    """Read every item of a non-empty list, with its place and what else the reader takes."""
    listed = filled_list(value, where)
    return [read(item, place.format(where, at), *more) for at, item in enumerate(listed)]


def filled_list(value: Any, where: str) -> list[Any]:
    """Check that a value is a list with something in it."""
    if not isinstance(value, list) or not value:
        refuse(f"{where}: expected a non-empty list, got {_kind(value)}")
    return value


def string(value: Any, where: str) -> str:
    """Check that a value is text."""
    if not isinstance(value, str):
        refuse(f"{where}: expected a string, got {_kind(value)}")
    return value


def some_string(value: Any, where: str) -> str:
    """Check that a value is text of at least one character."""
    return string(value, where) or refuse(f"{where}: text must not be empty")


def filled_string(value: Any, where: str) -> str:
    """Check that a value is text with something in it besides white space."""
    if not string(value, where).strip():
        refuse(f"{where}: text must be non-empty")
    return str(value)


def name_string(value: Any, where: str) -> str:
    """Check that a value can be the name of a tool, of a schema or of whoever wrote a message."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        refuse(f"{where}: expected 1 to 64 letters, digits, dashes and underscores")
    return value


def boolean(value: Any, where: str) -> bool:
    """Check that a value is true or false."""
    if not isinstance(value, bool):
        refuse(f"{where}: expected a boolean")
    return value


def one_of(value: Any, where: str, allowed: Collection[str]) -> str:
    """Check that a value is one of a few words."""
    if not isinstance(value, str) or value not in allowed:
        refuse(f"{where}: expected one of {', '.join(sorted(allowed))}, got {shown(value)}")
    return value


def decoded(value: Any, where: str) -> bytes:
    """Check that a value is base64, and decode it."""
    try:
        data = base64.b64decode(string(value, where), validate=True)
    except (binascii.Error, ValueError):
        refuse(f"{where}: not valid base64")
    return data or refuse(f"{where}: empty data")


def image_type(data: bytes, where: str) -> str:
    """Return the media type of an image by its first bytes."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    for beginning, mime in _IMAGE_BEGINNINGS.items():
        if data.startswith(beginning):
            return mime
    refuse(f"{where}: not a PNG, JPEG, GIF or WebP image")


def pdf(data: bytes, where: str) -> bytes:
    """Check that data begins as a PDF does: its mark may come a little later."""
    if b"%PDF-" not in data[:1024]:
        refuse(f"{where}: not a PDF document")
    return data


def shown(value: Any) -> str:
    """Write a value for an error message, shortened."""
    limit = 60
    text = json.dumps(value)
    return text if len(text) <= limit else f"{text[:limit]}…"


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    return "null" if value is None else kinds.get(type(value), "an object")


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


STOP_NAMES = ("stop", "stop_sequences", "stopSequences")

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
    for name in STOP_NAMES:
        value = settings.get(name, ())
        found += [value] if isinstance(value, str) else [str(item) for item in value or ()]
    return tuple(found)
