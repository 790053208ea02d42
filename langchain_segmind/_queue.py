"""Jobs in the gateway's queue: submitted once, then polled until their answer is there.

Polling is free and can always be repeated; submitting is neither. So a submit is sent by the rule
of `_send`, never again once an id is known, and every error after it carries the id, with which the
answer can be collected later.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from langchain_segmind import _wire
from langchain_segmind._exchange import Flow, News, Receipt, Reply, Request, Response, Step
from langchain_segmind._retry import Patience, hinted_wait
from langchain_segmind._send import Instead, receipt, send
from langchain_segmind._verdict import amount, facts_of, unusable, what_happened
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
    class_for,
    explain,
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

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long to wait for a job.

    Attributes:
        timeout: Seconds from the submit until it has to be done.
        poll_interval: Seconds until the first poll; later waits grow by half, up to 5 s.
    """

    timeout: float = 600.0
    poll_interval: float = 0.5


@dataclass(frozen=True, slots=True)
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


def run(
    request: Request,
    name: str,
    patience: Patience,
    waiting: Waiting,
    decode: Callable[[Mapping[str, Any]], T],
    *,
    instead: Instead | None = None,
) -> Flow[tuple[T, Receipt]]:
    """Submit a job and wait for its answer.

    Args:
        request: The submit.
        name: The model, for messages.
        patience: How long to try to submit, and for each poll.
        waiting: How long to wait for the answer.
        decode: Reads the result's body, or raises a `SegmindResponseError` that says why it cannot.
        instead: Gives another request for a refused one.

    Returns:
        What was read, and what it cost.
    """
    since = 0.0
    while True:
        job = yield from submit(request, name, patience, instead, since=since)
        try:
            return (yield from collect(job, patience, waiting, decode))
        except SegmindJobFailedError as failed:
            # It did not run, so another may take its place: one that asks in words for a form
            # that the model refuses.
            other = instead(failed.body or "") if instead and not failed.billed else None
            if other is None:
                raise
        request, since = other, job.since


def submit(
    request: Request,
    name: str,
    patience: Patience,
    instead: Instead | None = None,
    *,
    since: float = 0.0,
) -> Flow[Job]:
    """Submit a job. One whose reply was lost is not submitted again: it may run already."""
    sent = yield from send(request, name, patience, instead)
    response = sent.response
    said = _json(response.body)
    found = said.get("request_id") if isinstance(said, dict) else None
    if not isinstance(found, str) or not is_job_id(found):
        raise unusable("it holds no id of the job", response, name, sent.attempts)
    base_url = request.url.rpartition("/")[0]
    since = response.elapsed
    job = Job(found, name, base_url, request.headers, "", since, sent.attempts, sent.ambiguous)
    _log.info("%s: job %s is submitted", name, found)
    state = _state(said) or "QUEUED"
    yield News(state, found, name, since)
    return replace(job, state=state)


def collect(
    job: Job, patience: Patience, waiting: Waiting, decode: Callable[[Mapping[str, Any]], T]
) -> Flow[tuple[T, Receipt]]:
    """Wait until a job has ended, and read its answer.

    Raises:
        SegmindError: With the job's id, whatever went wrong.
    """
    polls = _Polls(job, patience, waiting)
    try:
        seen = yield from polls.until_done()
    except GeneratorExit:
        _log.warning("%s: job %s was left behind; fetch(%r) collects it", job.name, job.id, job.id)
        raise
    metrics = seen.value.get("metrics")
    metrics = metrics if isinstance(metrics, dict) else {}
    paid = _receipt(job, seen.reply, metrics)
    try:
        return decode({**seen.value, "request_id": job.id}), paid
    except SegmindResponseError as unread:
        reason = f"the job's output: {unread.message}"
    error = unusable(reason, seen.reply, job.name, polls.requests)
    error.request_id, error.cost = job.id, paid.cost
    error.remaining_credits, error.ambiguous_attempts = paid.remaining_credits, job.ambiguous
    raise error


