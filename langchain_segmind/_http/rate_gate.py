"""Let the calls of one model wait for the gateway's rate limit together, in threads and tasks.

`rate_limit` decides how long they wait. Nothing is sent or retried here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from pydantic import SecretStr
from typing_extensions import Self

from langchain_segmind._flows.retry import seconds_until_reset
from langchain_segmind._flows.types import Failure, Response, Result, Step
from langchain_segmind._http.rate_limit import Permit, RateLimit

if TYPE_CHECKING:
    from langchain_segmind._http.batch import AsyncCancelToken, CancelToken

_GIVE_UP: Final = 120.0
"""Seconds since the last accepted request after which calls wait no longer for a limit to end."""

_WAKE_INTERVAL: Final = 0.5  # seconds; on Windows, a longer wait of a thread cannot be interrupted
_CANCEL_INTERVAL: Final = 0.1  # seconds after which a waiting call sees that its batch has failed

_log: Final = logging.getLogger(__name__)


class _ThreadWaiter:
    """A call that waits in a thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wake(self) -> None:
        self._event.set()

    def sleep(self, seconds: float) -> None:
        self._event.wait(min(seconds, _WAKE_INTERVAL))
        self._event.clear()


class _TaskWaiter:
    """A call that waits in a task, and is woken in its own event loop.

    It refers to its future weakly: a loop that is dropped with calls that wait must not be kept.
    """

    def __init__(self) -> None:
        self._future: Callable[[], asyncio.Future[None] | None] = lambda: None

    def wake(self) -> None:
        future = self._future()
        if future is not None and not future.done():
            with contextlib.suppress(RuntimeError):  # the loop is closed
                future.set_result(None)

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._future = weakref.ref(future)
        timer = None if seconds == math.inf else loop.call_later(seconds, self.wake)
        try:
            await future
        finally:
            if timer is not None:
                timer.cancel()


_Queue: TypeAlias = deque[_ThreadWaiter | _TaskWaiter]


class RateGate:
    """The rate limit of one model and key in this process.

    Threads wait in one queue, and the tasks of each event loop in another, because a loop that
    stands still must not hold up the others.
    """

    def __init__(self, url: str, key: SecretStr | None) -> None:
        self.key = key
        self.pid = os.getpid()
        self.name = url.rpartition("/")[2]
        self.limit = RateLimit()
        # Reentrant, because the garbage collector may end a waiting call at any time.
        self.lock = threading.RLock()
        self.queues: dict[int, _Queue] = {}  # by id of the event loop, 0 for threads

    def turn(self, step: Step, before_send: Callable[[], None], *, is_task: bool = False) -> Turn:
        """Enter with a request.

        Args:
            step: The request.
            before_send: Called right before it is sent; it may raise to prevent it.
            is_task: Whether this runs on an event loop.
        """
        return Turn(self, step, before_send, is_task=is_task)


