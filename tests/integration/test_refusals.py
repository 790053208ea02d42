"""A refusal reaches LangChain as its standard block, in every format and kind of call."""

import asyncio
from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRefusalMiddleware
from langchain_core.exceptions import ModelRefusalError
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import PydanticToolsParser
from langchain_core.runnables import Runnable
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_segmind.testing import Reply
from tests.faults.checks import both_drivers, call
from tests.integration.call_styles import build, model_requests


def openai(message, finish="stop", more=()):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"choices": [choice, *more], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}


def gemini(finish, *parts, **more):
    return {"candidates": [{"content": {"parts": list(parts)}, "finishReason": finish, **more}]}


def anthropic(content, stop="refusal", **more):
    return {"content": content, "stop_reason": stop, **more}


def blocked(reason, **more):
    return {"promptFeedback": {"blockReason": reason, **more}}


SLUGS = {"openai": "gpt-4o", "anthropic": "claude-4.5-sonnet", "gemini": "gemini-2.5-flash"}
NO_MESSAGE = {"choices": [{"message": None, "finish_reason": "content_filter"}]}
BLOCK = [{"type": "refusal", "refusal": "No."}]
TEXT = [{"type": "text", "text": "No."}]
SHAPES = {
    "openai": (openai({"content": None, "refusal": "No."}), "No."),
    "openai, part": (openai({"content": BLOCK}), "No."),
    "openai, filter": (openai({"content": None}, "content_filter"), "content filter"),
    "openai, refused": (openai({"content": ""}, "refusal"), "refusal"),
    "openai, refused in words": (openai({"content": "No."}, "refusal"), "No."),
    "openai, safety": (openai({"content": None}, "safety"), "safety"),
    "openai, no message": (NO_MESSAGE, "content filter"),
    "openai, no content": (openai({}, "SAFETY"), "SAFETY"),
    "anthropic": (anthropic(TEXT), "No."),
    "anthropic, no block": (anthropic([]), "refused"),
    "anthropic, explained": (anthropic([], stop_details={"explanation": "Cyber."}), "Cyber."),
    "anthropic, null": (anthropic(None, type="message", role="assistant"), "refused"),
    "anthropic, no content": ({"stop_reason": "refusal"}, "refused"),
    "anthropic, text": (anthropic("No."), "No."),
    "anthropic, filter": (anthropic([], "content_filter"), "refused"),
    "anthropic, guardrail": (anthropic(None, "guardrail_intervened"), "refused"),
    "anthropic, block": (anthropic(BLOCK, "end_turn"), "No."),
    "gemini, prompt": (blocked("SAFETY"), "SAFETY"),
    "gemini, prompt explained": (
        {"candidates": [], **blocked("OTHER", blockReasonMessage="No.")},
        "No.",
    ),
    "gemini, answer": (gemini("SAFETY"), "SAFETY"),
    "gemini, image": (gemini("IMAGE_PROHIBITED_CONTENT"), "IMAGE_PROHIB"),
    "gemini, recitation": (gemini("IMAGE_RECITATION"), "IMAGE_RECITATION"),
    "gemini, armor": (gemini("MODEL_ARMOR"), "MODEL_ARMOR"),
    "gemini, new": (gemini("POLICY_VIOLATION", {"text": ""}), "POLICY"),
    "gemini, explained": (gemini("SPII", finishMessage="No."), "No."),
    "gemini, half": (gemini("PROHIBITED_CONTENT", {"text": "Fir"}), "PROHIB"),
}


def shapes(*names):
    rows = [(SLUGS[name.partition(",")[0]], *SHAPES[name]) for name in names]
    return pytest.mark.parametrize(("slug", "body", "words"), rows, ids=names)


every_shape = shapes(*SHAPES)
# What comes of a refusal that was read does not depend on how it was written.
every_kind = shapes("openai", "anthropic", "gemini, answer", "gemini, half")
every_family = pytest.mark.parametrize("slug", SLUGS.values())


class City(BaseModel):
    """A city."""

    name: str


@tool
def search(query: str) -> str:
    """Search the web."""
    return query


def refusals(message):
    return [block for block in message.content_blocks if block["type"] == "refusal"]


async def collect(chunks):
    return [chunk async for chunk in chunks]


def every_answer(model):
    """Make every kind of call that returns a message."""
    yield model.invoke("Do it")
    yield asyncio.run(model.ainvoke("Do it"))
    chunks = list(model.stream("Do it"))
    yield chunks[0]
    yield reduce(add, chunks)
    yield reduce(add, asyncio.run(collect(model.astream("Do it"))))
    yield model.generate([[HumanMessage("Do it")]]).generations[0][0].message


@every_shape
def test_refusal_is_a_block_directly_and_through_the_queue(gateway, slug, body, words):
    gateway.reply(*[Reply(body=body)] * 2)

    for queue in (False, True):
        with build(gateway, slug, queue=queue, poll_interval=0.01) as model:
            (block,) = refusals(model.invoke("Do it"))
        assert words in block["refusal"]


