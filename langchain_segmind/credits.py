"""What calls cost: totals, budgets and a warning before the credits run out.

    with track_credits(budget=2.00, warn_below=5.00) as spent:
        chain.batch(questions)
    print(spent.usd, spent.calls, spent.remaining_credits, spent.by_model)

The gateway bills every run that it answers with status 200, and tells the cost in US dollars in a
header, or in a job's metrics. Runs whose cost it does not tell are counted as unknown.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from decimal import Decimal
from types import TracebackType
from typing import Final

from langchain_core.callbacks import BaseCallbackHandler
from typing_extensions import Self

from langchain_segmind._exchange import Receipt
from langchain_segmind._prompt import Usage
from langchain_segmind.errors import SegmindBudgetExceededError, SegmindError

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Credits:
    """A key's balance. A credit is a US dollar.

    Attributes:
        credits: Those paid for.
        free_credits: Those given.
    """

    credits: float
    free_credits: float = 0.0

    @property
    def total(self) -> float:
        """All that can be spent."""
        return self.credits + self.free_credits


@dataclass(frozen=True, slots=True)
class Spending:
    """What calls came to.

    Attributes:
        calls: Runs that were billed, or may have been: those refused by the gateway, cached ones
            and those that were never sent are none.
        input_tokens: Tokens read, where the reply counted them.
        output_tokens: Tokens written, where the reply counted them.
        usd: US dollars, of all calls whose cost is known.
        unknown_calls: How many of the calls cost an unknown sum.
        remaining_credits: The balance the gateway told last; None if it never did.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    unknown_calls: int = 0
    remaining_credits: float | None = None

    @property
    def total_tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens


def track_credits(budget: float | None = None, *, warn_below: float | None = None) -> CreditTracker:
    """Count what calls cost, and hold them to a budget.

    As a context manager, the tracker counts all calls of this package's models in the block, also
    in tasks begun there, in the threads of LangChain and LangGraph, and in threads that run in a
    copy of the block's context. As a callback handler, it counts the calls it is passed to, from
    any thread: `model.invoke(..., config={"callbacks": [tracker]})`, `ChatSegmind(callbacks=...)`.

    Args:
        budget: US dollars. A call that would begin when they are used up raises a
            `SegmindBudgetExceededError` before anything is sent; calls under way are answered.
        warn_below: Credits. A warning is logged, once, when the balance sinks under them.

    Raises:
        ValueError: If a sum is negative or no number.
    """
    return CreditTracker(budget, warn_below)


class CreditTracker(BaseCallbackHandler):
    """Counts what calls cost; made by `track_credits`. Safe from any thread.

    Its totals may be read at any time, while calls are under way too.
    """

    # It is looked for among a call's handlers; LangChain's own events tell it nothing.
    ignore_llm = ignore_chain = ignore_agent = ignore_retriever = True
    ignore_retry = ignore_chat_model = ignore_custom_event = True

    def __init__(self, budget: float | None = None, warn_below: float | None = None) -> None:
        """Make a tracker; see `track_credits`."""
        self.budget = _checked(budget, "budget")
        self.warn_below = _checked(warn_below, "warn_below")
        self._lock = threading.Lock()
        self._usd = Decimal(0)
        self._total = Spending()
        self._by_model: dict[str, Spending] = {}
        self._jobs: dict[str, str | None] = {}  # the model of a job that is open, None of a settled
        self._balances = 0
        self._warned: set[str] = set()

    @property
    def total(self) -> Spending:
        """What all calls came to."""
        with self._lock:
            return self._total

    @property
    def by_model(self) -> dict[str, Spending]:
        """What they came to by model."""
        with self._lock:
            return dict(self._by_model)

    @property
    def calls(self) -> int:
        """Runs that were billed, or may have been."""
        return self.total.calls

    @property
    def input_tokens(self) -> int:
        """Tokens read."""
        return self.total.input_tokens

    @property
    def output_tokens(self) -> int:
        """Tokens written."""
        return self.total.output_tokens

    @property
    def total_tokens(self) -> int:
        """Tokens read and written."""
        return self.total.total_tokens

    @property
    def usd(self) -> float:
        """US dollars spent, as far as the gateway told."""
        return self.total.usd

    @property
    def unknown_calls(self) -> int:
        """Calls whose cost the gateway did not tell; they may have cost something."""
        return self.total.unknown_calls

    @property
    def remaining_credits(self) -> float | None:
        """The balance the gateway told last."""
        return self.total.remaining_credits

    def __enter__(self) -> Self:
        _entered.set((*_entered.get(), self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        inside = list(_entered.get())
        if self in inside:
            inside.remove(self)
        _entered.set(tuple(inside))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.total})"

    def _admit(self, model: str) -> int:
        """Let a call begin, if there is budget left; give the number of balances told so far."""
        with self._lock:
            if self.budget is not None and self._usd >= Decimal(str(self.budget)):
                raise SegmindBudgetExceededError(
                    f"{model}: the budget of {self.budget} USD is used up; {self._total.calls} "
                    f"calls cost {self._usd} USD. Nothing was sent.",
                    outcome="not_sent",
                    model=model,
                    remaining_credits=self._total.remaining_credits,
                )
            return self._balances

    def _record(self, entry: _Entry) -> None:
        with self._lock:
            messages = self._book(entry)
        for message in messages:
            _log.warning(message)

    def _book(self, entry: _Entry) -> list[str]:
        if not self._settle_job(entry):
            return []
        self._see_balance(entry)
        if entry.runs:
            self._usd += entry.cost
            self._add(entry.model, entry)
        return list(self._warnings(entry))

    def _settle_job(self, entry: _Entry) -> bool:
        """Take a job's first, open entry back; tell whether there is anything to book now."""
        if entry.job is None:
            return True
        if self._jobs.get(entry.job, "") is None:
            return False  # fetched before
        opened = self._jobs.pop(entry.job, None)
        if opened is not None:
            self._add(opened, _Entry(opened, runs=-1, unknown=-1))
        self._jobs[entry.job] = entry.model if entry.is_open else None
        return True

    def _see_balance(self, entry: _Entry) -> None:
        """Keep the newest balance: replies of calls at the same time arrive in any order.

        A higher one is newer only if its call began after the present one had been told; then the
        account was topped up.
        """
        told, present = entry.balance, self._total.remaining_credits
        if told is None:
            return
        if present is None or told <= present or entry.began >= self._balances:
            self._balances += 1
            self._total = replace(self._total, remaining_credits=told)

    def _add(self, model: str, entry: _Entry) -> None:
        balance = self._total.remaining_credits
        mine = self._by_model.get(model, Spending())
        self._by_model[model] = replace(_sum(mine, entry), remaining_credits=balance)
        self._total = replace(_sum(self._total, entry), usd=float(self._usd))

    def _warnings(self, entry: _Entry) -> Iterable[str]:
        balance, limit = self._total.remaining_credits, self.warn_below
        if limit is not None and balance is not None and balance < limit:
            yield from self._once("balance", f"{balance} credits remain, fewer than {limit}")
        if self.budget is not None and entry.unknown > 0 and not entry.is_open:
            yield from self._once(
                "unknown", f"{entry.model}: a call's cost is unknown; the budget cannot count it"
            )

    def _once(self, kind: str, message: str) -> Iterable[str]:
        if kind not in self._warned:
            self._warned.add(kind)
            yield message


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line in a tracker's books."""

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


