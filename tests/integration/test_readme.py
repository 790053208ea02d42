"""Every block of the README and the pages runs, and what they state about settings is true."""

import inspect
import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel

from langchain_segmind import ChatSegmind, SegmindEmbeddings, SegmindInvalidRequestError
from langchain_segmind.models import SLOW
from tests.integration.call_styles import build
from tests.integration.processes import run_python
from tests.integration.samples import SLUGS, each_family

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SETTINGS = (ROOT / "docs/settings.md").read_text()
EMBEDDINGS = (ROOT / "docs/embeddings.md").read_text()
GATEWAY = (ROOT / "docs/gateway.md").read_text()
PAGES = [README, *(page.read_text() for page in sorted((ROOT / "docs").glob("*.md")))]
RUN_EACH = """
import os, sys
import langchain_segmind.testing  # once for all blocks

for block in sys.argv[1:]:
    child = os.fork()
    if not child:
        exec(block, {"__name__": "__main__"})
        sys.exit()
    if os.waitpid(child, 0)[1]:
        sys.exit(f"This block failed:\\n{block}")
"""


def blocks_of(text):
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("blocks", [blocks for page in PAGES if (blocks := blocks_of(page))])
def test_blocks_of_a_page_run_each_on_its_own(gateway, blocks):
    _, errors, code = run_python("-W", "error", "-c", RUN_EACH, *blocks, gateway=gateway)

    assert (code, errors) == (0, "")


@pytest.mark.parametrize("cls", [ChatSegmind, SegmindEmbeddings])
def test_tutorial_in_the_class_docstring_runs(gateway, cls):
    blocks = blocks_of(str(inspect.getdoc(cls)))

    _, errors, code = run_python("-W", "error", "-c", "\n".join(blocks), gateway=gateway)

    assert len(blocks) >= 5
    assert code == 0, errors


def test_readme_shows_code_early():
    lines = README.splitlines()
    starts = [n for n, line in enumerate(lines, 1) if line == "```python"]

    assert starts[0] <= 15
    table = [n for n, line in enumerate(lines, 1) if re.search(r"\| [✓✗] \|", line)]
    assert len(table) >= 8
    assert table[0] <= 35
    assert len(lines) < 200


def documented(page):
    """The names in the first column of a page's tables."""
    rows = [row for row in page.splitlines() if row.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_documented_settings_are_those_of_the_classes():
    own = set(ChatSegmind.model_fields) - set(BaseChatModel.model_fields)
    assert documented(SETTINGS) == own

    shared = own & set(SegmindEmbeddings.model_fields)
    assert documented(EMBEDDINGS) == set(SegmindEmbeddings.model_fields) - shared | {
        "model",
        "family",
    }


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


@each_family
def test_generation_setting_is_sent_under_its_documented_name(gateway, slug):
    rows = [row for row in SETTINGS.splitlines() if row.startswith(("| `temperature`", "| `stop`"))]
    documented = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in rows))
    assert set(documented) == set(VALUES)

    with build(gateway, slug) as model:
        model.invoke("Hello")
        plain = gateway.requests[-1].body
        for name in documented:
            model.invoke("Hello", **{name: VALUES[name]})
            sent = gateway.requests[-1].body
            own = NAMES.get(slug, "stop") if name == "stop" else name
            assert sent == {**plain, own: VALUES[name]}


MEDIA = {
    ("image, inline", "PNG"): {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"},
    ("image by URL", "http"): {"type": "image", "url": "https://example.com/a.png"},
    ("PDF, inline", "yes"): {"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf"},
    ("audio, inline", "WAV"): {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/wav"},
    ("audio, inline", "MP3"): {"type": "audio", "base64": "SUQz", "mime_type": "audio/mpeg"},
    ("video, inline", "MP4"): {"type": "video", "base64": "AAAA", "mime_type": "video/mp4"},
}


@pytest.mark.parametrize(("row", "word"), MEDIA)
def test_family_accepts_the_media_that_the_gateway_page_names(gateway, row, word):
    line = next(line for line in GATEWAY.splitlines() if line.startswith(f"| {row} |"))
    cells = dict(zip(SLUGS, line.split("|")[2:-1], strict=True))
    content = [{"type": "text", "text": "What is this?"}, MEDIA[row, word]]

    for slug, cell in cells.items():
        may = nullcontext() if word in cell else pytest.raises(SegmindInvalidRequestError)
        model = build(gateway, slug)
        with model, may:
            model.invoke([{"role": "user", "content": content}])


def test_gateway_page_states_when_a_model_counts_as_slow():
    assert f"[models that take {SLOW:.0f} s or more on average]" in GATEWAY
