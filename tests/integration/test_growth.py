"""Twice the input takes about twice the lines that run: counted, because a clock needs quiet.

What grows faster inside C, as in a regular expression, is measured by `make bench` only.
"""

import pytest

from benchmarks import calls, growth
from benchmarks.server import Server

WORKS = {f"{work.kind}, {work.name}": work for work in growth.WORKS}
PART = 16  # of the input that `make bench` measures


@pytest.fixture(scope="module")
def url():
    with Server() as server:
        yield server.url()


@pytest.mark.parametrize("name", WORKS)
def test_twice_the_input_adds_at_most_about_twice_the_lines(url, name):
    work = WORKS[name]
    size = work.size // PART
    runs = [work.build(url, times * size) for times in (1, 2, 4)]
    for run in runs:
        run()

    # What runs once in a process, such as compiling a regular expression, may spoil a count.
    assert any(grows_in_proportion(runs) for _ in range(3))


def grows_in_proportion(runs):
    """Compare what is added each time, so that what every call costs hides nothing."""
    one, two, four = map(calls.lines, runs)
    return four - two <= 2.2 * (two - one) + 300


def test_every_kind_of_input_is_counted():
    assert {work.kind for work in growth.WORKS} == {*growth.KINDS}
