"""Read a file in a tool's result: its text, a medium to show, or one line that describes it.

Nothing in this module may raise, and it must not open a file or a URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from langchain_segmind._messages import mime
from langchain_segmind._messages.media_fields import MediaFields, is_web_address, join_facts
from langchain_segmind._messages.text import replace_surrogates
from langchain_segmind._messages.types import MediaKind, MediaPart, TextPart

_SHORT: Final = 2_000
"""Characters of data that may go into a prompt as they are, where they may not be base64."""

_DETAILS: Final = ("low", "high", "auto")

_WITH_ARTICLE: Final[Mapping[MediaKind, str]] = {
    "image": "an image",
    "file": "a file",
    "audio": "an audio file",
    "video": "a video",
}


def read_file(kind: MediaKind, block: Mapping[Any, Any], where: str) -> TextPart | MediaPart | None:
    """Read a block whose type says that it holds a file.

    Returns:
        Its text, the medium, or a line about it. None if it is only a record with such a type.
    """
    file = MediaFields(kind, block, replace_surrogates)
    if file.detail not in _DETAILS:
        file.detail = None
    if file.text is not None:
        return _with_text(file, file.text)
    if file.data:
        return _read_data(file, file.data, where)
    return None if file.url is None else _read_url(file, where)


def describe(media: MediaPart) -> str:
    """Describe a medium in one line."""
    return _line(media, media.mime)


def _read_url(file: MediaFields, where: str) -> TextPart | MediaPart:
    media = file.media(where, file.mime)
    can_show = media.kind == "image" and is_web_address(media.url)
    return media if can_show else _described(file, media)


def _read_data(file: MediaFields, data: str, where: str) -> TextPart | MediaPart | None:
    encoded = mime.to_base64(data)
    is_short = len(data) <= _SHORT
    if not encoded:
        if is_short and (file.mime is None or mime.is_textual(file.mime)):
            return None
        problem = f"{len(data)} characters that are not base64"
        return _described(file, file.media(where, file.mime), problem)
    mime_type = mime.actual_mime(file.mime, encoded)
    media = file.media(where, mime_type, data=encoded)
    is_textual = mime.is_textual(mime_type)
    can_show = media.kind != "file" or mime_type == "application/pdf"
    if is_textual or not can_show:
        text = mime.decode_text(encoded, file.label, guess=is_textual)
        if text is not None:
            return _with_text(file, text)
    if mime_type is None and is_short and not file.is_encoded:
        return None  # `data` of an unknown type may be anything, so the block goes in as JSON
    if not mime.has_signature(mime_type, encoded):
        return _described(file, media, "its data is of another type")
    return media if can_show else _described(file, media)


def _with_text(file: MediaFields, text: str) -> TextPart:
    """Return the file's text, under a line that names the file if it has a name or a URL."""
    label = file.label if file.name or file.url else None
    return file.with_text(text, file.name, label, file.url, file.others)


def _described(file: MediaFields, media: MediaPart, problem: str = "") -> TextPart:
    return TextPart(_line(media, media.mime or file.label, problem, file.others))


def _line(
    media: MediaPart, mime_type: str | None, problem: str = "", other_fields: str | None = None
) -> str:
    size = None
    if media.data is not None:
        size = f"{len(media.data) * 3 // 4 - media.data[-2:].count('=')} bytes"
    facts = join_facts(media.name, mime_type, media.url, size, problem, other_fields)
    what = f"{media.kind} that is not shown"
    if media.url:
        what = f"link to {_WITH_ARTICLE[media.kind]}"
    return f"[{what}: {facts}]"
