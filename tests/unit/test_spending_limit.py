"""The spending limit of the live check, applied before each call and updated after it."""

import pytest

from langchain_segmind import SegmindServerError
from tests.live.probes import CHEAPEST
from tests.live.spending import LIMIT, MARGIN, PRICES, OverBudgetError, SpendingLimit

SLUG = "llama-v3p1-8b-instruct"  # 0.2 dollars for a million tokens of input or output


class Balance:
    def __init__(self):
        self.left = 10.0
        self.broken = False

    def read(self):
        if self.broken:
            raise SegmindServerError("down")
        return self.left


@pytest.fixture
def balance():
    return Balance()


@pytest.fixture
def limit(balance):
    return SpendingLimit(balance.read)


@pytest.mark.parametrize(
    ("slug", "tokens", "cost"), [(SLUG, (500_000, 500_000), 0.2), ("new", (0, 1_000_000), 15)]
)
def test_first_call_is_estimated_at_twice_its_or_the_dearest_list_price(limit, slug, tokens, cost):
    assert limit.estimate(slug, *tokens) == pytest.approx(cost * MARGIN)


def test_every_model_that_is_called_has_a_price():
    assert {*CHEAPEST.values()} <= {*PRICES}


def test_later_call_is_estimated_by_what_the_model_was_charged(limit, balance):
    balance.left -= 0.000_6
    limit.record(SLUG, 0.1, None, (500, 500))  # three times the list price

    assert limit.estimate(SLUG, 50_000, 50_000) == pytest.approx(0.06)


def test_estimate_is_not_below_the_dearest_call_before(limit):
    limit.record(SLUG, 0.1, 0.01)

    assert limit.estimate("qwen-flash", 1, 1) == 0.01


def test_spent_is_the_higher_of_reported_and_charged(limit, balance):
    limit.record(SLUG, 0.0, 0.01)
    assert (limit.reported, limit.charged, limit.spent) == (0.01, 0.0, 0.01)

    balance.left -= 0.03
    limit.record(SLUG, 0.0, 0.01)
    assert limit.reported == pytest.approx(0.02)
    assert limit.spent == pytest.approx(0.03)


def test_estimate_is_recorded_when_neither_cost_nor_balance_is_known(limit, balance):
    balance.broken = True

    limit.record(SLUG, 0.02, None)
    limit.record(SLUG, 0.02, 0.005)

    assert limit.spent == pytest.approx(0.025)


def test_call_that_might_pass_the_limit_is_refused(limit):
    limit.record(SLUG, 0.0, LIMIT - 0.01)

    limit.check(0.009)
    with pytest.raises(OverBudgetError, match=r"\$0\.0400 are spent .* cost \$0\.0110; .* \$0\.05"):
        limit.check(0.011)
