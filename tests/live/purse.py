"""What a live check may spend: each call is estimated before it is sent, and counted after it.

The gateway publishes no prices. The first call of a model is estimated by its maker's list price,
doubled, later ones by what the gateway really took; none as less than the dearest call so far.
"""

from __future__ import annotations

from collections.abc import Callable

from langchain_segmind import SegmindError

LIMIT = 0.05
"""US dollars a whole check may cost."""

MARGIN = 2.0

# US dollars for a million tokens read, and written, as far as their makers' lists are known to us.
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


class Purse:
    """Counts dollars, by what the gateway tells of each call and by what is left of the balance.

    Args:
        read_balance: Asks the gateway, free of charge.
        limit: US dollars.

    Raises:
        SegmindError: The balance cannot be read.
    """

    def __init__(self, read_balance: Callable[[], float], limit: float = LIMIT) -> None:
        self.limit = limit
        self.told = 0.0
        self._read_balance = read_balance
        self._first = self._last = read_balance()
        self._dearest = 0.0
        self._factors: dict[str, float] = {}

    @property
    def taken(self) -> float:
        """By how much the balance sank."""
        return max(0.0, self._first - self._last)

    @property
    def spent(self) -> float:
        """The higher of what was told and what was taken."""
        return max(self.told, self.taken)

    def estimate(self, slug: str, read: int, written: int) -> float:
        """Tell what a call may cost.

        Args:
            slug: The model.
            read: Tokens of the request.
            written: The most tokens of the answer.
        """
        factor = self._factors.get(slug, MARGIN)
        return max(_list_price(slug, read, written) * factor, self._dearest)

    def check(self, estimate: float) -> None:
        """Allow a call, or not.

        Raises:
            OverBudgetError: It might pass the limit.
        """
        if self.spent + estimate > self.limit:
            raise OverBudgetError(
                f"{self.spent:.4f} USD are spent and this call may cost {estimate:.4f}; "
                f"the limit is {self.limit:.2f}"
            )

    def count(
        self,
        slug: str,
        estimate: float,
        cost: float | None,
        tokens: tuple[int, int] | None = None,
    ) -> None:
        """Count a call, whatever became of it.

        Args:
            slug: The model.
            estimate: What it was expected to cost; counted where nothing else tells.
            cost: What the gateway told; None has the balance tell.
            tokens: How many were read and written, where that is known.
        """
        before = self.taken
        try:
            self._last = self._read_balance()
        except SegmindError:
            seen = estimate if cost is None else cost
        else:
            seen = self.taken - before if cost is None else cost
        self.told += seen
        self._dearest = max(self._dearest, seen)
        usual = _list_price(slug, *tokens) if tokens else 0.0
        if seen and usual:
            self._factors[slug] = max(1.0, seen / usual)


def _list_price(slug: str, read: int, written: int) -> float:
    for_read, for_written = PRICES.get(slug, DEAREST)
    return (read * for_read + written * for_written) / 1e6
