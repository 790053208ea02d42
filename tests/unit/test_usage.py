"""Books of what calls cost, without any call."""

import asyncio
import contextvars
import copy
import logging
import pickle
import threading
from decimal import Decimal
from typing import Any

import pytest

from langchain_segmind import (
    CreditBalance,
    SegmindBudgetExceededError,
    SegmindConnectionError,
    SegmindError,
    SegmindJobFailedError,
    SegmindJobTimeoutError,
    SegmindResponseError,
    UsageTotals,
    UsageTracker,
    track_usage,
)
from langchain_segmind._accounting.recorder import UsageRecorder
from langchain_segmind._flows.types import JobEvent, Receipt
from langchain_segmind._messages.types import Usage


def pay(cost=0.1, remaining=None, model="m", usage=None, **told):
    with UsageRecorder(model, told.pop("handlers", ())) as recorder:
        recorder.before_send()
        recorder.finish(Receipt(cost=cost, remaining_credits=remaining, **told), usage)


def queued(job):
    return JobEvent("QUEUED", job, "m", 0.0)


def sent(error, job):
    with UsageRecorder("m") as recorder:
        recorder.before_send()
        if isinstance(error, SegmindError):
            outcome: Any = "executed" if job else error.outcome
            recorder.after_reply(outcome)
        if job:
            recorder.on_job(queued(job))
        raise error


def fail(error, job=None):
    with pytest.raises(type(error)):
        sent(error, job)


def collect(job, cost=0.1, error=None, model="m"):
    with UsageRecorder(model, (), job) as recorder:
        if error:
            raise error
        recorder.finish(Receipt(request_id=job, cost=cost))


def test_adds_up_by_model():
    with track_usage() as spent:
        pay(0.1, 9.9, "a", Usage(10, 5))
        pay(0.2, 9.7, "b", Usage(3, 4))
        pay(0.3, 9.4, "a", Usage(1, 1))
    pay(5.0)

    assert spent.by_model == {
        "a": UsageTotals(2, 11, 6, 0.4, 0, 9.4),
        "b": UsageTotals(1, 3, 4, 0.2, 0, 9.7),
    }
    assert spent.total == UsageTotals(3, 14, 10, 0.6, 0, 9.4)
    assert (spent.calls, spent.cost, spent.credit_balance) == (3, 0.6, 9.4)
    assert (spent.input_tokens, spent.output_tokens, spent.total_tokens) == (14, 10, 24)


def test_many_small_sums_add_up_exactly():
    with track_usage() as spent:
        for _ in range(1000):
            pay(0.0001)

    assert spent.cost == 0.1


def test_a_call_that_is_closed_within_a_booking_is_booked_too():
    class Closing(str):  # as the collection of garbage may close a forgotten call at any moment
        __slots__ = ()

        def __hash__(self):
            if not closed:
                closed.append(True)
                pay(0.25, model="forgotten")
            return str.__hash__(self)

    closed, ended = [], []

    def call():
        with track_usage() as spent:
            pay(0.5, model=Closing("m"))
        ended.append(spent)

    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    caller.join(10)

    assert [spent.cost for spent in ended] == [0.75]
    assert {model: told.cost for model, told in ended[0].by_model.items()} == {
        "m": 0.5,
        "forgotten": 0.25,
    }


def test_a_budget_used_up_between_attempts_keeps_the_lost_one_in_the_books():
    def lose_one_and_ask_again():
        with UsageRecorder("m") as recorder:
            recorder.before_send()
            recorder.after_reply("unknown")
            pay(0.1)
            recorder.before_send()

    with track_usage(budget=0.1) as spent, pytest.raises(SegmindBudgetExceededError):
        lose_one_and_ask_again()

    assert (spent.calls, spent.unpriced_calls, spent.cost) == (2, 1, 0.1)


def test_a_budget_ends_calls_before_they_are_sent():
    with track_usage(budget=0.25) as spent:
        pay(0.1)
        pay(0.1)
        pay(0.1)
        with pytest.raises(SegmindBudgetExceededError, match=r"0\.25 USD") as caught:
            pay(0.1)

    assert (caught.value.outcome, caught.value.billed) == ("not_sent", False)
    assert not caught.value.is_retryable
    assert (spent.calls, spent.cost) == (3, 0.3)


def test_a_budget_of_nothing_allows_nothing():
    with track_usage(budget=0), pytest.raises(SegmindBudgetExceededError):
        pay()


def test_a_budget_that_is_just_used_up_is_used_up():
    with track_usage(budget=0.3):
        pay(0.1)
        pay(0.2)
        with pytest.raises(SegmindBudgetExceededError):
            pay()


@pytest.mark.parametrize("budget", [-1, float("nan"), float("inf"), "1", True])
@pytest.mark.parametrize("name", ["budget", "warn_below"])
def test_sums_that_are_none_are_refused(budget, name):
    with pytest.raises(ValueError, match=name):
        track_usage(**{name: budget})


def test_a_budget_that_cannot_be_held_says_so_once(caplog):
    with track_usage(budget=1.0):
        pay(None)
        pay(None)

    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert "unknown" in caplog.text


def test_warns_once_when_credits_sink(caplog):
    with track_usage(warn_below=5.0):
        pay(0.1, 5.0)
        pay(0.1, 4.9)
        pay(0.1, 4.8)

    (record,) = caplog.records
    assert "4.9" in record.getMessage()


