"""The async driver's sockets: one aiohttp session an event loop, closed when the loop ends."""

from __future__ import annotations

import asyncio
import io
import ssl
import time
from collections.abc import AsyncGenerator
from functools import lru_cache, partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from pydantic import SecretStr

from langchain_segmind._flows.types import Failure, Reply, Step
from langchain_segmind._http import common
from langchain_segmind._http.connect import STAGGER


class _NoAutoRetryMethod(str):
    """The verb of one attempt, which aiohttp does not find among those it repeats by itself.

    Whether to repeat is the flow's to decide, and to count. It is also where the attempt's state is
    kept, as aiohttp hands it through: whether a connection stood and the request began to leave.
    """

    __slots__ = ("is_sent",)
    __hash__ = object.__hash__

    def __init__(self, _verb: str) -> None:
        self.is_sent = False

    def upper(self) -> str:
        return self


class _Connector(aiohttp.TCPConnector):
    """Notes in a request's verb that it has a connection; aiohttp's tracing costs 4 % of a call."""

    async def connect(self, req: aiohttp.ClientRequest, *args: Any, **kwargs: Any) -> Any:
        connection = await super().connect(req, *args, **kwargs)
        if isinstance(req.method, _NoAutoRetryMethod):
            req.method.is_sent = True
        return connection


class _HeadersFirstProtocol(ResponseHandler):
    """Reads the head of a reply before its body, also where they arrive together.

    Otherwise a body that breaks HTTP's rules would hide that the status was 200: the model ran. And
    one that does so is told at once; aiohttp would have its reader wait for the deadline.
    """

    def data_received(self, data: bytes) -> None:
        head, end, body = data.partition(b"\r\n\r\n")
        super().data_received(head + end)
        if body:
            super().data_received(body)
        broken, reader = self.exception(), self._payload
        if broken is not None and reader is not None and not reader.is_eof():
            reader.set_exception(aiohttp.ClientPayloadError(str(broken)))


class AsyncConnections:
    """One event loop's connections.

    Building one reads certificates, so it is built off the loop.
    """

    def __init__(self, network: common.Network) -> None:
        self._secure = network.origin.startswith("https:")
        self._route = common.resolve_route(network)
        # True is aiohttp's own context, which is never used: neither gateway nor proxy speaks TLS.
        needs_tls = common.needs_tls(network, self._route)
        self._tls = common.tls_context(self._route.verify) if needs_tls else True
        self._is_forwarded = common.is_forwarded(network, self._route)
        self._gate = asyncio.Semaphore(common.connection_limit(network.max_connections))
        self._session: aiohttp.ClientSession | None = None
        self._keeper: AsyncGenerator[None, None] | None = None
        self._busy = 0
        self._idle = asyncio.Event()
        self._limits = lru_cache(8)(_limits)  # most calls have the same

    async def send(
        self, step: Step, key: SecretStr | None, observer: common.CallObserver | None = None
    ) -> Reply:
        """Send one request and read its reply, or tell how far it came.

        Args:
            step: What to send, and how patiently.
            key: The gateway's key; None to send none.
            observer: Asked when nothing but the sending is left; may raise to prevent it.
        """
        began = time.monotonic()
        if step.retry_policy is not None and self._gate.locked():
            try:
                await asyncio.wait_for(self._gate.acquire(), step.retry_policy)
            except asyncio.TimeoutError:
                return common.NO_CONNECTION
        else:
            await self._gate.acquire()
        self._busy += 1
        try:
            # A wait for the gate counts for the total timeout, not for the attempt's own.
            waited = 0.0 if step.retry_policy is None else time.monotonic() - began
            session = await self._opened()
            if observer is not None:
                observer.before_send()
            return await self._exchange(session, step, waited, key)
        finally:
            self._gate.release()
            self._busy -= 1
            self._idle.set()

    async def close(self) -> None:
        """Close all connections, as soon as no call is under way on them."""
        while self._busy:
            self._idle.clear()
            await self._idle.wait()
        if self._keeper is not None:
            await self._keeper.aclose()

    def abandon(self) -> None:
        """Let go of a session whose loop has ended without closing it."""
        if self._session is not None and not self._session.closed:
            # There is no loop to run this on, and with the loop gone it awaits nothing.
            closing = self._session.close()
            try:
                while True:
                    closing.send(None)
            except StopIteration:
                pass

    async def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = _session(self._tls)
            self._keeper = _keep(self._session)
            await anext(self._keeper)
        return self._session

    async def _exchange(
        self, session: aiohttp.ClientSession, step: Step, waited: float, key: SecretStr | None
    ) -> Reply:
        reply: Reply | None = None
        request, route = step.request, self._route
        verb = _NoAutoRetryMethod(request.method)
        headers = common.headers_for(request, key)
        if not self._secure:
            headers |= route.proxy_headers
        total = None if step.timeout is None else max(0.001, step.timeout - waited)
        try:
            async with session.request(
                verb,
                request.url,
                data=_payload(request.body),
                headers=headers,
                timeout=self._limits(total, step.connect_timeout),
                allow_redirects=False,
                proxy=route.proxy,
                proxy_headers=route.proxy_headers or None,
            ) as response:
                head = common.lowered(response.headers.items())
                wrong = common.validate_headers(response.status, head)
                if wrong:
                    response.close()
                    reply = Failure("unknown", "connection", wrong)
                elif response.status == 407 and self._is_forwarded:
                    reply = common.UNKNOWN_TO_PROXY
                else:
                    reply = await _read(response, head, key)
        except (aiohttp.ClientError, OSError, ValueError, asyncio.TimeoutError) as error:
            # What was read counts, even when letting go of the connection failed afterwards.
            reply = reply or common.failed(error, sent=verb.is_sent)
        return reply


def _limits(total: float | None, connect: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total, connect=connect)


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    """Hand a big body over as a file: aiohttp warns of bytes that it must send in one piece."""
    return io.BytesIO(body) if body is not None and len(body) > common.CHUNK else body


async def _keep(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    """Hold a session open until the loop ends: `asyncio.run` finalises started generators."""
    try:
        yield
    finally:
        await session.close()


def _session(tls: ssl.SSLContext | bool) -> aiohttp.ClientSession:
    # The gate limits connections: the connector's own limit would count against the timeout.
    connector = _Connector(
        limit=0,
        keepalive_timeout=common.LONGEST_IDLE,
        ssl=tls,
        happy_eyeballs_delay=STAGGER,  # a dead address of a host hides no other, as in `dial`
    )
    factory: Any = partial(_HeadersFirstProtocol, loop=asyncio.get_running_loop())
    connector._factory = factory  # noqa: SLF001 - there is no public way
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        max_line_size=65_536,  # what http.client takes, so that both drivers take the same
        max_field_size=65_536,
    )


async def _read(
    response: aiohttp.ClientResponse, head: common.Headers, key: SecretStr | None
) -> Reply:
    cap = common.cap_for(response.status)
    body = bytearray()
    broken: BaseException | None = None
    try:
        while len(body) <= cap and not response.content.at_eof():
            body += await response.content.readany()
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
        broken = error
    if broken is not None or len(body) > cap:
        response.close()
    return common.response_from_parts(response.status, head, body, broken, key)
