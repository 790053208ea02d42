"""The cost of a call, measured without a clock: how many functions it enters.

A change that makes a call enter a tenth more must record the new number here.
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


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_call_enters_at_most_a_tenth_more_functions_than_recorded(counted, way):
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version not in RECORDED:
        pytest.skip(f"nothing is recorded for Python {version}: {way} enters {counted[way]}")

    assert counted[way] <= RECORDED[version][way] * 1.1
