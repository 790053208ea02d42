"""The local gateway over real HTTP, asked by clients that know nothing of ours."""

import asyncio
import base64
import gc
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Protocol

import aiohttp
import pytest
import requests

from langchain_segmind import ChatSegmind
from langchain_segmind.testing import (
    Call,
    EchoModel,
    LocalGateway,
    LoggedRequest,
    ModelRequest,
    Reply,
    ScriptedModel,
    Usage,
    live_or_local,
)

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def gateway() -> Iterator[LocalGateway]:
    with LocalGateway() as running:
        yield running


@pytest.fixture
def proxy_that_must_not_be_used(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Name a proxy in the environment, and have the test fail if anybody connects to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
            monkeypatch.setenv(name.lower(), proxy)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


class Listening(Protocol):
    """A gateway, or a process that plays one."""

    @property
    def base_url(self) -> str: ...
    @property
    def api_key(self) -> str: ...


@dataclass
class Process:
    """The gateway run as a process."""

    running: subprocess.Popen[str]
    base_url: str
    api_key: str
    said: str


def post(
    gateway: Listening,
    body: Any = None,
    *,
    slug: str = "gpt-4o",
    session: requests.Session | None = None,
    **headers: str,
) -> requests.Response:
    """Post a body the way a plain client would; keyword headers are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = body if isinstance(body, bytes) else json.dumps(HELLO if body is None else body)
    usual = {"x-api-key": gateway.api_key, "Content-Type": "application/json"}
    how = session or requests
    return how.post(f"{gateway.base_url}/{slug}", data=sent, headers=usual | named, timeout=10)


def root(gateway: LocalGateway) -> str:
    return gateway.base_url.removesuffix("/v1")


def text_of(response: requests.Response) -> str:
    assert response.status_code == 200, response.text
    text: str = response.json()["choices"][0]["message"]["content"]
    return text


def test_repeats_a_plain_question(gateway: LocalGateway) -> None:
    question = [{"role": "user", "content": "What is the capital of France?"}]
    assert text_of(post(gateway, {"messages": question})) == (
        "[local stand-in] What is the capital of France?"
    )


def test_says_in_headers_what_a_call_cost(gateway: LocalGateway) -> None:
    response = post(gateway)
    cost = float(response.headers["x-cost"])
    assert 0 < cost < 0.01
    assert float(response.headers["x-remaining-credits"]) == pytest.approx(10 - cost)
    assert gateway.credits == pytest.approx(10 - cost)
    assert float(response.headers["x-generation-time"]) >= 0
    assert response.headers["x-request-id"]
    assert response.headers["Date"]


def test_logs_every_request_in_order(gateway: LocalGateway) -> None:
    post(gateway)
    requests.get(f"{gateway.base_url}/get-user-credits", timeout=10)
    post(gateway, b"{", slug="claude-4-sonnet")
    first, second, third = gateway.requests
    assert (first.method, first.path, first.slug) == ("POST", "/v1/gpt-4o", "gpt-4o")
    assert (first.status, first.executed, first.body) == (200, True, HELLO)
    assert first.headers["x-api-key"] == gateway.api_key
    assert (second.status, second.slug, second.executed) == (401, None, False)
    assert (third.status, third.body, third.raw) == (400, None, b"{")


def test_a_logged_request_does_not_show_the_key(gateway: LocalGateway) -> None:
    post(gateway)
    assert gateway.api_key not in repr(gateway.requests)


def test_clear_forgets_everything(gateway: LocalGateway) -> None:
    gateway.fail(500, times=3)
    post(gateway)
    gateway.reply("never said")
    gateway.clear()
    assert gateway.requests == []
    assert text_of(post(gateway)).endswith("Hello")
    gateway.clear()
    assert (gateway.executions, gateway.credits) == (0, 10.0)


def test_shows_the_balance(gateway: LocalGateway) -> None:
    key = {"x-api-key": gateway.api_key}
    response = requests.get(f"{gateway.base_url}/get-user-credits", headers=key, timeout=10)
    assert response.json() == {"credits": 10.0, "free-credits": 0.0}


def test_shows_the_catalogue_without_a_key() -> None:
    with LocalGateway(models=["brand-new"], retired=["gpt-4"]) as gateway:
        url = f"{root(gateway)}/inference-model-information/list"
        document = requests.get(url, timeout=10).json()
    entries = document["Inference Segmind Model Information List With Details"]
    by_slug = {entry["slug"]: entry for entry in entries}
    assert by_slug["brand-new"]["type"] == "textToText"
    assert by_slug["gpt-4"]["is_depreciated"]
    assert not by_slug["gpt-4o"]["is_depreciated"]
    assert {entry["type"] for entry in entries} > {"textToText"}
    assert set(entries[0]) == {"slug", "title", "type", "description", "is_depreciated"}


class TestRefusals:
    """What the real gateway refuses, this one refuses; and nothing refused is billed."""

    @pytest.fixture(autouse=True)
    def _nothing_is_billed(self, gateway: LocalGateway) -> Iterator[None]:
        yield
        assert gateway.executions == 0
        assert gateway.credits == 10.0

    def test_a_missing_key(self, gateway: LocalGateway) -> None:
        response = requests.post(f"{gateway.base_url}/gpt-4o", json=HELLO, timeout=10)
        assert response.status_code == 401
        assert response.json() == {"error": "Missing Authorization or x-api-key in header"}

    def test_a_wrong_key(self, gateway: LocalGateway) -> None:
        response = post(gateway, x_api_key="SG_wrong")
        assert response.status_code == 401
        body = response.json()
        assert body["status_code"] == 401
        assert "API key is invalid or may have expired" in body["error_description"]

    def test_a_bearer_token(self, gateway: LocalGateway) -> None:
        headers = {"Authorization": f"Bearer {gateway.api_key}"}
        url = f"{gateway.base_url}/gpt-4o"
        assert requests.post(url, json=HELLO, headers=headers, timeout=10).status_code == 401

    def test_another_content_type(self, gateway: LocalGateway) -> None:
        response = post(gateway, Content_Type="text/plain")
        assert (response.status_code, response.json()["error"]) == (406, "Invalid content type")

    def test_a_charset_is_no_other_content_type(self, gateway: LocalGateway) -> None:
        assert post(gateway, {}, Content_Type="application/json; charset=utf-8").status_code == 400

    def test_an_unknown_slug(self, gateway: LocalGateway) -> None:
        response = post(gateway, slug="gpt-99")
        assert response.status_code == 404
        assert "gpt-99" in response.json()["error"]

    @pytest.mark.parametrize(
        ("verb", "path"),
        [
            ("POST", "/v1/chat/completions"),
            ("GET", "/v1/models"),
            ("GET", "/"),
            ("POST", "/v1/"),
            ("GET", "/v1"),
        ],
    )
    def test_an_unknown_path(self, gateway: LocalGateway, verb: str, path: str) -> None:
        response = requests.request(verb, root(gateway) + path, timeout=10)
        assert response.status_code == 404
        assert response.json()["error"]

    @pytest.mark.parametrize(
        ("verb", "path"),
        [
            ("GET", "/v1/gpt-4o"),
            ("PUT", "/v1/gpt-4o"),
            ("POST", "/v1/get-user-credits"),
            ("POST", "/inference-model-information/list"),
        ],
    )
    def test_a_wrong_verb(self, gateway: LocalGateway, verb: str, path: str) -> None:
        response = requests.request(verb, root(gateway) + path, timeout=10)
        assert response.status_code == 405
        assert response.headers["Content-Type"].startswith("text/html")
        assert response.text.startswith("<html>")

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"{",
            b"[]",
            b'"x"',
            b"null",
            b'{"messages": NaN}',
            b'{"messages": [{"role": "user", "content": "\xff"}]}',
            b"[" * 100_000,
        ],
    )
    def test_a_body_that_is_no_json_object(self, gateway: LocalGateway, raw: bytes) -> None:
        assert post(gateway, raw).status_code == 400

    def test_a_body_without_messages(self, gateway: LocalGateway) -> None:
        assert "messages" in post(gateway, {"temperature": 1}).json()["error"]

    def test_a_setting_out_of_range(self, gateway: LocalGateway) -> None:
        response = post(gateway, HELLO | {"temperature": 3})
        assert response.status_code == 406
        assert "temperature" in response.json()["error"]

    def test_a_body_beyond_64_mib(self, gateway: LocalGateway) -> None:
        assert post(gateway, b" " * (64 * 1024 * 1024 + 1)).status_code == 413


def test_a_retired_model_is_gone() -> None:
    with LocalGateway(retired=["gpt-4o"]) as gateway:
        assert post(gateway).status_code == 410


def test_takes_a_large_body(gateway: LocalGateway) -> None:
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20_000_000)).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
    body = {"messages": [{"role": "user", "content": [part]}]}
    assert "(image/png, 20000008 bytes)" in text_of(post(gateway, body))


def test_credits_run_out() -> None:
    with LocalGateway(credits=0.00001) as gateway:
        assert post(gateway).status_code == 200
        response = post(gateway)
        assert (response.status_code, response.json()["error"]) == (406, "Insufficient credits")
        assert gateway.executions == 1
        assert gateway.credits <= 0


def test_tools_and_stream_are_ignored_and_billed(gateway: LocalGateway) -> None:
    body = HELLO | {"tools": [{"type": "function"}], "tool_choice": "required", "stream": True}
    assert text_of(post(gateway, body)).endswith("Hello")
    assert gateway.executions == 1


def test_some_models_refuse_any_response_format() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    with LocalGateway(refuses_format=["gpt-4"]) as gateway:
        response = post(gateway, HELLO | {"response_format": wanted}, slug="gpt-4")
        assert response.status_code == 400
        assert response.json() == {"error": "response_format is not supported by this model"}
        assert gateway.executions == 0
        assert post(gateway, slug="gpt-4").status_code == 200
        assert post(gateway, HELLO | {"response_format": wanted}).status_code == 200


def test_a_model_may_have_an_odd_output_style() -> None:
    call = {
        "type": "object",
        "properties": {"name": {"enum": ["now"]}, "arguments": {"type": "object"}},
        "required": ["name", "arguments"],
    }
    schema = {
        "type": "object",
        "properties": {"say": {"type": "string"}, "calls": {"type": "array", "items": call}},
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    said = [{"role": "user", "content": "What is it now?"}]
    with LocalGateway(responder=EchoModel(output_style="bare")) as gateway:
        text = text_of(post(gateway, {"messages": said, "response_format": wanted}))
    assert json.loads(text) == {"name": "now", "arguments": {}}


ADD = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}


def with_tools(slug: str, *rounds: tuple[Any, str]) -> dict[str, Any]:
    """Write *add 3 and 4* with a tool, and what was replied and resulted so far."""
    spec = {"name": "add", "description": "Add two integers."}
    if slug.startswith("gemini"):
        contents: list[Any] = [{"role": "user", "parts": [{"text": "add 3 and 4"}]}]
        for reply, result in rounds:
            told = {"name": "add", "response": {"result": result}}
            contents += [reply, {"role": "user", "parts": [{"functionResponse": told}]}]
        declared = [{"functionDeclarations": [{**spec, "parameters": ADD}]}]
        return {"messages": {"contents": contents}, "tools": declared}
    messages: list[Any] = [{"role": "user", "content": "add 3 and 4"}]
    if slug.startswith("claude"):
        for reply, result in rounds:
            ids = [block["id"] for block in reply if block["type"] == "tool_use"]
            told = {"type": "tool_result", "tool_use_id": ids[0], "content": result}
            messages += [{"role": "assistant", "content": reply}]
            messages += [{"role": "user", "content": [told]}]
        return {"messages": messages, "tools": [{**spec, "input_schema": ADD}]}
    for reply, result in rounds:
        call_id = reply["tool_calls"][0]["id"]
        messages += [reply, {"role": "tool", "tool_call_id": call_id, "content": result}]
    functions = [{"type": "function", "function": {**spec, "parameters": ADD}}]
    return {"messages": messages, "tools": functions}


class TestForwardedTools:
    """With the switch, the families' own tool fields work from end to end."""

    @pytest.fixture
    def gateway(self) -> Iterator[LocalGateway]:
        with LocalGateway(forward_tools=True) as running:
            yield running

    def test_openai(self, gateway: LocalGateway) -> None:
        choice = post(gateway, with_tools("gpt-4o")).json()["choices"][0]
        assert choice["finish_reason"] == "tool_calls"
        function = choice["message"]["tool_calls"][0]["function"]
        assert (function["name"], json.loads(function["arguments"])) == ("add", {"a": 3, "b": 4})
        message = choice["message"]
        assert (
            text_of(post(gateway, with_tools("gpt-4o", (message, "7"))))
            == "[local stand-in] add: 7"
        )

    def test_anthropic(self, gateway: LocalGateway) -> None:
        slug = "claude-4.5-sonnet"
        body = post(gateway, with_tools(slug), slug=slug).json()
        assert body["stop_reason"] == "tool_use"
        used = body["content"][-1]
        assert (used["name"], used["input"]) == ("add", {"a": 3, "b": 4})
        body = post(gateway, with_tools(slug, (body["content"], "7")), slug=slug).json()
        assert body["content"] == [{"type": "text", "text": "[local stand-in] add: 7"}]
        assert body["stop_reason"] == "end_turn"

    def test_gemini(self, gateway: LocalGateway) -> None:
        slug = "gemini-2.5-flash"
        candidate = post(gateway, with_tools(slug), slug=slug).json()["candidates"][0]
        assert candidate["finishReason"] == "STOP"
        called = candidate["content"]["parts"][-1]["functionCall"]
        assert called == {"name": "add", "args": {"a": 3, "b": 4}}
        response = post(gateway, with_tools(slug, (candidate["content"], "7")), slug=slug)
        parts = response.json()["candidates"][0]["content"]["parts"]
        assert parts == [{"text": "[local stand-in] add: 7"}]

    @pytest.mark.parametrize("slug", ["gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"])
    def test_malformed_tools_are_refused_and_not_billed(
        self, gateway: LocalGateway, slug: str
    ) -> None:
        assert post(gateway, with_tools(slug) | {"tools": [{}]}, slug=slug).status_code == 400
        assert gateway.executions == 0


def test_a_script_may_call_tools_natively_at_any_gateway(gateway: LocalGateway) -> None:
    gateway.reply(Reply(calls=(Call("add", {"a": "é"}, id="c1"),)))
    choice = post(gateway).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["id"] == "c1"
    assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"]) == {"a": "é"}


def test_gemini_refuses_references_in_a_schema(gateway: LocalGateway) -> None:
    schema = {"$ref": "#/$defs/x", "$defs": {"x": {"type": "object"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    body = {"prompt": "Hi", "response_format": wanted}
    response = post(gateway, body, slug="gemini-2.5-flash")
    assert response.status_code == 400
    assert "$ref is not supported" in response.json()["error"]
    assert gateway.executions == 0


def test_gives_as_many_choices_as_asked_for(gateway: LocalGateway) -> None:
    assert len(post(gateway, HELLO | {"n": 3}).json()["choices"]) == 3


def test_stop_sequences_are_honoured_only_on_request() -> None:
    body = HELLO | {"stop": "END"}
    with LocalGateway() as gateway:
        gateway.reply("One END two")
        assert text_of(post(gateway, body)) == "One END two"
    with LocalGateway(honor_stop=True) as gateway:
        gateway.reply("One END two")
        assert text_of(post(gateway, body)) == "One "


def test_a_scripted_model_plays_its_list_and_then_fails() -> None:
    responder = ScriptedModel(["One", Reply("Two", finish_reason="length", usage=Usage(7, 8))])
    with LocalGateway(responder=responder) as gateway:
        assert text_of(post(gateway)) == "One"
        second = post(gateway).json()
        assert second["choices"][0]["finish_reason"] == "length"
        assert second["usage"]["total_tokens"] == 15
        third = post(gateway)
        assert third.status_code == 500
        assert "the script is used up" in third.json()["error"]
        assert gateway.executions == 2
    assert [request.turns[0].text for request in responder.requests] == ["Hello"] * 3


def test_replies_come_before_the_responder(gateway: LocalGateway) -> None:
    gateway.reply("First", Reply("Second"))
    assert [text_of(post(gateway)) for _ in range(2)] == ["First", "Second"]
    assert text_of(post(gateway)).endswith("Hello")


def test_a_failing_responder_is_a_500_and_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def respond(self, request: ModelRequest) -> Reply:
            raise KeyError(request.slug)

    with LocalGateway(responder=Broken()) as gateway:
        response = post(gateway)
        assert response.status_code == 500
        assert "KeyError" in response.json()["error"]
        assert gateway.executions == 0
    assert "KeyError" in caplog.text


def test_a_reply_may_be_anything_at_all(gateway: LocalGateway) -> None:
    gateway.reply(Reply(body={"error": "under 200"}, headers={"x-cost": None, "x-more": "1"}))
    response = post(gateway)
    assert (response.status_code, response.json()) == (200, {"error": "under 200"})
    assert "x-cost" not in response.headers
    assert response.headers["x-more"] == "1"
    gateway.reply(Reply(body=b""), Reply(status=503))
    assert post(gateway).content == b""
    assert post(gateway).status_code == 503
    assert gateway.executions == 2


class TestFailures:
    """Errors on demand."""

    def test_happen_so_many_times_and_then_no_more(self, gateway: LocalGateway) -> None:
        gateway.fail(status=500, times=2)
        assert [post(gateway).status_code for _ in range(3)] == [500, 500, 200]
        assert gateway.executions == 1

    def test_queue_up(self, gateway: LocalGateway) -> None:
        gateway.fail(503)
        gateway.fail(429)
        assert [post(gateway).status_code for _ in range(3)] == [503, 429, 200]

    def test_may_be_for_one_model_only(self, gateway: LocalGateway) -> None:
        gateway.fail(500, slug="gpt-5")
        assert post(gateway).status_code == 200
        assert post(gateway, slug="gpt-5").status_code == 500

    def test_spare_the_balance_and_the_unauthorised(self, gateway: LocalGateway) -> None:
        gateway.fail(500)
        key = {"x-api-key": gateway.api_key}
        url = f"{gateway.base_url}/get-user-credits"
        assert requests.get(url, headers=key, timeout=10).status_code == 200
        assert post(gateway, x_api_key="wrong").status_code == 401
        assert post(gateway).status_code == 500

    def test_a_429_says_when_to_come_back(self, gateway: LocalGateway) -> None:
        gateway.fail(429)
        stamp = post(gateway).headers["x-rate-limit-reset-at-utc"]
        ahead = datetime.fromisoformat(stamp.replace("Z", "+00:00")) - datetime.now(timezone.utc)
        assert -5 < ahead.total_seconds() <= 1

    def test_take_headers_and_bodies(self, gateway: LocalGateway) -> None:
        gateway.fail(429, headers={"Retry-After": "3"}, body={"detail": "slow down"})
        response = post(gateway)
        assert response.headers["Retry-After"] == "3"
        assert "x-rate-limit-reset-at-utc" not in response.headers
        assert response.json() == {"detail": "slow down"}

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [("<p>no</p>", "text/html"), ("no", "text/plain"), (b"\x00", "application/octet-stream")],
    )
    def test_take_any_body(self, gateway: LocalGateway, body: Any, content_type: str) -> None:
        gateway.fail(500, body=body)
        response = post(gateway)
        assert response.headers["Content-Type"].startswith(content_type)
        assert response.content == (body if isinstance(body, bytes) else body.encode())

    @pytest.mark.parametrize("status", [405, 502, 503, 504])
    def test_of_the_front_server_are_html(self, gateway: LocalGateway, status: int) -> None:
        gateway.fail(status)
        assert post(gateway).text.startswith("<html>")

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 410, 429, 500])
    def test_of_the_gateway_are_json(self, gateway: LocalGateway, status: int) -> None:
        gateway.fail(status)
        assert post(gateway).json()["error"]

    def test_may_follow_a_run_that_was_billed(self, gateway: LocalGateway) -> None:
        gateway.fail(502, after_run=True)
        assert post(gateway).status_code == 502
        assert gateway.executions == 1
        assert gateway.credits < 10
        assert gateway.requests[0].executed

    def test_after_a_run_wait_for_a_run(self, gateway: LocalGateway) -> None:
        gateway.fail(502, after_run=True)
        assert post(gateway, {}).status_code == 400
        assert post(gateway).status_code == 502

    @pytest.mark.parametrize(("drop", "runs"), [("before_run", 0), ("after_run", 1)])
    def test_may_drop_the_connection(self, gateway: LocalGateway, drop: Any, runs: int) -> None:
        gateway.fail(drop=drop)
        with pytest.raises(requests.ConnectionError):
            post(gateway)
        assert gateway.executions == runs
        assert gateway.requests[0].status is None
        assert post(gateway).status_code == 200

    def test_may_cut_an_answer_short(self, gateway: LocalGateway) -> None:
        gateway.fail(drop="mid_reply")
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            post(gateway)
        assert gateway.executions == 1
        assert post(gateway).status_code == 200

    @pytest.mark.parametrize("bad", [{"times": 0}, {"status": 42}, {"drop": "now"}])
    def test_that_make_no_sense_are_refused(self, gateway: LocalGateway, bad: Any) -> None:
        with pytest.raises(ValueError, match=next(iter(bad))):
            gateway.fail(**bad)


PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()
VENDOR_BODIES: dict[str, dict[str, Any]] = {
    "gpt-4o": {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this picture?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}},
                ],
            },
        ]
    },
    "claude-4.5-sonnet": {
        "instruction": "Be brief.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this picture?"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": PICTURE},
                    },
                ],
            }
        ],
    },
    "gemini-2.5-flash": {
        "messages": {
            "system_instruction": {"parts": {"text": "Be brief."}},
            "contents": [
                {
                    "role": "user",
                    "parts": [
                        {"text": "What is this picture?"},
                        {"inlineData": {"mimeType": "image/png", "data": PICTURE}},
                    ],
                }
            ],
        }
    },
}


