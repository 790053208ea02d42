"""What `track_usage` counts equals the gateway's own record of executions and credits."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, MessagesState, StateGraph

from langchain_segmind import (
    ChatSegmind,
    CreditBalance,
    SegmindAuthenticationError,
    SegmindBudgetExceededError,
    SegmindError,
    track_usage,
)
from langchain_segmind.testing import LocalGateway, Queue, Reply, Usage
from tests.integration.call_styles import build, in_both_styles

pytestmark = in_both_styles

COST = 0.000_1
"""Dollars that each reply below costs: 20 tokens in at 1 and 20 out at 4 millionths."""


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def spent_at(gateway, first=10.0):
    return pytest.approx(first - gateway.credits, abs=1e-12)


def assert_complete(tracker, gateway):
    """Assert that a tracker's totals are the gateway's own."""
    assert tracker.cost == spent_at(gateway)
    assert tracker.calls == gateway.executions
    assert tracker.unpriced_calls == 0
    assert tracker.credit_balance == pytest.approx(gateway.credits)


# --- the balance -----------------------------------------------------------------------------


async def test_balance_is_read_free_of_charge():
    with LocalGateway(credits=3.5) as gateway:
        async with build(gateway) as model:
            assert model.get_credits() == CreditBalance(3.5, 0.0)
            assert (await model.aget_credits()).total == 3.5

        assert gateway.executions == 0


def test_balance_with_a_wrong_key_is_an_authentication_error(gateway):
    model = ChatSegmind(model="gpt-4o", base_url=gateway.base_url, api_key="wrong-key")

    with pytest.raises(SegmindAuthenticationError):
        model.get_credits()


# --- totals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("passed", ["block", "callback"])
async def test_tracker_counts_every_kind_of_call_by_model(gateway, passed):
    tracker = track_usage()
    config: Any = {"callbacks": [tracker]} if passed == "callback" else {}
    async with build(gateway) as model:
        chain = model | StrOutputParser()
        with tracker if passed == "block" else nullcontext():
            model.invoke("Hello", config)
            list(model.stream("Hello", config))
            model.batch(["a", "b", "c"], config)
            chain.invoke("Hello", config)
            list(chain.stream("Hello", config))
            await model.ainvoke("Hello", config)
            await model.abatch(["a", "b", "c"], config)
            [chunk async for chunk in model.astream("Hello", config)]
            [chunk async for chunk in chain.astream("Hello", config)]
            model.submit("Hello", config).result(config)
            build(gateway, **config).invoke("Hello")
            build(gateway, streaming=True).invoke("Hello", config)
            model.invoke("Hello", config, model="claude-4.5-sonnet")

        assert_complete(tracker, gateway)
        by_model = {slug: totals.calls for slug, totals in tracker.by_model.items()}
        assert by_model == {"gpt-4o": 16, "claude-4.5-sonnet": 1}
        assert sum(t.cost for t in tracker.by_model.values()) == pytest.approx(tracker.cost)
        assert tracker.input_tokens > 0 < tracker.output_tokens
        model.invoke("Hello")  # neither in the block nor with the callback
        assert tracker.calls == 17


@pytest.mark.parametrize("passed", ["block", "callback"])
async def test_tracker_counts_agents_and_graphs(gateway, passed):
    def node(state, config):
        return {"messages": [model.invoke(state["messages"], config)]}

    async def anode(state, config):
        return {"messages": [await model.ainvoke(state["messages"], config)]}

    tracker = track_usage()
    config: Any = {"callbacks": [tracker]} if passed == "callback" else {}
    question = {"messages": [("user", "Add 17 and 25.")]}
    async with build(gateway) as model:
        agent: Any = create_agent(model, [add])
        graph: Any = StateGraph(MessagesState)
        graph.add_node("one", RunnableLambda(node, anode))
        graph.add_node("two", lambda state: {"messages": [model.invoke("Hello")]})
        graph.add_edge(START, "one")
        graph.add_edge(START, "two")
        with tracker if passed == "block" else nullcontext():
            agent.invoke(question, config)
            graph.compile().invoke(question, config)
            await graph.compile().ainvoke(question, config)

    assert tracker.calls == 6
    assert_complete(tracker, gateway)


def test_tracker_counts_a_cached_answer_once(gateway):
    with track_usage(budget=1e-9) as spent, build(gateway, cache=InMemoryCache()) as model:
        model.invoke("Hello")
        model.invoke("Hello")

    assert spent.calls == 1
    assert_complete(spent, gateway)


def test_tracker_leaves_out_refused_calls(gateway):
    gateway.fail(429, times=2, headers={})
    with track_usage() as spent, build(gateway, max_retries=0) as model:
        for _ in range(2):
            with pytest.raises(SegmindError):
                model.invoke("Hello")
        model.invoke("Hello")

    assert spent.calls == 1
    assert_complete(spent, gateway)


def test_tracker_counts_lost_replies_as_unpriced(gateway):
    gateway.fail(drop="after_run", times=3)
    with track_usage() as spent, build(gateway, retry_ambiguous=True) as model:
        with pytest.raises(SegmindError):
            model.invoke("Hello")
        gateway.fail(drop="after_run", times=2)
        message = model.invoke("Hello")

    assert (spent.calls, spent.unpriced_calls) == (6, 5)
    assert spent.calls == gateway.executions
    assert message.response_metadata["ambiguous_attempts"] == 2


def test_result_of_a_job_goes_to_the_tracker_of_its_submit(gateway):
    with build(gateway) as model:
        with track_usage() as spent:
            jobs = [model.submit("Hello"), model.bind(seed=1).submit("Hello")]
        tracker = track_usage()
        jobs.append(model.submit("Hello", {"callbacks": [tracker]}))
        assert spent.unpriced_calls == 2

        for job in jobs:
            job.result()
            job.result()

    assert (spent.calls, spent.unpriced_calls) == (2, 0)
    assert (tracker.calls, tracker.unpriced_calls) == (1, 0)
    assert spent.cost + tracker.cost == spent_at(gateway)


def test_tracker_counts_a_lost_result_once_when_it_is_fetched():
    with LocalGateway() as gateway, track_usage() as spent:
        model = build(gateway, queue=True, poll_interval=0.01)
        gateway.fail(503, times=7, on="result")
        with pytest.raises(SegmindError) as lost:
            model.invoke("Hello")
        model.get_job(lost.value.request_id).result()

        assert_complete(spent, gateway)


def test_tracker_counts_a_reply_without_a_cost_as_unpriced():
    with LocalGateway(queue=Queue(metrics=False)) as gateway, build(gateway) as model:
        gateway.reply(Reply(text="Hi", headers={"x-cost": None, "x-remaining-credits": None}))
        with track_usage() as spent:
            model.invoke("Hello")

    assert (spent.calls, spent.unpriced_calls, spent.cost) == (1, 1, 0.0)


def test_trackers_of_concurrent_threads_count_apart(gateway):
    model = build(gateway)

    def serve(calls):
        with track_usage() as spent:
            for _ in range(calls):
                model.invoke("Hello")
        return spent.calls

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(serve, range(1, 6))) == [1, 2, 3, 4, 5]


# --- budgets ---------------------------------------------------------------------------------


def priced(gateway, calls):
    """Have every reply cost the same."""
    gateway.reply(*[Reply(text="Hi", usage=Usage(20, 20)) for _ in range(calls)])


def test_call_beyond_the_budget_is_not_sent(gateway):
    priced(gateway, 9)
    with track_usage(budget=2.5 * COST) as spent, build(gateway) as model:
        for _ in range(3):
            model.invoke("Hello")
        before = len(gateway.requests)
        for beyond in (model.invoke, model.submit, lambda m: list(model.stream(m))):
            with pytest.raises(SegmindBudgetExceededError):
                beyond("Hello")

        assert len(gateway.requests) == before
        assert model.get_credits().credits < 10
    assert_complete(spent, gateway)


def test_budget_ends_an_agent(gateway):
    agent: Any = create_agent(build(gateway), [add])

    with track_usage(budget=1e-9) as spent, pytest.raises(SegmindBudgetExceededError):
        agent.invoke({"messages": [("user", "Add 17 and 25.")]})

    assert spent.calls == gateway.executions == 1


@pytest.mark.parametrize("how", ["batch", "callback", "block"])
def test_threads_exceed_the_budget_only_by_the_calls_that_are_running(how):
    tracker = track_usage(budget=20 * COST)
    config: Any = {} if how == "block" else {"callbacks": [tracker]}

    def end(_):
        try:
            return model.invoke("Hello", config)
        except SegmindBudgetExceededError as error:
            return error

    with LocalGateway(latency=0.02) as gateway, build(gateway) as model:
        priced(gateway, 60)
        if how == "batch":
            config["max_concurrency"] = 10
            ends = model.batch(["Hello"] * 60, config, return_exceptions=True)
        else:
            with tracker if how == "block" else nullcontext(), ThreadPoolExecutor(10) as pool:
                ends = list(pool.map(end, range(60)))

        assert 20 <= gateway.executions < 20 + 10
        assert_refused(ends, 60 - gateway.executions)
        assert_complete(tracker, gateway)


async def test_tasks_exceed_the_budget_only_by_the_calls_that_are_running(call_style):
    with LocalGateway(latency=0.02) as gateway:
        priced(gateway, 60)
        async with build(gateway, max_connections=10) as model:
            with track_usage(budget=20 * COST) as spent:
                calls = (model.ainvoke("Hello") for _ in range(60))
                ends = await asyncio.gather(*calls, return_exceptions=True)

            assert gateway.executions >= 20
            if call_style == "direct":  # a task that waits for a connection is not running
                assert gateway.executions < 20 + 10
            assert_refused(ends, 60 - gateway.executions)
            assert_complete(spent, gateway)


def assert_refused(ends, count):
    """Assert that so many calls were refused for the budget and all others returned a message."""
    refused = [end for end in ends if isinstance(end, BaseException)]
    assert {type(error) for error in refused} <= {SegmindBudgetExceededError}
    assert len(refused) == count
