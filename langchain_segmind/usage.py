"""What calls cost: totals, budgets and a warning before the credits run out.

    with track_usage(budget=2.00, warn_below=5.00) as spent:
        chain.batch(questions)
    print(spent.cost, spent.calls, spent.credit_balance, spent.by_model)

The gateway bills every run that it answers with status 200, and reports the cost in US dollars in a
header, or in a job's metrics. Runs without a reported cost are counted in `unpriced_calls`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from langchain_segmind._accounting.ledger import Ledger, UsageTotals
from langchain_segmind._accounting.trackers import LedgerHandler

__all__ = ["CreditBalance", "UsageTotals", "UsageTracker", "track_usage"]


@dataclass(frozen=True, slots=True)
class CreditBalance:
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


def track_usage(
    budget: float | Decimal | None = None, *, warn_below: float | Decimal | None = None
) -> UsageTracker:
    """Count what calls cost, and hold them to a budget.

    As a context manager, the tracker counts all calls of this package's models in the block, also
    in tasks started there and in the threads of LangChain and LangGraph; for a block of the main
    thread, outside an event loop, also in threads started by hand. As a callback handler, it counts
    the calls it is passed to, in any thread: `model.invoke(..., config={"callbacks": [tracker]})`,
    `ChatSegmind(callbacks=[tracker])`. A job counts when it is submitted, its cost when it is
    collected.

    Args:
        budget: US dollars. A call that would begin when they are used up raises a
            `SegmindBudgetExceededError` before anything is sent; calls under way are answered.
            From `embed_documents`, it is the `error` of a `SegmindBatchError`.
        warn_below: Credits. A warning is logged, once, when the balance sinks under them.

    Returns:
        The tracker: a context manager and a callback handler, with the totals of now.

    Raises:
        ValueError: If an amount is negative or not a number.
    """
    return UsageTracker(budget, warn_below)


class UsageTracker(LedgerHandler):
    """Counts what calls cost; made by `track_usage`. Safe from any thread.

    Its totals may be read at any time, while calls are under way too.
    """

    def __init__(
        self, budget: float | Decimal | None = None, warn_below: float | Decimal | None = None
    ) -> None:
        """Make a tracker; see `track_usage`."""
        super().__init__(Ledger(_checked(budget, "budget"), _checked(warn_below, "warn_below")))

    @property
    def total(self) -> UsageTotals:
        """The totals of all calls."""
        return self.ledger.total

    @property
    def by_model(self) -> dict[str, UsageTotals]:
        """The totals of each model."""
        return self.ledger.by_model

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
    def cost(self) -> float:
        """US dollars spent, as far as the gateway reported them."""
        return self.total.cost

    @property
    def unpriced_calls(self) -> int:
        """Calls without a reported cost; they may have cost something."""
        return self.total.unpriced_calls

    @property
    def credit_balance(self) -> float | None:
        """The balance that the gateway reported last, in credits (US dollars)."""
        return self.total.credit_balance

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.total})"


def _checked(amount: float | Decimal | None, name: str) -> Decimal | None:
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, int | float | Decimal):
        raise ValueError(f"{name} must be a number of dollars, not {type(amount).__name__}")
    if not math.isfinite(amount) or amount < 0:
        raise ValueError(f"{name} must be an amount of money, zero or more")
    return Decimal(str(amount))
