"""Memory and descriptors of calls stay within bounds."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import server as does
from tests.faults.catalog.replies import BODIES
from tests.faults.catalog.scenario import BUSY, FINE
from tests.faults.checks import both_drivers
from tests.faults.server import FaultServer, answer, head, reply, sends

MIB = 2**20
CAP = 32 * MIB

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc"
)


def measured(what, scripts, driver):
    """Measure calls in a process of their own."""
    with FaultServer(scripts) as server:
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.child", what, server.url, driver],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr
    return int(done.stdout), server


HUGE = {
    scenario.name: scenario.acts
    for scenario in BODIES
    if scenario.name.endswith(("endless", "endless chunks", "bomb", "33 MiB"))
}


@both_drivers
@pytest.mark.parametrize("name", HUGE)
def test_memory_of_a_call_stays_near_the_cap_on_bodies(name, driver):
    grown, server = measured("memory", {"fine": [answer()], "m": HUGE[name]}, driver)

    assert server.requests["m"] == 1
    assert grown < CAP + 16 * MIB


def test_measured_memory_includes_a_large_body():
    kept = reply(200, FINE[:-1] + b', "x": "' + b"x" * (20 * MIB) + b'"}', runs=True)

    grown, _ = measured("memory", {"fine": [answer()], "m": [kept]}, "sync")

    assert grown > 20 * MIB


FAILING = [
    does.reset,
    does.close,
    does.cut,
    reply(400, BUSY),
    reply(502, b"<html>"),
    reply(200, b"<html>"),
    sends(b"what?\r\n\r\n"),
    sends(head(200, {"Transfer-Encoding": "chunked"}, None) + b"zz\r\n"),
    reply(307, b"", {"Location": "http://localhost:1/"}),
]


@both_drivers
def test_failing_calls_leave_no_descriptor_open(driver):
    grown, server = measured("descriptors", {"m": FAILING * 8}, driver)

    assert server.requests["m"] == 70
    assert grown <= 1  # a connection is kept after some of the faults


@both_drivers
def test_five_thousand_calls_do_not_grow_the_process(driver):
    grown, server = measured("growth", {"m": [answer()]}, driver)

    assert server.executions["m"] == 6_000
    assert server.connections == 1
    assert grown < 2 * MIB
