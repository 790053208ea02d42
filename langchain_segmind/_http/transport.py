"""The only sockets, clocks and dice: plays a conversation on requests (`run`) or aiohttp (`arun`).

Both drivers keep the same promises: a deadline from the start to the last byte, capped bodies, no
redirects, no cookies, no .netrc, the same proxies and certificates, and for every attempt a verdict
on what became of it. Nothing here decides what to do next; that is the flow's.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr

from langchain_segmind._flows.types import Failure, Flow, JobEvent, Reply, Response
from langchain_segmind._http.environment import Network
from langchain_segmind._http.observer import SendObserver
from langchain_segmind._http.requests_driver import SyncConnections
from langchain_segmind.errors import SegmindError

if TYPE_CHECKING:
    from langchain_segmind._http.aiohttp_driver import AsyncConnections

__all__ = ["Network", "SendObserver", "Transport"]

T = TypeVar("T")


class Transport:
    """The connections of one model, opened at the first call and shared by threads and tasks.

    A copy or an unpickled one starts without connections, and so does a forked child: two
    processes on one socket would read each other's answers. What the environment says of proxies
    and certificates is read once, at the first call.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._sync_connections: dict[int, SyncConnections] = {}
        self._async_connections: dict[tuple[int, asyncio.AbstractEventLoop], AsyncConnections] = {}
        weakref.finalize(self, _abandon_ended, self._async_connections)

    def __reduce__(self) -> tuple[Any, ...]:
        return Transport, (self.network,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Transport:
        return Transport(self.network)

    def run(
        self,
        flow: Flow[T],
        key: SecretStr | None,
        *,
        observer: SendObserver | None = None,
        tell: Callable[[JobEvent], None] | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> T:
        """Play a conversation on requests and return its result.

        Args:
            flow: The conversation.
            key: The gateway's key; None to send none.
            observer: Asked before anything that may be billed is sent, and told what became of it.
            tell: Given the news of a job in the queue.
            pause: Waits so many seconds before a retry, or fewer where no retry is wanted any more.
        """
        link = self._sync_connections.get(os.getpid()) or self._open_sync()
        began = time.monotonic()
        try:
            step = next(flow)
            while True:
                if isinstance(step, JobEvent):
                    if tell is not None:
                        tell(step)
                    step = next(flow)
                    continue
                if step.after:
                    (pause or time.sleep)(step.after)
                paid_observer = observer if step.request.method == "POST" else None
                step = flow.send(_timed(link.send(step, key, paid_observer), began, paid_observer))
        except StopIteration as end:
            result: T = end.value
            return result
        except SegmindError as error:
            raise _redacted(error, key) from None
        finally:
            flow.close()

    async def arun(
        self,
        flow: Flow[T],
        key: SecretStr | None,
        *,
        observer: SendObserver | None = None,
        tell: Callable[[JobEvent], Awaitable[None]] | None = None,
        pause: Callable[[float], Awaitable[object]] | None = None,
    ) -> T:
        """Play a conversation on aiohttp and return its result; arguments are those of `run`."""
        link = (
            self._async_connections.get((os.getpid(), asyncio.get_running_loop()))
            or await self._open_async()
        )
        began = time.monotonic()
        try:
            step = next(flow)
            while True:
                if isinstance(step, JobEvent):
                    if tell is not None:
                        await tell(step)
                    step = next(flow)
                    continue
                if step.after:
                    await (pause or asyncio.sleep)(step.after)
                paid_observer = observer if step.request.method == "POST" else None
                step = flow.send(
                    _timed(await link.send(step, key, paid_observer), began, paid_observer)
                )
        except StopIteration as end:
            result: T = end.value
            return result
        except SegmindError as error:
            raise _redacted(error, key) from None
        finally:
            flow.close()

    def close(self) -> None:
        """Close the connections of `run`; those of `arun` close with `aclose` or their loop."""
        link = self._sync_connections.pop(os.getpid(), None)
        if link is not None:
            link.close()
        _abandon_ended(self._async_connections)

    async def aclose(self) -> None:
        """Close the connections of `run`, and those of `arun` on the running loop."""
        self.close()
        link = self._async_connections.pop((os.getpid(), asyncio.get_running_loop()), None)
        if link is not None:
            await link.close()

    def _open_sync(self) -> SyncConnections:
        return self._sync_connections.setdefault(os.getpid(), SyncConnections(self.network))

    async def _open_async(self) -> AsyncConnections:
        # Importing aiohttp takes 80 ms and reading certificates 20, which those who never go async
        # need not pay, and which must not stop the event loop of those who do.
        link = await asyncio.to_thread(_new_async_link, self.network)
        _abandon_ended(self._async_connections)
        return self._async_connections.setdefault((os.getpid(), asyncio.get_running_loop()), link)


def _redacted(error: SegmindError, key: SecretStr | None) -> SegmindError:
    """Take the key out of an error, and the flow's frames, whose locals hold what was received."""
    if key is not None:
        error.hide(key.get_secret_value())
    return error.with_traceback(None)


def _new_async_link(network: Network) -> AsyncConnections:
    module = import_module("langchain_segmind._http.aiohttp_driver")
    link: AsyncConnections = module.AsyncConnections(network)
    return link


def _abandon_ended(links: dict[tuple[int, asyncio.AbstractEventLoop], AsyncConnections]) -> None:
    """Let go of loops that ended: a session holds its loop, and the loop would stay forever."""
    for pid, loop in list(links):
        if pid == os.getpid() and loop.is_closed():
            link = links.pop((pid, loop), None)
            if link is not None:
                link.abandon()


def _timed(reply: Reply, began: float, observer: SendObserver | None) -> Reply:
    if observer is not None:
        observer.after_reply(reply.outcome)
    elapsed = time.monotonic() - began
    jitter = random.random()  # noqa: S311 - it spreads retries, it guards nothing
    if isinstance(reply, Failure):
        return replace(reply, elapsed=elapsed, jitter=jitter)
    # By place, as `replace` costs three times as much, and this is the way of every call.
    told = (reply.status, reply.headers, reply.body, reply.fault, reply.detail)
    return Response(*told, elapsed, time.time(), jitter)
