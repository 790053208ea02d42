"""LangChain's caches of answers: what is asked again runs nothing, and costs nothing."""

import logging
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import BaseCache, InMemoryCache
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.globals import set_llm_cache
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import create_model

from langchain_segmind import SegmindError, track_usage
from langchain_segmind.testing import Call, LocalGateway, Queue, Reply
from tests.integration.call_styles import CALL_STYLES, build, model_requests
from tests.integration.samples import PNG_BASE64, Person, each_family

QUESTIONS = ["Hello", "What is 2 + 2?", "And 3 + 3?", "Thank you."]


class StoredCache(BaseCache):
    """Keeps JSON, as the caches in SQLite, Redis and others do."""

    def __init__(self):
        self.rows: dict[tuple[str, str], list[str]] = {}

    def lookup(self, prompt, llm_string):
        found = self.rows.get((prompt, llm_string))
        if found is None:
            return None
        return [loads(text, allowed_objects="core") for text in found]

    def update(self, prompt, llm_string, return_val):
        self.rows[prompt, llm_string] = [dumps(generation) for generation in return_val]

    def clear(self, **kwargs):
        self.rows.clear()


in_styles = pytest.mark.parametrize("call_style", CALL_STYLES, indirect=True)
each_cache = pytest.mark.parametrize("cache", [InMemoryCache, StoredCache])


@tool
def get_weather(city: str) -> str:
    """Return the weather in a city."""
    return f"It is sunny in {city}."


async def invoke(call, model, messages):
    return await call(model, "invoke", messages)


async def batch(call, model, messages):
    (message,) = await call(model, "batch", [messages])
    return message


async def generate(call, model, messages):
    result = await call(model, "generate", [messages])
    return result.generations[0][0].message


class Streams:
    """Collects the chunks of a stream."""

    def __init__(self, model):
        self.model = model

    def stream(self, messages):
        return list(self.model.stream(messages))

    async def astream(self, messages):
        return [chunk async for chunk in self.model.astream(messages)]


async def stream(call, model, messages):
    chunks = await call(Streams(model), "stream", messages)
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


async def converse(ask, call, model):
    messages: list[BaseMessage] = []
    for question in QUESTIONS:
        messages.append(HumanMessage(question))
        messages.append(await ask(call, model, messages))
    return [message.text for message in messages]


# --- what is asked again ---------------------------------------------------------------------


@pytest.mark.parametrize("ask", [invoke, batch, generate, stream])
@pytest.mark.usefixtures("call_style")
@in_styles
async def test_conversation_that_is_replayed_runs_nothing(ask, call, gateway):
    with build(gateway, cache=InMemoryCache()) as model:
        first = await converse(ask, call, model)
        balance = gateway.credits
        again = await converse(ask, call, model)

    assert again == first
    assert gateway.executions == len(QUESTIONS)
    assert gateway.credits == balance


@each_cache
@each_family
async def test_conversation_of_each_family_is_replayed_from_each_cache(slug, cache, call, gateway):
    with build(gateway, slug, cache=cache()) as model:
        for _ in range(2):
            await converse(invoke, call, model)

    assert gateway.executions == len(QUESTIONS)


async def test_conversation_is_replayed_from_the_global_cache(call, gateway):
    set_llm_cache(InMemoryCache())
    try:
        for _ in range(2):
            with build(gateway) as model:  # another one, as in another run of a program
                await converse(invoke, call, model)
    finally:
        set_llm_cache(None)

    assert gateway.executions == len(QUESTIONS)


async def test_answers_of_streams_and_of_calls_are_cached_as_one(call, gateway):
    with build(gateway, cache=InMemoryCache()) as model:
        first = await converse(stream, call, model)
        again = await converse(invoke, call, model)

    assert again == first
    assert gateway.executions == len(QUESTIONS)


