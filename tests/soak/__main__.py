"""Use models in every way for two minutes, and check that the process does not grow.

`make soak` runs it with a local gateway in a process of its own. A round mixes calls in threads, in
two event loops that stay and in some that end, streams, jobs, embeddings, tools, canceled tasks and
batches, and forked children that get signals. Descriptors, threads and memory are compared at the
end with those after the first rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from langchain_segmind import ChatSegmind, SegmindBatchError, SegmindEmbeddings, SegmindError

EVERY: Final = 5  # rounds between measurements
WARM_UP: Final = 15
"""Rounds before the measurement that counts, some 8,000 calls: caches, pools and the memory of a
rate limit fill, and the allocator finds its size."""

ALLOWED: Final = {"descriptors": 2, "threads": 0, "children": 0, "memory": 6 * 2**20}
"""What there may be more of at the end, without idle connections. Memory is in bytes: the allocator
keeps a part of each peak."""

SCHEMA: Final = {
    "title": "Answer",
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
}


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@dataclass
class Soak:
    """The models that are used, and what became of their calls.

    Attributes:
        calls: How many were answered, by kind.
        canceled: How many calls were canceled.
        unexpected: What went wrong.
    """

    chat: ChatSegmind = field(default_factory=lambda: ChatSegmind(model="gpt-4o"))
    claude: ChatSegmind = field(default_factory=lambda: ChatSegmind(model="claude-4.5-sonnet"))
    queued: ChatSegmind = field(
        default_factory=lambda: ChatSegmind(model="gpt-5", queue=True, poll_interval=0.01)
    )
    embeddings: SegmindEmbeddings = field(
        default_factory=lambda: SegmindEmbeddings(model="text-embedding-3-small")
    )
    calls: dict[str, int] = field(default_factory=dict)
    canceled: int = 0
    unexpected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start two event loops, each in a thread."""
        self._loops = [asyncio.new_event_loop() for _ in range(2)]
        for loop in self._loops:
            threading.Thread(target=loop.run_forever, daemon=True).start()
        self._pool = ThreadPoolExecutor(16)

    def count(self, kind: str, answers: Iterable[Any]) -> None:
        """Count the answers, and note what is none."""
        for answer in answers:
            if isinstance(answer, BaseException) or not answer:
                self.unexpected.append(f"{kind}: {answer!r}"[:300])
            else:
                self.calls[kind] = self.calls.get(kind, 0) + 1

    def round(self) -> None:
        """Make some 500 calls."""
        running = [
            asyncio.run_coroutine_threadsafe(self._in_a_loop(), loop) for loop in self._loops
        ]
        self._in_threads()
        for future in running:
            future.result(120)
        self._in_short_loops()
        self._in_children()

    def close(self) -> None:
        """Close idle connections, whose number varies, so that they are not measured."""
        for model in (self.chat, self.claude, self.queued, self.embeddings):
            model.close()
            for loop in self._loops:
                asyncio.run_coroutine_threadsafe(model.aclose(), loop).result(60)

    # --- threads ---------------------------------------------------------------------------------

    def _in_threads(self) -> None:
        words = [f"Say word {n}." for n in range(60)]
        self.count("invoke in threads", self._pool.map(self.chat.invoke, words))
        config: Any = {"max_concurrency": 16}
        self.count("batch", self.claude.batch([*words], config, return_exceptions=True))
        self.count("stream", (list(self.chat.stream(word)) for word in words[:10]))
        self.count("queue", self._pool.map(self.queued.invoke, words[:10]))
        with_tools = self.chat.bind_tools([add])
        self.count("tools", map(with_tools.invoke, words[:10]))
        self.count("schema", map(self.chat.with_structured_output(SCHEMA).invoke, words[:10]))
        self.count("embed_documents", self.embeddings.embed_documents([*words]))
        try:
            self.embeddings.model_copy(update={"model": "no-such-model"}).embed_documents(words)
        except SegmindBatchError:
            self.canceled += 1
        try:
            self.chat.invoke("Hello", model="no-such-model")
        except SegmindError:
            self.canceled += 1

    # --- event loops -----------------------------------------------------------------------------

    async def _in_a_loop(self) -> None:
        words = [f"Say word {n}." for n in range(40)]
        self.count("abatch", await self.chat.abatch([*words], return_exceptions=True))
        self.count("ainvoke", await gathered(self.claude.ainvoke, words))
        self.count("aembed_documents", await self.embeddings.aembed_documents([*words]))
        self.count("async queue", await gathered(self.queued.ainvoke, words[:10]))
        self.count("astream", [await streamed(self.chat, word) for word in words[:10]])
        await self._cancel([self.chat.ainvoke(word) for word in words])
        await self._cancel([self.queued.ainvoke(word) for word in words[:10]])
        await self._cancel([self.embeddings.aembed_documents([*words])])

    async def _cancel(self, calls: Iterable[Coroutine[Any, Any, Any]]) -> None:
        """Cancel calls at different moments."""
        tasks = [asyncio.create_task(call) for call in calls]
        for n, task in enumerate(tasks):
            if n % 4 == 0:
                await asyncio.sleep(0.002)
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        self.canceled += sum(isinstance(each, asyncio.CancelledError) for each in done)
        self.count("ended before", (d for d in done if not isinstance(d, asyncio.CancelledError)))

    def _in_short_loops(self) -> None:
        for n in range(3):
            self.count("asyncio.run", [asyncio.run(self.chat.ainvoke(f"Say short {n}."))])
        loop = asyncio.new_event_loop()
        self.count("a dropped loop", [loop.run_until_complete(self.chat.ainvoke("Say dropped."))])

    # --- children and signals -------------------------------------------------------------------

    def _in_children(self) -> None:
        if not hasattr(os, "fork"):
            return
        self.count("forked child", [in_child(self._child) == 0])
        interrupted = in_child(self._until_ctrl_c, signals) == 0
        self.count("stopped and interrupted child", [interrupted])

    def _child(self) -> bool:
        return bool(self.chat.invoke("Say child.")) and bool(asyncio.run(self.chat.ainvoke("Hi.")))

    def _until_ctrl_c(self) -> bool:
        try:
            while True:
                self.chat.batch([f"Say {n}." for n in range(4)])
        except KeyboardInterrupt:
            return True


