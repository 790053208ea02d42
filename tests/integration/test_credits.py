"""What calls cost, held against the gateway's own books."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.output_parsers import StrOutputParser
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
"""Dollars that each answer below costs: 20 tokens in at 1 and 20 out at 4 millionths."""


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def spent_at(gateway, first=10.0):
    return pytest.approx(first - gateway.credits, abs=1e-12)


def in_books(tracker, gateway):
    """Whether a tracker's totals are the gateway's own."""
    assert tracker.cost == spent_at(gateway)
    assert tracker.calls == gateway.executions
    assert tracker.unpriced_calls == 0
    assert tracker.credit_balance == pytest.approx(gateway.credits)


# --- the balance -----------------------------------------------------------------------------


async def test_the_balance_is_read_free_of_charge():
    with LocalGateway(credits=3.5) as gateway:
        async with build(gateway) as model:
            assert model.get_credits() == CreditBalance(3.5, 0.0)
            assert (await model.aget_credits()).total == 3.5

        assert gateway.executions == 0


def test_a_wrong_key_is_told_by_it(gateway):
    model = ChatSegmind(model="gpt-4o", base_url=gateway.base_url, api_key="wrong-key")

    with pytest.raises(SegmindAuthenticationError):
        model.get_credits()


# --- totals ----------------------------------------------------------------------------------


async def test_every_kind_of_call_is_counted(gateway):
    async with build(gateway) as model:
        chain = model | StrOutputParser()
        with track_usage() as spent:
            model.invoke("Hello")
            list(model.stream("Hello"))
            model.batch(["a", "b", "c"])
            chain.invoke("Hello")
            list(chain.stream("Hello"))
            await model.ainvoke("Hello")
            await model.abatch(["a", "b", "c"])
            [chunk async for chunk in chain.astream("Hello")]
            model.submit("Hello").result()
            build(gateway, streaming=True).invoke("Hello")

        in_books(spent, gateway)
        assert spent.calls == 14
        counted = spent.by_model["gpt-4o"]
        assert (counted.calls, counted.cost) == (14, spent.cost)
        assert spent.input_tokens > 0 < spent.output_tokens


async def test_a_handler_counts_every_kind_of_call_that_it_is_passed_to(gateway):
    tracker = track_usage()
    config: Any = {"callbacks": [tracker]}
    async with build(gateway) as model:
        chain = model | StrOutputParser()
        model.invoke("Hello", config)
        list(model.stream("Hello", config))
        model.batch(["a", "b"], config)
        list(chain.stream("Hello", config))
        await model.ainvoke("Hello", config)
        [chunk async for chunk in model.astream("Hello", config)]
        [chunk async for chunk in chain.astream("Hello", config)]
        build(gateway, callbacks=[tracker]).invoke("Hello")
        build(gateway, streaming=True).invoke("Hello", config)
        model.submit("Hello", config).result(config)

        in_books(tracker, gateway)
        assert tracker.calls == 11
        model.invoke("Hello")
        assert tracker.calls == 11


def test_models_are_counted_apart(gateway):
    with track_usage() as spent, build(gateway) as model:
        model.invoke("Hello")
        model.invoke("Hello", model="claude-4.5-sonnet")
        model.invoke("Hello", model="claude-4.5-sonnet")

    by_model = {slug: s.calls for slug, s in spent.by_model.items()}
    assert by_model == {"gpt-4o": 1, "claude-4.5-sonnet": 2}
    in_books(spent, gateway)


@pytest.mark.parametrize("style", ["context", "handler"])
def test_agents_and_graphs_are_counted(gateway, style):
    model = build(gateway)
    agent: Any = create_agent(model, [add])
    graph: Any = StateGraph(MessagesState)
    graph.add_node("one", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("two", lambda state: {"messages": [model.invoke("Hello")]})
    graph.add_edge(START, "one")
    graph.add_edge(START, "two")
    question = {"messages": [("user", "Add 17 and 25.")]}
    tracker = track_usage()
    config = {"callbacks": [tracker]} if style == "handler" else {}

    with tracker if style == "context" else track_usage():
        agent.invoke(question, config)
        graph.compile().invoke(question, config)

    assert tracker.calls == 4
    in_books(tracker, gateway)


async def test_async_graphs_are_counted(gateway):
    async with build(gateway) as model:

        async def node(state, config):
            return {"messages": [await model.ainvoke(state["messages"], config)]}

        graph: Any = StateGraph(MessagesState)
        graph.add_node("one", node)
        graph.add_edge(START, "one")
        tracker = track_usage()
        with track_usage() as spent:
            await graph.compile().ainvoke(
                {"messages": [("user", "Hello")]}, {"callbacks": [tracker]}
            )

    in_books(spent, gateway)
    in_books(tracker, gateway)


def test_cached_answers_are_not_counted_twice(gateway):
    with track_usage(budget=1e-9) as spent, build(gateway, cache=InMemoryCache()) as model:
        model.invoke("Hello")
        model.invoke("Hello")

    assert spent.calls == 1
    in_books(spent, gateway)


def test_refused_calls_cost_nothing(gateway):
    gateway.fail(429, times=2, headers={})
    with track_usage() as spent, build(gateway, max_retries=0) as model:
        for _ in range(2):
            with pytest.raises(SegmindError):
                model.invoke("Hello")
        model.invoke("Hello")

    assert spent.calls == 1
    in_books(spent, gateway)


def test_answers_that_were_lost_are_counted_as_unknown(gateway):
    gateway.fail(drop="after_run", times=3)
    with track_usage() as spent, build(gateway, retry_ambiguous=True) as model:
        with pytest.raises(SegmindError):
            model.invoke("Hello")
        gateway.fail(drop="after_run", times=2)
        message = model.invoke("Hello")

    assert (spent.calls, spent.unpriced_calls) == (6, 5)
    assert spent.calls == gateway.executions
    assert message.response_metadata["ambiguous_attempts"] == 2


def test_a_job_is_booked_by_who_counted_its_submit(gateway):
    with build(gateway) as model:
        with track_usage() as spent:
            jobs = [model.submit("Hello"), model.bind(seed=1).submit("Hello")]
        tracker = track_usage()
        jobs.append(model.submit("Hello", {"callbacks": [tracker]}))
        assert spent.unpriced_calls == 2

        for job in jobs:
            job.result()
            job.result()

    assert (spent.calls, spent.unpriced_calls, tracker.calls, tracker.unpriced_calls) == (
        2,
        0,
        1,
        0,
    )
    assert spent.cost + tracker.cost == spent_at(gateway)


def test_a_result_that_is_fetched_after_all_is_in_the_books():
    with LocalGateway() as gateway, build(gateway, queue=True) as model, track_usage() as spent:
        gateway.fail(503, times=7, on="result")
        with pytest.raises(SegmindError) as lost:
            model.invoke("Hello")
        model.get_job(lost.value.request_id).result()

        in_books(spent, gateway)


def test_costs_that_are_not_told_are_unknown():
    with LocalGateway(queue=Queue(metrics=False)) as gateway, build(gateway) as model:
        gateway.reply(Reply(text="Hi", headers={"x-cost": None, "x-remaining-credits": None}))
        with track_usage() as spent:
            model.invoke("Hello")

    assert (spent.calls, spent.unpriced_calls, spent.cost) == (1, 1, 0.0)


def test_two_requests_of_a_server_have_books_of_their_own(gateway):
    model, counted = build(gateway), {}

    def serve(name, calls):
        with track_usage() as spent:
            for _ in range(calls):
                model.invoke("Hello")
        counted[name] = spent.calls

    threads = [threading.Thread(target=serve, args=(n, n)) for n in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counted == {n: n for n in range(1, 6)}


# --- budgets ---------------------------------------------------------------------------------


def priced(gateway, calls):
    """Have every answer cost the same."""
    gateway.reply(*[Reply(text="Hi", usage=Usage(20, 20)) for _ in range(calls)])


def test_a_call_beyond_the_budget_is_not_sent(gateway):
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
    in_books(spent, gateway)


def test_a_budget_holds_inside_an_agent(gateway):
    agent: Any = create_agent(build(gateway), [add])

    with track_usage(budget=1e-9) as spent, pytest.raises(SegmindBudgetExceededError):
        agent.invoke({"messages": [("user", "Add 17 and 25.")]})

    assert spent.calls == gateway.executions == 1


@pytest.mark.parametrize("threads", ["langchain", "plain", "in a block"])
def test_twenty_threads_overspend_by_no_more_than_the_calls_under_way(threads):
    with LocalGateway(latency=0.02) as gateway, build(gateway) as model:
        priced(gateway, 300)
        tracker = track_usage(budget=50 * COST)
        config: Any = {"callbacks": [tracker]}
        if threads == "langchain":
            config = {**config, "max_concurrency": 20}
            ends = model.batch(["Hello"] * 200, config, return_exceptions=True)
        else:
            if threads == "in a block":
                config = {}
            with (
                tracker if threads == "in a block" else nullcontext(),
                ThreadPoolExecutor(20) as pool,
            ):
                ends = list(pool.map(lambda _: end_of(model, config), range(200)))

        refused = [end for end in ends if isinstance(end, SegmindBudgetExceededError)]
        assert 50 <= gateway.executions < 50 + 20
        assert len(refused) == 200 - gateway.executions
        in_books(tracker, gateway)


def end_of(model, config):
    try:
        return model.invoke("Hello", config)
    except SegmindBudgetExceededError as error:
        return error


async def test_two_hundred_tasks_overspend_by_no_more_than_the_calls_under_way():
    with LocalGateway(latency=0.02) as gateway:
        priced(gateway, 300)
        async with build(gateway, max_connections=10) as model:
            with track_usage(budget=50 * COST) as spent:
                ends = await asyncio.gather(
                    *(model.ainvoke("Hello") for _ in range(200)), return_exceptions=True
                )

            refused = [end for end in ends if isinstance(end, SegmindBudgetExceededError)]
            assert all(not isinstance(end, BaseException) or end in refused for end in ends)
            assert gateway.executions >= 50
            assert len(refused) == 200 - gateway.executions
            in_books(spent, gateway)


async def test_tasks_that_wait_for_a_connection_are_not_under_way():
    with LocalGateway(latency=0.02) as gateway:
        priced(gateway, 300)
        async with build(gateway, max_connections=10, queue=False) as model:
            with track_usage(budget=50 * COST):
                await asyncio.gather(
                    *(model.ainvoke("Hello") for _ in range(200)), return_exceptions=True
                )

        assert 50 <= gateway.executions < 50 + 10
