"""Read what a tool returned: text as text, media as media, and everything else in words.

A result stays in its conversation, so an error here would end every later turn too: nothing in
this module raises, whatever a tool returns. It never opens a file or an address.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from langchain_segmind._messages.types import MediaKind, MediaPart, TextPart

Shows = Callable[[MediaPart], bool]

_TEXTS: Final = frozenset({"text", "input_text", "output_text", "refusal"})
_BESIDE_TEXT: Final = frozenset(
    {"type", "text", "id", "index", "annotations", "citations", "cache_control", "extras", "_meta"}
)
"""Keys of a text block that say nothing of their own. One with others is told as JSON."""
_KINDS: Final[Mapping[str, MediaKind]] = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "audio": "audio",
    "audio_url": "audio",
    "input_audio": "audio",
    "video": "video",
    "video_url": "video",
    "file": "file",
    "input_file": "file",
    "document": "file",
    "media": "file",  # langchain-google's
    "text-plain": "file",  # LangChain's
    "resource": "file",  # MCP's, as are `mimeType`, `uri` and `blob`
    "resource_link": "file",
}
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
_READ: Final = frozenset(
    {*_NESTED, *_URLS, *_DATA, *_MIMES, *_NAMES, "type", "id", "index", "text", "detail", "format"}
    | {"source_type", "annotations", "cache_control", "citations", "_meta"}
)
_SAME: Final = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "audio/x-wav": "audio/wav"}
_SIGNATURES: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"%PDF-", "application/pdf"),
)
_VAGUE: Final = frozenset({"application/octet-stream", "binary/octet-stream"})
_MIME: Final = re.compile(r"[a-z0-9.+-]{1,80}/[a-z0-9.+_-]{1,120}")
_CHARSET: Final = re.compile(
    r"(?:utf|iso|windows|cp|latin|us|shift|gb|big5|euc|koi)[a-z0-9._:-]{0,40}"
)
_TEXTUAL: Final = re.compile(r"text/.*|.*[/+](json|xml|yaml|csv|javascript|svg|html)", re.DOTALL)
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_WRAPPED: Final = "non_standard"
_SHORT: Final = 2_000
"""Characters of data that may stand in a prompt as they are, where they may not be base64."""


def read_result(content: Any, where: str) -> tuple[TextPart | MediaPart, ...]:
    """Read a result's content.

    Args:
        content: What LangChain holds, or anything else.
        where: Names the message.
    """
    if isinstance(content, str):
        return (TextPart(replace_surrogates(content)),) if content else ()
    blocks = content if isinstance(content, list | tuple) else [content]
    parts = [_read_block(block, f"{where}, block {i}") for i, block in enumerate(blocks)]
    return tuple([part for part in parts if not isinstance(part, TextPart) or part.text])


def protect(blocks: list[Any]) -> list[Any]:
    """Wrap blocks that langchain-core 1.x would convert, and might raise for, as non-standard.

    It converts blocks before a model sees them: those of the types below by their old and OpenAI's
    form, which records of a tool's own can look like. `read_result` unwraps them.
    """
    if all(map(_is_safe, blocks)):
        return blocks
    return [b if _is_safe(b) else {"type": _WRAPPED, "value": b} for b in blocks]


def _is_safe(block: Any) -> bool:
    if not isinstance(block, dict):
        return True
    kind = block.get("type")
    if not isinstance(kind, str | None):
        return False
    if kind not in ("image", "audio", "file", "input_audio"):
        return True
    if "source_type" in block or isinstance(block.get(kind), dict):
        return False
    if kind != "image" or "url" in block:
        return True
    return "mime_type" in block if "base64" in block else "text" not in block


def show(
    parts: tuple[TextPart | MediaPart, ...], shows: Shows | None
) -> list[TextPart | MediaPart]:
    """Describe the media that a model cannot be shown, and join texts that are neighbors.

    Args:
        parts: Of a result.
        shows: Whether a model can be shown a medium; None if it can be shown any.
    """
    shown: list[TextPart | MediaPart] = []
    texts: list[str] = []
    for part in parts:
        if isinstance(part, MediaPart) and (shows is None or shows(part)):
            if texts:
                shown.append(TextPart("\n".join(texts)))
            shown.append(part)
            texts = []
        else:
            texts.append(_describe(part) if isinstance(part, MediaPart) else part.text)
    if texts:
        shown.append(TextPart("\n".join(texts)))
    return shown


def only_text(parts: tuple[TextPart | MediaPart, ...]) -> str:
    """Give a result in words alone."""
    return "\n".join(
        _describe(part) if isinstance(part, MediaPart) else part.text for part in parts
    )


def replace_surrogates(text: str) -> str:
    """Replace each half of a surrogate pair, which cannot be sent, with U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def as_json(value: Any) -> str:
    """Write a value as JSON, and what JSON cannot hold as text. Never raises."""
    for write in (_dump, repr):
        try:
            return replace_surrogates(write(value))
        except Exception:  # noqa: BLE001, S112, PERF203 - a tool's own objects may raise anything
            continue
    return f"({type(value).__name__}, which cannot be printed)"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_printed)


