"""ChatSegmind in the places where people put a chat model, over HTTP on the local gateway."""

import asyncio
from typing import Any
from unittest.mock import Mock

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField, RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import RetryPolicy

from langchain_segmind import SegmindError, SegmindModelNotFoundError, SegmindRateLimitError
from langchain_segmind.testing import LocalGateway, Queue, Reply
from tests.integration.call_styles import build, in_both_styles, model_requests

pytestmark = in_both_styles


def body(gateway):
    """Return the body of the last request to a model."""
    return model_requests(gateway)[-1].body


# --- calls -----------------------------------------------------------------------------------


async def test_invoke_and_ainvoke_send_and_return_the_same(model, gateway):
    first = model.invoke("My name is Ada. What is my name?")
    second = await model.ainvoke("My name is Ada. What is my name?")

    assert "Ada" in first.text
    assert first.text == second.text
    assert model_requests(gateway)[0].body == model_requests(gateway)[1].body


def test_message_metadata_holds_everything_the_gateway_returned(model, gateway, call_style):
    message = model.invoke("Hello")

    metadata = message.response_metadata
    (request,) = model_requests(gateway)
    assert request.path == ("/v1/gpt-4o" if call_style == "direct" else "/v2/gpt-4o")
    assert (metadata["model_name"], metadata["model_provider"]) == ("gpt-4o", "segmind")
    assert metadata["finish_reason"] == "stop"
    assert metadata["cost"] > 0
    assert metadata["remaining_credits"] == pytest.approx(gateway.credits)
    assert metadata["request_id"]
    assert metadata["generation_time"] >= 0
    assert "headers" not in metadata
    usage = message.usage_metadata
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_message_metadata_holds_headers_when_they_are_included(gateway):
    with build(gateway, include_response_headers=True) as model:
        message = model.invoke("Hello")

    assert message.response_metadata["headers"]["content-type"] == "application/json"


def test_message_metadata_omits_what_the_gateway_does_not_return():
    silent = dict.fromkeys(("x-cost", "x-remaining-credits", "x-request-id", "x-generation-time"))
    with LocalGateway(queue=Queue(metrics=False, bare=True)) as gateway, build(gateway) as model:
        gateway.reply(Reply(body={"choices": [{"message": {"content": "hi"}}]}, headers=silent))

        message = model.invoke("Hello")

    job_ids = [{"request_id": job.id} for job in gateway.jobs]
    known = {"model_name": "gpt-4o", "model_provider": "segmind", **(job_ids or [{}])[0]}
    assert message.response_metadata == known
    assert message.usage_metadata is None


def test_request_body_holds_only_what_was_set(model, gateway):
    model.invoke("Hello")

    assert body(gateway) == {"messages": [{"role": "user", "content": "Hello"}]}


def test_call_arguments_override_the_models_settings(gateway):
    with build(gateway, temperature=0.5, seed=1, model_kwargs={"user": "ada"}) as model:
        message = model.invoke(
            "Hello", model="gpt-5.4-mini", temperature=0.1, seed=None, max_tokens=9, web_search=True
        )
        model.invoke("Hello")

    first, second = model_requests(gateway)
    sent = {name: value for name, value in first.body.items() if name != "messages"}
    assert first.slug == "gpt-5.4-mini"
    assert message.response_metadata["model_name"] == "gpt-5.4-mini"
    assert sent == {"temperature": 0.1, "max_tokens": 9, "user": "ada", "web_search": True}
    assert second.slug == "gpt-4o"
    assert second.body["temperature"] == 0.5


def test_extra_headers_are_sent_with_one_call_only(model, gateway):
    model.invoke("Hello", extra_headers={"X-Trace": "abc"})
    model.invoke("Hello")

    assert [r.headers.get("x-trace") for r in model_requests(gateway)] == ["abc", None]


def test_several_choices_share_one_usage(model):
    result = model.generate([[HumanMessage("Hello")]], n=3)

    messages = [generation.message for generation in result.generations[0]]
    assert len(messages) == 3
    assert [m.usage_metadata is not None for m in messages] == [True, False, False]


async def test_text_ends_at_the_stop_sequence_when_the_gateway_ignores_it(model, gateway):
    gateway.reply("one two three four", "one two three four")

    first = model.invoke("Count", stop=["three", "two"])
    second = await model.ainvoke("Count", stop=["three"])

    assert (first.text, second.text) == ("one ", "one two ")
    assert model_requests(gateway)[0].body["stop"] == ["three", "two"]


def test_reasoning_is_kept_apart_from_the_text(model, gateway):
    gateway.reply(Reply("42", reasoning="six times seven"))

    message = model.invoke("What is 6 * 7?")

    assert message.text == "42"
    assert message.additional_kwargs["reasoning_content"] == "six times seven"
    assert message.content_blocks[0] == {"type": "reasoning", "reasoning": "six times seven"}


# --- streams ---------------------------------------------------------------------------------


async def test_stream_yields_one_complete_chunk(model, gateway):
    chunks = list(model.stream("Hello"))
    achunks = [chunk async for chunk in model.astream("Hello")]

    for (chunk,) in (chunks, achunks):
        assert chunk.text
        assert chunk.usage_metadata["total_tokens"] > 0
        assert chunk.response_metadata["model_name"] == "gpt-4o"
        assert chunk.chunk_position == "last"
    assert all("stream" not in request.body for request in model_requests(gateway))


@pytest.mark.parametrize("stream", [True, False])
def test_stream_argument_is_never_sent(model, gateway, stream):
    model.invoke("Hello", stream=stream)

    assert "stream" not in body(gateway)


