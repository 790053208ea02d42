"""No error, log or traceback with its locals contains the key."""

import asyncio
import json
import logging
import os
import pickle
import signal
import threading
import traceback

import pytest
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
