"""A server that misbehaves as scripted: raw sockets in this process, a list of acts for each slug.

The first request for a slug gets the first act, and so on; the last act serves all that follow.
Polls of a job go to the scripts "status" and "result", anything else unknown to "*". The server
counts requests, model runs, connections and clients that left before their answer. It must not
import the package under test.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typing_extensions import Self

ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "fine"},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
"""A reply that every client can read."""

JOB = "job-0123456789"


@dataclass
class Request:
    """One request as it arrived, and the connection to answer it on."""

    slug: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    connection: socket.socket
    server: FaultServer
    line: str = ""

    def run_model(self) -> None:
        """Count a run of the model."""
        with self.server.changing():
            self.server.executions[self.slug] += 1

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.connection.sendall(data)


Act = Callable[[Request], None]
Greeting = Callable[["FaultServer", socket.socket], None]


@dataclass
class FaultServer:
    """Serve scripts on 127.0.0.1 until closed.

    Attributes:
        scripts: Acts by slug.
        tls: The server's TLS context; None for plain HTTP.
        greeting: Handles each connection instead of reading requests from it.
        reads_bodies: False hands a request to its act as soon as its head has arrived.
        gone: How many clients left before their answer was complete.
        ended: How many acts have ended.
    """

    scripts: Mapping[str, Sequence[Act]]
    requests: Counter[str] = field(default_factory=Counter)
    executions: Counter[str] = field(default_factory=Counter)
    seen: list[Request] = field(default_factory=list, repr=False)
    arrived: threading.Event = field(default_factory=threading.Event)
    tls: ssl.SSLContext | None = None
    greeting: Greeting | None = None
    reads_bodies: bool = True
    connections: int = 0
    gone: int = 0
    ended: int = 0

    def __post_init__(self) -> None:
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with self.changing():
            self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._changed:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)  # TLS has its own
        for thread in self._threads:
            thread.join(5)

    @property
    def is_closing(self) -> bool:
        """Whether the test is over."""
        return self._closing.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait, but not beyond the end of the test; return whether to go on."""
        return not self._closing.wait(seconds)

    def wait_until(self, is_true: Callable[[], bool]) -> bool:
        """Wait for a state of this server, or the end of the test; return whether it came."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_closing or is_true(), 60)
            return is_true()

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Change the state, and wake those who wait for a change."""
        with self._changed:
            yield
            self._changed.notify_all()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads = [t for t in self._threads if t.is_alive()]
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with self._changed:
            self._open.add(connection)
        try:
            with connection:
                if self.greeting is not None:
                    self.greeting(self, connection)
                elif self.tls is None:
                    self._serve_requests(connection)
                else:
                    self._serve_tls(connection, self.tls)
        except OSError:
            pass
        finally:
            with self._changed:
                self._open.discard(connection)

    def _serve_tls(self, connection: socket.socket, tls: ssl.SSLContext) -> None:
        with tls.wrap_socket(connection, server_side=True) as secured:
            with self._changed:
                self._open.add(secured)
            try:
                self._serve_requests(secured)
            finally:
                with self._changed:
                    self._open.discard(secured)

    def _serve_requests(self, connection: socket.socket) -> None:
        while not self.is_closing:
            request = self._read(connection)
            if request is None:
                return
            with self.changing():
                n = self.requests[request.slug]
                self.requests[request.slug] += 1
                self.seen.append(request)
            self.arrived.set()
            acts = self.scripts[request.slug]
            try:
                acts[min(n, len(acts) - 1)](request)
            except OSError:
                self.left()
                return
            finally:
                with self.changing():
                    self.ended += 1

    def left(self) -> None:
        """Count a client that did not wait for the end of its answer."""
        if not self.is_closing:
            with self.changing():
                self.gone += 1

    def _read(self, connection: socket.socket) -> Request | None:
        data = b""
        while True:
            head, end, body = data.partition(b"\r\n\r\n")
            if end:
                first, *lines = head.decode("latin-1").split("\r\n")
                pairs = (line.split(":", 1) for line in lines)
                headers = {name.lower(): value.strip() for name, value in pairs}
                whole = len(body) >= int(headers.get("content-length", 0))
                if whole or not self.reads_bodies:
                    return Request(self._slug(first), headers, body, connection, self, first)
            more = connection.recv(65_536)
            if not more:
                return None
            data += more

    def _slug(self, line: str) -> str:
        method, path, _ = line.split(" ", 2)
        last = path.rsplit("/", 1)[-1]
        if method == "GET" and "/requests/" in path:
            last = "status" if last == "status" else "result"
        return last if last in self.scripts else "*"


