"""Decide whether to try again, and after how long.

Nothing is paid for twice: an attempt is repeated only when the model surely did not run, or when
the user opted in with `retry_ambiguous`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Final

from langchain_segmind._flows.types import Reply, Response, Result
from langchain_segmind._value import value

REPEATABLE_STATUS: Final = frozenset({408, 425, 429, 500, 503})
LONGEST_BACKOFF: Final = 8.0


@value
class RetryPolicy:
    """How often and how long to try.

    Attributes:
        max_retries: Attempts after the first.
        max_retry_wait: Seconds of waiting the gateway may ask for; for more, the call fails.
        total_timeout: Seconds for all attempts and waits together; None for no limit.
        timeout: Seconds for one attempt; None for no limit.
        connect_timeout: Seconds of it for the connection; None for no limit.
        retry_ambiguous: Whether to repeat what may have been billed already.
    """

    max_retries: int = 2
    max_retry_wait: float = 60.0
    total_timeout: float | None = None
    timeout: float | None = 120.0
    connect_timeout: float | None = 10.0
    retry_ambiguous: bool = False


def is_repeatable(result: Result, *, retry_ambiguous: bool = False) -> bool:
    """Return whether the same request may be sent again without paying twice."""
    match result.outcome:
        case "not_sent":
            return result.fault != "tls"  # a bad certificate stays bad
        case "rejected":
            return isinstance(result, Response) and result.status in REPEATABLE_STATUS
        case "unknown":
            return retry_ambiguous
        case "executed":
            return False


def wait_before_next(attempt: int, reply: Reply, retry_policy: RetryPolicy) -> float | None:
    """Decide how many seconds to wait before the next attempt; None to give up.

    Args:
        attempt: How many attempts were made, at least 1.
        reply: What came of the last one.
        retry_policy: The user's settings.
    """
    if attempt > retry_policy.max_retries:
        return None
    if not is_repeatable(reply.result, retry_ambiguous=retry_policy.retry_ambiguous):
        return None
    wait = _wait(attempt, reply, retry_policy.max_retry_wait)
    if wait is None:
        return None
    total = retry_policy.total_timeout
    return wait if total is None or reply.elapsed + wait < total else None


def _wait(attempt: int, reply: Reply, longest: float) -> float | None:
    hint = server_requested_delay(reply)
    if hint is not None:
        return None if hint > longest else hint + 0.1 * reply.jitter
    is_rate_limit = isinstance(reply.result, Response) and reply.result.status == 429
    base = 1.0 if is_rate_limit else 0.5
    return min(LONGEST_BACKOFF, base * 2.0 ** min(attempt - 1, 10)) * (0.5 + 0.5 * reply.jitter)


def server_requested_delay(reply: Reply) -> float | None:
    """Return how many seconds the gateway asks to wait; None where it does not say.

    The first header that makes sense counts. Dates are compared with the reply's own `Date`, as
    the two clocks may differ; without one, with ours. Garbled, past and endless values are ignored.
    """
    response = reply.result
    if not isinstance(response, Response):
        return None
    headers = response.headers
    candidates = (
        _scaled(_number(headers.get("retry-after-ms")), 0.001),
        _number(headers.get("retry-after")),
        _until(headers.get("retry-after"), response, reply.now, _http_date),
        _until(headers.get("x-rate-limit-reset-at-utc"), response, reply.now, _any_date),
    )
    return next((c for c in candidates if c is not None and 0 <= c < math.inf), None)


def _until(
    text: str | None, response: Response, now: float, parse: Callable[[str], float | None]
) -> float | None:
    when = parse(text) if text else None
    if when is None:
        return None
    sent = _http_date(response.headers.get("date", ""))
    return when - (now if sent is None else sent)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) else None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _http_date(text: str) -> float | None:
    try:
        return _timestamp(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _any_date(text: str) -> float | None:
    number = _number(text)
    if number is not None:
        return number / 1000 if number > 1e11 else number  # epoch in milliseconds or seconds
    try:
        return _timestamp(datetime.fromisoformat(_plain_iso(text.strip())))
    except (ValueError, OverflowError):
        return _http_date(text)


def _plain_iso(text: str) -> str:
    """Write an ISO 8601 time as Python 3.10 reads it: `+00:00` for `Z`, six digits of a second."""
    text = text.upper().removesuffix(" UTC").replace("Z", "+00:00").replace(",", ".")
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6]:0<6}{tail[digits:]}"


def _timestamp(moment: datetime) -> float:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return aware.timestamp()
