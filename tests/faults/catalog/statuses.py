"""Every status with every kind of body, hints when to try again, and redirects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from langchain_segmind import errors as e
from tests.faults import server as does
from tests.faults.catalog.places import beside_canary, to_canary
from tests.faults.catalog.scenario import (
    BUSY,
    NOW,
    SOON,
    executed,
    fine,
    rejected,
    scenarios,
    unknown,
)
from tests.faults.server import ANSWER, Act, answer, head, reply, sends

BODIES: Final = {
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

# Never repeated, whatever the body.
REFUSALS: Final[Mapping[type[e.SegmindError], tuple[int, ...]]] = {
    e.SegmindAuthenticationError: (401,),
    e.SegmindInsufficientCreditsError: (402,),
    e.SegmindPermissionDeniedError: (403,),
    e.SegmindModelNotFoundError: (404, 410),
    e.SegmindInvalidRequestError: (
        *(400, 405, 406, 407, 409, 411, 413, 414, 415, 418, 422, 451, 499),
    ),
}
# Repeated, whatever the body.
BUSY_STATUSES: Final[Mapping[type[e.SegmindError], tuple[int, ...]]] = {
    e.SegmindServerError: (408, 425, 503),
    e.SegmindRateLimitError: (429,),
}
# From a front behind which the model may go on running: never repeated, whatever the body.
UNSURE: Final = (501, 502, 504, 505, 507, 511, 520, 521, 522, 523, 524, 525, 526, 529, 530, 599)
# The bodies with which a 500 is the gateway's own, unbilled.
THE_GATEWAYS_OWN: Final = ("the gateway's words", "an object")
OTHERS: Final = tuple(what for what in BODIES if what not in THE_GATEWAYS_OWN)

# What a refusal's words change about its class.
WORDS: Final[Mapping[type[e.SegmindError], tuple[tuple[int, str], ...]]] = {
    e.SegmindInvalidRequestError: (
        (406, "Invalid content type"),
        (406, "temperature is out of range"),
        (400, "invalid host header"),
    ),
    e.SegmindInsufficientCreditsError: (
        (406, "Insufficient credits"),
        (406, "team spend limit reached"),
        (406, "Your balance is too low"),
    ),
    e.SegmindContextOverflowError: (
        (400, "This model's maximum context length is 8 tokens"),
        (400, "prompt is too long: 9 tokens"),
        (413, "too many tokens"),
        (422, "context length exceeded"),
    ),
}
NEXT_STEPS: Final[Mapping[type[e.SegmindError], tuple[int, str]]] = {
    e.SegmindAuthenticationError: (401, "SEGMIND_API_KEY"),
    e.SegmindInsufficientCreditsError: (402, "Top up"),
    e.SegmindModelNotFoundError: (410, "retired"),
    e.SegmindInvalidRequestError: (405, "base_url"),
}


def _each(
    statuses: Iterable[int],
    bodies: Iterable[str] = BODIES,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Act]:
    """Combine statuses and bodies."""
    return {
        f"{status} with {what}": reply(status, BODIES[what], headers)
        for status in statuses
        for what in bodies
    }


def _empty(status: int) -> Act:
    return sends(b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\n\r\n" % status, runs=False)


NOON: Final = "Sun, 22 Nov 2026 12:00:00 GMT"
LATER: Final = "Sun, 22 Nov 2026 13:00:00 GMT"
RESET: Final = "x-rate-limit-reset-at-utc"
TARGETS: Final = {
    "to another host": "http://{canary}/v1/m",
    "to another host without scheme": "//{canary}/v1/m",
    "to another host with a user": "http://user:pass@{canary}/v1/m",
    "to TLS": "https://{canary}/v1/m",
    "to itself": "/v1/m",
    "to a neighbor": "other",
    "to a file": "file:///etc/passwd",
    "nowhere": "http://[broken",
    "to an invalid port": "http://{canary}:x/",
    "blank": "",
}

STATUSES: Final = [
    *(
        scenario
        for error, statuses in REFUSALS.items()
        for scenario in rejected("status", error, _each(statuses))
    ),
    *(
        scenario
        for error, statuses in BUSY_STATUSES.items()
        for scenario in rejected("status", error, _each(statuses, headers=NOW), requests=3)
    ),
    *rejected("status", e.SegmindServerError, _each([500], THE_GATEWAYS_OWN, NOW), requests=3),
    *fine(
        "status",
        {
            f"{status}, then an answer": (reply(status, BUSY, NOW), answer())
            for status in (408, 425, 429, 503, 500)
        },
        requests=2,
    ),
    *unknown(
        "status",
        e.SegmindServerError,
        {
            **_each(UNSURE, THE_GATEWAYS_OWN, NOW),
            **_each((502, 504, 524, 500), OTHERS, NOW),
            "500 whose body is cut": sends(head(500, NOW, 100) + b'{"error": "busy"}', runs=False),
        },
    ),
    *scenarios(
        "status",
        {
            f"{status}, {words}": {
                "acts": (reply(status, {"error": words}),),
                "error": error,
                "message": words,
            }
            for error, refusals in WORDS.items()
            for status, words in refusals
        },
        outcome="rejected",
    ),
    *rejected(
        "status",
        e.SegmindContextOverflowError,
        {
            "500 of an overflow is not asked again": reply(
                500, {"error": "context length exceeded"}, NOW
            )
        },
    ),
    *scenarios(
        "status",
        {
            f"{status} has no next step in the body": {
                "acts": (reply(status, BUSY),),
                "error": error,
                "message": word,
            }
            for error, (status, word) in NEXT_STEPS.items()
        },
        outcome="rejected",
    ),
    *rejected(
        "status",
        e.SegmindInvalidRequestError,
        {
            "400 whose body is cut": sends(head(400, {}, 100) + b'{"error": "no', runs=False),
            "400 with an endless body": {
                "acts": (does.repeats(b"x" * 100_000, start=head(400, {}, None)),),
                "runs": 1,
                "gone": 1,
            },
            "400 that drips": {
                "acts": (does.drips(b" " * 10_000, start=head(400, {}, 10_000)),),
                "runs": 1,
                "gone": 1,
                "settings": SOON,
            },
        },
    ),
    *executed(
        "status",
        e.SegmindResponseError,
        {
            **{
                f"{status} without an answer": reply(status, {}, runs=True)
                for status in (200, 201, 202, 203, 206)
            },
            **{
                f"{status}, whose body is nothing": sends(b"HTTP/1.1 %d Whatever\r\n\r\n" % status)
                for status in (204, 205)
            },
        },
    ),
    *fine(
        "status",
        {f"{status} with an answer": reply(status, ANSWER, runs=True) for status in (201, 202)},
    ),
    # --- hints when to try again
    *fine(
        "hint",
        {
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
        },
        act=lambda headers: (reply(429, BUSY, headers), answer()),
        requests=2,
    ),
    *rejected(
        "hint",
        e.SegmindRateLimitError,
        {
            "an hour": {"Retry-After": "3600"},
            "an hour in milliseconds": {"Retry-After-Ms": "3600000"},
            "an hour by date": {"Date": NOON, "Retry-After": LATER},
            "an hour by reset": {"Date": NOON, RESET: "2026-11-22 13:00:00"},
            "more than a minute": {"Retry-After": "60.5"},
        },
        act=lambda headers: reply(429, BUSY, headers),
    ),
    *rejected(
        "hint",
        e.SegmindServerError,
        {"503 in an hour": reply(503, BUSY, {"Retry-After": "3600"})},
    ),
    # --- redirects
    *rejected(
        "redirect",
        e.SegmindInvalidRequestError,
        {
            f"{status} {what}": {"place": beside_canary(status, target)}
            for status in (301, 302, 303, 307, 308)
            for what, target in TARGETS.items()
            if status in (302, 307) or what == "to another host"
        },
        acts=(to_canary,),
        message="base_url",
    ),
    *rejected(
        "redirect",
        e.SegmindInvalidRequestError,
        {
            **{f"{status} without a target": _empty(status) for status in (300, 302, 305, 307)},
            "304": sends(b"HTTP/1.1 304 Whatever\r\n\r\n", runs=False),
        },
    ),
]
