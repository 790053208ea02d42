"""Limit what a live check may cost: estimate each call before it is sent, record it afterwards.

The gateway publishes no prices. The first call of a model is estimated by its maker's list price,
doubled, later ones by what the gateway really charged; none as less than the dearest call so far.
"""

from __future__ import annotations

from collections.abc import Callable

from langchain_segmind import SegmindError

LIMIT = 0.05
"""US dollars a whole check may cost."""

MARGIN = 2.0

# US dollars for a million tokens of input, and of output, as far as the makers' lists are known.
# A model that is not here counts as the dearest that is.
PRICES = {
    "claude-4-sonnet": (3.0, 15.0),
    "deepseek-chat": (0.3, 1.2),
    "deepseek-reasoner": (0.6, 2.2),
    "gemini-2.5-flash-lite": (0.1, 0.4),
    "gemini-embedding-001": (0.15, 0.0),
    "gemini-embedding-2": (0.2, 0.0),
    "gpt-5.4-nano": (0.2, 1.25),
    "llama-v3p1-8b-instruct": (0.2, 0.2),
    "qwen-flash": (0.05, 0.4),
    "text-embedding-3-small": (0.02, 0.0),
}
DEAREST = max(PRICES.values())


class OverBudgetError(Exception):
    """The next call might pass the limit, so it was not sent."""


class SpendingLimit:
    """Counts dollars, by the costs that replies name and by the balance that is left.

    Args:
        read_balance: Asks the gateway, free of charge.
        limit: US dollars.

    Raises:
        SegmindError: The balance cannot be read.
    """

    def __init__(self, read_balance: Callable[[], float], limit: float = LIMIT) -> None:
        self.limit = limit
        self.reported = 0.0
        self._read_balance = read_balance
        self._first = self._last = read_balance()
        self._dearest = 0.0
        self._factors: dict[str, float] = {}

    @property
    def charged(self) -> float:
        """By how much the balance fell."""
        return max(0.0, self._first - self._last)

    @property
    def spent(self) -> float:
        """The higher of what was reported and what was charged."""
        return max(self.reported, self.charged)

    def estimate(self, slug: str, input_tokens: int, output_tokens: int) -> float:
        """Estimate the cost of a call in US dollars."""
        factor = self._factors.get(slug, MARGIN)
        return max(_list_price(slug, input_tokens, output_tokens) * factor, self._dearest)

    def check(self, estimate: float) -> None:
        """Raise when a call of this cost might pass the limit.

        Raises:
            OverBudgetError: It might.
        """
        if self.spent + estimate > self.limit:
            raise OverBudgetError(
                f"${self.spent:.4f} are spent and this call may cost ${estimate:.4f}; "
                f"the limit is ${self.limit:.2f}"
            )

    def record(
        self,
        slug: str,
        estimate: float,
        cost: float | None,
        tokens: tuple[int, int] | None = None,
    ) -> None:
        """Record a call, whether it succeeded or not.

        Args:
            slug: The model.
            estimate: The cost that was expected; recorded where nothing else is known.
            cost: The cost of the reply; None to take it from the balance.
            tokens: Tokens of input and output, where they are known.
        """
        before = self.charged
        try:
            self._last = self._read_balance()
        except SegmindError:
            actual = estimate if cost is None else cost
        else:
            actual = self.charged - before if cost is None else cost
        self.reported += actual
        self._dearest = max(self._dearest, actual)
        usual = _list_price(slug, *tokens) if tokens else 0.0
        if actual and usual:
            self._factors[slug] = max(1.0, actual / usual)


def _list_price(slug: str, input_tokens: int, output_tokens: int) -> float:
    for_input, for_output = PRICES.get(slug, DEAREST)
    return (input_tokens * for_input + output_tokens * for_output) / 1e6
