"""Every example runs without a key, and prints what a newcomer wants to read."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEMO = re.findall(r"^EXAMPLES := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
ELSEWHERE = {"testing"}  # it is run by pytest


def run_example(name, environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / f"examples/{name}.py")],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", **environment},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done


def example(name, **environment):
    """Run an example without a key, and give what it prints."""
    return run_example(name, environment).stdout


def test_make_demo_runs_every_example():
    files = {path.stem for path in (ROOT / "examples").glob("*.py")}

    assert files - ELSEWHERE == set(DEMO)


def test_an_example_goes_to_the_gateway_of_the_environment(gateway):
    place = {"SEGMIND_API_KEY": gateway.api_key, "SEGMIND_API_BASE": gateway.base_url}

    done = run_example("images", place)

    assert f"SEGMIND_API_KEY is set: these calls go to {gateway.base_url}.\n" in done.stdout
    assert gateway.executions == 5


def test_the_quickstart_shows_the_main_job():
    printed = example("quickstart")

    for part in (
        "Guten Morgen",
        "Your name is Ada.",
        "50 answers",
        "Person(name='Ada Lovelace', year_of_birth=1815)",
        "about 100 meters tall",
        "Augustin Fresnel",
        "1988",
        "could not find that in the documents",
        "USD left",
    ):
        assert part in printed, printed


def test_the_agent_example_calls_its_tools_on_every_family():
    printed = example("agent")

    assert printed.count("call: multiply({'a': 17, 'b': 23})") == 3
    assert printed.count("391") >= 6
    assert printed.count("tool: error: 'the shop does not answer, try again'") == 3
    assert printed.count("Bees swarm in May and June") >= 3


def test_the_jobs_of_a_lost_process_are_collected():
    printed = example("long_jobs")

    assert "The process was killed." in printed
    assert all(f"What is {n} times {n}?     {n * n} " in printed for n in range(11, 21))
    assert "10 runs were paid for, none twice" in printed
    assert "The gateway executed 10 runs." in printed


def test_the_rag_example_answers_from_its_documents_and_cites_them():
    printed = example("rag")

    for part in (
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
    ):
        assert part in printed, printed


def test_the_chain_example_shows_chains():
    printed = example("chain")

    for part in (
        "  Guten Morgen\n",
        "summary by gpt-4o: 'Bees navigate by the sun",
        "poem by claude-4.5-sonnet: 'Bees at first light",
        "Japan: Tokyo",
        "'Les abeilles suivent le soleil",
        "gpt-4o: LangChain is a framework",
    ):
        assert part in printed, printed


def test_the_structured_example_gets_objects_from_every_family():
    printed = example("structured_output")

    people = "Ada Lovelace, 1815; Alan Turing, 1912; Grace Hopper, 1906"
    assert printed.count(people) == 3
    assert "{'product': 'candles', 'stars': 1, 'mood': 'angry'}" in printed
    assert "parsed=None, '{\"people\"'" in printed


def test_the_images_example_shows_its_picture_to_every_family():
    printed = example("images")

    assert printed.count("(image/png, 354 bytes)") == 5
    assert "Scene(description='What is in this picture?'" in printed
    assert "Claude takes media inline only" in printed


def test_the_credits_example_holds_its_budget():
    printed = example("credits")

    for part in (
        "You have 10.0000 USD",
        "{'input_tokens': 11, 'output_tokens': 18, 'total_tokens': 29}",
        "(log) WARNING: 9.99",
        "One block: 4 calls",
        "claude-4.5-sonnet: 1 calls",
        "the budget of 0.0002 USD is used up",
        "1 of 2 calls was Ada's",
    ):
        assert part in printed, printed
    answers, calls = re.findall(r"  (\d+) answers, (\d+) calls", printed)[0]
    assert answers == calls


def test_the_scaling_example_asks_again_only_for_what_is_missing():
    printed = example("scaling", CALLS="300")

    first, second = printed.split("\nRun ")[1:]
    assert "0 answered before, 300 to send" in first
    assert "5 failed: SegmindServerError (unknown); 5 may have cost something" in first
    assert "295 answered before, 5 to send" in second
    assert "failed" not in second


def test_the_testing_example_is_tests_that_pass():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(ROOT / "examples/testing.py"), "-q"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": ""},
        cwd=ROOT,
    )

    assert done.returncode == 0, done.stdout
    assert "9 passed" in done.stdout
