"""Write what people read: amounts of money, and the gateway's text on one line, without the key.

It does not build errors, and imports no other module of this package.
"""

from __future__ import annotations

import html
import json
import re
from decimal import Decimal
from typing import Any, Final

_MAX_MESSAGE_CHARS: Final = 2_000
_MAX_BODY_MESSAGE_CHARS: Final = 500
AN_ERROR: Final = "it is an error: "  # why a reply cannot be used; the provider's words follow
FOR_MATCHING: Final = 8_000  # the sentence that tells the cause may stand behind a traceback
_MAX_DEPTH: Final = 6
_MAX_MARKUP_CHARS: Final = 16 * 1024
_MIN_SECRET_CHARS: Final = 8  # a shorter key is a word that may occur anywhere
_TEXT_FIELDS: Final = (
    *("error", "errors", "error_description", "error_message", "message", "msg", "detail"),
    *("reason", "code", "innererror", "metadata", "raw"),
    *("base_resp", "status_msg"),  # MiniMax's
)


def dollars(amount: float | Decimal) -> str:
    """Write US dollars as people do: `$9.98`, `$0.000025`."""
    size = Decimal(amount).copy_abs()
    places = (
        4 if size >= 1 else 6 if size >= Decimal("1e-5") else 9
    )  # local prices are billionths of a dollar
    whole, _, fraction = f"{size:,.{places}f}".partition(".")
    return f"{'-' * (amount < 0)}${whole}.{fraction.rstrip('0'):0<2}"


def redact(text: str, secret: str) -> str:
    """Replace a secret with `***`."""
    return text.replace(secret, "***") if len(secret) >= _MIN_SECRET_CHARS else text


def one_line(text: str, max_chars: int = _MAX_MESSAGE_CHARS) -> str:
    """Shorten a text to one line, without control characters."""
    clean = "".join(c if c.isprintable() else " " for c in text[: 4 * max_chars])
    clean = " ".join(clean.split())
    return clean if len(clean) <= max_chars else clean[: max_chars - 1] + "…"


def message_from_body(body: str, max_chars: int = _MAX_BODY_MESSAGE_CHARS) -> str:
    """Extract the message from the body of an error reply.

    Args:
        body: JSON with `error`, `error_description`, `message` or `detail` (each a string, an
            object, or a string of JSON), HTML, plain text or nothing.
        max_chars: Where to cut the message: `FOR_MATCHING` to find out what it is about.

    Returns:
        One line, or '' if there is no message.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return one_line(_without_markup(body), max_chars)
    return message_from_json(value, max_chars)


def message_from_json(value: Any, max_chars: int = _MAX_BODY_MESSAGE_CHARS) -> str:
    """Extract the message from a parsed error body, or '' if there is none."""
    return one_line("; ".join(_messages(value)), max_chars)


def _messages(value: Any, depth: int = 0) -> list[str]:
    if isinstance(value, str):
        return _messages_in_text(value, depth)
    if isinstance(value, list) and depth < _MAX_DEPTH:
        return [message for item in value[:5] for message in _messages(item, depth + 1)]
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        fields = [value[name] for name in _TEXT_FIELDS if name in value]
        found = {message: None for field in fields for message in _messages(field, depth + 1)}
        # The gateway's 401 has "Unauthorized" beside "Unauthorized. API key is invalid ...".
        return [m for m in found if not any(other != m and other.startswith(m) for other in found)]
    return []


def _messages_in_text(text: str, depth: int) -> list[str]:
    """Return the messages in a provider's own error body, written as a string; else the text."""
    if text.lstrip()[:1] in ("{", "[") and depth < _MAX_DEPTH:
        try:
            found = _messages(json.loads(text), depth + 1)
        except (ValueError, RecursionError):
            found = []
        if found:
            return found
    return [text] if text.strip() else []


def _without_markup(text: str) -> str:
    if "<" not in text:
        return text
    text = re.sub(r"(?is)<(script|style|head)\b.*?(</\1\s*>|$)", " ", text[:_MAX_MARKUP_CHARS])
    return html.unescape(re.sub(r"<[^<>]*>", " ", text))
