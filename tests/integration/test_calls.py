"""How many functions a call enters: its cost, measured without a clock.

A change that makes a call enter over a tenth more must record the new number here.
"""

import sys
from functools import partial

import pytest

from benchmarks import calls, questions, subjects
from benchmarks.server import Server

RECORDED = {
    "3.11": {"invoke": 1455, "ainvoke": 1190},
    "3.12": {"invoke": 1422, "ainvoke": 1112},
}
"""By Python version, as each counts differently; a version that is not here is skipped."""


@pytest.fixture(scope="module")
def counted():
    message = questions.short().messages
    with Server() as server, subjects.segmind(server.url()) as model:
        return {
            "invoke": calls.count(partial(model.invoke, message)),
            "ainvoke": calls.acount(partial(model.ainvoke, message)),
        }


@pytest.mark.parametrize("method", ["invoke", "ainvoke"])
def test_call_enters_at_most_a_tenth_more_functions_than_recorded(counted, method):
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version not in RECORDED:
        pytest.skip(f"nothing is recorded for Python {version}: {method} enters {counted[method]}")

    assert counted[method] <= RECORDED[version][method] * 1.1
