"""The performance targets of this package, one row per target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Target:
    """One target.

    Attributes:
        what: A description.
        figure: The name of the measured figure.
        must: The highest value allowed.
        stretch: A lower value to aim for; None if there is only one bound.
    """

    what: str
    figure: str
    must: float
    stretch: float | None = None


TARGETS: Final = (
    Target("invoke: CPU / (LangChain overhead + requests)", "invoke/floor", 0.75, 0.65),
    Target("invoke: CPU / ChatMistralAI", "invoke/ChatMistralAI", 0.85),
    Target("invoke: CPU / ChatOpenAI", "invoke/ChatOpenAI", 0.45),
    Target("ainvoke: CPU / (LangChain overhead + aiohttp)", "ainvoke/floor", 1.10, 1.05),
    Target("ainvoke: CPU / ChatMistralAI", "ainvoke/ChatMistralAI", 0.50),
    Target("ainvoke: CPU / ChatOpenAI", "ainvoke/ChatOpenAI", 0.28),
    Target("invoke: instructions, millions", "invoke/instructions", 2.6, 2.2),
    Target("ainvoke: instructions, millions", "ainvoke/instructions", 1.75, 1.6),
    Target("import: instructions / importing BaseChatModel", "import/instructions", 1.05),
    Target("import: modules that are not needed yet (aiohttp, local gateway)", "import/modules", 0),
    Target("first construction: ms", "construct/first", 1.0),
    Target("later constructions: ms", "construct/later", 0.1),
    Target("construction: sessions, SSL contexts, sockets", "construct/opened", 0),
    Target("batch(1000), 64 threads, 50 ms: wall / 800 ms", "batch/wall", 1.15, 1.08),
    Target("batch(1000), 64 threads: connections of three batches", "batch/connections", 64),
    Target(
        "abatch(1000), 50 ms: wall / (LangChain with sleep + aiohttp - 50 ms)",
        "abatch/wall",
        1.50,
        1.30,
    ),
    Target("abatch(1000): errors", "abatch/errors", 0),
    Target("abatch(1000) with 256 open files: errors", "abatch/errors of few files", 0),
    Target("abatch(10,000), 50 ms: wall / plain aiohttp model", "most/wall", 1.10, 1.00),
    Target("abatch(10,000): peak memory / LangChain with sleep", "most/peak", 1.1, 0.7),
    Target("20,000 calls, second half: bytes leaked per call", "lasting/bytes", 8),
    Target("20,000 calls, second half: objects leaked per call", "lasting/objects", 0.01),
    Target("60 event loops: file descriptors left open", "loops/descriptors", 0),
    Target("60 event loops: lines on stderr", "loops/stderr", 0),
    Target("60 event loops: failed calls", "loops/failed", 0),
    Target("200 messages: CPU / requests", "history/requests", 1.6),
    Target("200 messages: CPU / ChatOpenAI", "history/ChatOpenAI", 0.08),
    Target("5 MB image: CPU / requests", "image/requests", 1.1),
    Target("5 MB image: peak memory / message", "image/peak", 3),
    Target("20 tools, 200 messages, rendered into a prompt: CPU / json.dumps", "rendering/json", 3),
    Target("a reply twice as long: CPU / CPU before", "growth/replies", 2.3),
    Target("twice as many tools: CPU / CPU before", "growth/tool lists", 2.3),
    Target("a history twice as long: CPU / CPU before", "growth/histories", 2.3),
    Target("a schema twice as large: CPU / CPU before", "growth/schemas", 2.3),
    Target("media twice as large: CPU / CPU before", "growth/media", 2.3),
    Target("a batch twice as large: CPU / CPU before", "growth/batches", 2.3),
    Target("1 MB of any text, read as a reply: seconds", "growth/large", 1.0, 0.3),
    Target("TLS, 20 calls one after another: connections", "tls/invoke", 1),
    Target("TLS, 20 async calls one after another: connections", "tls/ainvoke", 1),
)


def judge(value: float, bound: float | None) -> str:
    """Compare a figure with a bound, rounded to the two digits that are shown."""
    if bound is None:
        return ""
    return "PASS" if round(value, 2) <= bound else "FAIL"
