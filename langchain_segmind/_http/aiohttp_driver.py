"""Send requests over aiohttp: one session per event loop, which goes with its loop.

It never retries, follows a redirect, keeps a cookie or reads .netrc.
"""

from __future__ import annotations

import asyncio
import io
import os
import time
import weakref
from collections.abc import AsyncGenerator, Callable
from contextvars import Context
from functools import lru_cache
from typing import Final

import aiohttp
from pydantic import SecretStr

from langchain_segmind._flows.types import Failure, Result, Step
from langchain_segmind._http import environment, replies
from langchain_segmind._http.aiohttp_session import (
    Attempt,
    HeadersFirstProtocol,
    current_attempt,
    new_session,
)
from langchain_segmind._http.headers import (
    Headers,
    own_headers,
    unmasked,
    validate_headers,
    with_lowercase_names,
)
from langchain_segmind._http.resolver import Resolver
from langchain_segmind._http.threads import SharedThreads
from langchain_segmind._http.without_loop import abort_all

_KEEP_SECONDS: Final = 86_400.0  # the longest that asyncio sleeps


class AsyncConnections:
    """The connections of one event loop, which alone keeps them, by a timer.

    Whoever else refers to them must do so weakly. Then they are freed with a loop that is dropped,
    and when a loop is closed, since it forgets its timers; `asyncio` has no other way to notice.

    Attributes:
        loop: The event loop.
    """

    def __init__(
        self, route: environment.ResolvedRoute, limit: int | None, threads: SharedThreads
    ) -> None:
        """Open nothing yet; to be called on the event loop.

        Args:
            route: The way to the gateway.
            limit: How many connections may be open; None for the default.
            threads: Where host names are resolved.
        """
        self.loop = asyncio.get_running_loop()
        self._pid = os.getpid()
        self._route = route
        self._threads = threads
        self._semaphore = asyncio.Semaphore(environment.connection_limit(limit))
        self._protocols: set[HeadersFirstProtocol] = set()
        self._session: aiohttp.ClientSession | None = None
        self._closer: AsyncGenerator[None, None] | None = None
        self._active_calls = 0
        self._call_ended = asyncio.Event()
        self._timeouts = lru_cache(8)(aiohttp.ClientTimeout)  # most calls have the same
        self._keep()

    def _keep(self) -> None:
        # In an empty context: that of the first call would be kept, too.
        timer = Context().run(self.loop.call_later, _KEEP_SECONDS, self._keep)
        self._timer = weakref.ref(timer)

    def release(self) -> None:
        """Let the connections be freed, and closed by that, once no call uses them."""
        timer = self._timer()
        if timer is not None:
            timer.cancel()

    def __del__(self) -> None:
        if self._session is not None:
            self._session.detach()
        # A forked child would take the parent's connections off the selector that both share.
        if self._protocols and (os.getpid() == self._pid or self.loop.is_closed()):
            abort_all(self.loop, list(self._protocols))

    async def send(
        self, step: Step, key: SecretStr | None, before_send: Callable[[], None] | None = None
    ) -> Result:
        """Send one request and return its reply, or the failure in its place.

        `before_send` is called right before, and may raise to prevent it.
        """
        began = time.monotonic()
        if step.pool_timeout is not None and self._semaphore.locked():
            try:
                await asyncio.wait_for(self._semaphore.acquire(), step.pool_timeout)
            except asyncio.TimeoutError:
                return replies.POOL_TIMEOUT
        else:
            await self._semaphore.acquire()
        self._active_calls += 1
        try:
            # Waiting for a connection counts toward the total timeout, not the attempt's own.
            waited = 0.0 if step.pool_timeout is None else time.monotonic() - began
            session = self._session
            if session is None or session.closed:
                session = await self._open_session()
            if before_send is not None:
                before_send()
            return await self._exchange(session, step, waited, key)
        finally:
            self._semaphore.release()
            self._active_calls -= 1
            self._call_ended.set()

    async def close(self) -> None:
        """Close all connections, once no call uses them."""
        while self._active_calls:
            self._call_ended.clear()
            await self._call_ended.wait()
        self.release()
        if self._session is not None:
            await self._session.close()

    async def _open_session(self) -> aiohttp.ClientSession:
        self._session = session = new_session(self._route, self._protocols, Resolver(self._threads))
        if not isinstance(self.loop, asyncio.BaseEventLoop):
            # uvloop (0.23) closes sockets itself when it is closed, and warns about each.
            self._closer = _close_with_loop(session)
            await anext(self._closer)
        return session

    async def _exchange(
        self, session: aiohttp.ClientSession, step: Step, waited: float, key: SecretStr | None
    ) -> Result:
        reply: Result | None = None
        request, route = step.request, self._route
        total = None if step.timeout is None else max(0.001, step.timeout - waited)
        attempt = Attempt(total)
        current_attempt.set(attempt)
        headers = own_headers(request, key)
        if _is_recorded():
            headers = unmasked(headers)
        if route.is_forwarded:
            headers |= route.proxy_headers
        connect = step.connect_timeout
        if total is not None:
            connect = total if connect is None else min(connect, total)
        try:
            response = await session.request(
                request.method,
                request.url,
                data=_payload(request.body),
                headers=headers,
                timeout=self._timeouts(connect=connect),
                allow_redirects=False,
                proxy=route.proxy,
                proxy_headers=route.proxy_headers or None,
            )
            try:
                reply_headers = with_lowercase_names(response.headers.items())
                reason = validate_headers(response.status, reply_headers)
                if reason:
                    response.close()
                    reply = Failure("unknown", "connection", reason)
                elif response.status == 407 and self._route.is_forwarded:
                    reply = replies.PROXY_AUTH_REQUIRED
                else:
                    reply = await _read(response, reply_headers, key)
            finally:
                if not response.closed:  # by reading it to its end
                    response.release()
        except (aiohttp.ClientError, OSError, ValueError, asyncio.TimeoutError) as error:
            # A reply that was read counts, even if releasing the connection failed afterwards.
            reply = reply or replies.failure_from_error(
                error, is_sent=attempt.is_sent, target=self._route.target
            )
        finally:
            attempt.end()
        return reply


def _is_recorded() -> bool:
    """Return whether VCR replaces aiohttp's `_request` (private, in aiohttp 3.10 to 3.14) now.

    It writes headers to YAML, where masked ones would be objects of this package.
    """
    replaced = getattr(aiohttp.ClientSession, "_request", None)
    return getattr(replaced, "__globals__", {}).get("__name__") == "vcr.stubs.aiohttp_stubs"


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    """Pass a big body as a file: aiohttp warns about bytes that it must send in one piece."""
    return io.BytesIO(body) if body is not None and len(body) > replies.CHUNK_BYTES else body


async def _close_with_loop(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    """Close a session when its loop ends: `asyncio.run` finalizes generators that have started."""
    try:
        yield
    finally:
        await session.close()


async def _read(
    response: aiohttp.ClientResponse, headers: Headers, key: SecretStr | None
) -> Result:
    limit = replies.max_body_bytes(response.status)
    body = bytearray()
    broken: BaseException | None = None
    try:
        while len(body) <= limit and not response.content.at_eof():
            body += await response.content.readany()
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
        broken = error
    if broken is not None or len(body) > limit:
        response.close()
    return replies.response_from_parts(response.status, headers, body, broken, key)
