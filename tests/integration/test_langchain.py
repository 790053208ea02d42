"""ChatSegmind in the places where people put a chat model, over HTTP on the local gateway."""

import asyncio
import base64
from functools import reduce
from operator import add, or_
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import (
    AsyncCallbackHandler,
    BaseCallbackHandler,
    get_usage_metadata_callback,
)
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField, RunnableConfig, RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import RetryPolicy
from pydantic import BaseModel, Field

from langchain_segmind import (
    SegmindError,
    SegmindInsufficientCreditsError,
    SegmindModelNotFoundError,
    SegmindRateLimitError,
)
from langchain_segmind.testing import Call, LocalGateway, Queue, Reply
from tests.integration.call_styles import build, in_both_styles, model_requests

pytestmark = in_both_styles

PNG = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
).decode()


class Person(BaseModel):
    """A person."""

    name: str = Field(description="Full name")
    year: int = Field(description="Year of birth")


def body(gateway):
    """The body of the last request."""
    return model_requests(gateway)[-1].body


# --- calls -----------------------------------------------------------------------------------


async def test_invoke_and_ainvoke_say_the_same(model, gateway):
    first = model.invoke("My name is Ada. What is my name?")
    second = await model.ainvoke("My name is Ada. What is my name?")

    assert "Ada" in first.text
    assert first.text == second.text
    assert model_requests(gateway)[0].body == model_requests(gateway)[1].body
    await model.aclose()


def test_a_message_tells_all_the_gateway_told(model, gateway, call_style):
    message = model.invoke("Hello")

    told = message.response_metadata
    headers = model_requests(gateway)[0]
    assert headers.path == ("/v1/gpt-4o" if call_style == "direct" else "/v2/gpt-4o")
    assert (told["model_name"], told["model_provider"]) == ("gpt-4o", "segmind")
    assert told["finish_reason"] == "stop"
    assert told["cost"] > 0
    assert told["remaining_credits"] == pytest.approx(gateway.credits)
    assert told["request_id"]
    assert told["generation_time"] >= 0
    assert "headers" not in told
    usage = message.usage_metadata
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_headers_are_told_when_asked_for(gateway):
    with build(gateway, include_response_headers=True) as model:
        message = model.invoke("Hello")

    assert message.response_metadata["headers"]["content-type"] == "application/json"


def test_a_gateway_that_tells_nothing_is_fine():
    silent = dict.fromkeys(("x-cost", "x-remaining-credits", "x-request-id", "x-generation-time"))
    with LocalGateway(queue=Queue(metrics=False, bare=True)) as gateway, build(gateway) as model:
        gateway.reply(Reply(body={"choices": [{"message": {"content": "hi"}}]}, headers=silent))

        message = model.invoke("Hello")

    job_ids = [{"request_id": job.id} for job in gateway.jobs]
    known = {"model_name": "gpt-4o", "model_provider": "segmind", **(job_ids or [{}])[0]}
    assert message.response_metadata == known
    assert message.usage_metadata is None


def test_sends_only_what_was_set(model, gateway):
    model.invoke("Hello")

    assert body(gateway) == {"messages": [{"role": "user", "content": "Hello"}]}


def test_a_call_overrides_the_model(gateway):
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


def test_headers_of_one_call_are_sent_with_it(model, gateway):
    model.invoke("Hello", extra_headers={"X-Trace": "abc"})
    model.invoke("Hello")

    assert [r.headers.get("x-trace") for r in model_requests(gateway)] == ["abc", None]


def test_several_alternatives_are_all_returned_and_counted_once(model):
    result = model.generate([[HumanMessage("Hello")]], n=3)

    messages = [generation.message for generation in result.generations[0]]
    assert len(messages) == 3
    assert [m.usage_metadata is not None for m in messages] == [True, False, False]


async def test_stop_sequences_are_kept_even_by_a_gateway_that_does_not(model, gateway):
    gateway.reply("one two three four", "one two three four")

    first = model.invoke("Count", stop=["three", "two"])
    second = await model.ainvoke("Count", stop=["three"])

    assert (first.text, second.text) == ("one ", "one two ")
    assert model_requests(gateway)[0].body["stop"] == ["three", "two"]
    await model.aclose()