class Bill:
    """One call of a model, on the books of all who track it.

    A context manager: a call that ends without an answer is booked by what its error tells.
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
        passed = (handler for handler in handlers if isinstance(handler, CreditTracker))
        self._began = dict.fromkeys((*_entered.get(), *passed), 0)
        self._model = model
        self._sent = False
        self._job = job
        self._is_collection = job is not None
        self._booked = not self._began

    def admit(self) -> None:
        """Let the call be sent, if every budget allows it."""
        for tracker in self._began:
            self._began[tracker] = tracker._admit(self._model)  # noqa: SLF001 - a friend
        self._sent = True

    def note(self, job_id: str) -> None:
        """Keep the id of the job that the call became."""
        self._job = job_id

    def settle(self, receipt: Receipt, usage: Usage | None = None) -> None:
        """Book an answer."""
        used = usage or Usage()
        runs = 1 + receipt.ambiguous_attempts
        self._book(
            receipt.cost,
            receipt.remaining_credits,
            _Entry(self._model, runs=runs, input_tokens=used.input, output_tokens=used.output),
        )

    def leave_open(self) -> None:
        """Book a job that was submitted, and whose cost will be known when it is collected."""
        self._book(None, None, _Entry(self._model, runs=1, is_open=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._booked or kind is None or not (self._sent or self._is_collection):
            return
        if isinstance(error, SegmindError):
            outcome, cost, balance = error.outcome, error.cost, error.remaining_credits
            runs = error.ambiguous_attempts + (error.billed is not False)
        else:
            outcome, cost, balance, runs = "unknown", None, None, 1  # cancelled or interrupted
        is_open = self._job is not None and outcome == "unknown"
        if not (is_open and self._is_collection):
            self._book(cost, balance, _Entry(self._model, runs=runs, is_open=is_open))

    def _book(self, cost: float | None, balance: float | None, entry: _Entry) -> None:
        self._booked = True
        known = cost is not None and cost >= 0 and entry.runs > 0
        for tracker, began in self._began.items():
            tracker._record(  # noqa: SLF001 - a friend
                replace(
                    entry,
                    unknown=entry.runs - known,
                    cost=Decimal(str(cost)) if known else Decimal(0),
                    balance=balance,
                    began=began,
                    job=self._job,
                )
            )


_entered: Final[ContextVar[tuple[CreditTracker, ...]]] = ContextVar(
    "langchain_segmind_trackers", default=()
)


def _sum(spent: Spending, entry: _Entry) -> Spending:
    return replace(
        spent,
        calls=spent.calls + entry.runs,
        input_tokens=spent.input_tokens + entry.input_tokens,
        output_tokens=spent.output_tokens + entry.output_tokens,
        usd=float(Decimal(str(spent.usd)) + entry.cost),
        unknown_calls=spent.unknown_calls + entry.unknown,
    )


def _checked(amount: float | None, name: str) -> float | None:
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise ValueError(f"{name} must be a number of dollars, not {type(amount).__name__}")
    if not math.isfinite(amount) or amount < 0:
        raise ValueError(f"{name} must be a sum of money, zero or more")
    return float(amount)
