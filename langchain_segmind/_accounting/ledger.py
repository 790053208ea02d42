"""Add up the entries of a tracker and hold them to its budget. Safe from any thread."""

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
        calls: Runs that were billed, or may have been. Calls that the gateway refused, that were
            cached or never sent do not count.
        input_tokens: Tokens read, where the reply counted them.
        output_tokens: Tokens written, where the reply counted them.
        cost: US dollars, of all calls whose cost is known.
        unpriced_calls: How many of the calls cost an unknown sum.
        credit_balance: The balance that the gateway reported last; None if it never did.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced_calls: int = 0
    credit_balance: float | None = None

    @property
    def total_tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens


@value
class LedgerEntry:
    """One entry of a ledger.

    Attributes:
        runs: How many runs it stands for; negative to take some back.
        unknown: How many of them cost an unknown sum.
        cost: What the others cost, in US dollars.
        balance: The credits that the gateway reported with it.
        began: How many balances had been reported when the call began.
        job: The id of its job, which may be recorded again when more is known.
        is_open: Whether that job's answer is still to be fetched.
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
        # Re-entrant: the garbage collector may close an abandoned call while an entry is added.
        self._lock = threading.RLock()
        self._waiting: deque[LedgerEntry] = deque()
        self._is_adding = False
        self._spent = _Totals()
        self._by_model: dict[str, _Totals] = {}
        self._jobs: dict[str, LedgerEntry | None] = {}  # None: its cost is recorded
        self._balances = 0
        self._warned: set[str] = set()

    @property
    def total(self) -> UsageTotals:
        """What all entries came to."""
        with self._lock:
            return self._spent.totals

    @property
    def by_model(self) -> dict[str, UsageTotals]:
        """What they came to by model."""
        with self._lock:
            return {model: spent.totals for model, spent in self._by_model.items()}

    def before_send(self, model: str) -> int:
        """Let a call begin if budget is left; return how many balances were reported so far.

        Raises:
            SegmindBudgetExceededError: If no budget is left.
        """
        with self._lock:
            spent = self._spent
            if self._budget is None or spent.cost < self._budget:
                return self._balances
            balance = spent.totals.credit_balance
            raise SegmindBudgetExceededError(
                f"{model}: the budget of {self._budget} USD is used up; {spent.totals.calls} calls "
                f"cost {spent.cost} USD. Nothing was sent.",
                outcome="not_sent",
                model=model,
                remaining_credits=balance,
            )

    def record(self, entry: LedgerEntry) -> None:
        """Add an entry, and log the warnings it gives reason for."""
        self._waiting.append(entry)
        warnings: list[str] = []
        with self._lock:
            if self._is_adding:
                return  # the call that is adding entries in this thread adds this one, too
            self._is_adding = True
            try:
                while self._waiting:
                    warnings += self._add_entry(self._waiting.popleft())
            finally:
                self._is_adding = False
        for warning in warnings:
            _log.warning(warning)

    def __getstate__(self) -> dict[str, object]:
        with self._lock:
            return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state, _lock=threading.RLock())

    def _add_entry(self, entry: LedgerEntry) -> Iterator[str]:
        if not self._take_back(entry):
            return
        self._see_balance(entry)
        if entry.runs:
            self._add(entry)
        yield from self._warnings(entry)

    def _take_back(self, entry: LedgerEntry) -> bool:
        """Take a job's earlier entry back; return whether there is anything to add now."""
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

        A higher one is newer only if its call began after the present one had been reported; then
        the account was topped up.
        """
        balance, present = entry.balance, self._spent.totals.credit_balance
        if balance is None:
            return
        if present is None or balance <= present or entry.began >= self._balances:
            self._balances += 1
            self._spent = replace(
                self._spent, totals=replace(self._spent.totals, credit_balance=balance)
            )

    def _add(self, entry: LedgerEntry) -> None:
        self._spent = self._spent.plus(entry, self._spent.totals.credit_balance)
        mine = self._by_model.get(entry.model, _Totals())
        self._by_model[entry.model] = mine.plus(entry, self._spent.totals.credit_balance)

    def _warnings(self, entry: LedgerEntry) -> Iterator[str]:
        balance, limit = self._spent.totals.credit_balance, self._warn_below
        if limit is not None and balance is not None and balance < limit:
            yield from self._once("balance", f"{balance} credits remain, fewer than {limit}")
        if self._budget is None or entry.unknown <= 0:
            return
        if entry.is_open:
            why = "a job is counted by the budget only when its answer is fetched"
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
    totals: UsageTotals = UsageTotals()

    def plus(self, entry: LedgerEntry, balance: float | None) -> _Totals:
        cost, totals = self.cost + entry.cost, self.totals
        return _Totals(
            cost,
            UsageTotals(
                calls=totals.calls + entry.runs,
                input_tokens=totals.input_tokens + entry.input_tokens,
                output_tokens=totals.output_tokens + entry.output_tokens,
                cost=float(cost),
                unpriced_calls=totals.unpriced_calls + entry.unknown,
                credit_balance=balance,
            ),
        )
