"""Make the errors of a job. Each carries the job's id, with which its result can be fetched."""

from __future__ import annotations

from typing import Any, Final

from langchain_segmind._flows.failures import error_fields, text_of, what_happened
from langchain_segmind._flows.job_status import COMPLETED, JobSnapshot
from langchain_segmind._flows.types import Receipt, Reply, Response
from langchain_segmind._text import message_from_body
from langchain_segmind._value import value
from langchain_segmind.errors import (
    SegmindConnectionError,
    SegmindContextOverflowError,
    SegmindError,
    SegmindJobFailedError,
    SegmindJobNotFoundError,
    SegmindJobTimeoutError,
    SegmindRateLimitError,
    SegmindResponseError,
    SegmindServerError,
    SegmindTimeoutError,
    error_class_for,
)

_NOT_FOUND: Final = (404, 410)


@value
class JobProgress:
    """What is known of a job when something goes wrong.

    Attributes:
        id: The gateway's id of it.
        model: The model it is for.
        state: What the gateway said of it last.
        requests: How many requests were made.
        ambiguous: How many attempts to submit may have run, beside the one that was answered.
        waited: Seconds since it was submitted.
    """

    id: str
    model: str
    state: str
    requests: int
    ambiguous: int
    waited: float


def job_timed_out(progress: JobProgress, limit: str) -> SegmindJobTimeoutError:
    """Make the error for a job that is not done in time.

    Args:
        progress: The job.
        limit: The setting whose time is over.
    """
    after = f"{progress.waited:.3g} s"
    if progress.state == COMPLETED:
        what = f"job {progress.id} is done, but its result could not be read within {after}"
    else:
        what = f"job {progress.id} is {progress.state or 'not done'} after {after}"
    return SegmindJobTimeoutError(
        f"{progress.model}: {what}. {_fetch_later(progress)} A longer {limit}=... waits for it.",
        **_fields(progress, None),
    )


def job_failed(progress: JobProgress, snapshot: JobSnapshot, receipt: Receipt) -> SegmindError:
    """Make the error for a job that the gateway says has failed."""
    reason = message_from_body(text_of(snapshot.response))
    found, advice = error_class_for(422, reason)
    is_too_long = found is SegmindContextOverflowError
    cls = SegmindContextOverflowError if is_too_long else SegmindJobFailedError
    fields = _fields(progress, snapshot.reply) | {
        "outcome": "executed" if receipt.cost else "rejected",
        "cost": receipt.cost,
        "remaining_credits": receipt.remaining_credits,
    }
    billed = "It was billed all the same" if receipt.cost else "Failed jobs are not billed"
    then = advice if is_too_long else "Correct the request, or try again if it was bad luck."
    why = reason or "no reason given"
    return cls(f"{progress.model}: job {progress.id} failed ({why}). {billed}. {then}", **fields)


def job_lost(progress: JobProgress, reply: Reply, bad_polls: int) -> SegmindError:
    """Make the error for a job whose state can no longer be read."""
    fields, result = _fields(progress, reply), reply.result
    if isinstance(result, Response) and result.status in _NOT_FOUND:
        return SegmindJobNotFoundError(
            f"{progress.model}: there is no job {progress.id}, {what_happened(result)}. It has "
            "expired, as results are kept for about an hour, or the id is wrong or belongs to "
            "another key. Check it; a new call pays for another run.",
            **fields,
        )
    polls = f"{bad_polls} polls in a row" if bad_polls > 1 else "the poll"
    is_usable = isinstance(result, Response) and result.is_success and result.fault is None
    what = "the reply held no state" if is_usable else what_happened(result)
    return _class_of(reply)(
        f"{progress.model}: job {progress.id} is in the queue, but {polls} failed; the last time "
        f"{what}. {_fetch_later(progress)}",
        **fields,
    )


def _class_of(reply: Reply) -> type[SegmindError]:
    result = reply.result
    if not isinstance(result, Response):
        return SegmindTimeoutError if result.fault == "timeout" else SegmindConnectionError
    if result.is_success:
        return SegmindResponseError
    cls, _ = error_class_for(result.status, message_from_body(text_of(result)))
    # A rate limit invites everybody to repeat the whole call, which would submit another job.
    return SegmindServerError if cls is SegmindRateLimitError else cls


def _fetch_later(progress: JobProgress) -> str:
    return f"It was not submitted again; get_job({progress.id!r}).result() fetches its result."


def _fields(progress: JobProgress, reply: Reply | None) -> dict[str, Any]:
    fields = {} if reply is None else error_fields(reply, progress.model, progress.requests)
    return fields | {
        "outcome": "executed" if progress.state == COMPLETED else "unknown",
        "attempts": progress.requests,
        "model": progress.model,
        "request_id": progress.id,
        "retry_after": None,
        "is_retryable": False,  # the whole call: the job would be paid for twice
        "ambiguous_attempts": progress.ambiguous,
        "job_state": progress.state or None,
    }
