"""Blocks of media for messages, made from what the user names. Nothing else here reads files."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any, Final

__all__ = ["content_block_from_file"]

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def content_block_from_file(
    image: str | os.PathLike[str] | bytes, *, mime_type: str | None = None
) -> dict[str, Any]:
    """Make a content block of a local image, in the form that every model here understands.

    Args:
        image: The path of a file to read, or the image's bytes.
        mime_type: As `"image/png"`; by default seen from the first bytes of PNG, JPEG, GIF and
            WebP.

    Returns:
        LangChain's image block, for the `content` list of a message.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If the image is empty, or of a kind that is not recognised.
    """
    data = image if isinstance(image, bytes) else Path(image).read_bytes()
    if not data:
        raise ValueError("content_block_from_file: the image is empty")
    mime = mime_type or _kind(data)
    if mime is None:
        raise ValueError(
            "content_block_from_file: not a PNG, JPEG, GIF or WebP; pass mime_type='image/...' "
            "if it is an image"
        )
    return {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": mime}


def _kind(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for start, mime in _SIGNATURES if data.startswith(start)), None)