def test_the_balance_is_the_newest_whatever_order_replies_come_in():
    with track_usage() as spent:
        first, second = UsageRecorder("m"), UsageRecorder("m")
        first.before_send()
        second.before_send()
        second.finish(Receipt(cost=0.1, remaining_credits=9.8))
        first.finish(Receipt(cost=0.1, remaining_credits=9.9))
        assert spent.credit_balance == 9.8

        pay(0.1, 109.7)  # begun after that, so somebody topped up
        assert spent.credit_balance == 109.7


def test_trackers_nest_and_each_counts_a_call_once():
    with track_usage() as outer:
        pay()
        with track_usage() as inner, outer:
            pay(handlers=[inner, outer])
        pay()

    assert (outer.calls, inner.calls) == (3, 1)


def test_a_handler_counts_what_it_is_passed_to_only():
    tracker = track_usage()
    pay(handlers=[tracker])
    pay()

    assert tracker.calls == 1


def test_a_tracker_may_be_entered_in_many_threads_at_once():
    tracker = UsageTracker()

    def work():
        with tracker:
            pay(0.001)

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (tracker.calls, tracker.cost) == (20, 0.02)


def test_a_thread_counts_in_a_copy_of_the_context():
    with track_usage() as spent:
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(pay,))
        thread.start()
        thread.join()

    assert spent.calls == 1


# --- jobs ------------------------------------------------------------------------------------


def submit(job="j", model="m"):
    with UsageRecorder(model) as recorder:
        recorder.before_send()
        recorder.on_job(queued(job))
        recorder.mark_pending()


def test_a_job_is_unknown_until_it_is_collected_and_counted_once():
    with track_usage() as spent:
        submit()
        assert (spent.calls, spent.unpriced_calls, spent.cost) == (1, 1, 0.0)

        collect("j")
        collect("j")

    assert spent.by_model == {"m": UsageTotals(1, 0, 0, 0.1, 0)}


def test_a_job_that_timed_out_is_settled_when_it_is_fetched():
    with track_usage() as spent:
        fail(SegmindJobTimeoutError("late", outcome="unknown", request_id="j"), job="j")
        assert (spent.calls, spent.unpriced_calls) == (1, 1)

        collect("j")

    assert (spent.calls, spent.unpriced_calls, spent.cost) == (1, 0, 0.1)


def test_a_job_of_another_process_is_counted_when_it_is_fetched():
    with track_usage() as spent:
        collect("elsewhere")

    assert (spent.calls, spent.cost) == (1, 0.1)


def test_a_job_that_failed_was_no_call():
    with track_usage() as spent:
        submit()
        with pytest.raises(SegmindJobFailedError):
            collect("j", error=SegmindJobFailedError("broke", outcome="rejected"))

    assert (spent.calls, spent.unpriced_calls) == (0, 0)


def test_a_fetch_that_fails_changes_nothing():
    with track_usage() as spent:
        submit()
        with pytest.raises(SegmindConnectionError):
            collect("j", error=SegmindConnectionError("lost", outcome="unknown"))
        with pytest.raises(SegmindConnectionError):
            collect("other", error=SegmindConnectionError("lost", outcome="unknown"))

    assert (spent.calls, spent.unpriced_calls) == (1, 1)


def test_a_job_collected_under_another_name_is_taken_off_its_first():
    with track_usage() as spent:
        submit(model="a")
        collect("j", model="b")

    assert spent.by_model == {"a": UsageTotals(), "b": UsageTotals(1, 0, 0, 0.1, 0)}


@pytest.mark.parametrize("first", ["polls failed", "no metrics"])
def test_a_cost_that_was_not_told_at_first_is_booked_when_it_is(first):
    with track_usage(budget=1.0) as spent:
        if first == "polls failed":
            fail(SegmindResponseError("lost", outcome="executed", request_id="j"), job="j")
        else:
            submit()
            collect("j", cost=None)
        assert (spent.calls, spent.unpriced_calls) == (1, 1)

        collect("j")
        collect("j")

    assert (spent.calls, spent.unpriced_calls, spent.cost) == (1, 0, 0.1)


def test_a_budget_says_that_jobs_count_when_they_are_collected(caplog):
    with track_usage(budget=1.0):
        submit("a")
        submit("b")

    (record,) = caplog.records
    assert "only when its answer is fetched" in record.getMessage()


def test_books_are_shared_by_copies_and_copied_by_pickle():
    tracker = track_usage(budget=1.0)
    pay(handlers=[tracker])

    assert copy.copy(tracker) is copy.deepcopy([tracker])[0] is tracker
    other = pickle.loads(pickle.dumps(tracker))
    pay(handlers=[other])
    assert (tracker.calls, other.calls) == (1, 2)


def test_a_thread_begun_by_hand_is_counted_by_what_the_main_thread_tracks():
    def run(work):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    def own():
        with track_usage() as mine:
            pay()
        assert mine.calls == 1

    with track_usage() as spent:
        run(pay)
        run(own)
    run(pay)

    assert spent.calls == 2


async def test_what_a_task_tracks_is_not_what_other_threads_do():
    with track_usage() as spent:
        await asyncio.get_running_loop().run_in_executor(None, pay)

    assert spent.calls == 0


def test_dollars_may_be_decimals():
    with track_usage(budget=Decimal("0.2")):
        pay(0.1)
        pay(0.1)
        with pytest.raises(SegmindBudgetExceededError):
            pay()


def test_a_balance_adds_up():
    assert CreditBalance(1.5, 0.25).total == 1.75
