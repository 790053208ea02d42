"""Read a media block of a user's message: an image, a document, audio or video.

A block that cannot be sent is an error that names its place; it must not be dropped or guessed at.
A tool's result follows other rules, in `result_files`.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

from langchain_segmind._messages.text import check_text
from langchain_segmind._messages.types import MediaKind, MediaPart, TextPart, invalid_request

MEDIA_BLOCKS: Final[Mapping[str, MediaKind]] = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "file": "file",
    "input_file": "file",
    "document": "file",
    "audio": "audio",
    "input_audio": "audio",
    "video": "video",
}
"""The kind of medium by a block's type, in LangChain's, OpenAI's and Anthropic's formats."""

_SIGNATURES: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"%PDF-", "application/pdf"),
)


def read_media(kind: MediaKind, block: Mapping[str, Any], where: str) -> MediaPart | TextPart:
    """Read a block in LangChain's new or old format, OpenAI's or Anthropic's.

    Raises:
        SegmindInvalidRequestError: If the block is in another format, or lacks something.
    """
    nested = (block[k] for k in ("image_url", "file", "input_audio", "source") if k in block)
    inner: Any = next(nested, {})
    inner = {"url": inner} if isinstance(inner, str) else inner
    if not isinstance(inner, Mapping):
        raise invalid_request(
            f"{where}: this block is not in a form that LangChain, OpenAI or Anthropic uses. Write "
            "it as {'type': 'image', 'base64': ..., 'mime_type': 'image/png'}"
        )
    if inner.get("type") == "text":  # Anthropic's form of a document that is plain text
        return TextPart(check_text(inner.get("data"), where))
    fields = {**block, **inner}
    url, data, mime = _content(kind, fields, where)
    name = _text_field(fields, ("filename", "name"), where)
    detail = _text_field(fields, ("detail",), where)
    return MediaPart(kind, where, data=data, mime=mime, url=url, name=name, detail=detail)


def _content(
    kind: MediaKind, fields: Mapping[str, Any], where: str
) -> tuple[str | None, str | None, str | None]:
    """Return the URL, the base64 data and the MIME type: either the URL or the data is None."""
    url = _text_field(fields, ("url",), where)
    data = _text_field(fields, ("base64", "data", "file_data"), where)
    mime = _text_field(fields, ("mime_type", "media_type"), where)
    if mime is None and "format" in fields:
        mime = f"{kind}/{fields['format']}"
    uri = data if url is None else url
    if uri is not None and uri.startswith("data:"):
        mime, data, url = *_split_data_uri(uri, where), None
    if (url is None) == (data is None):
        raise invalid_request(
            f"{where}: the gateway keeps no files. Pass either base64 data or a url"
        )
    if data is not None:
        mime = mime or mime_from_base64(data)
        if mime is None:
            raise invalid_request(f"{where}: mime_type is missing. Pass one, such as 'image/png'")
    return url, data, mime


def _text_field(fields: Mapping[str, Any], names: tuple[str, ...], where: str) -> str | None:
    for name in names:
        value = fields.get(name)
        if value is not None:
            return check_text(value, f"{where}: {name}")
    return None


def _split_data_uri(uri: str, where: str) -> tuple[str, str]:
    head, comma, data = uri.partition(",")
    mime, _, encoding = head.removeprefix("data:").rpartition(";")
    if not comma or encoding != "base64" or not data:
        raise invalid_request(
            f"{where}: invalid data URI. Write it as data:<mime type>;base64,<data>"
        )
    return mime.split(";")[0] or mime_from_base64(data) or "application/octet-stream", data


def mime_from_base64(data: str) -> str | None:
    """Return the MIME type that the first bytes show, or None."""
    try:
        start = b64decode(data[:16] + "=" * (-len(data[:16]) % 4))
    except ValueError:  # it is not base64
        return None
    return next((mime for at, sign, mime in _SIGNATURES if start.startswith(sign, at)), None)