class Turn(Permit):
    """The turn of one request at a gate; a context manager for the time until it has ended.

    Attributes:
        step: The request, with the time that is left for it.
        is_admitted: Whether it may be sent.
        result: What became of it; None while it is not known, and if it raised.
    """

    __slots__ = ("_before_send", "_gate", "_is_task", "is_admitted", "result", "step")

    def __init__(
        self,
        gate: RateGate,
        step: Step,
        before_send: Callable[[], None],
        *,
        is_task: bool = False,
    ) -> None:
        self._gate = gate
        self._before_send = before_send
        self._is_task = is_task
        self.step = step
        self.result: Result | None = None
        with gate.lock:
            may_pass = not gate.queues or self._place() not in gate.queues
            self.is_admitted = gate.limit.enter(self, time.monotonic(), may_pass=may_pass)

    def wait(self, cancel_token: CancelToken | None) -> Failure | None:
        """Wait in a thread until it is the turn of this request, or its batch is canceled.

        Returns:
            The failure if the wait would take too long.
        """
        waiter, began = _ThreadWaiter(), time.monotonic()
        with self._in_queue(waiter) as queue:
            while isinstance(found := self._try(queue, waiter, began, cancel_token), float):
                waiter.sleep(found)
        self.step = _shortened(self.step, began)
        return found

    async def await_it(self, cancel_token: AsyncCancelToken | None) -> Failure | None:
        """Async version of `wait`."""
        waiter, began = _TaskWaiter(), time.monotonic()
        with self._in_queue(waiter) as queue:
            while isinstance(found := self._try(queue, waiter, began, cancel_token), float):
                await waiter.sleep(found)
        self.step = _shortened(self.step, began)
        return found

    def before_send(self) -> None:
        """Note that the request leaves, unless its own `before_send` raises."""
        self._before_send()
        self.sent_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Learn from what became of the request, and keep nothing of it."""
        gate, step, result = self._gate, self.step, self.result
        # The limit remembers its last permits, but must not keep requests and replies alive.
        del self._gate, self._before_send, self.step, self.result
        if self.is_admitted:
            self._leave(gate, step, result)

    def _leave(self, gate: RateGate, step: Step, result: Result | None) -> None:
        is_first, now = False, time.monotonic()
        with gate.lock:
            if isinstance(result, Response) and result.status != 429:
                gate.limit.answer(self, now)
            elif isinstance(result, Response):
                delay = seconds_until_reset(result, time.time())
                if delay is None or 0 <= delay <= step.longest_wait:
                    is_first = gate.limit.refuse(self, now, delay)
                else:
                    gate.limit.withdraw(self, now)  # it is over, or this call fails at once
            elif result is None or result.outcome == "not_sent":
                gate.limit.withdraw(self, now)
            else:
                gate.limit.answer(self, now)
            if gate.queues and (queue := gate.queues.get(self._place())):
                queue[0].wake()
        if is_first:
            _log.info("%s: the gateway's rate limit is reached; calls wait for it", gate.name)

    def _place(self) -> int:
        return id(asyncio.get_running_loop()) if self._is_task else 0

    @contextlib.contextmanager
    def _in_queue(self, waiter: _ThreadWaiter | _TaskWaiter) -> Iterator[_Queue]:
        gate, place = self._gate, self._place()
        with gate.lock:
            queue = gate.queues.setdefault(place, deque())
            queue.append(waiter)
            gate.limit.waiting += 1
        try:
            yield queue
        finally:
            with gate.lock:
                queue.remove(waiter)
                gate.limit.waiting -= 1
                if queue:
                    queue[0].wake()
                else:
                    del gate.queues[place]

    def _try(
        self,
        queue: _Queue,
        waiter: _ThreadWaiter | _TaskWaiter,
        began: float,
        cancel_token: CancelToken | AsyncCancelToken | None,
    ) -> float | Failure | None:
        """Return for how many seconds to sleep; None once the wait is over."""
        now, limit = time.monotonic(), self._gate.limit
        pool_timeout = self.step.pool_timeout
        left = math.inf if pool_timeout is None else pool_timeout - (now - began)
        with self._gate.lock:
            wait = limit.wait(now) if queue[0] is waiter else math.inf
            if wait <= 0.0 < left:
                limit.admit(self, now)
                self.is_admitted = True
                return None
            closed, refusing = limit.closed_for(now), limit.refusing_for(now)
        if closed >= left or left <= 0.0:
            return Failure("not_sent", "rate_limit", "total_timeout ends before it", closed)
        if closed and closed + refusing > _GIVE_UP:
            why = f"no call was accepted for {refusing:.0f} s"
            return Failure("not_sent", "rate_limit", why, closed)
        if cancel_token is None:
            return min(wait, left)
        # In a batch that was canceled, `before_send` raises.
        return None if cancel_token.is_set() else min(wait, left, _CANCEL_INTERVAL)


def _shortened(step: Step, began: float) -> Step:
    """Take the time since `began` from a step, if the whole call has a limit."""
    if step.pool_timeout is None:
        return step
    left = max(0.001, step.pool_timeout - (time.monotonic() - began))
    timeout = left if step.timeout is None else min(step.timeout, left)
    return replace(step, timeout=timeout, pool_timeout=left)
