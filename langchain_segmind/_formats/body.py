"""Write a body as bytes, with big media held in memory once.

Through JSON, five megabytes of an image would be in memory three times more: in its data URI, in
what the JSON writer makes of that, and in the body. So a placeholder stands for them while JSON is
written. The bytes must be those that JSON alone would have made.
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
_PLACEHOLDER: Final = rb"\(medium (\d+)\)"
_CHUNK: Final = 1024 * 1024
_ESCAPED: Final = bytes(range(32)) + b'"\\'


def encode_body(encode: Callable[[ChatRequest], dict[str, Any]], request: ChatRequest) -> bytes:
    """Write a request's body.

    Args:
        encode: The format's own.
        request: The request, its tools rendered if the format does not take them.

    Raises:
        SegmindInvalidRequestError: If a part cannot be sent in this format.
    """
    media: list[str] = []
    messages = tuple([_take_media(message, media) for message in request.messages])
    if not media:
        return to_json(encode(request))
    pieces = re.split(_PLACEHOLDER, to_json(encode(replace(request, messages=messages))))
    if [int(n) for n in pieces[1::2]] != list(range(len(media))):
        return to_json(encode(request))  # a user's text looks like a placeholder
    body = BytesIO()
    body.seek(sum(map(len, [*pieces[::2], *media])) - 1)
    body.write(b"}")  # reserves the whole size: growing step by step would copy what is there
    body.seek(0)
    for json_text, data in zip(pieces[::2], [*media, ""], strict=True):
        body.write(json_text)
        for chunk in _chunks(data):
            body.write(chunk)
    return body.getvalue()


def _take_media(message: Message, media: list[str]) -> Message:
    """Replace a message's big media with placeholders, and append their data to `media`."""
    parts = tuple([_take(part, media) for part in message.parts])
    return message if parts == message.parts else replace(message, parts=parts)


def _take(part: Part, media: list[str]) -> Part:
    if not isinstance(part, MediaPart) or part.data is None or not _is_big(part.data):
        return part
    media.append(part.data)
    return replace(part, data=f"(medium {len(media) - 1})")


def _is_big(data: str) -> bool:
    """Return whether the data is big, and JSON would write it unchanged."""
    if len(data) < _BIG or not data.isascii():
        return False
    return all(len(chunk.translate(None, _ESCAPED)) == len(chunk) for chunk in _chunks(data))


def _chunks(data: str) -> Iterator[bytes]:
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK].encode()
