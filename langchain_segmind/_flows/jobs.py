"""Jobs in the gateway's queue: submitted once, then polled until their answer is there.

Polling is free and can always be repeated; submitting is neither. So a submit is sent by the rule
of `_send`, never again once an id is known, and every error after it carries the id, with which the
answer can be collected later.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from typing import Any, Final, TypeVar

from langchain_segmind import _formats as _wire
from langchain_segmind._flows.failures import (
    error_fields,
    parse_amount,
    text_of,
    unusable_reply_error,
    what_happened,
)
from langchain_segmind._flows.retry import RetryPolicy, server_requested_delay
from langchain_segmind._flows.send import Fallback, receipt, send_with_retries, step
from langchain_segmind._flows.types import Flow, JobEvent, Receipt, Reply, Request, Response, Step
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

T = TypeVar("T")

BAD_POLLS: Final = 6
"""Polls in a row that may fail."""

LONGEST_WAIT: Final = 5.0
LONGEST_POLL: Final = 30.0
_GROWTH: Final = 1.5
_LAST_POLL: Final = 5.0  # seconds for the one poll that begins as the deadline passes

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SURVIVED: Final = frozenset({404, 408, 425, 429})
_DONE: Final = "COMPLETED"
_FAILED: Final = "FAILED"
_GONE: Final = (404, 410)
_WORD: Final = re.compile(r"[A-Z][A-Z_ -]{0,39}")
_SYNONYMS: Final = {
    **dict.fromkeys(("SUCCEEDED", "SUCCESS", "DONE"), _DONE),
    **dict.fromkeys(("ERROR", "CANCELLED", "CANCELED", "EXPIRED"), _FAILED),
}
"""Words for an end that the gateway does not document; any other state means to wait."""
_CUT_ID: Final = re.compile(r'"request_id"\s*:\s*"([^"]{1,128})"')

_log: Final = logging.getLogger(__name__)


@value
class WaitPolicy:
    """How long to wait for a job.

    Attributes:
        timeout: Seconds from the submit until it has to be done.
        poll_interval: Seconds until the first poll; later waits grow by half, up to 5 s.
    """

    timeout: float = 600.0
    poll_interval: float = 0.5


@value
class Job:
    """A job in the queue.

    Attributes:
        id: The gateway's id of it.
        name: The model it is for.
        base_url: Where the queue is, as `queue_url` gives it.
        headers: Extra headers for every request.
        state: What the gateway said of it last.
        since: When it was submitted, in seconds since the conversation began.
        attempts: How many requests that took.
        ambiguous: How many of those before the last may have run all the same.
    """

    id: str
    name: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    state: str = ""
    since: float = 0.0
    attempts: int = 0
    ambiguous: int = 0


def queue_url(base_url: str) -> str:
    """Give the queue's address: that of the API with its last `/vN` replaced by `/v2`."""
    return re.sub(r"/v\d+$", "", base_url) + "/v2"


def is_job_id(text: str) -> bool:
    """Tell whether a text can be a job's id: it becomes part of a URL, the key's way to there."""
    return _ID.fullmatch(text) is not None


def run_job(
    request: Request,
    name: str,
    retry_policy: RetryPolicy,
    waiting: WaitPolicy,
    decode: Callable[[Mapping[str, Any]], T],
    *,
    fallback: Fallback | None = None,
) -> Flow[tuple[T, Receipt]]:
    """Submit a job and wait for its answer.

    Args:
        request: The submit.
        name: The model, for messages.
        retry_policy: How long to try to submit, and for each poll.
        waiting: How long to wait for the answer.
        decode: Reads the result's body, or raises a `SegmindResponseError` that says why it cannot.
        fallback: Gives another request for a refused one.

    Returns:
        What was read, and what it cost.
    """
    since = 0.0
    while True:
        job = yield from submit(request, name, retry_policy, fallback, since=since)
        polls = PollSchedule(job, retry_policy, waiting)
        try:
            return (yield from _collected(polls, decode))
        except SegmindJobFailedError as failed:
            # It did not run, so another may take its place: one that asks in words for a form
            # that the model refuses.
            other = fallback(failed.body or "") if fallback and not failed.billed else None
            if other is None:
                raise
        request, since = other, polls.elapsed


