"""Small checks the families share: each returns what it was given, or refuses and says where."""

import base64
import binascii
import json
from collections.abc import Collection
from typing import Any, NoReturn

from langchain_segmind.testing.errors import RefusalError

_BAD_REQUEST = 400

_IMAGE_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def refuse(message: str) -> NoReturn:
    """Refuse a body as malformed."""
    raise RefusalError(_BAD_REQUEST, message)


def json_body(raw: bytes) -> Any:
    """Read strict JSON.

    Args:
        raw: The bytes of a body.

    Returns:
        The value.

    Raises:
        RefusalError: It is not UTF-8, not JSON, nested too deeply, or holds NaN or Infinity.
    """
    try:
        return json.loads(raw.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RefusalError(_BAD_REQUEST, f"Invalid JSON body: {error}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def fields(
    value: Any, where: str, required: Collection[str] = (), optional: Collection[str] | None = ()
) -> dict[str, Any]:
    """Check that a value is an object with the right keys.

    Args:
        value: The value.
        where: Its place in the body, for the refusal.
        required: Keys that must be there.
        optional: Further keys that may be there; None allows any.
    """
    if not isinstance(value, dict):
        refuse(f"{where}: expected an object, got {_kind(value)}")
    if missing := [key for key in required if key not in value]:
        refuse(f"{where}: missing field '{missing[0]}'")
    if optional is not None and (unknown := sorted(value.keys() - {*required, *optional})):
        refuse(f"{where}: unknown field '{unknown[0]}'")
    return value


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
    if not string(value, where):
        refuse(f"{where}: text must not be empty")
    return str(value)


def filled_string(value: Any, where: str) -> str:
    """Check that a value is text with something in it besides white space."""
    if not string(value, where).strip():
        refuse(f"{where}: text must be non-empty")
    return str(value)


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
    if not data:
        refuse(f"{where}: empty data")
    return data


def image_type(data: bytes, where: str) -> str:
    """Tell the media type of an image by its first bytes."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    for beginning, mime in _IMAGE_BEGINNINGS.items():
        if data.startswith(beginning):
            return mime
    refuse(f"{where}: not a PNG, JPEG, GIF or WebP image")


def pdf(data: bytes, where: str) -> bytes:
    """Check that data begins as a PDF does."""
    if not data.startswith(b"%PDF-"):
        refuse(f"{where}: not a PDF document")
    return data


def shown(value: Any) -> str:
    """Write a value for an error message, shortened."""
    limit = 60
    text = json.dumps(value)
    return text if len(text) <= limit else f"{text[:limit]}…"


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list" if value else "an empty list"
        case _:
            return "an object"
