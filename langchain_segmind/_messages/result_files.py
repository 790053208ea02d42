"""Read a file in a tool's result: its text, a medium to show, or one line that describes it.

It reads the forms of LangChain, OpenAI, Anthropic, Google and MCP. Nothing in this module may
raise, and it must not open a file or a URL.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from langchain_segmind._messages.media import MEDIA_BLOCKS, mime_from_base64
from langchain_segmind._messages.text import as_json, collapse_whitespace, replace_surrogates
from langchain_segmind._messages.types import MediaKind, MediaPart, TextPart

FILE_BLOCKS: Final[Mapping[str, MediaKind]] = {
    **MEDIA_BLOCKS,
    "audio_url": "audio",
    "video_url": "video",
    "media": "file",  # langchain-google's
    "text-plain": "file",  # LangChain's
    "resource": "file",  # MCP's, as are `mimeType`, `uri` and `blob`
    "resource_link": "file",
}
"""The kind of medium by a block's type."""

_NESTED: Final = (
    "image_url",
    "audio_url",
    "video_url",
    "file",
    "input_audio",
    "source",
    "resource",
)
_URLS: Final = ("url", "uri", "file_uri")
_ENCODED: Final = ("base64", "file_data", "blob")
_DATA: Final = (*_ENCODED, "data")
_MIMES: Final = ("mime_type", "media_type", "mimeType")
_NAMES: Final = ("filename", "name", "title")
_KNOWN_KEYS: Final = frozenset(
    {*_NESTED, *_URLS, *_DATA, *_MIMES, *_NAMES, "type", "id", "index", "text", "detail", "format"}
    | {"source_type", "annotations", "cache_control", "citations", "_meta"}
)
_MIME_ALIASES: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "audio/x-wav": "audio/wav",
}
_VAGUE: Final = frozenset({"application/octet-stream", "binary/octet-stream"})
# Patterns are strings, which `re` compiles at the first file that a tool returns.
_MIME: Final = r"[a-z0-9.+-]{1,80}/[a-z0-9.+_-]{1,120}"
_CHARSET: Final = r"(?:utf|iso|windows|cp|latin|us|shift|gb|big5|euc|koi)[a-z0-9._:-]{0,40}"
_TEXTUAL: Final = r"(?s)text/.*|.*[/+](json|xml|yaml|csv|javascript|svg|html)"
_ADDRESS: Final = r"[A-Za-z][A-Za-z0-9+.-]*:\S"
_CONTROLS: Final = r"[\x00-\x08\x0e-\x1a\x1c-\x1f]"
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_SHORT: Final = 2_000
"""Characters of data that may go into a prompt as they are, where they may not be base64."""

_KINDS: Final[Mapping[str, MediaKind]] = {"image": "image", "audio": "audio", "video": "video"}
"""The kind of medium by the first half of a MIME type; of others it is "file"."""

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
    file = _File(kind, _flatten(block), where)
    if isinstance(file.fields.get("text"), str):
        return file.with_text(file.fields["text"])
    if file.data is not None:
        return _read_data(file, file.data)
    return None if file.url is None else _read_url(file, file.url)


def describe(media: MediaPart) -> str:
    """Describe a medium in one line."""
    return _line(media, media.mime)


def _flatten(block: Mapping[Any, Any]) -> dict[Any, Any]:
    nested = next((block[key] for key in _NESTED if block.get(key) is not None), None)
    if isinstance(nested, str):
        is_address = re.match(_ADDRESS, nested) or isinstance(block.get("image_url"), str)
        return {**block, "url": nested} if is_address else dict(block)
    if not isinstance(nested, Mapping):
        return dict(block)
    fields = {**block, **nested}
    if nested.get("type") == "text" and "text" not in nested:  # Anthropic's plain text document
        fields["text"] = nested.get("data")
    return fields


class _File:
    """What is known of a file from its block, and its content: base64 data or a URL."""

    def __init__(self, kind: MediaKind, fields: Mapping[Any, Any], where: str) -> None:
        self.fields = fields
        self.name, self.url = _first(fields, _NAMES), _first(fields, _URLS)
        self.label = _first(fields, _MIMES)
        if self.label is None and isinstance(fields.get("format"), str):
            self.label = replace_surrogates(f"{kind}/{fields['format']}")
        raw = [v for name in _DATA if isinstance(v := fields.get(name), bytes | bytearray)]
        self.data = b64encode(raw[0]).decode() if raw else _first(fields, _DATA)
        if self.url is not None and _is_data_uri(self.url):
            self.data, self.url = self.data or self.url, None
        if self.data is not None and _is_data_uri(self.data):
            self.label, self.data = _split_data_uri(self.data, self.label)
        mime = (self.label or "").split(";")[0].strip().lower()
        self.mime = _MIME_ALIASES.get(mime, mime) if re.fullmatch(_MIME, mime) else None
        others = {k: v for k, v in fields.items() if k not in _KNOWN_KEYS and v is not None}
        self._others = as_json(others) if others else None
        self._kind = kind
        self._where = where

    def media(self, mime: str | None, *, data: str | None = None) -> MediaPart:
        """Return the file as a medium; beside data, its URL is only a name."""
        url = self.url if self.data is None else None
        name = self.name or (None if url else self.url)
        detail = self.fields.get("detail")
        return MediaPart(
            _KINDS.get(mime.partition("/")[0], "file") if mime else self._kind,
            self._where,
            data=data,
            mime=mime,
            url=url,
            name=None if name is None else collapse_whitespace(name),
            detail=detail if detail in ("low", "high", "auto") else None,
        )

    def with_text(self, text: str) -> TextPart:
        """Return the file's text, under a line that names the file if it has a name or a URL."""
        label = self.label if self.name or self.url else None
        facts = _facts(self.name, label, self.url, self._others)
        text = replace_surrogates(text)
        return TextPart(f"[file: {facts}]\n{text}" if facts else text)

    def line(self, media: MediaPart, problem: str = "") -> TextPart:
        """Describe the file in one line."""
        return TextPart(_line(media, media.mime or self.label, problem, self._others))


