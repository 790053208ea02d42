"""The totals, budgets and warnings of usage trackers, without any call."""

import asyncio
import contextvars
import copy
import logging
import pickle
import threading
from decimal import Decimal

import pytest

from langchain_segmind import (
    CreditBalance,
    SegmindBudgetExceededError,
    SegmindConnectionError,
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


def pay(cost=0.1, remaining=None, model="m", usage=None, handlers=()):
    with UsageRecorder(model, handlers) as recorder:
        recorder.before_send()
        recorder.finish(Receipt(cost=cost, remaining_credits=remaining), usage)


def queued(job):
    return JobEvent("QUEUED", job, "m", 0.0)


def lose(job, error):
    """Submit a job, and raise this error instead of its answer."""
    with UsageRecorder("m") as recorder:
        recorder.before_send()
        recorder.after_reply("executed")
        recorder.on_job(queued(job))
        raise error


def fetch(job, cost=0.1, error=None, model="m"):
    with UsageRecorder(model, (), job) as recorder:
        if error:
            raise error
        recorder.finish(Receipt(request_id=job, cost=cost))


def test_tracker_adds_up_by_model():
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
    assert str(spent) == "3 calls, 24 tokens, $0.60"


def test_totals_as_text_name_calls_of_unknown_cost():
    assert (
        str(UsageTotals(1, 11, 18, 0.000025, 1))
        == "1 call, 29 tokens, $0.000025, 1 of unknown cost"
    )


def test_tracker_adds_up_many_small_costs_exactly():
    with track_usage() as spent:
        for _ in range(1000):
            pay(0.0001)

    assert spent.cost == 0.1


def test_tracker_records_a_call_that_is_closed_while_another_is_recorded():
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
    caller.join(60)

    assert [spent.cost for spent in ended] == [0.75]
    assert {model: totals.cost for model, totals in ended[0].by_model.items()} == {
        "m": 0.5,
        "forgotten": 0.25,
    }


def test_tracker_counts_a_lost_attempt_when_the_budget_is_used_up_before_the_next():
    def lose_one_and_ask_again():
        with UsageRecorder("m") as recorder:
            recorder.before_send()
            recorder.after_reply("unknown")
            pay(0.1)
            recorder.before_send()

    with track_usage(budget=0.1) as spent, pytest.raises(SegmindBudgetExceededError):
        lose_one_and_ask_again()

    assert (spent.calls, spent.unpriced_calls, spent.cost) == (2, 1, 0.1)


def test_budget_refuses_calls_before_they_are_sent():
    with track_usage(budget=0.25) as spent:
        pay(0.1)
        pay(0.1)
        pay(0.1)
        with pytest.raises(
            SegmindBudgetExceededError, match=r"of \$0\.25 is used up: 3 calls, \$0\.30\."
        ) as caught:
            pay(0.1)

    assert (caught.value.outcome, caught.value.billed) == ("not_sent", False)
    assert not caught.value.is_retryable
    assert (spent.calls, spent.cost) == (3, 0.3)


def test_budget_of_zero_refuses_every_call():
    with track_usage(budget=0), pytest.raises(SegmindBudgetExceededError):
        pay()


def test_budget_refuses_calls_when_costs_equal_it():
    with track_usage(budget=0.3):
        pay(0.1)
        pay(0.2)
        with pytest.raises(SegmindBudgetExceededError):
            pay()


@pytest.mark.parametrize("budget", [-1, float("nan"), float("inf"), "1", True])
@pytest.mark.parametrize("name", ["budget", "warn_below"])
def test_track_usage_refuses_invalid_amounts(budget, name):
    with pytest.raises(ValueError, match=name):
        track_usage(**{name: budget})


def test_budget_warns_once_of_unknown_costs(caplog):
    with track_usage(budget=1.0):
        pay(None)
        pay(None)

    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert "unknown" in caplog.text


def test_tracker_warns_once_of_a_low_balance(caplog):
    with track_usage(warn_below=5.0):
        pay(0.1, 5.0)
        pay(0.1, 4.9)
        pay(0.1, 4.8)

    (record,) = caplog.records
    assert "4.9" in record.getMessage()


def test_balance_is_the_newest_when_replies_arrive_in_another_order():
    with track_usage() as spent:
        first, second = UsageRecorder("m"), UsageRecorder("m")
        first.before_send()
        second.before_send()
        second.finish(Receipt(cost=0.1, remaining_credits=9.8))
        first.finish(Receipt(cost=0.1, remaining_credits=9.9))
        assert spent.credit_balance == 9.8

        pay(0.1, 109.7)  # begun after that, so somebody topped up
        assert spent.credit_balance == 109.7


def test_nested_trackers_each_count_a_call_once():
    with track_usage() as outer:
        pay()
        with track_usage() as inner, outer:
            pay(handlers=[inner, outer])
        pay()

    assert (outer.calls, inner.calls) == (3, 1)


def test_handler_counts_only_the_calls_it_is_passed_to():
    tracker = track_usage()
    pay(handlers=[tracker])
    pay()

    assert tracker.calls == 1


def test_tracker_counts_when_many_threads_enter_it_at_once():
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


def test_thread_in_a_copy_of_the_context_is_counted():
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


def test_job_has_no_cost_until_it_is_fetched_and_counts_once():
    with track_usage() as spent:
        submit()
        assert (spent.calls, spent.unpriced_calls, spent.cost) == (1, 1, 0.0)

        fetch("j")
        fetch("j")

    assert spent.by_model == {"m": UsageTotals(1, 0, 0, 0.1, 0)}


def test_job_that_timed_out_gets_its_cost_when_it_is_fetched():
    with track_usage() as spent:
        with pytest.raises(SegmindJobTimeoutError):
            lose("j", SegmindJobTimeoutError("late", outcome="unknown", request_id="j"))
        assert (spent.calls, spent.unpriced_calls) == (1, 1)

        fetch("j")

    assert (spent.calls, spent.unpriced_calls, spent.cost) == (1, 0, 0.1)


def test_job_of_another_process_counts_when_it_is_fetched():
    with track_usage() as spent:
        fetch("elsewhere")

    assert (spent.calls, spent.cost) == (1, 0.1)


def test_job_that_failed_does_not_count():
    with track_usage() as spent:
        submit()
        with pytest.raises(SegmindJobFailedError):
            fetch("j", error=SegmindJobFailedError("broke", outcome="rejected"))

    assert (spent.calls, spent.unpriced_calls) == (0, 0)


def test_totals_are_unchanged_when_a_fetch_fails():
    with track_usage() as spent:
        submit()
        with pytest.raises(SegmindConnectionError):
            fetch("j", error=SegmindConnectionError("lost", outcome="unknown"))
        with pytest.raises(SegmindConnectionError):
            fetch("other", error=SegmindConnectionError("lost", outcome="unknown"))

    assert (spent.calls, spent.unpriced_calls) == (1, 1)


def test_job_counts_for_the_model_it_is_fetched_with():
    with track_usage() as spent:
        submit(model="a")
        fetch("j", model="b")

    assert spent.by_model == {"a": UsageTotals(), "b": UsageTotals(1, 0, 0, 0.1, 0)}


@pytest.mark.parametrize("first", ["polls failed", "no metrics"])
def test_job_gets_its_cost_when_the_gateway_reports_it_later(first):
    with track_usage(budget=1.0) as spent:
        if first == "polls failed":
            with pytest.raises(SegmindResponseError):
                lose("j", SegmindResponseError("lost", outcome="executed", request_id="j"))
        else:
            submit()
            fetch("j", cost=None)
        assert (spent.calls, spent.unpriced_calls) == (1, 1)

        fetch("j")
        fetch("j")

    assert (spent.calls, spent.unpriced_calls, spent.cost) == (1, 0, 0.1)


def test_budget_warns_once_that_jobs_count_when_they_are_fetched(caplog):
    with track_usage(budget=1.0):
        submit("a")
        submit("b")

    (record,) = caplog.records
    assert "only when its answer is fetched" in record.getMessage()


def test_tracker_is_shared_by_copies_and_copied_by_pickle():
    tracker = track_usage(budget=1.0)
    pay(handlers=[tracker])

    assert copy.copy(tracker) is copy.deepcopy([tracker])[0] is tracker
    other = pickle.loads(pickle.dumps(tracker))
    pay(handlers=[other])
    assert (tracker.calls, other.calls) == (1, 2)


def test_thread_started_by_hand_is_counted_by_trackers_of_the_main_thread():
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


async def test_tracker_of_a_task_does_not_count_other_threads():
    with track_usage() as spent:
        await asyncio.get_running_loop().run_in_executor(None, pay)

    assert spent.calls == 0


def test_budget_may_be_a_decimal():
    with track_usage(budget=Decimal("0.2")):
        pay(0.1)
        pay(0.1)
        with pytest.raises(SegmindBudgetExceededError):
            pay()


def test_credit_balance_adds_up():
    assert CreditBalance(1.5, 0.25).total == 1.75
