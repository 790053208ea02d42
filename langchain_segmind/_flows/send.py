"""Sending one request until it is answered, for as long as that cannot be paid for twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from langchain_segmind._flows.failures import (
    error_from_reply,
    parse_amount,
    text_of,
    unusable_reply_error,
)
from langchain_segmind._flows.retry import RetryPolicy, wait_before_next
from langchain_segmind._flows.types import Flow, Receipt, Reply, Request, Response, Step
from langchain_segmind._value import value
from langchain_segmind.errors import SegmindContextOverflowError, SegmindResponseError

T = TypeVar("T")

Fallback = Callable[[str], Request | None]
"""Given the words of a refusal, makes the request to send at once in the place of the refused."""

_REFUSALS: Final = (400, 406)


@value
class Sent:
    """What sending came to.

    Attributes:
        response: The whole reply, of status 2xx.
        attempts: How many requests it took.
        ambiguous: How many of those before the last may have run all the same.
    """

    response: Response
    attempts: int
    ambiguous: int = 0


def send_decoded(
    request: Request,
    name: str,
    retry_policy: RetryPolicy,
    decode: Callable[[Response], T],
    fallback: Fallback | None = None,
) -> Flow[tuple[T, Receipt]]:
    """Send a request and read its reply.

    Args:
        request: What to send.
        name: What is asked, for messages.
        retry_policy: How long to try.
        decode: Reads a reply, or raises a `SegmindResponseError` that says why it cannot.
        fallback: Gives another request for a refused one.

    Returns:
        What was read, and what it cost.
    """
    sent = yield from send_with_retries(request, name, retry_policy, fallback)
    response = sent.response
    try:
        return decode(response), receipt(response.headers, sent.ambiguous)
    except SegmindResponseError as unread:
        error = unusable_reply_error(unread.message, response, name, sent.attempts)
    error.ambiguous_attempts = sent.ambiguous
    raise error


def send_with_retries(
    request: Request,
    name: str,
    retry_policy: RetryPolicy,
    fallback: Fallback | None = None,
    *,
    since: float = 0.0,
) -> Flow[Sent]:
    """Send a request until it is answered, for as long as that cannot be paid for twice.

    Args:
        request: What to send.
        name: What is asked, for messages.
        retry_policy: How long to try.
        fallback: Gives another request for a refused one.
        since: Seconds that have passed since the conversation began.

    Raises:
        SegmindError: For any other end.
    """
    attempts, ambiguous, wait, elapsed = 0, 0, 0.0, since
    while True:
        attempts += 1
        reply: Reply = yield step(request, retry_policy, wait, elapsed)
        if isinstance(reply, Response) and reply.is_success and reply.fault is None:
            return Sent(reply, attempts, ambiguous)
        other = None
        if fallback and isinstance(reply, Response) and reply.status in _REFUSALS:
            other = fallback(text_of(reply))
        if other is not None:
            request, wait, elapsed = other, 0.0, reply.elapsed
            continue
        error = error_from_reply(reply, name, attempts, ambiguous)
        next_wait = wait_before_next(attempts, reply, retry_policy)
        if next_wait is None or isinstance(error, SegmindContextOverflowError):
            raise error
        ambiguous += reply.outcome == "unknown"
        wait, elapsed = next_wait, reply.elapsed


def receipt(headers: Mapping[str, str], ambiguous: int = 0) -> Receipt:
    """Read what a call took from the headers of its reply."""
    return Receipt(
        request_id=headers.get("x-request-id"),
        cost=parse_amount(headers.get("x-cost")),
        remaining_credits=parse_amount(headers.get("x-remaining-credits")),
        generation_time=parse_amount(headers.get("x-generation-time")),
        headers=headers,
        ambiguous_attempts=ambiguous,
    )


def step(
    request: Request, retry_policy: RetryPolicy, wait: float, elapsed: float, *limits: float
) -> Step:
    """Make the next step, within what is left of the whole conversation's time.

    Args:
        request: What to send.
        retry_policy: How long to try.
        wait: Seconds to wait first.
        elapsed: Seconds since the conversation began.
        *limits: More seconds that the attempt may take at most.
    """
    total, timeout = retry_policy.total_timeout, retry_policy.timeout
    left = None if total is None else max(0.001, total - elapsed - wait)
    for limit in (left, *limits):
        if limit is not None and (timeout is None or limit < timeout):
            timeout = limit
    return Step(request, wait, timeout, retry_policy.connect_timeout, pool_timeout=left)
