"""Where calls go while a local gateway is active, and what the switch for live requests refuses.

`live` stands for the real gateway: it counts what reaches it, and answers as a gateway would.
"""

import asyncio
import contextlib
import http.server
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from langchain_segmind import (
    ChatSegmind,
    SegmindAuthenticationError,
    SegmindEmbeddings,
    SegmindError,
    SegmindInvalidRequestError,
    allow_live_requests,
)
from langchain_segmind.testing import LocalGateway, live_or_local

ROOT = Path(__file__).parents[2]
FAMILIES = ["gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"]
REAL = "SG_real_key"


class Live:
    """A server on this machine that is not a local gateway."""

    def __init__(self) -> None:
        hits: list[str] = []
        connections: list[object] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def setup(self) -> None:
                connections.append(self)
                super().setup()

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.do_GET()

            def do_GET(self) -> None:
                hits.append(self.path)
                body = json.dumps({"choices": [{"message": {"content": "REAL MONEY"}}]}).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.hits, self.connections = hits, connections
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.origin}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def server() -> Iterator[Live]:
    server = Live()
    yield server
    server.close()


@pytest.fixture
def live(server: Live) -> Live:
    server.hits.clear()
    server.connections.clear()
    return server


@pytest.fixture(scope="module")
def explicit(server: Live) -> dict[str, Any]:
    """Models and embeddings of an application that was imported before the test, by model."""
    address: dict[str, Any] = {"base_url": server.url, "api_key": REAL, "proxy": server.origin}
    address |= {"verify": "/no/such/file.pem", "max_retries": 0, "poll_interval": 0.01}
    models: dict[str, Any] = {slug: ChatSegmind(model=slug, **address) for slug in FAMILIES}
    address.pop("poll_interval")
    models["embeddings"] = SegmindEmbeddings(model="text-embedding-3-small", **address)
    return models


def implicit(monkeypatch: pytest.MonkeyPatch, live: Live, **settings: Any) -> ChatSegmind:
    """Build a model as an application does whose settings stand in the environment."""
    with monkeypatch.context() as at_start:
        at_start.setenv("SEGMIND_API_KEY", REAL)
        at_start.setenv("SEGMIND_API_BASE", live.url)
        return ChatSegmind(model="gpt-4o", max_retries=0, poll_interval=0.01, **settings)


async def _astream(model: ChatSegmind) -> None:
    async for _ in model.astream("Hi"):
        pass


async def _asubmit(model: ChatSegmind) -> None:
    job = await model.asubmit("Hi")
    await job.astatus()
    await job.aresult()
    await model.get_job(str(job)).aresult()


def _submit(model: ChatSegmind) -> None:
    job = model.submit("Hi")
    job.status()
    job.result()
    model.get_job(str(job)).result()


CHAT: dict[str, Any] = {
    "invoke": lambda model: model.invoke("Hi"),
    "ainvoke": lambda model: model.ainvoke("Hi"),
    "stream": lambda model: list(model.stream("Hi")),
    "astream": _astream,
    "batch": lambda model: model.batch(["Hi", "Ho"]),
    "abatch": lambda model: model.abatch(["Hi", "Ho"]),
    "bound": lambda model: model.bind_tools([{"name": "add", "parameters": {}}]).invoke("Hi"),
    "queued": lambda model: model.model_copy(update={"queue": True}).invoke("Hi"),
    "submit": _submit,
    "asubmit": _asubmit,
    "status": lambda model: model.get_job("job-1").status(),
    "fetch": lambda model: model.get_job("job-1").result(),
    "credits": lambda model: model.get_credits(),
    "acredits": lambda model: model.aget_credits(),
    "models": lambda model: model.list_models(),
    "amodels": lambda model: model.alist_models(),
}
VECTORS: dict[str, Any] = {
    "query": lambda model: model.embed_query("Hi"),
    "aquery": lambda model: model.aembed_query("Hi"),
    "documents": lambda model: model.embed_documents(["Hi", "Ho"]),
    "adocuments": lambda model: model.aembed_documents(["Hi", "Ho"]),
    "credits": CHAT["credits"],
    "acredits": CHAT["acredits"],
}
MISSING = ("status", "fetch")  # of a job that no gateway knows
EVERY = [
    *((slug, way) for slug in FAMILIES for way in CHAT),
    *(("embeddings", way) for way in VECTORS),
]


def do(model: Any, way: str) -> None:
    """Do one kind of call."""
    act = (VECTORS if isinstance(model, SegmindEmbeddings) else CHAT)[way](model)
    if asyncio.iscoroutine(act):
        asyncio.run(_ended(act, model))