def test_a_history_of_every_kind_of_message_is_told(model, gateway):
    model.invoke(
        [
            SystemMessage("Be brief."),
            HumanMessage(
                [
                    {"type": "text", "text": "See:"},
                    {"type": "image", "base64": PNG, "mime_type": "image/png"},
                ],
                name="ada",
            ),
            AIMessage("", tool_calls=[{"name": "look", "args": {"x": 1}, "id": "c1"}]),
            ToolMessage("a cat", tool_call_id="c1", name="look"),
            AIMessage(
                [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "A cat."}]
            ),
            HumanMessage("Sure?"),
        ]
    )

    assert body(gateway)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "name": "ada",
            "content": [
                {"type": "text", "text": "See:"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            ],
        },
        {"role": "assistant", "content": '<tool_call id="c1" name="look">{"x": 1}</tool_call>'},
        {
            "role": "user",
            "content": '<tool_result id="c1" name="look">a cat</tool_result>',
        },
        {"role": "assistant", "content": "A cat."},
        {"role": "user", "content": "Sure?"},
    ]


def test_reasoning_is_told_apart_from_the_answer(model, gateway):
    gateway.reply(Reply("42", reasoning="six times seven"))

    message = model.invoke("What is 6 * 7?")

    assert message.text == "42"
    assert message.additional_kwargs["reasoning_content"] == "six times seven"
    assert message.content_blocks[0] == {"type": "reasoning", "reasoning": "six times seven"}


# --- streams ---------------------------------------------------------------------------------


async def test_a_stream_is_one_honest_chunk(model, gateway):
    chunks = list(model.stream("Hello"))
    achunks = [chunk async for chunk in model.astream("Hello")]

    for (chunk,) in (chunks, achunks):
        assert chunk.text
        assert chunk.usage_metadata["total_tokens"] > 0
        assert chunk.response_metadata["model_name"] == "gpt-4o"
        assert chunk.chunk_position == "last"
    assert all("stream" not in request.body for request in model_requests(gateway))
    await model.aclose()


@pytest.mark.parametrize("kwargs", [{"stream": True}, {"stream": False}])
def test_stream_is_never_sent(model, gateway, kwargs):
    model.invoke("Hello", **kwargs)

    assert "stream" not in body(gateway)


async def test_stream_events_tell_of_the_tokens_and_the_end(model):
    chain = ChatPromptTemplate.from_template("{x}") | model | StrOutputParser()

    events = [event async for event in chain.astream_events({"x": "Hello"}, version="v2")]

    names = [event["event"] for event in events]
    assert names.count("on_chat_model_stream") == 1
    assert names.count("on_chat_model_end") == 1
    await model.aclose()


async def test_stream_events_v3_tell_the_text_and_usage(model):
    stream = model.stream_events("Hello", version="v3")
    astream = await model.astream_events("Hello", version="v3")

    text, atext = "".join(stream.text), "".join([part async for part in astream.text])

    assert text
    assert text == atext
    assert stream.output.usage_metadata["total_tokens"] > 0
    await model.aclose()


# --- many ------------------------------------------------------------------------------------


async def test_batches_keep_their_order(model, gateway):
    inputs = [f"Reply with the word w{i}." for i in range(20)]

    batch = model.batch(inputs, config={"max_concurrency": 5})
    abatch = await model.abatch(inputs)

    assert [message.text for message in batch] == [message.text for message in abatch]
    assert gateway.executions == 40
    await model.aclose()


async def test_one_failure_in_a_batch_is_told_without_losing_the_others(model, gateway):
    gateway.fail(status=400, times=1)

    results = model.batch(["Hello"] * 3, config={"max_concurrency": 1}, return_exceptions=True)

    assert [isinstance(r, AIMessage) for r in results] == [False, True, True]


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


class AsyncRecorder(Recorder, AsyncCallbackHandler):
    async def on_chat_model_start(self, serialized, messages, **kwargs):
        Recorder.on_chat_model_start(self, serialized, messages, **kwargs)

    async def on_llm_new_token(self, token, **kwargs):
        self.tokens.append(token)

    async def on_llm_end(self, response, **kwargs):
        self.ends.append(response)

    async def on_llm_error(self, error, **kwargs):
        self.errors.append(error)


