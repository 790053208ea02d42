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
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import field
from typing import Final, Generic, TypeVar

from langchain_segmind._value import value

T = TypeVar("T")

CancelToken = threading.Event
"""It is set when the calls of a `run_many` shall send nothing more."""

AsyncCancelToken = asyncio.Event
"""Async version of `CancelToken`."""

_WAKE_INTERVAL: Final = 0.5  # seconds; on Windows a wait without a timeout cannot be interrupted


@value
class BatchResult(Generic[T]):
    """The outcomes of many calls, by index; calls that never started are in neither dict.

    Attributes:
        done: Their results.
        failed: Their errors, the first to fail first.
    """

    done: dict[int, T] = field(default_factory=dict)
    failed: dict[int, BaseException] = field(default_factory=dict)

    @contextlib.contextmanager
    def catching(self, index: int, cancel_token: CancelToken | AsyncCancelToken) -> Iterator[None]:
        """Keep the error of a call, and let the others send nothing more."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the caller raises it when all calls have ended
            self.failed[index] = error
            cancel_token.set()


def run_many(
    call: Callable[[int, CancelToken], T], count: int, limit: int, on_done: Callable[[], object]
) -> BatchResult[T]:
    """Run many calls on threads, each in a copy of this context.

    An interrupt is raised at once: calls in progress send nothing more, and their threads end
    without being waited for.

    Args:
        call: Makes the call of an index, from 0.
        count: How many calls there are.
        limit: How many may run at once; with one, all run in this thread.
        on_done: Called in this thread after each call that succeeded.
    """
    result: BatchResult[T] = BatchResult()
    cancel_token = CancelToken()

    def work(indexes: Iterable[int], on_end: Callable[[int], object]) -> None:
        for index in indexes:
            if cancel_token.is_set():
                return
            with result.catching(index, cancel_token):
                result.done[index] = call(index, cancel_token)
            on_end(index)

    def report(index: int) -> None:
        if index in result.done:
            on_done()

    workers = min(count, limit)
    if workers <= 1:
        work(range(count), report)
        return result
    try:
        for index in _on_threads(work, count, workers):
            report(index)
    except BaseException:
        cancel_token.set()
        raise
    return result


def _on_threads(
    work: Callable[[Iterable[int], Callable[[int], object]], None], count: int, workers: int
) -> Iterator[int]:
    """Share indexes among threads that work, and yield each as its call ends."""
    todo: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    for item in (*range(count), *[None] * workers):  # each worker ends at a None
        todo.put(item)
    ended: queue.SimpleQueue[int | None] = queue.SimpleQueue()  # None: a worker has ended

    def work_in_thread() -> None:
        try:
            work(iter(todo.get, None), ended.put)
        finally:
            ended.put(None)

    for _ in range(workers):
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(work_in_thread,), daemon=True).start()
    while workers:
        with contextlib.suppress(queue.Empty):
            index = ended.get(timeout=_WAKE_INTERVAL)
            if index is None:
                workers -= 1
            else:
                yield index


async def arun_many(
    call: Callable[[int, AsyncCancelToken], Awaitable[T]],
    count: int,
    limit: int,
    on_done: Callable[[], object],
) -> BatchResult[T]:
    """Async version of `run_many`, on tasks."""
    result: BatchResult[T] = BatchResult()
    cancel_token = AsyncCancelToken()
    todo = iter(range(count))

    async def work() -> None:
        for index in todo:
            if cancel_token.is_set():
                return
            with result.catching(index, cancel_token):
                result.done[index] = await call(index, cancel_token)
            if index in result.done:
                on_done()

    tasks = [asyncio.create_task(work()) for _ in range(min(count, limit))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return result
