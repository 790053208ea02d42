"""Check text before it is sent, repair it, or make it from any value.

Half of a surrogate pair has no UTF-8 form, so no request can carry it. Only `check_text` raises:
the other functions must accept anything, because tools return anything.
"""

from __future__ import annotations

import json
from typing import Any

from langchain_segmind._messages.types import invalid_request


def check_text(text: Any, where: str) -> str:
    """Return the text if it can be sent.

    Raises:
        SegmindInvalidRequestError: If it is not a string, or holds half of a surrogate pair.
    """
    if not isinstance(text, str):
        raise invalid_request(f"{where}: expected text, got {type(text).__name__}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise invalid_request(
                f"{where}: character {error.start} is half of a surrogate pair. Repair the text "
                "with text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
            ) from None
    return text


def replace_surrogates(text: str) -> str:
    """Replace each half of a surrogate pair with U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def as_json(value: Any) -> str:
    """Write a value as JSON, and what JSON cannot hold as text. Never raises."""
    for write in (_dump, repr):
        try:
            return replace_surrogates(write(value))
        except Exception:  # noqa: BLE001, S112, PERF203 - a tool's own objects may raise anything
            continue
    return f"({type(value).__name__}, which cannot be printed)"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_print)


def _print(value: Any) -> str:
    return f"({len(value)} bytes)" if isinstance(value, bytes | bytearray) else str(value)


def collapse_whitespace(text: str) -> str:
    """Replace each run of white space, line ends included, with one space."""
    return " ".join(text.split())
