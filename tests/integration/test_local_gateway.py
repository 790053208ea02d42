"""The local gateway over real HTTP, asked by clients that know nothing of ours."""

import asyncio
import base64
import gc
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import aiohttp
import pytest
import requests

from langchain_segmind.testing import (
    Call,
    LocalGateway,
    LoggedRequest,
    ModelRequest,
    Reply,
    ScriptedModel,
    Usage,
)
from tests.integration.local_clients import (
    HELLO,
    post,
    request,
    root,
    text_of,
    user,
    vendors_client,
)
from tests.integration.processes import wait_until

CATALOG = "/inference-model-information/list"
SLUGS = ["gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"]


def json_schema(schema: Any) -> dict[str, Any]:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    return {"response_format": wanted}


def test_headers_show_what_a_call_costs(gateway: LocalGateway) -> None:
    response = post(gateway, user("What is the capital of France?"))
    assert text_of(response) == "[local stand-in] What is the capital of France?"
    cost = float(response.headers["x-cost"])
    assert 0 < cost < 0.01
    assert float(response.headers["x-remaining-credits"]) == pytest.approx(10 - cost)
    assert gateway.credits == pytest.approx(10 - cost)
    assert float(response.headers["x-generation-time"]) >= 0
    assert response.headers["x-request-id"]
    assert response.headers["Date"]


def test_log_holds_every_request_in_order(gateway: LocalGateway) -> None:
    post(gateway)
    requests.get(f"{gateway.base_url}/get-user-credits", timeout=60)
    post(gateway, b"{", "claude-4-sonnet")
    first, second, third = gateway.requests
    assert (first.method, first.path, first.slug) == ("POST", "/v1/gpt-4o", "gpt-4o")
    assert (first.status, first.executed, first.body) == (200, True, HELLO)
    assert first.headers["x-api-key"] == gateway.api_key
    assert (second.status, second.slug, second.executed) == (401, None, False)
    assert (third.status, third.body, third.raw) == (400, None, b"{")
    assert gateway.api_key not in repr(gateway.requests)


def test_log_is_bounded_and_watched_on_request() -> None:
    seen: list[LoggedRequest] = []
    with LocalGateway(keep=2, watch=seen.append) as gateway:
        for _ in range(3):
            post(gateway)
        assert len(gateway.requests) == 2
        post(gateway, x_api_key="wrong")
    assert [logged.status for logged in seen] == [200, 200, 200, 401]
    assert [bool(logged.error) for logged in seen] == [False, False, False, True]


def test_log_identifies_connections(gateway: LocalGateway) -> None:
    with requests.Session() as session:
        for _ in range(3):
            post(gateway, session=session)
    post(gateway)
    first, second, third, other = (logged.connection for logged in gateway.requests)
    assert first == second == third != other


def test_clear_forgets_everything(gateway: LocalGateway) -> None:
    gateway.fail(500, times=3)
    post(gateway)
    gateway.reply("never sent")
    gateway.clear()
    assert gateway.requests == []
    assert text_of(post(gateway)).endswith("Hello")
    gateway.clear()
    assert (gateway.executions, gateway.credits) == (0, 10.0)


def test_what_was_scripted_and_not_used_is_listed(gateway: LocalGateway) -> None:
    call = Reply(calls=[Call("add"), Call("multiply")])
    gateway.reply("Paris.", call, "Lyon. " * 20)
    gateway.fail(drop="mid_reply", on="result")
    gateway.fail(status=429, times=2, slug="gpt-4o")
    gateway.fail_job("out of memory", slug="gpt-5")
    assert post(gateway, HELLO).status_code == 429

    assert gateway.unused == [
        "reply('Paris.')",
        "reply(Call('add'), Call('multiply'))",
        "reply('" + ("Lyon. " * 20)[:59] + "…)",
        "fail(drop='mid_reply', on='result')",
        "fail_job(slug='gpt-5')",
    ]
    gateway.clear()
    assert gateway.unused == []