def submit(
    request: Request,
    name: str,
    retry_policy: RetryPolicy,
    fallback: Fallback | None = None,
    *,
    since: float = 0.0,
) -> Flow[Job]:
    """Submit a job. One whose reply was lost is not submitted again: it may run already."""
    try:
        sent = yield from send_with_retries(request, name, retry_policy, fallback, since=since)
    except SegmindError as lost:
        lost.request_id = _id_in(lost.body or "") or lost.request_id
        raise
    response = sent.response
    found = _id_in(response.body.decode("utf-8", "replace"))
    if found is None:
        raise unusable_reply_error("it holds no id of the job", response, name, sent.attempts)
    job = Job(
        id=found,
        name=name,
        base_url=request.url.rpartition("/")[0],
        headers=request.headers,
        state=_state(_json(response.body)) or "QUEUED",
        since=response.elapsed,
        attempts=sent.attempts,
        ambiguous=sent.ambiguous,
    )
    _log.info("%s: job %s is submitted", name, job.id)
    with _watched(job):
        yield JobEvent(job.state, job.id, name, job.since)
    return job


def wait_for_result(
    job: Job,
    retry_policy: RetryPolicy,
    waiting: WaitPolicy,
    decode: Callable[[Mapping[str, Any]], T],
) -> Flow[tuple[T, Receipt]]:
    """Wait until a job has ended, and read its answer.

    Raises:
        SegmindError: With the job's id, whatever went wrong.
    """
    return (yield from _collected(PollSchedule(job, retry_policy, waiting), decode))


def _collected(
    polls: PollSchedule, decode: Callable[[Mapping[str, Any]], T]
) -> Flow[tuple[T, Receipt]]:
    job = polls.job
    with _watched(job):
        seen = yield from polls.until_done()
    paid = _receipt(job, seen)
    try:
        return decode({**seen.value, "request_id": job.id}), paid
    except SegmindResponseError as unread:
        reason = f"the job's output: {unread.message}"
    error = unusable_reply_error(reason, seen.reply, job.name, polls.requests)
    error.request_id, error.ambiguous_attempts = job.id, job.ambiguous
    error.cost, error.remaining_credits = paid.cost, paid.remaining_credits
    raise error


@contextmanager
def _watched(job: Job) -> Iterator[None]:
    """Log a job that is left behind, when the conversation about it is given up from outside."""
    try:
        yield
    except GeneratorExit:
        _log.warning("%s: job %s was left behind; fetch(%r) collects it", job.name, job.id, job.id)
        raise


def state_of(job: Job, retry_policy: RetryPolicy, waiting: WaitPolicy) -> Flow[str]:
    """Ask once what became of a job; polls that fail are repeated."""
    seen = yield from PollSchedule(job, retry_policy, waiting).poll("/status")
    return seen.state


@value
class JobSnapshot:
    """What a good poll showed."""

    state: str
    value: dict[str, Any]
    reply: Response


