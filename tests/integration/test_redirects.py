"""Where calls go while a local gateway is active, and what the switch for live requests refuses.

`live` stands for the real gateway: it records what reaches it, and answers as a gateway would.
"""

import asyncio
import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache

from langchain_segmind import (
    ChatSegmind,
    SegmindAuthenticationError,
    SegmindEmbeddings,
    SegmindError,
    SegmindInvalidRequestError,
    allow_live_requests,
)
from langchain_segmind.testing import LocalGateway, live_or_local
from tests.faults.server import FaultServer, reply

ROOT = Path(__file__).parents[2]
FAMILIES = ["gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"]
REAL = "SG_real_key"


LIVE_TEXT = "REAL MONEY"
ELSEWHERE = "https://gateway.invalid/v1"


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    answer = reply(200, {"choices": [{"message": {"content": LIVE_TEXT}}]})
    with FaultServer({"*": [answer], "gateway.invalid:443": [reply(501)]}) as server:
        yield server


@pytest.fixture
def live(server: FaultServer) -> FaultServer:
    server.seen.clear()
    server.connections = 0
    return server


def origin(live: FaultServer) -> str:
    return live.url.removesuffix("/v1")


def make(slug: str, **settings: Any) -> Any:
    """Build a chat model, or embeddings for the slug "embeddings"."""
    if slug == "embeddings":
        return SegmindEmbeddings(model="text-embedding-3-small", **settings)
    return ChatSegmind(model=slug, poll_interval=0.01, **settings)


@pytest.fixture(scope="module")
def explicit(server: FaultServer) -> dict[str, Any]:
    """Models and embeddings of an application that was imported before the test, by slug."""
    settings: dict[str, Any] = {"base_url": server.url, "api_key": REAL}
    settings["proxy"] = origin(server)
    settings |= {"verify": "/no/such/file.pem", "max_retries": 0}
    return {slug: make(slug, **settings) for slug in (*FAMILIES, "embeddings")}


def implicit(monkeypatch: pytest.MonkeyPatch, live: FaultServer, **settings: Any) -> Any:
    """Build a model whose address is in the environment when the application starts."""
    with monkeypatch.context() as at_start:
        at_start.setenv("SEGMIND_API_KEY", REAL)
        at_start.setenv("SEGMIND_API_BASE", live.url)
        return make("gpt-4o", max_retries=0, **settings)


def remote(slug: str, live: FaultServer) -> Any:
    """Build a model for another machine, with a proxy that records what is sent there."""
    return make(slug, base_url=ELSEWHERE, api_key=REAL, proxy=origin(live), max_retries=0)


@contextlib.contextmanager
def started() -> Iterator[LocalGateway]:
    """Run a gateway that redirects nothing."""
    gateway = LocalGateway()
    gateway.start()
    yield gateway
    gateway.stop()


def invoke_at(gateway: LocalGateway, url: str | None = None) -> None:
    """Call a model whose address is a gateway's."""
    settings = {"base_url": url or gateway.base_url, "api_key": gateway.api_key}
    with make("gpt-4o", **settings) as model:
        model.invoke("Hi")