def test_balance_is_shown(gateway: LocalGateway) -> None:
    response = request(gateway, "GET", "/v1/get-user-credits")
    assert response.json() == {"credits": 10.0, "free-credits": 0.0}


def test_catalog_is_shown_without_a_key() -> None:
    with LocalGateway(models=["brand-new"], retired=["gpt-4"]) as gateway:
        document = requests.get(root(gateway) + CATALOG, timeout=60).json()
    entries = document["Inference Segmind Model Information List With Details"]
    by_slug = {entry["slug"]: entry for entry in entries}
    assert by_slug["brand-new"]["type"] == "textToText"
    assert by_slug["gpt-4"]["is_depreciated"]
    assert not by_slug["gpt-4o"]["is_depreciated"]
    assert {entry["type"] for entry in entries} > {"textToText"}
    assert set(entries[0]) == {"slug", "title", "type", "description", "is_depreciated"}


@pytest.fixture(params=[1, 2], ids=["call", "submit"])
def version(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


class TestRefusals:
    """What the real gateway refuses, this one refuses, unbilled and without a job."""

    @pytest.fixture(autouse=True)
    def _nothing_is_billed(self, gateway: LocalGateway) -> Iterator[None]:
        yield
        assert (gateway.executions, gateway.credits, gateway.jobs) == (0, 10.0, [])

    def test_missing_or_wrong_key_is_refused(self, gateway: LocalGateway, version: int) -> None:
        url = f"{root(gateway)}/v{version}/gpt-4o"
        response = requests.post(url, json=HELLO, timeout=60)
        missing = "Missing Authorization or x-api-key in header"
        assert (response.status_code, response.json()) == (401, {"error": missing})
        bearer = {"Authorization": f"Bearer {gateway.api_key}"}
        assert requests.post(url, json=HELLO, headers=bearer, timeout=60).status_code == 401
        response = post(gateway, version=version, x_api_key="SG_wrong")
        body = response.json()
        assert (response.status_code, body["status_code"]) == (401, 401)
        assert "API key is invalid or may have expired" in body["error_description"]

    @pytest.mark.parametrize(
        ("body", "how", "status", "text"),
        [
            (None, {"Content_Type": "text/plain"}, 406, "Invalid content type"),
            ({}, {"Content_Type": "application/json; charset=utf-8"}, 400, "messages"),
            ({}, {"slug": "gpt-99"}, 404, "gpt-99"),
            (None, {"slug": "requests"}, 404, "requests"),
            (None, {"slug": "gemini-2.5-flash"}, 400, "messages: expected an object"),
            ({"temperature": 1}, {}, 400, "messages"),
            (HELLO | {"temperature": 3}, {}, 406, "temperature"),
            (b" " * (64 * 1024 * 1024 + 1), {}, 413, "too large"),
            (b"", {}, 400, "Invalid JSON"),
            (b"{", {}, 400, "Invalid JSON"),
            (b"[]", {}, 400, "object"),
            (b'"x"', {}, 400, "object"),
            (b"null", {}, 400, "object"),
            (b'{"messages": NaN}', {}, 400, "NaN"),
            (b'{"messages": [{"role": "user", "content": "\xff"}]}', {}, 400, "Invalid JSON"),
            (b"[" * 100_000, {}, 400, "Invalid JSON"),
        ],
        ids=range(16),
    )
    def test_call_or_submit_is_refused_with_its_status_and_text(
        self, gateway: LocalGateway, version: int, *, body: Any, how: Any, status: int, text: str
    ) -> None:
        response = post(gateway, body, version=version, **how)
        assert response.status_code == status
        assert text in response.json()["error"]

    @pytest.mark.parametrize(
        "route",
        ["POST /v1/chat/completions", "GET /v1/models", "GET /", "POST /v1/", "GET /v1"],
    )
    def test_path_is_refused_when_it_is_unknown(self, gateway: LocalGateway, route: str) -> None:
        verb, path = route.split()
        response = requests.request(verb, root(gateway) + path, timeout=60)
        assert response.status_code == 404
        assert response.json()["error"]

    @pytest.mark.parametrize(
        "route",
        ["GET /v1/gpt-4o", "PUT /v1/gpt-4o", "POST /v1/get-user-credits", f"POST {CATALOG}"],
    )
    def test_verb_is_refused_with_html_when_the_path_has_another(
        self, gateway: LocalGateway, route: str
    ) -> None:
        verb, path = route.split()
        response = requests.request(verb, root(gateway) + path, timeout=60)
        assert response.status_code == 405
        assert response.headers["Content-Type"].startswith("text/html")
        assert response.text.startswith("<html>")

    def test_references_in_a_schema_are_refused_by_gemini(self, gateway: LocalGateway) -> None:
        schema = {"$ref": "#/$defs/x", "$defs": {"x": {"type": "object"}}}
        response = post(gateway, {"prompt": "Hi", **json_schema(schema)}, "gemini-2.5-flash")
        assert response.status_code == 400
        assert "$ref is not supported" in response.json()["error"]


def test_call_or_submit_is_refused_without_credits_or_when_the_model_is_retired(
    version: int,
) -> None:
    with LocalGateway(credits=0.00001, retired=["o3"]) as gateway:
        assert post(gateway, slug="o3", version=version).status_code == 410
        assert post(gateway, version=version).status_code == 200
        response = post(gateway, version=version)
        assert (response.status_code, response.json()["error"]) == (406, "Insufficient credits")
        assert gateway.executions == 1
        assert gateway.credits <= 0


def test_response_format_is_refused_by_some_models() -> None:
    wanted = HELLO | json_schema({"type": "object"})
    with LocalGateway(refuses_format=["gpt-4"]) as gateway:
        response = post(gateway, wanted, "gpt-4")
        assert response.status_code == 400
        assert response.json() == {"error": "response_format is not supported by this model"}
        assert gateway.executions == 0
        assert post(gateway, slug="gpt-4").status_code == 200
        assert post(gateway, wanted).status_code == 200


def test_large_body_is_accepted(gateway: LocalGateway) -> None:
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20_000_000)).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
    body = {"messages": [{"role": "user", "content": [part]}]}
    assert "(image/png, 20000008 bytes)" in text_of(post(gateway, body))


