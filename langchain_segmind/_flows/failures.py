"""What to tell of a reply that is no answer: its error, with all the facts and the next step."""

from __future__ import annotations

import math
from typing import Any, Final

from langchain_segmind._flows.retry import is_repeatable, server_requested_delay
from langchain_segmind._flows.types import Failure, FaultKind, Reply, Response
from langchain_segmind._text import message_from_body, one_line
from langchain_segmind.errors import (
    SegmindConnectionError,
    SegmindError,
    SegmindResponseError,
    SegmindTimeoutError,
    error_class_for,
)

_WORDS: Final[dict[FaultKind, str]] = {
    "connection": "the connection failed",
    "tls": "the TLS connection failed",
    "timeout": "no full answer came in time",
    "cut": "the reply was cut short",
    "too_large": "the reply is too large",
    "encoding": "the reply is compressed in a way that cannot be read",
}

_PAID: Final = "The run was billed, so it is not repeated; call again only to pay for another."


def error_from_reply(reply: Reply, name: str, attempts: int, ambiguous: int = 0) -> SegmindError:
    """Make the error for a reply that is no success, or whose body was lost.

    Args:
        reply: What came of the last attempt.
        name: What was asked, for the message.
        attempts: How many requests were made.
        ambiguous: How many attempts before the last may have run all the same.
    """
    facts = error_fields(reply, name, attempts) | {"ambiguous_attempts": ambiguous}
    if isinstance(reply, Failure):
        return _failed(reply, facts)
    if reply.is_success:
        return _lost(reply, facts)
    text = message_from_body(facts["body"])
    cls, advice = error_class_for(reply.status, text, may_have_run=reply.outcome == "unknown")
    tried = f" after {attempts} attempts" if attempts > 1 else ""
    hint = facts["retry_after"]
    asked = f" and asks to wait {hint:.0f} s" if hint else ""
    return cls(f"{name}: {what_happened(reply)}{tried}{asked}. {advice}", **facts)


def unusable_reply_error(reason: str, response: Response, name: str, attempts: int) -> SegmindError:
    """Make the error for a whole reply of status 2xx that cannot be read, for this reason."""
    facts = error_fields(response, name, attempts)
    shown = one_line(facts["body"], 200)
    begins = f" It begins: {shown}" if shown and shown not in reason else ""
    return SegmindResponseError(
        f"{name}: the gateway's reply cannot be used: {reason}. {_PAID}{begins}",
        **facts,
    )


def what_happened(reply: Reply) -> str:
    """Say in a few words what came of an attempt that failed."""
    if isinstance(reply, Response) and reply.fault is None:
        text = message_from_body(text_of(reply))
        return f"the gateway answered {reply.status}" + (f" ({text})" if text else "")
    why = f" ({reply.detail})" if reply.detail else ""
    return f"{_WORDS[reply.fault or 'cut']}{why}"


def error_fields(reply: Reply, name: str, attempts: int) -> dict[str, Any]:
    """Gather what a `SegmindError` keeps of a reply."""
    facts: dict[str, Any] = {
        "outcome": reply.outcome,
        "attempts": attempts,
        "model": name,
        "retry_after": server_requested_delay(reply),
        "is_retryable": is_repeatable(reply),
    }
    if isinstance(reply, Response):
        facts |= {
            "status_code": reply.status,
            "request_id": reply.headers.get("x-request-id"),
            "cost": parse_amount(reply.headers.get("x-cost")),
            "remaining_credits": parse_amount(reply.headers.get("x-remaining-credits")),
            "headers": reply.headers,
            "body": text_of(reply),
        }
    return facts


def parse_amount(said: Any) -> float | None:
    """Read a number however it is dressed (`$0.01`, `1,000.5`, `0.4s`); None for anything else."""
    if said is None or isinstance(said, bool):
        return None
    try:
        value = float(said)
    except (ValueError, TypeError, OverflowError):
        value = _undressed(said)
    return value if math.isfinite(value) else None


def _undressed(said: Any) -> float:
    try:
        return float(said.strip().lstrip("$").rstrip("s$ ").replace(",", ""))
    except (ValueError, AttributeError):
        return math.nan


def text_of(response: Response) -> str:
    """Give as much of a reply's text as an error may want to tell of."""
    return response.body[: 64 * 1024].decode("utf-8", "replace")


def _failed(failure: Failure, facts: dict[str, Any]) -> SegmindError:
    cls = SegmindTimeoutError if failure.fault == "timeout" else SegmindConnectionError
    return cls(f"{facts['model']}: {what_happened(failure)}. {_next(failure)}", **facts)


def _next(failure: Failure) -> str:
    if failure.fault == "tls":
        return "Nothing was sent; check the certificates (verify=..., REQUESTS_CA_BUNDLE)."
    if failure.outcome == "not_sent":
        return "Nothing was sent; check the network, base_url and the proxy settings."
    return (
        "The request had been sent, so the model may have run and been billed; it was not asked "
        "again. A longer timeout=... may help, retry_ambiguous=True repeats such calls."
    )


def _lost(response: Response, facts: dict[str, Any]) -> SegmindError:
    """The model ran, and its answer was lost on the way."""
    late = response.fault == "timeout"
    cls = SegmindTimeoutError if late else SegmindResponseError
    longer = " A longer timeout=... may help." if late else ""
    return cls(
        f"{facts['model']}: the gateway answered {response.status}, but "
        f"{what_happened(response)}. {_PAID}{longer}",
        **facts,
    )
