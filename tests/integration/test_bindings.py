"""What is bound stays bound: tools, choices and settings, whatever is bound after them."""

import pytest
from langchain_core.exceptions import OutputParserException
from pydantic import BaseModel

from langchain_segmind import ChatSegmind
from langchain_segmind.testing import Call, LocalGateway, Reply


class City(BaseModel):
    """A city."""

    name: str
    people: int = 0


def search(q: str) -> str:
    """Search the web."""
    return q


def count(n: int) -> int:
    """Count."""
    return n


TOOL_AS_SCHEMA = {
    "type": "function",
    "function": {
        "name": "City",
        "description": "A city.",
        "parameters": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
        },
    },
}


@pytest.fixture(params=["gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"])
def model(request, gateway):
    return ChatSegmind(model=request.param, base_url=gateway.base_url, api_key=gateway.api_key)


@pytest.fixture
def gateway():
    with LocalGateway() as gateway:
        yield gateway


def test_bound_tools_are_offered_beside_a_schema(model, gateway):
    chain = model.bind_tools([search]).with_structured_output(City)

    gateway.reply(Reply(calls=[Call("search", {"q": "Oslo"})]))
    assert chain.invoke("q") is None
    assert "Search the web." in str(gateway.requests[-1].body)
    assert chain.invoke("q").__class__ is City


def test_call_of_a_tool_is_not_a_parsing_error(model, gateway):
    chain = model.with_structured_output(City, tools=[search], include_raw=True)
    gateway.reply(Reply(calls=[Call("search", {"q": "Oslo"})]))

    found = chain.invoke("q")

    assert (found["parsed"], found["parsing_error"]) == (None, None)
    assert found["raw"].tool_calls[0]["args"] == {"q": "Oslo"}


@pytest.mark.parametrize("order", ["settings first", "tools first"])
def test_settings_and_tools_are_kept_in_any_order(model, gateway, order):
    settings = {"temperature": 0.5, "tool_choice": "any"}
    if order == "settings first":
        bound = model.bind(**settings).bind_tools([search])
    else:
        bound = model.bind_tools([search]).bind(**settings)

    message = bound.with_config(tags=["t"]).invoke("Search for Oslo.")

    assert message.tool_calls
    assert gateway.requests[-1].body["temperature"] == 0.5


def test_function_calling_refuses_bound_tools_that_it_could_not_call(model):
    with pytest.raises(ValueError, match="json_schema"):
        model.bind_tools([search]).with_structured_output(City, method="function_calling")


def test_openais_tool_is_a_schema(model, gateway):
    found = model.with_structured_output(TOOL_AS_SCHEMA).invoke("q")

    assert set(found) == {"name"}


def test_call_that_does_not_fit_is_a_parsers_error(model, gateway):
    gateway.reply(Reply(calls=[Call("City", {"people": "many"})]))

    with pytest.raises(OutputParserException):
        model.with_structured_output(City, method="function_calling").invoke("q")


def test_fallbacks_keep_what_is_bound(model, gateway):
    gateway.fail(status=400)
    chain = model.with_fallbacks([model]).bind_tools([search], tool_choice="any")

    assert chain.invoke("Search for Oslo.").tool_calls
