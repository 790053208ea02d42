"""Call the responder, in threads of its own: a slow one must not keep the gateway from others.

A responder says in an attribute `threads` how many requests it takes at a time. One that needs no
time worth speaking of says 0, and is called in the gateway's own thread. One that says nothing is
given one request at a time, in another thread.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from langchain_segmind.testing.conversation import ModelRequest, Reply, Responder

T = TypeVar("T")

_THREAD_NAME = "langchain-segmind-responder"


class ResponderPool:
    """Asks a responder for one gateway.

    Args:
        responder: Who answers.
    """

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        threads = int(getattr(responder, "threads", 1))
        self._workers = Workers(threads) if threads > 0 else None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def respond(self, request: ModelRequest) -> Reply:
        """Have a request answered.

        Raises:
            Exception: Whatever the responder raised.
        """
        if self._workers is None:
            return self._responder.respond(request)
        return await asyncio.wrap_future(
            self._workers.take(lambda: self._responder.respond(request))
        )

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin some work that goes on even if nobody waits for it, until the gateway stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class Workers:
    """At most so many threads, made when there is work, and gone when there is none.

    They never keep the process from ending, as those of a `ThreadPoolExecutor` would.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._busy = 0
        self._waiting: deque[tuple[Future[Reply], Callable[[], Reply]]] = deque()

    def take(self, work: Callable[[], Reply]) -> Future[Reply]:
        """Have some work done, in the order it was taken in."""
        future: Future[Reply] = Future()
        with self._lock:
            self._waiting.append((future, work))
            if self._busy < self._most:
                self._busy += 1
                threading.Thread(target=self._run, name=_THREAD_NAME, daemon=True).start()
        return future

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy -= 1
                    return
                future, work = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                _do(future, work)


def _do(future: Future[Reply], work: Callable[[], Reply]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
        future.set_exception(error)