async def test_callbacks_hear_of_start_token_end_and_error(model, gateway):
    sync, aio = Recorder(), AsyncRecorder()

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
    await model.aclose()


def test_usage_is_counted_by_model(model):
    with get_usage_metadata_callback() as counter:
        model.invoke("Hello")
        model.invoke("Hello", model="gpt-5")

    assert set(counter.usage_metadata) == {"gpt-4o", "gpt-5"}
    assert counter.usage_metadata["gpt-4o"]["total_tokens"] > 0


def test_a_cached_answer_costs_nothing_and_is_not_given_to_others(gateway):
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


def test_a_rate_limiter_is_asked_before_each_call(gateway):
    class Counting(InMemoryRateLimiter):
        asked = 0

        def acquire(self, *, blocking=True):
            self.asked += 1
            return super().acquire(blocking=blocking)

    limiter = Counting(requests_per_second=1000, check_every_n_seconds=0.001)
    with build(gateway, rate_limiter=limiter) as model:
        model.invoke("Hello")
        list(model.stream("Hello"))

    assert limiter.asked == 2


def test_fields_can_be_configured_for_a_call(model, gateway):
    configurable = model.configurable_fields(
        model=ConfigurableField(id="model"), temperature=ConfigurableField(id="temp")
    )

    configurable.invoke("Hello", {"configurable": {"model": "gpt-5.2", "temp": 0.7}})
    configurable.invoke("Hello")

    assert [(r.slug, r.body.get("temperature")) for r in model_requests(gateway)] == [
        ("gpt-5.2", 0.7),
        ("gpt-4o", None),
    ]


def test_a_fallback_takes_over(model, gateway):
    gateway.fail(status=410, slug="gpt-4o")
    backed = model.with_fallbacks([model.model_copy(update={"model": "gpt-5"})])

    assert backed.invoke("Hello").response_metadata["model_name"] == "gpt-5"


def test_with_retry_repeats_a_rate_limit_only(model, gateway):
    patient = model.model_copy(update={"max_retries": 0}).with_retry(
        retry_if_exception_type=(SegmindRateLimitError,),
        stop_after_attempt=2,
        wait_exponential_jitter=False,
    )
    gateway.fail(status=429, times=1, headers={})
    assert patient.invoke("Hello").text

    gateway.clear()
    gateway.fail(status=400, times=1)
    with pytest.raises(ValueError, match="400"):
        patient.invoke("Hello")
    assert len(model_requests(gateway)) == 1


def test_credits_that_run_out_are_told(gateway):
    with (
        LocalGateway(credits=0.0) as poor,
        build(poor) as model,
    ):
        with pytest.raises(SegmindInsufficientCreditsError, match="Top up") as caught:
            model.invoke("Hello")

        assert (len(model_requests(poor)), poor.executions) == (1, 0)
        assert caught.value.billed is False


# --- structured output -----------------------------------------------------------------------


class Born(TypedDict):
    """A person."""

    name: Annotated[str, ..., "Full name"]
    year: Annotated[int, ..., "Year of birth"]


ADA = "Ada Lovelace was born in 1815."
PERSON = '{"name": "Ada Lovelace", "year": 1815}'