async def _ended(act: Any, model: Any) -> None:
    async with model:
        await act


@pytest.mark.parametrize(("slug", "way"), EVERY)
def test_every_call_goes_to_the_fixture_whatever_the_model_was_built_with(
    explicit, live, segmind_gateway, slug, way
):
    with pytest.raises(SegmindError) if way in MISSING else contextlib.nullcontext():
        do(explicit[slug], way)
    explicit[slug].close()

    assert live.hits == []
    assert segmind_gateway.requests
    keys = {request.headers.get("x-api-key") for request in segmind_gateway.requests}
    assert keys == ({None} if way in ("models", "amodels") else {segmind_gateway.api_key})


@pytest.mark.parametrize("way", CHAT)
def test_every_call_of_a_model_without_an_address_goes_to_the_block(live, monkeypatch, way):
    model = implicit(monkeypatch, live)
    with LocalGateway() as gateway:
        with pytest.raises(SegmindError) if way in MISSING else contextlib.nullcontext():
            do(model, way)
        model.close()

    assert live.hits == []
    assert gateway.requests


def test_a_model_goes_back_to_its_address_when_the_block_ends(live, monkeypatch):
    with implicit(monkeypatch, live) as model:
        assert model.invoke("Hi").text == "REAL MONEY"
        for _ in range(2):
            with LocalGateway() as gateway:
                model.invoke("Hi")
                model.invoke("Hi")
                assert gateway.executions == 2
                assert len({request.connection for request in gateway.requests}) == 1
            assert model.invoke("Hi").text == "REAL MONEY"

    assert len(live.hits) == 3


async def test_an_async_block_redirects_too(live, monkeypatch):
    async with implicit(monkeypatch, live) as model:
        async with LocalGateway() as gateway:
            await model.ainvoke("Hi")
        await model.ainvoke("Hi")

    assert (gateway.executions, len(live.hits)) == (1, 1)


def test_the_innermost_block_counts(live, monkeypatch):
    with implicit(monkeypatch, live) as model, LocalGateway() as outer:
        with LocalGateway() as inner:
            model.invoke("Hi")
        model.invoke("Hi")
        model.invoke("Hi")

    assert (inner.executions, outer.executions, live.hits) == (1, 2, [])


def test_blocks_may_end_in_any_order(live, monkeypatch):
    with implicit(monkeypatch, live) as model, contextlib.ExitStack() as first:
        one = first.enter_context(LocalGateway())
        with LocalGateway() as two:
            first.close()
            model.invoke("Hi")

    assert (one.executions, two.executions, live.hits) == (0, 1, [])


def remote(slug: str, live: Live) -> Any:
    """Build a model with an address elsewhere, and a proxy that sees whatever goes there."""
    settings: dict[str, Any] = {"base_url": ELSEWHERE, "proxy": live.origin, "max_retries": 0}
    if slug == "embeddings":
        return SegmindEmbeddings(model="text-embedding-3-small", api_key=REAL, **settings)
    return ChatSegmind(model=slug, api_key=REAL, poll_interval=0.01, **settings)


ELSEWHERE = "https://gateway.invalid/v1"


@pytest.mark.parametrize(("slug", "way"), EVERY)
def test_every_call_to_another_machine_goes_to_the_block(live, slug, way):
    model = remote(slug, live)
    with LocalGateway() as gateway:
        with pytest.raises(SegmindError) if way in MISSING else contextlib.nullcontext():
            do(model, way)
        model.close()

    assert live.connections == []
    keys = {request.headers.get("x-api-key") for request in gateway.requests}
    assert keys == ({None} if way in ("models", "amodels") else {gateway.api_key})


def test_the_catalogue_of_another_machine_is_the_blocks(live):
    with LocalGateway() as gateway:
        ChatSegmind.list_models(base_url=ELSEWHERE)
        asyncio.run(ChatSegmind.alist_models(base_url=ELSEWHERE))

    assert len(gateway.requests) == 2


def test_a_model_with_an_address_elsewhere_goes_to_the_innermost_block(live, segmind_gateway):
    with remote("gpt-4o", live) as model, LocalGateway() as outer:
        with LocalGateway() as inner:
            model.invoke("Hi")
        model.invoke("Hi")

    assert (inner.executions, outer.executions, segmind_gateway.executions) == (1, 1, 0)
    assert live.connections == []


