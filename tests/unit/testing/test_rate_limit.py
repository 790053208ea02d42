"""The rate limit of a local gateway."""

import pytest

from langchain_segmind.testing import RateLimit
from langchain_segmind.testing.rate_limit import RequestCounter

START = 1_795_348_800.0


def accepted(limit, *moments):
    counter = RequestCounter(limit)
    return [counter.refusal(START + moment) is None for moment in moments]


def test_fixed_window_begins_with_its_first_request():
    limit = RateLimit(2, 10.0)

    assert accepted(limit, 0, 9, 9.5, 10, 11, 12) == [True, True, False, True, True, False]


def test_sliding_window_frees_its_requests_one_by_one():
    limit = RateLimit(2, 10.0, sliding=True)

    assert accepted(limit, 0, 9, 9.5, 10, 11, 19) == [True, True, False, True, False, True]


@pytest.mark.parametrize(
    ("hint", "headers"),
    [
        (
            "x-rate-limit-reset-at-utc",
            {"x-rate-limit-reset-at-utc": "2026-11-22T12:00:10.000Z"},
        ),
        ("retry-after", {"retry-after": "8"}),
        ("retry-after-ms", {"retry-after-ms": "7500"}),
        (None, {}),
    ],
)
def test_refusal_names_when_the_next_request_is_accepted(hint, headers):
    counter = RequestCounter(RateLimit(1, 10.0, hint=hint))
    counter.refusal(START)

    assert counter.refusal(START + 2.5) == headers


@pytest.mark.parametrize(
    "arguments", [{"requests": 0, "seconds": 1}, {"requests": 1, "seconds": 0}]
)
def test_limit_without_room_is_an_error(arguments):
    with pytest.raises(ValueError, match="requests >= 1"):
        RateLimit(**arguments)


def test_unknown_hint_is_an_error():
    with pytest.raises(ValueError, match="hint='later'"):
        RateLimit(1, 1.0, hint="later")  # type: ignore[arg-type]