def _printed(value: Any) -> str:
    return f"({len(value)} bytes)" if isinstance(value, bytes | bytearray) else str(value)


# --- blocks ----------------------------------------------------------------------------------


def _read_block(block: Any, where: str) -> TextPart | MediaPart:
    part: TextPart | MediaPart | None = None
    if isinstance(block, str):
        return TextPart(replace_surrogates(block))
    if isinstance(block, dict) and block.keys() == {"type", "value"} and block["type"] == _WRAPPED:
        block = block["value"]
    if isinstance(block, dict):
        kind = block.get("type", "text")
        if not isinstance(kind, str):
            pass
        elif kind in _TEXTS:
            part = _read_text(block, "refusal" if kind == "refusal" else "text")
        elif kind in _KINDS:
            part = _read_file(_KINDS[kind], block, f"{where} ({kind})")
    return TextPart(as_json(block)) if part is None else part


def _read_text(block: Mapping[Any, Any], key: str) -> TextPart | None:
    said = block.get(key)
    others = any(k not in _BESIDE_TEXT and k != key and v is not None for k, v in block.items())
    return None if others or not isinstance(said, str) else TextPart(replace_surrogates(said))


def _read_file(
    kind: MediaKind, block: Mapping[Any, Any], where: str
) -> TextPart | MediaPart | None:
    """Read a block that LangChain, OpenAI, Anthropic, Google or MCP would take for a file.

    Returns:
        Its text, the medium, or a line about it. None if it is only a record with such a type.
    """
    fields = _flatten(block)
    label = _Label(kind, fields, where)
    text = fields.get("text")
    if isinstance(text, str):
        return label.with_text(text)
    data = _data_of(fields)
    url = _first(fields, _URLS)
    if data is None and url is not None and url[:5].lower() == "data:":
        data, url = url, None
    if data is not None:
        return _read_data(label, data)
    return None if url is None else _read_url(label, url)


def _flatten(block: Mapping[Any, Any]) -> dict[Any, Any]:
    nested = next((block[key] for key in _NESTED if block.get(key) is not None), None)
    if isinstance(nested, str):
        is_address = _ADDRESS.match(nested) or isinstance(block.get("image_url"), str)
        return {**block, "url": nested} if is_address else dict(block)
    if not isinstance(nested, Mapping):
        return dict(block)
    fields = {**block, **nested}
    if nested.get("type") == "text" and "text" not in nested:  # Anthropic's plain text document
        fields["text"] = nested.get("data")
    return fields


def _first(fields: Mapping[Any, Any], names: tuple[str, ...]) -> str | None:
    values = (fields.get(name) for name in names)
    return next((replace_surrogates(v) for v in values if isinstance(v, str) and v), None)


def _data_of(fields: Mapping[Any, Any]) -> str | None:
    raw = next((v for name in _DATA if isinstance(v := fields.get(name), bytes | bytearray)), None)
    return _first(fields, _DATA) if raw is None else b64encode(raw).decode()


class _Label:
    """What is known of a file beside its content."""

    def __init__(self, kind: MediaKind, fields: Mapping[Any, Any], where: str) -> None:
        self.written = _first(fields, _MIMES)
        if self.written is None and isinstance(fields.get("format"), str):
            self.written = replace_surrogates(f"{kind}/{fields['format']}")
        self.name = _first(fields, _NAMES)
        address = _first(fields, _URLS)
        self._address = None if (address or "")[:5].lower() == "data:" else address
        self.has_encoded = any(fields.get(key) for key in _ENCODED)
        self._fields = fields
        self._kind = kind
        self._where = where

    @property
    def mime(self) -> str | None:
        mime = (self.written or "").split(";")[0].strip().lower()
        return _SAME.get(mime, mime) if _MIME.fullmatch(mime) else None

    def media(
        self, mime: str | None, *, data: str | None = None, url: str | None = None
    ) -> MediaPart:
        kind = self._kind
        if mime is not None:
            start = mime.partition("/")[0]
            of_start: Mapping[str, MediaKind] = {"image": "image", "audio": "audio"}
            kind = "video" if start == "video" else of_start.get(start, "file")
        detail = self._fields.get("detail")
        name = self.name if data is None else self.name or self._address
        return MediaPart(
            kind,
            self._where,
            data=data,
            mime=mime,
            url=url,
            name=None if name is None else _one_line(name),
            detail=detail if detail in ("low", "high", "auto") else None,
        )

    def with_text(self, text: str) -> TextPart:
        """Give the text of a file, under a line that says which file it is if that is known."""
        mime = self.written if self.name or self._address else None
        known = self._known(self.name, mime, self._address)
        text = replace_surrogates(text)
        return TextPart(f"[file: {known}]\n{text}" if known else text)

    def line(self, media: MediaPart, trouble: str = "") -> TextPart:
        """Tell of a file in one line."""
        mime = media.mime or self.written
        return TextPart(_line(media, trouble, mime, self._others()))

    def _known(self, *facts: str | None) -> str:
        return ", ".join(_one_line(fact) for fact in (*facts, self._others()) if fact)

    def _others(self) -> str | None:
        others = {
            key: value
            for key, value in self._fields.items()
            if key not in _READ and value is not None
        }
        return as_json(others) if others else None


