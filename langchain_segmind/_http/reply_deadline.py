"""End the wait for a reply when its time is up, but not before what has arrived is read.

The event loop may be late: a callback blocked it, or the process was stopped. Its timers are then
due although the reply is in the socket's buffer, where nothing but a further pass reads it. aiohttp
would cancel the task, and an answer that was billed would be lost.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from langchain_segmind._http.environment import MAX_LATE_READS

_QUIET_PASSES: Final = 4
"""How many passes of the loop without a read show that nothing is there. It takes two until what is
in the socket was read, and three until a paused connection is read again."""


class Connection(Protocol):
    """What a deadline needs of a connection: how often it was read, and a way to end the wait."""

    reads: int

    def end_wait(self, error: BaseException) -> None:
        """Raise this error in the task that waits for the reply."""


class ReplyDeadline:
    """The deadline of one reply, from when the request has its connection."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.Handle = self._loop.call_later(seconds, self._begin)

    def cancel(self) -> None:
        """Forget the deadline: the reply was read, or its call has ended."""
        self._handle.cancel()

    def _begin(self) -> None:
        reads = self._connection.reads
        self._next_pass(reads, reads + MAX_LATE_READS, 0)

    def _next_pass(self, reads: int, last: int, quiet: int) -> None:
        now = self._connection.reads
        quiet = quiet + 1 if now == reads else 0
        if quiet >= _QUIET_PASSES or now >= last:
            self._connection.end_wait(asyncio.TimeoutError())
        else:
            self._handle = self._loop.call_soon(self._next_pass, now, last, quiet)
