"""The only sockets of the gateway: aiohttp brings visits to the state and takes answers away."""

import asyncio
import contextlib
import itertools
import socket
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from langchain_segmind.testing.checks import json_body
from langchain_segmind.testing.errors import Answer, RefusalError, error_text
from langchain_segmind.testing.ledger import LoggedRequest
from langchain_segmind.testing.routes import Found, find_route, respond
from langchain_segmind.testing.state import GatewayState, Visit

_LARGEST_BODY = 64 * 1024 * 1024
_BACKLOG = 1024  # a thousand clients may knock at once
_FIRST_ERROR = 400
_CYCLES = 5  # of the loop; a connection needs two or three from accepted to known
_THREAD_NAME = "langchain-segmind-local-gateway"
_GRACE = 0.02  # seconds that running requests may take to end when the gateway stops


class Reception:
    """Turns HTTP requests into logged visits, and answers into HTTP responses.

    Args:
        state: Who answers.
        watch: Called with every request once its answer is known, or None.
    """

    def __init__(
        self, state: GatewayState, watch: Callable[[LoggedRequest], None] | None = None
    ) -> None:
        self._state = state
        self._watch = watch
        self._numbers = itertools.count(1)
        self._connections: weakref.WeakKeyDictionary[asyncio.BaseTransport, int] = (
            weakref.WeakKeyDictionary()
        )

    def application(self) -> web.Application:
        """Build the application to serve."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._receive)
        return app

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        connection = self._connection(request)
        too_large = None
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            raw, too_large = b"", RefusalError(413).answer()
        headers = {name.lower(): value for name, value in request.headers.items()}
        visit = Visit(request.method, request.path, headers, raw)
        found = find_route(visit.path)
        number = self._state.ledger.arrived(_entry(visit, found, connection))
        answer = too_large or await respond(self._state, visit, found)
        refused = answer.status is not None and answer.status >= _FIRST_ERROR
        done = self._state.ledger.answered(
            number,
            answer.status,
            executed=answer.executed,
            error=error_text(answer) if refused else None,
        )
        if self._watch is not None and done is not None:
            self._watch(done)
        return _response(request, answer)

    def _connection(self, request: web.Request) -> int:
        if request.transport is None:
            return 0
        known = self._connections.get(request.transport)
        if known is None:
            known = self._connections[request.transport] = next(self._numbers)
        return known


def _entry(visit: Visit, found: Found | None, connection: int) -> LoggedRequest:
    try:
        body = json_body(visit.raw) if visit.raw else None
    except RefusalError:
        body = None
    return LoggedRequest(
        method=visit.method,
        path=visit.path,
        slug=found.slug if found else None,
        headers=visit.headers,
        body=body,
        raw=visit.raw,
        connection=connection,
    )


def _response(request: web.Request, answer: Answer) -> web.Response:
    if answer.status is None:
        if request.transport is not None:
            request.transport.close()
        return web.Response()
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if not answer.cut_short:
        return web.Response(status=answer.status, body=answer.body, headers=headers)
    headers["Content-Length"] = str(len(answer.body))
    half = answer.body[: len(answer.body) // 2]
    response = web.Response(status=answer.status, body=half, headers=headers)
    response.force_close()
    return response


@dataclass(frozen=True)
class Address:
    """Where to listen.

    Attributes:
        host: The interface.
        port: The port, or 0 for any that is free.
    """

    host: str
    port: int


class ServerThread:
    """An application served from a thread of its own, with an event loop of its own.

    Args:
        reception: What to serve.
        address: Where to listen.

    Raises:
        OSError: The port is taken, or the host is not of this machine.
    """

    def __init__(self, reception: Reception, address: Address) -> None:
        self._reception = reception
        self._listener = socket.create_server((address.host, address.port), backlog=_BACKLOG)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=_THREAD_NAME, daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Start serving."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Stop serving, close every connection, and wait until all is closed."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        runner = web.AppRunner(
            self._reception.application(), access_log=None, shutdown_timeout=_GRACE
        )
        await runner.setup()
        await web.SockSite(runner, self._listener, backlog=_BACKLOG).start()
        self._ready.set()
        await self._stop.wait()
        await self._stop_accepting(self._loop)
        await runner.cleanup()

    async def _stop_accepting(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let connections accepted last become known to aiohttp: later they would leak."""
        with contextlib.suppress(NotImplementedError):  # the proactor loop of Windows
            loop.remove_reader(self._listener)
        for _ in range(_CYCLES):
            await asyncio.sleep(0)