def _first(fields: Mapping[Any, Any], names: tuple[str, ...]) -> str | None:
    values = (fields.get(name) for name in names)
    return next((replace_surrogates(v) for v in values if isinstance(v, str) and v), None)


def _is_data_uri(url: str) -> bool:
    return url[:5].lower() == "data:"


def _split_data_uri(uri: str, label: str | None) -> tuple[str | None, str]:
    """Return the type and the base64 data of a data URI."""
    head, _, data = uri[5:].partition(",")
    mime, _, encoding = head.rpartition(";")
    if encoding.strip().lower() == "base64":
        return mime or label, data
    return head or label or "text/plain", b64encode(unquote_to_bytes(data)).decode()


def _read_url(file: _File, url: str) -> TextPart | MediaPart:
    media = file.media(file.mime)
    is_web = url.lower().startswith(("https://", "http://")) and not re.search(r"[\s<>]", url)
    return media if media.kind == "image" and is_web else file.line(media)


def _read_data(file: _File, data: str) -> TextPart | MediaPart | None:
    encoded = _as_base64(data)
    is_short = len(data) <= _SHORT
    if not encoded:
        is_binary = file.mime is not None and not re.fullmatch(_TEXTUAL, file.mime)
        problem = f"{len(data)} characters that are not base64"
        return None if is_short and not is_binary else file.line(file.media(file.mime), problem)
    mime = _mime_of(file.mime, encoded)
    media = file.media(mime, data=encoded)
    is_textual = mime is not None and re.fullmatch(_TEXTUAL, mime) is not None
    can_show = media.kind != "file" or mime == "application/pdf"
    if is_textual or not can_show:
        text = _decode(encoded, file.label or "", guess=is_textual)
        if text is not None:
            return file.with_text(text)
    if mime is None and is_short and not any(file.fields.get(k) for k in _ENCODED):
        return None  # `data` of an unknown type may be anything, so the block goes in as JSON
    return media if can_show else file.line(media)


def _mime_of(label: str | None, encoded: str) -> str | None:
    """Return the type of data. Providers refuse an image whose label its data contradicts."""
    if label is not None and label not in _VAGUE and not label.startswith("image/"):
        return label
    return mime_from_base64(encoded) or (None if label in _VAGUE else label)


def _as_base64(data: str) -> str | None:
    """Return data as strict decoders take base64; None if it is not base64.

    It has no white space, is padded, and ends in zero bits: `QR==` becomes `QQ==`.
    """
    try:
        encoded = data.encode("ascii").translate(_URL_SAFE, b" \r\n\t").rstrip(b"=")
    except UnicodeEncodeError:
        return None
    excess = len(encoded) % 4
    if excess == 1 or encoded.translate(None, _BASE64):  # much faster than a regex
        return None
    if excess:
        last = b64decode(encoded[-excess:] + b"=" * (4 - excess))
        encoded = encoded[:-excess] + b64encode(last)
    return encoded.decode()


def _decode(encoded: str, mime: str, *, guess: bool) -> str | None:
    """Return the text that canonical base64 holds; None if it is not text."""
    raw = b64decode(encoded)
    charset = _charset(mime)
    encodings = [charset] if charset else []
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings.append("utf-16")
    encodings.append("utf-8-sig")
    if guess:
        encodings.append("cp1252")  # what Excel writes
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except (LookupError, ValueError):
            continue
        if not re.search(_CONTROLS, text):
            return replace_surrogates(text)  # UTF-7 can hold them
    return None


def _charset(mime: str) -> str | None:
    """Return the character set that a media type names, if Python may be asked for it."""
    for parameter in mime.lower().split(";")[1:]:
        key, _, value = parameter.partition("=")
        name = value.strip().strip("\"'")
        if key.strip() == "charset" and re.fullmatch(_CHARSET, name):
            return name
    return None


def _line(
    media: MediaPart, mime: str | None, problem: str = "", other_fields: str | None = None
) -> str:
    size = None
    if media.data is not None:
        size = f"{len(media.data) * 3 // 4 - media.data[-2:].count('=')} bytes"
    facts = _facts(media.name, mime, media.url, size, problem, other_fields)
    what = f"{media.kind} that is not shown"
    if media.url:
        what = f"link to {_WITH_ARTICLE[media.kind]}"
    return f"[{what}: {facts}]"


def _facts(*facts: str | None) -> str:
    return ", ".join(collapse_whitespace(fact) for fact in facts if fact)
