"""Faults on the way of a request and its answer, and of connections that are kept."""

from __future__ import annotations

from typing import Final

from langchain_segmind import errors as e
from tests.faults import server as does
from tests.faults.catalogue.scenario import (
    without_reading_bodies,
)
from tests.faults.catalogue.words import (
    BUSY,
    FINE,
    SOON,
    WHOLE,
    executed,
    fine,
    rejected,
    unknown,
)
from tests.faults.server import Act, answer, head, reply, says

BIG: Final = {"model_kwargs": {"big": "x" * 5_000_000}}


def _early(status: int) -> Act:
    """Refuse before the body was read, and read on so that the client can read the refusal."""
    return does.in_turn(reply(status, {"error": "too big"}, {"Connection": "close"}), _drain)


def _drain(request: does.Request) -> None:
    left = int(request.headers["content-length"]) - len(request.body)
    while left > 0 and (data := request.connection.recv(65_536)):
        left -= len(data)
    does.hang_up(request)


WAY: Final = [
    fine("way: all well", answer()),
    unknown(
        "way: reset while the request is sent",
        e.SegmindConnectionError,
        does.abort,
        place=without_reading_bodies,
        settings=BIG,
    ),
    rejected(
        "way: 413 before the request was read",
        e.SegmindInvalidRequestError,
        _early(413),
        place=without_reading_bodies,
        settings=BIG,
    ),
    *(
        unknown(f"way: {how} {where}", e.SegmindConnectionError, act, runs=1)
        for where, data in {
            "before the answer": b"",
            "in the status line": b"HTTP/1.1 20",
            "in the headers": b"HTTP/1.1 200 OK\r\nContent-Le",
            "before the last header's end": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
            "after an interim reply": b"HTTP/1.1 100 Continue\r\n\r\n",
        }.items()
        for how, act in {"closed": says(data), "reset": says(data, then=does.abort)}.items()
    ),
    *(
        executed(f"way: {how} {where}", e.SegmindResponseError, act)
        for where, data in {
            "after the headers": head(200, {}, len(FINE)),
            "within the body": WHOLE[:-10],
            "one byte before the end": WHOLE[:-1],
            "within a chunk": head(200, {"Transfer-Encoding": "chunked"}, None) + b"ff\r\n{",
            "between chunks": head(200, {"Transfer-Encoding": "chunked"}, None) + b"1\r\n{\r\n",
            "within an answer of no length": head(200, {}, None) + FINE[:-10],
        }.items()
        for how, act in {"closed": says(data), "reset": says(data, then=does.abort)}.items()
    ),
    fine("way: an answer of no length, closed", says(head(200, {}, None) + FINE)),
    fine(
        "way: an answer in chunks",
        says(
            head(200, {"Transfer-Encoding": "chunked"}, None),
            b"%x\r\n%s\r\n" % (9, FINE[:9]),
            b"%x;ext=1\r\n%s\r\n0\r\nTrailer: x\r\n\r\n" % (len(FINE) - 9, FINE[9:]),
            then=does.stall,
        ),
    ),
    fine(
        "way: an answer in many pieces",
        does.in_turn(
            says(WHOLE[:7], then=does.waits(0.05)),
            says(WHOLE[7:60], runs=False, then=does.waits(0.05)),
            says(WHOLE[60:], runs=False, then=does.waits(0.01)),
        ),
    ),
    fine("way: interim replies", says(b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\n\r\n", WHOLE)),
    fine("way: HTTP/1.0", says(WHOLE.replace(b"1.1", b"1.0", 1))),
    unknown("way: never answers", e.SegmindTimeoutError, does.hang, runs=1, gone=1, settings=SOON),
    unknown(
        "way: drips its head", e.SegmindTimeoutError, does.drip_head, runs=1, gone=1, settings=SOON
    ),
    unknown(
        "way: interim replies without end",
        e.SegmindTimeoutError,
        does.repeats(b"HTTP/1.1 102 P\r\n\r\n", start=b""),
        runs=1,
        gone=1,
        settings=SOON,
    ),
    executed("way: drips its body", e.SegmindTimeoutError, does.drip_body, gone=1, settings=SOON),
    executed(
        "way: drips its chunks",
        e.SegmindTimeoutError,
        does.drips(b"1\r\n \r\n" * 2_000, start=head(200, {"Transfer-Encoding": "chunked"}, None)),
        gone=1,
        settings=SOON,
    ),
    executed(
        "way: stops within the body",
        e.SegmindTimeoutError,
        says(WHOLE[:-10], then=does.stall),
        gone=1,
        settings=SOON,
    ),
    unknown(
        "way: stops within the head",
        e.SegmindTimeoutError,
        says(WHOLE[:20], then=does.stall),
        runs=1,
        gone=1,
        settings=SOON,
    ),
    fine(
        "way: lost, but repeating was opted in",
        does.reset,
        answer(),
        requests=2,
        runs=2,
        settings={"retry_ambiguous": True},
    ),
    executed(
        "way: opting in repeats nothing that was answered",
        e.SegmindResponseError,
        does.cut,
        settings={"retry_ambiguous": True},
    ),
    rejected(
        "way: a total timeout ends the attempts",
        e.SegmindServerError,
        reply(503, BUSY, {"Retry-After": "30"}),
        settings={"total_timeout": 8, "max_retries": 9},
    ),
]


TWO_CALLS: Final = {"calls": 2, "requests": 2}

KEPT: Final = [
    fine("kept: second call on it", answer(), **TWO_CALLS, runs=2),
    *(
        fine(f"kept: {what}", first, answer(), **TWO_CALLS, runs=2)
        for what, first in {
            "closed after the answer": says(WHOLE),
            "reset after the answer": says(WHOLE, then=does.abort),
            "closed as announced": says(
                head(200, {"Connection": "close"}, len(FINE)) + FINE, then=does.stall
            ),
            "more than the answer": says(WHOLE + b"junk", then=does.waits(0.3)),
            "more after the answer": says(
                WHOLE, then=says(b"junk", runs=False, then=does.waits(0.3))
            ),
            "another reply after the answer": says(
                WHOLE + head(500, {}, 2) + b"{}", then=does.waits(0.3)
            ),
            "told it is too late": says(
                WHOLE, does.head(408, {"Connection": "close"}, 0), then=does.hang_up
            ),
        }.items()
    ),
    *(
        unknown(
            f"kept: {how} at the second request",
            e.SegmindConnectionError,
            answer(),
            act,
            **TWO_CALLS,
            runs=2,
            attempts=1,
        )
        for how, act in {"closed": does.close, "reset": does.reset}.items()
    ),
]
