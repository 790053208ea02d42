"""Build aiohttp's session: how it connects, when it stops waiting, and what it reads first.

Each exchange tells it its deadline by a context variable. It never sends anything by itself.
"""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler

from langchain_segmind._http import environment
from langchain_segmind._http.connect import ATTEMPT_DELAY
from langchain_segmind._http.headers import COMMON_HEADERS
from langchain_segmind._http.reply_deadline import ReplyDeadline
from langchain_segmind._http.resolver import Resolver


class Attempt:
    """The deadline of one exchange, and whether it got a connection: the request began to leave."""

    is_sent = False
    _reply_deadline: ReplyDeadline | None = None

    def __init__(self, timeout: float | None) -> None:
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def begin(self, protocol: HeadersFirstProtocol) -> None:
        """Note that the request has its connection.

        Raises:
            asyncio.TimeoutError: If it is too late to send.
        """
        if self._deadline is not None:
            remaining = self._deadline - time.monotonic()
            if remaining <= 0:
                raise asyncio.TimeoutError
            self._reply_deadline = protocol.deadline
            self._reply_deadline.start(self, remaining)
        self.is_sent = True

    def end(self) -> None:
        """Forget the deadline."""
        if self._reply_deadline is not None:
            self._reply_deadline.stop(self)
            self._reply_deadline = None


current_attempt: Final[ContextVar[Attempt]] = ContextVar("current_attempt")


class _Connector(aiohttp.TCPConnector):
    """Record that a request got its connection. aiohttp's own tracing would cost 4 % of a call."""

    def __init__(self, protocols: set[HeadersFirstProtocol], **settings: Any) -> None:
        super().__init__(**settings)
        self._protocols = protocols
        # `_factory` (aiohttp 3.10 to 3.14) is private, and there is no public way to use another
        # protocol. If it were ignored, an invalid body would hide the status of its reply.
        factory: Any = partial(HeadersFirstProtocol, protocols, asyncio.get_running_loop())
        self._factory = factory

    async def connect(self, req: aiohttp.ClientRequest, *args: Any, **kwargs: Any) -> Any:
        connection = await super().connect(req, *args, **kwargs)
        protocol: Any = connection.protocol
        try:
            current_attempt.get().begin(protocol)
        except BaseException:
            connection.release()
            raise
        self._protocols.add(protocol)
        return connection

    def __del__(self, *_: Any) -> None:
        pass  # aiohttp would warn: it does not know that `AsyncConnections` closes them


class HeadersFirstProtocol(ResponseHandler):
    """Parse the headers of a reply before its body, also when they arrive together.

    Otherwise a body that is not valid HTTP would hide that the status was 200: the model ran.

    Attributes:
        bytes_read: How many bytes have been read.
        late_work: Seconds of CPU time that reading took after the deadlines of replies.
        deadline: Ends the wait for a reply.
    """

    def __init__(
        self, protocols: set[HeadersFirstProtocol], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(loop)
        self._protocols = protocols
        self.bytes_read = 0
        self.late_work = 0.0
        self.deadline = ReplyDeadline(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.deadline.close()
        super().connection_lost(exc)
        self._protocols.discard(self)

    def end_wait(self, error: BaseException) -> None:
        """Raise this error in the task that waits for the reply, and close the connection.

        If the reply has just been read, the connection would fail the next call.
        """
        self._pass_on(error)
        self.abort()
        self.set_exception(error)  # `abort` would forget it, while the task still reads the rest

    def data_received(self, data: bytes) -> None:
        if not self.deadline.is_over:
            self._read(data)
            return
        began = time.thread_time()
        self._read(data)
        self.late_work += time.thread_time() - began

    def _read(self, data: bytes) -> None:
        self.bytes_read += len(data)
        headers, separator, body = data.partition(b"\r\n\r\n")
        super().data_received(headers + separator)
        if body:
            super().data_received(body)
        error = self.exception()
        if error is not None:
            self._pass_on(aiohttp.ClientPayloadError(str(error)))

    def _pass_on(self, error: BaseException) -> None:
        # `_payload` (aiohttp 3.10 to 3.14) is private. Without this, the reader of a body would not
        # learn of the error, and would wait for its timeout, or forever.
        reader = self._payload
        if reader is not None and not reader.is_eof() and reader.exception() is None:
            reader.set_exception(error)

    def close(self) -> None:
        # aiohttp (3.10 to 3.14) forgets a connection that it closes, while asyncio goes on sending
        # the rest of the request, or waits for the peer to close TLS, for up to 30 s. A loop that
        # ends before leaves the socket open.
        self.abort()


def new_session(
    route: environment.ResolvedRoute, protocols: set[HeadersFirstProtocol], resolver: Resolver
) -> aiohttp.ClientSession:
    # The semaphore limits connections: waiting for the connector's own limit would count toward the
    # attempt's timeout.
    connector = _Connector(
        protocols,
        limit=0,
        resolver=resolver,
        keepalive_timeout=environment.MAX_IDLE_SECONDS,
        ssl=route.tls or route.verify is not False,  # True: aiohttp's own context
        happy_eyeballs_delay=ATTEMPT_DELAY,  # as in `create_connection`
    )
    session = aiohttp.ClientSession(
        connector=connector,
        headers=COMMON_HEADERS,
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
