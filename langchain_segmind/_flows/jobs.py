"""Submit a job to the gateway's queue once, and poll until its result is there.

Polling is free and can always be repeated; submitting is neither. So a job is never submitted again
once its id is known, and every error after that carries the id, with which the result can be
fetched later.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from typing import Any, Final, TypeVar

from langchain_segmind._flows.failures import unusable_reply_error
from langchain_segmind._flows.job_errors import (
    JobProgress,
    job_failed,
    job_lost,
    job_timed_out,
)
from langchain_segmind._flows.job_status import (
    COMPLETED,
    FAILED,
    JobSnapshot,
    job_id_in,
    job_receipt,
    snapshot_of,
    submitted_state,
)
from langchain_segmind._flows.retry import RetryPolicy, server_requested_delay
from langchain_segmind._flows.send import Failed, next_step, send_with_retries
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
from langchain_segmind.errors import SegmindResponseError

T = TypeVar("T")

BAD_POLLS: Final = 6
"""Polls in a row that may fail."""

LONGEST_WAIT: Final = 5.0
LONGEST_POLL: Final = 30.0
_GROWTH: Final = 1.5
_LAST_POLL: Final = 5.0  # seconds for the one poll that begins as the deadline passes
_SURVIVED: Final = frozenset({404, 408, 425, 429})

_log: Final = logging.getLogger(__name__)


@value
class WaitPolicy:
    """How long to wait for a job.

    Attributes:
        timeout: Seconds from the submission until it has to be done.
        poll_interval: Seconds until the first poll; later waits grow by half, up to 5 s.
    """

    timeout: float = 600.0
    poll_interval: float = 0.5


@value
class Job:
    """A job in the queue.

    Attributes:
        id: The gateway's id of it.
        model: The model it is for.
        base_url: Where the queue is, as `queue_url` gives it.
        headers: Extra headers for every request.
        state: What the gateway said when it was submitted; blank for one that was found by its id.
        since: When it was submitted, in seconds since the flow began.
        attempts: How many requests that took.
        ambiguous: How many of those before the last may have run all the same.
    """

    id: str
    model: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    state: str = ""
    since: float = 0.0
    attempts: int = 0
    ambiguous: int = 0

    @property
    def event(self) -> JobEvent:
        """That it was submitted."""
        return JobEvent(self.state, self.id, self.model, self.since)


def queue_url(base_url: str) -> str:
    """Return the queue's address: that of the API with its last `/vN` replaced by `/v2`."""
    return re.sub(r"/v\d+$", "", base_url) + "/v2"


def submit_job(
    request: Request, model: str, retry_policy: RetryPolicy, *, after: Failed | None = None
) -> Flow[Job | Failed]:
    """Submit a job. One whose reply was lost is not submitted again: it may run already.

    Args:
        request: What to send.
        model: The model, for messages.
        retry_policy: How often and how long to try.
        after: The refusal of another form of the request, which this one stands in for.

    Raises:
        SegmindResponseError: If the reply holds no id.
    """
    sent = yield from send_with_retries(request, model, retry_policy, after=after)
    if isinstance(sent, Failed):
        error = sent.error
        error.request_id = job_id_in(error.body or "") or error.request_id
        return sent
    found = job_id_in(sent.response.body.decode("utf-8", "replace"))
    if found is None:
        raise unusable_reply_error("it holds no id of the job", sent.reply, model, sent.attempts)
    _log.info("%s: job %s is submitted", model, found)
    return Job(
        id=found,
        model=model,
        base_url=request.url.rpartition("/")[0],
        headers=request.headers,
        state=submitted_state(sent.response),
        since=sent.reply.elapsed,
        attempts=sent.attempts,
        ambiguous=sent.ambiguous,
    )


def wait_for_result(
    job: Job,
    retry_policy: RetryPolicy,
    wait_policy: WaitPolicy,
    decode: Callable[[Mapping[str, Any]], T],
) -> Flow[tuple[T, Receipt] | Failed]:
    """Poll until a job has ended, and decode its result.

    Args:
        job: The job.
        retry_policy: How long each poll, and the whole call, may take.
        wait_policy: How long to wait for the result.
        decode: Reads the result's body, or raises a `SegmindResponseError` that says why it cannot.

    Returns:
        What was read, and what it cost; or that the job has failed.

    Raises:
        SegmindError: With the job's id, for anything else that went wrong.
    """
    poller = _Poller(job, retry_policy, wait_policy)
    with _log_if_abandoned(job):
        snapshot = yield from poller.until_ended()
    receipt = job_receipt(job.id, job.ambiguous, snapshot)
    if snapshot.state == FAILED:
        error = job_failed(poller.progress, snapshot, receipt)
        return Failed(error, poller.elapsed, 0, poller.event)  # a new job has all its retries
    try:
        return decode({**snapshot.body, "request_id": job.id}), receipt
    except SegmindResponseError as unread:
        reason = f"the job's output: {unread.message}"
    unusable = unusable_reply_error(reason, snapshot.reply, job.model, poller.requests)
    unusable.request_id, unusable.ambiguous_attempts = job.id, job.ambiguous
    unusable.cost, unusable.remaining_credits = receipt.cost, receipt.remaining_credits
    unusable.job_state = snapshot.state
    raise unusable


