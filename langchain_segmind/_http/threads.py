"""Run what blocks in threads of our own, once for all who wait for the same.

The default executor of an event loop may be full of functions that wait for a call on that loop,
and `asyncio.run` waits for its threads. These can be left behind, and nothing here stops one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class SharedThreads:
    """Threads that are started for a key, and shared while they run.

    So a call that is repeated while a name server or a disk hangs adds no thread.
    """

    def __init__(self) -> None:
        self._running: dict[tuple[int, Hashable], Future[Any]] = {}

    def run(self, key: Hashable, function: Callable[[], T]) -> Future[T]:
        """Return the future of what runs for this key; it runs the function if nothing does.

        The future cannot be canceled: others may wait for it.
        """
        process_key = os.getpid(), key  # a forked child has none of the threads
        own: Future[T] = Future()
        future = self._running.setdefault(process_key, own)
        if future is own:
            own.set_running_or_notify_cancel()
            own.add_done_callback(lambda _: self._running.pop(process_key, None))
            _start(own, function)
        return future


async def wait_for_thread(future: Future[T], timeout: float | None = None) -> bool:
    """Wait for the future of a thread, and return whether it is done.

    Unlike in `asyncio.wrap_future`, nothing is left to complain when the loop is closed, and unlike
    in `asyncio.wait_for` (Python 3.10 and 3.11), no cancellation gets lost.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    def wake(_: Future[T]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(end)

    future.add_done_callback(wake)
    await asyncio.wait([ended], timeout=timeout)
    return future.done()


def _start(future: Future[T], function: Callable[[], T]) -> None:
    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - `future.result` raises it
            future.set_exception(error)

    try:
        threading.Thread(target=work, daemon=True, name="langchain-segmind").start()
    except RuntimeError:
        work()  # the interpreter is shutting down, or there are too many threads
