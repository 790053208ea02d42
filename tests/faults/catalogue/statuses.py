"""Every status with every kind of body, hints when to try again, and redirects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from langchain_segmind import errors as e
from tests.faults import server as does
from tests.faults.catalogue.scenario import (
    beside_canary,
    to_canary,
)
from tests.faults.catalogue.words import (
    BUSY,
    NOW,
    SOON,
    executed,
    fine,
    rejected,
    unknown,
)
from tests.faults.server import ANSWER, answer, head, reply, says

SAYS: Final = {
    "the gateway's words": {"error": "no luck"},
    "other words": {"message": "no luck", "detail": [{"msg": "none"}]},
    "an object": {"error": {"code": 7, "message": "no luck"}},
    "HTML": b"<html><head><title>x</title></head><body><h1>no luck</h1></body></html>",
    "plain text": b"no luck",
    "nothing": b"",
    "a list": [1, 2],
    "bytes": bytes(range(256)),
    "broken JSON": b'{"error": "no l',
}

REFUSALS: Final[Mapping[int, type[e.SegmindError]]] = {
    400: e.SegmindInvalidRequestError,
    401: e.SegmindAuthenticationError,
    402: e.SegmindInsufficientCreditsError,
    403: e.SegmindPermissionDeniedError,
    404: e.SegmindModelNotFoundError,
    405: e.SegmindInvalidRequestError,
    406: e.SegmindInvalidRequestError,
    407: e.SegmindInvalidRequestError,
    409: e.SegmindInvalidRequestError,
    410: e.SegmindModelNotFoundError,
    411: e.SegmindInvalidRequestError,
    413: e.SegmindInvalidRequestError,
    414: e.SegmindInvalidRequestError,
    415: e.SegmindInvalidRequestError,
    418: e.SegmindInvalidRequestError,
    422: e.SegmindInvalidRequestError,
    451: e.SegmindInvalidRequestError,
    499: e.SegmindInvalidRequestError,
}
"""Never repeated, whatever the body."""

BUSY_STATUS: Final[Mapping[int, type[e.SegmindError]]] = {
    408: e.SegmindServerError,
    425: e.SegmindServerError,
    429: e.SegmindRateLimitError,
    503: e.SegmindServerError,
}
"""Repeated, whatever the body."""

UNSURE: Final = (501, 502, 504, 505, 507, 511, 520, 521, 522, 523, 524, 525, 526, 529, 530, 599)
"""From a front behind which the model may go on running: never repeated, whatever the body."""

THE_GATEWAYS_OWN: Final = ("the gateway's words", "an object")
"""The bodies with which a 500 is the gateway's own, unbilled."""

STATUSES: Final = [
    *(
        rejected(f"status: {status} with {what}", error, reply(status, body))
        for status, error in REFUSALS.items()
        for what, body in SAYS.items()
    ),
    *(
        rejected(f"status: {status} with {what}", error, reply(status, body, NOW), requests=3)
        for status, error in BUSY_STATUS.items()
        for what, body in SAYS.items()
    ),
    *(
        fine(f"status: {status}, then an answer", reply(status, BUSY, NOW), answer(), requests=2)
        for status in (*BUSY_STATUS, 500)
    ),
    *(
        unknown(f"status: {status} with {what}", e.SegmindServerError, reply(status, body, NOW))
        for status in UNSURE
        for what, body in SAYS.items()
        if status in (502, 504, 524) or what in THE_GATEWAYS_OWN
    ),
    *(
        rejected(
            f"status: 500 with {what}",
            e.SegmindServerError,
            reply(500, SAYS[what], NOW),
            requests=3,
        )
        for what in THE_GATEWAYS_OWN
    ),
    *(
        unknown(f"status: 500 with {what}", e.SegmindServerError, reply(500, body, NOW))
        for what, body in SAYS.items()
        if what not in THE_GATEWAYS_OWN
    ),
    *(
        rejected(f"status: {status}, {words}", error, reply(status, {"error": words}))
        for status, words, error in (
            (406, "Invalid content type", e.SegmindInvalidRequestError),
            (406, "Insufficient credits", e.SegmindInsufficientCreditsError),
            (406, "temperature is out of range", e.SegmindInvalidRequestError),
            (406, "team spend limit reached", e.SegmindInsufficientCreditsError),
            (406, "Your balance is too low", e.SegmindInsufficientCreditsError),
            (400, "This model's maximum context length is 8 tokens", e.SegmindContextOverflowError),
            (400, "prompt is too long: 9 tokens", e.SegmindContextOverflowError),
            (413, "too many tokens", e.SegmindContextOverflowError),
            (422, "context length exceeded", e.SegmindContextOverflowError),
            (400, "invalid host header", e.SegmindInvalidRequestError),
        )
    ),
    rejected(
        "status: 500 of an overflow is not asked again",
        e.SegmindContextOverflowError,
        reply(500, {"error": "context length exceeded"}, NOW),
    ),
    *(
        rejected(
            f"status: {status} has no next step in the body", error, reply(status, BUSY), says=word
        )
        for status, word, error in (
            (401, "SEGMIND_API_KEY", e.SegmindAuthenticationError),
            (402, "Top up", e.SegmindInsufficientCreditsError),
            (410, "retired", e.SegmindModelNotFoundError),
            (405, "base_url", e.SegmindInvalidRequestError),
        )
    ),
    rejected(
        "status: 400 whose body is cut",
        e.SegmindInvalidRequestError,
        says(head(400, {}, 100) + b'{"error": "no', runs=False),
    ),
    unknown(
        "status: 500 whose body is cut",
        e.SegmindServerError,
        says(head(500, NOW, 100) + b'{"error": "busy"}', runs=False),
    ),
    rejected(
        "status: 400 with an endless body",
        e.SegmindInvalidRequestError,
        does.in_turn(does.repeats(b"x" * 100_000, start=head(400, {}, None))),
        runs=1,
        gone=1,
    ),
    rejected(
        "status: 400 that drips",
        e.SegmindInvalidRequestError,
        does.drips(b" " * 10_000, start=head(400, {}, 10_000)),
        runs=1,
        gone=1,
        settings=SOON,
    ),
    *(
        executed(
            f"status: {status} without an answer",
            e.SegmindResponseError,
            reply(status, {}, runs=True),
        )
        for status in (200, 201, 202, 203, 206)
    ),
    *(
        executed(
            f"status: {status}, whose body is nothing",
            e.SegmindResponseError,
            says(b"HTTP/1.1 %d Whatever\r\n\r\n" % status),
        )
        for status in (204, 205)
    ),
    *(
        fine(f"status: {status} with an answer", reply(status, ANSWER, runs=True))
        for status in (201, 202)
    ),
]


