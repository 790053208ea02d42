"""Run many calls at once, on a few threads or tasks, until all are done or one has failed.

After a failure nothing more is sent. But requests already sent may be billed, so their replies are
awaited, and the caller gets the outcome of every call. It never retries a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import queue
import threading
from collections.abc import Awaitable, Callable
from dataclasses import field
from typing import Final, Generic, TypeVar

from langchain_segmind._value import value

T = TypeVar("T")

_WAKE_INTERVAL: Final = 0.5  # seconds; on Windows a wait without a timeout cannot be interrupted


class CancelToken:
    """Tell the calls of one `run_many` to send nothing more."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def is_cancelled(self) -> bool:
        """Whether nothing more may be sent."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Let nothing more be sent."""
        self._event.set()

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than until `cancel`."""
        self._event.wait(seconds)


class AsyncCancelToken:
    """Async version of `CancelToken`."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def is_cancelled(self) -> bool:
        """Whether nothing more may be sent."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Let nothing more be sent."""
        self._event.set()

    async def pause(self, seconds: float) -> None:
        """Async version of `CancelToken.pause`."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)


@value
class BatchResult(Generic[T]):
    """Collect the outcomes of many calls, by index; calls that never started are in neither dict.

    Attributes:
        done: Their results.
        failed: Their errors, the first to fail first.
    """

    done: dict[int, T] = field(default_factory=dict)
    failed: dict[int, BaseException] = field(default_factory=dict)


def run_many(
    call: Callable[[int, CancelToken], T], count: int, limit: int, on_done: Callable[[], object]
) -> BatchResult[T]:
    """Run many calls on threads, each in a copy of this context.

    An interrupt is raised at once: calls in progress send nothing more, and their threads end by
    themselves.

    Args:
        call: Makes the call of an index, from 0.
        count: How many calls there are.
        limit: How many may run at once.
        on_done: Called in this thread after each call that succeeded.
    """
    workers = min(count, limit)
    if workers > 1:
        return _run_on_threads(call, count, workers, on_done)
    result: BatchResult[T] = BatchResult()
    cancel_token = CancelToken()
    for index in range(count):
        if not _run_one(call, index, cancel_token, result):
            break
        on_done()
    return result


def _run_on_threads(
    call: Callable[[int, CancelToken], T],
    count: int,
    workers: int,
    on_done: Callable[[], object],
) -> BatchResult[T]:
    result: BatchResult[T] = BatchResult()
    cancel_token = CancelToken()
    todo: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    for item in (*range(count), *[None] * workers):  # each worker ends at a None
        todo.put(item)
    events: queue.SimpleQueue[bool | None] = queue.SimpleQueue()  # None: a worker ended

    def work() -> None:
        try:
            for index in iter(todo.get, None):
                if cancel_token.is_cancelled:
                    return
                events.put(_run_one(call, index, cancel_token, result))
        finally:
            events.put(None)

    try:
        for _ in range(workers):
            context = contextvars.copy_context()
            threading.Thread(target=context.run, args=(work,), daemon=True).start()
        while workers:
            with contextlib.suppress(queue.Empty):
                is_done = events.get(timeout=_WAKE_INTERVAL)
                workers -= is_done is None
                if is_done:
                    on_done()
    except BaseException:
        cancel_token.cancel()
        raise
    return result


def _run_one(
    call: Callable[[int, CancelToken], T],
    index: int,
    cancel_token: CancelToken,
    result: BatchResult[T],
) -> bool:
    try:
        result.done[index] = call(index, cancel_token)
    except Exception as error:  # noqa: BLE001 - the caller raises it when all calls have ended
        result.failed[index] = error
        cancel_token.cancel()
        return False
    return True


async def arun_many(
    call: Callable[[int, AsyncCancelToken], Awaitable[T]],
    count: int,
    limit: int,
    on_done: Callable[[], object],
) -> BatchResult[T]:
    """Async version of `run_many`, on tasks."""
    result: BatchResult[T] = BatchResult()
    cancel_token, indexes = AsyncCancelToken(), iter(range(count))

    async def work() -> None:
        for index in indexes:
            if cancel_token.is_cancelled:
                return
            if not await _arun_one(call, index, cancel_token, result):
                return
            on_done()

    tasks = [asyncio.create_task(work()) for _ in range(min(count, limit))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return result


async def _arun_one(
    call: Callable[[int, AsyncCancelToken], Awaitable[T]],
    index: int,
    cancel_token: AsyncCancelToken,
    result: BatchResult[T],
) -> bool:
    try:
        result.done[index] = await call(index, cancel_token)
    except Exception as error:  # noqa: BLE001 - the caller raises it when all calls have ended
        result.failed[index] = error
        cancel_token.cancel()
        return False
    return True
