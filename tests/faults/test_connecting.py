"""Waits before a connection stands: for a name to be resolved, and for a free connection."""

import asyncio
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest

from langchain_segmind import SegmindConnectionError, SegmindTimeoutError
from tests.faults.checks import both_drivers, build, play
from tests.faults.server import ANSWER, FaultServer, answer, blackhole, refused, reply

RESOLVER = """
import asyncio, socket, sys, threading

from langchain_segmind import SegmindError
from tests.faults.checks import build

lookups, over = [], threading.Event()


def never(*address, **_):
    lookups.append(address)
    over.wait(60)
    raise socket.gaierror("the name was resolved after all")


socket.getaddrinfo = never
model = build("https://gateway.example/v1", max_retries=1, connect_timeout=0.4, timeout=None)
for _ in range(2):
    try:
        model.invoke("hi") if sys.argv[1] == "sync" else asyncio.run(model.ainvoke("hi"))
    except SegmindError as error:
        print(type(error).__name__, error.outcome)
print(len(lookups), over.is_set())
over.set()
"""


@both_drivers
def test_connect_timeout_includes_a_name_server_that_never_answers(driver):
    """Four attempts share one thread, which is left behind, also by `asyncio.run`."""
    done = subprocess.run(
        [sys.executable, "-c", RESOLVER, driver],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert done.stdout == "SegmindTimeoutError not_sent\n" * 2 + "1 False\n", done.stderr


STOPPED = """
import gc, sys, threading, time

from langchain_segmind import SegmindError
from tests.faults.checks import build

url, *functions = sys.argv[1:]
model = build(url, max_retries=0, connect_timeout=0.5)


def stop(frame, event, arg):
    name = arg.__name__ if event == "c_return" else frame.f_code.co_name
    if event in ("return", "c_return") and name in functions:
        time.sleep(1)


threading.setprofile(stop)
sys.setprofile(stop)
try:
    model.invoke("hi")
except SegmindError as error:
    print(type(error).__name__, error.outcome)
sys.setprofile(None)
model.close()
gc.collect()
"""


@pytest.mark.parametrize("functions", [["getsockopt"], ["run"]], ids=["before", "after"])
def test_connection_that_is_there_too_late_is_closed(functions):
    """The call is stopped right before or after it notices that it is connected."""
    with FaultServer({"m": [answer()]}) as server:
        done = subprocess.run(
            [sys.executable, "-W", "always", "-c", STOPPED, server.url, *functions],
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    assert (done.stdout, done.stderr) == ("SegmindTimeoutError not_sent\n", "")


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
PROXIED = ("http://127.0.0.1:9/v1", {"proxy": "http://localhost:9"})


@pytest.mark.parametrize(
    ("dead", "url", "settings"),
    [
        ([blackhole], LOCALHOST, {}),
        ([blackhole] * 2, LOCALHOST, {}),
        ([blackhole] * 4, LOCALHOST, {}),
        ([refused], LOCALHOST, {}),
        ([blackhole], *PROXIED),
    ],
    ids=["one", "two", "four", "one refuses", "one of a proxy"],
)
@both_drivers
def test_dead_addresses_do_not_hide_one_that_works(driver, resolve, dead, url, settings):
    with ExitStack() as stack, FaultServer({"m": [answer()]}) as server:
        ports = [port_of(stack.enter_context(place())) for place in dead]
        resolve(*ports, server.port)
        end = play(driver, url, connect_timeout=10, max_retries=0, **settings)

    assert end.text == "fine", end.error
    assert server.connections == 1


@both_drivers
def test_first_address_is_used_alone_when_it_works(driver, resolve):
    def is_used_alone():
        with FaultServer({"m": [answer()]}) as first, FaultServer({"m": [answer()]}) as second:
            resolve(first.port, second.port)
            end = play(driver, LOCALHOST, connect_timeout=10, max_retries=0)
        assert end.text == "fine", end.error
        return (first.connections, second.connections) == (1, 0)

    # When this thread is stopped for 0.1 s at the wrong moment, the second one is tried, too.
    assert any(is_used_alone() for _ in range(5))


@pytest.mark.parametrize(
    ("place", "connect_timeout", "error"),
    [(blackhole, 0.5, SegmindTimeoutError), (refused, 30, SegmindConnectionError)],
)
@both_drivers
def test_call_is_not_sent_when_all_addresses_are_dead(
    driver, resolve, place, connect_timeout, error
):
    with place() as url:
        resolve(*[port_of(url)] * 3)
        end = play(driver, LOCALHOST, connect_timeout=connect_timeout, timeout=30, max_retries=0)

    assert end.error is not None
    assert type(end.error) is error
    assert (end.error.outcome, end.error.billed) == ("not_sent", False)
    assert end.error.is_retryable


@both_drivers
def test_total_timeout_ends_the_wait_for_a_connection(driver):
    ended: list[str] = []
    release = threading.Event()

    def hold(request):
        release.wait(60)
        reply(200, ANSWER)(request)

    async def ainvoke_first():
        await model.ainvoke("hi")
        ended.append("first")

    async def both():
        task = asyncio.create_task(ainvoke_first())
        await asyncio.to_thread(server.arrived.wait)
        with pytest.raises(SegmindTimeoutError) as caught:
            await hasty.ainvoke("hi")
        ended.append("hasty")
        release.set()
        await task
        await model.aclose()
        return caught.value

    def invoke_first():
        model.invoke("hi")
        ended.append("first")

    def both_in_threads():
        thread = threading.Thread(target=invoke_first)
        thread.start()
        server.arrived.wait()
        with pytest.raises(SegmindTimeoutError) as caught:
            hasty.invoke("hi")
        ended.append("hasty")
        release.set()
        thread.join()
        model.close()
        return caught.value

    with FaultServer({"m": [hold]}) as server:
        model = build(server.url, max_connections=1, timeout=60)
        hasty = model.model_copy(update={"total_timeout": 0.3})
        error = asyncio.run(both()) if driver == "async" else both_in_threads()

    assert error.outcome == "not_sent"
    assert ended == ["hasty", "first"]
    assert server.requests["m"] == 1
