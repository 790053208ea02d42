"""A refusal reaches LangChain as its standard block, whoever refuses and however it is asked."""

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
from tests.integration.call_styles import build, in_both_styles, model_requests

pytestmark = in_both_styles


def openai(message, finish="stop", more=()):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"choices": [choice, *more], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}


def gemini(finish, *parts, **more):
    return {"candidates": [{"content": {"parts": list(parts)}, "finishReason": finish, **more}]}


SHAPES = {
    "openai": ("gpt-4o", openai({"content": None, "refusal": "No."}), "No."),
    "openai, part": ("gpt-4o", openai({"content": [{"type": "refusal", "refusal": "No."}]}), "No."),
    "openai, filter": ("gpt-4o", openai({"content": None}, "content_filter"), "content filter"),
    "openai, refused": ("gpt-4o", openai({"content": ""}, "refusal"), "refusal"),
    "openai, refused in words": ("gpt-4o", openai({"content": "No."}, "refusal"), "No."),
    "openai, safety": ("gpt-4o", openai({"content": None}, "safety"), "safety"),
    "openai, no message": (
        "gpt-4o",
        {"choices": [{"message": None, "finish_reason": "content_filter"}]},
        "content filter",
    ),
    "openai, no content": ("gpt-4o", openai({}, "SAFETY"), "SAFETY"),
    "anthropic": (
        "claude-4.5-sonnet",
        {"content": [{"type": "text", "text": "No."}], "stop_reason": "refusal"},
        "No.",
    ),
    "anthropic, nothing said": (
        "claude-4.5-sonnet",
        {"content": [], "stop_reason": "refusal"},
        "refused",
    ),
    "anthropic, explained": (
        "claude-4.5-sonnet",
        {"content": [], "stop_reason": "refusal", "stop_details": {"explanation": "Cyber."}},
        "Cyber.",
    ),
    "anthropic, null": (
        "claude-4.5-sonnet",
        {"type": "message", "role": "assistant", "content": None, "stop_reason": "refusal"},
        "refused",
    ),
    "anthropic, no content": ("claude-4.5-sonnet", {"stop_reason": "refusal"}, "refused"),
    "anthropic, text": (
        "claude-4.5-sonnet",
        {"content": "No.", "stop_reason": "refusal"},
        "No.",
    ),
    "anthropic, filter": (
        "claude-4.5-sonnet",
        {"content": [], "stop_reason": "content_filter"},
        "refused",
    ),
    "anthropic, guardrail": (
        "claude-4.5-sonnet",
        {"content": None, "stop_reason": "guardrail_intervened"},
        "refused",
    ),
    "anthropic, block": (
        "claude-4.5-sonnet",
        {"content": [{"type": "refusal", "refusal": "No."}], "stop_reason": "end_turn"},
        "No.",
    ),
    "gemini, prompt": (
        "gemini-2.5-flash",
        {"promptFeedback": {"blockReason": "SAFETY"}},
        "SAFETY",
    ),
    "gemini, prompt explained": (
        "gemini-2.5-flash",
        {"candidates": [], "promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "No."}},
        "No.",
    ),
    "gemini, answer": ("gemini-2.5-flash", gemini("SAFETY"), "SAFETY"),
    "gemini, image": ("gemini-2.5-flash", gemini("IMAGE_PROHIBITED_CONTENT"), "IMAGE_PROHIB"),
    "gemini, recitation": ("gemini-2.5-flash", gemini("IMAGE_RECITATION"), "IMAGE_RECITATION"),
    "gemini, armor": ("gemini-2.5-flash", gemini("MODEL_ARMOR"), "MODEL_ARMOR"),
    "gemini, new": ("gemini-2.5-flash", gemini("POLICY_VIOLATION", {"text": ""}), "POLICY"),
    "gemini, explained": ("gemini-2.5-flash", gemini("SPII", finishMessage="No."), "No."),
    "gemini, half": ("gemini-2.5-flash", gemini("PROHIBITED_CONTENT", {"text": "Fir"}), "PROHIB"),
}

every_shape = pytest.mark.parametrize(("slug", "body", "words"), SHAPES.values(), ids=SHAPES)
FAMILIES = {
    "gpt-4o": "openai",
    "claude-4.5-sonnet": "anthropic",
    "gemini-2.5-flash": "gemini, answer",
}
every_family = pytest.mark.parametrize("slug", FAMILIES)


class City(BaseModel):
    """A city."""

    name: str


@tool
def search(query: str) -> str:
    """Search the web."""
    return query


def refusals(message):
    return [block for block in message.content_blocks if block["type"] == "refusal"]


def invoke(agent, question):
    return agent.invoke(question)


def ainvoke(agent, question):
    return asyncio.run(agent.ainvoke(question))


async def collect(chunks):
    return [chunk async for chunk in chunks]


def every_answer(model):
    """Ask in every way that gives a message."""
    yield model.invoke("Do it")
    yield asyncio.run(model.ainvoke("Do it"))
    chunks = list(model.stream("Do it"))
    yield chunks[0]
    yield reduce(add, chunks)
    yield reduce(add, asyncio.run(collect(model.astream("Do it"))))
    yield model.generate([[HumanMessage("Do it")]]).generations[0][0].message


@every_shape
@pytest.mark.parametrize("settings", [{}, {"output_version": "v1"}, {"streaming": True}], ids=str)
def test_a_refusal_is_a_block_of_every_answer(gateway, slug, body, words, settings):
    gateway.reply(*[Reply(body=body)] * 5)

    with build(gateway, slug, **settings) as model:
        for message in every_answer(model):
            (block,) = refusals(message)
            assert words in block["refusal"]

    assert len(model_requests(gateway)) == 5


@every_shape
def test_a_refusal_is_a_block_also_where_tools_are_bound(gateway, slug, body, words):
    gateway.reply(*[Reply(body=body)] * 2)

    with build(gateway, slug) as model:
        for choice in (None, "any"):
            (block,) = refusals(model.bind_tools([search], tool_choice=choice).invoke("Do it"))
            assert words in block["refusal"]


@every_shape
def test_a_refusal_is_among_the_events_of_a_stream(gateway, slug, body, words):
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


@every_family
def test_a_refusal_is_a_block_of_what_a_stream_of_events_comes_to(gateway, slug):
    _, body, words = SHAPES[FAMILIES[slug]]
    gateway.reply(Reply(body=body))

    with build(gateway, slug) as model:
        (block,) = refusals(model.stream_events("Do it", version="v3").output)

    assert words in block["refusal"]


@every_shape
@pytest.mark.parametrize("run", [invoke, ainvoke])
def test_the_middleware_for_refusals_ends_an_agent(gateway, slug, body, words, run):
    gateway.reply(Reply(body=body))

    with build(gateway, slug) as model:
        agent = create_agent(model, [search], middleware=[ModelRefusalMiddleware()])
        question = {"messages": [("user", "Do it")]}
        with pytest.raises(ModelRefusalError, match=words):
            run(agent, question)


@every_shape
def test_langchains_parsers_say_that_the_model_refused(gateway, slug, body, words):
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


@every_shape
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output_says_that_the_model_refused(gateway, slug, body, words, method):
    gateway.reply(*[Reply(body=body)] * 2)

    for settings in ({}, {"output_version": "v1"}):
        with (
            build(gateway, slug, **settings) as model,
            pytest.raises(ModelRefusalError, match=words),
        ):
            model.with_structured_output(City, method=method).invoke("Which city?")


@every_family
def test_a_job_that_is_fetched_has_the_refusal(gateway, slug):
    _, body, words = SHAPES[FAMILIES[slug]]
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
def test_a_conversation_goes_on_after_a_refusal(gateway, slug, settings):
    gateway.reply(Reply(refusal="I would rather not."), "Because.")

    with build(gateway, slug, **settings) as model:
        refused = model.invoke("Do it")
        assert model.invoke([("user", "Do it"), refused, ("user", "Why?")]).text == "Because."

    assert "I would rather not." in str(model_requests(gateway)[-1].body)


@every_family
def test_an_ordinary_answer_has_the_blocks_it_had(gateway, slug):
    gateway.reply(Reply("Hello", reasoning="Hm."))

    with build(gateway, slug) as model:
        blocks = model.invoke("Hi").content_blocks

    assert [block["type"] for block in blocks] == ["reasoning", "text"]