@every_kind
@pytest.mark.parametrize("settings", [{}, {"output_version": "v1"}, {"streaming": True}], ids=str)
def test_refusal_is_a_block_of_every_message(gateway, slug, body, words, settings):
    gateway.reply(*[Reply(body=body)] * 5)

    with build(gateway, slug, **settings) as model:
        for message in every_answer(model):
            (block,) = refusals(message)
            assert words in block["refusal"]

    assert len(model_requests(gateway)) == 5


@every_kind
def test_refusal_is_a_block_when_tools_are_bound(gateway, slug, body, words):
    gateway.reply(*[Reply(body=body)] * 2)

    with build(gateway, slug) as model:
        for choice in (None, "any"):
            (block,) = refusals(model.bind_tools([search], tool_choice=choice).invoke("Do it"))
            assert words in block["refusal"]


@every_kind
def test_refusal_is_among_the_events_of_a_stream(gateway, slug, body, words):
    gateway.reply(*[Reply(body=body)] * 3)

    async def events(model):
        return await collect(await model.astream_events("Do it", version="v3"))

    with build(gateway, slug) as model:
        stream = model.stream_events("Do it", version="v3")
        sync = list(stream)
        asynchronous = asyncio.run(events(model))
        output = model.stream_events("Do it", version="v3").output
    assert words in output.additional_kwargs["refusal"]

    for found in (sync, asynchronous):
        finished = [e["content"] for e in found if e["event"] == "content-block-finish"]
        (block,) = [block for block in finished if block["type"] == "refusal"]
        assert words in block["refusal"]


@shapes("openai", "anthropic", "gemini, answer")
def test_refusal_is_a_block_of_what_a_stream_of_events_comes_to(gateway, slug, body, words):
    gateway.reply(Reply(body=body))

    with build(gateway, slug) as model:
        (block,) = refusals(model.stream_events("Do it", version="v3").output)

    assert words in block["refusal"]


@every_kind
@both_drivers
def test_refusal_middleware_ends_an_agent(gateway, slug, body, words, driver):
    gateway.reply(Reply(body=body))

    with build(gateway, slug) as model:
        agent = create_agent(model, [search], middleware=[ModelRefusalMiddleware()])
        question = {"messages": [("user", "Do it")]}
        with pytest.raises(ModelRefusalError, match=words):
            call(driver, model, question, runnable=agent)


@every_kind
def test_langchain_parsers_raise_a_refusal_error(gateway, slug, body, words):
    parsers: tuple[Runnable[Any, Any], ...] = (
        JsonOutputParser(),
        PydanticOutputParser(pydantic_object=City),
        PydanticToolsParser(tools=[City], first_tool_only=True),
    )
    gateway.reply(*[Reply(body=body)] * len(parsers))

    with build(gateway, slug) as model:
        for parser in parsers:
            with pytest.raises(ModelRefusalError, match=words):
                (model | parser).invoke("Which city?")


@every_kind
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output_raises_a_refusal_error(gateway, slug, body, words, method):
    gateway.reply(*[Reply(body=body)] * 2)

    for settings in ({}, {"output_version": "v1"}):
        with (
            build(gateway, slug, **settings) as model,
            pytest.raises(ModelRefusalError, match=words),
        ):
            model.with_structured_output(City, method=method).invoke("Which city?")


@every_kind
def test_fetched_job_has_the_refusal(gateway, slug, body, words):
    gateway.reply(Reply(body=body))

    with build(gateway, slug) as model:
        job = model.submit("Do it")
        for message in (job.result(), model.get_job(str(job)).result()):
            (block,) = refusals(message)
            assert words in block["refusal"]


def test_each_of_several_answers_has_its_own_refusal(gateway):
    more = {
        "index": 1,
        "message": {"role": "assistant", "content": "Yes."},
        "finish_reason": "stop",
    }
    gateway.reply(Reply(body=openai({"content": None, "refusal": "No."}, more=[more])))

    with build(gateway, n=2) as model:
        first, second = model.generate([[HumanMessage("Do it")]]).generations[0]

    assert [len(refusals(g.message)) for g in (first, second)] == [1, 0]
    assert second.message.content_blocks == [{"type": "text", "text": "Yes."}]


@every_family
@pytest.mark.parametrize("settings", [{}, {"output_version": "v1"}], ids=str)
def test_conversation_continues_after_a_refusal(gateway, slug, settings):
    gateway.reply(Reply(refusal="I would rather not."), "Because.")

    with build(gateway, slug, **settings) as model:
        refused = model.invoke("Do it")
        assert model.invoke([("user", "Do it"), refused, ("user", "Why?")]).text == "Because."

    assert "I would rather not." in str(model_requests(gateway)[-1].body)


@every_family
def test_ordinary_answer_has_no_refusal_block(gateway, slug):
    gateway.reply(Reply("Hello", reasoning="Hm."))

    with build(gateway, slug) as model:
        blocks = model.invoke("Hi").content_blocks

    assert [block["type"] for block in blocks] == ["reasoning", "text"]