@pytest.mark.parametrize("ask", [invoke, stream])
async def test_conversation_in_content_blocks_is_replayed_as_it_was(ask, call, gateway):
    cache = InMemoryCache()
    with build(gateway, cache=cache, output_version="v1") as model:
        first = await ask(call, model, [HumanMessage("Hello")])
        again = await ask(call, model, [HumanMessage("Hello")])
    with build(gateway, cache=cache) as model:
        plain = await ask(call, model, [HumanMessage("Hello")])

    assert again.content == first.content != plain.content
    assert again.text == plain.text


@pytest.mark.parametrize("settings", [{"streaming": True}, {"n": 2}])
async def test_cache_is_used_with_every_setting(settings, call, gateway):
    with build(gateway, cache=InMemoryCache(), **settings) as model:
        first = await call(model, "invoke", "Hello")
        again = await call(model, "invoke", "Hello")

    assert again.text == first.text
    assert gateway.executions == 1


@each_cache
@each_family
async def test_agent_that_is_replayed_runs_nothing(slug, cache, call, gateway):
    question: Any = {"messages": [HumanMessage("What is the weather in Paris?")]}
    with build(gateway, slug, cache=cache()) as model:
        agent = create_agent(model, [get_weather])
        first = await call(agent, "invoke", question)
        ran = gateway.executions
        again = await call(agent, "invoke", question)

    assert [m.text for m in again["messages"]] == [m.text for m in first["messages"]]
    assert "sunny" in again["messages"][-1].text
    assert (ran, gateway.executions) == (2, 2)


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_structured_output_is_cached(method, call, gateway):
    with build(gateway, cache=InMemoryCache()) as model:
        structured = model.with_structured_output(Person, method=method)
        first = await call(structured, "invoke", "Ada, born in 1815")
        again = await call(structured, "invoke", "Ada, born in 1815")

    assert again == first
    assert isinstance(again, Person)
    assert gateway.executions == 1


def test_schemas_of_the_same_name_do_not_share_an_answer(gateway):
    number, text = (
        create_model("Answer", value=(int, ...)),
        create_model("Answer", value=(str, ...)),
    )
    with build(gateway, cache=InMemoryCache()) as model:
        for schema in (number, text):
            model.bind(response_format=schema).invoke("7")

    assert gateway.executions == 2


def test_request_is_the_same_with_and_without_a_cache(gateway):
    gateway.reply(Call("get_weather", {"city": "Paris"}))
    picture = {"type": "image", "base64": PNG_BASE64, "mime_type": "image/png", "id": "x"}
    with build(gateway) as model, build(gateway, cache=InMemoryCache()) as cached:
        asked = [HumanMessage(["What is this?", picture], name="ada"), HumanMessage("Weather?")]
        message = model.bind_tools([get_weather]).invoke(asked)
        result = get_weather.invoke(message.tool_calls[0])
        for one in (model, cached):
            one.bind_tools([get_weather]).invoke([*asked, message, result], temperature=0.5)

    assert model_requests(gateway)[-1].body == model_requests(gateway)[-2].body


# --- what a cached answer says ---------------------------------------------------------------


@pytest.mark.parametrize("ask", [invoke, batch, generate, stream])
@pytest.mark.usefixtures("call_style")
@in_styles
async def test_cached_answer_costs_nothing_and_has_no_old_balance(ask, call, gateway):
    with (
        build(gateway, cache=StoredCache(), include_response_headers=True) as model,
        track_usage() as spent,
    ):
        first = await ask(call, model, [HumanMessage("Hello")])
        again = await ask(call, model, [HumanMessage("Hello")])

    assert first.response_metadata["cost"] == spent.cost > 0
    assert spent.calls == 1
    kept = {"model_name", "model_provider", "id", "request_id", "finish_reason"}
    known = {k: v for k, v in first.response_metadata.items() if k in kept}
    assert again.response_metadata == {**known, "cost": 0.0, "cached": True}
    assert known["request_id"]
    assert again.usage_metadata == {**first.usage_metadata, "total_cost": 0}
    assert "cached" not in first.response_metadata


