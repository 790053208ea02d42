"""Find what a media block says, in the forms of LangChain, OpenAI, Anthropic, Google and others.

It judges nothing: `media` raises for what a user's block lacks, `result_files` describes it. It
must not open a file or a URL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final

from langchain_segmind._messages import mime
from langchain_segmind._messages.text import as_json, collapse_whitespace
from langchain_segmind._messages.types import MediaKind, MediaPart, TextPart

MEDIA_BLOCKS: Final[Mapping[str, MediaKind]] = {
    # LangChain's; OpenAI's for chat, then for responses; Anthropic's; Bedrock's are among them
    **dict.fromkeys(("image", "image_url", "input_image", "computer_screenshot"), "image"),
    **dict.fromkeys(("audio", "input_audio", "audio_url"), "audio"),
    **dict.fromkeys(("video", "video_url"), "video"),
    **dict.fromkeys(("file", "input_file", "document", "document_url", "text-plain"), "file"),
    # Google's, in langchain-google and of its own
    **dict.fromkeys(("media", "inline_data", "inlineData", "file_data", "fileData"), "file"),
    **dict.fromkeys(("resource", "resource_link"), "file"),  # MCP's
}
"""The kind of medium by a block's type, or by its only key where it has no type."""

_NESTED: Final = (
    *("image_url", "audio_url", "video_url", "document_url", "input_audio", "file"),
    *("inline_data", "inlineData", "file_data", "fileData", "resource"),
    *("image", "audio", "video", "document", "source", "s3Location"),
)
"""Keys of an object that holds the fields, some inside another."""

_LINKS: Final = ("image_url", "audio_url", "video_url", "document_url", "file_url")
_URLS: Final = ("url", "uri", "file_uri", "fileUri", *_LINKS)
_ENCODED: Final = ("base64", "file_data", "blob")
_DATA: Final = (*_ENCODED, "data", "bytes", "input_audio", "image", "audio", "video")
_MIMES: Final = ("mime_type", "media_type", "mimeType")
_NAMES: Final = ("filename", "file_name", "name", "title", "display_name", "displayName")
_ADDRESS: Final = r"[A-Za-z][A-Za-z0-9+.-]*:\S"
_WEB_ADDRESS: Final = r"https?://[^\s<>/?#][^\s<>]*"
_KNOWN_KEYS: Final = frozenset(
    {*_NESTED, *_URLS, *_DATA, *_MIMES, *_NAMES, "type", "id", "index", "text", "detail", "format"}
    | {"source_type", "annotations", "cache_control", "citations", "_meta"}
)
_INSIDE: Final = frozenset({"source", "data", "file_uri", "fileUri", "url"})
_NESTING: Final = 3  # as Bedrock's {"image": {"source": {"bytes": ...}}}


def block_type(block: Mapping[Any, Any]) -> Any:
    """Return a block's type: Google's and Bedrock's own forms have it as their only key."""
    kind = block.get("type")
    if kind is None and len(block) == 1:
        ((key, inner),) = block.items()
        if key in MEDIA_BLOCKS and _mapping(inner).keys() & _INSIDE:
            return key
    return kind