def test_tools_and_stream_are_ignored_and_billed(gateway: LocalGateway) -> None:
    body = HELLO | {"tools": [{"type": "function"}], "tool_choice": "required", "stream": True}
    assert text_of(post(gateway, body)).endswith("Hello")
    assert gateway.executions == 1


def test_reply_has_as_many_choices_as_the_request_asks_for(gateway: LocalGateway) -> None:
    assert len(post(gateway, HELLO | {"n": 3}).json()["choices"]) == 3


@pytest.mark.parametrize(("honor", "text"), [(False, "One END two"), (True, "One ")])
def test_stop_sequences_are_honored_only_on_request(honor: bool, text: str) -> None:
    with LocalGateway(honor_stop=honor) as gateway:
        gateway.reply("One END two")
        assert text_of(post(gateway, HELLO | {"stop": "END"})) == text


ADD = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}


def with_tools(slug: str, reply: Any = None) -> dict[str, Any]:
    """Write *add 3 and 4* with a tool; after a reply with its result, 7."""
    spec = {"name": "add", "description": "Add two integers."}
    if slug.startswith("gemini"):
        contents: list[Any] = [{"role": "user", "parts": [{"text": "add 3 and 4"}]}]
        if reply:
            held = {"functionResponse": {"name": "add", "response": {"result": "7"}}}
            contents += [reply, {"role": "user", "parts": [held]}]
        declared = [{"functionDeclarations": [{**spec, "parameters": ADD}]}]
        return {"messages": {"contents": contents}, "tools": declared}
    messages: list[Any] = user("add 3 and 4")["messages"]
    if slug.startswith("claude"):
        if reply:
            result = {"type": "tool_result", "tool_use_id": reply[-1]["id"], "content": "7"}
            messages += [{"role": "assistant", "content": reply}]
            messages += [{"role": "user", "content": [result]}]
        return {"messages": messages, "tools": [{**spec, "input_schema": ADD}]}
    if reply:
        call_id = reply["tool_calls"][0]["id"]
        messages += [reply, {"role": "tool", "tool_call_id": call_id, "content": "7"}]
    functions = [{"type": "function", "function": {**spec, "parameters": ADD}}]
    return {"messages": messages, "tools": functions}


