"""How many calls of a batch run at once, and what it returns."""

import asyncio

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda

from langchain_segmind.testing import EchoModel, LocalGateway
from tests.integration.call_styles import build, model_requests

INPUTS = [f"Say w{n}." for n in range(12)]


class Running(BaseCallbackHandler):
    """Counts the calls that have begun and not ended."""

    def __init__(self):
        self.now = self.most = 0

    def on_chat_model_start(self, *args, **kwargs):
        self.now += 1
        self.most = max(self.most, self.now)

    def on_llm_end(self, *args, **kwargs):
        self.now -= 1


async def as_completed(model, inputs, config=None):
    found = {n: answer async for n, answer in model.abatch_as_completed(inputs, config)}
    return [found[n] for n in range(len(inputs))]


WAYS = {
    "abatch": lambda model, *given: model.abatch(*given),
    "abatch_as_completed": as_completed,
    "chain": lambda model, *given: (RunnableLambda(str) | model).abatch(*given),
    "binding": lambda model, *given: model.bind(temperature=0).abatch(*given),
    "configs": lambda model, inputs, config=None: model.abatch(
        inputs, [{**(config or {})} for _ in inputs]
    ),
}


def most_at_once(gateway, way, config=None, **settings):
    running = Running()
    model = build(gateway, callbacks=[running], **settings)

    answers = asyncio.run(WAYS[way](model, INPUTS, *([config] if config else [])))

    assert [answer.text for answer in answers] == [model.invoke(each).text for each in INPUTS]
    return running.most


@pytest.mark.parametrize("way", WAYS)
def test_batch_runs_as_many_calls_as_there_may_be_connections(gateway, way):
    assert most_at_once(gateway, way, max_connections=3) == 3


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("limit", [2, 5])
def test_max_concurrency_of_the_config_counts(gateway, way, limit):
    config = {"max_concurrency": limit}

    assert most_at_once(gateway, way, config, max_connections=3) == limit


def test_small_batch_runs_at_once(gateway):
    assert most_at_once(gateway, "abatch", max_connections=12) == 12


@pytest.mark.parametrize("settings", [{"queue": True}, {"queue": None, "model": "gpt-5"}])
def test_jobs_are_all_submitted_at_once(gateway, settings):
    settings = {"poll_interval": 0.01, **settings}

    assert most_at_once(gateway, "abatch", max_connections=3, **settings) == 12


def test_exceptions_are_returned_in_place(gateway):
    gateway.fail(400)
    model = build(gateway, max_connections=1)

    first, *others = asyncio.run(model.abatch(INPUTS, return_exceptions=True))

    assert isinstance(first, Exception)
    assert [bool(answer.text) for answer in others] == [True] * 11
    assert len(model_requests(gateway)) == 12


def test_empty_batch_is_empty():
    with LocalGateway(responder=EchoModel()) as gateway:
        assert asyncio.run(build(gateway).abatch([])) == []
        assert asyncio.run(as_completed(build(gateway), [])) == []
        assert gateway.requests == []
