"""Enforce one deadline on a whole HTTP exchange: urllib3 connections whose every read checks it.

A socket's own timeout starts anew with every byte, so a server that sends one now and then would
never hit it. Nothing here decides what to send or what a failure means.
"""

from __future__ import annotations

import http
import http.client
import io
import socket
import ssl
import sys
import threading
import time
from typing import Any, Final

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NewConnectionError

from langchain_segmind._http.connect import create_connection, find_addresses
from langchain_segmind._http.environment import MAX_IDLE_SECONDS
from langchain_segmind._http.headers import (
    MALFORMED_HEADER,
    validate_headers,
    with_lowercase_names,
)
from langchain_segmind._http.replies import MAX_LATE_WORK
from langchain_segmind._http.threads import SharedThreads


class _Attempt(threading.local):
    """Hold this thread's deadline, and whether anything of the request has left.

    `threads` is where the call resolves names. `late_until`, on the clock of this thread's own
    work, ends the reading after the deadline.
    """

    deadline: float | None = None
    is_sent: bool = False
    late_until: float | None = None
    threads: SharedThreads | None = None

    def remaining(self) -> float | None:
        """Return the seconds left; None for no limit.

        Raises:
            TimeoutError: If none are left.
        """
        if self.deadline is None:
            return None
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        return remaining

    def may_read_late(self) -> bool:
        """Return whether this thread may go on to read what has arrived after its deadline."""
        now = time.thread_time()
        if self.late_until is None:
            self.late_until = now + MAX_LATE_WORK
        return now <= self.late_until


attempt: Final = _Attempt()


class _TimedReader(io.RawIOBase):
    """Read a socket within the attempt's deadline, and after it what has arrived already.

    The process may have been stopped, and a reply that is there was billed.
    """

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        try:
            self._sock.settimeout(attempt.remaining())
            return self._sock.recv_into(buffer)
        except TimeoutError:
            if not attempt.may_read_late():
                raise
        self._sock.settimeout(0)
        try:
            return self._sock.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            raise TimeoutError("timed out") from None

    def close(self) -> None:
        self._raw.close()
        super().close()


class _CompleteLineReader(io.BufferedReader):
    """Raise on half a line: http.client takes a closed connection for the end of the headers."""

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:
            raise http.client.RemoteDisconnected("the connection was closed within the reply")
        return line


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        # `fp` is not documented, but has been http.client's buffered file since Python 3.0. Without
        # ours in its place, a slow server could hold a call beyond its deadline.
        self.fp = _CompleteLineReader(_TimedReader(sock, self.fp.detach()))

    def begin(self) -> None:
        super().begin()
        while 100 < self.status < 200 and self.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            # An interim reply: the final one follows. http.client skips only a 100, and its `begin`
            # returns at once if `headers` is set (Python 3.10 to 3.13).
            vars(self).update(headers=None, msg=None)
            super().begin()
        reason = validate_headers(self.status, with_lowercase_names(self.headers.items()))
        if reason or self.headers.defects:  # a line that is not a header hides all after it
            raise http.client.HTTPException(reason or MALFORMED_HEADER)


class _TimedConnection(HTTPConnection):
    """Keep the attempt's deadline, and record when the request begins to leave."""

    response_class = _TimedResponse
    _idle_since = 0.0

    @property
    def is_connected(self) -> bool:
        """Return whether urllib3 may reuse this connection."""
        idle = time.monotonic() - self._idle_since
        # Bytes that TLS has already decrypted would be read as the next reply.
        has_leftover = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
        return idle < MAX_IDLE_SECONDS and not has_leftover and super().is_connected

    def connect(self) -> None:
        overall = attempt.deadline
        if isinstance(self.timeout, int | float):  # here it is the connect timeout
            deadline = time.monotonic() + self.timeout
            attempt.deadline = deadline if overall is None else min(overall, deadline)
        try:
            super().connect()
        finally:
            attempt.deadline = overall
            attempt.is_sent = False  # what a CONNECT sent to the proxy was not the request

    def _new_conn(self) -> socket.socket:
        # urllib3 2.8 opens the socket in this private method. If it were no longer called, a
        # dead address of a host would again hide those that work, and a slow name server would
        # defeat the deadline.
        try:
            sock = self._open_socket(attempt.threads or SharedThreads())
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"Connection to {self.host} timed out") from error
        except OSError as error:
            raise NewConnectionError(self, f"Failed to connect: {error}") from error
        except UnicodeError:  # from getaddrinfo
            raise LocationParseError(f"{self.host!r}, label empty or too long") from None
        sys.audit("http.client.connect", self, self.host, self.port)
        return sock

    def _open_socket(self, threads: SharedThreads) -> socket.socket:
        # `_dns_host` (urllib3 since 1.24) keeps the dot at the end of a name, which `host` drops:
        # without it, the resolver would also look in the search domains of this machine.
        found = find_addresses(self._dns_host, self.port, attempt.remaining(), threads)
        options = self.socket_options or ()
        sock = create_connection(found, attempt.remaining(), options, self.source_address)
        try:
            sock.settimeout(attempt.remaining())  # for TLS
        except BaseException:
            sock.close()
            raise
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            # Otherwise http.client connects once it has joined the headers, key and all, to bytes
            # that a traceback shows.
            self.connect()
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        self.sock.settimeout(attempt.remaining())
        attempt.is_sent = True
        super().send(data)

    def getresponse(self) -> Any:
        response = super().getresponse()
        self._idle_since = time.monotonic()
        return response


class _TimedTLSConnection(_TimedConnection, HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        # Otherwise urllib3 would warn at every request of a user who chose verify=False.
        self.is_verified = True


def are_connections_replaced() -> bool:
    """Return whether a tool such as VCR has replaced the connections of urllib3's pools."""
    return not issubclass(_TimedConnection, HTTPConnectionPool.ConnectionCls)


class _Pool(HTTPConnectionPool):
    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]  # noqa: N802 - urllib3's name
        replaced = are_connections_replaced()
        return HTTPConnectionPool.ConnectionCls if replaced else _TimedConnection


class _TLSPool(HTTPSConnectionPool):
    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]  # noqa: N802 - urllib3's name
        replaced = are_connections_replaced()
        return HTTPSConnectionPool.ConnectionCls if replaced else _TimedTLSConnection


POOL_CLASSES: Final = {"http": _Pool, "https": _TLSPool}