class PollSchedule:
    """The polls of one job: how many, how far apart, how long they may go on."""

    def __init__(self, job: Job, retry_policy: RetryPolicy, waiting: WaitPolicy) -> None:
        self.job = job
        self._retry_policy = retry_policy
        self._waiting = waiting
        self.elapsed = job.since
        self._wait = waiting.poll_interval if job.attempts else 0.0  # an old job may be done
        self._state = job.state
        self.requests = job.attempts

    def until_done(self) -> Flow[JobSnapshot]:
        """Poll until the answer is there."""
        what = "/status"
        while True:
            seen = yield from self.poll(what)
            if seen.state != self._state:
                self._state = seen.state
                yield JobEvent(seen.state, self.job.id, self.job.name, self.elapsed)
            if seen.state == _FAILED:
                raise self._failed(seen)
            if seen.state == _DONE and not what:
                return seen
            what = "" if seen.state == _DONE else "/status"

    def poll(self, what: str) -> Flow[JobSnapshot]:
        """Poll for the job's status or, where `what` is empty, its result until a poll is good."""
        wait, bad = 0.0 if not what else self._next_wait(), 0
        while True:
            reply: Reply = yield self._step(what, wait)
            self.requests += 1
            self.elapsed = reply.elapsed
            seen = _snapshot(reply, is_result=not what)
            if seen is not None:
                return seen
            bad += 1
            if bad > BAD_POLLS or not _is_survived(reply):
                raise self._lost_contact(reply, bad)
            wait = self._next_wait(server_requested_delay(reply))

    def _next_wait(self, hint: float | None = None) -> float:
        """Take the next wait of the schedule, or the gateway's hint, within the deadline."""
        wait = self._wait
        longest = max(LONGEST_WAIT, self._waiting.poll_interval)
        self._wait = min(longest, wait * _GROWTH) if wait else self._waiting.poll_interval
        if hint is not None and hint <= self._retry_policy.max_retry_wait:
            wait = max(wait, hint)
        left = self._left()
        if left <= 0:
            raise self._timed_out()
        return min(wait, left)

    def _left(self) -> float:
        left = self.job.since + self._waiting.timeout - self.elapsed
        total = self._retry_policy.total_timeout
        return left if total is None else min(left, total - self.elapsed)

    def _step(self, what: str, wait: float) -> Step:
        job = self.job
        request = Request("GET", f"{job.base_url}/requests/{job.id}{what}", headers=job.headers)
        last = min(_LAST_POLL, max(1.0, self._waiting.timeout))
        limits = [max(last, self._left() - wait)]
        if what:
            limits.append(LONGEST_POLL)
        return step(request, self._retry_policy, wait, self.elapsed, *limits)

    # --- what went wrong -----------------------------------------------------------------------

    def _facts(self, reply: Reply | None) -> dict[str, Any]:
        job = self.job
        facts = {} if reply is None else error_fields(reply, job.name, self.requests)
        return facts | {
            "outcome": "executed" if self._state == _DONE else "unknown",
            "attempts": self.requests,
            "model": job.name,
            "request_id": job.id,
            "retry_after": None,
            "is_retryable": False,  # the whole call: the job would be paid for twice
            "ambiguous_attempts": job.ambiguous,
        }

    def _later(self) -> str:
        return f"It is not submitted again; fetch({self.job.id!r}) collects its answer later."

    def _timed_out(self) -> SegmindError:
        job, total = self.job, self._retry_policy.total_timeout
        after = f"{self.elapsed - job.since:.3g} s"
        limit = "queue_timeout" if total is None or self.elapsed < total else "total_timeout"
        if self._state == _DONE:
            what = f"job {job.id} is done, but its result could not be read within {after}"
        else:
            what = f"job {job.id} is {self._state or 'not done'} after {after}"
        return SegmindJobTimeoutError(
            f"{job.name}: {what}. {self._later()} A longer {limit}=... waits for it.",
            **self._facts(None),
        )

    def _failed(self, seen: JobSnapshot) -> SegmindError:
        job, paid = self.job, _receipt(self.job, seen)
        said = message_from_body(text_of(seen.reply))
        found, advice = error_class_for(422, said)
        too_long = found is SegmindContextOverflowError
        cls = SegmindContextOverflowError if too_long else SegmindJobFailedError
        facts = self._facts(seen.reply) | {
            "outcome": "executed" if paid.cost else "rejected",
            "cost": paid.cost,
            "remaining_credits": paid.remaining_credits,
        }
        billed = "It was billed all the same" if paid.cost else "Failed jobs are not billed"
        then = advice if too_long else "Correct the request, or call again if it was bad luck."
        why = said or "no reason given"
        return cls(f"{job.name}: job {job.id} failed ({why}). {billed}. {then}", **facts)

    def _lost_contact(self, reply: Reply, bad: int) -> SegmindError:
        job, facts = self.job, self._facts(reply)
        polls = f"{bad} polls in a row" if bad > 1 else "the poll"
        told = f"{job.name}: job {job.id} is in the queue, but {polls} failed"
        if isinstance(reply, Response) and reply.status in _GONE:
            return SegmindJobNotFoundError(
                f"{job.name}: there is no job {job.id}, {what_happened(reply)}. It has expired, as "
                "results are kept for about an hour, or the id is wrong or another key's. Check "
                "it; a new call pays for another run.",
                **facts,
            )
        return _class_of(reply)(f"{told}; at last {_what(reply)}. {self._later()}", **facts)


