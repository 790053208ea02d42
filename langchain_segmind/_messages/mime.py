"""Recognize the type and the encoding of a medium: labels, first bytes, base64 and data URIs.

Every function accepts any text, and returns None for what it cannot read: none may raise. They are
used for a user's blocks, where the caller raises, and for tools' results, where nobody may.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, unquote_to_bytes

from langchain_segmind._messages.text import replace_surrogates
from langchain_segmind._messages.types import MediaKind

IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Images that OpenAI and Anthropic document; Gemini has its own list."""

_MP4_AUDIO: Final = ("audio/mp4", "audio/m4a", "audio/x-m4a", "audio/aac", "video/mp4")
# Patterns are bytes and strings, which `re` compiles at the first medium.
_SIGNATURES: Final = (
    (rb"\x89PNG\r\n\x1a\n", ("image/png",)),
    (rb"\xff\xd8\xff", ("image/jpeg",)),
    (rb"GIF8[79]a", ("image/gif",)),
    (rb"RIFF....WEBP", ("image/webp",)),
    (rb"(?:\xef\xbb\xbf)?\s{0,16}%PDF-", ("application/pdf",)),
    (rb"BM....\0\0\0\0", ("image/bmp",)),
    (rb"II\*\0|MM\0\*", ("image/tiff",)),
    (rb"....ftyp(?:hei|hev)", ("image/heic", "image/heif")),
    (rb"....ftypm[is]f1", ("image/heif", "image/heic", "image/avif")),
    (rb"....ftypavi", ("image/avif",)),
    (rb"....ftypM4A", _MP4_AUDIO),
    (rb"....ftypqt", ("video/quicktime", "video/mov")),
    (rb"....ftyp3g", ("video/3gpp",)),
    (rb"....ftyp", ("video/mp4", *_MP4_AUDIO)),
    (rb"\x1aE\xdf\xa3", ("video/webm", "audio/webm", "video/x-matroska")),
    (rb"RIFF....AVI ", ("video/avi",)),
    (rb"0&\xb2u\x8ef\xcf\x11", ("video/wmv", "audio/wma", "audio/x-ms-wma")),
    (rb"FLV\x01", ("video/x-flv",)),
    (rb"\0\0\x01[\xb3\xba]", ("video/mpeg", "video/mpg")),
    (rb"RIFF....WAVE", ("audio/wav",)),
    (rb"ID3[\x02-\x04]|\xff[\xe3\xf2\xf3\xfa\xfb]", ("audio/mpeg", "audio/mp3")),
    (rb"OggS\0", ("audio/ogg", "audio/opus", "video/ogg")),
    (rb"fLaC[\0\x80]", ("audio/flac",)),
    (rb"FORM....AIF[FC]", ("audio/aiff",)),
    (rb"\xff[\xf0\xf1\xf8\xf9]", ("audio/aac",)),
)
"""First bytes, and the types that have them: the usual one first."""

_CHECKED: Final = IMAGE_TYPES | {"application/pdf"}
"""Types whose files always have their first bytes."""

_ALIASES: Final = {
    "image/jpg": "image/jpeg",
    "image/jpe": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/x-ms-bmp": "image/bmp",
    "application/x-pdf": "application/pdf",
    "application/acrobat": "application/pdf",
    "text/pdf": "application/pdf",
    "application/txt": "text/plain",
    "application/csv": "text/csv",
    "application/md": "text/markdown",
    "application/html": "text/html",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-mp3": "audio/mp3",
    "audio/mpeg3": "audio/mpeg",
    "audio/x-mpeg": "audio/mpeg",
    "audio/x-aiff": "audio/aiff",
    "audio/x-aac": "audio/aac",
    "audio/x-flac": "audio/flac",
    "video/x-mp4": "video/mp4",
}
_VAGUE: Final = frozenset(
    {f"application/{x}" for x in ("octet-stream", "binary", "unknown", "x-download", "download")}
    | {"application/force-download", "binary/octet-stream", "unknown/unknown", "content/unknown"}
    | {"image/image", "audio/audio", "video/video", "application/file"}
)
"""Labels that say nothing."""

_KINDS: Final[Mapping[str, MediaKind]] = {"image": "image", "audio": "audio", "video": "video"}
_MIME: Final = r"[a-z0-9.+-]{1,80}/[a-z0-9.+_-]{1,120}"
_CHARSET: Final = r"(?:utf|iso|windows|cp|latin|us|shift|gb|big5|euc|koi)[a-z0-9._:-]{0,40}"
_TEXTUAL: Final = r"(?s)text/.*|.*[/+](json|xml|yaml|csv|javascript|svg|html)"
_CONTROLS: Final = r"[\x00-\x08\x0e-\x1a\x1c-\x1f]"
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_CHUNK: Final = 64 * 1024
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


