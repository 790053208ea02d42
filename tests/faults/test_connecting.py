"""Waits before a connection stands: for a name to be resolved, and for a free place."""

import asyncio
import socket
import subprocess
import sys
import threading

import pytest

from langchain_segmind import ChatSegmind, SegmindConnectionError, SegmindTimeoutError
from tests.faults.checks import DRIVERS, KEY, play
from tests.faults.server import ANSWER, FaultServer, answer, blackhole, refused, reply

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


def port_of(url):
    return int(url.rsplit(":", 1)[1].removesuffix("/v1"))


@pytest.fixture
def resolve(monkeypatch):
    """Have `localhost` stand for ports of this machine, each as an address of its own."""
    real = socket.getaddrinfo

    def to(*ports):
        where = [("127.0.0.1", port) for port in ports]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each) for each in where]

        def getaddrinfo(host, *args, **kwargs):
            return found if host in ("localhost", b"localhost") else real(host, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return to


LOCALHOST = "http://localhost:9/v1"


@pytest.mark.parametrize("dead", [1, 2, 4])
@pytest.mark.parametrize("driver", DRIVERS)
def test_dead_addresses_do_not_hide_one_that_works(driver, resolve, dead):
    with blackhole() as hole, FaultServer({"m": [answer()]}) as server:
        resolve(*[port_of(hole)] * dead, server.port)
        end = play(driver, LOCALHOST, connect_timeout=3, max_retries=0)

    assert end.text == "fine", end.error
    assert server.connections == 1


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_dead_address_of_a_proxy_does_not_hide_one_that_works(driver, resolve):
    with blackhole() as hole, FaultServer({"*": [answer()], "m": [answer()]}) as proxy:
        resolve(port_of(hole), proxy.port)
        end = play(
            driver,
            "http://127.0.0.1:9/v1",
            proxy="http://localhost:9",
            connect_timeout=3,
            max_retries=0,
        )

    assert end.text == "fine", end.error
    assert proxy.connections == 1


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_address_that_refuses_does_not_hide_one_that_works(driver, resolve):
    with refused() as url, FaultServer({"m": [answer()]}) as server:
        resolve(port_of(url), server.port)
        end = play(driver, LOCALHOST, connect_timeout=3, max_retries=0)

    assert end.text == "fine", end.error
    assert server.connections == 1


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_first_address_is_taken_alone_when_it_works(driver, resolve):
    with FaultServer({"m": [answer()]}) as first, FaultServer({"m": [answer()]}) as second:
        resolve(first.port, second.port)
        end = play(driver, LOCALHOST, connect_timeout=3, max_retries=0)

    assert end.text == "fine", end.error
    assert (first.connections, second.connections) == (1, 0)


@pytest.mark.parametrize("driver", DRIVERS)
def test_connect_timeout_covers_all_addresses_when_all_are_dead(driver, resolve):
    with blackhole() as hole:
        resolve(*[port_of(hole)] * 3)
        end = play(driver, LOCALHOST, connect_timeout=0.5, timeout=30, max_retries=0)

    assert isinstance(end.error, SegmindTimeoutError)
    assert (end.error.outcome, end.error.billed) == ("not_sent", False)


@pytest.mark.parametrize("driver", DRIVERS)
def test_addresses_that_all_refuse_are_no_timeout(driver, resolve):
    with refused() as url:
        resolve(*[port_of(url)] * 3)
        end = play(driver, LOCALHOST, connect_timeout=30, max_retries=0)

    assert type(end.error) is SegmindConnectionError
    assert end.error.outcome == "not_sent"


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
