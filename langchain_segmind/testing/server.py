"""The only sockets of the gateway: aiohttp brings requests to the state and sends its answers."""

import asyncio
import contextlib
import itertools
import socket
import threading
import weakref
from collections.abc import Callable
from typing import Any

from aiohttp import web

from langchain_segmind.testing.answers import HTTPAnswer, RefusalError, error_text
from langchain_segmind.testing.checks import json_body
from langchain_segmind.testing.endpoints import find_route, respond
from langchain_segmind.testing.ledger import LoggedRequest
from langchain_segmind.testing.state import GatewayState

_LARGEST_BODY = 64 * 1024 * 1024
_BACKLOG = 1024  # a thousand clients may connect at once
_CYCLES = 5  # of the loop; a connection needs two or three from accepted to known
_GRACE = 0.02  # seconds that running requests may take to end when the gateway stops


class Handler:
    """Logs HTTP requests, has the state answer them, and turns answers into HTTP responses."""

    def __init__(
        self, state: GatewayState, watch: Callable[[LoggedRequest], None] | None = None
    ) -> None:
        self._state = state
        self._watch = watch
        self._numbers = itertools.count(1)
        self._connections: weakref.WeakKeyDictionary[asyncio.BaseTransport, int] = (
            weakref.WeakKeyDictionary()
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        connection = self._connection(request)
        too_large = None
        try:
            raw = await request.read()
        except ConnectionResetError:
            return web.Response()  # the client has left, and nobody reads this
        except web.HTTPRequestEntityTooLarge:
            raw, too_large = b"", RefusalError(413).answer()
        route = find_route(request.path)
        logged = LoggedRequest(
            method=request.method,
            path=request.path,
            slug=route.arguments.get("slug") if route else None,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=_json_or_none(raw),
            raw=raw,
            connection=connection,
        )
        ledger = self._state.ledger
        number = ledger.log_arrival(logged)
        answer = too_large or await respond(self._state, logged, route)
        refused = answer.status is not None and answer.status >= 400
        error = error_text(answer) if refused else None
        done = ledger.log_answer(number, answer.status, executed=answer.executed, error=error)
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


def _json_or_none(raw: bytes) -> Any:
    try:
        return json_body(raw) if raw else None
    except RefusalError:
        return None


def _response(request: web.Request, answer: HTTPAnswer) -> web.Response:
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


class ServerThread:
    """Serves a handler from a thread of its own, with an event loop of its own.

    It raises an `OSError` if the port is taken, or the host is not of this machine.
    """

    def __init__(self, handler: Handler, host: str, port: int) -> None:
        self._handler = handler
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        name = "langchain-segmind-local-gateway"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

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
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._handler.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE)
        await runner.setup()
        await web.SockSite(runner, self._listener, backlog=_BACKLOG).start()
        self._ready.set()
        await self._stop.wait()
        # Connections accepted last must become known to aiohttp: later they would leak.
        with contextlib.suppress(NotImplementedError):  # the proactor loop of Windows
            self._loop.remove_reader(self._listener)
        for _ in range(_CYCLES):
            await asyncio.sleep(0)
        await runner.cleanup()
