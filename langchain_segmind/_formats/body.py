"""A body as bytes, with big media held in memory once.

Through JSON, five megabytes of an image would be there three times more: in its data URI, in what
the JSON writer makes of that, and in the body. So a mark stands for them while JSON is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any, Final

from pydantic_core import to_json

from langchain_segmind._messages.types import ChatRequest, MediaPart, Message, Part

_BIG: Final = 64 * 1024
_MARK: Final = re.compile(rb"\(medium (\d+)\)")
_CHUNK: Final = 1024 * 1024
_ESCAPED: Final = bytes(range(32)) + b'"\\'


def encode_body(encode: Callable[[ChatRequest], dict[str, Any]], prompt: ChatRequest) -> bytes:
    """Write a prompt as the body of a request.

    Args:
        encode: The format's own.
        prompt: What is asked, already spoken.

    Raises:
        SegmindInvalidRequestError: If a part cannot be said in this format.
    """
    media: list[str] = []
    turns = tuple([_marked(turn, media) for turn in prompt.messages])
    if not media:
        return to_json(encode(prompt))
    marked = to_json(encode(replace(prompt, messages=turns)))
    pieces = _MARK.split(marked)
    if [int(n) for n in pieces[1::2]] != list(range(len(media))):
        return to_json(encode(prompt))  # somebody's words look like our marks
    body = BytesIO()
    body.seek(sum(map(len, [*pieces[::2], *media])) - 1)
    body.write(b"}")  # all the room at once: growing step by step would copy what is there
    body.seek(0)
    for text, data in zip(pieces[::2], [*media, ""], strict=True):
        body.write(text)
        for chunk in _chunks(data):
            body.write(chunk)
    return body.getvalue()


def _marked(turn: Message, media: list[str]) -> Message:
    """Put marks in the place of a turn's big media, and the data behind those we have."""
    parts = tuple([_mark(part, media) for part in turn.parts])
    return turn if parts == turn.parts else replace(turn, parts=parts)


def _mark(part: Part, media: list[str]) -> Part:
    if not isinstance(part, MediaPart) or part.data is None or not _is_big(part.data):
        return part
    media.append(part.data)
    return replace(part, data=f"(medium {len(media) - 1})")


def _is_big(data: str) -> bool:
    """Whether these are big, and JSON writes them as they are."""
    if len(data) < _BIG or not data.isascii():
        return False
    return all(len(chunk.translate(None, _ESCAPED)) == len(chunk) for chunk in _chunks(data))


def _chunks(data: str) -> Iterator[bytes]:
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK].encode()
