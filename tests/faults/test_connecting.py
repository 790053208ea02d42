"""Waits before a connection stands: for a name to be resolved, and for a free place."""

import asyncio
import subprocess
import sys
import threading

import pytest

from langchain_segmind import ChatSegmind, SegmindTimeoutError
from tests.faults.checks import DRIVERS, KEY
from tests.faults.server import ANSWER, FaultServer, reply

RESOLVER = """
import asyncio, socket, sys, threading

from langchain_segmind import ChatSegmind, SegmindError

over = threading.Event()

def never(*_, **__):
    over.wait(20)
    raise socket.gaierror("it came to an answer")

socket.getaddrinfo = never
model = ChatSegmind(model="m", api_key="k", base_url="https://gateway.example/v1", max_retries=0,
                    connect_timeout=0.4, timeout=None)

async def play():
    try:
        await model.ainvoke("hi")
    finally:
        over.set()

try:
    model.invoke("hi") if sys.argv[1] == "sync" else asyncio.run(play())
except SegmindError as error:
    print(type(error).__name__, error.outcome)
over.set()
"""


@pytest.mark.parametrize("driver", DRIVERS)
def test_connect_timeout_covers_a_name_server_that_never_answers(driver):
    done = subprocess.run(
        [sys.executable, "-c", RESOLVER, driver],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert done.stdout == "SegmindTimeoutError not_sent\n", done.stderr


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_total_timeout_ends_a_wait_for_a_place(driver):
    ended = []
    release = threading.Event()

    def hold(request):
        release.wait(10)
        reply(200, ANSWER)(request)

    def patient():
        model.invoke("hi")
        ended.append("patient")

    async def apatient():
        await model.ainvoke("hi")
        ended.append("patient")

    async def both():
        task = asyncio.create_task(apatient())
        await asyncio.to_thread(server.arrived.wait)
        with pytest.raises(SegmindTimeoutError) as caught:
            await hasty.ainvoke("hi")
        ended.append("hasty")
        release.set()
        await task
        await model.aclose()
        return caught.value

    with FaultServer({"m": [hold]}) as server:
        model = ChatSegmind(model="m", api_key=KEY, base_url=server.url, max_connections=1)
        model._transport()  # a copy shares its connections
        hasty = model.model_copy(update={"total_timeout": 0.3})
        if driver == "async":
            error = asyncio.run(both())
        else:
            thread = threading.Thread(target=patient)
            thread.start()
            server.arrived.wait()
            with pytest.raises(SegmindTimeoutError) as caught:
                hasty.invoke("hi")
            ended.append("hasty")
            error = caught.value
            release.set()
            thread.join()
            model.close()

    assert error.outcome == "not_sent"
    assert ended == ["hasty", "patient"]
    assert server.requests["m"] == 1
