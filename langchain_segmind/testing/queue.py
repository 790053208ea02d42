"""The job queue's memory: what was handed in, and how far it is at a given moment.

No clock and no HTTP here: every call is told the time, in seconds. Nothing runs here either: a
job's fate is known when it is handed in, or told later, and the queue says when it may be told on.
"""

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

State = Literal["QUEUED", "PROCESSING", "COMPLETED", "FAILED"]
Output = Literal["string", "object", "text", "missing"]

_QUEUED_SHARE = 0.1  # of a job's way, from submitted to done


@dataclass(frozen=True)
class Queue:
    """How the job queue of a gateway behaves where the real one may do this or that.

    Attributes:
        polls: Status polls answered QUEUED or PROCESSING before a job may be done. A job also
            takes its time: the gateway's latency, and the delay of its reply.
        output: How a result holds the family's reply: as JSON in a ``"string"``, as an
            ``"object"``, as the plain ``"text"`` of the answer, or under no key of its own
            (``"missing"``): its keys then stand beside ``status``.
        failed_status: The HTTP status of a job that failed.
        metrics: Whether bodies have ``metrics``: times, and on the end cost and balance.
        bare: Whether the status of a completed job is ``{"status": "COMPLETED"}`` and no more.
        keep_seconds: How long an id is known after its job ended.
        refuse_late: Whether a body the model refuses becomes a job that FAILED, where it
            otherwise is refused when it is handed in.

    Raises:
        ValueError: A value is out of range.
    """

    polls: int = 0
    output: Output = "string"
    failed_status: Literal[422, 200] = 422
    metrics: bool = True
    bare: bool = False
    keep_seconds: float = 3600.0
    refuse_late: bool = False

    def __post_init__(self) -> None:
        if self.polls < 0:
            raise ValueError(f"polls={self.polls}: expected 0 or more")
        if self.output not in get_args(Output):
            raise ValueError(
                f"output={self.output!r}: expected one of {', '.join(get_args(Output))}"
            )
        if self.failed_status not in {422, 200}:
            raise ValueError(f"failed_status={self.failed_status}: expected 422 or 200")
        if self.keep_seconds < 0:
            raise ValueError(f"keep_seconds={self.keep_seconds}: expected 0 or more")


@dataclass(frozen=True)
class Work:
    """What was handed in, and what will come of it.

    Attributes:
        slug: The model.
        seconds: How long it takes; None while nobody knows, as it still runs.
        result: The keys of the result beside status and metrics, when it completes.
        error: Why it fails; None when it completes.
        executed: Whether the model ran, and was billed.
        cost: What it cost, in dollars.
        balance: What was left then, in dollars.
        headers: Headers of the result.
    """

    slug: str
    seconds: float | None
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    executed: bool = False
    cost: float = 0.0
    balance: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """A job as it stands.

    Attributes:
        id: Its request id.
        slug: The model.
        state: What a status poll would be answered now.
        polls: Status polls answered so far.
        executed: Whether the model ran, and was billed.
        cost: What it cost, in US dollars.
        error: Why it fails, or failed; None when it completes.
    """

    id: str
    slug: str
    state: State
    polls: int
    executed: bool
    cost: float
    error: str | None = None


@dataclass(frozen=True)
class Entry:
    """A job in the queue's books.

    Attributes:
        work: What was handed in.
        since: When.
        polls: Status polls answered so far.
    """

    work: Work
    since: float
    polls: int = 0


class Jobs:
    """The jobs of one gateway; safe from any thread.

    Args:
        queue: How they behave.
    """

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}

    def add(self, work: Work, now: float) -> str:
        """Take a job in, and return its id; the oldest ones that expired are forgotten."""
        request_id = str(uuid.uuid4())
        with self._lock:
            while self._entries and self._expired(next(iter(self._entries.values())), now):
                del self._entries[next(iter(self._entries))]
            self._entries[request_id] = Entry(work, now)
        return request_id

    def finish(self, request_id: str, work: Work) -> None:
        """Note what came of a job that was still running when it was taken in."""
        with self._lock:
            if entry := self._entries.get(request_id):
                self._entries[request_id] = replace(entry, work=work)

    def find(self, request_id: str, now: float) -> Entry | None:
        """Find a job; None when its id is unknown, or expired."""
        with self._lock:
            entry = self._entries.get(request_id)
            return None if entry is None or self._expired(entry, now) else entry

    def count_poll(self, request_id: str) -> None:
        """Note that a status poll was answered."""
        with self._lock:
            if entry := self._entries.get(request_id):
                self._entries[request_id] = replace(entry, polls=entry.polls + 1)

    def state(self, entry: Entry, now: float) -> State:
        """Tell how far a job is: as far as both the clock and the polls let it be."""
        seconds, polls = entry.work.seconds, self.queue.polls
        if seconds is None:
            return "PROCESSING"
        by_clock = (now - entry.since) / seconds if seconds > 0 else 1
        by_polls = entry.polls / polls if polls else 1
        way = min(by_clock, by_polls)
        if way >= 1:
            return "COMPLETED" if entry.work.error is None else "FAILED"
        return "QUEUED" if way < _QUEUED_SHARE else "PROCESSING"

    def metrics(self, entry: Entry, now: float) -> dict[str, float]:
        """Tell how long a job waited and ran, and when it is over, what it cost."""
        work, passed = entry.work, now - entry.since
        over = self.state(entry, now) in {"COMPLETED", "FAILED"}
        total = work.seconds if over and work.seconds is not None else passed
        queued = min(total, (work.seconds or 0.0) * _QUEUED_SHARE)
        money = {"cost": work.cost, "remaining_credits": work.balance} if over else {}
        return {
            **money,
            "inference_time": round(total - queued, 4),
            "queue_time": round(queued, 4),
            "total_time": round(total, 4),
        }

    def all(self, now: float) -> list[Job]:
        """List the jobs whose ids are known, oldest first."""
        with self._lock:
            known = [it for it in self._entries.items() if not self._expired(it[1], now)]
        return [
            Job(
                id=request_id,
                slug=entry.work.slug,
                state=self.state(entry, now),
                polls=entry.polls,
                executed=entry.work.executed,
                cost=entry.work.cost,
                error=entry.work.error,
            )
            for request_id, entry in known
        ]

    def forget(self, request_id: str | None = None) -> None:
        """Forget a job, or all of them.

        Raises:
            KeyError: There is no such job.
        """
        with self._lock:
            if request_id is None:
                self._entries.clear()
            else:
                del self._entries[request_id]

    def _expired(self, entry: Entry, now: float) -> bool:
        seconds = entry.work.seconds
        if seconds is None:
            return False
        return now > entry.since + max(0.0, seconds) + self.queue.keep_seconds
