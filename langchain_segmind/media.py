"""Blocks of media for messages, made from what the user names. Nothing else here reads files."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any, Final

__all__ = ["image_block"]

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def image_block(
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
        raise ValueError("image_block: the image is empty")
    mime = mime_type or _kind(data)
    if mime is None:
        raise ValueError(
            "image_block: neither PNG, JPEG, GIF nor WebP; pass mime_type='image/...' if it is one"
        )
    return {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": mime}


def _kind(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for start, mime in _SIGNATURES if data.startswith(start)), None)
