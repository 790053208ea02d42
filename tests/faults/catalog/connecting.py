"""Faults before a connection to the gateway is established, and faults of proxies."""

from __future__ import annotations

import socket
from typing import Final

from langchain_segmind import errors as e
from tests.faults import server as does
from tests.faults.catalog.places import (
    OTHER_CA,
    OpenPlace,
    blackhole,
    greeted,
    no_such_host,
    nobody_listens,
    over_tls,
    proxy_refuses,
    through_proxy,
)
from tests.faults.catalog.scenario import (
    BRIEF,
    FINE,
    ONCE,
    SOON,
    TWICE,
    executed,
    fine,
    not_sent,
    unknown,
)
from tests.faults.server import FaultServer, answer, head, reply, sends


def _greets_with(data: bytes, *, then: does.Greeting = does.close_socket) -> does.Greeting:
    def greeting(server: FaultServer, connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(data)
        then(server, connection)

    return greeting


def _stalls(server: FaultServer, connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


def _drips_at_once(server: FaultServer, connection: socket.socket) -> None:
    # The head of a TLS record of 16 KiB, so that there is reason to read on.
    does.drip(server, connection, b"\x16\x03\x03\x40\x00" + b"\x02" * 16_384)


def _instead_of_tls(data: bytes) -> OpenPlace:
    return greeted(_greets_with(data), "https")


REFUSED: Final = e.SegmindConnectionError
LATE: Final = e.SegmindTimeoutError
FORBIDDEN: Final = reply(403, b"")
PASSWORD: Final = reply(407, b"", {"Proxy-Authenticate": "Basic"})
RESET: Final = greeted(_greets_with(b"", then=does.reset_socket))
RESET_IN_HANDSHAKE: Final = greeted(_greets_with(b"", then=does.reset_socket), "https")

CONNECTING: Final = [
    *not_sent("connect", REFUSED, {"refused": nobody_listens}, attempts=2, settings=TWICE),
    *not_sent("connect", REFUSED, {"no such host": no_such_host}, attempts=1, settings=ONCE),
    *not_sent("connect", LATE, {"blackhole": blackhole}, attempts=1, settings=BRIEF),
    *unknown(
        "connect",
        REFUSED,
        {
            "closed at once": {"place": greeted(does.close_socket)},
            "reset at the first bytes": {"place": RESET},
        },
        requests=0,
        attempts=1,
    ),
    *fine("tls", {"no fault": answer()}, place=over_tls()),
    *not_sent(
        "tls",
        REFUSED,
        {
            "authority not trusted": over_tls(OTHER_CA),
            "wrong host": over_tls(host="other.example"),
            "expired": over_tls(expired=True),
            "plain HTTP in its place": _instead_of_tls(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            "garbage in its place": _instead_of_tls(b"\xff" * 100),
            "refused with an alert": _instead_of_tls(b"\x15\x03\x03\x00\x02\x02\x28"),
        },
        attempts=1,
    ),
    *not_sent(
        "tls",
        REFUSED,
        {
            "closed in the handshake": _instead_of_tls(b""),
            "reset in the handshake": RESET_IN_HANDSHAKE,
        },
        attempts=2,
        settings=TWICE,
    ),
    *not_sent(
        "tls",
        LATE,
        {
            "hang in the handshake": greeted(_stalls, "https"),
            "handshake drips": greeted(_drips_at_once, "https"),
        },
        attempts=1,
        settings=BRIEF,
    ),
    # With TLS 1.3 the client has sent its request by the time the server asks for the certificate.
    *unknown(
        "tls",
        REFUSED,
        {"wants a client's certificate": answer()},
        place=over_tls(wants_client=True),
        requests=0,
        attempts=1,
    ),
    *executed(
        "tls",
        e.SegmindResponseError,
        {"closed within the body": sends(head(200, {}, len(FINE)) + FINE[:-10])},
        place=over_tls(),
    ),
    *unknown("tls", REFUSED, {"reset after the request": does.reset}, runs=1, place=over_tls()),
    # --- proxies
    *fine("proxy", {"CONNECT works": answer()}, place=through_proxy()),
    *fine("proxy", {"plain works": answer()}, place=through_proxy(plain=True)),
    *not_sent(
        "proxy",
        REFUSED,
        {
            "CONNECT 403": through_proxy(FORBIDDEN),
            "CONNECT 407": through_proxy(PASSWORD),
            "CONNECT 502": through_proxy(reply(502, b"<html>")),
            "CONNECT 504": through_proxy(reply(504, b"")),
            "CONNECT closed": through_proxy(does.hang_up),
            "CONNECT reset": through_proxy(does.abort),
            "CONNECT garbage": through_proxy(sends(b"what?\r\n\r\n", runs=False)),
            "CONNECT cut": through_proxy(sends(b"HTTP/1.1 200 Conn", runs=False)),
            "refused": proxy_refuses,
        },
        attempts=2,
        settings=TWICE,
    ),
    *not_sent(
        "proxy",
        LATE,
        {
            "CONNECT hang": through_proxy(does.stall),
            "CONNECT drips": through_proxy(does.drip_head),
        },
        attempts=1,
        settings=BRIEF,
    ),
    *not_sent(
        "proxy",
        REFUSED,
        {"plain 407": through_proxy(PASSWORD, plain=True)},
        attempts=2,
        settings=TWICE,
        message="407",
    ),
    *unknown(
        "proxy",
        REFUSED,
        {
            "plain 502": {
                "place": through_proxy(reply(502, b"<html>"), plain=True),
                "error": e.SegmindServerError,
            },
            "plain closed": {"place": through_proxy(does.hang_up, plain=True)},
            "plain hang": {
                "place": through_proxy(does.stall, plain=True),
                "error": LATE,
                "settings": SOON,
            },
        },
        requests=0,
        attempts=1,
    ),
]
