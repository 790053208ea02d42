"""Send the requests of one call, each until it is answered, as long as it cannot be paid for twice.

`retry` decides whether to try again; `failures` has the texts of errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from langchain_segmind._flows.failures import error_from_reply, parse_amount, unusable_reply_error
from langchain_segmind._flows.retry import RetryPolicy, wait_before_next
from langchain_segmind._flows.types import (
    Failure,
    Flow,
    JobEvent,
    Receipt,
    Reply,
    Request,
    Response,
    Step,
)
from langchain_segmind.errors import (
    SegmindContextOverflowError,
    SegmindError,
    SegmindResponseError,
)

T = TypeVar("T")

_NOTHING_SENT: Final = Reply(Failure("not_sent", "connection"))


class Exchange:
    """The requests of one call, and what is known after the last of them.

    Attributes:
        name: What is asked, for messages.
        ambiguous: How many of the attempts before the last may have run all the same.
        refused: How many were refused for their form; they do not count as retries.
        reply: What the driver sent back last.
        event: A new state of the call's job, to be reported with the next step.
    """

    def __init__(self, name: str, retry_policy: RetryPolicy, *, is_free: bool = False) -> None:
        """Begin an exchange; one that `is_free` runs no model, so it may always be repeated."""
        self.name = name
        self.retry_policy = replace(retry_policy, retry_ambiguous=True) if is_free else retry_policy
        self.is_free = is_free
        self.attempts = 0
        self.ambiguous = 0
        self.refused = 0
        self.reply = _NOTHING_SENT
        self.event: JobEvent | None = None

    @property
    def elapsed(self) -> float:
        """Return how many seconds had passed since the flow began when the last reply came."""
        return self.reply.elapsed

    def read(self, request: Request, decode: Callable[[Response], T]) -> Flow[tuple[T, Receipt]]:
        """Send a request, decode its reply, and read what it cost.

        `decode` raises a `SegmindResponseError` with the reason if it cannot.
        """
        return self.decode((yield from self.send(request)), decode)

    def decode(self, response: Response, decode: Callable[[Response], T]) -> tuple[T, Receipt]:
        """Decode a reply, and read what it cost."""
        try:
            return decode(response), receipt_of(response.headers, self.ambiguous)
        except SegmindResponseError as unread:
            reason = unread.message
        raise self.unusable_reply(reason)

    def send(self, request: Request) -> Flow[Response]:
        """Send a request until there is a whole reply of status 2xx, or it may not be repeated."""
        wait = 0.0
        while True:
            self.reply = reply = yield self.step(request, wait)
            result = reply.result
            if isinstance(result, Response) and result.is_success and result.fault is None:
                return result
            error = error_from_reply(
                reply,
                self.name,
                request.url,
                self.attempts,
                self.ambiguous,
                is_free=self.is_free,
            )
            next_wait = wait_before_next(self.attempts - self.refused, reply, self.retry_policy)
            if next_wait is None or isinstance(error, SegmindContextOverflowError):
                raise error
            self.ambiguous += result.outcome == "unknown" and not self.is_free
            wait = next_wait

    def step(self, request: Request, wait: float, *limits: float) -> Step:
        """Make the next step, within these seconds and what is left of the whole call's time."""
        policy, event, self.event = self.retry_policy, self.event, None
        timeout, left = policy.timeout, None
        if policy.total_timeout is not None:
            left = max(0.001, policy.total_timeout - self.elapsed - wait)
            limits = (left, *limits)
        for limit in limits:
            timeout = limit if timeout is None else min(timeout, limit)
        self.attempts += 1
        longest = policy.max_retry_wait
        return Step(request, wait, timeout, policy.connect_timeout, left, event, longest)

    def unusable_reply(self, reason: str, **fields: Any) -> SegmindError:
        """Make the error for a last reply that cannot be read, for this reason."""
        fields = {"ambiguous_attempts": self.ambiguous, **fields}
        return unusable_reply_error(
            reason, self.reply, self.name, self.attempts, fields, is_free=self.is_free
        )


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