def run(code: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


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
UNKNOWN_JOB = ("status", "fetch")  # calls about a job that no gateway knows
WITHOUT_KEY = ("models", "amodels")
# Where a request goes depends on the kind of call, and not on the family of the model.
EVERY = [
    *(("gpt-4o", call) for call in CHAT),
    *((slug, "invoke") for slug in FAMILIES[1:]),
    *(("embeddings", call) for call in VECTORS),
]
every_call = pytest.mark.parametrize(("slug", "call"), EVERY)


def do(model: Any, call: str) -> None:
    """Make one kind of call."""
    act = (VECTORS if isinstance(model, SegmindEmbeddings) else CHAT)[call](model)
    if asyncio.iscoroutine(act):
        asyncio.run(_close_after(act, model))


async def _close_after(act: Any, model: Any) -> None:
    async with model:
        await act


def do_at_gateway(model: Any, call: str) -> None:
    """Make one kind of call, which a local gateway answers."""
    with pytest.raises(SegmindError) if call in UNKNOWN_JOB else contextlib.nullcontext():
        do(model, call)
    model.close()


def keys_of(gateway: LocalGateway) -> set[str | None]:
    return {request.headers.get("x-api-key") for request in gateway.requests}


@every_call
def test_every_call_goes_to_the_fixture_whatever_the_model_was_built_with(
    explicit, live, segmind_gateway, slug, call
):
    do_at_gateway(explicit[slug], call)

    assert live.seen == []
    assert keys_of(segmind_gateway) == {None if call in WITHOUT_KEY else segmind_gateway.api_key}


@pytest.mark.parametrize("call", CHAT)
def test_every_call_of_a_model_without_an_address_goes_to_the_block(live, monkeypatch, call):
    with LocalGateway() as gateway:
        do_at_gateway(implicit(monkeypatch, live), call)

    assert live.seen == []
    assert gateway.requests


@every_call
def test_every_call_to_another_machine_goes_to_the_block(live, slug, call):
    with LocalGateway() as gateway:
        do_at_gateway(remote(slug, live), call)

    assert live.connections == 0
    assert keys_of(gateway) == {None if call in WITHOUT_KEY else gateway.api_key}


def test_model_uses_its_own_address_when_the_block_ends(live, monkeypatch):
    with implicit(monkeypatch, live) as model:
        assert model.invoke("Hi").text == LIVE_TEXT
        for _ in range(2):
            with LocalGateway() as gateway:
                model.invoke("Hi")
                model.invoke("Hi")
                assert gateway.executions == 2
                assert len({request.connection for request in gateway.requests}) == 1
            assert model.invoke("Hi").text == LIVE_TEXT

    assert len(live.seen) == 3


async def test_an_async_block_redirects_too(live, monkeypatch):
    async with implicit(monkeypatch, live) as model:
        async with LocalGateway() as gateway:
            await model.ainvoke("Hi")
        await model.ainvoke("Hi")

    assert (gateway.executions, len(live.seen)) == (1, 1)


def test_innermost_block_is_used(live, monkeypatch):
    with implicit(monkeypatch, live) as model, LocalGateway() as outer:
        with LocalGateway() as inner:
            model.invoke("Hi")
        model.invoke("Hi")
        model.invoke("Hi")

    assert (inner.executions, outer.executions, live.seen) == (1, 2, [])


def test_blocks_may_end_in_any_order(live, monkeypatch):
    with implicit(monkeypatch, live) as model, contextlib.ExitStack() as first:
        one = first.enter_context(LocalGateway())
        with LocalGateway() as two:
            first.close()
            model.invoke("Hi")

    assert (one.executions, two.executions, live.seen) == (0, 1, [])


def test_list_models_of_another_machine_goes_to_the_block(live):
    with LocalGateway() as gateway:
        ChatSegmind.list_models(base_url=ELSEWHERE)
        asyncio.run(ChatSegmind.alist_models(base_url=ELSEWHERE))

    assert len(gateway.requests) == 2


def test_model_with_an_address_elsewhere_goes_to_the_innermost_block(live, segmind_gateway):
    with remote("gpt-4o", live) as model, LocalGateway() as outer:
        with LocalGateway() as inner:
            model.invoke("Hi")
        model.invoke("Hi")

    assert (inner.executions, outer.executions, segmind_gateway.executions) == (1, 1, 0)
    assert live.connections == 0


def test_model_with_an_address_elsewhere_goes_back_there_when_the_block_ends(live):
    with remote("gpt-4o", live) as model:
        with LocalGateway():
            model.invoke("Hi")
        assert live.connections == 0
        with pytest.raises(SegmindError):
            model.invoke("Hi")

    assert live.connections == 1


def test_block_leaves_an_address_on_this_machine_that_was_given(live):
    with started() as other, LocalGateway() as gateway:
        for url in (live.url, live.url.replace("127.0.0.1", "localhost")):
            with make("gpt-4o", base_url=url, api_key=REAL) as model:
                assert model.invoke("Hi").text == LIVE_TEXT
        invoke_at(other)

    assert (gateway.executions, other.executions) == (0, 1)


def test_model_that_is_set_to_the_blocks_gateway_keeps_its_key(live, monkeypatch):
    with LocalGateway() as gateway:
        monkeypatch.setenv("SEGMIND_API_BASE", gateway.base_url)
        with make("gpt-4o", api_key="SG_wrong") as model, pytest.raises(SegmindAuthenticationError):
            model.invoke("Hi")


def test_gateway_that_is_only_started_redirects_nothing(live, monkeypatch):
    with started() as gateway, implicit(monkeypatch, live) as model:
        model.invoke("Hi")

    assert (gateway.executions, len(live.seen)) == (0, 1)


def test_under_the_fixture_other_gateways_of_the_process_keep_their_models(
    explicit, live, segmind_gateway
):
    with started() as other:
        invoke_at(other)
    with LocalGateway() as inner:
        explicit["gpt-4o"].invoke("Hi")
        invoke_at(inner)
    explicit["gpt-4o"].close()

    assert (other.executions, inner.executions, segmind_gateway.executions) == (1, 1, 1)
    assert live.seen == []


def test_fixture_holds_in_a_test_that_clears_the_environment(
    explicit, live, segmind_gateway, monkeypatch
):
    for name in list(os.environ):
        monkeypatch.delenv(name)
    with explicit["gpt-4o"] as model:
        model.invoke("Hi")

    assert (segmind_gateway.executions, live.seen) == (1, [])


@pytest.mark.parametrize("call", ["invoke", "ainvoke"])
def test_redirected_call_does_not_use_a_proxy_of_the_environment(
    live, segmind_gateway, monkeypatch, call
):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, origin(live))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file.pem")
    do_at_gateway(make("gpt-4o"), call)

    assert (segmind_gateway.executions, live.connections) == (1, 0)