def test_a_model_with_an_address_elsewhere_goes_back_there_when_the_block_ends(live):
    with remote("gpt-4o", live) as model:
        with LocalGateway():
            model.invoke("Hi")
        assert live.connections == []
        with pytest.raises(SegmindError):
            model.invoke("Hi")

    assert len(live.connections) == 1


def test_a_block_leaves_an_address_on_this_machine_that_was_given(live):
    other = LocalGateway()
    other.start()
    with LocalGateway() as gateway:
        for url in (live.url, live.url.replace("127.0.0.1", "localhost")):
            with ChatSegmind(model="gpt-4o", base_url=url, api_key=REAL) as model:
                assert model.invoke("Hi").text == "REAL MONEY"
        with ChatSegmind(model="gpt-4o", base_url=other.base_url, api_key=other.api_key) as model:
            model.invoke("Hi")
    other.stop()

    assert (gateway.executions, other.executions) == (0, 1)


def test_a_model_that_is_set_to_the_blocks_gateway_keeps_its_key(live, monkeypatch):
    with LocalGateway() as gateway:
        monkeypatch.setenv("SEGMIND_API_BASE", gateway.base_url)
        model = ChatSegmind(model="gpt-4o", api_key="SG_wrong")
        with model, pytest.raises(SegmindAuthenticationError):
            model.invoke("Hi")


def test_a_gateway_that_is_only_started_redirects_nothing(live, monkeypatch):
    gateway = LocalGateway()
    gateway.start()
    with implicit(monkeypatch, live) as model:
        model.invoke("Hi")
    gateway.stop()

    assert (gateway.executions, len(live.hits)) == (0, 1)


def test_under_the_fixture_other_gateways_of_the_process_keep_their_models(
    explicit, live, segmind_gateway
):
    other = LocalGateway()
    other.start()
    with ChatSegmind(model="gpt-4o", base_url=other.base_url, api_key=other.api_key) as model:
        model.invoke("Hi")
    other.stop()
    with LocalGateway() as inner:
        explicit["gpt-4o"].invoke("Hi")
        with ChatSegmind(model="gpt-4o", base_url=inner.base_url, api_key=inner.api_key) as model:
            model.invoke("Hi")
    explicit["gpt-4o"].close()

    assert (other.executions, inner.executions, segmind_gateway.executions) == (1, 1, 1)
    assert live.hits == []


def test_the_fixture_holds_in_a_test_that_clears_the_environment(
    explicit, live, segmind_gateway, monkeypatch
):
    for name in list(os.environ):
        monkeypatch.delenv(name)
    with explicit["gpt-4o"] as model:
        model.invoke("Hi")

    assert (segmind_gateway.executions, live.hits) == (1, [])


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_redirected_call_uses_no_proxy_of_the_environment(
    live, segmind_gateway, monkeypatch, way
):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, live.origin)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file.pem")
    model = ChatSegmind(model="gpt-4o")
    do(model, way)
    model.close()

    assert (segmind_gateway.executions, live.connections) == (1, [])


def test_the_fixture_holds_for_copies_and_pickles(explicit, live, segmind_gateway):
    model = explicit["gpt-4o"]
    for twin in (
        pickle.loads(pickle.dumps(model)),
        model.model_copy(deep=True),
        model.model_copy(update={"base_url": f"{live.origin}/v2"}),
    ):
        with twin:
            twin.invoke("Hi")

    assert (segmind_gateway.executions, live.hits) == (3, [])


def test_the_catalogue_of_the_class_is_the_fixtures(live, segmind_gateway):
    ChatSegmind.list_models()
    ChatSegmind.list_models(base_url=live.url)
    asyncio.run(ChatSegmind.alist_models())

    assert (len(segmind_gateway.requests), live.hits) == (3, [])


PROGRAM = """
import sys
from langchain_segmind import ChatSegmind

with ChatSegmind(model="gpt-4o", base_url=sys.argv[1], api_key="SG_real_key") as model:
    print(model.invoke("Hi").text)
"""


def test_the_fixture_holds_in_the_processes_that_a_test_starts(live, segmind_gateway):
    segmind_gateway.reply("Paris.")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, live.url]
    printed = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout

    assert printed == b"Paris.\n"
    assert (segmind_gateway.executions, live.hits) == (1, [])


def test_a_program_that_is_run_with_a_gateway_is_allowed_to_ask_it(live):
    program = PROGRAM.replace(', base_url=sys.argv[1], api_key="SG_real_key"', "")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SEGMIND_ALLOW_LIVE_REQUESTS": "0"}
    command = [sys.executable, "-m", "langchain_segmind.testing", "--"]
    command += [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1]


