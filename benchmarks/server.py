"""A fast server in a separate process, so that the benchmarks measure the client only.

The first part of a path is the delay of the reply in milliseconds: `/50/v1/gpt-4o`. Each format has
one fixed reply, written at once. `/0/count` returns the number of connections so far.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
from types import TracebackType
from typing import Any, Final, cast
from urllib.request import urlopen

from typing_extensions import Self

ANSWER: Final = "A bee visits a thousand flowers for a gram of honey. " * 10
_HEADERS: Final = (
    "Content-Type: application/json\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "x-request-id: 7c1b9a52-7d4c-4a3f-9a44-3d8a3f2a6f10\r\n"
    "x-cost: 0.0001\r\nx-remaining-credits: 9.5\r\n"
)


def _reply(body: Any) -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\n{_HEADERS}Content-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


_OPENAI: Final[dict[str, Any]] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_760_000_000,
    "model": "gpt-4o",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": ANSWER},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 20, "completion_tokens": 120, "total_tokens": 140},
}
_ANTHROPIC: Final[dict[str, Any]] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-4.5-sonnet",
    "content": [{"type": "text", "text": ANSWER}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 20, "output_tokens": 120},
}
_GEMINI: Final[dict[str, Any]] = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": ANSWER}]}, "finishReason": "STOP"}
    ],
    "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 120, "totalTokenCount": 140},
}
_REPLIES: Final = {
    "openai": _reply(_OPENAI),
    "anthropic": _reply(_ANTHROPIC),
    "gemini": _reply(_GEMINI),
    "submitted": _reply({"request_id": "job-1", "status": "QUEUED"}),
    "status": _reply({"status": "COMPLETED"}),
    "result": _reply(
        {"status": "COMPLETED", "metrics": {"cost": 0.0001}, "output": json.dumps(_OPENAI)}
    ),
}
_BY_START: Final = {"claude": "anthropic", "messages": "anthropic", "gemini": "gemini"}


def _kind(path: str) -> str:
    last = path.rpartition("/")[2]
    if "/v2/requests/" in path:
        return "status" if last == "status" else "result"
    if "/v2/" in path:
        return "submitted"
    return next((kind for start, kind in _BY_START.items() if last.startswith(start)), "openai")


class _Counts:
    opened = 0


class _Connection(asyncio.Protocol):
    """One connection: counts a request's bytes and writes its reply. Clients must not pipeline."""

    def __init__(self, counts: _Counts) -> None:
        self._counts = counts
        self._head = b""
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # which turns Nagle's delay off
        self._counts.opened += 1

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            head, end, begun = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._missing = _length(head.lower()) - len(begun)
            self._head = head
        if self._missing <= 0:
            self._answer()

    def _answer(self) -> None:
        path = self._head.split(b" ", 2)[1].decode()
        self._head, self._missing = b"", 0
        if path.endswith("/count"):
            self._counts.opened -= 1
            self._transport.write(_reply({"opened": self._counts.opened}))
            return
        reply, delay = _REPLIES[_kind(path)], int(path.split("/", 2)[1])
        if delay:
            asyncio.get_running_loop().call_later(delay / 1000, self._transport.write, reply)
        else:
            self._transport.write(reply)


def _length(head: bytes) -> int:
    _, found, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


class Server:
    """The server's process, with a plain and a TLS port; a context manager.

    Args:
        certificate: A file with a certificate and its key; without one there is no TLS.
    """

    def __init__(self, certificate: str = "") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server", certificate],
            stdin=subprocess.PIPE,  # the server stops when this closes, also after a crash
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._process.stdout is None:
            raise AssertionError("the server's ports are read from its output")
        self._ports = self._process.stdout.readline().split()

    def url(self, milliseconds: int = 0) -> str:
        """Return the URL of the server with this delay."""
        return f"http://127.0.0.1:{self._ports[0]}/{milliseconds}"

    def tls_url(self) -> str:
        """Return the URL of the same server over TLS."""
        return f"https://127.0.0.1:{self._ports[1]}/0"

    def opened(self) -> int:
        """Return the number of connections opened so far, without the one of this request."""
        with urlopen(self.url() + "/count") as reply:  # noqa: S310 - this process started the server
            return int(json.load(reply)["opened"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.communicate()


async def _serve(certificate: str) -> None:
    contexts: list[ssl.SSLContext | None] = [None]
    if certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
        contexts.append(tls)
    loop, counts = asyncio.get_running_loop(), _Counts()
    servers = [
        await loop.create_server(
            lambda: _Connection(counts), "127.0.0.1", 0, ssl=context, backlog=4096
        )
        for context in contexts
    ]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.close()


def pin(core: int | None) -> None:
    """Keep this process on one core, counted from the end where negative; None allows all."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(range(os.cpu_count() or 1))
        with contextlib.suppress(OSError):  # a container may not have it
            os.sched_setaffinity(0, cores if core is None else {cores[core]})


def open_files(limit: int | None = None) -> None:
    """Limit the open files of this process; by default, raise the limit to the maximum."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if limit is None else limit, hard))


if __name__ == "__main__":
    pin(-1)
    open_files()
    asyncio.run(_serve(*sys.argv[1:]))
