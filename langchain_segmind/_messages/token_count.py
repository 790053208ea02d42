"""Estimate how many tokens media and tools take. It reads no file and raises for no message."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Sequence
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage

from langchain_segmind._messages.results import read_result
from langchain_segmind._messages.text import as_json
from langchain_segmind._messages.tools import to_openai_tools
from langchain_segmind._messages.types import MediaPart, TextPart

# Flat figures in the middle of what the makers publish: for an image, 258 tokens a tile (Gemini),
# 85 and 170 a tile (gpt-4o), width * height / 750, at most 1,600 (Claude). For a page of a PDF, 258
# (Gemini) to 3,000 (Claude). For audio, 32 a second, and for video, 300 a second (Gemini): both are
# about one for 1,000 bytes.
_IMAGE: Final = 1_000
_IMAGE_OF_LOW_DETAIL: Final = 85
_PDF_PAGE: Final = 1_500
_BYTES: Final = 1_000


def without_media(messages: Iterable[BaseMessage]) -> tuple[list[BaseMessage], int]:
    """Return the messages with text alone, and the tokens of their media."""
    texts: list[BaseMessage] = []
    tokens = 0
    for message in messages:
        if isinstance(message.content, str):
            texts.append(message)
            continue
        if isinstance(message, AIMessage):
            text = str(message.text)  # its calls are counted from its fields
        else:
            parts = read_result(message.content, "")
            tokens += sum(_tokens(part) for part in parts if isinstance(part, MediaPart))
            text = "\n".join(part.text for part in parts if isinstance(part, TextPart))
        texts.append(message.model_copy(update={"content": text}))
    return texts, tokens


def _tokens(media: MediaPart) -> int:
    if media.kind == "image":
        return _IMAGE_OF_LOW_DETAIL if media.detail == "low" else _IMAGE
    data = media.data or ""
    if media.kind == "file":  # a page in a compressed part is not seen
        pages = len(re.findall(rb"/Type\s{0,9}/Page\b", b64decode(data)))
        return max(1, pages) * _PDF_PAGE
    return -(-len(data) * 3 // (4 * _BYTES))


def describe_tools(tools: Sequence[Any] | None) -> str:
    """Return tools as the JSON in which they are sent.

    Raises:
        ValueError: If one is not a dictionary and cannot be described.
    """
    described = [t if isinstance(t, dict) else to_openai_tools([t])[0] for t in tools or ()]
    return "".join(map(as_json, described))
