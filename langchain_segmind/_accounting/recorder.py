"""Record the cost of one model call in every active `UsageTracker`.

`entries_of` turns the events of a call into entries, without any state. Nothing here sends.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from langchain_core.callbacks import BaseCallbackHandler
from typing_extensions import Self

from langchain_segmind._accounting.ledger import Ledger, LedgerEntry
from langchain_segmind._accounting.trackers import LedgerHandler, active_trackers
from langchain_segmind._flows.types import JobEvent, Outcome, Receipt
from langchain_segmind._messages.types import Usage
from langchain_segmind._value import value
from langchain_segmind.errors import SegmindError

Event = Literal["sent"] | Outcome | JobEvent
"""A request was sent, or ended; or there is a new state of the call's job."""


@value
class Answer:
    """A call's answer: what it cost, and its tokens."""

    receipt: Receipt
    usage: Usage = Usage()


End = Answer | Literal["pending"] | BaseException
"""A call was answered, became a job whose answer is fetched later, or raised this."""


def entries_of(
    model: str, events: Iterable[Event], end: End, fetched: str | None = None
) -> list[LedgerEntry]:
    """Turn the events of one call into entries.

    Args:
        model: The slug that was called.
        events: What happened, in this order.
        end: How the call ended.
        fetched: The id of a job whose answer the call only fetched.
    """
    job, ran, lost = _runs_of(events, fetched)
    cost: float | None = None
    balance: float | None = None
    usage, is_open = Usage(), False
    match end:
        case Answer(receipt, usage):
            ran, cost, balance = True, receipt.cost, receipt.remaining_credits
        case "pending":
            ran = is_open = True
        case SegmindError(billed=billed, cost=cost, remaining_credits=balance):
            ran = ran if billed is None else billed
            is_open = job is not None and billed is not False
        case _:
            is_open = job is not None
    entries = [LedgerEntry(model, lost, unknown=lost)] if lost else []
    if fetched is not None and is_open and cost is None:
        return entries  # a fetch that failed can be repeated
    is_priced = ran and cost is not None and cost >= 0
    entry = LedgerEntry(
        model,
        runs=int(ran),
        unknown=ran - is_priced,
        cost=Decimal(str(cost)) if is_priced else Decimal(0),
        input_tokens=usage.input,
        output_tokens=usage.output,
        balance=balance,
        job=job,
        is_open=is_open,
    )
    return [*entries, entry]


def _runs_of(events: Iterable[Event], fetched: str | None) -> tuple[str | None, bool, int]:
    """Return the call's job, whether its last request may have run, and how many earlier ones."""
    job, ran, lost = fetched, False, 0
    for event in events:
        match event:
            case "sent":
                ran = True
            case JobEvent():
                if fetched is None:
                    ran = event.state != "FAILED"
                    job = event.request_id if ran else None
            case outcome:
                ran = outcome == "executed"
                lost += outcome == "unknown"
    return job, ran, lost


class UsageRecorder:
    """Gathers the events of one call, and records them once it has ended.

    A context manager: a call that raises is recorded by its events and by its error.
    """

    def __init__(
        self, model: str, handlers: Iterable[BaseCallbackHandler] = (), job: str | None = None
    ) -> None:
        """Find the trackers of this context, and those among a call's handlers.

        Args:
            model: The slug that is called.
            handlers: The call's handlers.
            job: The id of a job whose answer is only fetched.
        """
        self.trackers = active_trackers()
        for handler in handlers:
            if isinstance(handler, LedgerHandler) and handler not in self.trackers:
                self.trackers += (handler,)
        self._began: dict[Ledger, int] = {}
        for tracker in self.trackers:
            self._began[tracker.ledger] = 0
        self._model = model
        self._job = job
        self._events: list[Event] = []
        self._is_recorded = False

    def before_send(self) -> None:
        """Let a request be sent, if every budget allows it.

        Raises:
            SegmindBudgetExceededError: If one does not.
        """
        for ledger in self._began:
            self._began[ledger] = ledger.before_send(self._model)
        self._events.append("sent")

    def after_reply(self, outcome: Outcome) -> None:
        """Note the outcome of a request."""
        self._events.append(outcome)

    def on_job(self, event: JobEvent) -> None:
        """Note a new state of the call's job."""
        self._events.append(event)

    def finish(self, receipt: Receipt, usage: Usage | None = None) -> None:
        """Record an answer."""
        if self._began:
            self._record(Answer(receipt, usage or Usage()))

    def mark_pending(self) -> None:
        """Record a job that was submitted, whose cost is known when its answer is fetched."""
        self._record("pending")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        if error is not None:
            self._record(error)

    def _record(self, end: End) -> None:
        if self._is_recorded or not self._began:
            return
        self._is_recorded = True
        for entry in entries_of(self._model, self._events, end, self._job):
            for ledger, began in self._began.items():
                ledger.record(entry, began)
