"""What the live check may spend, decided before each call and counted after it."""

import pytest

from langchain_segmind import SegmindServerError
from tests.live.probes import CHEAPEST
from tests.live.purse import LIMIT, MARGIN, PRICES, OverBudgetError, Purse

SLUG = "llama-v3p1-8b-instruct"  # 0.2 dollars for a million tokens, read or written


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
def purse(balance):
    return Purse(balance.read)


def test_a_first_call_is_expected_to_cost_twice_the_list_price(purse):
    assert purse.estimate(SLUG, 500_000, 500_000) == pytest.approx(0.2 * MARGIN)


def test_a_model_without_a_price_counts_as_the_dearest(purse):
    assert purse.estimate("new", 0, 1_000_000) == pytest.approx(15 * MARGIN)


def test_the_prices_are_those_of_models_that_are_asked():
    assert {*CHEAPEST.values()} <= {*PRICES}


def test_what_a_model_really_took_is_expected_of_it_again(purse, balance):
    balance.left -= 0.000_6
    purse.count(SLUG, 0.1, None, (500, 500))  # three times the list price

    assert purse.estimate(SLUG, 50_000, 50_000) == pytest.approx(0.06)


def test_no_call_is_expected_to_cost_less_than_the_dearest_before_it(purse):
    purse.count(SLUG, 0.1, 0.01)

    assert purse.estimate("qwen-flash", 1, 1) == 0.01


def test_what_is_told_and_what_is_taken_are_both_heeded(purse, balance):
    purse.count(SLUG, 0.0, 0.01)
    assert (purse.told, purse.taken, purse.spent) == (0.01, 0.0, 0.01)

    balance.left -= 0.03
    purse.count(SLUG, 0.0, 0.01)
    assert purse.told == pytest.approx(0.02)
    assert purse.spent == pytest.approx(0.03)


def test_the_estimate_counts_where_neither_header_nor_balance_tells(purse, balance):
    balance.broken = True

    purse.count(SLUG, 0.02, None)
    purse.count(SLUG, 0.02, 0.005)

    assert purse.spent == pytest.approx(0.025)


def test_a_call_that_might_pass_the_limit_is_refused(purse):
    purse.count(SLUG, 0.0, LIMIT - 0.01)

    purse.check(0.009)
    with pytest.raises(OverBudgetError, match=r"0\.0400 USD are spent .* cost 0\.0110; .* 0\.05"):
        purse.check(0.011)