def test_fixture_holds_for_copies_and_pickles(explicit, live, segmind_gateway):
    model = explicit["gpt-4o"]
    for twin in (
        pickle.loads(pickle.dumps(model)),
        model.model_copy(deep=True),
        model.model_copy(update={"base_url": f"{origin(live)}/v2"}),
    ):
        with twin:
            twin.invoke("Hi")

    assert (segmind_gateway.executions, live.seen) == (3, [])


def test_list_models_of_the_class_goes_to_the_fixture(live, segmind_gateway):
    ChatSegmind.list_models()
    ChatSegmind.list_models(base_url=live.url)
    asyncio.run(ChatSegmind.alist_models())

    assert (len(segmind_gateway.requests), live.seen) == (3, [])


PROGRAM = """
import sys
from langchain_segmind import ChatSegmind

with ChatSegmind(model="gpt-4o", base_url=sys.argv[1], api_key="SG_real_key") as model:
    print(model.invoke("Hi").text)
"""


def test_fixture_holds_in_the_processes_that_a_test_starts(live, segmind_gateway):
    segmind_gateway.reply("Paris.")

    assert run(PROGRAM, live.url).stdout == "Paris.\n"
    assert (segmind_gateway.executions, live.seen) == (1, [])


def test_program_run_with_a_gateway_may_call_it_when_live_requests_are_refused(live):
    program = PROGRAM.replace(', base_url=sys.argv[1], api_key="SG_real_key"', "")
    code = "import sys; from langchain_segmind.testing.__main__ import main; sys.exit(main())"
    done = run(code, "--", sys.executable, "-c", program, SEGMIND_ALLOW_LIVE_REQUESTS="0")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1]


def test_live_or_local_redirects_every_model_when_it_is_local(explicit, live, monkeypatch, capsys):
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
    with live_or_local() as gateway, explicit["gpt-4o"] as model:
        model.invoke("Hi")

    assert gateway is not None
    assert (gateway.executions, live.seen) == (1, [])
    assert "calls go to a local gateway" in capsys.readouterr().out


def test_answers_of_a_local_gateway_are_cached_apart_from_live_ones(live, monkeypatch):
    with implicit(monkeypatch, live, cache=InMemoryCache()) as model:
        model.invoke("Hi")
        with LocalGateway() as gateway:
            model.invoke("Hi")

    assert (gateway.executions, len(live.seen)) == (1, 1)


# --- the switch ------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["function", "environment"])
@every_call
def test_nothing_is_sent_when_live_requests_are_refused(live, monkeypatch, slug, call, by):
    model = make(slug, base_url=live.url, api_key=REAL)
    with contextlib.ExitStack() as stack:
        if by == "function":
            stack.enter_context(allow_live_requests(False))
        else:
            monkeypatch.setenv("SEGMIND_ALLOW_LIVE_REQUESTS", "0")
        with pytest.raises(SegmindInvalidRequestError) as caught:
            do(model, call)

    switch = "allow_live_requests(False)" if by == "function" else "SEGMIND_ALLOW_LIVE_REQUESTS"
    assert switch in str(caught.value)
    assert "segmind_gateway" in str(caught.value)
    assert (caught.value.outcome, caught.value.billed) == ("not_sent", False)
    assert REAL not in str(caught.value)
    assert live.connections == 0


@pytest.mark.parametrize("value", ["0", "false", "No", " OFF ", "flase", " ", "\t", "null", "2"])
def test_switch_refuses_for_these_values(live, monkeypatch, value):
    monkeypatch.setenv("SEGMIND_ALLOW_LIVE_REQUESTS", value)
    with implicit(monkeypatch, live) as model, pytest.raises(SegmindInvalidRequestError):
        model.invoke("Hi")

    assert live.connections == 0


@pytest.mark.parametrize("value", ["", "1", "true", "Yes", "on"])
def test_switch_allows_for_these_values(live, monkeypatch, value):
    monkeypatch.setenv("SEGMIND_ALLOW_LIVE_REQUESTS", value)
    with implicit(monkeypatch, live) as model:
        model.invoke("Hi")

    assert len(live.seen) == 1


