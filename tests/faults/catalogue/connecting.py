"""Faults before a connection stands."""

from __future__ import annotations

from typing import Any, Final

from langchain_segmind import errors as e
from tests.faults import server as does
from tests.faults.catalogue.scenario import (
    OTHER_CA,
    blackhole,
    greeted,
    no_such_host,
    nobody_listens,
    over_tls,
)
from tests.faults.catalogue.words import (
    BRIEF,
    FINE,
    ONCE,
    TWICE,
    executed,
    fine,
    not_sent,
    unknown,
)
from tests.faults.server import FaultServer, answer, head, says


def _talks(data: bytes, *, then: does.Greeting = does.close_socket) -> does.Greeting:
    def greeting(server: FaultServer, connection: Any) -> None:
        connection.recv(65_536)
        connection.sendall(data)
        then(server, connection)

    return greeting


def _stalls(server: FaultServer, connection: Any) -> None:
    while connection.recv(65_536):
        pass


def _drips_at_once(server: FaultServer, connection: Any) -> None:
    # The head of a TLS record of 16 KiB, so that there is reason to read on.
    does.drip(server, connection, b"\x16\x03\x03\x40\x00" + b"\x02" * 16_384)


CONNECTING: Final = [
    not_sent(
        "connect: refused", e.SegmindConnectionError, nobody_listens, attempts=2, settings=TWICE
    ),
    not_sent(
        "connect: no such host", e.SegmindConnectionError, no_such_host, attempts=1, settings=ONCE
    ),
    not_sent("connect: blackhole", e.SegmindTimeoutError, blackhole, attempts=1, settings=BRIEF),
    unknown(
        "connect: closed at once",
        e.SegmindConnectionError,
        place=greeted(does.close_socket),
        requests=0,
        attempts=1,
    ),
    unknown(
        "connect: reset at the first bytes",
        e.SegmindConnectionError,
        place=greeted(_talks(b"", then=does.reset_socket)),
        requests=0,
        attempts=1,
    ),
    fine("tls: all well", answer(), place=over_tls()),
    *(
        not_sent(f"tls: {what}", e.SegmindConnectionError, place, attempts=1)
        for what, place in {
            "authority not trusted": over_tls(OTHER_CA),
            "wrong host": over_tls(host="other.example"),
            "expired": over_tls(expired=True),
            "plain HTTP in its place": greeted(
                _talks(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "https"
            ),
            "garbage in its place": greeted(_talks(b"\xff" * 100), "https"),
            "refused with an alert": greeted(_talks(b"\x15\x03\x03\x00\x02\x02\x28"), "https"),
        }.items()
    ),
    not_sent(
        "tls: closed in the handshake",
        e.SegmindConnectionError,
        greeted(_talks(b""), "https"),
        attempts=2,
        settings=TWICE,
    ),
    not_sent(
        "tls: reset in the handshake",
        e.SegmindConnectionError,
        greeted(_talks(b"", then=does.reset_socket), "https"),
        attempts=2,
        settings=TWICE,
    ),
    not_sent(
        "tls: hang in the handshake",
        e.SegmindTimeoutError,
        greeted(_stalls, "https"),
        attempts=1,
        settings=BRIEF,
    ),
    not_sent(
        "tls: handshake drips",
        e.SegmindTimeoutError,
        greeted(_drips_at_once, "https"),
        attempts=1,
        settings=BRIEF,
    ),
    # With TLS 1.3 the client has sent its request by the time the server asks for the certificate.
    unknown(
        "tls: wants a client's certificate",
        e.SegmindConnectionError,
        answer(),
        place=over_tls(wants_client=True),
        requests=0,
        attempts=1,
    ),
    executed(
        "tls: closed within the body",
        e.SegmindResponseError,
        says(head(200, {}, len(FINE)) + FINE[:-10]),
        place=over_tls(),
    ),
    unknown(
        "tls: reset after the request",
        e.SegmindConnectionError,
        does.reset,
        runs=1,
        place=over_tls(),
    ),
]