NOON: Final = "Sun, 22 Nov 2026 12:00:00 GMT"
LATER: Final = "Sun, 22 Nov 2026 13:00:00 GMT"
RESET: Final = "x-rate-limit-reset-at-utc"

HINTS: Final = [
    *(
        fine(f"hint: {what}", reply(429, BUSY, headers), answer(), requests=2)
        for what, headers in {
            "milliseconds": {"Retry-After-Ms": "5"},
            "seconds": {"Retry-After": "0"},
            "part of a second": {"Retry-After": "0.01"},
            "date": {"Date": NOON, "Retry-After": NOON},
            "reset": {"Date": NOON, RESET: "2026-11-22 12:00:00"},
            "reset, ISO": {"Date": NOON, RESET: "2026-11-22T12:00:00Z"},
            "reset, epoch": {"Date": NOON, RESET: "1795348800"},
            "reset, epoch ms": {"Date": NOON, RESET: "1795348800000"},
            "first counts": {"Retry-After-Ms": "1", "Retry-After": "3600"},
            "garbage": {"Retry-After": "soon", RESET: "later"},
            "negative": {"Retry-After": "-5"},
            "NaN": {"Retry-After": "nan"},
            "infinite": {"Retry-After": "inf"},
            "past": {"Date": NOON, "Retry-After": "Sun, 22 Nov 2020 12:00:00 GMT"},
            "overflow": {"Retry-After": "Sun, 22 Nov 99999 12:00:00 GMT", RESET: "9" * 400},
            "huge number": {"Retry-After": "1e400"},
            "not ASCII": {"Retry-After": "\u0661"},
        }.items()
    ),
    *(
        rejected(f"hint: {what}", e.SegmindRateLimitError, reply(429, BUSY, headers))
        for what, headers in {
            "an hour": {"Retry-After": "3600"},
            "an hour in milliseconds": {"Retry-After-Ms": "3600000"},
            "an hour by date": {"Date": NOON, "Retry-After": LATER},
            "an hour by reset": {"Date": NOON, RESET: "2026-11-22 13:00:00"},
            "more than a minute": {"Retry-After": "60.5"},
        }.items()
    ),
    rejected(
        "hint: 503 in an hour", e.SegmindServerError, reply(503, BUSY, {"Retry-After": "3600"})
    ),
]


TARGETS: Final = {
    "to another host": "http://{canary}/v1/m",
    "to another host without scheme": "//{canary}/v1/m",
    "to another host with a user": "http://user:pass@{canary}/v1/m",
    "to TLS": "https://{canary}/v1/m",
    "to itself": "/v1/m",
    "to a neighbour": "other",
    "to a file": "file:///etc/passwd",
    "nowhere": "http://[broken",
    "to a port that is none": "http://{canary}:x/",
    "blank": "",
}

REDIRECTS: Final = [
    *(
        rejected(
            f"redirect: {status} {what}",
            e.SegmindInvalidRequestError,
            to_canary,
            place=beside_canary(status, target),
            says="base_url",
        )
        for status in (301, 302, 303, 307, 308)
        for what, target in TARGETS.items()
        if status in (302, 307) or what == "to another host"
    ),
    *(
        rejected(
            f"redirect: {status} without a target",
            e.SegmindInvalidRequestError,
            says(b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\n\r\n" % status, runs=False),
        )
        for status in (300, 302, 305, 307)
    ),
    rejected(
        "redirect: 304",
        e.SegmindInvalidRequestError,
        says(b"HTTP/1.1 304 Whatever\r\n\r\n", runs=False),
    ),
]