def state_of(job: Job, patience: Patience, waiting: Waiting) -> Flow[str]:
    """Ask once what became of a job; polls that fail are repeated."""
    seen = yield from _Polls(job, patience, waiting).once()
    return seen.state


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a good poll showed."""

    state: str
    value: dict[str, Any]
    reply: Response


class _Polls:
    """The polls of one job: how many, how far apart, how long they may go on."""

    def __init__(self, job: Job, patience: Patience, waiting: Waiting) -> None:
        self._job = job
        self._patience = patience
        self._waiting = waiting
        self._elapsed = job.since
        self._wait = waiting.poll_interval if job.attempts else 0.0  # an old job may be done
        self._state = job.state
        self.requests = job.attempts

    def until_done(self) -> Flow[_Seen]:
        """Poll until the answer is there."""
        what = "/status"
        while True:
            seen = yield from self._good_poll(what)
            if seen.state != self._state:
                self._state = seen.state
                yield News(seen.state, self._job.id, self._job.name, self._elapsed)
            if seen.state == _FAILED:
                raise self._failed(seen)
            if seen.state == _DONE and not what:
                return seen
            what = "" if seen.state == _DONE else "/status"

    def once(self) -> Flow[_Seen]:
        """Poll until a poll succeeds."""
        self._wait = 0.0
        return (yield from self._good_poll("/status"))

    def _good_poll(self, what: str) -> Flow[_Seen]:
        wait = 0.0 if not what else self._next_wait()
        for bad in range(1, BAD_POLLS + 2):
            reply: Reply = yield self._step(what, wait)
            self.requests += 1
            self._elapsed = reply.elapsed
            seen = _seen(reply, is_result=not what)
            if seen is not None:
                return seen
            if bad > BAD_POLLS or not _is_survived(reply):
                raise self._lost_contact(reply, bad)
            wait = self._next_wait(hinted_wait(reply))
        raise AssertionError("unreachable")

    def _next_wait(self, hint: float | None = None) -> float:
        """Take the next wait of the schedule, or the gateway's hint, within the deadline."""
        wait = self._wait
        longest = max(LONGEST_WAIT, self._waiting.poll_interval)
        self._wait = min(longest, wait * _GROWTH) if wait else self._waiting.poll_interval
        if hint is not None and hint <= self._patience.max_retry_wait:
            wait = max(wait, hint)
        left = self._left()
        if left <= 0:
            raise self._timed_out()
        return min(wait, left)

    def _left(self) -> float:
        left = self._job.since + self._waiting.timeout - self._elapsed
        total = self._patience.total_timeout
        return left if total is None else min(left, total - self._elapsed)

    def _step(self, what: str, wait: float) -> Step:
        job, patience = self._job, self._patience
        request = Request("GET", f"{job.base_url}/requests/{job.id}{what}", headers=job.headers)
        limits = [patience.timeout, max(_LAST_POLL, self._left() - wait)]
        if what:
            limits.append(LONGEST_POLL)
        total = None
        if patience.total_timeout is not None:
            total = max(0.001, patience.total_timeout - self._elapsed - wait)
            limits.append(total)
        timeout = min(limit for limit in limits if limit is not None)
        return Step(request, wait, timeout, patience.connect_timeout, patience=total)

    # --- what went wrong -----------------------------------------------------------------------

    def _facts(self, reply: Reply | None) -> dict[str, Any]:
        job = self._job
        facts = {} if reply is None else facts_of(reply, job.name, self.requests)
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
        return f"It is not submitted again; fetch({self._job.id!r}) collects its answer later."

    def _timed_out(self) -> SegmindError:
        job = self._job
        seconds = f"{self._elapsed - job.since:.0f} s"
        return SegmindJobTimeoutError(
            f"{job.name}: job {job.id} is not done after {seconds}; its state is "
            f"{self._state or 'not known'}. {self._later()} queue_timeout=... waits longer.",
            **self._facts(None),
        )

    def _failed(self, seen: _Seen) -> SegmindError:
        job = self._job
        metrics = seen.value.get("metrics")
        cost = amount(metrics.get("cost")) if isinstance(metrics, dict) else None
        said = explain(seen.reply.body[: 64 * 1024].decode("utf-8", "replace"))
        too_long = class_for(422, said)[0] is SegmindContextOverflowError
        cls = SegmindContextOverflowError if too_long else SegmindJobFailedError
        facts = self._facts(seen.reply)
        facts |= {"outcome": "executed" if cost else "rejected", "cost": cost}
        billed = "It was billed all the same." if cost else "Failed jobs are not billed."
        return cls(
            f"{job.name}: job {job.id} failed ({said or 'no reason given'}). {billed}", **facts
        )

    def _lost_contact(self, reply: Reply, bad: int) -> SegmindError:
        job, facts = self._job, self._facts(reply)
        polls = f"{bad} polls in a row" if bad > 1 else "the poll"
        told = f"{job.name}: job {job.id} is in the queue, but {polls} failed"
        if isinstance(reply, Response) and reply.status in _GONE:
            return SegmindJobNotFoundError(
                f"{job.name}: there is no job {job.id}, {what_happened(reply)}. It has expired, as "
                "results are kept for about an hour, or the id is wrong or another key's.",
                **facts,
            )
        return _class_of(reply)(f"{told}; at last {_what(reply)}. {self._later()}", **facts)