@pytest.mark.parametrize("slug", VENDOR_BODIES)
def test_the_vendors_own_client_gets_its_answer(gateway: LocalGateway, slug: str) -> None:
    segmind = pytest.importorskip("segmind")
    client = segmind.SegmindClient(api_key=gateway.api_key, base_url=gateway.base_url)
    http = vars(client)["_client"]  # the vendor's client has no close() of its own
    with http:
        response = client.chat_sync(slug, **VENDOR_BODIES[slug], max_tokens=50)
        assert response.text.endswith("What is this picture? (image/png, 24 bytes)")
        assert response.usage
        assert response.finish_reason in {"stop", "end_turn", "STOP"}
        with pytest.raises(segmind.exceptions.SegmindError) as caught:
            client.chat_sync("no-such-model", prompt="Hi")
    assert caught.value.status == 404


async def test_runs_overlap_inside_one_event_loop() -> None:
    async with LocalGateway(latency=0.2) as gateway:
        headers = {"x-api-key": gateway.api_key}
        async with aiohttp.ClientSession(headers=headers) as session:

            async def ask() -> int:
                async with session.post(f"{gateway.base_url}/gpt-4o", json=HELLO) as response:
                    return response.status

            began = time.monotonic()
            assert await asyncio.gather(*(ask() for _ in range(50))) == [200] * 50
            assert time.monotonic() - began < 50 * 0.2 / 2  # one after another: ten seconds
        assert gateway.executions == 50