async def test_cached_answer_of_unknown_usage_has_none(call):
    with LocalGateway(queue=Queue(metrics=False)) as gateway:
        gateway.reply(Reply(body={"choices": [{"message": {"content": "hi"}}]}))
        with build(gateway, cache=InMemoryCache()) as model, get_usage_metadata_callback() as usage:
            messages = [await call(model, "invoke", "Hello") for _ in range(2)]

    assert [message.usage_metadata for message in messages] == [None, None]
    assert usage.usage_metadata == {}


async def test_cached_answer_of_a_graph_does_not_replace_the_first(call, gateway):
    with build(gateway, cache=InMemoryCache()) as model:
        builder = StateGraph(MessagesState)
        builder.add_node("one", lambda _: {"messages": [model.invoke("Hello")]})
        builder.add_node("two", lambda _: {"messages": [model.invoke("Hello")]})
        builder.add_edge(START, "one")
        builder.add_edge("one", "two")
        start: Any = {"messages": []}
        state = await call(builder.compile(), "invoke", start)

    assert len(state["messages"]) == 2
    assert gateway.executions == 1


async def test_change_of_a_message_does_not_change_the_cache(call, gateway):
    gateway.reply(Call("get_weather", {"city": "Paris"}))
    with build(gateway, cache=InMemoryCache()) as model:
        bound = model.bind_tools([get_weather])
        for _ in range(3):
            message = await call(bound, "invoke", "Weather?")
            assert message.tool_calls[0]["args"] == {"city": "Paris"}
            assert message.name is None
            message.tool_calls[0]["args"]["city"] = "Rome"
            message.name = "weather_agent"

    assert gateway.executions == 1


@pytest.mark.parametrize("arguments", [{"city": "Paris"}, '{"city": "Par'])
async def test_cached_call_of_a_tool_is_streamed_as_it_was(arguments, call):
    function = {"name": "get_weather", "arguments": arguments}
    body = {"choices": [{"message": {"tool_calls": [{"id": "a", "function": function}]}}]}
    with LocalGateway() as gateway, build(gateway, cache=InMemoryCache()) as model:
        gateway.reply(Reply(body=body))
        first, again = [await stream(call, model, [HumanMessage("Weather?")]) for _ in range(2)]

    assert isinstance(again, AIMessageChunk)
    assert again.chunk_position == "last"
    assert again.tool_calls == first.tool_calls
    assert again.invalid_tool_calls == first.invalid_tool_calls
    assert len(again.tool_calls) + len(again.invalid_tool_calls) == 1
    assert gateway.executions == 1


@pytest.mark.parametrize("ask", [invoke, stream])
async def test_answer_that_cannot_be_cached_is_returned_and_logged(ask, call, gateway, caplog):
    class Full(StoredCache):
        def update(self, prompt, llm_string, return_val):
            raise OSError("disk full")

    with caplog.at_level(logging.WARNING), build(gateway, cache=Full()) as model:
        message = await ask(call, model, [HumanMessage("Hello")])

    assert message.text
    assert "could not be cached: disk full" in caplog.text


async def test_failure_is_not_cached(call, gateway):
    gateway.fail(status=400)
    with build(gateway, cache=InMemoryCache()) as model:
        with pytest.raises(SegmindError):
            await call(model, "invoke", "Hello")
        message = await call(model, "invoke", "Hello")

    assert isinstance(message, AIMessage)
    assert gateway.executions == 1


async def test_cache_that_is_switched_off_is_not_used(call, gateway):
    set_llm_cache(InMemoryCache())
    try:
        with build(gateway, cache=False) as model:
            for ask in (invoke, invoke, stream):
                await ask(call, model, [HumanMessage("Hello")])
    finally:
        set_llm_cache(None)

    assert gateway.executions == 3
