"""ChatSegmind in the places where people put a chat model, over HTTP on the local gateway."""

import asyncio
from functools import reduce
from operator import or_
from typing import Annotated, Any, TypedDict
from unittest.mock import Mock

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField, RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import RetryPolicy
from pydantic import BaseModel

from langchain_segmind import SegmindError, SegmindModelNotFoundError, SegmindRateLimitError
from langchain_segmind.testing import Call, LocalGateway, Queue, Reply
from tests.integration.call_styles import build, in_both_styles, model_requests
from tests.integration.samples import ADA, ADA_JSON, BORN, Person, each_family

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


# --- structured output -----------------------------------------------------------------------


class Born(TypedDict):
    """A person."""

    name: Annotated[str, ..., "Full name"]
    year: Annotated[int, ..., "Year of birth"]


@pytest.mark.parametrize(
    "schema",
    [Born, Person.model_json_schema(), {"name": "born", "schema": Person.model_json_schema()}],
)
def test_structured_output_is_a_dictionary_unless_the_schema_is_a_model(model, gateway, schema):
    gateway.reply(ADA_JSON)

    assert model.with_structured_output(schema).invoke(BORN) == ADA.model_dump()


@pytest.mark.parametrize(
    ("method", "reply"),
    [("json_schema", ADA_JSON), ("function_calling", Call("Person", ADA.model_dump()))],
)
def test_structured_output_takes_settings_of_a_call(model, gateway, method, reply):
    gateway.reply(reply)
    settings = {"model": "gpt-5.1", "temperature": 0.5}

    assert model.with_structured_output(Person, method=method, **settings).invoke(BORN) == ADA
    assert model_requests(gateway)[-1].slug == "gpt-5.1"
    assert body(gateway)["temperature"] == 0.5


NULLABLE = [{"type": "string"}, {"type": "null"}]


class Node(BaseModel):
    """A tree."""

    name: str
    kids: list["Node"] = []


@pytest.mark.parametrize(
    ("schema", "part"),
    [
        ({"title": "names", "type": "array", "items": {"type": "string"}}, {"type": "array"}),
        ({"anyOf": NULLABLE}, {"anyOf": NULLABLE}),
        ({"type": "object"}, {"type": "object"}),
        (Node, {"$ref": "#/$defs/Node"}),
    ],
)
def test_every_part_of_a_schema_is_sent(model, gateway, schema, part):
    model.with_structured_output(schema, include_raw=True).invoke(BORN)

    sent = body(gateway)["response_format"]["json_schema"]["schema"]
    assert part.items() <= sent.items()
    if schema is Node:
        assert sent["$defs"]["Node"]["properties"]["kids"]["items"] == {"$ref": "#/$defs/Node"}


@pytest.mark.parametrize("strict", [None, True, False])
def test_strict_is_sent_when_it_is_set(model, gateway, strict):
    model.with_structured_output(Person, strict=strict).invoke(BORN)

    form = body(gateway)["response_format"]
    sent = form["json_schema"]
    assert (form["type"], sent["name"]) == ("json_schema", "Person")
    assert ("strict" in sent) is (strict is not None)
    assert sent.get("strict") is strict
    if strict:
        assert sent["schema"]["additionalProperties"] is False
        assert sent["schema"]["required"] == ["name", "year"]


def test_json_mode_sends_json_object_and_the_word_json(model, gateway):
    gateway.reply('{"name": "Ada", "year": 1815}')

    person = model.with_structured_output(Person, method="json_mode").invoke("Who was first?")

    assert person == Person(name="Ada", year=1815)
    assert body(gateway)["response_format"] == {"type": "json_object"}
    assert "JSON" in str(body(gateway)["messages"])


