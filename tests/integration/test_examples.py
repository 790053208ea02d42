"""Every example runs without a key, and prints what a newcomer wants to read."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from langchain_segmind.testing import Call
from tests.integration.processes import run_python

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
DEMO = " ".join(re.findall(r"^EXAMPLES [:+]= (.+)$", MAKEFILE, re.MULTILINE)).split()
OTHERS = re.findall(r"examples/(\w+)\.py\b", MAKEFILE)  # each has a command of its own


# The vendor's client has no method that closes its connections.
WARNINGS = {"drawing_agent": "ignore::ResourceWarning"}


def run_example(name, **settings):
    """Run an example and return what it prints."""
    script = ROOT / f"examples/{name}.py"
    flags = ("-W", "error", "-W", WARNINGS.get(name, "error"))
    printed, errors, code = run_python(*flags, script, **settings)
    assert (code, errors) == (0, "")
    return printed


def test_every_example_has_a_command():
    files = [path.stem for path in (ROOT / "examples").glob("*.py")]

    assert sorted(files) == sorted({*DEMO, *OTHERS})
    assert not {*DEMO} & {*OTHERS}


def test_example_goes_to_the_gateway_of_the_environment(gateway):
    printed = run_example("images", gateway=gateway)

    assert f"SEGMIND_API_KEY is set: these calls go to {gateway.base_url}.\n" in printed
    assert gateway.executions == 5


PRINTED: dict[str, list[Any]] = {
    "quickstart": [
        "Guten Morgen",
        "Your name is Ada. [scripted]",
        "50 answers",
        "Person(name='Ada Lovelace', year_of_birth=1815)",
        "30 days of vacation",
        "the fifth day of the next month",
        "From 7 a.m. to 8 p.m.",
        "could not find that in the documents",
        "\n1 call, 14 tokens, $0.0000",
        " left\n",
    ],
    "agent": [  # on every family
        ("call: multiply({'a': 17, 'b': 23})", 3),
        ("391", range(6, 100)),
        ("tool: error: 'the shop does not answer, try again'", 3),
        ("within 30 days, if they are unworn. [scripted]", 3),
        "In total: 24 calls, ",
    ],
    "mcp_agent": [
        "The server offers: list_issues, close_issue",
        "call: close_issue({'number': 18, 'reason': 'fixed in version 2.1'})",
        "Closed #18 (The search ignores umlauts.) because: fixed in version 2.1",
        "I have closed #18. [scripted]",
    ],
    "drawing_agent": [
        "The picture is done for $0.0030.",
        "saved as cover.png, 2",
        "Here is a cover with a lighthouse at night. [scripted]",
    ],
    "long_jobs": [
        "The process was killed.",
        *(f"What is {n} times {n}?     {n * n} " for n in range(11, 21)),
        "No run was billed twice: 10 calls, ",
        "The gateway executed 10 runs.",
    ],
    "rag": [
        "4 documents in 22 chunks, embedded for $0.0000",
        "Opened again: 22 chunks",
        "about 100 meters tall [lighthouses.txt].",
        "15 to 20 kilograms of honey until spring [bees.txt].",
        "sun and moon pull at right angles [tides.txt].",
        "Q: What does a ticket to the Louvre cost?\nA: This is not found in the documents.",
        "A: He was born in Vienna in 1886",
        "calls search_documents(",
        "returns 4 passages, from tides.txt",
        "In the Bay of Fundy in Canada, with 16 meters of difference [tides.txt].",
        "text-embedding-3-small: 29 calls, $0.00005",
        " left\n",
    ],
    "chain": [
        "  Guten Morgen [scripted]\n",
        "summary by gpt-4o: 'The meeting is on Thursday",
        "subject by claude-4.5-sonnet: 'Meeting moved",
        "Japan: Tokyo",
        "'La réunion a lieu jeudi",
        "gpt-4o: LangChain is a framework",
    ],
    "structured_output": [
        ("Ada Lovelace, 1815; Alan Turing, 1912; Grace Hopper, 1906", 3),
        "{'product': 'charger', 'stars': 1, 'mood': 'angry'}",
        "parsed=None, '{\"people\"'",
    ],
    "images": [
        ("(image/png, 354 bytes)", 5),
        "Scene(description='What is in this picture?'",
        "Claude does not take image URLs",
    ],
    "credits": [
        "You have $10.00, $0.00 of it in free credits.",
        "{'input_tokens': 11, 'output_tokens': 18, 'total_tokens': 29}",
        "(log) WARNING: $9.99",
        "One block: 4 calls",
        "claude-4.5-sonnet: 1 call,",
        "the budget of $0.0002 is used up",
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


def test_deep_agent_example_has_its_text_checked_by_another_agent():
    printed = run_example("deep_agent")

    if find_spec("deepagents") is None:
        assert "Skipped: this example needs deepagents" in printed
        return
    assert "call: task('Compare /guide.md with /lighthouses.txt" in printed
    assert "tool: 'No errors. [scripted]'" in printed
    assert "/guide.md: The Lighthouse of Alexandria stood" in printed
    assert "Both agents: 7 calls, " in printed


def test_deep_agent_example_ends_when_the_model_writes_another_file(gateway):
    if find_spec("deepagents") is None:
        pytest.skip("needs deepagents, and Python 3.11")
    gateway.reply(Call("write_file", {"file_path": "/notes.md", "content": "Bees."}), "Done.")

    assert "\n/notes.md: Bees.\nBoth agents: 2 calls, " in run_example(
        "deep_agent", gateway=gateway
    )


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