def _read_url(label: _Label, url: str) -> TextPart | MediaPart:
    media = label.media(label.mime, url=url)
    is_web = url.lower().startswith(("https://", "http://")) and not re.search(r"[\s<>]", url)
    return media if media.kind == "image" and is_web else label.line(media)


def _read_data(label: _Label, data: str) -> TextPart | MediaPart | None:
    if data[:5].lower() == "data:":
        label.written, data = _split_data_uri(data, label.written)
    encoded = _as_base64(data)
    if not encoded:
        return _read_broken(label, data)
    mime = _mime_of(label.mime, encoded)
    media = label.media(mime, data=encoded)
    is_textual = mime is not None and _TEXTUAL.fullmatch(mime) is not None
    if is_textual or not _may_be_shown(media):
        text = _decode(encoded, label.written or "", guess=is_textual)
        if text is not None:
            return label.with_text(text)
    if mime is None and not label.has_encoded and len(data) <= _SHORT:
        return None  # `data` of no known type may be anything, so it is told as it is
    return media if _may_be_shown(media) else label.line(media)


def _read_broken(label: _Label, data: str) -> TextPart | None:
    is_binary = label.mime is not None and not _TEXTUAL.fullmatch(label.mime)
    if len(data) <= _SHORT and not is_binary:
        return None
    return label.line(label.media(label.mime), f"{len(data)} characters that are not base64")


def _split_data_uri(uri: str, written: str | None) -> tuple[str | None, str]:
    """Give the type and the base64 data of a data URI."""
    head, _, data = uri[5:].partition(",")
    mime, _, encoding = head.rpartition(";")
    if encoding.strip().lower() == "base64":
        return mime or written, data
    return head or written or "text/plain", b64encode(unquote_to_bytes(data)).decode()


def _mime_of(labeled: str | None, encoded: str) -> str | None:
    """Give the type of data. Providers refuse an image whose label is not what its data says."""
    if labeled is not None and labeled not in _VAGUE and not labeled.startswith("image/"):
        return labeled
    start = b64decode(encoded[:16])
    found = (mime for at, sign, mime in _SIGNATURES if start.startswith(sign, at))
    return next(found, None if labeled in _VAGUE else labeled)


def _may_be_shown(media: MediaPart) -> bool:
    return media.kind != "file" or media.mime == "application/pdf"


def _as_base64(data: str) -> str | None:
    """Return data as strict decoders take base64; None if it is not base64.

    It has no white space, is padded, and ends in zero bits: `QR==` becomes `QQ==`.
    """
    try:
        given = encoded = data.encode("ascii")
    except UnicodeEncodeError:
        return None
    other = encoded.rstrip(b"=\r\n\t ").translate(None, _BASE64)  # much faster than a regex
    if other:
        if other.translate(None, b"-_ \r\n\t"):
            return None
        encoded = encoded.translate(bytes.maketrans(b"-_", b"+/"), b" \r\n\t")
    encoded = encoded.rstrip(b"=\r\n\t ")
    if len(encoded) % 4 == 1:
        return None
    whole, rest = encoded[: len(encoded) // 4 * 4], encoded[len(encoded) // 4 * 4 :]
    if rest:
        whole += b64encode(b64decode(rest + b"=" * (4 - len(rest))))
    return data if whole == given else whole.decode()


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
        if not _CONTROLS.search(text):
            return replace_surrogates(text)  # UTF-7 can hold them
    return None


def _charset(mime: str) -> str | None:
    """Return the character set that a media type names, if Python may be asked for it."""
    for parameter in mime.lower().split(";")[1:]:
        key, _, value = parameter.partition("=")
        name = value.strip().strip("\"'")
        if key.strip() == "charset" and _CHARSET.fullmatch(name):
            return name
    return None


def _describe(media: MediaPart) -> str:
    return _line(media, "", media.mime, None)


def _line(media: MediaPart, trouble: str, mime: str | None, others: str | None) -> str:
    size = None
    if media.data is not None:
        size = f"{len(media.data) * 3 // 4 - media.data[-2:].count('=')} bytes"
    facts = (media.name, mime, media.url, size, trouble, others)
    known = ", ".join(_one_line(fact) for fact in facts if fact)
    what = f"link to {_ARTICLES[media.kind]}" if media.url else f"{media.kind} that is not shown"
    return f"[{what}: {known}]"


_ARTICLES: Final[Mapping[MediaKind, str]] = {
    "image": "an image",
    "file": "a file",
    "audio": "an audio file",
    "video": "a video",
}


def _one_line(text: str) -> str:
    return " ".join(text.split())