def test_serves_many_threads(gateway: LocalGateway) -> None:
    def ask(number: int) -> str:
        said = [{"role": "user", "content": f"N{number}"}]
        return text_of(post(gateway, {"messages": said}))

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(64))) == [
            f"[local stand-in] N{number}" for number in range(64)
        ]
    assert gateway.executions == len(gateway.requests) == 64


def test_connections_can_be_counted(gateway: LocalGateway, session: requests.Session) -> None:
    for _ in range(3):
        post(gateway, session=session)
    post(gateway)
    first, second, third, other = (request.connection for request in gateway.requests)
    assert first == second == third != other


def test_several_gateways_run_at_once() -> None:
    with LocalGateway() as one, LocalGateway(api_key="SG_other") as two:
        assert one.base_url != two.base_url
        assert post(one).status_code == post(two).status_code == 200
        assert len(one.requests) == len(two.requests) == 1


def test_a_taken_port_is_an_error_that_names_it(gateway: LocalGateway) -> None:
    port = int(re.findall(r"\d+", gateway.base_url)[-2])
    with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
        LocalGateway(port=port).start()


def test_cannot_start_twice_and_may_stop_twice() -> None:
    gateway = LocalGateway()
    with pytest.raises(RuntimeError, match="start"):
        _ = gateway.base_url
    gateway.start()
    with pytest.raises(RuntimeError, match="running"):
        gateway.start()
    gateway.stop()
    gateway.stop()
    gateway.start()
    assert post(gateway).status_code == 200
    gateway.stop()


