"""Close connections whose event loop is closed, or dropped without being closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any


def abort_without_loop(loop: asyncio.AbstractEventLoop, protocols: Iterable[Any]) -> None:
    """Abort connections of a loop that will not call back.

    asyncio (3.10 to 3.14) closes a socket in a callback of its loop, and warns about one whose
    callback never came. So here `call_soon` of this loop calls transports and protocols back at
    once. Everything else is left out, because it would wake a task.
    """

    def call_at_once(callback: Callable[..., object], *args: object, **_: object) -> None:
        owner = getattr(callback, "__self__", None)
        if isinstance(owner, asyncio.BaseTransport | asyncio.BaseProtocol):
            callback(*args)

    loop.call_soon = call_at_once  # type: ignore[assignment, method-assign]
    try:
        for protocol in protocols:
            with contextlib.suppress(RuntimeError):  # uvloop (0.23) is closed; it closes sockets
                protocol.abort()
    finally:
        del loop.call_soon