async def streamed(model: ChatSegmind, word: str) -> list[Any]:
    """Return the chunks of a stream."""
    return [chunk async for chunk in model.astream(word)]


async def gathered(call: Callable[[str], Awaitable[Any]], words: Iterable[str]) -> list[Any]:
    """Await a call of each word at the same time."""
    return await asyncio.gather(*map(call, words), return_exceptions=True)


def signals(child: int) -> None:
    """Stop a process, let it go on, and interrupt it."""
    for number, pause in ((signal.SIGSTOP, 0.05), (signal.SIGCONT, 0.05), (signal.SIGINT, 0.0)):
        time.sleep(0.05)
        os.kill(child, number)
        time.sleep(pause)


def in_child(work: Callable[[], bool], meanwhile: Callable[[int], None] | None = None) -> int:
    """Run a function in a forked child, and return its exit code: 0 if it returned True."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = 2
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    if meanwhile is not None:
        meanwhile(child)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def measured(soak: Soak) -> dict[str, int]:
    """Measure what this process holds."""
    soak.close()
    for _ in range(3):
        gc.collect()
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    memory = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "threads": len(list(Path("/proc/self/task").iterdir())),
        "children": len(children.read_text(encoding="ascii").split()) if children.exists() else 0,
        "memory": int(memory) * os.sysconf("SC_PAGE_SIZE"),
        "objects": len(gc.get_objects()),
    }


def show(rounds: int, calls: int, now: dict[str, int]) -> None:
    """Print a row of the table."""
    numbers = (rounds, calls, now["descriptors"], now["threads"], now["memory"] / 2**20)
    print("{:>7}{:>9,}{:>13}{:>9}{:>13.1f}{:>11,}".format(*numbers, now["objects"]), flush=True)


def main() -> int:
    """Run rounds until there were enough calls, or no time is left; return 1 if something grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="answers (default: 20,000)")
    parser.add_argument("--seconds", type=float, default=120, help="at most (default: 120)")
    options = parser.parse_args()
    if not Path("/proc/self/statm").exists():
        print("The soak reads Linux's /proc.", file=sys.stderr)
        return 1
    logging.getLogger("langchain_segmind").setLevel(logging.ERROR)  # it names abandoned jobs
    soak, began, rounds = Soak(), time.monotonic(), 0
    first: dict[str, int] = {}
    print(" rounds    calls  descriptors  threads  memory, MiB    objects")
    while sum(soak.calls.values()) < options.calls and not soak.unexpected:
        if time.monotonic() - began > options.seconds:
            break
        soak.round()
        rounds += 1
        if rounds % EVERY == 0:
            now = measured(soak)
            show(rounds, sum(soak.calls.values()), now)
            first = now if rounds == WARM_UP else first
    last, total = measured(soak), sum(soak.calls.values())
    show(rounds, total, last)
    print(
        f"{total:,} answers and {soak.canceled:,} canceled or failed calls "
        f"in {time.monotonic() - began:.0f} s: {soak.calls}"
    )
    if not first:
        soak.unexpected.append(f"too few rounds to compare: {rounds}")
    grown = {what: last[what] - first.get(what, last[what]) for what in ALLOWED}
    soak.unexpected += [
        f"{what}: {grown[what]} more" for what in ALLOWED if grown[what] > ALLOWED[what]
    ]
    for line in soak.unexpected:
        print(line, file=sys.stderr)
    return 1 if soak.unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
