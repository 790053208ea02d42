"""Call the responder, in threads of its own: a slow one must not keep the gateway from others.

The attribute `threads` of a responder is how many requests it takes at a time; see `Responder`.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from langchain_segmind.testing.conversation import ModelRequest, Reply, Responder

T = TypeVar("T")


class ResponderPool:
    """Asks the responder of one gateway.

    Its threads are made when there is work, and end when there is none. They never keep the
    process from ending, as those of a `ThreadPoolExecutor` would.
    """

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._most = int(getattr(responder, "threads", 1))
        self._lock = threading.Lock()
        self._busy = 0
        self._waiting: deque[tuple[Future[Reply], ModelRequest]] = deque()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def respond(self, request: ModelRequest) -> Reply:
        """Have a request answered, in order; raise whatever the responder raised."""
        if self._most < 1:
            return self._responder.respond(request)
        future: Future[Reply] = Future()
        with self._lock:
            self._waiting.append((future, request))
            if self._busy < self._most:
                self._busy += 1
                name = "langchain-segmind-responder"
                threading.Thread(target=self._work, name=name, daemon=True).start()
        return await asyncio.wrap_future(future)

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin some work that goes on even if nobody waits for it, until the gateway stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # asyncio itself keeps only weak references to tasks
        task.add_done_callback(self._tasks.discard)
        return task

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy -= 1
                    return
                future, request = self._waiting.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._responder.respond(request))
            except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
                future.set_exception(error)