def test_live_or_local_takes_every_model_where_it_goes_local(explicit, live, monkeypatch, capsys):
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
    with live_or_local() as gateway, explicit["gpt-4o"] as model:
        model.invoke("Hi")

    assert gateway is not None
    assert (gateway.executions, live.hits) == (1, [])
    assert "no model is asked" in capsys.readouterr().out


def test_answers_of_a_local_gateway_are_cached_apart_from_live_ones(live, monkeypatch):
    from langchain_core.caches import InMemoryCache  # noqa: PLC0415

    with implicit(monkeypatch, live, cache=InMemoryCache()) as model:
        model.invoke("Hi")
        with LocalGateway() as gateway:
            model.invoke("Hi")

    assert (gateway.executions, len(live.hits)) == (1, 1)


# --- the switch ------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["function", "environment"])
@pytest.mark.parametrize(("slug", "way"), EVERY)
def test_nothing_is_sent_where_live_requests_are_refused(live, monkeypatch, slug, way, by):
    address: dict[str, Any] = {"base_url": live.url, "api_key": REAL}
    kind: Any = SegmindEmbeddings if slug == "embeddings" else ChatSegmind
    model = kind(model="text-embedding-3-small" if slug == "embeddings" else slug, **address)
    with contextlib.ExitStack() as stack:
        if by == "function":
            stack.enter_context(allow_live_requests(False))
        else:
            monkeypatch.setenv("SEGMIND_ALLOW_LIVE_REQUESTS", "0")
        with pytest.raises(SegmindInvalidRequestError) as caught:
            do(model, way)

    switch = "allow_live_requests(False)" if by == "function" else "SEGMIND_ALLOW_LIVE_REQUESTS"
    assert switch in str(caught.value)
    assert "segmind_gateway" in str(caught.value)
    assert (caught.value.outcome, caught.value.billed) == ("not_sent", False)
    assert REAL not in str(caught.value)
    assert live.hits == live.connections == []


@pytest.mark.parametrize("value", ["0", "false", "No", " OFF ", "flase", " ", "\t", "null", "2"])
def test_these_values_refuse(live, monkeypatch, value):
    monkeypatch.setenv("SEGMIND_ALLOW_LIVE_REQUESTS", value)
    with implicit(monkeypatch, live) as model, pytest.raises(SegmindInvalidRequestError):
        model.invoke("Hi")

    assert live.connections == []


@pytest.mark.parametrize("value", ["", "1", "true", "Yes", "on"])
def test_these_values_allow(live, monkeypatch, value):
    monkeypatch.setenv("SEGMIND_ALLOW_LIVE_REQUESTS", value)
    with implicit(monkeypatch, live) as model:
        model.invoke("Hi")

    assert len(live.hits) == 1


def test_local_gateways_are_allowed_whatever_the_switch_says(live, segmind_gateway):
    other = LocalGateway()
    other.start()
    port = other.base_url.rpartition(":")[2]
    with allow_live_requests(False):
        ChatSegmind(model="gpt-4o").invoke("Hi")
        for url in (other.base_url, f"http://localhost:{port}"):
            with ChatSegmind(model="gpt-4o", base_url=url, api_key=other.api_key) as model:
                model.invoke("Hi")
    other.stop()

    assert (segmind_gateway.executions, other.executions) == (1, 2)


def test_a_gateway_that_stopped_is_not_a_local_gateway_anymore():
    with LocalGateway() as gateway:
        model = ChatSegmind(model="gpt-4o", base_url=gateway.base_url, api_key=gateway.api_key)
        model.invoke("Hi")
        model.close()
    with allow_live_requests(False), pytest.raises(SegmindInvalidRequestError):
        model.invoke("Hi")


def test_the_switch_is_restored_and_may_be_nested(live, monkeypatch):
    monkeypatch.delenv("SEGMIND_ALLOW_LIVE_REQUESTS", raising=False)
    with implicit(monkeypatch, live) as model:
        with allow_live_requests(False):
            with allow_live_requests(True):
                model.invoke("Hi")
            with pytest.raises(SegmindInvalidRequestError):
                model.invoke("Hi")
        model.invoke("Hi")

    assert len(live.hits) == 2
    assert "SEGMIND_ALLOW_LIVE_REQUESTS" not in os.environ


