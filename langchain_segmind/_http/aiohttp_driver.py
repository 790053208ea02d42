"""Send requests over aiohttp: one session per event loop, closed when the loop ends.

It never retries, follows a redirect, keeps a cookie or reads .netrc.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncGenerator, Callable
from contextvars import ContextVar
from functools import lru_cache, partial
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from pydantic import SecretStr

from langchain_segmind._flows.types import Failure, Result, Step
from langchain_segmind._http import environment, replies
from langchain_segmind._http.connect import ATTEMPT_DELAY
from langchain_segmind._http.headers import (
    Headers,
    request_headers,
    unmasked,
    validate_headers,
    with_lowercase_names,
)


class _Attempt:
    """Whether there was a connection for this attempt, so that the request began to leave."""

    is_sent = False


_attempt: Final[ContextVar[_Attempt]] = ContextVar("attempt")


class _Connector(aiohttp.TCPConnector):
    """Record that a request got its connection. aiohttp's own tracing would cost 4 % of a call."""

    async def connect(self, req: aiohttp.ClientRequest, *args: Any, **kwargs: Any) -> Any:
        connection = await super().connect(req, *args, **kwargs)
        _attempt.get().is_sent = True
        return connection


class _HeadersFirstProtocol(ResponseHandler):
    """Parse the headers of a reply before its body, also when they arrive together.

    Otherwise a body that is not valid HTTP would hide that the status was 200: the model ran.
    """

    def data_received(self, data: bytes) -> None:
        headers, separator, body = data.partition(b"\r\n\r\n")
        super().data_received(headers + separator)
        if body:
            super().data_received(body)
        # `_payload` (aiohttp 3.10 to 3.14) is private. Without this, the reader of an invalid body
        # would not learn of the error, and would wait for its timeout.
        error, reader = self.exception(), self._payload
        if error is not None and reader is not None and not reader.is_eof():
            reader.set_exception(aiohttp.ClientPayloadError(str(error)))

    def close(self) -> None:
        # aiohttp (3.10 to 3.14) forgets a connection that it closes, while asyncio goes on sending
        # the rest of the request, or waits for the peer to close TLS, for up to 30 s. A loop that
        # ends before leaves the socket open.
        self.abort()


class AsyncConnections:
    """The connections of one event loop. Building one reads files: do it off the loop."""

    def __init__(self, network: environment.Network) -> None:
        self._route = environment.resolve_route(network)
        self._semaphore = asyncio.Semaphore(environment.connection_limit(network.max_connections))
        self._session: aiohttp.ClientSession | None = None
        self._session_closer: AsyncGenerator[None, None] | None = None
        self._active_calls = 0
        self._call_ended = asyncio.Event()
        self._timeouts = lru_cache(8)(aiohttp.ClientTimeout)  # most calls have the same

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
        if self._session_closer is not None:
            await self._session_closer.aclose()

    def abandon(self) -> None:
        """Close a session whose event loop has ended without closing it."""
        if self._session is not None and not self._session.closed:
            # There is no loop to run the coroutine on, but with its loop closed it never waits.
            closing = self._session.close()
            try:
                while True:
                    closing.send(None)
            except StopIteration:
                pass

    async def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = _new_session(self._route)
            self._session_closer = _close_with_loop(self._session)
            await anext(self._session_closer)
        return self._session

    async def _exchange(
        self, session: aiohttp.ClientSession, step: Step, waited: float, key: SecretStr | None
    ) -> Result:
        reply: Result | None = None
        request, route = step.request, self._route
        attempt = _Attempt()
        _attempt.set(attempt)
        headers = request_headers(request, key)
        if _is_recorded():
            headers = unmasked(headers)
        if route.is_forwarded:
            headers |= route.proxy_headers
        total = None if step.timeout is None else max(0.001, step.timeout - waited)
        try:
            async with session.request(
                request.method,
                request.url,
                data=_payload(request.body),
                headers=headers,
                timeout=self._timeouts(total=total, connect=step.connect_timeout),
                allow_redirects=False,
                proxy=route.proxy,
                proxy_headers=route.proxy_headers or None,
            ) as response:
                reply_headers = with_lowercase_names(response.headers.items())
                reason = validate_headers(response.status, reply_headers)
                if reason:
                    response.close()
                    reply = Failure("unknown", "connection", reason)
                elif response.status == 407 and self._route.is_forwarded:
                    reply = replies.PROXY_AUTH_REQUIRED
                else:
                    reply = await _read(response, reply_headers, key)
        except (aiohttp.ClientError, OSError, ValueError, asyncio.TimeoutError) as error:
            # A reply that was read counts, even if releasing the connection failed afterwards.
            reply = reply or replies.failure_from_error(
                error, is_sent=attempt.is_sent, target=self._route.target
            )
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


def _new_session(route: environment.ResolvedRoute) -> aiohttp.ClientSession:
    # The semaphore limits connections: waiting for the connector's own limit would count toward the
    # attempt's timeout.
    connector = _Connector(
        limit=0,
        keepalive_timeout=environment.MAX_IDLE_SECONDS,
        ssl=route.tls or route.verify is not False,  # True: aiohttp's own context
        happy_eyeballs_delay=ATTEMPT_DELAY,  # as in `create_connection`
    )
    # `_factory` (aiohttp 3.10 to 3.14) is private, and there is no public way to use another
    # protocol. If it were ignored, an invalid body would hide the status of its reply.
    factory: Any = partial(_HeadersFirstProtocol, loop=asyncio.get_running_loop())
    connector._factory = factory  # noqa: SLF001 - see above
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        max_line_size=65_536,  # what http.client accepts, so that both drivers agree
        max_field_size=65_536,
    )
    # Only the flow may decide to retry, and it counts. `_retry_connection` (aiohttp 3.10 to 3.14)
    # is private, and aiohttp's own test client sets it. If it were ignored, a GET on a
    # connection that the server has closed would be sent twice unnoticed.
    session._retry_connection = False  # noqa: SLF001 - see above
    return session


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
