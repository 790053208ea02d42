"""Every block of the README and the pages runs, and what they tell of settings is so."""

import inspect
import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel

from langchain_segmind import ChatSegmind, SegmindEmbeddings, SegmindInvalidRequestError
from langchain_segmind._client.connection import GatewayClient
from langchain_segmind.models import SLOW

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SETTINGS = (ROOT / "docs/settings.md").read_text()
EMBEDDINGS = (ROOT / "docs/embeddings.md").read_text()
GATEWAY = (ROOT / "docs/gateway.md").read_text()
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


GPT, CLAUDE, GEMINI = "gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"
MEDIA = {
    ("image", "inline"): {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"},
    ("image", "by URL"): {"type": "image", "url": "https://example.com/a.png"},
    ("PDF", "inline"): {"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf"},
    ("audio, video", "WAV"): {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/wav"},
    ("audio, video", "MP3"): {"type": "audio", "base64": "SUQz", "mime_type": "audio/mpeg"},
    ("audio, video", "video"): {"type": "video", "base64": "AAAA", "mime_type": "video/mp4"},
}


@pytest.mark.parametrize(("row", "word"), MEDIA)
def test_a_family_takes_the_media_that_the_page_of_the_gateway_says(gateway, row, word):
    line = next(line for line in GATEWAY.splitlines() if line.startswith(f"| {row} |"))
    told = dict(zip((GPT, CLAUDE, GEMINI), line.strip("| ").split("|")[1:], strict=True))
    content = [{"type": "text", "text": "What is this?"}, MEDIA[row, word]]

    for slug, cell in told.items():
        is_all = cell.strip() == "inline" and word != "by URL"
        may = nullcontext() if word in cell or is_all else pytest.raises(SegmindInvalidRequestError)
        model = ChatSegmind(model=slug, base_url=gateway.base_url, api_key=gateway.api_key)
        with model, may:
            model.invoke([{"role": "user", "content": content}])


def test_the_page_of_the_gateway_tells_from_when_a_model_is_slow():
    assert f"models that take {SLOW:.0f} s or more on average" in GATEWAY
