"""The local gateway before a real model's server: all families, tools, forms, errors."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from pydantic import BaseModel

from langchain_segmind import (
    ChatSegmind,
    SegmindContextOverflowError,
    SegmindError,
    SegmindInvalidRequestError,
    SegmindModelNotFoundError,
    SegmindRateLimitError,
    SegmindServerError,
    content_block_from_file,
)
from langchain_segmind.testing import LocalGateway, OpenAICompatibleModel
from tests.integration.call_styles import build
from tests.integration.upstream import HANG_UP, SILENCE, Upstream, completion, serve

SLUGS = ["gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"]
TIMES = HumanMessage("17 times 23?")
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serve() as running:
        yield running


@pytest.fixture
def gateway(upstream: Upstream) -> Iterator[LocalGateway]:
    with LocalGateway(responder=OpenAICompatibleModel(upstream.url, model="llama3.2")) as running:
        yield running


@pytest.fixture(params=SLUGS)
def model(request: pytest.FixtureRequest, gateway: LocalGateway) -> Iterator[ChatSegmind]:
    with build(gateway, request.param, max_retries=0) as built:
        yield built


def multiply(a: int, b: int) -> int:
    """Multiply two whole numbers."""
    return a * b


class Person(BaseModel):
    """A person."""

    name: str
    year_of_birth: int


class TestEveryFamily:
    """One class of tests, once for each of the three families."""

    def test_upstream_gets_the_conversation_and_settings(
        self, model: ChatSegmind, upstream: Upstream
    ) -> None:
        history = [
            SystemMessage("Be brief."),
            HumanMessage("Hi"),
            AIMessage("Hello."),
            HumanMessage("What is it?"),
        ]
        answer = model.invoke(history, temperature=0.5, max_tokens=9, stop=["END"])
        assert answer.text == "Hello from upstream."
        assert upstream.bodies == [
            {
                "model": "llama3.2",
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "Hi"},
                    {"role": "assistant", "content": "Hello."},
                    {"role": "user", "content": "What is it?"},
                ],
                "temperature": 0.5,
                "max_tokens": 9,
                "stop": ["END"],
            }
        ]

    def test_upstream_gets_pictures(self, model: ChatSegmind, upstream: Upstream) -> None:
        text = {"type": "text", "text": "Look"}
        model.invoke([HumanMessage([text, content_block_from_file(PNG)])])
        (message,) = upstream.body["messages"]
        assert message["content"][0] == text
        assert message["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")

    def test_reply_has_upstreams_usage_and_finish_reason(
        self, model: ChatSegmind, upstream: Upstream
    ) -> None:
        upstream.reply(completion("Too lo", finish_reason="length"))
        answer = model.invoke("Hi")
        usage = answer.usage_metadata
        assert usage is not None
        assert (usage["input_tokens"], usage["output_tokens"]) == (11, 4)
        assert answer.response_metadata["finish_reason"] == "length"
        assert answer.response_metadata["cost"] > 0

    def test_reply_has_the_models_reasoning(self, model: ChatSegmind, upstream: Upstream) -> None:
        upstream.reply({"content": "Yes.", "reasoning_content": "Hm, well."})
        blocks = model.invoke("Hi").content_blocks
        assert [block["type"] for block in blocks] == ["reasoning", "text"]

    def test_upstream_gets_the_response_format(
        self, model: ChatSegmind, upstream: Upstream
    ) -> None:
        upstream.reply('{"name": "Ada", "year_of_birth": 1815}')
        person = model.with_structured_output(Person).invoke("Ada was born in 1815.")
        assert person == Person(name="Ada", year_of_birth=1815)
        wanted = upstream.body["response_format"]
        assert wanted["type"] == "json_schema"
        assert set(wanted["json_schema"]["schema"]["properties"]) == {"name", "year_of_birth"}

    def test_agent_calls_emulated_tools(self, model: ChatSegmind, upstream: Upstream) -> None:
        call = {"name": "multiply", "arguments": {"a": 17, "b": 23}}
        upstream.reply(
            json.dumps({"say": "", "calls": [call]}),
            json.dumps({"say": "It is 391.", "calls": []}),
        )
        state = create_agent(model, [multiply]).invoke({"messages": [TIMES]})
        assert [message.text for message in state["messages"][-2:]] == ["391", "It is 391."]
        assert all("tools" not in body for body in upstream.bodies)
        assert all(body["response_format"]["type"] == "json_schema" for body in upstream.bodies)
        assert "391" in json.dumps(upstream.body["messages"])

    def test_tools_go_into_the_prompt_when_the_response_format_is_refused(
        self, model: ChatSegmind, upstream: Upstream, gateway: LocalGateway
    ) -> None:
        upstream.refuse_format = True
        upstream.reply(
            '{"say": "", "calls": [{"name": "multiply", "arguments": {"a": 1, "b": 2}}]}'
        )
        answer = model.bind_tools([multiply]).invoke("One times two?")
        assert [call["args"] for call in answer.tool_calls] == [{"a": 1, "b": 2}]
        assert [("response_format" in body) for body in upstream.bodies] == [True, False]
        assert gateway.executions == 1

    def test_queued_model_gets_its_answer(self, model: ChatSegmind, upstream: Upstream) -> None:
        with model.model_copy(update={"queue": True, "poll_interval": 0.01}) as queued:
            assert queued.invoke("Hi").text == "Hello from upstream."
        assert len(upstream.bodies) == 1


@pytest.mark.parametrize("slug", SLUGS)
def test_native_tools_are_native_at_the_upstream_too(upstream: Upstream, slug: str) -> None:
    responder = OpenAICompatibleModel(upstream.url, model="llama3.2")
    function = {"name": "multiply", "arguments": '{"a": 17, "b": 23}'}
    call = {"id": "c1", "type": "function", "function": function}
    upstream.reply({"content": None, "tool_calls": [call]}, "It is 391.")
    with (
        LocalGateway(responder=responder, forward_tools=True) as gateway,
        build(gateway, slug, tool_calling="native") as model,
    ):
        state = create_agent(model, [multiply]).invoke({"messages": [TIMES]})
    assert [message.text for message in state["messages"][-2:]] == ["391", "It is 391."]
    assert upstream.bodies[0]["tools"][0]["function"]["name"] == "multiply"
    assert [message["role"] for message in upstream.body["messages"]] == [
        "user",
        "assistant",
        "tool",
    ]


def error(text: str) -> dict[str, Any]:
    return {"error": {"message": text}}


@pytest.mark.parametrize(
    ("answer", "status", "kind", "text"),
    [
        ((500, error("out of memory"), {}), 500, SegmindServerError, "of memory"),
        ((503, {"error": "loading model"}, {}), 503, SegmindServerError, "loading model"),
        ((502, b"<html>Bad Gateway</html>", {}), 502, SegmindServerError, "Bad Gateway"),
        ((400, error("no such role"), {}), 400, SegmindInvalidRequestError, "role"),
        ((422, {"detail": "odd"}, {}), 400, SegmindInvalidRequestError, "odd"),
        (
            (400, error("maximum context length is 4096 tokens"), {}),
            400,
            SegmindContextOverflowError,
            "4096",
        ),
        (
            (404, error("model 'llama3.2' not found, try pulling it first"), {}),
            404,
            SegmindModelNotFoundError,
            "try pulling it",
        ),
        ((401, error("bad key"), {}), 502, SegmindServerError, "401: bad key"),
        ((302, b"", {"Location": "http://127.0.0.1:9/"}), 502, SegmindServerError, "302"),
        ((200, b"", {}), 502, SegmindServerError, "no completion"),
        ((200, b"<html>", {}), 502, SegmindServerError, "<html>"),
        ((200, {"choices": []}, {}), 502, SegmindServerError, "no choice"),
        ((200, {"error": "odd"}, {}), 502, SegmindServerError, "odd"),
        ((200, HANG_UP, {}), 502, SegmindServerError, "gave no answer"),
        ((429, error("slow down"), {"Retry-After": "7"}), 429, SegmindRateLimitError, "slow"),
    ],
)
def test_upstream_error_is_passed_on_and_not_billed(
    gateway: LocalGateway,
    upstream: Upstream,
    *,
    answer: Any,
    status: int,
    kind: type[SegmindError],
    text: str,
) -> None:
    upstream.reply(answer)
    with build(gateway, max_retries=0) as model, pytest.raises(kind, match=text) as caught:
        model.invoke("Hi")
    assert caught.value.status_code == status
    assert caught.value.retry_after == (7 if status == 429 else None)
    assert (gateway.executions, gateway.credits, len(upstream.bodies)) == (0, 10.0, 1)


def test_silent_upstream_is_given_up_with_504(upstream: Upstream) -> None:
    upstream.reply((200, SILENCE, {}))
    assert_fails(upstream.url, 504, r"did not answer within 0\.05 s", timeout=0.05)


def test_upstream_that_does_not_run_is_named() -> None:
    assert_fails("http://127.0.0.1:9/v1", 502, r"127\.0\.0\.1:9/v1.*refused.*Does it run")


def test_wrong_upstream_address_is_not_a_missing_model(upstream: Upstream) -> None:
    assert_fails(upstream.url.removesuffix("/v1"), 502, "404 page not found")


def assert_fails(url: str, status: int, text: str, **more: Any) -> None:
    responder = OpenAICompatibleModel(url, **more)
    with (
        LocalGateway(responder=responder) as gateway,
        build(gateway, max_retries=0) as model,
        pytest.raises(SegmindServerError, match=text) as caught,
    ):
        model.invoke("Hi")
    assert (caught.value.status_code, len(gateway.requests)) == (status, 1)


def test_media_is_refused_by_name_when_upstream_does_not_take_it(
    gateway: LocalGateway, upstream: Upstream
) -> None:
    film = {"type": "video", "base64": "AAAA", "mime_type": "video/mp4"}
    with (
        build(gateway, "gemini-2.5-flash") as model,
        pytest.raises(SegmindInvalidRequestError, match="video/mp4"),
    ):
        model.invoke([HumanMessage([{"type": "text", "text": "Look"}, film])])
    assert upstream.bodies == []


def test_upstream_gets_its_own_key_and_not_the_gateways(upstream: Upstream) -> None:
    responder = OpenAICompatibleModel(upstream.url, api_key="sk-there")
    with LocalGateway(responder=responder) as gateway, build(gateway) as model:
        model.invoke("Hi")
        assert upstream.headers[-1]["authorization"] == "Bearer sk-there"
        assert gateway.api_key not in str(upstream.headers)
    assert upstream.body["model"] == "gpt-4o"


@pytest.mark.parametrize(
    "url", ["127.0.0.1:11434", "ftp://here/v1", "http://", "http://me:it@here/v1", "http://a/v1?b"]
)
def test_upstream_address_is_refused_when_malformed(url: str) -> None:
    with pytest.raises(ValueError, match="http://127"):
        OpenAICompatibleModel(url)