def test_stops_while_connections_idle_and_leaves_nothing(session: requests.Session) -> None:
    before = threading.active_count()
    with LocalGateway() as gateway:
        post(gateway, session=session)
        with socket.create_connection(("127.0.0.1", int(gateway.base_url.split(":")[2][:-3]))):
            began = time.monotonic()
            gateway.stop()
            assert time.monotonic() - began < 2  # an idle connection would be waited for a minute
    assert threading.active_count() == before
    with pytest.raises(requests.ConnectionError):
        post(gateway)


def test_leaves_no_socket_of_a_client_that_knocked_last() -> None:
    for _ in range(20):
        with LocalGateway() as gateway:
            port = int(gateway.base_url.split(":")[2].removesuffix("/v1"))
            knocking = socket.create_connection(("127.0.0.1", port))
        knocking.close()
    gc.collect()  # a leak would now warn, and fail this test


def test_stops_while_a_model_runs() -> None:
    gateway = LocalGateway(latency=60)
    gateway.start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, gateway)
        while not gateway.executions:
            time.sleep(0.01)
        gateway.stop()
        assert isinstance(asked.exception(), requests.ConnectionError)


def test_the_log_may_be_bounded_and_watched() -> None:
    seen: list[LoggedRequest] = []
    with LocalGateway(keep=2, watch=seen.append) as gateway:
        for _ in range(3):
            post(gateway)
        assert len(gateway.requests) == 2
        post(gateway, x_api_key="wrong")
    assert [request.status for request in seen] == [200, 200, 200, 401]
    assert [bool(request.error) for request in seen] == [False, False, False, True]


