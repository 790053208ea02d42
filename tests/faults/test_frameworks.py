"""Retries of LangChain and LangGraph around a model never pay for it twice."""

from typing import TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy

from langchain_segmind import SegmindError, SegmindRateLimitError
from tests.faults.catalog import CATALOG
from tests.faults.catalog.scenario import BUSY, Scenario
from tests.faults.checks import both_drivers, build, call
from tests.faults.server import FaultServer, answer, reply


def _perhaps_billed():
    """One scenario of each class and outcome after which the model may have run."""
    found: dict[object, Scenario] = {}
    for scenario in CATALOG:
        lost = scenario.outcome in ("unknown", "executed")
        opted_in = "retry_ambiguous" in scenario.settings
        if lost and not opted_in and scenario.place is None and scenario.calls == 1:
            found.setdefault((scenario.error, scenario.outcome), scenario)
    return list(found.values())


PERHAPS_BILLED = _perhaps_billed()


def agent(model):
    """An agent whose middleware repeats failed calls of the model."""
    retry = ModelRetryMiddleware(max_retries=3, initial_delay=0.01, on_failure="error")
    return create_agent(model, [], middleware=[retry]), {"messages": [("user", "hi")]}


class State(TypedDict):
    text: str


def graph(model):
    """A graph whose node repeats what fails, by LangGraph's default rule."""

    def node(state):
        return {"text": model.invoke("hi").text}

    async def anode(state):
        return {"text": (await model.ainvoke("hi")).text}

    builder = StateGraph(State)
    policy = RetryPolicy(initial_interval=0.01, max_interval=0.01, max_attempts=4)

    builder.add_node("ask", RunnableLambda(node, anode), retry_policy=policy)
    builder.add_edge(START, "ask")
    return builder.compile(), {"text": ""}


def with_retry(model):
    """`with_retry` as in the documentation."""
    return model.with_retry(retry_if_exception_type=(SegmindRateLimitError,)), "hi"


WRAPPERS = {"agent": agent, "graph": graph, "with_retry": with_retry}


def run(wrapper, driver, model):
    runnable, given = WRAPPERS[wrapper](model)
    return call(driver, model, given, runnable=runnable)


@both_drivers
@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("scenario", PERHAPS_BILLED, ids=lambda scenario: scenario.name)
def test_call_that_may_have_run_is_not_repeated(scenario, wrapper, driver):
    with scenario.at() as place, pytest.raises(SegmindError) as caught:
        run(wrapper, driver, build(place.url, **scenario.settings))

    assert type(caught.value) is scenario.error
    assert place.gateway.requests["m"] == scenario.requests
    assert place.gateway.executions["m"] == scenario.runs


def test_table_has_every_class_of_a_call_that_may_have_run():
    assert len({scenario.error for scenario in PERHAPS_BILLED}) >= 8
    assert {scenario.outcome for scenario in PERHAPS_BILLED} == {"unknown", "executed"}


@both_drivers
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_rate_limited_call_is_repeated(wrapper, driver):
    limited = reply(429, BUSY, {"Retry-After": "3600"})
    with FaultServer({"m": [limited, answer()]}) as server:
        run(wrapper, driver, build(server.url))

    assert (server.requests["m"], server.executions["m"]) == (2, 1)