class MediaFields:
    """What a block says of its file, under whatever key.

    Attributes:
        kind: The kind of medium that the block's type names.
        label: The type that the block says, as it says it; `mime` is its usual spelling.
        data: The base64, perhaps empty, not base64 at all, or not canonical.
        url: An address, or anything that stands in its place.
        file_id: The id of a file that another service keeps.
        text: The text of a document that is one.
        context: What Anthropic's form says about a document.
    """

    def __init__(
        self, kind: MediaKind, block: Mapping[Any, Any], clean: Callable[[str], str]
    ) -> None:
        """Read a block.

        Args:
            kind: What its type names.
            block: The block; it is not changed.
            clean: Checks or repairs each text that is found.
        """
        self.fields = _flatten(block)
        self.kind = kind
        self._clean = clean
        self.file_id = self._first(("file_id",)) or None
        self.text = self._read_text()
        self.name = self._first(_NAMES) or None
        self.detail = self._first(("detail",)) or None
        self.context = self._first(("context",)) or None
        self.label = self._first((*_MIMES, "format")) or None
        self.url = (self._first(_URLS) or "").strip() or None
        self.data = self._read_data()
        self._sort_out()
        self.mime = None if self.label is None else mime.clean_label(self.label, kind)

    def media(self, where: str, mime_type: str | None, *, data: str | None = None) -> MediaPart:
        """Return the file as a medium; beside data, its URL is only a name."""
        url = self.url if self.data is None else None
        name = self.name or (None if url else self.url)
        return MediaPart(
            mime.kind_of(mime_type) if mime_type else self.kind,
            where,
            data=data,
            mime=mime_type,
            url=url,
            name=None if name is None else collapse_whitespace(name),
            detail=self.detail,
        )

    def with_text(self, text: str, *facts: str | None) -> TextPart:
        """Return the file's text, under a line with what is known of it, if anything is."""
        known = join_facts(*facts)
        return TextPart(f"[file: {known}]\n{text}" if known else text)

    @property
    def is_encoded(self) -> bool:
        """Whether the data stands where only base64 belongs."""
        return any(self.fields.get(key) for key in _ENCODED)

    @property
    def blocks(self) -> list[Any] | None:
        """The content of a document that consists of blocks, which only Anthropic has."""
        content = self.fields.get("content") if self.fields.get("type") == "content" else None
        return content if isinstance(content, list) else None

    @cached_property
    def others(self) -> str | None:
        """Return the fields that mean nothing here as JSON."""
        others = {k: v for k, v in self.fields.items() if k not in _KNOWN_KEYS and v is not None}
        return as_json(others) if others else None

    def _first(self, names: tuple[str, ...]) -> str | None:
        values = [v for name in names if isinstance(v := self.fields.get(name), str)]
        found = next((v for v in values if v), values[0] if values else None)
        return None if found is None else self._clean(found)

    def _read_text(self) -> str | None:
        fields = self.fields
        match fields.get("source_type"), fields.get("type"):
            case ("id", _):
                self.file_id = self._first(("id",)) or None
                return None
            case ("text", _):  # LangChain's old form says that `url` holds the text
                return self._first(("text", "url", "data"))
            case (_, "content"):
                return self._first(("content",))
        return self._first(("text",))

    def _read_data(self) -> str | None:
        for key in _DATA:
            value = self.fields.get(key)
            if isinstance(value, bytes | bytearray | memoryview):
                return mime.encode_bytes(bytes(value), is_base64=key in _ENCODED)
        return self._first(_DATA)

    def _sort_out(self) -> None:
        """Move data and address to where they belong, whichever key they were under."""
        url, data = self.url, self.data
        if url and (mime.is_data_uri(url) or _is_medium(url)):
            url, data = None, data or url
        if data and re.match(_ADDRESS, data.lstrip()[:80]):
            if mime.is_data_uri(data.lstrip()[:5]):
                label, data = mime.split_data_uri(data.strip())
                self.label = label or self.label
            elif url is None:
                url, data = data.strip(), None
        if url and url[:4].lower() == "http":
            url = url.replace(" ", "%20")
        self.url, self.data = url, data


def is_web_address(url: str | None) -> bool:
    """Return whether someone else can fetch a URL."""
    return url is not None and re.fullmatch(_WEB_ADDRESS, url, re.IGNORECASE) is not None


def join_facts(*facts: str | None) -> str:
    """Join what is known of a file to one line."""
    return ", ".join(collapse_whitespace(fact) for fact in facts if fact)


def _flatten(block: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return all fields in one dictionary: LangChain keeps names and details in `extras`."""
    extras = _mapping(block.get("extras"))
    inner = [_mapping(block.get("metadata")), _mapping(extras.get("metadata")), extras]
    wanted = (*_NAMES, "detail", "context")
    fields = {k: each[k] for each in inner for k in wanted if each.get(k)} | dict(block)
    for _ in range(_NESTING):
        key = next((key for key in _NESTED if isinstance(fields.get(key), Mapping)), None)
        if key is None:
            break
        nested = fields.pop(key)
        fields |= nested
        if nested.get("type") == "text" and "text" not in nested:  # Anthropic's text document
            fields["text"] = nested.get("data")
    for key in ("source", "file", "resource"):
        value = fields.get(key)
        if isinstance(value, str) and re.match(_ADDRESS, value):
            fields.setdefault("url", value)
    return fields


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_medium(url: str) -> bool:
    """Return whether base64 without more stands in the place of an address."""
    if ":" in url[:64]:
        return False
    start = mime.to_base64(url[:64])
    return start is not None and mime.actual_mime(None, start) is not None
