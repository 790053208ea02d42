"""Measure subjects in rounds, and compare them by ratios within a round.

A figure is a list of samples. Absolute times differ between machines and minutes, so subjects are
only compared within the same round.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig

from benchmarks import questions, subjects
from benchmarks.questions import Question
from benchmarks.server import Server
from benchmarks.subjects import AsyncCall, Call
from langchain_segmind import _formats as _wire
from langchain_segmind._messages.from_langchain import from_langchain
from langchain_segmind._messages.tools import parse_tools
from langchain_segmind._messages.types import ChatRequest
from langchain_segmind._tool_emulation import prompt as _tools

Samples = dict[str, list[float]]

LANGCHAIN: Final = "LangChain overhead only"
FLOOR: Final = "LangChain overhead + HTTP call"
OURS: Final = "ChatSegmind"
DELAY: Final = 50
"""Milliseconds that a model takes when many calls are made at once."""
THREADS: Final = 64
WARM_UP: Final = 5
"""Calls before those that are timed, in every round: the subject before has used the caches of the
processor, and only the floor follows its own two parts."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much to measure.

    Attributes:
        rounds: Number of rounds.
        calls: Calls per round.
        many: Calls at once, for all subjects.
        most: Calls at once, for the subjects that are measured in separate processes.
        loops: Event loops, one after another.
        lasting: Calls in one process; leaks are measured in the second half.
        part: What part of each growing input is measured: all for 1, a half for 2.
    """

    rounds: int = 25
    calls: int = 40
    many: int = 1000
    most: int = 10_000
    loops: int = 60
    lasting: int = 20_000
    part: int = 1


QUICK: Final = Sizes(rounds=2, calls=3, many=20, most=50, loops=3, lasting=100, part=20)


_PEERS: Final = {peer.name for peer in subjects.PEERS}
_IN_TARGETS: Final = {"ChatMistralAI", "ChatOpenAI"}


# --- one call after another ------------------------------------------------------------------


def cpu(calls: Mapping[str, Call], rounds: int, times: int) -> Samples:
    """Measure the CPU time of a call in all threads of this process, in microseconds."""
    for call in calls.values():
        _repeat(call, times)
    samples: Samples = {name: [] for name in calls}
    gc.freeze()
    for turn in range(rounds):
        for name, call in _due(calls, turn).items():
            _repeat(call, min(times, WARM_UP))
            began = time.process_time()
            _deeper(turn * 5, partial(_repeat, call, times))
            samples[name].append((time.process_time() - began) / times * 1e6)
    gc.unfreeze()
    return samples


async def acpu(calls: Mapping[str, AsyncCall], rounds: int, times: int) -> Samples:
    """Async version of `cpu`: await one call after another."""
    for call in calls.values():
        await _arepeat(call, times)
    samples: Samples = {name: [] for name in calls}
    gc.freeze()
    for turn in range(rounds):
        for name, call in _due(calls, turn).items():
            await _arepeat(call, min(times, WARM_UP))
            began = time.process_time()
            await _adeeper(turn * 5, partial(_arepeat, call, times))
            samples[name].append((time.process_time() - began) / times * 1e6)
    gc.unfreeze()
    return samples


T = TypeVar("T")


def _due(calls: Mapping[str, T], turn: int) -> dict[str, T]:
    """Return who is measured in a round: packages that no target names only in every fifth."""
    return {n: c for n, c in calls.items() if turn % 5 == 0 or n not in _PEERS - _IN_TARGETS}


def _repeat(call: Call, times: int) -> None:
    for _ in range(times):
        call()


async def _arepeat(call: AsyncCall, times: int) -> None:
    for _ in range(times):
        await call()


def _deeper(depth: int, call: Call) -> None:
    """Call at another stack depth.

    CPython allocates frames in chunks, and a loop across the border of two chunks is slow.
    """
    if depth:
        _deeper(depth - 1, call)
    else:
        call()


async def _adeeper(depth: int, call: AsyncCall) -> None:
    if depth:
        await _adeeper(depth - 1, call)
    else:
        await call()


def ratio(samples: Samples, one: str, other: str) -> list[float]:
    """Return the ratios of two subjects, round by round; empty if one was not measured."""
    pairs = zip(samples.get(one, []), samples.get(other, []), strict=False)
    return [a / b for a, b in pairs]


def sync_calls(url: str, question: Question, *, peers: bool) -> dict[str, Call]:
    """Return the subjects of `invoke`."""
    memory = subjects.FromMemory()
    calls: dict[str, Call] = {
        "requests": subjects.raw_requests(url, question),
        LANGCHAIN: partial(memory.invoke, question.messages),
        FLOOR: subjects.floor(url, question),
    }
    if peers:
        calls["segmind (vendor's client)"] = subjects.vendors_client(url, question)
    for name, build in subjects.models(peers=peers).items():
        calls[name] = partial(build(url).invoke, question.messages)
    return calls


async def async_calls(
    stack: AsyncExitStack, url: str, question: Question, *, peers: bool
) -> dict[str, AsyncCall]:
    """Return the subjects of `ainvoke`."""
    memory = subjects.FromMemory()
    calls: dict[str, AsyncCall] = {
        "aiohttp": await subjects.raw_aiohttp(stack, url, question),
        LANGCHAIN: partial(memory.ainvoke, question.messages),
        FLOOR: await subjects.async_floor(stack, url, question),
    }
    for name, build in subjects.models(peers=peers).items():
        calls[name] = partial(build(url).ainvoke, question.messages)
    return calls


async def ainvoke(url: str, sizes: Sizes, *, peers: bool) -> Samples:
    """Measure `ainvoke`."""
    async with AsyncExitStack() as stack:
        calls = await async_calls(stack, url, questions.short(), peers=peers)
        return await acpu(calls, sizes.rounds, sizes.calls)


def queue(url: str, sizes: Sizes) -> Samples:
    """Measure a call through the job queue, which makes three requests."""
    question = questions.short()
    direct = subjects.segmind(url)
    queued = subjects.segmind(url, queue=True, poll_interval=0.0001)
    raw = subjects.raw_requests(url, question)
    calls: dict[str, Call] = {
        "requests, three times": lambda: (raw(), raw(), raw()),
        "direct": partial(direct.invoke, question.messages),
        OURS: partial(queued.invoke, question.messages),
    }
    return cpu(calls, sizes.rounds, max(1, sizes.calls // 4))


def with_tools(url: str, sizes: Sizes, *, peers: bool) -> Samples:
    """Measure `invoke` with twenty tools."""
    question, offered = questions.short(), questions.tools(20)
    calls: dict[str, Call] = {}
    for name, build in subjects.models(peers=peers).items():
        calls[name] = partial(build(url).bind_tools(offered).invoke, question.messages)
    return cpu(calls, sizes.rounds, max(1, sizes.calls // 4))


def rendering(sizes: Sizes) -> Samples:
    """Measure rendering tools into a prompt, compared with writing the resulting body as JSON."""
    question = questions.history(200)
    tools = parse_tools(questions.tools(20))
    prompt = ChatRequest(from_langchain(question.messages), tools=tools)
    encode = _wire.FORMATS["openai"].encode
    body = encode(_tools.render_tools(prompt))
    calls: dict[str, Call] = {
        "json.dumps": partial(json.dumps, body),
        OURS: lambda: encode(_tools.render_tools(prompt)),
    }
    return cpu(calls, sizes.rounds, max(1, sizes.calls // 4))


# --- many at once ----------------------------------------------------------------------------


def batch(url: str, sizes: Sizes, *, peers: bool) -> Samples:
    """Measure the wall time of many calls on threads, in seconds."""
    question, config = questions.short(), RunnableConfig(max_concurrency=THREADS)
    raw = subjects.raw_requests(url, question)

    def bare() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda _: raw(), range(sizes.many)))

    inputs = question.times(sizes.many)
    calls: dict[str, Call] = {"requests": bare}
    for name, build in subjects.models(peers=peers).items():
        calls[name] = partial(build(url).batch, inputs, config)
    return _walls(calls, min(3, sizes.rounds))


def _walls(calls: Mapping[str, Call], rounds: int) -> Samples:
    samples: Samples = {name: [] for name in calls}
    for turn in range(rounds + 1):
        for name in _in_turn(calls, turn):
            began = time.perf_counter()
            calls[name]()
            samples[name].append(time.perf_counter() - began)
    return _warm(samples)


def _in_turn(calls: Mapping[str, Any], turn: int) -> list[str]:
    """Return who is measured in a round: other packages only once, because no target names them."""
    return [name for name in calls if turn == 1 or name not in _PEERS]


def _warm(samples: Samples) -> Samples:
    """Leave out the first round, which is for warming up."""
    return {name: values if name in _PEERS else values[1:] for name, values in samples.items()}


async def abatch(url: str, sizes: Sizes, *, peers: bool) -> Samples:
    """Measure the wall time of many calls on one event loop, in seconds."""
    question = questions.short()
    inputs = question.times(sizes.many)
    sleeping = subjects.FromMemory(delay=DELAY / 1000)
    samples: Samples = {}
    async with AsyncExitStack() as stack:
        raw = await subjects.raw_aiohttp(stack, url, question)

        async def bare() -> None:
            await asyncio.gather(*(raw() for _ in inputs))

        calls: dict[str, AsyncCall] = {
            "LangChain with sleep": partial(sleeping.abatch, inputs),
            "aiohttp": bare,
        }
        for name, build in subjects.models(peers=peers).items():
            calls[name] = partial(_answered, build(url), inputs)
        gc.collect()
        gc.freeze()  # else a search of what all earlier subjects made falls to one of these
        for turn in range(min(3, sizes.rounds) + 1):
            for name in _in_turn(calls, turn):
                began = time.perf_counter()
                await calls[name]()
                samples.setdefault(name, []).append(time.perf_counter() - began)
        gc.unfreeze()
    return _warm(samples)


async def _answered(model: BaseChatModel, inputs: list[Any]) -> None:
    answers = await model.abatch(inputs, return_exceptions=True)
    failed = [answer for answer in answers if isinstance(answer, BaseException)]
    if failed:
        print(f"  {type(model).__name__}: {len(failed)} calls failed, as with {failed[0]!r}"[:200])


# --- in a separate process -------------------------------------------------------------------


STEADY_MEMORY: Final = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
}
"""Environment variables that let glibc keep memory: getting 10 MB anew costs more than using it,
and what it happens to return would hide what leaks."""


def child(
    job: str, *args: object, flags: tuple[str, ...] = (), environment: Mapping[str, str] = {}
) -> dict[str, Any]:
    """Run a job of `benchmarks.jobs` in a new process.

    Returns:
        Its result, and the number of lines on stderr as `stderr`.
    """
    done = subprocess.run(
        [sys.executable, *flags, "-m", "benchmarks.jobs", job, *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    if done.returncode:
        raise RuntimeError(f"{job}: {done.stderr[-2000:]}")
    return {**json.loads(done.stdout), "stderr": len(done.stderr.splitlines())}


_VALGRIND: Final = (
    "valgrind",
    "--tool=cachegrind",
    "--cache-sim=no",
    "--cachegrind-out-file=/dev/null",
)


_STEADY: Final = {"PYTHONHASHSEED": "0", "PYTHONPATH": "."}
"""The environment in which instructions are counted. It lets Python keep compiled modules."""


def _compile(command: Sequence[str]) -> None:
    """Run a Python command once, so that no module that it imports is compiled when it counts."""
    subprocess.run([sys.executable, *command], check=True, capture_output=True, env=_STEADY)


def instructions(*command: str) -> float | None:
    """Count the instructions of a Python command, in millions; None without valgrind."""
    if shutil.which("valgrind") is None:
        return None
    done = subprocess.run(
        [*_VALGRIND, sys.executable, *command],
        capture_output=True,
        text=True,
        check=True,
        env=_STEADY,
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if found is None:
        raise RuntimeError(done.stderr[-2000:])
    return int(found[1].replace(",", "")) / 1e6


def instructions_of_calls(server: Server, jobs: Sequence[str]) -> dict[str, list[float]]:
    """Count the instructions of one warm call, from the difference of many and few calls.

    The count does not depend on how busy the machine is, so all are counted at the same time.
    """
    for job in jobs:
        _compile(["-m", "benchmarks.jobs", job, server.url(), "1"])
    runs = [("-m", "benchmarks.jobs", job, server.url(), str(n)) for job in jobs for n in (20, 120)]
    with ThreadPoolExecutor() as pool:
        counts = [*pool.map(lambda run: instructions(*run), runs)]
    pairs = zip(jobs, counts[::2], counts[1::2], strict=True)
    return {
        job: [] if few is None or many is None else [(many - few) / 100] for job, few, many in pairs
    }


def instructions_of_import() -> list[float]:
    """Return the instructions of importing this package, over those of LangChain's base class."""
    commands = [
        ("-c", "from langchain_core.language_models import BaseChatModel"),
        ("-c", "from langchain_segmind import ChatSegmind"),
    ]
    for command in commands:
        _compile(command)
    with ThreadPoolExecutor() as pool:
        base, ours = pool.map(lambda command: instructions(*command), commands)
    return [] if base is None or ours is None else [ours / base]
