"""What is bound stays bound: tools, choices and settings, whatever is bound after them."""

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.runnables import ConfigurableField
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
    address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    return ChatSegmind(model=request.param, queue=False, **address)


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


def test_parallel_calls_stay_turned_off_for_new_tools(model, gateway):
    model.bind_tools([search], parallel_tool_calls=False).invoke("q")
    model.bind(parallel_tool_calls=False).bind_tools([search]).invoke("q")
    model.bind_tools([count], parallel_tool_calls=False).bind_tools([search]).invoke("q")

    first, *others = [request.body for request in gateway.requests]
    assert others == [first, first]


def test_job_has_the_tools_and_fields_of_its_binding(model, gateway):
    most = ConfigurableField(id="most")
    bound = model.configurable_fields(max_tokens=most).bind_tools([search], tool_choice="any")

    job = bound.submit("Search for Oslo.", {"configurable": {"most": 77}})

    assert job.result().tool_calls
    assert "': 77" in str(gateway.requests[0].body)


async def test_jobs_of_a_model_with_retries_are_an_error_before_anything_is_sent(model, gateway):
    for chain in (model.with_retry(), model.bind_tools([search]).with_retry()):
        with pytest.raises(ValueError, match="with_retry"):
            chain.submit("Hello")
        with pytest.raises(ValueError, match="with_retry"):
            await chain.asubmit("Hello")

    assert gateway.requests == []


async def test_async_listeners_stay_when_tools_are_bound(model):
    started = []

    async def note(run, config):
        started.append(run)

    chain = model.with_alisteners(on_start=note).bind_tools([search])
    await chain.ainvoke("Hello")

    assert len(started) == 1


def test_alternative_that_is_built_later_has_the_tools_too(model, gateway):
    which = ConfigurableField(id="which")
    chain = model.configurable_alternatives(which, other=lambda: model.bind(temperature=0.5))

    bound = chain.bind_tools([search], tool_choice="any")
    message = bound.invoke("Search for Oslo.", {"configurable": {"which": "other"}})

    assert message.tool_calls
    assert "'temperature': 0.5" in str(gateway.requests[-1].body)
