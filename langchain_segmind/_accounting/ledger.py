"""The books of a tracker: entries in, totals and verdicts out. Safe from any thread."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from langchain_segmind._value import value
from langchain_segmind.errors import SegmindBudgetExceededError

_KEPT_JOBS: Final = 10_000  # the gateway keeps their answers for about an hour only

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """What calls came to.

    Attributes:
        calls: Runs that were billed, or may have been: those refused by the gateway, cached ones
            and those that were never sent are none.
        input_tokens: Tokens read, where the reply counted them.
        output_tokens: Tokens written, where the reply counted them.
        cost: US dollars, of all calls whose cost is known.
        unpriced_calls: How many of the calls cost an unknown sum.
        remaining_credits: The balance the gateway told last; None if it never did.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced_calls: int = 0
    remaining_credits: float | None = None

    @property
    def total_tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens


@value
class LedgerEntry:
    """One line in the books.

    Attributes:
        runs: How many runs it stands for; negative to take some back.
        unknown: How many of them cost an unknown sum.
        cost: What the others cost, in US dollars.
        balance: The credits that the gateway told with it.
        began: How many balances the books held when the call began.
        job: The id of the job it is about, which may be booked again when more is known.
        is_open: Whether that job is still to be collected.
    """

    model: str
    runs: int = 0
    unknown: int = 0
    cost: Decimal = Decimal(0)
    input_tokens: int = 0
    output_tokens: int = 0
    balance: float | None = None
    began: int = 0
    job: str | None = None
    is_open: bool = False


class Ledger:
    """Totals, the budget they are held to, and what has been warned of."""

    def __init__(self, budget: Decimal | None, warn_below: Decimal | None) -> None:
        self._budget = budget
        self._warn_below = warn_below
        # Re-entrant: where memory runs short, Python may close a forgotten call within a booking.
        self._lock = threading.RLock()
        self._waiting: deque[LedgerEntry] = deque()
        self._is_booking = False
        self._spent = _Totals()
        self._by_model: dict[str, _Totals] = {}
        self._jobs: dict[str, LedgerEntry | None] = {}  # None: its cost is in the books
        self._balances = 0
        self._warned: set[str] = set()

    @property
    def total(self) -> UsageTotals:
        """What all entries came to."""
        with self._lock:
            return self._spent.told

    @property
    def by_model(self) -> dict[str, UsageTotals]:
        """What they came to by model."""
        with self._lock:
            return {model: spent.told for model, spent in self._by_model.items()}

    def before_send(self, model: str) -> int:
        """Let a call begin, if there is budget left; give the number of balances told so far.

        Raises:
            SegmindBudgetExceededError: If there is none.
        """
        with self._lock:
            spent = self._spent
            if self._budget is None or spent.cost < self._budget:
                return self._balances
            balance = spent.told.remaining_credits
            raise SegmindBudgetExceededError(
                f"{model}: the budget of {self._budget} USD is used up; {spent.told.calls} calls "
                f"cost {spent.cost} USD. The model was not asked.",
                outcome="not_sent",
                model=model,
                remaining_credits=balance,
            )

    def record(self, entry: LedgerEntry) -> None:
        """Book an entry, and log what it gives reason to warn of."""
        self._waiting.append(entry)
        warnings: list[str] = []
        with self._lock:
            if self._is_booking:
                return  # who is about it in this thread takes this one, too
            self._is_booking = True
            try:
                while self._waiting:
                    warnings += self._book(self._waiting.popleft())
            finally:
                self._is_booking = False
        for warning in warnings:
            _log.warning(warning)

    def __getstate__(self) -> dict[str, object]:
        with self._lock:
            return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state, _lock=threading.RLock())

    def _book(self, entry: LedgerEntry) -> Iterator[str]:
        if not self._take_back(entry):
            return
        self._see_balance(entry)
        if entry.runs:
            self._add(entry)
        yield from self._warnings(entry)

    def _take_back(self, entry: LedgerEntry) -> bool:
        """Take a job's earlier entry back; tell whether there is anything to book now."""
        job = entry.job
        if job is None:
            return True
        if job in self._jobs:
            earlier = self._jobs.pop(job)
            if earlier is None:
                self._jobs[job] = None
                return False
            tokens = -earlier.input_tokens, -earlier.output_tokens
            self._add(LedgerEntry(earlier.model, -1, -1, Decimal(0), *tokens))
        self._jobs[job] = entry if entry.unknown else None
        if len(self._jobs) > _KEPT_JOBS:
            del self._jobs[next(iter(self._jobs))]
        return True

    def _see_balance(self, entry: LedgerEntry) -> None:
        """Keep the newest balance: replies of calls at the same time arrive in any order.

        A higher one is newer only if its call began after the present one had been told; then the
        account was topped up.
        """
        told, present = entry.balance, self._spent.told.remaining_credits
        if told is None:
            return
        if present is None or told <= present or entry.began >= self._balances:
            self._balances += 1
            self._spent = replace(
                self._spent, told=replace(self._spent.told, remaining_credits=told)
            )

    def _add(self, entry: LedgerEntry) -> None:
        self._spent = self._spent.plus(entry, self._spent.told.remaining_credits)
        mine = self._by_model.get(entry.model, _Totals())
        self._by_model[entry.model] = mine.plus(entry, self._spent.told.remaining_credits)

    def _warnings(self, entry: LedgerEntry) -> Iterator[str]:
        balance, limit = self._spent.told.remaining_credits, self._warn_below
        if limit is not None and balance is not None and balance < limit:
            yield from self._once("balance", f"{balance} credits remain, fewer than {limit}")
        if self._budget is None or entry.unknown <= 0:
            return
        if entry.is_open:
            why = "a job is counted by the budget only when it is collected"
        else:
            why = "a call's cost is unknown, so the budget cannot count it"
        yield from self._once(why, f"{entry.model}: {why}")

    def _once(self, kind: str, message: str) -> Iterator[str]:
        if kind not in self._warned:
            self._warned.add(kind)
            yield message


@value
class _Totals:
    """A total, exact in its dollars."""

    cost: Decimal = Decimal(0)
    told: UsageTotals = UsageTotals()

    def plus(self, entry: LedgerEntry, balance: float | None) -> _Totals:
        cost, told = self.cost + entry.cost, self.told
        return _Totals(
            cost,
            UsageTotals(
                calls=told.calls + entry.runs,
                input_tokens=told.input_tokens + entry.input_tokens,
                output_tokens=told.output_tokens + entry.output_tokens,
                cost=float(cost),
                unpriced_calls=told.unpriced_calls + entry.unknown,
                remaining_credits=balance,
            ),
        )
