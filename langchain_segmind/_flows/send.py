"""Send one request until it is answered, as long as that cannot be paid for twice.

Whether to retry is decided in `retry`; what an error says, in `failures`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from langchain_segmind._flows.failures import error_from_reply, parse_amount, unusable_reply_error
from langchain_segmind._flows.retry import RetryPolicy, wait_before_next
from langchain_segmind._flows.types import (
    Flow,
    JobEvent,
    Receipt,
    Reply,
    Request,
    Response,
    Step,
)
from langchain_segmind._value import value
from langchain_segmind.errors import (
    SegmindContextOverflowError,
    SegmindError,
    SegmindJobFailedError,
    SegmindResponseError,
)

T = TypeVar("T")


@value
class Sent:
    """A whole reply of status 2xx.

    Attributes:
        reply: What the driver sent back.
        response: The HTTP reply in it.
        attempts: How many requests it took.
        ambiguous: How many of those before the last may have run all the same.
    """

    reply: Reply
    response: Response
    attempts: int
    ambiguous: int = 0


@value
class Failed:
    """The end of a request that was not answered.

    Attributes:
        error: What to raise, unless the caller knows another way.
        elapsed: Seconds since the flow began.
        attempts: How many requests count against the retries of what is sent instead.
        event: What became known of the request's job, and is still to be reported.
    """

    error: SegmindError
    elapsed: float
    attempts: int
    event: JobEvent | None = None

    @property
    def is_refusal(self) -> bool:
        """Whether the gateway or the model refused what was sent, unbilled."""
        error = self.error
        is_refused = error.status_code in (400, 406) or isinstance(error, SegmindJobFailedError)
        return is_refused and error.outcome == "rejected"


def send_decoded(
    request: Request, name: str, retry_policy: RetryPolicy, decode: Callable[[Response], T]
) -> Flow[tuple[T, Receipt]]:
    """Send a request and decode its reply.

    Args:
        request: What to send.
        name: What is asked, for messages.
        retry_policy: How often and how long to try.
        decode: Reads a reply, or raises a `SegmindResponseError` that says why it cannot.

    Returns:
        What was read, and what it cost.

    Raises:
        SegmindError: If there is no reply that can be read.
    """
    sent = yield from send_with_retries(request, name, retry_policy)
    if isinstance(sent, Failed):
        raise sent.error
    return decode_reply(sent, name, decode)


def decode_reply(sent: Sent, name: str, decode: Callable[[Response], T]) -> tuple[T, Receipt]:
    """Decode a reply; arguments and errors are those of `send_decoded`."""
    response = sent.response
    try:
        return decode(response), receipt_of(response.headers, sent.ambiguous)
    except SegmindResponseError as unread:
        error = unusable_reply_error(unread.message, sent.reply, name, sent.attempts)
    error.ambiguous_attempts = sent.ambiguous
    raise error


def send_with_retries(
    request: Request,
    name: str,
    retry_policy: RetryPolicy,
    *,
    after: Failed | None = None,
) -> Flow[Sent | Failed]:
    """Send a request until it is answered, as long as that cannot be paid for twice.

    Args:
        request: What to send.
        name: What is asked, for messages.
        retry_policy: How often and how long to try.
        after: The refusal of another form of the request, which this one stands in for.
    """
    attempts, ambiguous, wait, elapsed, event = 0, 0, 0.0, 0.0, None
    if after is not None:
        attempts, elapsed, event = after.attempts, after.elapsed, after.event
        ambiguous = after.error.ambiguous_attempts
    while True:
        attempts += 1
        reply = yield next_step(request, retry_policy, wait, elapsed, event=event)
        result, event = reply.result, None
        if isinstance(result, Response) and result.is_success and result.fault is None:
            return Sent(reply, result, attempts, ambiguous)
        error = error_from_reply(reply, name, attempts, ambiguous)
        next_wait = wait_before_next(attempts, reply, retry_policy)
        if next_wait is None or isinstance(error, SegmindContextOverflowError):
            return Failed(error, reply.elapsed, attempts)
        ambiguous += result.outcome == "unknown"
        wait, elapsed = next_wait, reply.elapsed


def receipt_of(headers: Mapping[str, str], ambiguous: int = 0) -> Receipt:
    """Read what a call took from the headers of its reply."""
    return Receipt(
        request_id=headers.get("x-request-id"),
        cost=parse_amount(headers.get("x-cost")),
        remaining_credits=parse_amount(headers.get("x-remaining-credits")),
        generation_time=parse_amount(headers.get("x-generation-time")),
        headers=headers,
        ambiguous_attempts=ambiguous,
    )


def next_step(
    request: Request,
    retry_policy: RetryPolicy,
    wait: float,
    elapsed: float,
    *limits: float,
    event: JobEvent | None = None,
) -> Step:
    """Make the next step, within what is left of the whole call's time.

    Args:
        request: What to send.
        retry_policy: How often and how long to try.
        wait: Seconds to wait first.
        elapsed: Seconds since the flow began.
        *limits: More seconds that the attempt may take at most.
        event: What to report with it.
    """
    total, timeout = retry_policy.total_timeout, retry_policy.timeout
    left = None if total is None else max(0.001, total - elapsed - wait)
    for limit in (left, *limits):
        if limit is not None and (timeout is None or limit < timeout):
            timeout = limit
    return Step(request, wait, timeout, retry_policy.connect_timeout, left, event)
