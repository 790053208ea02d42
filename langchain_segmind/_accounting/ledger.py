"""Add up the entries of a tracker and hold them to its budget. Safe from any thread."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict, deque
from dataclasses import replace
from decimal import Decimal
from typing import Final

from langchain_segmind._text import dollars
from langchain_segmind._value import frozen_value, value
from langchain_segmind.errors import SegmindBudgetExceededError

_KEPT_JOBS: Final = 10_000  # the gateway keeps their answers for about an hour only

_log: Final = logging.getLogger(__name__)


@frozen_value
class UsageTotals:
    """The totals of many calls.

    Attributes:
        calls: Runs that were billed, or may have been. Calls that the gateway refused, that were
            cached or never sent do not count.
        input_tokens: Tokens read, where the reply counted them.
        output_tokens: Tokens written, where the reply counted them.
        cost: US dollars, of all calls whose cost is known.
        unpriced_calls: How many of the calls have no reported cost.
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

    def __str__(self) -> str:
        """Return one line, such as `2 calls, 58 tokens, $0.000165`.

        It leaves out tokens that no reply counted, such as those of embeddings.
        """
        parts = [f"{self.calls} call{'s' * (self.calls != 1)}"]
        if self.total_tokens or not self.calls:
            parts.append(f"{self.total_tokens} tokens")
        parts.append(dollars(self.cost))
        if self.unpriced_calls:
            parts.append(f"{self.unpriced_calls} of unknown cost")
        return ", ".join(parts)


@value
class LedgerEntry:
    """One entry of a ledger.

    Attributes:
        runs: How many runs it stands for; negative to take some back.
        unknown: How many of them have no reported cost.
        cost: What the others cost, in US dollars.
        balance: The credits that the gateway reported with it.
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
    job: str | None = None
    is_open: bool = False


class Ledger:
    """Totals, the budget they are held to, and what has been warned of."""

    def __init__(self, budget: Decimal | None, warn_below: Decimal | None) -> None:
        self._budget = budget
        self._warn_below = warn_below
        # Re-entrant: the garbage collector may close an abandoned call while an entry is added.
        self._lock = threading.RLock()
        self._waiting: deque[tuple[LedgerEntry, int]] = deque()
        self._is_adding = False
        # By model; of all models under None. Floats would not add up exactly.
        self._totals: dict[str | None, UsageTotals] = {None: UsageTotals()}
        self._costs: defaultdict[str | None, Decimal] = defaultdict(Decimal)
        self._jobs: dict[str, LedgerEntry | None] = {}  # None: its cost is recorded
        self._balances = 0
        self._warned: set[str] = set()

    @property
    def total(self) -> UsageTotals:
        """The totals of all entries."""
        with self._lock:
            return self._totals[None]

    @property
    def by_model(self) -> dict[str, UsageTotals]:
        """The totals of each model."""
        with self._lock:
            return {model: totals for model, totals in self._totals.items() if model is not None}

    def before_send(self, model: str) -> int:
        """Let a call begin if budget is left; return how many balances were reported so far.

        Raises:
            SegmindBudgetExceededError: If no budget is left.
        """
        with self._lock:
            cost, totals = self._costs[None], self._totals[None]
            if self._budget is None or cost < self._budget:
                return self._balances
            raise SegmindBudgetExceededError(
                f"{model}: the budget of {dollars(self._budget)} is used up: {totals}. "
                "Nothing was sent.",
                outcome="not_sent",
                model=model,
                remaining_credits=totals.credit_balance,
            )

    def record(self, entry: LedgerEntry, began: int) -> None:
        """Add an entry, and log the warnings it gives reason for.

        Args:
            entry: The entry.
            began: What `before_send` returned when the call began.
        """
        self._waiting.append((entry, began))
        warnings: list[str] = []
        with self._lock:
            if self._is_adding:
                return  # the call that is adding entries in this thread adds this one, too
            self._is_adding = True
            try:
                while self._waiting:
                    warnings += self._add_entry(*self._waiting.popleft())
            finally:
                self._is_adding = False
        for warning in warnings:
            _log.warning(warning)

    def __getstate__(self) -> dict[str, object]:
        with self._lock:
            return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state, _lock=threading.RLock())

    def _add_entry(self, entry: LedgerEntry, began: int) -> list[str]:
        if not self._take_back(entry):
            return []
        self._keep_newest_balance(entry.balance, began)
        if entry.runs:
            self._add(entry)
        return self._new_warnings(entry)

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

    def _keep_newest_balance(self, balance: float | None, began: int) -> None:
        """Keep the newest balance: replies of calls at the same time arrive in any order.

        A higher one is newer only if its call began after the present one had been reported; then
        the account was topped up.
        """
        present = self._totals[None].credit_balance
        if balance is None or (
            present is not None and balance > present and began < self._balances
        ):
            return
        self._balances += 1
        self._totals[None] = replace(self._totals[None], credit_balance=balance)

    def _add(self, entry: LedgerEntry) -> None:
        for key in (None, entry.model):
            self._costs[key] += entry.cost
            before = self._totals.get(key, UsageTotals())
            self._totals[key] = UsageTotals(
                calls=before.calls + entry.runs,
                input_tokens=before.input_tokens + entry.input_tokens,
                output_tokens=before.output_tokens + entry.output_tokens,
                cost=float(self._costs[key]),
                unpriced_calls=before.unpriced_calls + entry.unknown,
                credit_balance=self._totals[None].credit_balance,
            )

    def _new_warnings(self, entry: LedgerEntry) -> list[str]:
        balance, limit = self._totals[None].credit_balance, self._warn_below
        found: dict[str, str] = {}
        if limit is not None and balance is not None and balance < limit:
            found["balance"] = f"{dollars(balance)} of credits remain, less than {dollars(limit)}"
        if self._budget is not None and entry.unknown > 0:
            why = "a call's cost is unknown, so the budget cannot count it"
            if entry.is_open:
                why = "a job is counted by the budget only when its answer is fetched"
            found[why] = f"{entry.model}: {why}"
        new = [message for kind, message in found.items() if kind not in self._warned]
        self._warned.update(found)
        return new
