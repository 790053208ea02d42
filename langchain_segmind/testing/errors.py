"""What the gateway says when it refuses, as a table by status; knows nothing of requests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

_RATE_LIMITED = 429

INVALID_KEY = {
    "error": "Unauthorized",
    "error_description": "Unauthorized. API key is invalid or may have expired. "
    "The local gateway takes the key it was started with.",
    "status_code": 401,
}

_TEXTS = {
    400: "Bad request",
    401: "Missing Authorization or x-api-key in header",
    403: "You do not have permission to use this model",
    404: "Not found",
    406: "Insufficient credits",
    410: "This model has been retired",
    413: "Request body too large",
    429: "Rate limit exceeded",
    500: "Internal server error",
}

_JOB_BODIES = {422: {"status": "FAILED", "error": "The model could not process the input"}}

_HTML_TITLES = {
    405: "405 Not Allowed",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, or the deliberate lack of one.

    Attributes:
        status: The HTTP status; None closes the connection without a word.
        body: The bytes of the body.
        content_type: Its media type.
        headers: Further headers.
        executed: Whether a model ran, and was billed.
        cut_short: Whether to close the connection in the middle of the body.
    """

    status: int | None
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    executed: bool = False
    cut_short: bool = False


class RefusalError(Exception):
    """The gateway's way to say no, from wherever it is found out.

    Args:
        status: The HTTP status.
        body: The text for the key ``error``, or a whole JSON body, or None for the usual one.
    """

    def __init__(self, status: int, body: object = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = {"error": body} if isinstance(body, str) else body

    def answer(self) -> Answer:
        """Write the refusal down as an HTTP answer."""
        return error_answer(self.status, self.body)


def to_json(value: Any) -> bytes:
    """Write a JSON value as bytes, whatever text it holds (a lone surrogate becomes ``?``)."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def json_answer(value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer 200 with a JSON value."""
    return Answer(200, to_json(value), headers=headers or {})


def error_answer(
    status: int, body: object = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Answer with an error.

    Args:
        status: The HTTP status.
        body: Text (HTML when it begins with ``<``), bytes, any JSON value, or None for the body
            the real gateway sends with this status.
        headers: Further headers; None for those the real gateway sends with this status.

    Returns:
        The answer.
    """
    if headers is None:
        headers = _rate_limit_hint() if status == _RATE_LIMITED else {}
    content, content_type = _encode(_usual_body(status) if body is None else body)
    return Answer(status, content, content_type, headers)


def error_text(answer: Answer) -> str:
    """Tell in one text what an error says went wrong."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    if isinstance(told, dict) and isinstance(told.get("error"), str):
        return str(told["error"])
    wordless = answer.content_type == "text/html" or not answer.body
    return f"Error {answer.status}" if wordless else answer.body.decode("utf-8", "replace")


def _encode(body: object) -> tuple[bytes, str]:
    match body:
        case bytes():
            return body, "application/octet-stream"
        case str() if body.startswith("<"):
            return body.encode("utf-8", "replace"), "text/html"
        case str():
            return body.encode("utf-8", "replace"), "text/plain"
        case _:
            return to_json(body), "application/json"


def _usual_body(status: int) -> object:
    if title := _HTML_TITLES.get(status):
        return f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return _JOB_BODIES.get(status) or {"error": _TEXTS.get(status, f"Error {status}")}


def _rate_limit_hint() -> dict[str, str]:
    reset = datetime.now(timezone.utc) + timedelta(seconds=1)
    stamp = reset.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"x-rate-limit-reset-at-utc": stamp}
