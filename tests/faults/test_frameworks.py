"""Retries of LangChain and LangGraph around ours never pay for a model twice."""

import asyncio
from typing import TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy

from langchain_segmind import ChatSegmind, SegmindError, SegmindRateLimitError
from tests.faults.catalogue import CATALOGUE
from tests.faults.catalogue.scenario import Scenario
from tests.faults.catalogue.words import BUSY
from tests.faults.checks import DRIVERS, KEY
from tests.faults.server import FaultServer, answer, reply


def _paid_or_perhaps():
    """One scenario of each group, class and outcome after which the model may have run."""
    found: dict[object, Scenario] = {}
    for scenario in CATALOGUE:
        lost = scenario.outcome in ("unknown", "executed")
        opted_in = "retry_ambiguous" in scenario.settings
        if lost and not opted_in and scenario.place is None and scenario.calls == 1:
            found.setdefault((scenario.group, scenario.error, scenario.outcome), scenario)
    return list(found.values())


PAID = _paid_or_perhaps()


def build(url, **settings):
    return ChatSegmind(**{"model": "m", "api_key": KEY, "base_url": url, "timeout": 10, **settings})


def agent(model):
    """An agent whose middleware repeats failed calls of the model."""
    retry = ModelRetryMiddleware(max_retries=3, initial_delay=0.01, on_failure="error")
    return create_agent(model, [], middleware=[retry]), {"messages": [("user", "hi")]}


class State(TypedDict):
    said: str


def graph(model):
    """A graph whose node repeats what fails, by LangGraph's default rule."""

    def node(state):
        return {"said": model.invoke("hi").text}

    async def anode(state):
        return {"said": (await model.ainvoke("hi")).text}

    builder = StateGraph(State)
    policy = RetryPolicy(initial_interval=0.01, max_interval=0.01, max_attempts=4)

    builder.add_node("ask", RunnableLambda(node, anode), retry_policy=policy)
    builder.add_edge(START, "ask")
    return builder.compile(), {"said": ""}


def recipe(model):
    """`with_retry` as the documentation has it."""
    return model.with_retry(retry_if_exception_type=(SegmindRateLimitError,)), "hi"


AROUND = {"agent": agent, "graph": graph, "with_retry": recipe}


def run(around, driver, model):
    runnable, given = AROUND[around](model)

    async def play():
        async with model:
            return await runnable.ainvoke(given)

    if driver == "async":
        return asyncio.run(play())
    with model:
        return runnable.invoke(given)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("scenario", PAID, ids=lambda scenario: scenario.name)
def test_what_may_have_run_is_not_run_again(scenario, around, driver):
    with scenario.at() as place:
        model = build(place.url, **scenario.settings)
        with pytest.raises(SegmindError) as caught:
            run(around, driver, model)

    assert type(caught.value) is scenario.error
    assert place.gateway.requests["m"] == scenario.requests
    assert place.gateway.executions["m"] == scenario.runs


def test_the_table_has_every_class_that_may_have_run():
    assert len({scenario.error for scenario in PAID}) >= 8
    assert {scenario.outcome for scenario in PAID} == {"unknown", "executed"}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("around", AROUND)
def test_what_was_refused_for_its_rate_is_asked_again(around, driver):
    limited = reply(429, BUSY, {"Retry-After": "3600"})
    with FaultServer({"m": [limited, answer()]}) as server:
        run(around, driver, build(server.url))

    assert server.requests["m"] == 2
    assert server.executions["m"] == 1