def _class_of(reply: Reply) -> type[SegmindError]:
    if not isinstance(reply, Response):
        return SegmindTimeoutError if reply.fault == "timeout" else SegmindConnectionError
    if reply.is_success:
        return SegmindResponseError
    cls, _ = error_class_for(reply.status, message_from_body(text_of(reply)))
    # A rate limit invites everybody to repeat the whole call, which would submit another job.
    return SegmindServerError if cls is SegmindRateLimitError else cls


def _what(reply: Reply) -> str:
    usable = isinstance(reply, Response) and reply.is_success and reply.fault is None
    return "the reply held no state" if usable else what_happened(reply)


def _is_survived(reply: Reply) -> bool:
    if not isinstance(reply, Response):
        return True
    return reply.is_success or reply.status in _SURVIVED or reply.status >= 500


def _snapshot(reply: Reply, *, is_result: bool) -> JobSnapshot | None:
    """Read a poll; None for a bad one."""
    if not isinstance(reply, Response) or reply.fault is not None:
        return None
    value = _json(reply.body)
    if not isinstance(value, dict):
        return JobSnapshot(_FAILED, {}, reply) if reply.status == 422 else None
    state = _state(value)
    if reply.status == 422:
        state = state or _FAILED
    elif not reply.is_success:
        # The gateway's own word for an end counts under any status; a front may have others.
        state = state if value.get("status") in (_DONE, _FAILED) else None
    elif is_result and state != _FAILED and (state is None or value.get("output") is not None):
        state = _DONE
    return None if state is None else JobSnapshot(state, value, reply)


def _state(value: Any) -> str | None:
    said = value.get("status") if isinstance(value, dict) else None
    word = said.strip().upper() if isinstance(said, str) else ""
    return _SYNONYMS.get(word, word) if _WORD.fullmatch(word) else None


def _id_in(body: str) -> str | None:
    """Find the job's id in the reply to a submit, even in one that was cut short."""
    value = _json(body.encode("utf-8", "replace"))
    if isinstance(value, dict):
        said = value.get("request_id")
        found = str(said) if isinstance(said, str | int) and not isinstance(said, bool) else ""
    else:
        cut = _CUT_ID.search(body)
        found = cut[1] if cut else ""
    return found if is_job_id(found) else None


def _json(body: bytes) -> Any:
    try:
        return _wire.parse(body)
    except SegmindResponseError:
        return None


def _receipt(job: Job, seen: JobSnapshot) -> Receipt:
    """Read what a job took from its metrics, and from the headers where they tell more."""
    told, said = receipt(seen.reply.headers, job.ambiguous), seen.value.get("metrics")
    metrics = said if isinstance(said, dict) else {}

    def either(name: str, otherwise: float | None) -> float | None:
        found = parse_amount(metrics.get(name))
        return otherwise if found is None else found

    return replace(
        told,
        request_id=job.id,
        cost=either("cost", told.cost),
        remaining_credits=either("remaining_credits", told.remaining_credits),
        generation_time=either("inference_time", told.generation_time),
        queue_time=parse_amount(metrics.get("queue_time")),
    )
