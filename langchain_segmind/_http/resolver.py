"""Resolve host names for aiohttp in threads of our own.

aiohttp's own resolver uses the event loop's default executor, which may be full of functions that
wait for the very call. It never opens a connection. aiohttp asks for no literal address.
"""

from __future__ import annotations

import socket
import sys
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

from langchain_segmind._http.connect import Address
from langchain_segmind._http.threads import SharedThreads, wait_for_thread

# As aiohttp: no IPv6 addresses where this machine has none itself. On Windows, that would leave out
# `localhost` on a machine without a network.
_FLAGS: Final = 0 if sys.platform == "win32" else socket.AI_ADDRCONFIG
_NUMERIC: Final = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV


class Resolver(AbstractResolver):
    """Resolve names as the sync driver does, through the system."""

    def __init__(self, threads: SharedThreads) -> None:
        self._threads = threads

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host."""

        def look_up() -> list[ResolveResult]:
            found = socket.getaddrinfo(
                host, port, family=family, type=socket.SOCK_STREAM, flags=_FLAGS
            )
            return [_result(host, address) for address in found]

        looking_up = self._threads.run((host, port, family), look_up)
        await wait_for_thread(looking_up)
        return looking_up.result()

    async def close(self) -> None:
        """Do nothing: the threads end by themselves."""


def _result(host: str, address: Address) -> ResolveResult:
    family, _, protocol, _, where = address
    numeric, port = socket.getnameinfo(where, _NUMERIC)  # with the interface of a link-local one
    return ResolveResult(
        hostname=host,
        host=numeric,
        port=int(port),
        family=family,
        proto=protocol,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
