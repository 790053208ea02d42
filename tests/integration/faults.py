"""A server that misbehaves as told: raw sockets in this process, one scenario a slug.

A scenario is a list of acts; the first request to its slug gets the first act, and so on, the last
act serving all that follow. Requests and model runs are counted, for a test to assert on.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import Self

ANSWER = {"choices": [{"message": {"role": "assistant", "content": "fine"}}]}


@dataclass
class Request:
    """One request as it arrived, and the connection to answer it on."""

    slug: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    connection: socket.socket
    server: FaultServer

    def run_model(self) -> None:
        """Count a run of the model."""
        self.server.executions[self.slug] += 1


Act = Callable[[Request], None]


@dataclass
class FaultServer:
    """Serves scenarios on 127.0.0.1 until closed."""

    scenarios: Mapping[str, list[Act]]
    requests: Counter[str] = field(default_factory=Counter)
    executions: Counter[str] = field(default_factory=Counter)
    seen: list[Request] = field(default_factory=list, repr=False)
    arrived: threading.Event = field(default_factory=threading.Event)
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if self.tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def wait(self, seconds: float) -> bool:
        """Wait, but not beyond the end of the test; tell whether to go on."""
        return not self._closing.wait(seconds)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        if self.tls:
            connection.settimeout(5)
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:
                return  # the handshake failed, and closed the socket
        with connection, contextlib.suppress(OSError):
            while not self._closing.is_set():
                request = self._read(connection)
                if request is None:
                    return
                acts = self.scenarios[request.slug]
                n = self.requests[request.slug]
                self.requests[request.slug] += 1
                self.seen.append(request)
                self.arrived.set()
                acts[min(n, len(acts) - 1)](request)

    def _read(self, connection: socket.socket) -> Request | None:
        connection.settimeout(0.05)
        data = b""
        while True:
            head, end, body = data.partition(b"\r\n\r\n")
            if end:
                first, *lines = head.decode("latin-1").split("\r\n")
                pairs = (line.split(":", 1) for line in lines)
                headers = {name.lower(): value.strip() for name, value in pairs}
                if len(body) >= int(headers.get("content-length", 0)):
                    slug = first.split(" ")[1].rsplit("/", 1)[-1]
                    connection.settimeout(None)
                    return Request(slug, headers, body, connection, self)
            try:
                more = connection.recv(65_536)
            except TimeoutError:
                if self._closing.is_set():
                    return None
                continue
            if not more:
                return None
            data += more


def head(status: int, headers: Mapping[str, str], length: int | None) -> bytes:
    """The first lines of a reply."""
    lines = [f"HTTP/1.1 {status} Whatever"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def reply(
    status: int, body: Any = None, headers: Mapping[str, str] | None = None, *, runs: bool = False
) -> Act:
    """Answer with a body: bytes as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    def act(request: Request) -> None:
        if runs:
            request.run_model()
        request.connection.sendall(head(status, headers or {}, len(raw)) + raw)

    return act


def answer() -> Act:
    """Run the model and answer well."""
    return reply(200, ANSWER, runs=True)


def reset(request: Request) -> None:
    """Run the model, and reset the connection instead of answering."""
    request.run_model()
    linger = struct.pack("ii", 1, 0)
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    request.connection.close()


def close(request: Request) -> None:
    """Run the model, and close the connection instead of answering."""
    request.run_model()
    request.connection.shutdown(socket.SHUT_RDWR)


def cut(request: Request) -> None:
    """Answer, but close in the middle of the body."""
    request.run_model()
    raw = json.dumps(ANSWER).encode()
    request.connection.sendall(head(200, {}, len(raw)) + raw[:-10])
    request.connection.shutdown(socket.SHUT_RDWR)


def hang(request: Request) -> None:
    """Run the model and never answer."""
    request.run_model()
    while request.server.wait(0.02) and _still_there(request.connection):
        pass


def _still_there(connection: socket.socket) -> bool:
    connection.settimeout(0.001)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True


def _drip(request: Request, data: bytes) -> None:
    for i in range(len(data)):
        if not request.server.wait(0.02):
            return
        request.connection.sendall(data[i : i + 1])


def drip_head(request: Request) -> None:
    """Send the first lines of an answer byte by byte, faster than any socket's timeout."""
    request.run_model()
    _drip(request, head(200, {"X-Padding": "x" * 10_000}, 2))


def drip_body(request: Request) -> None:
    """Send the body of an answer byte by byte."""
    request.run_model()
    request.connection.sendall(head(200, {}, 10_000))
    _drip(request, b" " * 10_000)


def endless(request: Request) -> None:
    """Answer with a body that never ends."""
    request.run_model()
    request.connection.sendall(head(200, {}, None))
    while request.server.wait(0):
        request.connection.sendall(b" " * 1_000_000)


@contextlib.contextmanager
def refused() -> Iterator[str]:
    """A URL on this machine where nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}/v1"
