"""Build image content blocks from files. No other module may read a file that a message names."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

from langchain_segmind._messages.mime import IMAGE_TYPES, types_from_bytes

__all__ = ["content_block_from_file"]


def content_block_from_file(
    image: str | os.PathLike[str] | bytes, *, mime_type: str | None = None
) -> dict[str, Any]:
    """Build an image content block from a PNG, JPEG, GIF or WebP.

    Args:
        image: The path of a file to read, or the image's bytes.
        mime_type: The type, such as `"image/png"`; needed only for other types of images, which
            not every model accepts. By default, it is detected from the image's first bytes.

    Returns:
        LangChain's image block, for the `content` list of a message.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If the image is empty, or its type is not recognized.
    """
    data = image if isinstance(image, bytes) else Path(image).read_bytes()
    if not data:
        raise ValueError("image is empty: it has no bytes.")
    types = types_from_bytes(data[:48])
    mime = mime_type or next((name for name in types if name in IMAGE_TYPES), None)
    if mime is None:
        raise ValueError(
            "image is not a PNG, JPEG, GIF or WebP. If it is an image of another type, pass "
            "mime_type='image/...'."
        )
    return {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": mime}