def job_state(job: Job, retry_policy: RetryPolicy, wait_policy: WaitPolicy) -> Flow[str]:
    """Ask once for a job's state; polls that fail are repeated."""
    snapshot = yield from _Poller(job, retry_policy, wait_policy).poll("/status")
    return snapshot.state


@contextmanager
def _log_if_abandoned(job: Job) -> Iterator[None]:
    """Log the id of a job when the call that waits for it is canceled."""
    try:
        yield
    except GeneratorExit:
        log_abandoned(job)
        raise


def log_abandoned(job: Job) -> None:
    """Log the id of a job that nobody waits for any more."""
    _log.warning(
        "%s: job %s goes on; get_job(%r).result() fetches its result", job.model, job.id, job.id
    )


class _Poller:
    """The polls of one job: how many, how far apart, and how long they may go on."""

    def __init__(self, job: Job, retry_policy: RetryPolicy, wait_policy: WaitPolicy) -> None:
        self._job = job
        self._retry_policy = retry_policy
        self._wait_policy = wait_policy
        self._state = job.state
        self._wait = wait_policy.poll_interval if job.attempts else 0.0  # an old job may be done
        self.elapsed = job.since
        self.requests = job.attempts
        self.event = job.event if job.state else None
        """What is still to be reported, with the next step."""

    @property
    def progress(self) -> JobProgress:
        """What is known now."""
        job = self._job
        waited = self.elapsed - job.since
        return JobProgress(job.id, job.model, self._state, self.requests, job.ambiguous, waited)

    def until_ended(self) -> Flow[JobSnapshot]:
        """Poll until the job has failed, or its result is there."""
        what = "/status"
        while True:
            snapshot = yield from self.poll(what)
            if snapshot.state != self._state:
                job, self._state = self._job, snapshot.state
                self.event = JobEvent(self._state, job.id, job.model, self.elapsed)
            if snapshot.state == FAILED or (snapshot.state == COMPLETED and not what):
                return snapshot
            what = "" if snapshot.state == COMPLETED else "/status"

    def poll(self, what: str) -> Flow[JobSnapshot]:
        """Poll for the status or, where `what` is blank, the result, until a poll is good."""
        wait, bad_polls = 0.0 if not what else self._next_wait(), 0
        while True:
            reply = yield self._step(what, wait)
            self.requests += 1
            self.elapsed = reply.elapsed
            snapshot = snapshot_of(reply, is_result=not what)
            if snapshot is not None:
                return snapshot
            bad_polls += 1
            if bad_polls > BAD_POLLS or not _is_survivable(reply):
                raise job_lost(self.progress, reply, bad_polls)
            wait = self._next_wait(server_requested_delay(reply))

    def _next_wait(self, requested: float | None = None) -> float:
        """Take the next wait of the schedule, or what the gateway asks for, within the deadline."""
        wait, interval = self._wait, self._wait_policy.poll_interval
        self._wait = min(max(LONGEST_WAIT, interval), wait * _GROWTH) if wait else interval
        if requested is not None and requested <= self._retry_policy.max_retry_wait:
            wait = max(wait, requested)
        left = self._time_left()
        if left <= 0:
            total = self._retry_policy.total_timeout
            is_queue = total is None or self.elapsed < total
            raise job_timed_out(self.progress, "queue_timeout" if is_queue else "total_timeout")
        return min(wait, left)

    def _time_left(self) -> float:
        left = self._job.since + self._wait_policy.timeout - self.elapsed
        total = self._retry_policy.total_timeout
        return left if total is None else min(left, total - self.elapsed)

    def _step(self, what: str, wait: float) -> Step:
        job, event = self._job, self.event
        self.event = None
        request = Request("GET", f"{job.base_url}/requests/{job.id}{what}", headers=job.headers)
        last = min(_LAST_POLL, max(1.0, self._wait_policy.timeout))
        limits = [max(last, self._time_left() - wait)]
        if what:
            limits.append(LONGEST_POLL)
        return next_step(request, self._retry_policy, wait, self.elapsed, *limits, event=event)


def _is_survivable(reply: Reply) -> bool:
    result = reply.result
    if not isinstance(result, Response):
        return True
    return result.is_success or result.status in _SURVIVED or result.status >= 500