async def test_structured_output_gives_objects_of_the_schema(model, gateway):
    gateway.reply(*[PERSON] * 3)
    structured = model.with_structured_output(Person)

    person = structured.invoke(ADA)
    again = await structured.ainvoke(ADA)
    streamed = list(structured.stream(ADA))

    assert person == again == streamed[-1] == Person(name="Ada Lovelace", year=1815)
    form = model_requests(gateway)[0].body["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["name"] == "Person"
    assert "strict" not in form["json_schema"]
    await model.aclose()


@pytest.mark.parametrize(
    "schema",
    [Born, Person.model_json_schema(), {"name": "born", "schema": Person.model_json_schema()}],
)
def test_structured_output_gives_dictionaries_for_other_schemas(model, gateway, schema):
    gateway.reply(PERSON)
    assert model.with_structured_output(schema).invoke(ADA) == {
        "name": "Ada Lovelace",
        "year": 1815,
    }


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output_takes_the_settings_of_a_call_the_model_too(model, gateway, method):
    gateway.reply(
        PERSON
        if method == "json_schema"
        else Call("Person", {"name": "Ada Lovelace", "year": 1815})
    )
    structured = model.with_structured_output(
        Person, method=method, model="gpt-5.1", temperature=0.5
    )

    assert structured.invoke(ADA) == Person(name="Ada Lovelace", year=1815)
    assert model_requests(gateway)[-1].slug == "gpt-5.1"
    assert model_requests(gateway)[-1].body["temperature"] == 0.5


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
def test_no_part_of_a_schema_is_lost(model, gateway, schema, part):
    model.with_structured_output(schema, include_raw=True).invoke(ADA)

    sent = body(gateway)["response_format"]["json_schema"]["schema"]
    assert part.items() <= sent.items()
    if schema is Node:
        assert sent["$defs"]["Node"]["properties"]["kids"]["items"] == {"$ref": "#/$defs/Node"}


def test_a_strict_schema_wants_every_property_and_no_other(model, gateway):
    model.with_structured_output(Person, strict=True).invoke(ADA)

    schema = body(gateway)["response_format"]["json_schema"]["schema"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name", "year"]


@pytest.mark.parametrize("strict", [True, False])
def test_strict_is_sent_when_asked_for(model, gateway, strict):
    model.with_structured_output(Person, strict=strict).invoke(ADA)

    assert body(gateway)["response_format"]["json_schema"]["strict"] is strict


def test_json_mode_asks_for_an_object_and_says_the_word(model, gateway):
    gateway.reply('{"name": "Ada", "year": 1815}')

    person = model.with_structured_output(Person, method="json_mode").invoke("Who was first?")

    assert person == Person(name="Ada", year=1815)
    assert body(gateway)["response_format"] == {"type": "json_object"}
    assert "JSON" in str(body(gateway)["messages"])


async def test_include_raw_tells_of_a_failed_parse(model, gateway):
    gateway.reply("I would rather not.", "I would rather not.", '{"name": "Ada", "year": 1815}')
    structured = model.with_structured_output(Person, include_raw=True)

    failed = structured.invoke(ADA)
    afailed = await structured.ainvoke(ADA)
    fine = structured.invoke(ADA)

    for result in (failed, afailed):
        assert result["raw"].text == "I would rather not."
        assert result["parsed"] is None
        assert isinstance(result["parsing_error"], OutputParserException)
    assert fine["parsed"] == Person(name="Ada", year=1815)
    assert fine["parsing_error"] is None
    await model.aclose()


DEEP = {"lists": "[" * 3000 + "]" * 3000, "objects": '{"a":' * 3000 + "1" + "}" * 3000}
MISFITS = {
    "json_schema": {
        **DEEP,
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
MISFIT = [(method, reply) for method, replies in MISFITS.items() for reply in replies.values()]


async def every_way(structured):
    """Ask in every way there is; an error stands for the result that it prevents."""

    async def invoke():
        return structured.invoke(ADA)

    async def stream():
        return list(structured.stream(ADA))

    async def astream():
        return [chunk async for chunk in structured.astream(ADA)]

    ways = invoke(), stream(), structured.ainvoke(ADA), astream()
    return [(await asyncio.gather(way, return_exceptions=True))[0] for way in ways]


@pytest.mark.parametrize("slug", ["gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"])
@pytest.mark.parametrize(("method", "reply"), MISFIT)
async def test_an_answer_that_does_not_fit_is_one_class_of_error(gateway, slug, method, reply):
    if (slug, method) == ("claude-4.5-sonnet", "json_mode"):
        pytest.skip("Claude refuses json_mode")
    gateway.reply(*[reply] * 8)

    async with build(gateway, slug) as model:
        plain = model.with_structured_output(Person, method=method)
        raw = model.with_structured_output(Person, method=method, include_raw=True)
        errors = await every_way(plain)
        results = await every_way(raw)

    assert [type(error) for error in errors] == [OutputParserException] * 4
    for result in (merged(result) for result in results):
        assert isinstance(result["parsing_error"], OutputParserException)
        assert isinstance(result["raw"], AIMessage)
        assert result["parsed"] is None


def merged(result):
    """Put the chunks of a stream together."""
    return reduce(or_, result) if isinstance(result, list) else result


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_an_object_comes_in_every_way(model, method):
    plain = model.with_structured_output(Person, method=method)
    raw = model.with_structured_output(Person, method=method, include_raw=True)

    objects = await every_way(plain)
    results = [merged(found) for found in await every_way(raw)]
    await model.aclose()

    assert [found[-1] if isinstance(found, list) else found for found in objects] == [
        Person(name=ADA, year=1815)
    ] * 4
    assert [result["parsed"] for result in results] == [Person(name=ADA, year=1815)] * 4


def test_the_chain_knows_what_it_gives(model):
    assert model.with_structured_output(Person).get_output_jsonschema()["title"] == "Person"


def test_a_response_format_may_be_given_to_a_call(model, gateway):
    model.invoke(ADA, response_format=Person)

    assert body(gateway)["response_format"]["json_schema"]["name"] == "Person"


# --- applications ----------------------------------------------------------------------------


def test_a_conversation_remembers(model, gateway):
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Be helpful."), MessagesPlaceholder("history"), ("human", "{question}")]
    )
    chain = prompt | model | StrOutputParser()
    history: list[BaseMessage] = []
    for question in ("My name is Ada.", "What is my name?"):
        answer = chain.invoke({"history": history, "question": question})
        history += [HumanMessage(question), AIMessage(answer)]

    assert "My name is Ada." in str(model_requests(gateway)[-1].body)


def test_a_retrieval_chain_answers_from_its_documents(model, gateway):
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=32))
    store.add_documents(
        [
            Document("The lighthouse of Alexandria stood on the island of Pharos."),
            Document("Bread rises because yeast makes gas."),
        ]
    )
    prompt = ChatPromptTemplate.from_template(
        "Answer from the context only.\nContext:\n{context}\nQuestion: {question}"
    )
    chain = (
        {
            "context": store.as_retriever(search_kwargs={"k": 2})
            | (lambda docs: "\n".join(d.page_content for d in docs)),
            "question": RunnablePassthrough(),
        }
        | prompt
        | model
        | StrOutputParser()
    )

    assert "Pharos" in chain.invoke("Where did the lighthouse of Alexandria stand?")


async def test_a_graph_streams_its_messages_and_remembers(model, gateway):
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
    await model.aclose()


async def test_a_graph_fans_out(model, gateway):
    class State(TypedDict):
        answers: Annotated[list[str], add]

    async def ask(_):
        return {"answers": [(await model.ainvoke("Hello")).text]}

    builder = StateGraph(State)
    for name in ("a", "b", "c"):
        builder.add_node(name, ask)
        builder.add_edge(START, name)
    graph = builder.compile()

    result = await asyncio.wait_for(graph.ainvoke({"answers": []}), 10)

    assert len(result["answers"]) == 3
    assert gateway.executions == 3
    await model.aclose()


@pytest.mark.parametrize("driver", ["sync", "async"])
@pytest.mark.parametrize(
    "failure",
    [
        {"status": 504, "after_run": True},
        {"status": 502, "after_run": True},
        {"drop": "after_run"},
        {"drop": "mid_reply"},
    ],
)
async def test_langgraphs_default_retry_never_pays_twice(model, gateway, driver, failure):
    def ask(state):
        return {"messages": [model.invoke(state["messages"])]}

    async def aask(state):
        return {"messages": [await model.ainvoke(state["messages"])]}

    gateway.fail(times=5, **failure)
    builder = StateGraph(MessagesState)
    impatient = RetryPolicy(initial_interval=0.01, jitter=False)
    builder.add_node("ask", ask if driver == "sync" else aask, retry_policy=impatient)
    builder.add_edge(START, "ask")

    with pytest.raises(SegmindError) as caught:
        await builder.compile().ainvoke({"messages": [HumanMessage("Hello")]})

    assert (len(model_requests(gateway)), gateway.executions) == (1, 1)
    assert caught.value.outcome in ("unknown", "executed")
    await model.aclose()


@pytest.mark.parametrize("cls", SegmindError.__subclasses__())
def test_langgraphs_default_policy_repeats_rate_limits_only(cls):
    would_repeat = RetryPolicy().retry_on

    assert callable(would_repeat)
    assert would_repeat(cls("x")) is (cls is SegmindRateLimitError)
