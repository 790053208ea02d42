"""No error, log or traceback with its locals contains the key."""

import asyncio
import base64
import contextlib
import gc
import json
import logging
import os
import pickle
import signal
import threading
import traceback

import pytest
from langchain_core.load import dumps
from pydantic import ValidationError

from langchain_segmind import ChatSegmind, SegmindError
from tests.faults import server as faults
from tests.faults.checks import DRIVERS, KEY, everything
from tests.faults.server import FaultServer, reply


def build(url):
    return ChatSegmind(model="m", base_url=url, api_key=KEY, max_retries=0)


ECHO = f"your key {KEY} is bad"
ENDS = {
    "rejected": reply(400, {"error": ECHO}, {"Server": KEY, "x-request-id": KEY}),
    "unusable": reply(200, {"error": ECHO}, {"x-request-id": KEY}),
    "no json": reply(200, ECHO.encode()),
    "unknown": reply(502, ECHO.encode()),
    "reset": faults.reset,
    "cut": faults.cut,
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("end", ENDS)
def test_error_and_its_traceback_hide_the_key(driver, end, caplog):
    caplog.set_level(logging.DEBUG)
    server = FaultServer({"m": [ENDS[end]]})
    with server, build(server.url) as model, pytest.raises(SegmindError) as caught:
        model.invoke("hi") if driver == "sync" else asyncio.run(model.ainvoke("hi"))

    assert KEY not in everything(caught.value) + repr(pickle.dumps(caught.value)) + caplog.text


async def test_cancelled_call_hides_the_key():
    with FaultServer({"m": [faults.hang]}) as server:
        async with build(server.url) as model:
            task = asyncio.create_task(model.ainvoke("hi"))
            await asyncio.to_thread(server.arrived.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task

    assert KEY not in everything(caught.value)


def test_interrupted_call_hides_the_key():
    def interrupt():
        server.arrived.wait()
        server.wait(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    server = FaultServer({"m": [faults.hang]})
    with server, build(server.url) as model:
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt) as caught:
            model.invoke("hi")
        thread.join()

    assert KEY not in everything(caught.value)


SECRETS = (KEY, "header-secret", "proxy-secret", base64.b64encode(b"me:proxy-secret").decode())


def silent(_server, connection):
    """Accept a connection and never say a word, as a stuck proxy or TLS server does."""
    _server.arrived.set()
    _server.wait(30)


@contextlib.contextmanager
def stuck(stage):
    """Run a gateway or proxy that is stuck at a stage of a call; yield it with the settings."""
    given = secretive_arguments()
    with contextlib.ExitStack() as stack:

        def run(**how):
            return stack.enter_context(FaultServer({"*": [faults.hang]}, **how))

        match stage:
            case "waiting for the reply":
                server = run()
                settings = {**given, "proxy": None, "base_url": server.url}
            case "sending the body":
                server = run(reads_bodies=False)
                settings = {**given, "proxy": None, "base_url": server.url}
                settings["model_kwargs"] = {"big": "x" * 9_000_000}
            case "TLS with the gateway":
                server = run(greeting=silent)
                settings = {**given, "proxy": None, "base_url": f"https://127.0.0.1:{server.port}"}
            case _:
                greeting = silent if stage == "TLS with the proxy" else None
                server = run(greeting=greeting)
                scheme = "https" if greeting else "http"
                gateway = "http://127.0.0.1:9" if "forward" in stage else "https://gateway.invalid"
                proxy = f"{scheme}://me:proxy-secret@127.0.0.1:{server.port}"
                settings = {**given, "proxy": proxy, "base_url": gateway}
        yield server, settings


STAGES = [
    *("waiting for the reply", "sending the body", "TLS with the gateway", "TLS with the proxy"),
    *("waiting for the tunnel", "forwarded by a proxy"),
]


def interrupted(driver, stage):
    """Return the exception of a call that is stopped from outside while it is stuck."""
    with stuck(stage) as (server, settings):
        model = ChatSegmind(model="m", max_retries=0, **settings)
        if driver == "sync":

            def interrupt():
                server.arrived.wait()
                server.wait(0.3)
                os.kill(os.getpid(), signal.SIGINT)

            thread = threading.Thread(target=interrupt)
            thread.start()
            with model, pytest.raises(KeyboardInterrupt) as caught:
                model.invoke("hi")
            thread.join()
            return caught.value

        async def cancel():
            async with model:
                task = asyncio.create_task(model.ainvoke("hi"))
                await asyncio.to_thread(server.arrived.wait)
                await asyncio.to_thread(server.wait, 0.3)
                task.cancel()
                await task

        with pytest.raises(asyncio.CancelledError) as canceled:
            asyncio.run(cancel())
        return canceled.value


def locals_of(error):
    """Show the local variables of every frame but the test's own, by function."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return {
        frame.f_code.co_name: repr(frame.f_locals)
        for frame in frames
        if "tests/integration" not in frame.f_code.co_filename
    }


# Python's ssl does not close a socket whose handshake is interrupted.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("stage", STAGES)
def test_locals_of_a_stopped_call_hide_every_secret(driver, stage):
    shown = locals_of(interrupted(driver, stage))
    gc.collect()

    assert "_exchange" in shown
    assert not [name for name, text in shown.items() if any(each in text for each in SECRETS)]


@pytest.mark.parametrize("driver", DRIVERS)
def test_error_about_the_environments_proxy_hides_its_password(driver, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://me:proxy-secret@127.0.0.1:1")
    model = ChatSegmind(model="m", base_url="https://gateway.invalid/v1", api_key=KEY)

    with pytest.raises(ValueError, match="proxy") as caught:
        model.invoke("hi") if driver == "sync" else asyncio.run(model.ainvoke("hi"))

    assert "proxy-secret" not in repr(locals_of(caught.value))


def bound(model):
    """Bind secret headers in every way that keeps them."""
    headers = {"X-Tenant": "header-secret"}
    binding = model.bind(extra_headers=headers)
    return {
        "bind": binding,
        "bind_tools": model.bind_tools([], extra_headers=headers),
        "bind, then bind_tools": binding.bind_tools([]),
        "with_config": binding.with_config(tags=["a"]),
        "with_retry": binding.with_retry(),
        "with_fallbacks": binding.with_fallbacks([model]),
        "with_structured_output": binding.with_structured_output({"title": "A", "type": "object"}),
        "chain": binding | (lambda message: message),
    }


@pytest.mark.parametrize("way", bound(build("http://127.0.0.1:9")))
def test_binding_hides_its_extra_headers_and_sends_them(way):
    with FaultServer({"m": [faults.answer()]}) as server, build(server.url) as model:
        runnable = bound(model)[way]
        shown = repr(runnable) + str(runnable) + dumps(runnable) + repr(runnable.model_dump())
        with contextlib.suppress(Exception):  # the answer is no object
            runnable.invoke("hi")

    assert "header-secret" not in shown
    assert server.seen[0].headers["x-tenant"] == "header-secret"


def secretive_arguments():
    """Return secrets from another frame: literals of a caller are in the caller's own locals."""
    return {
        "api_key": KEY,
        "proxy": "http://me:proxy-secret@127.0.0.1:1",
        "default_headers": {"X-Token": "header-secret"},
    }


@pytest.mark.parametrize(
    "mistake",
    [
        {"api_key": "SG_secret\nkey"},
        {"timeout": 0},
        {"n": 2, "streaming": True},
        {"model_kwargs": {"temperature": 1}},
        {"proxy": "socks5://me:proxy-secret@h:1"},
        {"base_url": "https://me:url-secret@h/v1"},
        {"default_headers": {"X-Api-Key": "header-secret"}},
        {"max_retries": "many"},
        {"model": None},
    ],
)
def test_error_of_the_constructor_hides_every_secret(mistake):
    secrets = (KEY, "SG_secret", "proxy-secret", "header-secret", "url-secret")
    with pytest.raises(ValidationError) as caught:
        ChatSegmind(**{"model": "m", **secretive_arguments(), **mistake})

    error = caught.value
    shown = str(error) + repr(error) + json.dumps(error.errors(), default=repr) + error.json()
    assert not [secret for secret in secrets if secret in shown]
    inside = "".join(
        traceback.TracebackException.from_exception(error, capture_locals=True).format()
    ).split("in __init__", 1)[-1]
    assert KEY not in inside


def test_error_of_the_constructor_names_each_field():
    with pytest.raises(ValidationError) as caught:
        ChatSegmind(model="m", api_key=KEY, timeout=0, max_retries=-1)

    assert {line["loc"] for line in caught.value.errors()} == {("timeout",), ("max_retries",)}
    assert "greater than 0" in str(caught.value)
