"""The job queue's memory: what was submitted, and how far it is at a given moment.

No clock and no HTTP here: every call is given the time, in seconds. Nothing runs here either: a
job's end is known when it is submitted, or noted later, and the queue decides when it may be seen.
"""

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from langchain_segmind.testing.answers import check_choice

State = Literal["QUEUED", "PROCESSING", "COMPLETED", "FAILED"]
Output = Literal["string", "object", "text", "missing"]

_QUEUED_SHARE = 0.1  # of a job's time, from submitted to done


@dataclass(frozen=True)
class Queue:
    """Settings of the local gateway's job queue, for what is unknown about the real one.

    Attributes:
        polls: Number of status polls that get QUEUED or PROCESSING before a job may be done. A job
            also takes the local gateway's `latency` and the `delay` of its reply.
        output: The value of ``output`` in a result: the model's reply as JSON in a ``"string"`` or
            as an ``"object"``, or the ``"text"`` of the answer. With ``"missing"``, there is no
            such key, and the keys of the reply are beside ``status``.
        failed_status: The HTTP status of a job that failed.
        metrics: Whether bodies have ``metrics``: times, and at the end cost and balance.
        bare: Whether the status of a completed job is only ``{"status": "COMPLETED"}``.
        keep_seconds: Seconds for which an id is known after its job ended.
        refuse_late: Whether a body that the model rejects becomes a job that FAILED, instead of
            being rejected when it is submitted.

    Raises:
        ValueError: If a value is out of range.
    """

    polls: int = 0
    output: Output = "string"
    failed_status: Literal[422, 200] = 422
    metrics: bool = True
    bare: bool = False
    keep_seconds: float = 3600.0
    refuse_late: bool = False

    def __post_init__(self) -> None:
        for name in ("polls", "keep_seconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)}: expected 0 or more")
        check_choice("output", self.output, Output)
        check_choice("failed_status", self.failed_status, Literal[422, 200])


@dataclass(frozen=True)
class JobRecord:
    """What was submitted, and its end."""

    slug: str
    seconds: float | None  # how long it takes; None while nobody knows, as it still runs
    result: Mapping[str, Any] = field(default_factory=dict)  # keys beside status and metrics
    error: str | None = None  # None when it completes
    executed: bool = False  # whether the model ran, and was billed
    cost: float = 0.0  # in dollars
    balance: float = 0.0  # what was left then, in dollars
    headers: Mapping[str, str] = field(default_factory=dict)  # of the result
    since: float = 0.0  # when it was submitted
    polls: int = 0  # status polls answered so far


@dataclass(frozen=True)
class Job:
    """The current state of a job.

    Attributes:
        id: Its request id.
        slug: The model.
        state: The state that a status poll would get now.
        polls: Number of status polls so far.
        executed: Whether the model ran, and was billed.
        cost: Its cost in US dollars.
        error: The error message if it fails; None if it completes.
    """

    id: str
    slug: str
    state: State
    polls: int
    executed: bool
    cost: float
    error: str | None = None


class JobQueue:
    """The jobs of one gateway; safe from any thread."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self._lock = threading.Lock()
        self._records: dict[str, JobRecord] = {}

    def add(self, record: JobRecord, now: float) -> str:
        """Add a job, and return its id; the oldest ones that expired are forgotten."""
        request_id = str(uuid.uuid4())
        with self._lock:
            while self._records and self._expired(next(iter(self._records.values())), now):
                del self._records[next(iter(self._records))]
            self._records[request_id] = replace(record, since=now)
        return request_id

    def finish(self, request_id: str, record: JobRecord) -> None:
        """Note the end of a job that was still running when it was added."""
        with self._lock:
            if old := self._records.get(request_id):
                self._records[request_id] = replace(record, since=old.since, polls=old.polls)

    def find(self, request_id: str, now: float) -> JobRecord | None:
        """Find a job; None when its id is unknown, or expired."""
        with self._lock:
            record = self._records.get(request_id)
            return None if record is None or self._expired(record, now) else record

    def count_poll(self, request_id: str) -> None:
        """Note that a status poll was answered."""
        with self._lock:
            if record := self._records.get(request_id):
                self._records[request_id] = replace(record, polls=record.polls + 1)

    def state(self, record: JobRecord, now: float) -> State:
        """Return how far a job is: as far as both the clock and the polls let it be."""
        seconds, polls = record.seconds, self.queue.polls
        if seconds is None:
            return "PROCESSING"
        by_clock = (now - record.since) / seconds if seconds > 0 else 1
        by_polls = record.polls / polls if polls else 1
        share = min(by_clock, by_polls)
        if share >= 1:
            return "COMPLETED" if record.error is None else "FAILED"
        return "QUEUED" if share < _QUEUED_SHARE else "PROCESSING"

    def metrics(self, record: JobRecord, now: float) -> dict[str, float]:
        """Return how long a job waited and ran, and when it is over, what it cost."""
        passed = now - record.since
        over = self.state(record, now) in {"COMPLETED", "FAILED"}
        total = record.seconds if over and record.seconds is not None else passed
        queued = min(total, (record.seconds or 0.0) * _QUEUED_SHARE)
        money = {"cost": record.cost, "remaining_credits": record.balance} if over else {}
        return {
            **money,
            "inference_time": round(total - queued, 4),
            "queue_time": round(queued, 4),
            "total_time": round(total, 4),
        }

    def all(self, now: float) -> list[Job]:
        """List the jobs whose ids are known, oldest first."""
        with self._lock:
            known = [it for it in self._records.items() if not self._expired(it[1], now)]
        return [
            Job(key, it.slug, self.state(it, now), it.polls, it.executed, it.cost, it.error)
            for key, it in known
        ]

    def forget(self, request_id: str | None = None) -> None:
        """Forget a job, which must exist, or all of them."""
        with self._lock:
            if request_id is None:
                self._records.clear()
            else:
                del self._records[request_id]

    def _expired(self, record: JobRecord, now: float) -> bool:
        ended = record.since + max(0.0, record.seconds or 0.0)
        return record.seconds is not None and now > ended + self.queue.keep_seconds
