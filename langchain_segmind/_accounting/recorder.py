"""Record the cost of one model call in every active `UsageTracker`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from types import TracebackType

from langchain_core.callbacks import BaseCallbackHandler
from typing_extensions import Self

from langchain_segmind._accounting.ledger import Ledger, LedgerEntry
from langchain_segmind._accounting.trackers import LedgerHandler, active_trackers
from langchain_segmind._flows.types import JobEvent, Outcome, Receipt
from langchain_segmind._messages.types import Usage
from langchain_segmind.errors import SegmindError


class UsageRecorder:
    """What a call costs, as far as it is known yet.

    A context manager: a call that ends without an answer is recorded by the outcome of its error.
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
        passed = [handler for handler in handlers if isinstance(handler, LedgerHandler)]
        self.trackers = (
            tuple(dict.fromkeys((*active_trackers(), *passed))) if passed else active_trackers()
        )
        self._began: dict[Ledger, int] = {tracker.ledger: 0 for tracker in self.trackers}
        self._model = model
        self._job = job
        self._is_fetch = job is not None
        self._in_flight = False  # a request is sent, or was answered and is not recorded yet
        self._lost = 0  # attempts that may have run, beside the last
        self._is_recorded = not self._began

    def before_send(self) -> None:
        """Let a request be sent, if every budget allows it.

        Raises:
            SegmindBudgetExceededError: If one does not.
        """
        for ledger in self._began:
            self._began[ledger] = ledger.before_send(self._model)
        self._in_flight = True

    def after_reply(self, outcome: Outcome) -> None:
        """Record the outcome of a request."""
        self._in_flight = outcome == "executed"
        self._lost += outcome == "unknown"

    def on_job(self, event: JobEvent) -> None:
        """Record that the call became a job, or that this job has failed."""
        if not self._is_fetch:
            has_failed = event.state == "FAILED"
            self._job = None if has_failed else event.request_id
            self._in_flight = not has_failed

    def finish(self, receipt: Receipt, usage: Usage | None = None) -> None:
        """Record an answer."""
        if self._is_recorded:
            return
        used = usage or Usage()
        entry = LedgerEntry(self._model, 1, input_tokens=used.input, output_tokens=used.output)
        self._record(receipt.cost, receipt.remaining_credits, entry)

    def mark_pending(self) -> None:
        """Record a job that was submitted, whose cost is known when its answer is fetched."""
        self._record(None, None, LedgerEntry(self._model, 1, is_open=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._is_recorded or kind is None:
            return
        cost = balance = None
        ran = self._in_flight
        is_open = ran and self._job is not None
        if isinstance(error, SegmindError):
            cost, balance = error.cost, error.remaining_credits
            ran = error.billed is True or (error.billed is None and ran)
            is_open = self._job is not None and error.billed is not False
            is_news = not is_open or cost is not None
        else:
            is_news = False
        if is_news or not self._is_fetch:  # a failed fetch can be repeated
            self._record(cost, balance, LedgerEntry(self._model, int(ran), is_open=is_open))

    def _record(self, cost: float | None, balance: float | None, entry: LedgerEntry) -> None:
        self._is_recorded = True
        is_known = cost is not None and cost >= 0 and entry.runs > 0
        lost = LedgerEntry(self._model, self._lost, self._lost) if self._lost else None
        for ledger, began in self._began.items():
            if lost is not None:
                ledger.record(lost)
            ledger.record(
                replace(
                    entry,
                    unknown=entry.runs - is_known,
                    cost=Decimal(str(cost)) if is_known else Decimal(0),
                    balance=balance,
                    began=began,
                    job=self._job,
                )
            )
