"""What calls cost: totals, budgets and a warning before the credits run out.

    with track_usage(budget=2.00, warn_below=5.00) as spent:
        chain.batch(questions)
    print(spent, spent.cost, spent.credit_balance, spent.by_model)

By the vendor's pages, the gateway bills each run that it answers with status 200. Where it reports
the cost, in a header or in a job's metrics, the cost is counted in US dollars. Runs without a
reported cost are counted in `unpriced_calls`.
"""

from __future__ import annotations

import math
from decimal import Decimal

from langchain_segmind._accounting.ledger import Ledger, UsageTotals
from langchain_segmind._accounting.trackers import LedgerHandler
from langchain_segmind._value import frozen_value

__all__ = ["CreditBalance", "UsageTotals", "UsageTracker", "track_usage"]


@frozen_value
class CreditBalance:
    """A key's balance. A credit is a US dollar.

    Attributes:
        credits: Purchased credits.
        free_credits: Free credits.
    """

    credits: float
    free_credits: float = 0.0

    @property
    def total(self) -> float:
        """Purchased and free credits together."""
        return self.credits + self.free_credits


def track_usage(
    budget: float | Decimal | None = None, *, warn_below: float | Decimal | None = None
) -> UsageTracker:
    """Count what calls cost, and stop them at a budget.

    As a context manager, the tracker counts all calls of this package's models in the block. This
    includes calls in tasks started in the block, and in the threads of LangChain and LangGraph. If
    the block is in the main thread, outside an event loop, calls in threads that you start yourself
    are counted, too. As a callback handler, it counts the calls it is passed to, in any thread:
    `model.invoke(..., config={"callbacks": [tracker]})`, `ChatSegmind(callbacks=[tracker])`. A job
    is counted when it is submitted, and its cost when its answer is fetched.

    Args:
        budget: Maximum cost in US dollars. Once the reported cost reaches it, the next call raises
            `SegmindBudgetExceededError` before it is sent. Calls in flight are still answered and
            billed. `embed_documents` raises a `SegmindBatchError` whose `error` it is.
        warn_below: Log one warning when the balance falls below this many credits (US dollars).

    Returns:
        The tracker, which is a context manager and a callback handler and has the current totals.

    Raises:
        ValueError: If an amount is negative or not a number.
    """
    return UsageTracker(budget, warn_below)


class UsageTracker(LedgerHandler):
    """Count what calls cost; built by `track_usage`. Can be used from any thread.

    Its totals can be read at any time, also while calls are in flight.
    """

    def __init__(
        self, budget: float | Decimal | None = None, warn_below: float | Decimal | None = None
    ) -> None:
        """Build a tracker; see `track_usage`."""
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
        """Input tokens."""
        return self.total.input_tokens

    @property
    def output_tokens(self) -> int:
        """Output tokens."""
        return self.total.output_tokens

    @property
    def total_tokens(self) -> int:
        """Input and output tokens."""
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

    def __str__(self) -> str:
        """Return one line, such as `2 calls, 58 tokens, $0.000165`."""
        return str(self.total)

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
