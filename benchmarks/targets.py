"""What we promise to cost: a row a target, over figures that were measured in one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Target:
    """One promise.

    Attributes:
        what: In words.
        figure: The measured figure.
        must: The highest value that is allowed.
        stretch: The value we would like; None where there is one bound.
    """

    what: str
    figure: str
    must: float
    stretch: float | None = None


TARGETS: Final = (
    Target("invoke: CPU / (LangChain itself, then requests)", "invoke/floor", 0.75, 0.65),
    Target("invoke: CPU / ChatMistralAI", "invoke/ChatMistralAI", 0.85),
    Target("invoke: CPU / ChatOpenAI", "invoke/ChatOpenAI", 0.45),
    Target("ainvoke: CPU / (LangChain itself, then aiohttp)", "ainvoke/floor", 1.10, 1.00),
    Target("ainvoke: CPU / ChatMistralAI", "ainvoke/ChatMistralAI", 0.50),
    Target("ainvoke: CPU / ChatOpenAI", "ainvoke/ChatOpenAI", 0.28),
    Target("invoke: instructions, millions", "invoke/instructions", 2.6, 2.2),
    Target("ainvoke: instructions, millions", "ainvoke/instructions", 1.75, 1.6),
    Target("import: instructions / importing BaseChatModel", "import/instructions", 1.05),
    Target("import: modules that could wait (aiohttp, local gateway)", "import/modules", 0),
    Target("construction, the first: ms", "construct/first", 1.0),
    Target("construction, later ones: ms", "construct/later", 0.1),
    Target("construction: sessions, SSL contexts, sockets", "construct/opened", 0),
    Target("batch(1000), 64 threads, 50 ms: wall / 800 ms", "batch/wall", 1.15, 1.08),
    Target("batch(1000), 64 threads: connections of all batches", "batch/connections", 64),
    Target(
        "abatch(1000), 50 ms: wall / (LangChain sleeping + aiohttp - 50 ms)",
        "abatch/wall",
        1.50,
        1.30,
    ),
    Target("abatch(1000): errors", "abatch/errors", 0),
    Target("abatch(1000) with 256 open files: errors", "abatch/errors of few files", 0),
    Target("abatch(10,000), 50 ms: wall / plain aiohttp model", "most/wall", 1.05),
    Target("abatch(10,000): peak memory / LangChain sleeping", "most/peak", 1.3),
    Target("20,000 calls, the second half: bytes kept a call", "lasting/bytes", 8),
    Target("20,000 calls, the second half: objects kept a call", "lasting/objects", 0.01),
    Target("60 event loops: descriptors left", "loops/descriptors", 0),
    Target("60 event loops: lines on stderr", "loops/stderr", 0),
    Target("60 event loops: failures", "loops/failed", 0),
    Target("200 messages: CPU / requests", "history/requests", 1.6),
    Target("200 messages: CPU / ChatOpenAI", "history/ChatOpenAI", 0.08),
    Target("5 MB image: CPU / requests", "image/requests", 1.1),
    Target("5 MB image: peak memory / message", "image/peak", 3),
    Target("20 tools, 200 messages, rendered as text: CPU / json.dumps", "rendering/json", 3),
    Target("TLS, one after the other: connections", "tls/invoke", 1),
    Target("TLS, one after the other, async: connections", "tls/ainvoke", 1),
)


def judge(value: float, bound: float | None) -> str:
    """Judge a figure by a bound, to the two digits that are shown."""
    if bound is None:
        return ""
    return "PASS" if round(value, 2) <= bound else "SHORT"
