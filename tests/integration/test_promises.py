"""The main promises, on a local gateway and, when asked for, on the live one: the same tests.

The live ones cost about a cent. They run with SEGMIND_LIVE=1 and a key in SEGMIND_API_KEY
(`make test-live`); a key alone spends nothing.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel

from langchain_segmind import (
    ChatSegmind,
    SegmindAuthenticationError,
    SegmindEmbeddings,
    SegmindModelNotFoundError,
    UsageTracker,
    track_usage,
)
from langchain_segmind.testing import LocalGateway, ScriptedModel
from tests.live.probes import CHEAPEST, OPENAI

ROOT = Path(__file__).parents[2]
BUDGET = 0.05
"""US dollars that all live tests of a run may cost."""

SCRIPT = {  # what the local gateway replies, by what it is asked or by its system text
    "What is 2 + 2?": "4",
    "The user's name is Ada.": "Ada",
    "Ada Lovelace was born": '{"name": "Ada Lovelace", "year_of_birth": 1815}',
}

FAMILIES = pytest.mark.parametrize("slug", CHEAPEST.values(), ids=CHEAPEST)


@dataclass(frozen=True)
class Place:
    """A gateway to test, and the tracker that keeps its calls within the budget."""

    address: dict[str, Any]
    spent: UsageTracker

    def model(self, slug=OPENAI, **settings):
        return ChatSegmind(model=slug, callbacks=[self.spent], **self.address, **settings)

    def embeddings(self, slug):
        return SegmindEmbeddings(model=slug, **self.address)


@pytest.fixture
def gateway():
    with LocalGateway(responder=ScriptedModel(SCRIPT)) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def budget():
    return track_usage(BUDGET)


@pytest.fixture(params=["local", pytest.param("live", marks=pytest.mark.live)])
def place(request, budget):
    if request.param == "local":
        with LocalGateway(responder=ScriptedModel(SCRIPT)) as gateway:
            address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
            yield Place(address, track_usage())
        return
    if os.environ.get("SEGMIND_LIVE") != "1":
        pytest.skip("live calls cost money; `make test-live` asks for them")
    if not os.environ.get("SEGMIND_API_KEY", "").strip():
        pytest.skip("SEGMIND_API_KEY is not set")
    yield Place({"max_retries": 5}, budget)  # free plans have low rate limits


@FAMILIES
def test_answer_has_text_usage_and_cost(place, slug):
    with place.model(slug) as model:
        message = model.invoke("What is 2 + 2? Answer with the number only.")

    assert "4" in message.text
    assert message.response_metadata["model_name"] == slug
    assert message.response_metadata["finish_reason"] == "stop"
    used = message.usage_metadata
    assert used["total_tokens"] == used["input_tokens"] + used["output_tokens"]
    assert used["input_tokens"] > 0 < used["output_tokens"]
    assert message.response_metadata["cost"] > 0
    assert message.response_metadata["request_id"]


@FAMILIES
async def test_system_message_and_history_are_used(place, slug):
    history = [
        SystemMessage("The user's name is Ada."),
        HumanMessage("Hello!"),
        ("ai", "Hello."),
        HumanMessage("What is my name?"),
    ]
    async with place.model(slug) as model:
        message = await model.ainvoke(history)

    assert "Ada" in message.text


def test_stream_has_the_whole_answer_and_its_usage(place):
    with place.model() as model:
        chunks = list(model.stream("What is 2 + 2? Answer with the number only."))

    assert "4" in "".join(chunk.text for chunk in chunks)
    assert sum(bool(chunk.usage_metadata) for chunk in chunks) == 1


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


@FAMILIES
def test_tool_is_called_and_its_result_is_used(place, slug):
    question = HumanMessage("Multiply 17 and 23 with the tool.")
    with place.model(slug) as model:
        tools = model.bind_tools([multiply])
        asked = tools.invoke([question])
        (call,) = asked.tool_calls
        result = ToolMessage("391", tool_call_id=call["id"])
        answer = tools.invoke([question, asked, result])

    assert (call["name"], call["args"]) == ("multiply", {"a": 17, "b": 23})
    assert "391" in answer.text


class Person(BaseModel):
    name: str
    year_of_birth: int


@FAMILIES
def test_structured_output_returns_objects_of_the_schema(place, slug):
    with place.model(slug) as model:
        person = model.with_structured_output(Person).invoke("Ada Lovelace was born in 1815.")

    assert person == Person(name="Ada Lovelace", year_of_birth=1815)


def test_job_is_billed_once_and_collected_many_times(place):
    with place.model() as model:
        job = model.submit("What is 2 + 2? Answer with the number only.")
        first = job.result()
        after = model.get_credits().total
        again = model.get_job(str(job)).result()

        assert "4" in first.text
        assert again.text == first.text
        assert job.status() == "COMPLETED"
        assert model.get_credits().total == after


@pytest.mark.parametrize("slug", ["text-embedding-3-small", "gemini-embedding-001"])
def test_vectors_of_similar_texts_are_similar(place, slug):
    texts = ["Bees make honey.", "The lighthouse is 100 metres tall."]
    with place.spent, place.embeddings(slug) as embeddings:
        bees, tower = embeddings.embed_documents(texts)
        asked = embeddings.embed_query("Who makes honey?")

    assert len(bees) == len(tower) == len(asked) >= 768
    assert similarity(asked, bees) > similarity(asked, tower)


def similarity(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_spending_is_counted(place):
    before = place.spent.total
    with place.model() as model:
        model.invoke("Say hello.")

    assert place.spent.calls == before.calls + 1
    assert place.spent.cost > before.cost
    assert place.spent.unpriced_calls == before.unpriced_calls


def test_list_models_has_the_models_that_are_tested(place):
    with place.model() as model:
        listed = {entry.slug for entry in model.list_models() if not entry.is_deprecated}

    assert listed >= {*CHEAPEST.values()}


def test_wrong_key_raises_an_unbilled_error(place):
    with ChatSegmind(model=OPENAI, **{**place.address, "api_key": "SG_wrong"}) as model:
        for ask in (model.get_credits, lambda: model.invoke("Hello")):
            with pytest.raises(SegmindAuthenticationError) as caught:
                ask()
            assert caught.value.billed is False


def test_unknown_slug_raises_an_unbilled_error(place):
    with place.model("no-such-model") as model, pytest.raises(SegmindModelNotFoundError) as caught:
        model.invoke("Hello")

    assert caught.value.billed is False


# --- money is spent only when asked for -------------------------------------------------------


def run_again(gateway, **environment):
    """Run the live tests of this file in a process of their own; a local gateway is live here."""
    variables = {"PATH": "", "SEGMIND_API_BASE": gateway.base_url, **environment}
    command = [sys.executable, "-m", "pytest", "-m", "live", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(
        command, env=variables, cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout


def test_key_alone_spends_nothing(gateway):
    printed = run_again(gateway, SEGMIND_API_KEY=gateway.api_key)

    assert "passed" not in printed
    assert "live calls cost money" in printed
    assert gateway.requests == []


def test_live_tests_are_skipped_without_a_key(gateway):
    printed = run_again(gateway, SEGMIND_LIVE="1")

    assert "passed" not in printed
    assert "SEGMIND_API_KEY is not set" in printed
    assert gateway.requests == []


def test_live_tests_run_when_asked_for_and_keep_to_the_budget(gateway):
    printed = run_again(gateway, SEGMIND_LIVE="1", SEGMIND_API_KEY=gateway.api_key)

    assert "skipped" not in printed
    assert "failed" not in printed, printed
    assert gateway.executions > 20
    assert 10 - gateway.credits < BUDGET
