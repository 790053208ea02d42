"""Every block of the README and the pages runs, and what they tell of settings is so."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel

from langchain_segmind import ChatSegmind, SegmindEmbeddings
from langchain_segmind._client import GatewayClient

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SETTINGS = (ROOT / "docs/settings.md").read_text()
EMBEDDINGS = (ROOT / "docs/embeddings.md").read_text()
PAGES = [README, *(page.read_text() for page in sorted((ROOT / "docs").glob("*.md")))]
BLOCKS = [block for page in PAGES for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL)]


def run(gateway, *arguments):
    environment = {
        "SEGMIND_API_KEY": gateway.api_key,
        "SEGMIND_API_BASE": gateway.base_url,
        "PATH": "",
    }
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_of_the_documentation_runs(gateway, block):
    done = run(gateway, "-c", block)

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("cls", [ChatSegmind, SegmindEmbeddings])
def test_the_tutorial_in_the_class_docstring_runs(gateway, cls):
    blocks = re.findall(r"```python\n(.*?)```", str(inspect.getdoc(cls)), re.DOTALL)

    done = run(gateway, "-c", "\n".join(blocks))

    assert len(blocks) >= 5
    assert done.returncode == 0, done.stderr


def test_code_stands_early_in_the_readme():
    lines = README.splitlines()
    starts = [n for n, line in enumerate(lines, 1) if line == "```python"]

    assert starts[0] <= 15
    assert next(n for n, line in enumerate(lines, 1) if "LocalGateway() as" in line) <= 35
    assert len(lines) < 200


def documented(page):
    """The names in the first column of a page's tables."""
    rows = [row for row in page.splitlines() if row.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_the_settings_that_are_documented_are_the_models():
    own = set(ChatSegmind.model_fields) - set(BaseChatModel.model_fields)
    assert documented(SETTINGS) == own

    shared = set(GatewayClient.model_fields)
    assert documented(EMBEDDINGS) == set(SegmindEmbeddings.model_fields) - shared | {"model"}
    assert shared <= documented(SETTINGS)


VALUES: dict[str, Any] = {
    "temperature": 0.5,
    "max_tokens": 50,
    "top_p": 0.9,
    "top_k": 5,
    "stop": ["END"],
    "seed": 7,
    "n": 2,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "reasoning_effort": "low",
}
NAMES = {"claude-4.5-sonnet": "stop_sequences", "gemini-2.5-flash": "stopSequences"}


@pytest.mark.parametrize("slug", ["gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"])
def test_the_generation_settings_arrive_under_the_names_it_tells(gateway, slug):
    row = next(row for row in SETTINGS.splitlines() if row.startswith("| `temperature`"))
    documented = re.findall(r"`(\w+)`", row.split("|")[1])
    assert set(documented) == set(VALUES)

    with ChatSegmind(model=slug, base_url=gateway.base_url, api_key=gateway.api_key) as model:
        model.invoke("Hello")
        plain = gateway.requests[-1].body
        for name in documented:
            model.invoke("Hello", **{name: VALUES[name]})
            sent = gateway.requests[-1].body
            own = NAMES.get(slug, "stop") if name == "stop" else name
            assert sent == {**plain, own: VALUES[name]}
