"""Connections of event loops: opened without the loop's own threads, and closed with their loop."""

import asyncio
import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.catalog.places import over_tls
from tests.faults.catalog.scenario import Scenario
from tests.faults.checks import build
from tests.faults.server import FaultServer, answer
from tests.integration.processes import wait_until


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def run(code, url, certificates="", options=()):
    """Run code in a process of its own, and return what it printed and its errors."""
    done = subprocess.run(
        [sys.executable, *options, "-c", PREPARE + code, url, certificates],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout, done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_calls_need_no_thread_of_the_loop(host):
    """The only thread runs a tool that waits for a call on the loop."""

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))

        def tool():
            return asyncio.run_coroutine_threadsafe(model.ainvoke("hi"), loop).result(30).text

        try:
            return await asyncio.to_thread(tool)
        finally:
            await model.aclose()

    with FaultServer({"m": [answer()]}) as server:
        model = build(server.url.replace("127.0.0.1", host), max_retries=0)
        assert asyncio.run(main()) == "fine"


PREPARE = """
import asyncio, gc, os, sys, threading

from langchain_segmind import SegmindError
from tests.faults.checks import build

url, certificates = sys.argv[1:]
model = build(url, verify=certificates or True, max_retries=0)
begun, over = threading.Event(), threading.Event()


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def loops():
    return sum(isinstance(each, asyncio.AbstractEventLoop) for each in gc.get_objects())


async def until(is_true):
    while not is_true():
        await asyncio.sleep(0.01)


class SlowImport:
    def find_spec(self, name, *_):
        if name == "aiohttp" and not over.is_set():
            begun.set()
            over.wait()
"""
SLOW_TO_OPEN = """
sys.meta_path.insert(0, SlowImport())


async def main():
    first, second = (asyncio.create_task(model.ainvoke("hi")) for _ in range(2))
    await until(begun.is_set)
    first.cancel()
    print(await asyncio.wait([first]) and first.cancelled())
    for limit in ("total_timeout", "connect_timeout", "timeout"):
        try:
            await model.model_copy(update={limit: 0.2}).ainvoke("hi")
        except SegmindError as error:
            print(type(error).__name__, error.outcome, threading.active_count())
    over.set()
    print((await second).text)
    await model.aclose()


asyncio.run(main())
"""


def test_first_call_opens_within_its_limits_in_one_thread():
    with FaultServer({"m": [answer()]}) as server:
        printed = run(SLOW_TO_OPEN, server.url, options=("-W", "always"))

    assert printed == ("True\n" + "SegmindTimeoutError not_sent 2\n" * 3 + "fine\n", "")


async def test_call_succeeds_after_calls_that_failed_to_open(monkeypatch):
    with FaultServer({"m": [answer()]}) as server:
        async with build(server.url) as model:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
            calls = (model.ainvoke("hi") for _ in range(2))
            failed = await asyncio.gather(*calls, return_exceptions=True)
            monkeypatch.delenv("REQUESTS_CA_BUNDLE")
            message = await model.ainvoke("hi")

    assert [type(error) for error in failed] == [ValueError] * 2
    assert message.text == "fine"


CLOSED = """
gc.disable()
counts = []
for _ in range(3):
    loop = asyncio.new_event_loop()
    print(loop.run_until_complete(model.ainvoke("hi")).text)
    loop.close()
    counts.append(descriptors())
print(len(set(counts)))
"""
DROPPED = """
for n in range(60):
    asyncio.new_event_loop().run_until_complete(model.ainvoke("hi"))
    if n in (0, 59):
        while loops():  # the thread that opened the connections may not have ended yet
            gc.collect()
        print(descriptors())
"""


def test_closed_loop_closes_its_connections_without_a_warning():
    with Scenario("closed", acts=(answer(),), place=over_tls()).at() as gateway:
        certificates = gateway.settings["verify"]
        printed = run(CLOSED, gateway.url, certificates, options=("-W", "always"))

    assert printed == ("fine\n" * 3 + "1\n", "")


def test_dropped_loops_leave_nothing():
    with FaultServer({"m": [answer()]}) as server:
        printed, errors = run(DROPPED, server.url)

    first, last = printed.splitlines()
    assert first == last
    assert errors == ""


def test_loop_that_runs_again_reuses_its_connection():
    loop = asyncio.new_event_loop()
    with FaultServer({"m": [answer()]}) as server:
        model = build(server.url)
        for _ in range(2):
            assert loop.run_until_complete(model.ainvoke("hi")).text == "fine"
            loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(model.aclose())
        loop.close()

    assert server.connections == 1


async def test_dropped_models_close_their_connections_while_the_loop_runs():
    with FaultServer({"m": [answer()]}) as server:
        before = descriptors()
        for _ in range(3):
            await build(server.url).ainvoke("hi")
        gc.collect()
        await asyncio.to_thread(wait_until, lambda: descriptors() <= before)

    assert server.connections == 3
