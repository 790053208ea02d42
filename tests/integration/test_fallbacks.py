"""A model behind `with_fallbacks`: a method that returns a runnable is applied to every model."""

import asyncio

import pytest
from langchain_core.tools import tool
from pydantic import BaseModel

from tests.integration.call_styles import build, model_requests
from tests.integration.samples import SLUGS

PAIRS = list(zip(SLUGS, SLUGS[1:] + SLUGS[:1], strict=True))

pytestmark = pytest.mark.parametrize(("first", "second"), PAIRS)


class City(BaseModel):
    """A city."""

    name: str


@tool
def search(query: str) -> str:
    """Search the web."""
    return f"found {query}"


@pytest.fixture
def chain(gateway, first, second):
    """A model that always fails, with another behind it."""
    gateway.fail(500, times=9, slug=first)
    with (
        build(gateway, first, max_retries=0) as failing,
        build(gateway, second, max_retries=0) as working,
    ):
        yield failing.with_fallbacks([working])


CALL = '{"say": "", "calls": [{"name": "search", "arguments": {"query": "bees"}}]}'


def test_fallbacks_bind_tools_to_every_model(gateway, chain, first, second):
    gateway.reply(CALL, CALL)
    bound = chain.bind_tools([search])

    for message in (bound.invoke("Search bees"), asyncio.run(bound.ainvoke("Search bees"))):
        assert [call["args"] for call in message.tool_calls] == [{"query": "bees"}]
        assert message.response_metadata["model_name"] == second

    assert [request.slug for request in model_requests(gateway)] == [first, second] * 2
    assert all("search" in str(request.body) for request in model_requests(gateway))


def test_fallbacks_give_every_model_the_schema(gateway, chain, first, second):
    gateway.reply('{"name": "Oslo"}', '{"name": "Oslo"}')
    structured = chain.with_structured_output(City)

    assert structured.invoke("Which city?") == City(name="Oslo")
    assert asyncio.run(structured.ainvoke("Which city?")) == City(name="Oslo")

    assert [request.slug for request in model_requests(gateway)] == [first, second] * 2
    assert all("response_format" in request.body for request in model_requests(gateway))


def test_fallbacks_have_the_methods_of_jobs(gateway, chain, first, second):
    of_second = chain.fallbacks[0]
    job = of_second.submit("Hello")

    again = chain.get_job(str(job))
    assert again.id == str(job)
    assert again.status() in {"QUEUED", "PROCESSING", "COMPLETED"}
    assert again.result().text == asyncio.run(again.aresult()).text != ""


def test_fallbacks_submit_to_the_first_model_with_its_tools(gateway, first, second):
    with build(gateway, first) as model, build(gateway, second) as other:
        chain = model.with_fallbacks([other])
        gateway.reply(CALL, CALL, CALL)
        jobs = [
            chain.submit("Search bees", tools=[search]),
            chain.bind_tools([search]).submit("Search bees"),
            asyncio.run(chain.bind_tools([search]).asubmit("Search bees")),
        ]
        calls = [job.result().tool_calls[0]["name"] for job in jobs]

    assert calls == ["search"] * 3
    assert {request.slug for request in model_requests(gateway)} == {first}


def test_fallbacks_have_the_properties_of_the_first_model(gateway, first, second):
    with build(gateway, first) as model, build(gateway, second) as other:
        chain = model.with_fallbacks([other])

        assert chain.model_name == first
        assert chain.get_num_tokens("Hello") == 2
        assert chain.get_credits().total == model.get_credits().total
        assert chain.list_models()[0].slug == asyncio.run(chain.alist_models())[0].slug