def read_call(body: Any) -> tuple[Any, str, tuple[str, Any]]:
    """Read what a later request repeats of a reply, why it ended, and its call."""
    match body:
        case {"choices": [{"message": message, "finish_reason": reason}]}:
            function = message["tool_calls"][0]["function"]
            return message, reason, (function["name"], json.loads(function["arguments"]))
        case {"content": [*_, block] as content, "stop_reason": reason}:
            return content, reason, (block["name"], block["input"])
        case {"candidates": [{"content": content, "finishReason": reason}]}:
            call = content["parts"][-1]["functionCall"]
            return content, reason, (call["name"], call["args"])
    pytest.fail(f"no call in {body}")


@pytest.mark.parametrize(
    ("slug", "reason"), [*zip(SLUGS, ["tool_calls", "tool_use", "STOP"], strict=True)]
)
def test_native_tools_work_from_end_to_end_when_they_are_forwarded(slug: str, reason: str) -> None:
    with LocalGateway(forward_tools=True) as gateway:
        reply, ended, call = read_call(post(gateway, with_tools(slug), slug).json())
        assert (ended, call) == (reason, ("add", {"a": 3, "b": 4}))
        final = post(gateway, with_tools(slug, reply), slug)
        assert text_of(final) == "[local stand-in] add: 7"
        assert slug != SLUGS[1] or final.json()["stop_reason"] == "end_turn"
        billed = gateway.executions
        assert post(gateway, with_tools(slug) | {"tools": [{}]}, slug).status_code == 400
        assert gateway.executions == billed


def test_script_may_call_tools_natively_at_any_gateway(gateway: LocalGateway) -> None:
    gateway.reply(Reply(calls=(Call("add", {"a": "é"}, id="c1"),)))
    message, reason, call = read_call(post(gateway).json())
    assert (reason, call) == ("tool_calls", ("add", {"a": "é"}))
    assert message["tool_calls"][0]["id"] == "c1"


def test_scripted_model_plays_its_list_and_then_fails() -> None:
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
    assert [asked.turns[0].text for asked in responder.requests] == ["Hello"] * 3


def test_replies_come_before_the_responder(gateway: LocalGateway) -> None:
    gateway.reply("First", Reply("Second"))
    assert [text_of(post(gateway)) for _ in range(2)] == ["First", "Second"]
    assert text_of(post(gateway)).endswith("Hello")


def test_value_that_is_not_a_reply_is_rejected_when_it_is_scripted(gateway: LocalGateway) -> None:
    wrong: Any = {"name": "Ada"}

    with pytest.raises(TypeError, match=r"not dict\. For an answer in JSON, pass json\.dumps"):
        gateway.reply("Ada", wrong)
    assert gateway.unused == []


def test_error_names_what_a_responder_returned_instead_of_a_reply() -> None:
    class Five:
        def respond(self, request: ModelRequest) -> Any:
            return 5

    with LocalGateway(responder=Five()) as gateway:
        answer = post(gateway, HELLO)

    assert (answer.status_code, gateway.executions) == (500, 0)
    assert "A reply must be a string, a Call or a Reply, not int." in answer.text


