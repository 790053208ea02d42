"""Read what a tool returned: text as text, media as media, and the rest as a description.

A result stays in its conversation, so an error here would make every later request fail too:
nothing in this module may raise, whatever a tool returns. It must not open a file or a URL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any, Final

from langchain_segmind._messages.media_fields import MEDIA_BLOCKS, block_type
from langchain_segmind._messages.result_files import describe, read_file
from langchain_segmind._messages.text import as_json, replace_surrogates
from langchain_segmind._messages.types import MediaPart, TextPart

AcceptsMedia = Callable[[MediaPart], bool]

TEXT_KEYS: Final = {
    **dict.fromkeys(("text", "input_text", "output_text"), "text"),
    "refusal": "refusal",
}
"""Where a block of text holds it, by the block's type."""

_BESIDE_TEXT: Final = frozenset(
    {"type", "text", "id", "index", "annotations", "citations", "cache_control", "extras", "_meta"}
)
"""Keys of a text block that carry no content. A block with others is written as JSON."""
_WRAPPED: Final = "non_standard"
_CACHE_MARKS: Final = frozenset({"cachePoint", "cache_point", "cache_control"})


def read_result(content: Any, where: str) -> tuple[TextPart | MediaPart, ...]:
    """Read a result's content.

    Args:
        content: The message's content, or anything else.
        where: Names the message.
    """
    if isinstance(content, str):
        return (TextPart(replace_surrogates(content)),) if content else ()
    listed = content if isinstance(content, list | tuple) else [content]
    blocks = [inner for block in listed for inner in _expand(block)]
    parts = [_read_block(block, f"{where}, block {i}") for i, block in enumerate(blocks)]
    return tuple([part for part in parts if not isinstance(part, TextPart) or part.text])


def _expand(block: Any) -> list[Any]:
    """Return the blocks inside a document that consists of blocks, which only Anthropic has."""
    source = block.get("source") if isinstance(block, dict) else None
    if not isinstance(source, dict) or source.get("type") != "content":
        return [block]
    inner = source.get("content")
    if block.get("type") != "document" or not isinstance(inner, list):
        return [block]
    headings = [block.get(key) for key in ("title", "context")]
    return [*(text for text in headings if isinstance(text, str)), *inner]


def _read_block(block: Any, where: str) -> TextPart | MediaPart:
    if isinstance(block, str):
        return TextPart(replace_surrogates(block))
    block = unwrap_block(block)
    if is_cache_mark(block):
        return TextPart("")
    part: TextPart | MediaPart | None = None
    kind = (block_type(block) or block.get("type", "text")) if isinstance(block, dict) else None
    if isinstance(kind, str) and kind in TEXT_KEYS:
        part = _read_text(block, TEXT_KEYS[kind])
    elif isinstance(kind, str) and kind in MEDIA_BLOCKS:
        part = read_file(MEDIA_BLOCKS[kind], block, f"{where} ({kind})")
    return TextPart(as_json(block)) if part is None else part


def is_cache_mark(block: Any) -> bool:
    """Return whether a block only ends what Bedrock or Anthropic is to cache, without content."""
    if not isinstance(block, Mapping) or not block:
        return False
    return str(block.get("type")) in _CACHE_MARKS or block.keys() <= _CACHE_MARKS


def _read_text(block: Mapping[Any, Any], key: str) -> TextPart | None:
    text = block.get(key)
    others = any(k not in _BESIDE_TEXT and k != key and v is not None for k, v in block.items())
    return None if others or not isinstance(text, str) else TextPart(replace_surrogates(text))


def protect_blocks(blocks: list[Any]) -> list[Any]:
    """Wrap blocks that langchain-core 1.x would raise for, or change, as non-standard.

    It converts blocks before a model sees them: those of the types below by their old and OpenAI's
    form, which records of a tool's own can look like. `unwrap_block` unwraps them. Others stay as
    they are, because tracers show them.
    """
    if all(map(_is_safe, blocks)):
        return blocks
    return [b if _is_safe(b) else {"type": _WRAPPED, "value": b} for b in blocks]


def unwrap_block(block: Any) -> Any:
    """Return the block inside a non-standard one, and every other block as it is."""
    if isinstance(block, dict) and block.keys() == {"type", "value"} and block["type"] == _WRAPPED:
        return block["value"]
    return block


def _is_safe(block: Any) -> bool:
    if not isinstance(block, dict):
        return True
    kind = block.get("type")
    if not isinstance(kind, str | None):
        return False
    if kind not in ("image", "audio", "file", "input_audio"):
        return True
    inner = block.get(kind)
    if isinstance(inner, dict) and kind in ("file", "input_audio"):
        return len(block) == 2 and _is_safe_openai(inner)
    if "source_type" in block and not _is_safe_v0(block):
        return False
    if kind != "image" or "url" in block:
        return True
    if "base64" in block or "source_type" in block:
        return "mime_type" in block
    return "text" not in block


def _is_safe_v0(block: Mapping[Any, Any]) -> bool:
    key = {"url": "url", "base64": "data"}.get(str(block["source_type"]))
    return key in block and "id" not in block


def _is_safe_openai(inner: Mapping[Any, Any]) -> bool:
    if inner.keys() == {"data", "format"}:
        return bool(inner["data"])
    # Whatever a file is, it is labeled as a PDF.
    is_pdf = str(inner.get("file_data"))[:28] == "data:application/pdf;base64,"
    return inner.keys() <= {"file_data", "filename"} and is_pdf


def describe_unaccepted(
    parts: tuple[TextPart | MediaPart, ...], accepts_media: AcceptsMedia | None
) -> list[TextPart | MediaPart]:
    """Describe the media that a model does not accept, and join neighboring texts.

    Args:
        parts: The result's.
        accepts_media: Whether the model accepts a medium; None if it accepts all.
    """
    described = [
        part
        if isinstance(part, TextPart) or accepts_media is None or accepts_media(part)
        else TextPart(describe(part))
        for part in parts
    ]
    joined: list[TextPart | MediaPart] = []
    for _, group in groupby(described, type):
        run = list(group)
        texts = [part.text for part in run if isinstance(part, TextPart)]
        joined += [TextPart("\n".join(texts))] if texts else run
    return joined


def only_text(parts: tuple[TextPart | MediaPart, ...]) -> str:
    """Return a result as text alone, all media described."""
    return "\n".join(describe(part) if isinstance(part, MediaPart) else part.text for part in parts)
