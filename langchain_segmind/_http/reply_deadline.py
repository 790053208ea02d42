"""End the wait for a reply when its time is up, but not before what has arrived is read.

The event loop may be late: a callback blocked it, or the process was stopped. Its timers are then
due although the reply is in the socket's buffer, where nothing but a further pass reads it. aiohttp
would cancel the task, and an answer that was billed would be lost.
"""

from __future__ import annotations

import asyncio
import math
from contextvars import Context
from typing import Final, Protocol

from langchain_segmind._http.replies import MAX_LATE_WORK

_QUIET_PASSES: Final = 4
"""How many passes of the loop without a read show that nothing is there. It takes two until what is
in the socket was read, and three until a paused connection is read again."""


class Connection(Protocol):
    """What a deadline needs of a connection.

    Attributes:
        bytes_read: How many bytes have been read.
        late_work: Seconds of CPU time that reading took while the deadline was over.
    """

    bytes_read: int
    late_work: float

    def end_wait(self, error: BaseException) -> None:
        """Raise this error in the task that waits for the reply."""


class ReplyDeadline:
    """The deadline of the replies on one connection, which come one after another.

    A timer for each reply would be 2 % of a call. So there is one, which is set anew when it is due
    and another reply is still awaited.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._owner: object = None
        self._ends_at = math.inf
        self._timer: asyncio.Handle | None = None
        self._timer_at = math.inf  # uvloop's timers do not always know it
        self._pass: asyncio.Handle | None = None

    def start(self, owner: object, seconds: float) -> None:
        """Wait for a reply, from when its request has the connection.

        aiohttp lets go of a connection before the call that read its reply goes on. So the next
        owner may start before the last one stops.
        """
        self._stop()
        self._owner = owner
        self._ends_at = self._loop.time() + seconds
        if self._timer_at > self._ends_at:
            self._set_timer()

    def stop(self, owner: object) -> None:
        """End the wait: the reply was read, or its call has ended."""
        if self._owner is owner:
            self._stop()

    def _stop(self) -> None:
        self._owner, self._ends_at = None, math.inf
        if self._pass is not None:
            self._pass.cancel()
            self._pass = None

    @property
    def is_over(self) -> bool:
        """Whether a reply is awaited beyond its deadline."""
        return self._pass is not None

    def close(self) -> None:
        """End the wait and forget the timer: the connection is closed."""
        self._stop()
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, math.inf

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._ends_at
        # In an empty context: that of this call would be kept, too.
        self._timer = Context().run(self._loop.call_at, self._ends_at, self._check)

    def _check(self) -> None:
        self._timer, self._timer_at = None, math.inf
        if self._ends_at <= self._loop.time():
            last = self._connection.late_work + MAX_LATE_WORK
            self._next_pass(self._connection.bytes_read, last, 0)
        elif self._ends_at < math.inf:
            self._set_timer()

    def _next_pass(self, count: int, last: float, quiet: int) -> None:
        now = self._connection.bytes_read
        is_enough = self._connection.late_work >= last
        # After the last read, too: the call may have its reply, but not have gone on yet.
        quiet = quiet + 1 if now == count or is_enough else 0
        if quiet >= _QUIET_PASSES:
            self._connection.end_wait(asyncio.TimeoutError())
        else:
            self._pass = self._loop.call_soon(self._next_pass, now, last, quiet)