def clean_label(label: str, kind: MediaKind) -> str | None:
    """Return a label's usual spelling, without parameters; None if it says nothing.

    Args:
        label: A MIME type as people write it, as `IMAGE/JPG; q=1`, or a format, as `png`.
        kind: What the block says it is: the first half of a type that has only a second.
    """
    mime = label.partition(";")[0].strip().lower()
    if "/" not in mime:
        mime = f"{'application' if kind == 'file' else kind}/{mime.lstrip('.')}"
    mime = _ALIASES.get(mime, mime)
    return mime if mime not in _VAGUE and re.fullmatch(_MIME, mime) else None


def kind_of(mime: str) -> MediaKind:
    """Return the kind of a medium by its type; of all that can be neither seen nor heard: file."""
    return _KINDS.get(mime.partition("/")[0], "file")


def is_textual(mime: str | None) -> bool:
    """Return whether a type is one of texts."""
    return mime is not None and re.fullmatch(_TEXTUAL, mime) is not None


def types_from_bytes(start: bytes) -> tuple[str, ...]:
    """Return the types whose files begin with these bytes, the usual one first."""
    matches = (types for sign, types in _SIGNATURES if re.match(sign, start, re.DOTALL))
    return next(matches, ())


def actual_mime(label: str | None, encoded: str) -> str | None:
    """Return the type that data shows, else its label: providers refuse a label that is wrong.

    Args:
        label: The type that the block says, as `clean_label` returns it.
        encoded: The data, in canonical base64.
    """
    types = types_from_bytes(b64decode(encoded[:64]))
    return label if not types or label in types else types[0]


def has_signature(mime: str | None, encoded: str) -> bool:
    """Return whether data begins as files of its type do; True for types that begin anyhow."""
    if mime not in _CHECKED:
        return True
    start = b64decode(encoded[:1368])  # a PDF may begin later, within 1,024 bytes
    return mime in types_from_bytes(start) or (mime == "application/pdf" and b"%PDF-" in start)


def to_base64(data: str) -> str | None:
    """Return data as strict decoders take base64; None if it is not base64.

    It has no white space, is padded, and ends in zero bits: `QR==` becomes `QQ==`.
    """
    if _is_canonical(data):
        return data
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


def _is_canonical(data: str) -> bool:
    """Return whether data needs no change, as nearly all; it may be big, so it is not copied."""
    end = len(data) - 4
    chunks = (data[at : min(at + _CHUNK, end)] for at in range(0, end, _CHUNK))
    if end % 4 or not all(
        chunk.isascii() and not chunk.encode().translate(None, _BASE64) for chunk in chunks
    ):
        return False
    try:
        return b64encode(b64decode(data[end:], validate=True)).decode() == data[end:]
    except ValueError:
        return False


def encode_bytes(raw: bytes, *, is_base64: bool) -> str:
    """Return bytes as base64, unless `base64.b64encode` has made them: its result is bytes too.

    Args:
        raw: The bytes.
        is_base64: Whether they stand where base64 is expected.
    """
    if raw.isascii() and not types_from_bytes(raw[:48]):
        text = raw.decode()
        encoded = to_base64(text)
        if encoded and (is_base64 or types_from_bytes(b64decode(encoded[:64]))):
            return text
    return b64encode(raw).decode()


def is_data_uri(url: str) -> bool:
    """Return whether a URL holds its data."""
    return url[:5].lower() == "data:"


def split_data_uri(uri: str) -> tuple[str | None, str]:
    """Return the label and the base64 of a data URI: without a comma, the base64 is empty."""
    head, _, data = uri[5:].partition(",")
    parts = [part for part in head.split(";") if part.strip()]
    labels = [part for part in parts if part.strip().lower() != "base64"]
    label = ";".join(labels) or None
    if len(labels) < len(parts):
        return label, unquote(data) if "%" in data else data
    # Some forget `;base64`.
    return label or "text/plain", encode_bytes(unquote_to_bytes(data), is_base64=False)


def decode_text(encoded: str, label: str | None, *, guess: bool) -> str | None:
    """Return the text in canonical base64; None if it is not text.

    Args:
        encoded: The data.
        label: Its type with parameters, of which the character set counts.
        guess: Whether it must be text, so that any character set may be tried.
    """
    raw = b64decode(encoded)
    charset = _charset(label or "")
    encodings = [charset] if charset else []
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings.append("utf-16")
    encodings.append("utf-8-sig")
    if guess:
        encodings.append("cp1252")  # what Excel writes
    for encoding in encodings:
        try:
            text: Any = raw.decode(encoding)
        except (LookupError, ValueError):
            continue
        if not re.search(_CONTROLS, text):
            return replace_surrogates(text)  # UTF-7 can hold them
    return None


def _charset(label: str) -> str | None:
    """Return the character set that a label names, if Python may be asked for it."""
    for parameter in label.lower().split(";")[1:]:
        key, _, value = parameter.partition("=")
        name = value.strip().strip("\"'")
        if key.strip() == "charset" and re.fullmatch(_CHARSET, name):
            return name
    return None
