"""Resolve a host's name, and open a TCP connection to whichever of its addresses answers first.

It never sends anything, and TLS is up to the caller.

A host often has several addresses, and one that drops packets (broken IPv6) must not hide one that
works. `socket.create_connection` and urllib3's copy of it give each address the whole timeout, so
the first one uses up all of it. Here the attempts overlap, as in RFC 8305 and in aiohttp.
"""

from __future__ import annotations

import contextlib
import ipaddress
import math
import os
import select
import socket
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from itertools import chain, zip_longest
from typing import Any, Final

from urllib3.util.connection import allowed_gai_family

from langchain_segmind._http.threads import SharedThreads

ATTEMPT_DELAY: Final = 0.1
"""Seconds before the next address is tried as well.

RFC 8305 (section 5) recommends 0.25 and at least 0.1. The shorter one leaves time for a second
address also within a `connect_timeout` of 0.3.
"""

Address = tuple[int, int, int, str, Any]
"""One item of what `socket.getaddrinfo` returns."""

SocketOptions = Iterable[tuple[int, int, int | bytes]]


def find_addresses(
    host: str, port: int, timeout: float | None, threads: SharedThreads
) -> Sequence[Address]:
    """Return the addresses of a host.

    Resolving a name has no timeout of its own, so it runs in a thread that can be left behind.

    Args:
        host: A name or an address; an IPv6 address may stand in brackets.
        port: The port.
        timeout: Seconds; None for no limit.
        threads: Where names are resolved.

    Raises:
        OSError: If the name cannot be resolved; a `TimeoutError` if it is not in time.
        UnicodeError: If it cannot be a name.
    """
    host = host.strip("[]")
    family = allowed_gai_family()  # IPv4 only, where this machine has no IPv6

    def look_up() -> Sequence[Address]:
        return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)

    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return look_up()  # nothing to ask anyone
    try:
        return threads.run((host, port), look_up).result(timeout)
    except FutureTimeoutError:
        raise TimeoutError("timed out") from None


def create_connection(
    addresses: Sequence[Address],
    timeout: float | None,
    options: SocketOptions = (),
    source: tuple[str, int] | None = None,
) -> socket.socket:
    """Connect to a host and return a blocking socket.

    Args:
        addresses: The addresses of the host.
        timeout: Seconds for all of them together; None for no limit.
        options: Socket options to set before connecting.
        source: The local address to connect from.

    Raises:
        OSError: What the last address to fail failed with; a `TimeoutError` if none answered in
            time.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    race = _ConnectionRace(options, source, deadline)
    try:
        return race.run(_interleave_families(addresses))
    finally:
        race.close()


def _interleave_families(addresses: Sequence[Address]) -> list[Address]:
    """Alternate between IPv6 and IPv4, so that the second attempt uses the other one."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    rounds = zip_longest(*families.values())
    return [address for address in chain.from_iterable(rounds) if address is not None]


class _ConnectionRace:
    """Run overlapping attempts to connect to the addresses of one host."""

    def __init__(
        self,
        options: SocketOptions,
        source: tuple[str, int] | None,
        deadline: float | None,
    ) -> None:
        self._options = options
        self._source = source
        self._deadline = deadline
        self._pending: list[socket.socket] = []
        self._error = OSError("the host name has no address")

    def run(self, addresses: Sequence[Address]) -> socket.socket:
        """Return the first socket that is connected."""
        todo = deque(addresses)
        while todo or self._pending:
            if todo:
                self._start(todo.popleft())
            connected = self._wait_for_one(len(todo) + 1)
            if connected is not None:
                return connected
        raise self._error

    def close(self) -> None:
        """Close every socket that is still pending."""
        for sock in self._pending:
            sock.close()

    def _start(self, address: Address) -> None:
        family, kind, protocol, _, where = address
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # this machine does not support the address family
            self._error = error
            return
        self._pending.append(sock)
        try:
            for option in self._options:
                sock.setsockopt(*option)
            sock.setblocking(False)
            if self._source is not None:
                sock.bind(self._source)
            sock.connect(where)
        except BlockingIOError:
            pass  # the usual case: it is in progress
        except OSError as error:
            self._discard(sock, error)

    def _wait_for_one(self, remaining: int) -> socket.socket | None:
        """Wait for a connection; None once one has failed, or the next address is due.

        Args:
            remaining: How many addresses share the time that is left, this one included.
        """
        if not self._pending:
            return None
        wait = None if remaining == 1 else ATTEMPT_DELAY
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            wait = min(left / remaining, left if wait is None else wait)
        for sock in _wait_until_ready(self._pending, wait):
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0:
                self._pending.remove(sock)
                sock.setblocking(True)
                return sock
            self._discard(sock, OSError(code, os.strerror(code)))
        return None

    def _discard(self, sock: socket.socket, error: OSError) -> None:
        self._pending.remove(sock)
        sock.close()
        self._error = error


def _wait_until_ready(sockets: list[socket.socket], timeout: float | None) -> list[socket.socket]:
    """Wait until any of these is connected or has failed, and return those that are.

    It uses `poll` where there is one: a selector would cost each connection a second descriptor,
    and `select` refuses descriptors above 1,023.
    """
    if not hasattr(select, "poll"):  # Windows, which reports a failed attempt as an exception
        _, writable, failed = select.select([], sockets, sockets, timeout)
        return [sock for sock in sockets if sock in writable or sock in failed]
    poll = select.poll()
    for sock in sockets:
        poll.register(sock, select.POLLOUT)
    events = poll.poll(None if timeout is None else math.ceil(timeout * 1000))
    ready = {descriptor for descriptor, _ in events}
    return [sock for sock in sockets if sock.fileno() in ready]