def _class_of(reply: Reply) -> type[SegmindError]:
    if not isinstance(reply, Response):
        return SegmindTimeoutError if reply.fault == "timeout" else SegmindConnectionError
    if reply.is_success:
        return SegmindResponseError
    cls, _ = class_for(reply.status, explain(reply.body[: 64 * 1024].decode("utf-8", "replace")))
    # A rate limit invites everybody to repeat the whole call, which would submit another job.
    return SegmindServerError if cls is SegmindRateLimitError else cls


def _what(reply: Reply) -> str:
    usable = isinstance(reply, Response) and reply.is_success and reply.fault is None
    return "the reply held no state" if usable else what_happened(reply)


def _is_survived(reply: Reply) -> bool:
    if not isinstance(reply, Response):
        return True
    return reply.is_success or reply.status in _SURVIVED or reply.status >= 500


def _seen(reply: Reply, *, is_result: bool) -> _Seen | None:
    """Read a poll; None for a bad one. A body that tells of an end counts under any status."""
    if not isinstance(reply, Response) or reply.fault is not None:
        return None
    value = _json(reply.body)
    if not isinstance(value, dict):
        return _Seen(_FAILED, {}, reply) if reply.status == 422 else None
    state = _state(value)
    if reply.is_success:
        state = state or (_DONE if is_result else None)
    elif reply.status == 422:
        state = _FAILED
    elif state not in (_DONE, _FAILED):
        state = None
    return None if state is None else _Seen(state, value, reply)


def _state(value: Any) -> str | None:
    said = value.get("status") if isinstance(value, dict) else None
    return said.strip().upper()[:40] if isinstance(said, str) and said.strip() else None


def _json(body: bytes) -> Any:
    try:
        return _wire.parse(body)
    except SegmindResponseError:
        return None


def _receipt(job: Job, reply: Response, metrics: Mapping[str, Any]) -> Receipt:
    """Read what a job took from its metrics, and from the headers where they tell more."""
    told = receipt(reply.headers, job.ambiguous)

    def either(name: str, otherwise: float | None) -> float | None:
        found = amount(metrics.get(name))
        return otherwise if found is None else found

    return replace(
        told,
        request_id=job.id,
        cost=either("cost", told.cost),
        remaining_credits=either("remaining_credits", told.remaining_credits),
        generation_time=either("inference_time", told.generation_time),
        queue_time=amount(metrics.get("queue_time")),
    )