def test_local_gateways_are_allowed_when_live_requests_are_refused(live, segmind_gateway):
    with started() as other, allow_live_requests(False):
        make("gpt-4o").invoke("Hi")
        invoke_at(other)
        invoke_at(other, other.base_url.replace("127.0.0.1", "localhost"))

    assert (segmind_gateway.executions, other.executions) == (1, 2)


def test_gateway_that_stopped_is_no_longer_a_local_gateway():
    with LocalGateway() as gateway:
        model = make("gpt-4o", base_url=gateway.base_url, api_key=gateway.api_key)
        do_at_gateway(model, "invoke")
    with allow_live_requests(False), pytest.raises(SegmindInvalidRequestError):
        model.invoke("Hi")


def test_switch_is_restored_and_may_be_nested(live, monkeypatch):
    monkeypatch.delenv("SEGMIND_ALLOW_LIVE_REQUESTS", raising=False)
    with implicit(monkeypatch, live) as model:
        with allow_live_requests(False):
            with allow_live_requests(True):
                model.invoke("Hi")
            with pytest.raises(SegmindInvalidRequestError):
                model.invoke("Hi")
        model.invoke("Hi")

    assert len(live.seen) == 2
    assert "SEGMIND_ALLOW_LIVE_REQUESTS" not in os.environ


def test_switch_holds_in_a_test_that_clears_the_environment(live, monkeypatch):
    model = implicit(monkeypatch, live)
    with allow_live_requests(False), monkeypatch.context() as cleared:
        cleared.delenv("SEGMIND_ALLOW_LIVE_REQUESTS")
        with pytest.raises(SegmindInvalidRequestError):
            model.invoke("Hi")

    assert live.connections == 0


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


def test_switch_of_the_shell_holds_in_a_test_that_clears_the_environment(live):
    done = run(CLEARED, live.url, SEGMIND_ALLOW_LIVE_REQUESTS="0")

    assert "Live requests are refused" in done.stderr
    assert live.connections == 0


@pytest.mark.parametrize(("value", "more"), [("0", ["lift"]), ("1", [])])
def test_switch_of_the_shell_allows_when_it_is_on_or_lifted_by_the_function(live, value, more):
    assert LIVE_TEXT in run(CLEARED, live.url, *more, SEGMIND_ALLOW_LIVE_REQUESTS=value).stdout


def test_switch_holds_in_processes_that_are_started(live):
    with allow_live_requests(False):
        done = run(PROGRAM, live.url)

    assert "Live requests are refused" in done.stderr
    assert live.connections == 0


@pytest.mark.parametrize("allowed", [0, None, "no"])
def test_switch_takes_true_or_false(allowed):
    with pytest.raises(ValueError, match="allowed must be True or False"):
        allow_live_requests(allowed)


# --- no key ----------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", ["gpt-4o", "embeddings"])
def test_model_without_a_key_can_be_built_on_request_and_sends_nothing(live, monkeypatch, slug):
    monkeypatch.setenv("SEGMIND_ALLOW_MISSING_KEY", "1")
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
    model = make(slug, base_url=live.url)
    monkeypatch.delenv("SEGMIND_ALLOW_MISSING_KEY")

    calls = VECTORS if slug == "embeddings" else ("invoke", "ainvoke", "submit", "credits")
    for call in calls:
        with pytest.raises(SegmindInvalidRequestError, match="api_key is blank") as caught:
            do(model, call)
        assert caught.value.outcome == "not_sent"
    assert live.connections == 0


@pytest.mark.parametrize("value", [None, "", "0", "false"])
def test_missing_key_is_an_error_otherwise(monkeypatch, value):
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
    monkeypatch.delenv("SEGMIND_ALLOW_MISSING_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SEGMIND_ALLOW_MISSING_KEY", value)
    for slug in ("gpt-4o", "embeddings"):
        with pytest.raises(ValueError, match="api_key is blank"):
            make(slug)


@pytest.mark.parametrize("slug", ["gpt-4o", "embeddings"])
@pytest.mark.parametrize("key", [None, ""])
def test_no_key_is_needed_in_a_block(live, monkeypatch, slug, key):
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
    monkeypatch.delenv("SEGMIND_ALLOW_MISSING_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("SEGMIND_API_KEY", key)
    with LocalGateway() as gateway:
        model = make(slug)
        for call in ("query", "aquery") if slug == "embeddings" else ("invoke", "ainvoke"):
            do(model, call)
    with pytest.raises(SegmindInvalidRequestError, match="api_key is blank"):
        do(model, "credits")
    with pytest.raises(ValueError, match="api_key is blank"):
        make(slug)
    model.close()

    assert gateway.executions == 2
    assert live.connections == 0
