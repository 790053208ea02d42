"""Close connections whose event loop may be closed, or dropped without being closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any


def abort_all(loop: asyncio.AbstractEventLoop, protocols: Iterable[Any]) -> None:
    """Abort connections that no call uses, whether or not their loop will call back."""
    with contextlib.nullcontext() if loop.is_running() else _calling_back_at_once(loop):
        for protocol in protocols:
            with contextlib.suppress(RuntimeError):  # uvloop (0.23) is closed; it closes sockets
                protocol.abort()


@contextlib.contextmanager
def _calling_back_at_once(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Have a loop that does not run call its transports and protocols back at once.

    asyncio (3.10 to 3.14) closes a socket in a callback of the loop, and warns about one whose
    callback never came. All other callbacks are left out, because they would wake a task.
    """

    def call_at_once(callback: Callable[..., object], *args: object, **_: object) -> None:
        owner = getattr(callback, "__self__", None)
        if isinstance(owner, asyncio.BaseTransport | asyncio.BaseProtocol):
            callback(*args)

    loop.call_soon = call_at_once  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        del loop.call_soon
