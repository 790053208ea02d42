"""Faults of proxies."""

from __future__ import annotations

from typing import Final

from langchain_segmind import errors as e
from tests.faults import server as does
from tests.faults.catalogue.scenario import (
    proxy_refuses,
    through_plain_proxy,
    through_proxy,
)
from tests.faults.catalogue.words import (
    BRIEF,
    SOON,
    TWICE,
    fine,
    not_sent,
    unknown,
)
from tests.faults.server import answer, reply, says

FORBIDDEN: Final = reply(403, b"")
PASSWORD: Final = reply(407, b"", {"Proxy-Authenticate": "Basic"})

PROXIES: Final = [
    fine("proxy: CONNECT works", answer(), place=through_proxy()),
    fine("proxy: plain works", answer(), place=through_plain_proxy()),
    *(
        not_sent(
            f"proxy: CONNECT {what}",
            e.SegmindConnectionError,
            through_proxy(act),
            attempts=2,
            settings=TWICE,
        )
        for what, act in {
            "403": FORBIDDEN,
            "407": PASSWORD,
            "502": reply(502, b"<html>"),
            "504": reply(504, b""),
            "closed": does.hang_up,
            "reset": does.abort,
            "garbage": says(b"what?\r\n\r\n", runs=False),
            "cut": says(b"HTTP/1.1 200 Conn", runs=False),
        }.items()
    ),
    not_sent(
        "proxy: CONNECT hang",
        e.SegmindTimeoutError,
        through_proxy(does.stall),
        attempts=1,
        settings=BRIEF,
    ),
    not_sent(
        "proxy: CONNECT drips",
        e.SegmindTimeoutError,
        through_proxy(does.drip_head),
        attempts=1,
        settings=BRIEF,
    ),
    not_sent("proxy: refused", e.SegmindConnectionError, proxy_refuses, attempts=2, settings=TWICE),
    not_sent(
        "proxy: plain 407",
        e.SegmindConnectionError,
        through_plain_proxy(PASSWORD),
        attempts=2,
        settings=TWICE,
        says="407",
    ),
    unknown(
        "proxy: plain 502",
        e.SegmindServerError,
        place=through_plain_proxy(reply(502, b"<html>")),
        requests=0,
        attempts=1,
    ),
    unknown(
        "proxy: plain closed",
        e.SegmindConnectionError,
        place=through_plain_proxy(does.hang_up),
        requests=0,
        attempts=1,
    ),
    unknown(
        "proxy: plain hang",
        e.SegmindTimeoutError,
        place=through_plain_proxy(does.stall),
        requests=0,
        attempts=1,
        settings=SOON,
    ),
]
