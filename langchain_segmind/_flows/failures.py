"""Turn a reply that is not an answer into its error, with all facts and what to do next.

The texts of errors are written here. It decides nothing: whether to try again is up to `retry`.
"""

from __future__ import annotations

import math
from typing import Any, Final

from langchain_segmind._context_overflow import is_context_overflow
from langchain_segmind._flows.retry import is_repeatable, server_requested_delay
from langchain_segmind._flows.types import Failure, FaultKind, Outcome, Reply, Response, Result
from langchain_segmind._flows.unknown_models import advice_after_404
from langchain_segmind._text import AN_ERROR, FOR_MATCHING, message_from_body, one_line
from langchain_segmind.errors import (
    SegmindConnectionError,
    SegmindContextOverflowError,
    SegmindError,
    SegmindRateLimitError,
    SegmindResponseError,
    SegmindTimeoutError,
    error_class_for,
)

_FAULTS: Final[dict[FaultKind, str]] = {
    "connection": "the connection failed",
    "tls": "the TLS connection failed",
    "timeout": "no full answer came in time",
    "rate_limit": "the gateway's rate limit is reached",
    "cut": "the reply was cut short",
    "too_large": "the reply is too large",
    "encoding": "the reply is compressed in a way that cannot be read",
}
_ADVICE: Final[dict[FaultKind | Outcome, str]] = {
    "tls": (
        "Nothing was sent; check the certificates (verify=..., or the environment variable "
        "REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE or SSL_CERT_DIR)."
    ),
    "rate_limit": (
        "Nothing was sent; call again later, make fewer calls at once, or raise total_timeout."
    ),
    "not_sent": "Nothing was sent; check the network, base_url and the proxy settings.",
    "unknown": (
        "The request had been sent, so the model may have run and been billed; it was not retried. "
        "A longer timeout=... may help; retry_ambiguous=True retries such calls."
    ),
}
_BY_FAULT: Final[dict[FaultKind, type[SegmindError]]] = {
    "timeout": SegmindTimeoutError,
    "rate_limit": SegmindRateLimitError,
}
_PAID: Final = "This call was billed. It was not retried; calling again will be billed again."
_FREE: Final = "No model ran and nothing was billed; try again."


def error_from_reply(
    reply: Reply,
    name: str,
    url: str,
    attempts: int,
    ambiguous: int = 0,
    *,
    is_free: bool = False,
) -> SegmindError:
    """Make the error for a reply that is not a success, or whose body was lost.

    `ambiguous` of the `attempts`, not counting the last, may have run all the same. What `is_free`
    runs no model.
    """
    result, what = reply.result, what_happened(reply.result)
    fields = error_fields(reply, name, attempts) | {"ambiguous_attempts": ambiguous}
    may_have_run = result.outcome == "unknown" and not is_free
    if is_free and result.outcome != "not_sent":
        fields["outcome"] = "rejected"
    cls: type[SegmindError]
    if isinstance(result, Failure):
        cls = _BY_FAULT.get(result.fault, SegmindConnectionError)
        advice = _ADVICE.get(result.fault) or _ADVICE[result.outcome]
        advice = _FREE if is_free and result.outcome == "unknown" else advice
    elif result.is_success:
        is_late = result.fault == "timeout"
        cls = SegmindTimeoutError if is_late else SegmindResponseError
        what = f"the gateway answered {result.status}, but {what}"
        advice = (_FREE if is_free else _PAID) + (
            " A longer timeout=... may help." if is_late else ""
        )
    else:
        text = message_from_body(fields["body"], FOR_MATCHING)
        cls, advice = error_class_for(result.status, text, may_have_run=may_have_run)
        if result.status == 404 and not is_free:
            advice = advice_after_404(name, url)
        delay = fields["retry_after"]
        what += f" after {attempts} attempts" if attempts > 1 else ""
        what += f" and asks to wait {delay:.0f} s" if delay else ""
    return cls(f"{name}: {what}. {advice}", **fields)


def unusable_reply_error(
    reason: str,
    reply: Reply,
    name: str,
    attempts: int,
    more_fields: dict[str, Any],
    *,
    is_free: bool = False,
) -> SegmindError:
    """Make the error for a whole reply of status 2xx that cannot be read, for this reason."""
    fields = error_fields(reply, name, attempts) | more_fields
    if is_free:
        fields["outcome"] = "rejected"
    shown = one_line(fields["body"], 200)
    is_text = "\ufffd" not in shown
    begins = f" It begins: {shown}" if shown and is_text and shown not in reason else ""
    advice = _FREE if is_free else _PAID
    is_too_long = AN_ERROR in reason and is_context_overflow(reason)
    cls = SegmindContextOverflowError if is_too_long else SegmindResponseError
    return cls(
        f"{name}: the gateway's reply cannot be used: {reason}. {advice}{begins}",
        **fields,
    )


def what_happened(result: Result) -> str:
    """Describe in a few words how an attempt failed."""
    if isinstance(result, Response) and result.fault is None:
        text = message_from_body(text_of(result))
        return f"the gateway answered {result.status}" + (f" ({text})" if text else "")
    why = f" ({result.detail})" if result.detail else ""
    return f"{_FAULTS[result.fault or 'cut']}{why}"


def error_fields(reply: Reply, name: str, attempts: int) -> dict[str, Any]:
    """Gather what a `SegmindError` keeps of a reply."""
    result = reply.result
    fields: dict[str, Any] = {
        "outcome": result.outcome,
        "attempts": attempts,
        "model": name,
        "retry_after": server_requested_delay(reply),
        "is_retryable": is_repeatable(result),
    }
    if isinstance(result, Response):
        fields |= {
            "status_code": result.status,
            "request_id": result.headers.get("x-request-id"),
            "cost": parse_amount(result.headers.get("x-cost")),
            "remaining_credits": parse_amount(result.headers.get("x-remaining-credits")),
            "headers": result.headers,
            "body": text_of(result),
        }
    return fields


def parse_amount(written: Any) -> float | None:
    """Parse a number in any usual notation (`$0.01`, `1,000.5`, `0.4s`); None for anything else."""
    if written is None or isinstance(written, bool):
        return None
    try:
        value = float(written)
    except (ValueError, TypeError, OverflowError):
        value = _without_units(written)
    return value if math.isfinite(value) else None


def _without_units(written: Any) -> float:
    try:
        return float(written.strip().lstrip("$").rstrip("s$ ").replace(",", ""))
    except (ValueError, AttributeError):
        return math.nan


def text_of(response: Response) -> str:
    """Return as much of a reply's text as an error may need."""
    return response.body[: 64 * 1024].decode("utf-8", "replace")
