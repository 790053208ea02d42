"""Clients that send many prompts: ChatSegmind, another package's chat model, and plain HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

from langchain_core.runnables import RunnableConfig

from benchmarks import questions, subjects

BATCH_THREADS: Final = 128
CONNECTIONS: Final = 1_000

Sent = tuple[int, float | None]
"""How many calls failed, and when the first answer was there, where that can be seen."""


def batch(method: str, client: str, url: str) -> Callable[[int], Sent]:
    """Return what sends so many prompts by a method of a client, on one event loop or threads."""
    question = questions.short()
    if client == "requests":
        return _on_threads(subjects.raw_requests(url, question, BATCH_THREADS))
    if client == "aiohttp":
        return lambda count: asyncio.run(_with_aiohttp(url, count))
    model = subjects.models(peers=True)[client](url)
    loop = asyncio.new_event_loop()  # ChatOpenAI's connections do not work in a second one

    def run(count: int) -> Sent:
        inputs = question.times(count)
        if method == "batch":
            config = RunnableConfig(max_concurrency=BATCH_THREADS)
            return _failed(model.batch(inputs, config, return_exceptions=True)), None
        if method == "abatch":
            return _failed(
                loop.run_until_complete(model.abatch(inputs, return_exceptions=True))
            ), None
        return loop.run_until_complete(_as_completed(model, inputs))

    return run


def _on_threads(call: subjects.Call) -> Callable[[int], Sent]:
    def run(count: int) -> Sent:
        with ThreadPoolExecutor(BATCH_THREADS) as pool:
            return len([*pool.map(lambda _: call(), range(count))]) - count, None

    return run


async def _with_aiohttp(url: str, count: int) -> Sent:
    async with AsyncExitStack() as stack:
        call = await subjects.raw_aiohttp(stack, url, questions.short(), CONNECTIONS)
        answers = await asyncio.gather(*(call() for _ in range(count)), return_exceptions=True)
    return _failed(answers), None


async def _as_completed(model: Any, inputs: list[Any]) -> Sent:
    answers, first = [], None
    async for _, answer in model.abatch_as_completed(inputs, return_exceptions=True):
        first = first or time.perf_counter()
        answers.append(answer)
    return _failed(answers), first


def _failed(answers: list[Any]) -> int:
    return sum(isinstance(answer, BaseException) for answer in answers)


def repeat(method: str, client: str, url: str) -> Callable[[int, float], int]:
    """Return what calls a client, so often at once, for so many seconds, and counts the calls.

    Each task or thread makes one call at least.
    """
    if method == "ainvoke":
        loop = asyncio.new_event_loop()
        call = loop.run_until_complete(_async_call(client, url))
        return lambda at_once, seconds: loop.run_until_complete(_in_tasks(call, at_once, seconds))
    question = questions.short()
    if client == "requests":
        return partial(_in_threads, subjects.raw_requests(url, question, CONNECTIONS))
    model = subjects.models(peers=True)[client](url)
    return partial(_in_threads, partial(model.invoke, question.messages))


async def _async_call(client: str, url: str) -> Callable[[], Awaitable[Any]]:
    question = questions.short()
    if client == "aiohttp":  # the session is closed with the process
        return await subjects.raw_aiohttp(AsyncExitStack(), url, question, CONNECTIONS)
    return partial(subjects.models(peers=True)[client](url).ainvoke, question.messages)


def _in_threads(call: subjects.Call, at_once: int, seconds: float) -> int:
    end = time.perf_counter() + seconds

    def one(_: int) -> int:
        calls = 0
        while not calls or time.perf_counter() < end:
            call()
            calls += 1
        return calls

    with ThreadPoolExecutor(at_once) as pool:
        return sum(pool.map(one, range(at_once)))


async def _in_tasks(call: Callable[[], Awaitable[Any]], at_once: int, seconds: float) -> int:
    end = time.perf_counter() + seconds

    async def one() -> int:
        calls = 0
        while not calls or time.perf_counter() < end:
            await call()
            calls += 1
        return calls

    return sum(await asyncio.gather(*(one() for _ in range(at_once))))
