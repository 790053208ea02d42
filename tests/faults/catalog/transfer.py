"""Faults while a request and its answer are transferred, and on connections that are kept."""

from __future__ import annotations

from typing import Final

from langchain_segmind import errors as e
from tests.faults import server as does
from tests.faults.catalog.places import without_reading_bodies
from tests.faults.catalog.scenario import (
    BUSY,
    FINE,
    SOON,
    WHOLE,
    executed,
    fine,
    rejected,
    unknown,
)
from tests.faults.server import Act, answer, head, reply, sends

CHUNKED: Final = head(200, {"Transfer-Encoding": "chunked"}, None)
BIG: Final = {"model_kwargs": {"big": "x" * 5_000_000}}
OPTED_IN: Final = {"retry_ambiguous": True}


def _early(status: int) -> Act:
    """Refuse before the body was read, and read on so that the client can read the refusal."""
    return does.in_turn(reply(status, {"error": "too big"}, {"Connection": "close"}), _drain)


def _drain(request: does.Request) -> None:
    left = int(request.headers["content-length"]) - len(request.body)
    while left > 0 and (data := request.connection.recv(65_536)):
        left -= len(data)
    does.hang_up(request)


def _closed_and_reset(cuts: dict[str, bytes]) -> dict[str, Act]:
    ends = {"closed": does.hang_up, "reset": does.abort}
    return {
        f"{how} {where}": sends(data, then=end)
        for where, data in cuts.items()
        for how, end in ends.items()
    }


TRANSFER: Final = [
    *fine("transfer", {"no fault": answer()}),
    *unknown(
        "transfer",
        e.SegmindConnectionError,
        {"reset while the request is sent": does.in_turn(does.waits(0.2), does.abort)},
        place=without_reading_bodies,
        settings=BIG,
    ),
    *rejected(
        "transfer",
        e.SegmindInvalidRequestError,
        {"413 before the request was read": _early(413)},
        place=without_reading_bodies,
        settings=BIG,
    ),
    *unknown(
        "transfer",
        e.SegmindConnectionError,
        _closed_and_reset(
            {
                "before the answer": b"",
                "in the status line": b"HTTP/1.1 20",
                "in the headers": b"HTTP/1.1 200 OK\r\nContent-Le",
                "before the last header's end": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
                "after an interim reply": b"HTTP/1.1 100 Continue\r\n\r\n",
            }
        ),
        runs=1,
    ),
    *executed(
        "transfer",
        e.SegmindResponseError,
        _closed_and_reset(
            {
                "after the headers": head(200, {}, len(FINE)),
                "within the body": WHOLE[:-10],
                "one byte before the end": WHOLE[:-1],
                "within a chunk": CHUNKED + b"ff\r\n{",
                "between chunks": CHUNKED + b"1\r\n{\r\n",
                "within an answer of no length": head(200, {}, None) + FINE[:-10],
            }
        ),
    ),
    *fine(
        "transfer",
        {
            "an answer of no length, closed": sends(head(200, {}, None) + FINE),
            "an answer in chunks": sends(
                CHUNKED,
                b"%x\r\n%s\r\n" % (9, FINE[:9]),
                b"%x;ext=1\r\n%s\r\n0\r\nTrailer: x\r\n\r\n" % (len(FINE) - 9, FINE[9:]),
                then=does.stall,
            ),
            "an answer in many pieces": does.in_turn(
                sends(WHOLE[:7], then=does.waits(0.05)),
                sends(WHOLE[7:60], runs=False, then=does.waits(0.05)),
                sends(WHOLE[60:], runs=False, then=does.waits(0.01)),
            ),
            "interim replies": sends(b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\n\r\n", WHOLE),
            "HTTP/1.0": sends(WHOLE.replace(b"1.1", b"1.0", 1)),
        },
    ),
    *unknown(
        "transfer",
        e.SegmindTimeoutError,
        {
            "never answers": does.hang,
            "drips its head": does.drip_head,
            "interim replies without end": does.repeats(b"HTTP/1.1 102 P\r\n\r\n", start=b""),
            "stops within the head": sends(WHOLE[:20], then=does.stall),
        },
        runs=1,
        gone=1,
        settings=SOON,
    ),
    *executed(
        "transfer",
        e.SegmindTimeoutError,
        {
            "drips its body": does.drip_body,
            "drips its chunks": does.drips(b"1\r\n \r\n" * 2_000, start=CHUNKED),
            "stops within the body": sends(WHOLE[:-10], then=does.stall),
        },
        gone=1,
        settings=SOON,
    ),
    *fine(
        "transfer",
        {"lost, but repeating was opted in": (does.reset, answer())},
        requests=2,
        runs=2,
        settings=OPTED_IN,
    ),
    *executed(
        "transfer",
        e.SegmindResponseError,
        {"opting in repeats nothing that was answered": does.cut},
        settings=OPTED_IN,
    ),
    *rejected(
        "transfer",
        e.SegmindServerError,
        {"a total timeout ends the attempts": reply(503, BUSY, {"Retry-After": "30"})},
        settings={"total_timeout": 8, "max_retries": 9},
    ),
    # --- connections that are kept: the first act ends the first call, which goes well
    *fine(
        "kept",
        {
            "second call on it": answer(),
            "closed after the answer": (sends(WHOLE), answer()),
            "reset after the answer": (sends(WHOLE, then=does.abort), answer()),
            "closed as announced": (
                sends(head(200, {"Connection": "close"}, len(FINE)) + FINE, then=does.stall),
                answer(),
            ),
            "more than the answer": (sends(WHOLE + b"junk", then=does.waits(0.3)), answer()),
            "more after the answer": (
                sends(WHOLE, then=sends(b"junk", runs=False, then=does.waits(0.3))),
                answer(),
            ),
            "another reply after the answer": (
                sends(WHOLE + head(500, {}, 2) + b"{}", then=does.waits(0.3)),
                answer(),
            ),
            "a 408 after the answer": (
                sends(WHOLE, head(408, {"Connection": "close"}, 0), then=does.hang_up),
                answer(),
            ),
        },
        calls=2,
        requests=2,
        runs=2,
    ),
    *unknown(
        "kept",
        e.SegmindConnectionError,
        {
            "closed at the second request": (answer(), does.close),
            "reset at the second request": (answer(), does.reset),
        },
        calls=2,
        requests=2,
        runs=2,
        attempts=1,
    ),
]
