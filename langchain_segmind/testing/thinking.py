"""Who asks the brain, and where: a slow brain must not keep the gateway from answering others.

A brain says in an attribute `threads` how many questions it can answer at a time. Those that need
no time worth speaking of say 0, and are asked in the gateway's own thread. One that says nothing
is asked one question at a time, in another thread.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from langchain_segmind.testing.conversation import Brain, Question, Reply

T = TypeVar("T")

_THREAD_NAME = "langchain-segmind-brain"


class Thinker:
    """Asks a brain for one gateway.

    Args:
        brain: Who answers.
    """

    def __init__(self, brain: Brain) -> None:
        self._brain = brain
        threads = int(getattr(brain, "threads", 1))
        self._workers = Workers(threads) if threads > 0 else None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def answer(self, question: Question) -> Reply:
        """Have a question answered.

        Raises:
            Exception: Whatever the brain raised.
        """
        if self._workers is None:
            return self._brain.answer(question)
        return await asyncio.wrap_future(self._workers.take(lambda: self._brain.answer(question)))

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
