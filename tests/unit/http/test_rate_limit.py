"""How calls of one model share a rate limit that they have to find out, in simulated time."""

import math

import pytest

from langchain_segmind._http.rate_limit import FIRST, FORGET, Permit, RateLimit
from tests.unit.http.floods import Flood, Server

WINDOWS = pytest.mark.parametrize("sliding", [False, True], ids=["fixed", "sliding"])
HINTS = pytest.mark.parametrize("hint", [True, False], ids=["hint", "no hint"])


def fewest_seconds(calls, server):
    return (math.ceil(calls / server.limit) - 1) * server.window


@HINTS
@WINDOWS
@pytest.mark.parametrize("concurrency", [1000, 64, 16])
@pytest.mark.parametrize("numbers", [(300, 60, 2.0), (100, 20, 1.0), (150, 25, 0.5)])
def test_flood_is_answered_within_the_limits_own_time(numbers, concurrency, sliding, hint):
    calls, limit, window = numbers
    server = Server(limit, window, sliding, hint, phase=0.6 * window)

    flood = Flood(server, calls, concurrency=concurrency)

    assert flood.failed == 0
    assert server.requests <= 1.2 * calls
    assert flood.seconds <= 1.6 * fewest_seconds(calls, server)


@HINTS
@WINDOWS
def test_flood_after_single_calls_is_answered_without_errors(sliding, hint):
    server = Server(40, 1.0, sliding, hint, phase=0.5)

    flood = Flood(server, 200, before=(-0.7, -0.5, -0.2))

    assert flood.failed == 0
    assert server.requests <= 1.2 * 203


def test_calls_fail_soon_when_nothing_is_ever_accepted():
    flood = Flood(Server(0, 1.0, hint=False), 30)

    assert (flood.failed, len(flood.sent)) == (30, 90)
    assert flood.seconds < 10


@pytest.mark.parametrize("calls", [100, 1000, 3000])
def test_first_requests_leave_before_it_is_known_whether_there_is_a_limit(calls):
    flood = Flood(Server(10**6, 1.0), calls, concurrency=calls, latency=3.0)

    assert (flood.refused, len(flood.sent)) == (0, calls)
    assert flood.seconds < calls * 0.0003 + 0.75


def test_few_calls_never_wait_without_a_429():
    flood = Flood(Server(10**6, 1.0), FIRST, latency=3.0)

    assert flood.seconds < 0.01


def test_burst_that_passed_before_does_not_wait_again():
    limit = RateLimit()
    for start, expected in ((0.0, FIRST), (5.0, 100)):
        admitted = [enter(limit, start + n * 1e-4) for n in range(100)]
        assert sum(permit is not None for permit in admitted) == expected
        for n, permit in enumerate(admitted):
            if permit is None:
                limit.admit(permit := Permit(), start + 0.9)
                permit.sent_at = start + 0.9
            limit.answer(permit, start + 1.0 + n * 1e-4)


def enter(limit, now):
    permit = Permit()
    if not limit.enter(permit, now, may_pass=True):
        return None
    permit.sent_at = now
    return permit


def refused(limit, now, delay):
    limit.refuse(enter(limit, now), now + 0.01, delay)


def test_no_request_leaves_before_the_limit_ends():
    limit = RateLimit()
    refused(limit, 0.0, 5.0)

    assert limit.wait(0.1) == pytest.approx(4.91)
    assert limit.closed_for(1.0) == pytest.approx(4.01)
    assert enter(limit, 5.0) is None
    assert enter(limit, 5.02) is not None


def test_one_request_is_tried_after_a_429_and_more_when_it_was_not_refused():
    limit = RateLimit()
    refused(limit, 0.0, 1.0)

    first = enter(limit, 1.1)
    assert enter(limit, 1.15) is None
    limit.answer(first, 1.2)

    assert [enter(limit, 1.3 + n / 50) is not None for n in range(3)] == [True, True, False]


def test_request_that_ended_before_it_was_sent_counts_for_nothing():
    limit = RateLimit()
    for _ in range(100):
        permit = Permit()
        assert limit.enter(permit, 0.0, may_pass=True)
        limit.withdraw(permit, 0.0)


def test_requests_that_wait_for_a_connection_are_not_taken_for_accepted():
    limit = RateLimit()
    permits = [Permit() for _ in range(FIRST)]
    assert all(limit.enter(permit, 0.0, may_pass=True) for permit in permits)

    assert limit.wait(5.0) > 0  # none of them has left
    for permit in permits:
        permit.sent_at = 5.0
    assert limit.wait(5.05) > 0
    assert limit.wait(5.11) == 0


def test_seconds_without_an_accepted_request_are_counted_from_the_first_429():
    limit = RateLimit()
    refused(limit, 0.0, None)
    refused(limit, 10.0, None)
    assert limit.refusing_for(30.0) == pytest.approx(29.99)

    limit.answer(enter(limit, 40.0), 41.0)
    assert limit.refusing_for(50.0) == 0


def test_limit_is_forgotten_after_a_quiet_while():
    limit = RateLimit()
    refused(limit, 0.0, 1.0)

    assert enter(limit, FORGET + 1) is not None
    assert enter(limit, FORGET + 1) is not None


def test_first_429_of_several_is_the_first_sign_of_a_limit():
    limit = RateLimit()
    permits = [enter(limit, 0.0) for _ in range(3)]

    assert [limit.refuse(permit, 0.1, 1.0) for permit in permits] == [True, False, False]
