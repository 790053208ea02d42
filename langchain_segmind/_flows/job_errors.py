"""Make the errors of a job. Each carries the job's id, with which its result can be fetched."""

from __future__ import annotations

from typing import Any, Final

from langchain_segmind._flows.failures import error_fields, text_of, what_happened
from langchain_segmind._flows.job_status import COMPLETED, JobHandle, JobSnapshot
from langchain_segmind._flows.send import Exchange
from langchain_segmind._flows.types import Receipt, Response, Result
from langchain_segmind._text import FOR_MATCHING, message_from_body, message_from_json, one_line
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


def job_timed_out(exchange: Exchange, job: JobHandle, limit: str) -> SegmindJobTimeoutError:
    """Make the error for a job that is not done in time, which is the setting `limit`."""
    after = f"{exchange.elapsed - job.since:.3g} s"
    if job.state == COMPLETED:
        what = f"job {job.id} is done, but its result could not be read within {after}"
    else:
        what = f"job {job.id} is {job.state or 'not done'} after {after}"
    return SegmindJobTimeoutError(
        f"{job.model}: {what}. {_fetch_later(job)} A longer {limit}=... waits for it.",
        **_job_fields(exchange, job),
    )


def job_failed(
    exchange: Exchange, job: JobHandle, snapshot: JobSnapshot, receipt: Receipt
) -> SegmindError:
    """Make the error for a job that has failed."""
    reason = message_from_body(text_of(snapshot.response), FOR_MATCHING)
    reason = reason or message_from_json(snapshot.body.get("output"), FOR_MATCHING)
    found, advice = error_class_for(422, reason)
    is_too_long = found is SegmindContextOverflowError
    cls = SegmindContextOverflowError if is_too_long else SegmindJobFailedError
    fields = _reply_fields(exchange, job) | {
        "outcome": "executed" if receipt.cost else "rejected",
        "cost": receipt.cost,
        "remaining_credits": receipt.remaining_credits,
    }
    billed = "It was billed all the same" if receipt.cost else "Failed jobs are not billed"
    then = advice if is_too_long else "Correct the request, or try again if it was bad luck."
    why = one_line(reason, 500) or "no reason given"
    return cls(f"{job.model}: job {job.id} failed ({why}). {billed}. {then}", **fields)


def job_lost(exchange: Exchange, job: JobHandle, bad_polls: int) -> SegmindError:
    """Make the error for a job whose state can no longer be read."""
    fields, result = _reply_fields(exchange, job), exchange.reply.result
    if isinstance(result, Response) and result.status in _NOT_FOUND:
        return SegmindJobNotFoundError(
            f"{job.model}: there is no job {job.id}, {what_happened(result)}. It has "
            "expired, as results are kept for about an hour, or the id is wrong or belongs to "
            "another key. Check it; a new call pays for another run.",
            **fields,
        )
    polls = f"{bad_polls} polls in a row" if bad_polls > 1 else "the poll"
    is_usable = isinstance(result, Response) and result.is_success and result.fault is None
    what = "the reply held no state" if is_usable else what_happened(result)
    return _class_of(result)(
        f"{job.model}: job {job.id} is in the queue, but {polls} failed; the last time "
        f"{what}. {_fetch_later(job)}",
        **fields,
    )


def _class_of(result: Result) -> type[SegmindError]:
    if not isinstance(result, Response):
        return SegmindTimeoutError if result.fault == "timeout" else SegmindConnectionError
    if result.is_success:
        return SegmindResponseError
    cls, _ = error_class_for(result.status, message_from_body(text_of(result), FOR_MATCHING))
    # A rate limit invites everybody to repeat the whole call, which would submit another job.
    return SegmindServerError if cls is SegmindRateLimitError else cls


def _fetch_later(job: JobHandle) -> str:
    return f"It was not submitted again; get_job({job.id!r}).result() fetches its result."


def _reply_fields(exchange: Exchange, job: JobHandle) -> dict[str, Any]:
    fields = error_fields(exchange.reply, job.model, exchange.attempts)
    return fields | _job_fields(exchange, job)


def _job_fields(exchange: Exchange, job: JobHandle) -> dict[str, Any]:
    return {
        "outcome": "executed" if job.state == COMPLETED else "unknown",
        "attempts": exchange.attempts,
        "model": job.model,
        "request_id": job.id,
        "retry_after": None,
        "is_retryable": False,  # the whole call: the job would be paid for twice
        "ambiguous_attempts": exchange.ambiguous,
        "job_state": job.state or None,
    }
