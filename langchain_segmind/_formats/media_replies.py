"""Recognize a reply of a model that makes pictures, sound or video, so that its error can say so.

It decides nothing about replies that hold an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from langchain_segmind.errors import SegmindResponseError

_MADE: Final = {"image": "pictures", "audio": "sound", "video": "videos"}
_SIGNATURES: Final = (
    (0, b"\x89PNG", "image"),
    (0, b"\xff\xd8", "image"),
    (0, b"GIF8", "image"),
    (8, b"WEBP", "image"),
    (8, b"WAVE", "audio"),
    (0, b"ID3", "audio"),
    *((0, bytes([0xFF, second]), "audio") for second in (0xF1, 0xF2, 0xF3, 0xF9, 0xFA, 0xFB)),
    (0, b"OggS", "audio"),
    (0, b"fLaC", "audio"),
    (4, b"ftyp", "video"),
    (0, b"\x1aE\xdf\xa3", "video"),
)
_EXTENSIONS: Final = {
    **dict.fromkeys(("png", "jpg", "jpeg", "webp", "gif", "avif"), "image"),
    **dict.fromkeys(("mp3", "wav", "ogg", "flac", "m4a", "aac"), "audio"),
    **dict.fromkeys(("mp4", "webm", "mov"), "video"),
}
_LINK: Final = r"https?://\S+\.(\w{3,4})(?:[?#]\S*)?|data:(image|audio|video)/\S+"
_BASE64_IMAGE: Final = r"(?:iVBORw0KGgo|/9j/|R0lGOD|UklGR)[A-Za-z0-9+/=\s]{40,}"


def check_bytes(body: bytes, content_type: str) -> None:
    """Raise the error for a body, which is not JSON, if it is a picture, sound or video.

    Args:
        body: The body of a reply of status 200.
        content_type: Its `Content-Type`; blank if there is none.

    Raises:
        SegmindResponseError: If so, saying that the model does not chat.
    """
    kind = content_type.strip().lower().partition("/")[0]
    if kind not in _MADE:
        found = (kind for at, sign, kind in _SIGNATURES if body.startswith(sign, at))
        kind = next(found, "")
    if kind:
        raise _not_a_chat_model(kind)


def check_json(value: Mapping[str, Any]) -> None:
    """Raise the same error for JSON without an answer that holds pictures, sound or videos."""
    objects = [value, *(inner for inner in value.values() if isinstance(inner, dict))]
    for kind in _MADE:
        keys = (kind, f"{kind}s", f"{kind}_url", f"{kind}_urls")
        if any(each.get(key) for each in objects for key in keys):
            raise _not_a_chat_model(kind)


def check_text(text: str) -> None:
    """Raise the same error for a text that is nothing but such a file, or its address."""
    link = re.fullmatch(_LINK, text.strip())
    kind = link and (link[2] or _EXTENSIONS.get(link[1].lower()))
    if kind or re.fullmatch(_BASE64_IMAGE, text.strip()):
        raise _not_a_chat_model(kind or "image")


def _not_a_chat_model(kind: str) -> SegmindResponseError:
    return SegmindResponseError(
        f"this model makes {_MADE[kind]} and does not chat. Choose another one, from "
        "ChatSegmind.list_models()"
    )