def head(status: int, headers: Mapping[str, str], length: int | None) -> bytes:
    """The first lines of a reply."""
    lines = [f"HTTP/1.1 {status} Whatever"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def as_bytes(body: Any) -> bytes:
    """Bytes as they are, anything else as JSON."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@dataclass(frozen=True, eq=False, repr=False)
class Reply:
    """An act that sends a complete HTTP reply. Tests of flows read its fields instead."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    runs: bool

    def __call__(self, request: Request) -> None:
        """Run the model or not, and send the reply."""
        if self.runs:
            request.run_model()
        request.send(head(self.status, self.headers, len(self.body)) + self.body)


def reply(
    status: int, body: Any = None, headers: Mapping[str, str] | None = None, *, runs: bool = False
) -> Act:
    """Answer with a body: bytes as they are, anything else as JSON."""
    return Reply(status, as_bytes(body), headers or {}, runs)


def answer() -> Act:
    """Run the model and answer well."""
    return reply(200, ANSWER, runs=True)


def sends(*pieces: bytes, runs: bool = True, then: Act | None = None) -> Act:
    """Send bytes as they are, then do something else or close the connection."""

    def act(request: Request) -> None:
        if runs:
            request.run_model()
        for piece in pieces:
            request.send(piece)
        (then or hang_up)(request)

    return act


def hang_up(request: Request) -> None:
    """Close the connection in an orderly way, and read what the client still sends."""
    request.connection.shutdown(socket.SHUT_RDWR)


def abort(request: Request) -> None:
    """Reset the connection, when the client has read what was sent before: a reset discards it."""
    while _has_unread(request.connection) and request.server.wait(0.01):
        pass
    reset_socket(request.server, request.connection)


def _has_unread(connection: socket.socket) -> bool:
    """Return whether bytes wait in the client's socket; Linux only, elsewhere give it a moment."""
    sockets = Path("/proc/net/tcp")
    if not sockets.exists():
        time.sleep(0.2)
        return False
    try:
        here, there = connection.getsockname()[1], connection.getpeername()[1]
    except OSError:  # it has left
        return False
    found = re.search(rf":{there:04X} \w+:{here:04X} \w+ \w+:(\w+)", sockets.read_text())
    return found is not None and int(found[1], 16) > 0


def reset_socket(_: FaultServer, connection: socket.socket) -> None:
    """Have the system send a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def close_socket(_: FaultServer, connection: socket.socket) -> None:
    """Close a connection in an orderly way."""
    connection.shutdown(socket.SHUT_RDWR)


def reset(request: Request) -> None:
    """Run the model, and reset the connection instead of answering."""
    request.run_model()
    reset_socket(request.server, request.connection)


def close(request: Request) -> None:
    """Run the model, and close the connection instead of answering."""
    request.run_model()
    hang_up(request)


def cut(request: Request) -> None:
    """Answer, but close in the middle of the body."""
    raw = json.dumps(ANSWER).encode()
    sends(head(200, {}, len(raw)) + raw[:-10])(request)


def stall(request: Request) -> None:
    """Do nothing until the client leaves."""
    while request.connection.recv(65_536):
        pass
    request.server.left()


def hang(request: Request) -> None:
    """Run the model and never answer."""
    request.run_model()
    stall(request)


def drips(data: bytes, start: bytes = b"") -> Act:
    """Send bytes one by one, faster than any socket's timeout."""

    def act(request: Request) -> None:
        request.run_model()
        request.send(start)
        drip(request.server, request.connection, data)

    return act


def drip(server: FaultServer, connection: socket.socket, data: bytes) -> None:
    """Send bytes one by one."""
    for i in range(len(data)):
        if not server.wait(0.02):
            return
        connection.sendall(data[i : i + 1])


drip_head: Act = drips(head(200, {"X-Padding": "x" * 10_000}, 2))
drip_body: Act = drips(b" " * 10_000, start=head(200, {}, 10_000))


def repeats(piece: bytes, start: bytes) -> Act:
    """Send a piece again and again, until the client leaves."""

    def act(request: Request) -> None:
        request.run_model()
        request.send(start)
        while not request.server.is_closing:
            request.send(piece)

    return act


endless: Act = repeats(b" " * 1_000_000, start=head(200, {}, None))


def in_turn(*acts: Act) -> Act:
    """Do one thing after the other."""

    def act(request: Request) -> None:
        for one in acts:
            one(request)

    return act


def gathers(count: int) -> Act:
    """Wait until so many requests have arrived."""

    def act(request: Request) -> None:
        request.server.wait_until(lambda: len(request.server.seen) >= count)

    return act


def waits(seconds: float) -> Act:
    """Wait a little, so that the next piece arrives separately."""

    def act(request: Request) -> None:
        request.server.wait(seconds)

    return act


@contextlib.contextmanager
def refused() -> Iterator[str]:
    """A URL on this machine where nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}/v1"


@contextlib.contextmanager
def blackhole() -> Iterator[str]:
    """A URL on this machine where connecting neither succeeds nor fails: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}/v1"


class Relay:
    """A proxy for plain requests and for CONNECT that records the heads it receives.

    It resolves `gateway.example` to this machine, so that tests can use another host's name.

    Args:
        *acts: What it does instead of relaying.
        tls: Its TLS context; None for plain HTTP.
    """

    def __init__(self, *acts: Act, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[str] = []
        self._acts = acts
        self._server = FaultServer({"*": [self._serve]}, tls=tls, reads_bodies=bool(acts))
        self.port = self._server.port
        self.address = f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _serve(self, request: Request) -> None:
        lines = [request.line, *(f"{k}: {v}" for k, v in request.headers.items())]
        head = "\r\n".join(lines) + "\r\n\r\n"
        self.received.append(head)
        if self._acts:
            self._acts[min(len(self.received), len(self._acts)) - 1](request)
        else:
            self._relay(request, head)

    def _relay(self, request: Request, head: str) -> None:
        method, target, _ = request.line.split(" ", 2)
        host, _, port = (target if method == "CONNECT" else target.split("/")[2]).rpartition(":")
        host = "127.0.0.1" if host == "gateway.example" else host
        with socket.create_connection((host, int(port))) as onward:
            if method == "CONNECT":
                request.send(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                onward.sendall(head.encode("latin-1") + request.body)
            back = threading.Thread(target=_pump, args=(onward, request.connection), daemon=True)
            back.start()
            _pump(request.connection, onward)
            back.join(5)
        hang_up(request)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for end, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with contextlib.suppress(OSError):
            end.shutdown(how)
