"""What a call costs, by a figure that is no time: how many functions it enters.

A change that makes a call do a tenth more must say so, by writing the new figure here.
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
"""By the version of Python, as each counts differently; one that is not here is not judged."""


@pytest.fixture(scope="module")
def counted():
    message = questions.short().messages
    with Server() as server, subjects.segmind(server.url()) as model:
        return {
            "invoke": calls.count(partial(model.invoke, message)),
            "ainvoke": calls.acount(partial(model.ainvoke, message)),
        }


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_call_enters_hardly_more_functions_than_recorded(counted, way):
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version not in RECORDED:
        pytest.skip(f"nothing is recorded for Python {version}: {way} enters {counted[way]}")

    assert counted[way] <= RECORDED[version][way] * 1.1
