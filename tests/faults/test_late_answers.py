"""An answer that has arrived is returned, although it is read after its deadline."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from langchain_segmind import SegmindTimeoutError
from tests.faults.catalog.places import over_tls
from tests.faults.catalog.queue import SUBMITTED
from tests.faults.catalog.scenario import Scenario
from tests.faults.checks import both_drivers, build, play
from tests.faults.server import ANSWER, FaultServer, head, in_turn, repeats, reply

CALL = """
import asyncio, sys

from tests.faults.checks import build, call

driver, url, certificates, queue = sys.argv[1:]
settings = {"timeout": 1, "max_retries": 0, "poll_interval": 0.01, "queue": queue == "queue"}
model = build(url, verify=certificates or True, **settings)
print(call(driver, model, "hi").text)
"""
# More than one read, but less than a socket's buffer holds.
PADDING = {"X-Padding": "x" * 10_000}
BIG = reply(200, {**ANSWER, "padding": "x" * 50_000}, PADDING, runs=True)


class Stopper:
    """Stops a process when its request has arrived, and until the deadline of the reply is over."""

    def __init__(self):
        self._started = threading.Event()

    def call(self, driver, place, queue=""):
        """Call a model in a process, and return what it printed, and its errors."""
        certificates = place.settings.get("verify", "")
        command = [sys.executable, "-c", CALL, driver, place.url, certificates, queue]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, text=True, stdout=pipe, stderr=pipe) as process:
            self._pid = process.pid
            self._started.set()
            return process.communicate()

    def stops_during(self, act):
        return in_turn(self._stop, act, self._resume)

    def _stop(self, request):
        self._started.wait()
        os.kill(self._pid, signal.SIGSTOP)

    def _resume(self, request):
        request.server.wait(1.1)
        os.kill(self._pid, signal.SIGCONT)


can_stop = pytest.mark.skipif(
    not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process"
)


@can_stop
@pytest.mark.parametrize(
    ("driver", "place"),
    [("sync", None), ("sync", over_tls()), ("async", over_tls())],
    ids=["sync-http", "sync-https", "async-https"],
)
def test_answer_is_returned_when_the_process_is_stopped_past_its_deadline(driver, place):
    stopper = Stopper()
    scenario = Scenario("stopped", acts=(stopper.stops_during(BIG),), place=place)
    with scenario.at() as gateway:
        printed = stopper.call(driver, gateway)

    assert printed == ("fine\n", "")


@can_stop
def test_result_of_a_job_is_returned_when_the_process_is_stopped_past_each_deadline():
    stopper = Stopper()
    done = reply(200, {"status": "COMPLETED"}, PADDING)
    result = reply(200, {"status": "COMPLETED", "output": json.dumps(ANSWER)}, PADDING)
    polls, results = (stopper.stops_during(done),), (stopper.stops_during(result),)
    scenario = Scenario("stopped", acts=(SUBMITTED,), polls=polls, results=results)
    with scenario.at() as gateway:
        printed = stopper.call("async", gateway, "queue")

    assert printed == ("fine\n", "")
    assert gateway.gateway is not None
    assert gateway.gateway.requests == {"m": 1, "status": 1, "result": 1}


def block_until_answered(server):
    server.wait_until(lambda: server.ended == 1)
    time.sleep(1)  # until the deadline is over


@pytest.mark.parametrize("place", [None, over_tls()], ids=["http", "https"])
async def test_answer_is_returned_when_the_loop_is_blocked_past_its_deadline(place):
    is_blocked = threading.Event()

    def answer_late(request):
        is_blocked.wait()
        BIG(request)

    with Scenario("blocked", acts=(answer_late,), place=place).at() as gateway:
        assert gateway.gateway is not None
        async with build(gateway.url, timeout=1, max_retries=0, **gateway.settings) as model:
            call = asyncio.create_task(model.ainvoke("hi"))
            await asyncio.to_thread(gateway.gateway.arrived.wait)
            is_blocked.set()
            block_until_answered(gateway.gateway)
            message = await call

    assert message.text == "fine"


@both_drivers
@pytest.mark.parametrize(
    ("start", "piece", "outcome"),
    [
        (b"", b"HTTP/1.1 102 P\r\n\r\n", "unknown"),
        (head(200, {"Transfer-Encoding": "chunked"}, None), b"1\r\n \r\n", "executed"),
    ],
    ids=["interim replies", "tiny chunks"],
)
def test_flood_of_what_is_slow_to_read_ends_at_its_deadline(driver, start, piece, outcome):
    with FaultServer({"m": [repeats(piece * 5_000, start)]}) as server:
        end = play(driver, server.url, timeout=0.5, max_retries=0)

        assert isinstance(end.error, SegmindTimeoutError)
        assert end.error.outcome == outcome
        assert server.wait_until(lambda: server.gone == 1)


@both_drivers
def test_reply_that_goes_on_and_on_ends_at_its_deadline(driver):
    endless = repeats(b" ", start=head(200, {}, 30_000_000))
    with FaultServer({"m": [endless]}) as server:
        end = play(driver, server.url, timeout=0.5, max_retries=0)

        assert isinstance(end.error, SegmindTimeoutError)
        assert end.error.outcome == "executed"
        assert server.wait_until(lambda: server.gone == 1)
