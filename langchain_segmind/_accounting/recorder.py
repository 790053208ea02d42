"""One call of a model, on the books of all who track it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from types import TracebackType

from langchain_core.callbacks import BaseCallbackHandler
from typing_extensions import Self

from langchain_segmind._accounting.ledger import Ledger, LedgerEntry
from langchain_segmind._accounting.trackers import LedgerHandler, active_trackers
from langchain_segmind._flows.types import Outcome, Receipt
from langchain_segmind._messages.types import Usage
from langchain_segmind.errors import SegmindError


class UsageRecorder:
    """What a call costs, as far as it is known yet.

    A context manager: a call that ends without an answer is booked by what became of it.
    """

    def __init__(
        self, model: str, handlers: Iterable[BaseCallbackHandler] = (), job: str | None = None
    ) -> None:
        """Find the trackers of this context, and those among a call's handlers.

        Args:
            model: The slug that is called.
            handlers: The call's handlers.
            job: The id of a job whose answer is only collected.
        """
        passed = [handler for handler in handlers if isinstance(handler, LedgerHandler)]
        self.trackers = (
            tuple(dict.fromkeys((*active_trackers(), *passed))) if passed else active_trackers()
        )
        self._began: dict[Ledger, int] = {tracker.ledger: 0 for tracker in self.trackers}
        self._model = model
        self._job = job
        self._is_collection = job is not None
        self._in_flight = False  # a request is sent, or was answered and is not booked yet
        self._lost = 0  # attempts that may have run, beside the last
        self._is_booked = not self._began

    def before_send(self) -> None:
        """Let a request be sent, if every budget allows it.

        Raises:
            SegmindBudgetExceededError: If one does not.
        """
        for ledger in self._began:
            self._began[ledger] = ledger.before_send(self._model)
        self._in_flight = True

    def after_reply(self, outcome: Outcome) -> None:
        """Take note of what became of a request."""
        self._in_flight = outcome == "executed"
        self._lost += outcome == "unknown"

    def note(self, job_id: str | None) -> None:
        """Keep the id of the job that the call became; None when that job has failed."""
        if not self._is_collection:
            self._job = job_id
            self._in_flight = job_id is not None

    def finish(self, receipt: Receipt, usage: Usage | None = None) -> None:
        """Book an answer."""
        if self._is_booked:
            return
        used = usage or Usage()
        entry = LedgerEntry(self._model, 1, input_tokens=used.input, output_tokens=used.output)
        self._book(receipt.cost, receipt.remaining_credits, entry)

    def mark_pending(self) -> None:
        """Book a job that was submitted, and whose cost will be known when it is collected."""
        self._book(None, None, LedgerEntry(self._model, 1, is_open=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._is_booked or kind is None:
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
        if is_news or not self._is_collection:  # a collection that failed can be made again
            self._book(cost, balance, LedgerEntry(self._model, int(ran), is_open=is_open))

    def _book(self, cost: float | None, balance: float | None, entry: LedgerEntry) -> None:
        self._is_booked = True
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