@pytest.fixture
def process() -> Iterator[Process]:
    command = [sys.executable, "-m", "langchain_segmind.testing", "--port", "0", "--latency", "0"]
    environment = os.environ | {"SEGMIND_API_KEY": "SG_very_secret", "PYTHONWARNINGS": "error"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        lines: list[str] = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(running.stdout.readline())
            assert lines[-1], running.communicate()
        found = re.search(r"base url +(\S+)\s+api key +(\S+)", "".join(lines))
        assert found is not None
        yield Process(running, found[1], found[2], "".join(lines))
        running.kill()


def test_runs_as_a_process(process: Process) -> None:
    assert post(process).status_code == 200
    process.running.send_signal(signal.SIGINT)
    out, err = process.running.communicate(timeout=10)
    assert process.running.returncode == 0
    assert out.splitlines() == ['POST /v1/gpt-4o "Hello" -> 200, billed', "Stopped."]
    assert err == ""
    assert "SG_very_secret" not in process.said + out


def test_a_process_on_a_taken_port_says_so(gateway: LocalGateway) -> None:
    port = re.findall(r"\d+", gateway.base_url)[-2]
    command = [sys.executable, "-m", "langchain_segmind.testing", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


class TestCommands:
    """A program that knows nothing of it, run with a gateway of its own."""

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "langchain_segmind.testing", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def test_find_the_gateway_in_their_environment(self) -> None:
        program = (
            "from langchain_segmind import ChatSegmind\n"
            "print(ChatSegmind(model='gpt-4o').invoke('Hello').text)"
        )
        done = self.run("--", sys.executable, "-c", program)
        assert done.stdout.splitlines()[-1] == "[local stand-in] Hello"
        assert (done.returncode, done.stderr) == (0, "")

    def test_are_watched_on_request(self) -> None:
        program = (
            "from langchain_segmind import ChatSegmind\nChatSegmind(model='gpt-4o').get_credits()"
        )
        done = self.run("--log", "--", sys.executable, "-c", program)
        assert done.stderr == "GET /v1/get-user-credits -> 200\n"

    @pytest.mark.parametrize(
        ("code", "expected"),
        [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)],
    )
    def test_pass_their_exit_code_on(self, code: str, expected: int) -> None:
        assert self.run("--", sys.executable, "-c", code).returncode == expected

    def test_that_do_not_exist_are_named(self) -> None:
        done = self.run("--", "no-such-program")
        assert done.returncode == 1
        assert "no-such-program: No such file" in done.stderr

    @pytest.mark.parametrize("arguments", [("--upstream", "nowhere"), ("--upstream", "ftp://x")])
    def test_a_wrong_upstream_address_is_an_error_of_one_line(
        self, arguments: tuple[str, ...]
    ) -> None:
        done = self.run(*arguments)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


@pytest.mark.parametrize("queue", [False, True])
def test_is_reached_without_a_proxy_of_the_environment(
    gateway: LocalGateway, proxy_that_must_not_be_used: None, queue: bool
) -> None:
    model = ChatSegmind(
        model="claude-4.5-sonnet",
        base_url=gateway.base_url,
        api_key=gateway.api_key,
        queue=queue,
        poll_interval=0.01,
        timeout=10,
    )
    question = "Hello"

    async def ask() -> str:
        async with model:
            return (await model.ainvoke(question)).text

    assert model.invoke(question).text == "[local stand-in] Hello"
    assert asyncio.run(ask()) == "[local stand-in] Hello"
    assert gateway.executions == 2


class TestLiveOrLocal:
    """A block of a program that runs with a key and without one."""

    def ask(self) -> str:
        return ChatSegmind(model="gpt-4o").invoke("Hello").text

    def test_without_a_key_the_calls_go_to_a_gateway_with_the_settings_given(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
        monkeypatch.setenv("SEGMIND_API_BASE", "https://elsewhere.invalid/v1")

        with live_or_local(credits=3.0) as local:
            assert local is not None
            assert local.credits == 3.0
            assert self.ask() == "[local stand-in] Hello"
            assert local.executions == 1

        assert "SEGMIND_API_KEY" not in os.environ
        assert os.environ["SEGMIND_API_BASE"] == "https://elsewhere.invalid/v1"
        assert capsys.readouterr().out.startswith("No SEGMIND_API_KEY:")

    def test_without_a_key_they_pass_by_a_proxy_of_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, proxy_that_must_not_be_used: None
    ) -> None:
        monkeypatch.delenv("SEGMIND_API_KEY", raising=False)

        with live_or_local() as local:
            assert local is not None
            assert self.ask() == "[local stand-in] Hello"
            assert local.executions == 1

    def test_with_a_key_they_go_where_the_environment_says(
        self,
        gateway: LocalGateway,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("SEGMIND_API_KEY", gateway.api_key)
        monkeypatch.setenv("SEGMIND_API_BASE", gateway.base_url)

        with live_or_local(credits=0.0) as local:
            assert local is None
            assert self.ask() == "[local stand-in] Hello"

        assert gateway.executions == 1
        said = capsys.readouterr().out
        assert gateway.base_url in said
        assert gateway.api_key not in said

    def test_the_environment_is_put_back_after_an_error(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
        monkeypatch.delenv("SEGMIND_API_BASE", raising=False)

        with pytest.raises(KeyError, match="mine"), live_or_local():
            raise KeyError("mine")

        assert "SEGMIND_API_BASE" not in os.environ
