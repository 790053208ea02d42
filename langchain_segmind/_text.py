"""Clean what goes into error messages: one line of the gateway's text, without the key.

It does not build errors, and imports no other module of this package.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any, Final

_MAX_MESSAGE_CHARS: Final = 2_000
_MAX_BODY_MESSAGE_CHARS: Final = 500
_MAX_MARKUP_CHARS: Final = 16 * 1024
_MIN_SECRET_CHARS: Final = 8  # a shorter key is a word that may occur anywhere
_TEXT_FIELDS: Final = ("error", "error_description", "message", "msg", "detail", "reason", "code")


def redact(text: str, secret: str) -> str:
    """Replace a secret with `***`."""
    return text.replace(secret, "***") if len(secret) >= _MIN_SECRET_CHARS else text


def one_line(text: str, max_chars: int = _MAX_MESSAGE_CHARS) -> str:
    """Shorten a text to one line, without control characters."""
    clean = "".join(c if c.isprintable() else " " for c in text[: 4 * max_chars])
    clean = " ".join(clean.split())
    return clean if len(clean) <= max_chars else clean[: max_chars - 1] + "…"


def message_from_body(body: str) -> str:
    """Extract the message from the body of an error reply.

    Args:
        body: JSON with `error`, `error_description`, `message` or `detail` (each a string or an
            object), HTML, plain text or nothing.

    Returns:
        One line, or '' if there is no message.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return one_line(_without_markup(body), _MAX_BODY_MESSAGE_CHARS)
    return message_from_json(value)


def message_from_json(value: Any) -> str:
    """Extract the message from a parsed error body, or '' if there is none."""
    return one_line("; ".join(_messages(value)), _MAX_BODY_MESSAGE_CHARS)


def _messages(value: Any, depth: int = 0) -> list[str]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, list) and depth < 3:
        return [message for item in value[:5] for message in _messages(item, depth + 1)]
    if isinstance(value, dict) and depth < 3:
        fields = [value[name] for name in _TEXT_FIELDS if name in value]
        found = [message for field in fields for message in _messages(field, depth + 1)]
        return list(dict.fromkeys(found))
    return []


def _without_markup(text: str) -> str:
    if "<" not in text:
        return text
    text = re.sub(r"(?is)<(script|style|head)\b.*?(</\1\s*>|$)", " ", text[:_MAX_MARKUP_CHARS])
    return html.unescape(re.sub(r"<[^<>]*>", " ", text))
