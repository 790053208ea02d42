"""When an attempt is repeated, and after how long."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_segmind._flows.retry import (
    RetryPolicy,
    is_repeatable,
    seconds_until_reset,
    server_requested_delay,
    wait_before_next,
)
from langchain_segmind._flows.send import receipt_of
from langchain_segmind._flows.types import Failure, Reply, Response

JSON = b'{"error": "busy"}'
DATE = "Sun, 22 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("result", "again", "when_opted_in"),
    [
        (Failure("not_sent", "connection"), True, True),
        (Failure("not_sent", "timeout"), True, True),
        (Failure("not_sent", "tls"), False, False),
        (Failure("unknown", "connection"), False, True),
        (Failure("unknown", "timeout"), False, True),
        (Response(429), True, True),
        (Response(500, body=JSON), True, True),
        (Response(500), False, True),
        (Response(500, body=b"{}"), False, True),
        (Response(500, body=JSON, fault="cut"), False, True),
        (Response(504), False, True),
        (Response(301), False, False),
        (Response(400, body=JSON), False, False),
        (Response(200, fault="cut"), False, False),
        (Response(200, fault="timeout"), False, False),
    ],
)
def test_only_what_surely_did_not_run_is_repeatable_unless_opted_in(result, again, when_opted_in):
    # Every status with every kind of body is in the catalog of faults.
    assert is_repeatable(result) is again
    assert is_repeatable(result, retry_ambiguous=True) is when_opted_in


@pytest.mark.parametrize(
    ("attempt", "status", "jitter", "seconds"),
    [
        (1, 503, 0.0, 0.25),
        (1, 503, 1.0, 0.5),
        (2, 503, 1.0, 1.0),
        (3, 503, 1.0, 2.0),
        (9, 503, 1.0, 8.0),
        (50_000, 503, 1.0, 8.0),
        (1, 429, 1.0, 1.0),
        (2, 429, 0.0, 1.0),
        (9, 429, 0.5, 6.0),
    ],
)
def test_wait_doubles_with_each_attempt_up_to_eight_seconds(attempt, status, jitter, seconds):
    reply = Reply(Response(status), jitter=jitter)

    assert wait_before_next(attempt, reply, RetryPolicy(max_retries=60_000)) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "200", "retry-after": "9"}, 0.2),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:09 GMT", "date": DATE}, 9.0),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:09 GMT"}, 4.0),
        ({"x-rate-limit-reset-at-utc": "2026-11-22 12:00:30", "date": DATE}, 30.0),
        ({"x-rate-limit-reset-at-utc": "2026-11-22T12:00:30", "date": DATE}, 30.0),
        ({"x-rate-limit-reset-at-utc": "2026-11-22T12:00:30Z", "date": DATE}, 30.0),
        ({"x-rate-limit-reset-at-utc": "2026-11-22T12:00:30.5Z", "date": DATE}, 30.5),
        ({"x-rate-limit-reset-at-utc": "2026-11-22T12:00:30.1234567Z", "date": DATE}, 30.123456),
        ({"x-rate-limit-reset-at-utc": "2026-11-22T14:00:30+02:00", "date": DATE}, 30.0),
        ({"x-rate-limit-reset-at-utc": "2026-11-22 12:00:30 UTC", "date": DATE}, 30.0),
        ({"x-rate-limit-reset-at-utc": "1795348830", "date": DATE}, 30.0),
        ({"x-rate-limit-reset-at-utc": "1795348830500", "date": DATE}, 30.5),
        ({"x-rate-limit-reset-at-utc": "1795348830"}, 25.0),
        ({"retry-after": "soon", "x-rate-limit-reset-at-utc": "1795348830", "date": DATE}, 30.0),
    ],
)
def test_server_requested_delay_is_read_from_headers(headers, seconds):
    five_past_noon = 1795348805.0  # 2026-11-22 12:00:05 by this clock

    hint = server_requested_delay(Reply(Response(429, headers), now=five_past_noon))

    assert hint == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("header", ["retry-after", "retry-after-ms", "x-rate-limit-reset-at-utc"])
@pytest.mark.parametrize(
    "value",
    ["", " ", "soon", "-1", "nan", "inf", "1e999", "-inf", "1990-01-01", "99999999-01-01", "0x10"],
)
def test_server_requested_delay_is_none_for_garbage_and_the_past(header, value):
    assert server_requested_delay(Reply(Response(429, {header: value, "date": DATE}))) is None


@given(value=st.text(), date=st.text())
def test_server_requested_delay_never_raises(value, date):
    headers = dict.fromkeys(("retry-after-ms", "retry-after", "x-rate-limit-reset-at-utc"), value)

    hint = server_requested_delay(Reply(Response(429, {**headers, "date": date})))

    assert hint is None or hint >= 0


def test_server_requested_delay_replaces_the_backoff_plus_jitter():
    reply = Reply(Response(429, {"retry-after": "3"}), jitter=0.5)

    assert wait_before_next(1, reply, RetryPolicy()) == pytest.approx(3.05)


def test_server_requested_delay_beyond_max_retry_wait_ends_the_call():
    reply = Reply(Response(429, {"retry-after": "61"}))

    assert wait_before_next(1, reply, RetryPolicy()) is None
    assert wait_before_next(1, reply, RetryPolicy(max_retry_wait=61)) == pytest.approx(61)


def test_wait_beyond_total_timeout_ends_the_call():
    reply = Reply(Response(429, {"retry-after": "5"}), elapsed=6.0)

    assert wait_before_next(1, reply, RetryPolicy(total_timeout=11.0)) is None
    assert wait_before_next(1, reply, RetryPolicy(total_timeout=11.5)) == pytest.approx(5)


def test_wait_is_none_when_the_retries_are_used_up():
    reply = Reply(Response(503))

    assert wait_before_next(1, reply, RetryPolicy(max_retries=0)) is None
    assert wait_before_next(2, reply, RetryPolicy(max_retries=2)) is not None
    assert wait_before_next(3, reply, RetryPolicy(max_retries=2)) is None


amounts = st.text(max_size=20) | st.integers().map(str) | st.floats().map(str)


@given(st.dictionaries(st.sampled_from(["x-cost", "x-remaining-credits"]), amounts))
def test_receipt_has_finite_amounts_or_none(headers):
    receipt = receipt_of(headers)

    for amount in (receipt.cost, receipt.remaining_credits):
        assert amount is None or math.isfinite(amount)


def test_date_of_the_same_second_as_our_clock_does_not_lengthen_a_wait():
    headers = {"x-rate-limit-reset-at-utc": "2026-11-22 12:00:30", "date": DATE}
    noon = 1795348800.0

    def delay(now):
        return server_requested_delay(Reply(Response(429, headers), now=now))

    assert (delay(noon + 0.75), delay(noon + 1.75)) == (29.25, 30.0)


def test_failure_of_a_rate_limit_has_its_own_delay():
    failure = Failure("not_sent", "rate_limit", "", 7.0)

    assert server_requested_delay(Reply(failure)) == 7.0


@pytest.mark.parametrize(
    ("reset", "expected"),
    [
        ("1795348830", 29.5),
        ("1795348800", 0.5),  # the gateway may leave out fractions of a second
        ("1795348800.25", -0.25),
        ("1795348790", -10.5),
        ("1795340000", None),
        ("soon", None),
    ],
)
def test_rate_limit_that_ended_differs_from_one_without_an_end(reset, expected):
    response = Response(429, {"x-rate-limit-reset-at-utc": reset})

    assert seconds_until_reset(response, 1795348800.5) == expected