def test_reply_may_be_any_body_status_and_headers(gateway: LocalGateway) -> None:
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

    def test_failures_queue_up_and_end(self, gateway: LocalGateway) -> None:
        gateway.fail(503, times=2)
        gateway.fail(429)
        assert [post(gateway).status_code for _ in range(4)] == [503, 503, 429, 200]
        assert gateway.executions == 1

    def test_failure_hits_one_model_only(self, gateway: LocalGateway) -> None:
        gateway.fail(500, slug="gpt-5")
        assert post(gateway).status_code == 200
        assert post(gateway, slug="gpt-5").status_code == 500

    def test_failure_spares_the_balance_and_requests_without_the_key(
        self, gateway: LocalGateway
    ) -> None:
        gateway.fail(500)
        assert request(gateway, "GET", "/v1/get-user-credits").status_code == 200
        assert post(gateway, x_api_key="wrong").status_code == 401
        assert post(gateway).status_code == 500

    def test_rate_limit_has_the_time_to_try_again(self, gateway: LocalGateway) -> None:
        gateway.fail(429)
        began = datetime.now(timezone.utc)
        stamp = post(gateway).headers["x-rate-limit-reset-at-utc"]
        second = timedelta(seconds=1)
        again = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
        assert began - second < again <= datetime.now(timezone.utc) + second

    def test_failure_has_the_headers_given(self, gateway: LocalGateway) -> None:
        gateway.fail(429, headers={"Retry-After": "3"}, body={"detail": "slow down"})
        response = post(gateway)
        assert response.headers["Retry-After"] == "3"
        assert "x-rate-limit-reset-at-utc" not in response.headers
        assert response.json() == {"detail": "slow down"}

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [("<p>no</p>", "text/html"), ("no", "text/plain"), (b"\x00", "application/octet-stream")],
    )
    def test_failure_has_the_body_given(
        self, gateway: LocalGateway, body: Any, content_type: str
    ) -> None:
        gateway.fail(500, body=body)
        response = post(gateway)
        assert response.headers["Content-Type"].startswith(content_type)
        assert response.content == (body if isinstance(body, bytes) else body.encode())

    @pytest.mark.parametrize("status", [405, 502, 503, 504, 400, 401, 403, 404, 406, 410, 429, 500])
    def test_failure_has_the_real_gateways_body(self, gateway: LocalGateway, status: int) -> None:
        gateway.fail(status)
        response = post(gateway)
        if status in {405, 502, 503, 504}:  # of the server in front of it
            assert response.text.startswith("<html>")
        else:
            assert response.json()["error"]

    def test_failure_after_a_run_waits_for_a_run_and_is_billed(self, gateway: LocalGateway) -> None:
        gateway.fail(502, after_run=True)
        assert post(gateway, {}).status_code == 400
        assert post(gateway).status_code == 502
        assert gateway.executions == 1
        assert gateway.credits < 10
        assert gateway.requests[1].executed

    @pytest.mark.parametrize(("drop", "runs"), [("before_run", 0), ("after_run", 1)])
    def test_connection_is_dropped_on_request(
        self, gateway: LocalGateway, drop: Any, runs: int
    ) -> None:
        gateway.fail(drop=drop)
        with pytest.raises(requests.ConnectionError):
            post(gateway)
        assert gateway.executions == runs
        assert gateway.requests[0].status is None
        assert post(gateway).status_code == 200

    def test_answer_is_cut_short_on_request(self, gateway: LocalGateway) -> None:
        gateway.fail(drop="mid_reply")
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            post(gateway)
        assert gateway.executions == 1
        assert post(gateway).status_code == 200

    @pytest.mark.parametrize("bad", [{"times": 0}, {"status": 42}, {"drop": "now"}])
    def test_failure_is_refused_when_it_makes_no_sense(
        self, gateway: LocalGateway, bad: Any
    ) -> None:
        with pytest.raises(ValueError, match=next(iter(bad))):
            gateway.fail(**bad)


PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()
TEXT = {"type": "text", "text": "What is this picture?"}
URL = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
SOURCE = {"type": "base64", "media_type": "image/png", "data": PICTURE}
INLINE = {"inlineData": {"mimeType": "image/png", "data": PICTURE}}
VENDOR_BODIES: dict[str, dict[str, Any]] = {
    "gpt-4o": {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [TEXT, URL]},
        ]
    },
    "claude-4.5-sonnet": {
        "instruction": "Be brief.",
        "messages": [{"role": "user", "content": [TEXT, {"type": "image", "source": SOURCE}]}],
    },
    "gemini-2.5-flash": {
        "messages": {
            "system_instruction": {"parts": {"text": "Be brief."}},
            "contents": [{"role": "user", "parts": [{"text": TEXT["text"]}, INLINE]}],
        }
    },
}


@pytest.mark.parametrize("slug", VENDOR_BODIES)
def test_vendors_own_client_gets_its_answer(gateway: LocalGateway, slug: str) -> None:
    segmind = pytest.importorskip("segmind")
    with vendors_client(gateway) as client:
        response = client.chat_sync(slug, **VENDOR_BODIES[slug], max_tokens=50)
        assert response.text.endswith("What is this picture? (image/png, 24 bytes)")
        assert response.usage
        assert response.finish_reason in {"stop", "end_turn", "STOP"}
        with pytest.raises(segmind.exceptions.SegmindError) as caught:
            client.chat_sync("no-such-model", prompt="Hi")
    assert caught.value.status == 404


async def test_runs_overlap_inside_one_event_loop() -> None:
    async with LocalGateway(latency=60) as gateway:
        headers = {"x-api-key": gateway.api_key}
        async with aiohttp.ClientSession(headers=headers) as session:

            async def ask() -> None:
                await session.post(f"{gateway.base_url}/gpt-4o", json=HELLO)

            asked = [asyncio.create_task(ask()) for _ in range(50)]
            await asyncio.to_thread(wait_until, lambda: gateway.executions == 50)
            assert not any(task.done() for task in asked)  # all of them run
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)


def test_many_threads_get_their_own_answers(gateway: LocalGateway) -> None:
    with ThreadPoolExecutor(16) as pool:
        asked = pool.map(lambda number: text_of(post(gateway, user(f"N{number}"))), range(64))
        assert list(asked) == [f"[local stand-in] N{number}" for number in range(64)]
    assert gateway.executions == len(gateway.requests) == 64


def test_several_gateways_run_at_once() -> None:
    with LocalGateway() as one, LocalGateway(api_key="SG_other") as two:
        assert one.base_url != two.base_url
        assert post(one).status_code == post(two).status_code == 200
        assert len(one.requests) == len(two.requests) == 1


def port_of(gateway: LocalGateway) -> int:
    return int(re.findall(r"\d+", gateway.base_url)[-2])


def test_start_names_a_port_that_is_taken(gateway: LocalGateway) -> None:
    port = port_of(gateway)
    with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
        LocalGateway(port=port).start()


def test_start_is_refused_when_running_and_stop_may_be_repeated() -> None:
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


def test_stop_leaves_nothing_when_connections_idle() -> None:
    before = set(threading.enumerate())
    with requests.Session() as session, LocalGateway() as gateway:
        post(gateway, session=session)
        with socket.create_connection(("127.0.0.1", port_of(gateway))):
            began = time.monotonic()
            gateway.stop()
            assert time.monotonic() - began < 30  # an idle connection would be waited for a minute
    assert set(threading.enumerate()) <= before
    with pytest.raises(requests.ConnectionError):
        post(gateway)


def test_stop_leaves_no_socket_of_a_client_that_connected_last() -> None:
    for _ in range(20):
        with LocalGateway() as gateway:
            connecting = socket.create_connection(("127.0.0.1", port_of(gateway)))
        connecting.close()
    gc.collect()  # a leak would now warn, and fail this test


def test_stop_does_not_wait_for_a_model_that_runs() -> None:
    gateway = LocalGateway(latency=60)
    gateway.start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, gateway)
        wait_until(lambda: gateway.executions == 1)
        gateway.stop()
        assert isinstance(asked.exception(), requests.ConnectionError)
