"""Measurements that need a separate process: `python -m benchmarks.jobs <job> <arguments>`.

A job prints its result as JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Found = dict[str, Any]


def construct() -> Found:
    """Build models, and count what they open."""
    from benchmarks.subjects import segmind  # noqa: PLC0415

    opened: list[str] = []
    sys.addaudithook(lambda event, _: opened.append(event) if event.startswith("socket.") else None)
    before = _connectors()
    seconds, models = [], []
    for _ in range(201):
        began = time.process_time()
        models.append(segmind("http://127.0.0.1:9"))
        seconds.append(time.process_time() - began)
    return {
        "first_ms": seconds[0] * 1000,
        "later_ms": median(seconds[1:]) * 1000,
        "opened": len(opened) + _connectors() - before,
    }


def _connectors() -> int:
    """Count the objects that a model should not create before its first call."""
    import requests  # noqa: PLC0415 - LangChain has imported it, so this takes no time

    kinds = (requests.Session, requests.adapters.HTTPAdapter, ssl.SSLContext)
    return sum(isinstance(found, kinds) for found in gc.get_objects())


def modules() -> Found:
    """Import this package, and list modules that should not be loaded yet."""
    import langchain_segmind  # noqa: F401, PLC0415

    late = ("aiohttp", "langchain_segmind.testing", "langchain_segmind._http.aiohttp_driver")
    return {"loaded": [name for name in late if name in sys.modules]}


def invoke(url: str, times: str) -> Found:
    """Call ChatSegmind so many times."""
    from benchmarks import questions, subjects  # noqa: PLC0415

    model, question = subjects.segmind(url), questions.short()
    for _ in range(int(times)):
        model.invoke(question.messages)
    return {}


def ainvoke(url: str, times: str) -> Found:
    """Call ChatSegmind so many times on one event loop."""
    from benchmarks import questions, subjects  # noqa: PLC0415

    model, question = subjects.segmind(url), questions.short()

    async def calls() -> None:
        for _ in range(int(times)):
            await model.ainvoke(question.messages)

    asyncio.run(calls())
    return {}


def many(subject: str, url: str, times: str, files: str = "") -> Found:
    """Make many calls at once, optionally with a limit on open files."""
    from benchmarks import questions, server, subjects  # noqa: PLC0415

    server.open_files(int(files) if files else None)
    question = questions.short()
    inputs = question.times(int(times))

    async def run() -> Found:
        async with AsyncExitStack() as stack:
            call = await subjects.raw_aiohttp(stack, url, question, 1000)
            model: BaseChatModel
            match subject:
                case "ours":
                    model = subjects.segmind(url)
                case "plain":
                    model = subjects.Plain(call=call)
                case _:
                    model = subjects.FromMemory(delay=0.05)
            await model.abatch(inputs[:20])
            began = time.perf_counter()
            answers = await model.abatch(inputs, return_exceptions=True)
            seconds = time.perf_counter() - began
        failed = sum(isinstance(answer, BaseException) for answer in answers)
        return {"seconds": seconds, "failed": failed, "peak": _memory("VmHWM")}

    return asyncio.run(run())


def lasting(url: str, times: str) -> Found:
    """Make many sync and async calls, and measure what the second half leaves in memory."""
    from benchmarks import questions, subjects  # noqa: PLC0415

    model, question = subjects.segmind(url), questions.short()
    half = int(times) // 2

    async def some() -> tuple[int, int]:
        for _ in range(half // 2):
            await model.ainvoke(question.messages)
            model.invoke(question.messages)
        gc.collect()
        objects = len(gc.get_objects())  # first, because the list itself needs memory
        return _memory("VmRSS"), objects

    async def both() -> Found:
        (memory, objects), (more_memory, more_objects) = await some(), await some()
        return {
            "bytes": (more_memory - memory) / half,
            "objects": (more_objects - objects) / half,
        }

    return asyncio.run(both())


def loops(url: str, times: str) -> Found:
    """Run many event loops one after another, and count the file descriptors left open."""
    from benchmarks import questions, subjects  # noqa: PLC0415

    model, question = subjects.segmind(url), questions.short()
    asyncio.run(model.ainvoke(question.messages))
    before, failed = _descriptors(), 0
    for _ in range(int(times)):
        try:
            asyncio.run(model.ainvoke(question.messages))
        except Exception:  # noqa: BLE001, PERF203 - any failure counts
            failed += 1
    gc.collect()
    return {"descriptors": _descriptors() - before, "failed": failed}


def image(url: str, size: str) -> Found:
    """Send a large image, and measure the memory it takes, in multiples of its size."""
    from benchmarks import questions, subjects  # noqa: PLC0415

    model, question = subjects.segmind(url), questions.image(int(size))
    model.invoke(questions.short().messages)
    gc.collect()
    _forget_peak()
    before = _memory("VmRSS")
    model.invoke(question.messages)
    data = question.messages[0].content[1]
    length = len(data["base64"]) if isinstance(data, dict) else 0
    return {"times": (_memory("VmHWM") - before) / length}


def prompts(method: str, client: str, url: str, count: str) -> Found:
    """Send many prompts with one method of one client."""
    from benchmarks import clients, server  # noqa: PLC0415

    server.open_files()
    run = clients.batch(method, client, url)
    run(20)
    gc.collect()
    _forget_peak()
    before = _memory("VmRSS")
    began = time.perf_counter()
    failed, first = run(int(count))
    return {
        "seconds": time.perf_counter() - began,
        "first": None if first is None else first - began,
        "failed": failed,
        "peak": _memory("VmHWM"),
        "grown": _memory("VmHWM") - before,
    }


def rates(method: str, client: str, url: str, seconds: str, *at_once: str) -> None:
    """Measure calls a second, for each number at once: say so when ready, and wait for a line."""
    from benchmarks import clients, server  # noqa: PLC0415

    server.open_files()
    run = clients.repeat(method, client, url)
    for number in map(int, at_once):
        run(number, 0.0)
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.perf_counter()
        calls = run(number, float(seconds))
        print(calls / (time.perf_counter() - began), flush=True)


def growth(url: str, rounds: str, part: str) -> Found:
    """Measure work with an input and twice the input, and reading large replies."""
    import logging  # noqa: PLC0415

    from benchmarks import growth  # noqa: PLC0415

    logging.disable()  # some texts have more values than are read
    return {
        "ratios": growth.ratios(url, int(rounds), int(part)),
        "large": growth.seconds_for_large_replies(1_000_000 // int(part)),
    }


def _memory(field: str) -> int:
    """Read this process's memory in bytes: VmRSS is the current value, VmHWM the peak."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0  # only Linux reports it
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def _forget_peak() -> None:
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def _descriptors() -> int:
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 - it is not a folder to walk


JOBS: Final[dict[str, Callable[..., Found]]] = {
    job.__name__: job
    for job in (construct, modules, invoke, ainvoke, many, lasting, loops, image, growth, prompts)
}

if __name__ == "__main__" and sys.argv[1] == rates.__name__:
    rates(*sys.argv[2:])
elif __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]](*sys.argv[2:])))
