"""The notebook runs, its stored outputs are up to date, and they show nothing of the machine."""

import re
from pathlib import Path

import pytest

from tests.integration import notebook

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def fresh():
    with notebook.scripted() as gateway:
        yield notebook.executed(notebook.stored(), gateway)


def shown(executed):
    """Return what is shown below each cell of code."""
    return [
        "".join(output.get("text") or output.data["text/plain"] for output in cell.outputs)
        for cell in executed.cells
        if cell.cell_type == "code"
    ]


def test_notebook_shows_what_a_reader_wants_to_see(fresh):
    printed = "\n".join(shown(fresh))

    for part in (
        "Bonjour",
        "claude-4.5-sonnet: Your name is Ada.",
        "Danke",
        "[('get_weather', {'city': 'Paris'})]",
        " tool: It is sunny in Paris.\n   ai: It is sunny in Paris.",
        "Person(name='Ada Lovelace', year_of_birth=1815)",
        "A single red pixel.",
        "{'input_tokens': 24, 'output_tokens': 2, 'total_tokens': 26}",
        "gpt-4o stop\n$0.000032",
        "3 calls",
        "100 99 + 99 = 198",
        "['7 * 7 = 49', '8 * 8 = 64']",
        "SegmindModelNotFoundError 404 rejected billed: False",
    ):
        assert part in printed, printed


def test_notebook_outputs_are_up_to_date(fresh):
    again = "run `make notebook` and read what changed"
    assert shown(notebook.stored()) == shown(fresh), again


def test_notebook_prints_nothing_to_stderr(fresh):
    outputs = [o for c in fresh.cells if c.cell_type == "code" for o in c.outputs]

    assert [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"] == []


def test_notebook_file_contains_no_key_path_or_counter():
    text = notebook.NOTEBOOK.read_text()

    assert not re.search(r"SG_|127\.0\.0\.1|/home/|/tmp/|/usr/|\d+\.\d+\.\d+", text)
    assert re.findall(r'"execution_count": (?!null)', text) == []


def test_notebook_has_the_headings_of_langchains_own_pages():
    text = "\n".join(cell.source for cell in notebook.stored().cells)

    headings = re.findall(r"^##+ (.+)$", text, re.MULTILINE)
    assert headings[:8] == [
        "Overview",
        "Integration details",
        "Model features",
        "Setup",
        "Credentials",
        "Installation",
        "Instantiation",
        "Invocation",
    ]
    assert {"Chaining", "Tool calling", "Structured output", "Image input"} <= set(headings)
    assert {"Token usage and cost", "Async", "API reference"} <= set(headings)
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / "docs" / link).exists(), link
