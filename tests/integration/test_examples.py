"""Every example runs without a key, and prints what a newcomer wants to read."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.processes import run_python

ROOT = Path(__file__).parents[2]
DEMO = re.findall(r"^EXAMPLES := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
ELSEWHERE = {"testing"}  # it is run by pytest


def run_example(name, **settings):
    """Run an example and return what it prints."""
    script = ROOT / f"examples/{name}.py"
    printed, errors, code = run_python("-W", "error", script, **settings)
    assert (code, errors) == (0, "")
    return printed


def test_make_demo_runs_every_example():
    files = {path.stem for path in (ROOT / "examples").glob("*.py")}

    assert files - ELSEWHERE == set(DEMO)


def test_example_goes_to_the_gateway_of_the_environment(gateway):
    printed = run_example("images", gateway=gateway)

    assert f"SEGMIND_API_KEY is set: these calls go to {gateway.base_url}.\n" in printed
    assert gateway.executions == 5


PRINTED: dict[str, list[Any]] = {
    "quickstart": [
        "Guten Morgen",
        "Your name is Ada.",
        "50 answers",
        "Person(name='Ada Lovelace', year_of_birth=1815)",
        "about 100 meters tall",
        "Augustin Fresnel",
        "1988",
        "could not find that in the documents",
        "USD left",
    ],
    "agent": [  # on every family
        ("call: multiply({'a': 17, 'b': 23})", 3),
        ("391", range(6, 100)),
        ("tool: error: 'the shop does not answer, try again'", 3),
        ("Bees swarm in May and June", range(3, 100)),
    ],
    "long_jobs": [
        "The process was killed.",
        *(f"What is {n} times {n}?     {n * n} " for n in range(11, 21)),
        "10 runs were paid for, none twice",
        "The gateway executed 10 runs.",
    ],
    "rag": [
        "4 documents in 22 chunks, embedded for 0.0000",
        "Opened again: 22 chunks",
        "about 100 meters tall [lighthouses.txt].",
        "15 to 20 kilograms of honey until spring [bees.txt].",
        "sun and moon pull at right angles [tides.txt].",
        "Q: What does a ticket to the Louvre cost?\nA: This is not found in the documents.",
        "A: He was born in Vienna in 1886",
        "calls search_documents(",
        "returns 4 passages, from tides.txt",
        "In the Bay of Fundy in Canada, with 16 meters of difference [tides.txt].",
        "text-embedding-3-small:  29 calls",
        "USD left",
    ],
    "chain": [
        "  Guten Morgen\n",
        "summary by gpt-4o: 'Bees navigate by the sun",
        "poem by claude-4.5-sonnet: 'Bees at first light",
        "Japan: Tokyo",
        "'Les abeilles suivent le soleil",
        "gpt-4o: LangChain is a framework",
    ],
    "structured_output": [
        ("Ada Lovelace, 1815; Alan Turing, 1912; Grace Hopper, 1906", 3),
        "{'product': 'candles', 'stars': 1, 'mood': 'angry'}",
        "parsed=None, '{\"people\"'",
    ],
    "images": [
        ("(image/png, 354 bytes)", 5),
        "Scene(description='What is in this picture?'",
        "Claude does not take image URLs",
    ],
    "credits": [
        "You have 10.0000 USD",
        "{'input_tokens': 11, 'output_tokens': 18, 'total_tokens': 29}",
        "(log) WARNING: 9.99",
        "One block: 4 calls",
        "claude-4.5-sonnet: 1 calls",
        "the budget of 0.0002 USD is used up",
        "1 of 2 calls was Ada's",
    ],
}
"""What an example prints: at least once, or as often as the number or range allows."""


@pytest.mark.parametrize("name", PRINTED)
def test_example_prints_what_it_shows(name):
    printed = run_example(name)

    for part in PRINTED[name]:
        text, count = (part, range(1, 100)) if isinstance(part, str) else part
        counts = [count] if isinstance(count, int) else count
        assert printed.count(text) in counts, (text, printed)
    if name == "credits":
        assert re.search(r"  (\d+) answers, \1 calls", printed)


def test_scaling_example_repeats_only_the_calls_without_an_answer():
    printed = run_example("scaling", environment={"CALLS": "300"})

    first, second = printed.split("\nRun ")[1:]
    assert "0 answered before, 300 to send" in first
    assert "5 failed: SegmindServerError (unknown); 5 may have cost something" in first
    assert "295 answered before, 5 to send" in second
    assert "failed" not in second


def test_testing_example_is_tests_that_pass():
    printed, _, code = run_python("-m", "pytest", "examples/testing.py", "-q", cwd=ROOT)

    assert code == 0, printed
    assert "9 passed" in printed