DEEP = {"lists": "[" * 3000 + "]" * 3000, "objects": '{"a":' * 3000 + "1" + "}" * 3000}
MISFITS = {
    "json_schema": {
        **DEEP,
        "prose": "I would rather not.",
        "type": '{"name": [], "year": 1}',
        "nothing": "{}",
        "digits": "9" * 5000,
    },
    "json_mode": {**DEEP, "infinite": '{"name": "Ada", "year": 1e999}', "list": "[]"},
    "function_calling": {
        name: '{"say": "", "calls": [{"name": "Person", "arguments": ' + arguments + "}]}"
        for name, arguments in {
            "type": '{"name": "Ada", "year": "x"}',
            "nothing": "{}",
            "infinite": '{"name": "Ada", "year": 1e999}',
            "deep": f'{{"name": {DEEP["objects"]}, "year": 1}}',
            "rather deep": f'{{"name": {"[" * 200 + "]" * 200}, "year": 1}}',
        }.items()
    },
}
MISFIT = [(method, name) for method, replies in MISFITS.items() for name in replies]


async def in_every_way(structured):
    """Call by each method; an error stands for the result that it prevents."""

    async def invoke():
        return structured.invoke(BORN)

    async def stream():
        return list(structured.stream(BORN))

    async def astream():
        return [chunk async for chunk in structured.astream(BORN)]

    calls = invoke(), stream(), structured.ainvoke(BORN), astream()
    return [(await asyncio.gather(call, return_exceptions=True))[0] for call in calls]


def merged(result):
    """Merge the chunks if the result is those of a stream."""
    return reduce(or_, result) if isinstance(result, list) else result


@each_family
@pytest.mark.parametrize(("method", "misfit"), MISFIT)
async def test_reply_that_does_not_fit_the_schema_is_a_parser_error(gateway, slug, method, misfit):
    if (slug, method) == ("claude-4.5-sonnet", "json_mode"):
        pytest.skip("Claude refuses json_mode")
    gateway.reply(*[MISFITS[method][misfit]] * 8)

    async with build(gateway, slug) as model:
        plain = model.with_structured_output(Person, method=method)
        raw = model.with_structured_output(Person, method=method, include_raw=True)
        errors = await in_every_way(plain)
        results = [merged(result) for result in await in_every_way(raw)]

    assert [type(error) for error in errors] == [OutputParserException] * 4
    for result in results:
        assert isinstance(result["parsing_error"], OutputParserException)
        assert isinstance(result["raw"], AIMessage)
        assert result["parsed"] is None


@each_family
@pytest.mark.parametrize(
    ("method", "error"),
    [("json_schema", OutputParserException), ("function_calling", SegmindError)],
)
@pytest.mark.parametrize("schema", [Person, Person.model_json_schema()], ids=["class", "dict"])
def test_reply_that_was_cut_is_an_error_for_any_schema(gateway, slug, method, error, schema):
    gateway.reply(*[Reply('{"name": "Ada", "year": 18', finish_reason="length")] * 2)
    with build(gateway, slug) as model:
        with pytest.raises(error):
            model.with_structured_output(schema, method=method).invoke(BORN)
        result = model.with_structured_output(schema, include_raw=True).invoke(BORN)

    assert result["parsed"] is None
    assert isinstance(result["parsing_error"], OutputParserException)
    assert "cut short" in str(result["parsing_error"])


@each_family
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_structured_output_returns_the_object_by_each_method(gateway, slug, method):
    reply = ADA_JSON if method == "json_schema" else Call("Person", ADA.model_dump())
    gateway.reply(*[reply] * 8)
    async with build(gateway, slug) as model:
        plain = model.with_structured_output(Person, method=method)
        raw = model.with_structured_output(Person, method=method, include_raw=True)
        objects = await in_every_way(plain)
        results = [merged(result) for result in await in_every_way(raw)]

    assert [found[-1] if isinstance(found, list) else found for found in objects] == [ADA] * 4
    for result in results:
        assert result["parsed"] == ADA
        assert result["parsing_error"] is None
        assert result["raw"].text or result["raw"].tool_calls


def test_structured_output_has_the_schema_as_its_output_schema(model):
    assert model.with_structured_output(Person).get_output_jsonschema()["title"] == "Person"


def test_response_format_of_a_call_is_sent(model, gateway):
    model.invoke(BORN, response_format=Person)

    assert body(gateway)["response_format"]["json_schema"]["name"] == "Person"


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
