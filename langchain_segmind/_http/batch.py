"""Many calls at once, on a few threads or tasks, until all are done or one has failed for good.

Then nothing more is sent. But what has been sent is paid for, so its answers are waited for, and
the caller learns what became of each call.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import queue
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import field
from typing import Generic, TypeVar

from langchain_segmind._value import value

T = TypeVar("T")

_GLANCE = 0.5  # seconds; on Windows a wait without an end cannot be interrupted


class CancelToken:
    """Keeps the calls of one `run_many` from sending any more."""

    def __init__(self) -> None:
        self._pulled = threading.Event()

    @property
    def is_cancelled(self) -> bool:
        """Whether nothing more is to be sent."""
        return self._pulled.is_set()

    def cancel(self) -> None:
        """Have nothing more sent."""
        self._pulled.set()

    def pause(self, seconds: float) -> None:
        """Wait so long, or until it is pulled."""
        self._pulled.wait(seconds)


class AsyncCancelToken:
    """The same for one `arun_many`."""

    def __init__(self) -> None:
        self._pulled = asyncio.Event()

    @property
    def is_cancelled(self) -> bool:
        """Whether nothing more is to be sent."""
        return self._pulled.is_set()

    def cancel(self) -> None:
        """Have nothing more sent."""
        self._pulled.set()

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until it is pulled."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._pulled.wait(), seconds)


@value
class BatchResult(Generic[T]):
    """What became of many calls, by place; those that were never begun are in neither.

    Attributes:
        done: Their results.
        failed: Their errors, the first to fail first.
    """

    done: dict[int, T] = field(default_factory=dict)
    failed: dict[int, BaseException] = field(default_factory=dict)


def run_many(
    work: Callable[[int, CancelToken], T], count: int, limit: int, tell: Callable[[], object]
) -> BatchResult[T]:
    """Do many calls on threads, each in a copy of this context.

    An interrupt passes at once: threads under way send nothing more, and end by themselves.

    Args:
        work: Does the call of a place, from 0.
        count: How many there are.
        limit: How many may be under way at once.
        tell: Called here after each that was done.
    """
    ends: BatchResult[T] = BatchResult()
    cancel_token = CancelToken()
    threads = min(count, limit)
    if threads < 2:
        _here(work, count, cancel_token, ends, tell)
        return ends
    places = _Places(count)
    news: queue.SimpleQueue[bool | None] = queue.SimpleQueue()

    def keep_working() -> None:
        try:
            for place in places:
                if cancel_token.is_cancelled:
                    return
                news.put(_try(work, place, cancel_token, ends))
        finally:
            news.put(None)

    try:
        for _ in range(threads):
            context = contextvars.copy_context()
            threading.Thread(target=context.run, args=(keep_working,), daemon=True).start()
        while threads:
            with contextlib.suppress(queue.Empty):
                done = news.get(timeout=_GLANCE)
                threads -= done is None
                if done:
                    tell()
    except BaseException:
        cancel_token.cancel()
        raise
    return ends


def _here(
    work: Callable[[int, CancelToken], T],
    count: int,
    cancel_token: CancelToken,
    ends: BatchResult[T],
    tell: Callable[[], object],
) -> None:
    """Do one call after the other, on this thread."""
    for place in range(count):
        if not _try(work, place, cancel_token, ends):
            return
        tell()


class _Places:
    """Hands each place out once, whichever thread asks."""

    def __init__(self, count: int) -> None:
        self._left = iter(range(count))
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        with self._lock:
            return next(self._left)


def _try(
    work: Callable[[int, CancelToken], T],
    place: int,
    cancel_token: CancelToken,
    ends: BatchResult[T],
) -> bool:
    try:
        ends.done[place] = work(place, cancel_token)
    except Exception as error:  # noqa: BLE001 - it is raised by the caller, when all have ended
        ends.failed[place] = error
        cancel_token.cancel()
        return False
    return True


async def arun_many(
    work: Callable[[int, AsyncCancelToken], Awaitable[T]],
    count: int,
    limit: int,
    tell: Callable[[], object],
) -> BatchResult[T]:
    """Do many calls on tasks; arguments are those of `run_many`."""
    ends: BatchResult[T] = BatchResult()
    cancel_token, places = AsyncCancelToken(), iter(range(count))

    async def keep_working() -> None:
        for place in places:
            if cancel_token.is_cancelled or not await _atry(work, place, cancel_token, ends):
                return
            tell()

    tasks = [asyncio.create_task(keep_working()) for _ in range(min(count, limit))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return ends


async def _atry(
    work: Callable[[int, AsyncCancelToken], Awaitable[T]],
    place: int,
    cancel_token: AsyncCancelToken,
    ends: BatchResult[T],
) -> bool:
    try:
        ends.done[place] = await work(place, cancel_token)
    except Exception as error:  # noqa: BLE001 - it is raised by the caller, when all have ended
        ends.failed[place] = error
        cancel_token.cancel()
        return False
    return True