def test_the_switch_holds_in_a_test_that_clears_the_environment(live, monkeypatch):
    model = implicit(monkeypatch, live)
    with allow_live_requests(False), monkeypatch.context() as cleared:
        cleared.delenv("SEGMIND_ALLOW_LIVE_REQUESTS")
        with pytest.raises(SegmindInvalidRequestError):
            model.invoke("Hi")

    assert live.connections == []


CLEARED = """
import os, sys
from unittest import mock
from langchain_segmind import ChatSegmind, allow_live_requests
with mock.patch.dict(os.environ, {"SEGMIND_API_KEY": "SG_real_key"}, clear=True):
    model = ChatSegmind(model="gpt-4o", base_url=sys.argv[1], max_retries=0)
    if len(sys.argv) > 2:
        allow_live_requests(True)
        os.environ.clear()
    print(model.invoke("Hi").text)
"""


def run_cleared(live: Live, value: str, *more: str) -> "subprocess.CompletedProcess[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SEGMIND_ALLOW_LIVE_REQUESTS": value}
    command = [sys.executable, "-c", CLEARED, live.url, *more]
    return subprocess.run(command, env=environment, capture_output=True, check=False)


@pytest.mark.parametrize("value", ["0", "no", " "])
def test_the_shells_switch_holds_in_a_test_that_clears_the_environment(live, value):
    done = run_cleared(live, value)

    assert b"Live requests are refused" in done.stderr
    assert live.connections == []


def test_the_shells_switch_can_be_lifted_by_the_function(live):
    assert b"REAL MONEY" in run_cleared(live, "0", "lift").stdout


@pytest.mark.parametrize("value", ["1", ""])
def test_the_shells_switch_allows_where_it_did(live, value):
    assert b"REAL MONEY" in run_cleared(live, value).stdout


def test_the_switch_holds_in_the_processes_that_are_started(live):
    with allow_live_requests(False):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", PROGRAM, live.url]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)

    assert b"Live requests are refused" in done.stderr
    assert live.connections == []


@pytest.mark.parametrize("allowed", [0, None, "no"])
def test_the_switch_takes_true_or_false(allowed):
    with pytest.raises(ValueError, match="allowed must be True or False"):
        allow_live_requests(allowed)


# --- no key ----------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", [*FAMILIES, "embeddings"])
def test_a_model_without_a_key_can_be_built_on_request_and_sends_nothing(live, monkeypatch, slug):
    monkeypatch.setenv("SEGMIND_ALLOW_MISSING_KEY", "1")
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
    is_chat = slug != "embeddings"
    kind: Any = ChatSegmind if is_chat else SegmindEmbeddings
    model = kind(model=slug if is_chat else "text-embedding-3-small", base_url=live.url)
    monkeypatch.delenv("SEGMIND_ALLOW_MISSING_KEY")

    for way in ("invoke", "ainvoke", "submit", "credits") if is_chat else VECTORS:
        with pytest.raises(SegmindInvalidRequestError, match="api_key is blank") as caught:
            do(model, way)
        assert caught.value.outcome == "not_sent"
    assert live.connections == []


@pytest.mark.parametrize("value", [None, "", "0", "false"])
def test_a_missing_key_is_an_error_otherwise(monkeypatch, value):
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
    monkeypatch.delenv("SEGMIND_ALLOW_MISSING_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SEGMIND_ALLOW_MISSING_KEY", value)
    for kind, slug in ((ChatSegmind, "gpt-4o"), (SegmindEmbeddings, "text-embedding-3-small")):
        with pytest.raises(ValueError, match="api_key is blank"):
            kind(model=slug)


@pytest.mark.parametrize("slug", [*FAMILIES, "embeddings"])
@pytest.mark.parametrize("key", [None, ""])
def test_no_key_is_needed_in_a_block(live, monkeypatch, slug, key):
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
    monkeypatch.delenv("SEGMIND_ALLOW_MISSING_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("SEGMIND_API_KEY", key)
    kind: Any = SegmindEmbeddings if slug == "embeddings" else ChatSegmind
    name = "text-embedding-3-small" if slug == "embeddings" else slug
    with LocalGateway() as gateway:
        model = kind(model=name)
        for way in ("query", "aquery") if slug == "embeddings" else ("invoke", "ainvoke"):
            do(model, way)
    with pytest.raises(SegmindInvalidRequestError, match="api_key is blank"):
        do(model, "credits")
    with pytest.raises(ValueError, match="api_key is blank"):
        kind(model=name)
    model.close()

    assert gateway.executions == 2
    assert live.connections == []