async def test_event_stream_reports_the_chunk_and_the_end(model):
    chain = ChatPromptTemplate.from_template("{x}") | model | StrOutputParser()

    events = [event async for event in chain.astream_events({"x": "Hello"}, version="v2")]

    names = [event["event"] for event in events]
    assert names.count("on_chat_model_stream") == 1
    assert names.count("on_chat_model_end") == 1


async def test_event_stream_v3_reports_text_and_usage(model):
    stream = model.stream_events("Hello", version="v3")
    astream = await model.astream_events("Hello", version="v3")

    text, atext = "".join(stream.text), "".join([part async for part in astream.text])

    assert text
    assert text == atext
    assert stream.output.usage_metadata["total_tokens"] > 0


# --- batches ---------------------------------------------------------------------------------


async def test_batch_keeps_the_order_of_its_inputs(model, gateway):
    inputs = [f"Reply with the word w{i}." for i in range(20)]

    batch = model.batch(inputs, config={"max_concurrency": 5})
    abatch = await model.abatch(inputs)

    assert [message.text for message in batch] == [message.text for message in abatch]
    assert gateway.executions == 40


# --- LangChain's own machinery ---------------------------------------------------------------


class Recorder(BaseCallbackHandler):
    def __init__(self):
        self.starts, self.tokens, self.ends, self.errors = [], [], [], []

    def on_chat_model_start(self, serialized, messages, **kwargs):
        self.starts.append((serialized, kwargs["invocation_params"]))

    def on_llm_new_token(self, token, **kwargs):
        self.tokens.append(token)

    def on_llm_end(self, response, **kwargs):
        self.ends.append(response)

    def on_llm_error(self, error, **kwargs):
        self.errors.append(error)


async def test_callbacks_receive_start_token_end_and_error(model, gateway):
    sync, aio = Recorder(), Recorder()

    model.invoke("Hello", {"callbacks": [sync]}, temperature=0.5)
    list(model.stream("Hello", {"callbacks": [sync]}))
    async for _ in model.astream("Hello", {"callbacks": [aio]}):
        pass
    gateway.fail(status=404)
    with pytest.raises(SegmindModelNotFoundError):
        await model.ainvoke("Hello", {"callbacks": [aio]})

    assert (len(sync.starts), len(sync.tokens), len(sync.ends)) == (2, 1, 2)
    assert (len(aio.starts), len(aio.tokens), len(aio.ends), len(aio.errors)) == (2, 1, 1, 1)
    _, params = sync.starts[0]
    assert params["temperature"] == 0.5
    assert params["model"] == "gpt-4o"
    assert gateway.api_key not in str(sync.starts) + str(aio.starts)


async def test_end_of_a_run_takes_tasks_only_where_there_are_handlers(model):
    started = []

    def start(loop, coroutine, **kwargs):
        started.append(coroutine.__qualname__.rpartition(".")[2])
        return asyncio.Task(coroutine, loop=loop, **kwargs)

    asyncio.get_running_loop().set_task_factory(start)
    recorder = Recorder()

    await model.ainvoke("Hello")
    tasks_without_handlers = [*started]
    await model.ainvoke("Hello", {"callbacks": [recorder]})

    assert "_agenerate_with_cache" in tasks_without_handlers
    assert "on_llm_end" not in tasks_without_handlers
    assert "on_llm_end" in started
    assert len(recorder.ends) == 1


def test_cached_answer_is_shared_only_by_models_with_the_same_settings(gateway):
    cache = InMemoryCache()

    def cached(**kwargs):
        return build(gateway, cache=cache, **kwargs)

    with cached() as one, cached(temperature=0.3) as other, cached(stop=["x"]) as third:
        first, again = one.invoke("Hello"), one.invoke("Hello")
        other.invoke("Hello")
        third.invoke("Hello")
        one.invoke("Hello", stop=["x"])

    assert first.text == again.text
    assert gateway.executions == 3  # a stop of the model and one of the call ask the same


def test_rate_limiter_is_used_before_each_call(gateway):
    limiter = Mock(spec=InMemoryRateLimiter)
    with build(gateway, rate_limiter=limiter) as model:
        model.invoke("Hello")
        list(model.stream("Hello"))

    assert limiter.acquire.call_count == 2


def test_configurable_fields_set_the_model_of_one_call(model, gateway):
    configurable = model.configurable_fields(
        model=ConfigurableField(id="model"), temperature=ConfigurableField(id="temp")
    )

    configurable.invoke("Hello", {"configurable": {"model": "gpt-5.2", "temp": 0.7}})
    configurable.invoke("Hello")

    assert [(r.slug, r.body.get("temperature")) for r in model_requests(gateway)] == [
        ("gpt-5.2", 0.7),
        ("gpt-4o", None),
    ]


# --- applications ----------------------------------------------------------------------------


async def test_graph_streams_its_messages_and_sends_its_history(model, gateway):
    def ask(state):
        return {"messages": [model.invoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    builder.add_edge("ask", END)
    graph = builder.compile(checkpointer=InMemorySaver())
    thread: RunnableConfig = {"configurable": {"thread_id": "1"}}

    graph.invoke({"messages": [HumanMessage("My name is Ada.")]}, thread)
    parts: list[Any] = [
        part
        async for part in graph.astream(
            {"messages": [HumanMessage("What is my name?")]}, thread, stream_mode="messages"
        )
    ]

    assert "What is my name?" in "".join(message.text for message, _ in parts)
    assert "My name is Ada." in str(model_requests(gateway)[-1].body)
    assert len(graph.get_state(thread).values["messages"]) == 4


@pytest.mark.parametrize("cls", SegmindError.__subclasses__())
def test_langgraphs_default_policy_retries_rate_limits_only(cls):
    would_retry = RetryPolicy().retry_on

    assert callable(would_retry)
    assert would_retry(cls("x")) is (cls is SegmindRateLimitError)
