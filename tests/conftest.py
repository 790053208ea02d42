"""What all tests share."""

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

# Hypothesis fails examples that take long to run or to generate, which says more about how busy the
# machine is than about the code. The laws on time count steps or compare ratios.
settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")

LIFECYCLE = "tests/integration/test_lifecycle.py::"
RESETS = "the fault server resets connections by an option that Windows has in another form"
LOOPS = "tests/integration/test_event_loops.py::"
NEEDS_PROC = dict.fromkeys(
    [
        f"{LIFECYCLE}test_ended_loops_leave_no_open_descriptors",
        f"{LOOPS}test_closed_loop_closes_its_connections_without_a_warning",
        f"{LOOPS}test_dropped_loops_leave_nothing",
        f"{LOOPS}test_dropped_models_close_their_connections_while_the_loop_runs",
    ],
    "counts descriptors in Linux's /proc",
)
# What `make test-elsewhere` cannot run on a system, and why.
CANNOT_RUN = {
    "darwin": NEEDS_PROC,
    "win32": {
        **NEEDS_PROC,
        f"{LIFECYCLE}test_ctrl_c_is_raised_and_not_retried": "Windows ends a process by SIGINT",
        "tests/faults/test_connecting.py": RESETS,
    },
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Start two workers a core: the tests wait for servers and deadlines half of their time."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items):
    reasons = CANNOT_RUN.get(sys.platform, {})
    for item in items:
        test = item.nodeid.partition("[")[0]
        reason = reasons.get(test) or reasons.get(test.partition("::")[0])
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=reason))
