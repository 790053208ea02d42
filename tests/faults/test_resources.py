"""What calls take: memory within bounds, and nothing left behind."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import server as does
from tests.faults.catalogue.replies import BODIES
from tests.faults.catalogue.words import BUSY, FINE
from tests.faults.checks import DRIVERS
from tests.faults.server import FaultServer, answer, head, reply, says

MIB = 2**20
CAP = 32 * MIB

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="this system does not tell what calls take"
)


def taken(what, scenarios, driver):
    """What calls take in a process of their own."""
    with FaultServer(scenarios) as server:
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


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", HUGE)
def test_memory_stays_under_the_cap_and_a_little(name, driver):
    grown, server = taken("memory", {"fine": [answer()], "m": HUGE[name]}, driver)

    assert server.requests["m"] == 1
    assert grown < CAP + 16 * MIB


def test_the_measure_sees_what_it_measures():
    kept = reply(200, FINE[:-1] + b', "x": "' + b"x" * (20 * MIB) + b'"}', runs=True)

    grown, _ = taken("memory", {"fine": [answer()], "m": [kept]}, "sync")

    assert grown > 20 * MIB


FAILING = [
    does.reset,
    does.close,
    does.cut,
    reply(400, BUSY),
    reply(502, b"<html>"),
    reply(200, b"<html>"),
    says(b"what?\r\n\r\n"),
    says(head(200, {"Transfer-Encoding": "chunked"}, None) + b"zz\r\n"),
    reply(307, b"", {"Location": "http://localhost:1/"}),
]


@pytest.mark.parametrize("driver", DRIVERS)
def test_failing_calls_leave_no_descriptor_behind(driver):
    grown, server = taken("descriptors", {"m": FAILING * 8}, driver)

    assert server.requests["m"] == 70
    assert grown <= 1  # a connection is kept after some of the faults


@pytest.mark.parametrize("driver", DRIVERS)
def test_ten_thousand_calls_leave_no_memory_behind(driver):
    grown, server = taken("growth", {"m": [answer()]}, driver)

    assert server.executions["m"] == 11_000
    assert server.connections == 1
    assert grown < 2.5 * MIB
