"""A prompt that is too long is LangChain's error for it, which its middleware acts on."""

import json
from itertools import chain
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage, HumanMessage

from langchain_segmind import (
    ChatSegmind,
    SegmindContextOverflowError,
    SegmindError,
    SegmindInvalidRequestError,
    SegmindJobFailedError,
)
from langchain_segmind.testing import Reply
from tests.integration.call_styles import build, model_requests
from tests.integration.samples import SLUGS, each_family

SENTENCES = [
    "This model's maximum context length is 128000 tokens.",
    "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000.",
    "prompt is too long: 210000 tokens > 200000 maximum",
    "Range of input length should be [1, 204800]",
    "Your request exceeded model token limit: 262144",
    "Prompt exceeds max length",
    "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
    "request (8000 tokens) exceeds the available context size (4096 tokens), try increasing it",
]
SMALL = {"max_input_tokens": 300}
OF_THE_ANSWER = "max_tokens is too large: 100000. This model supports at most 16384 tokens."


def nested(text: str) -> list[Any]:
    """Return error bodies that hold a provider's sentence: fields, objects, JSON, a traceback."""
    inner = json.dumps({"error": {"type": "invalid_request_error", "message": text}})
    return [
        {"error": {"message": text, "code": 400}},
        {"error": inner},
        {"error": {"message": "Provider error", "metadata": {"raw": inner}}},
        {"error": {"error": {"error": {"error": {"message": text}}}}},
        {"error": "Bad request", "error_description": text, "status_code": 400},
        {"detail": [{"msg": text}]},
        {"error": f"Traceback: {'at a line of code, ' * 60} BadRequest: {text}"},
        text,
    ]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.parametrize("sentence", SENTENCES)
async def test_overflow_is_langchains_error_directly_and_in_the_queue(gateway, call, sentence):
    for queue in (False, True):
        gateway.fail_job(sentence) if queue else gateway.fail(400, body={"error": sentence})
        async with build(gateway, queue=queue, poll_interval=0.01) as model:
            with pytest.raises(ContextOverflowError, match="Shorten the conversation") as caught:
                await call(model.bind_tools([add]), "invoke", "Hello")

        assert type(caught.value) is SegmindContextOverflowError
        assert (caught.value.billed, caught.value.is_retryable) == (False, False)
    assert len(model_requests(gateway)) == 2


@pytest.mark.parametrize("status", [400, 406, 413, 422, 500])
@pytest.mark.parametrize("body", nested(SENTENCES[3]), ids=str)
def test_overflow_is_found_wherever_the_body_has_it(gateway, status, body):
    gateway.fail(status, body=body)

    with build(gateway) as model, pytest.raises(SegmindContextOverflowError):
        model.invoke("Hello")


def test_overflow_is_found_in_the_error_of_a_failed_job(gateway):
    for body in nested(SENTENCES[3])[:-1]:
        if isinstance(body.get("error"), str):
            gateway.fail_job(body["error"])
        else:
            gateway.fail(422, body={"status": "FAILED", **body}, on="status")
        with build(gateway, queue=True, poll_interval=0.01) as model:
            expected = "error_description" not in body
            cls = SegmindContextOverflowError if expected else SegmindJobFailedError
            with pytest.raises(cls):
                model.invoke("Hello")


@pytest.mark.parametrize("queue", [False, True])
async def test_overflow_under_a_200_is_found_and_counts_as_billed(gateway, call, queue):
    gateway.reply(Reply(body={"error": {"message": SENTENCES[2]}}))

    async with build(gateway, queue=queue, poll_interval=0.01) as model:
        with pytest.raises(SegmindContextOverflowError) as caught:
            await call(model, "invoke", "Hello")

    assert caught.value.billed is True


async def test_answer_that_may_not_be_so_long_is_another_error(gateway, call):
    for queue, cls in ((False, SegmindInvalidRequestError), (True, SegmindJobFailedError)):
        gateway.fail_job(OF_THE_ANSWER) if queue else gateway.fail(400, body=OF_THE_ANSWER)
        async with build(gateway, queue=queue, poll_interval=0.01) as model:
            with pytest.raises(SegmindError) as caught:
                await call(model, "invoke", "Hello")

        assert type(caught.value) is cls


def test_rate_limit_in_tokens_is_not_an_overflow(gateway):
    gateway.fail(429, body={"error": "Input tokens exceed the limit per minute"}, times=3)

    with build(gateway, max_retries=0) as model, pytest.raises(SegmindError) as caught:
        model.invoke("Hello")

    assert caught.value.status_code == 429
    assert not isinstance(caught.value, ContextOverflowError)


@pytest.mark.parametrize("slug", [*SLUGS, "claude-4-sonnet", "gpt-5", "o3"])
def test_profile_has_the_sizes_that_middleware_needs(slug):
    profile = ChatSegmind(model=slug, api_key="k").profile or {}

    assert profile["max_input_tokens"] >= 128_000
    assert profile["max_output_tokens"] >= 16_384


@each_family
async def test_history_is_summarized_at_a_fraction_of_the_context(gateway, call, slug):
    gateway.reply("Bees dance.", "The user likes tea.", "Tea.")
    history = [HumanMessage("I like tea. " * 100), AIMessage("Good."), HumanMessage("What?")]

    async with build(gateway, slug) as full, build(gateway, slug, profile=SMALL) as small:
        for model in (full, small):
            middleware = SummarizationMiddleware(
                model, trigger=("fraction", 0.8), keep=("messages", 1)
            )
            agent = create_agent(model, [add], middleware=[middleware])
            state = await call(agent, "invoke", {"messages": history})

    assert len(model_requests(gateway)) == 3
    assert "I like tea." in str(model_requests(gateway)[1].body)
    assert "I like tea." not in str(model_requests(gateway)[2].body)
    assert "The user likes tea." in str(model_requests(gateway)[2].body)
    assert state["messages"][-1].text == "Tea."


@each_family
async def test_deep_agent_summarizes_and_goes_on_after_an_overflow(gateway, call, slug):
    create_deep_agent = pytest.importorskip("deepagents").create_deep_agent
    gateway.fail(400, body={"error": SENTENCES[2]})
    gateway.reply("The user likes tea.", "Tea.")
    turns = [(HumanMessage(f"{n}: {'I like tea. ' * 300}"), AIMessage("Good.")) for n in range(20)]
    history = [*chain.from_iterable(turns), HumanMessage("So?")]

    async with build(gateway, slug, profile={"max_input_tokens": 50_000}) as model:
        agent = create_deep_agent(model=model, tools=[add])
        state = await call(agent, "invoke", {"messages": history})

    assert state["messages"][-1].text == "Tea."
    assert len(model_requests(gateway)) == 3
