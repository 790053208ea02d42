"""Keep the async connections of one model for each event loop, and open them at its first call.

Opening reads files and imports aiohttp, which happens in a thread and within the call's limits.
This module imports aiohttp only then: it takes 80 ms, which those who never go async need not pay.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from pydantic import SecretStr

from langchain_segmind._flows.types import Failure, Result, Step
from langchain_segmind._http.environment import Network, ResolvedRoute, resolve_route
from langchain_segmind._http.threads import SharedThreads, wait_for_thread

if TYPE_CHECKING:
    from langchain_segmind._http.aiohttp_driver import AsyncConnections

    _ByLoop = dict[tuple[int, int], weakref.ref[AsyncConnections]]

_NOT_OPENED: Final = Failure(
    "not_sent", "timeout", "loading aiohttp and the certificates took too long"
)


class Sender(Protocol):
    """What sends the requests of one call."""

    async def send(
        self, step: Step, key: SecretStr | None, before_send: Callable[[], None] | None = None
    ) -> Result:
        """Send one request and return its reply, or the failure in its place."""


class EventLoops:
    """The connections of one model by event loop.

    It refers to them weakly, and they are kept by a timer of their loop: so they go with a loop
    that is closed or dropped. A `WeakKeyDictionary` would keep every loop forever, because
    connections refer to their loop.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._threads = SharedThreads()
        self._route: ResolvedRoute | None = None  # read once for all loops
        # By process and id of the loop, which no other loop has while its connections exist.
        self._connections: _ByLoop = {}
        weakref.finalize(self, _release_all, self._connections)

    def of_running_loop(self) -> Sender:
        """Return the connections of the running loop, or what opens them at the first request."""
        return self._find() or self

    async def send(
        self, step: Step, key: SecretStr | None, before_send: Callable[[], None] | None = None
    ) -> Result:
        """Open the connections of the running loop within the step's limits, and send over them.

        Raises:
            ValueError: If the environment or the user names a proxy or a file that cannot be used.
        """
        began = time.monotonic()
        limits = (step.timeout, step.connect_timeout, step.pool_timeout)
        connections = await self._open(min((t for t in limits if t is not None), default=None))
        if connections is None:
            return _NOT_OPENED
        timeout, connect_timeout, pool_timeout = (
            limit if limit is None else max(0.001, limit - (time.monotonic() - began))
            for limit in limits
        )
        remaining = replace(
            step, timeout=timeout, connect_timeout=connect_timeout, pool_timeout=pool_timeout
        )
        return await connections.send(remaining, key, before_send)

    async def close(self) -> None:
        """Close the connections of the running loop, once no call uses them."""
        connections = self._find()
        if connections is not None:
            del self._connections[_key()]
            await connections.close()

    def _find(self) -> AsyncConnections | None:
        reference = self._connections.get(_key())
        return None if reference is None else reference()

    async def _open(self, timeout: float | None) -> AsyncConnections | None:
        """Return the connections of the running loop; None if they are not open in time."""
        if self._route is None:
            opening = self._threads.run("open", self._prepare)
            if not await wait_for_thread(opening, timeout):
                return None
            self._route = opening.result()
        return self._find() or self._add(self._route)

    def _prepare(self) -> ResolvedRoute:
        from langchain_segmind._http import aiohttp_driver  # noqa: F401, PLC0415 - see above

        return resolve_route(self._network)

    def _add(self, route: ResolvedRoute) -> AsyncConnections:
        from langchain_segmind._http.aiohttp_driver import AsyncConnections  # noqa: PLC0415

        connections = AsyncConnections(route, self._network.max_connections, self._threads)
        key, by_loop = _key(), self._connections

        def forget(reference: weakref.ref[AsyncConnections]) -> None:
            if by_loop.get(key) is reference:
                del by_loop[key]

        by_loop[key] = weakref.ref(connections, forget)
        return connections


def done_future() -> asyncio.Future[None]:
    """Return a future of the running loop that is done."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


def _key() -> tuple[int, int]:
    # Two processes on one socket would read each other's answers.
    return os.getpid(), id(asyncio.get_running_loop())


def _release_all(by_loop: _ByLoop) -> None:
    """Let each loop close the connections of a model that is no longer used."""
    for (pid, _), reference in list(by_loop.items()):
        connections = reference()
        if connections is not None and pid == os.getpid():
            with contextlib.suppress(RuntimeError):  # the loop is closed
                connections.loop.call_soon_threadsafe(connections.release)
