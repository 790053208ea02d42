"""A real model behind the local gateway: what holds whatever the model knows.

make test-llm SERVER=http://localhost:11434/v1 MODEL=qwen2.5:1.5b
"""

import os
from collections.abc import Iterator

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware
from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import BaseModel

from langchain_segmind import ChatSegmind
from langchain_segmind.testing import LocalGateway, OpenAICompatibleModel
from tests.llm.server import problem

SERVER, MODEL = os.environ.get("SERVER", ""), os.environ.get("MODEL", "")

pytestmark = pytest.mark.llm


@pytest.fixture(scope="module")
def gateway() -> Iterator[LocalGateway]:
    if not SERVER:
        pytest.skip("SERVER names no OpenAI-compatible server: see make test-llm")
    assert problem(SERVER, MODEL) is None
    key = os.environ.get("UPSTREAM_API_KEY")
    with LocalGateway(responder=OpenAICompatibleModel(SERVER, MODEL, api_key=key)) as running:
        yield running


@pytest.fixture(params=["gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"])
def model(request: pytest.FixtureRequest, gateway: LocalGateway) -> Iterator[ChatSegmind]:
    address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    with ChatSegmind(model=request.param, **address, temperature=0, timeout=300) as built:
        yield built


def multiply(a: int, b: int) -> int:
    """Multiply two whole numbers."""
    return a * b


class Person(BaseModel):
    """A person."""

    name: str
    year_of_birth: int


def test_question_is_answered_from_its_context(model: ChatSegmind) -> None:
    context = "The lighthouse stood on the island of Pharos. It was about 100 metres tall."
    answer = model.invoke(
        [SystemMessage(f"Context: {context}"), HumanMessage("How tall was the lighthouse?")]
    )

    assert "100" in answer.text
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["input_tokens"] > 0


def test_max_tokens_cuts_an_answer(model: ChatSegmind) -> None:
    short = model.invoke("Count from one to a hundred.", max_tokens=3)

    assert short.response_metadata["finish_reason"] == "length"


def test_structured_output_has_the_schema(model: ChatSegmind) -> None:
    person = model.with_structured_output(Person).invoke("Ada Lovelace was born in 1815.")

    assert isinstance(person, Person)


def test_forced_tool_call_fits_its_schema(model: ChatSegmind) -> None:
    answer = model.bind_tools([multiply], tool_choice="any").invoke("Multiply 17 and 23, please.")

    assert answer.invalid_tool_calls == []
    for call in answer.tool_calls:
        assert call["name"] == "multiply"
        assert {name: type(value) for name, value in call["args"].items()} == {"a": int, "b": int}
    assert answer.tool_calls


def test_agent_ends_with_an_answer(model: ChatSegmind) -> None:
    limit = ModelCallLimitMiddleware(run_limit=4, exit_behavior="end")
    agent = create_agent(model, [multiply], middleware=[limit])

    state = agent.invoke({"messages": [HumanMessage("Use multiply with a=17 and b=23.")]})

    assert state["messages"][-1].text
