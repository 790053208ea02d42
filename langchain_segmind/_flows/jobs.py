"""Submit a job to the gateway's queue once, and poll until its result is there.

Polling is free and can always be repeated; submitting is neither. So a job is never submitted again
once its id is known, and every error after that carries the id, with which the result can be
fetched later.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from langchain_segmind._flows.job_errors import job_failed, job_lost, job_timed_out
from langchain_segmind._flows.job_status import (
    COMPLETED,
    FAILED,
    JobHandle,
    JobSnapshot,
    job_id_in,
    job_receipt,
    snapshot_of,
    submitted_state,
)
from langchain_segmind._flows.retry import server_requested_delay
from langchain_segmind._flows.send import Exchange
from langchain_segmind._flows.types import Flow, Receipt, Request, Response, Result
from langchain_segmind._value import value
from langchain_segmind.errors import SegmindError, SegmindResponseError

T = TypeVar("T")

BAD_POLLS: Final = 6  # polls in a row that may fail
LONGEST_WAIT: Final = 5.0  # seconds
LONGEST_POLL: Final = 30.0
_GROWTH: Final = 1.5  # of the wait between polls
_LAST_POLL: Final = 5.0  # seconds for the one poll that begins as the deadline passes
_SURVIVED: Final = frozenset({404, 408, 425, 429})

_log: Final = logging.getLogger(__name__)


@value
class WaitPolicy:
    """How many seconds to wait for a job, and for its first poll; later waits grow."""

    timeout: float = 600.0
    poll_interval: float = 0.5


def queue_url(base_url: str) -> str:
    """Return the queue's address: that of the API with its last `/vN` replaced by `/v2`."""
    return re.sub(r"/v\d+$", "", base_url) + "/v2"


def job_url(base_url: str, job_id: str) -> str:
    """Return the address of a job's result."""
    return f"{queue_url(base_url)}/requests/{job_id}"


def submit_job(exchange: Exchange, request: Request, base_url: str) -> Flow[JobHandle]:
    """Submit a job. One whose reply was lost is not submitted again: it may run already."""
    try:
        response = yield from exchange.send(request)
    except SegmindError as error:
        error.request_id = job_id_in(error.body or "") or error.request_id
        raise
    found = job_id_in(response.body.decode("utf-8", "replace"))
    if found is None:
        raise exchange.unusable_reply("it holds no id of the job")
    _log.info("%s: job %s is submitted", exchange.name, found)
    url, state = job_url(base_url, found), submitted_state(response)
    return JobHandle(found, exchange.name, url, request.headers, state, exchange.elapsed)


def wait_for_result(
    exchange: Exchange,
    job: JobHandle,
    wait_policy: WaitPolicy,
    decode: Callable[[Mapping[str, Any]], T],
) -> Flow[tuple[T, Receipt]]:
    """Poll until a job has ended; decode its result, and read what it cost.

    `decode` raises a `SegmindResponseError` with the reason if it cannot. Every error has the id.
    """
    poller = _Poller(exchange, job, wait_policy)
    try:
        snapshot = yield from poller.until_ended()
    except GeneratorExit:
        log_abandoned(job)
        raise
    receipt = job_receipt(job, exchange.ambiguous, snapshot)
    if snapshot.state == FAILED:
        failed = job_failed(exchange, poller.job, snapshot, receipt)
        exchange.attempts = 0  # a new job has all its retries
        raise failed
    try:
        return decode({**snapshot.body, "request_id": job.id}), receipt
    except SegmindResponseError as unread:
        reason = f"the job's output: {unread.message}"
    raise exchange.unusable_reply(
        reason,
        request_id=job.id,
        cost=receipt.cost,
        remaining_credits=receipt.remaining_credits,
        job_state=snapshot.state,
    )


def job_state(exchange: Exchange, job: JobHandle, wait_policy: WaitPolicy) -> Flow[str]:
    """Ask once for a job's state; polls that fail are repeated."""
    snapshot = yield from _Poller(exchange, job, wait_policy).poll("/status")
    return snapshot.state


def log_abandoned(job: JobHandle) -> None:
    """Log the id of a job that nobody waits for any more."""
    _log.warning(
        "%s: job %s goes on; get_job(%r).result() fetches its result", job.model, job.id, job.id
    )


class _Poller:
    """The polls of one job: how many, how far apart, and how long they may go on."""

    def __init__(self, exchange: Exchange, job: JobHandle, wait_policy: WaitPolicy) -> None:
        self._exchange = exchange
        self._wait_policy = wait_policy
        self._wait = wait_policy.poll_interval if job.state else 0.0  # an old job may be done
        self.job = job
        if job.state:
            exchange.event = job.event(job.since)

    def until_ended(self) -> Flow[JobSnapshot]:
        """Poll until the job has failed, or its result is there."""
        what = "/status"
        while True:
            snapshot = yield from self.poll(what)
            if snapshot.state != self.job.state:
                self.job = replace(self.job, state=snapshot.state)
                self._exchange.event = self.job.event(self._exchange.elapsed)
            if snapshot.state == FAILED or (snapshot.state == COMPLETED and not what):
                return snapshot
            what = "" if snapshot.state == COMPLETED else "/status"

    def poll(self, what: str) -> Flow[JobSnapshot]:
        """Poll for the status or, where `what` is blank, the result, until a poll is good."""
        request = Request("GET", f"{self.job.url}{what}", headers=self.job.headers)
        last = min(_LAST_POLL, max(1.0, self._wait_policy.timeout))
        longest = (LONGEST_POLL,) if what else ()
        wait, bad_polls = self._next_wait() if what else 0.0, 0
        while True:
            limit = max(last, self._time_left() - wait)
            reply = yield self._exchange.step(request, wait, limit, *longest)
            self._exchange.reply = reply
            snapshot = snapshot_of(reply.result, is_result=not what)
            if snapshot is not None:
                return snapshot
            bad_polls += 1
            if bad_polls > BAD_POLLS or not _is_survivable(reply.result):
                raise job_lost(self._exchange, self.job, bad_polls)
            wait = self._next_wait(server_requested_delay(reply))

    def _next_wait(self, requested: float | None = None) -> float:
        """Take the next wait of the schedule, or what the gateway asks for, within the deadline."""
        policy, interval = self._exchange.retry_policy, self._wait_policy.poll_interval
        wait = self._wait
        self._wait = min(max(LONGEST_WAIT, interval), wait * _GROWTH) if wait else interval
        if requested is not None and requested <= policy.max_retry_wait:
            wait = max(wait, requested)
        left = self._time_left()
        if left <= 0:
            is_queue = policy.total_timeout is None or self._exchange.elapsed < policy.total_timeout
            limit = "queue_timeout" if is_queue else "total_timeout"
            raise job_timed_out(self._exchange, self.job, limit)
        return min(wait, left)

    def _time_left(self) -> float:
        elapsed, total = self._exchange.elapsed, self._exchange.retry_policy.total_timeout
        left = self.job.since + self._wait_policy.timeout - elapsed
        return left if total is None else min(left, total - elapsed)


def _is_survivable(result: Result) -> bool:
    if not isinstance(result, Response):
        return True
    return result.is_success or result.status in _SURVIVED or result.status >= 500
