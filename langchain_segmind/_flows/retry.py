"""Decide whether to try again, and after how long.

Nothing is paid for twice: an attempt is repeated only when the model surely did not run, or when
the user opted in with `retry_ambiguous`.
"""

import math
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Final

from langchain_segmind._flows.types import Failure, Reply, Response, Result
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
    """Decide how many seconds to wait after this many attempts; None to give up."""
    if attempt > retry_policy.max_retries:
        return None
    if not is_repeatable(reply.result, retry_ambiguous=retry_policy.retry_ambiguous):
        return None
    wait, total = server_requested_delay(reply), retry_policy.total_timeout
    if wait is None:
        wait = _backoff(attempt, reply)
    elif wait > retry_policy.max_retry_wait:
        return None
    else:
        wait += 0.1 * reply.jitter
    return wait if total is None or reply.elapsed + wait < total else None


def _backoff(attempt: int, reply: Reply) -> float:
    is_rate_limit = isinstance(reply.result, Response) and reply.result.status == 429
    base = 1.0 if is_rate_limit else 0.5
    return min(LONGEST_BACKOFF, base * 2.0 ** min(attempt - 1, 10)) * (0.5 + 0.5 * reply.jitter)


def server_requested_delay(reply: Reply) -> float | None:
    """Return how many seconds the gateway asks to wait; None if it does not.

    The first header that makes sense counts. Dates are compared with the reply's own `Date`, as
    the two clocks may differ; without one, or if both show the same second, with ours. Garbled,
    past and endless values are ignored.
    """
    result = reply.result
    if isinstance(result, Failure):
        return result.retry_after
    return next((delay for delay in _delays(result, reply.now) if 0 <= delay < math.inf), None)


def seconds_until_reset(response: Response, now: float) -> float | None:
    """Return how many seconds a rate limit lasts, as `server_requested_delay` reads it.

    It is negative if the limit ended in the last minute. The last second counts as a whole one if
    the gateway leaves out fractions.
    """
    delays = _delays(response, now)
    found = next((delay for delay in delays if -60 < delay < math.inf), None)
    if found is None or not -1 < found < 0:
        return found
    is_rounded = abs(now + found - round(now + found)) < 1e-3
    return found + 1 if is_rounded else found


def _delays(response: Response, now: float) -> tuple[float, ...]:
    header = response.headers.get
    sent = _http_date(header("date", ""))
    if not math.isnan(sent) and not sent <= now < sent + 1:  # `Date` leaves out fractions
        now = sent
    return (
        _number(header("retry-after-ms", "")) / 1000,
        _number(header("retry-after", "")),
        _http_date(header("retry-after", "")) - now,
        _any_date(header("x-rate-limit-reset-at-utc", "")) - now,
    )


# Each of these returns NaN for a text that it cannot parse.


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _http_date(text: str) -> float:
    try:
        return _timestamp(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError, IndexError):
        return math.nan


def _any_date(text: str) -> float:
    number = _number(text)
    if not math.isnan(number):
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
