"""Faults of the gateway's job queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from langchain_segmind import errors as e
from tests.faults import server as does
from tests.faults.catalogue.scenario import (
    Scenario,
    beside_canary,
    to_canary,
    with_urls_of_a_canary,
)
from tests.faults.catalogue.words import (
    BUSY,
    NOW,
    SOON,
)
from tests.faults.server import ANSWER, JOB, Act, head, reply, says

QUEUE: Final = {"queue": True, "poll_interval": 0.001}
SUBMITTED: Final = reply(200, {"request_id": JOB, "status": "QUEUED"}, runs=True)
DONE: Final = reply(200, {"status": "COMPLETED"})


def _state(state: str, status: int = 200, **more: Any) -> Act:
    return reply(status, {"status": state, **more})


def _result(**body: Any) -> Act:
    return reply(200, {"status": "COMPLETED", "error": None, "metrics": {"cost": 0.1}, **body})


GOOD: Final = _result(output=json.dumps(ANSWER))


def _queued(
    name: str,
    *polls: Act,
    results: tuple[Act, ...] = (GOOD,),
    submit: tuple[Act, ...] = (SUBMITTED,),
    settings: Mapping[str, Any] = QUEUE,
    **more: Any,
) -> Scenario:
    found = {"runs": 1, "requests": len(submit), **more}
    return Scenario(
        f"queue: {name}",
        submit,
        polls=polls,
        results=results,
        settings={**QUEUE, **settings},
        **found,
    )


def _lost(
    name: str, error: type[e.SegmindError], outcome: str, *polls: Act, **more: Any
) -> Scenario:
    return _queued(name, *polls, error=error, outcome=outcome, **more)


BAD_POLLS: Final[Mapping[str, tuple[type[e.SegmindError], Act]]] = {
    "reset": (e.SegmindConnectionError, says(runs=False, then=does.abort)),
    "closed": (e.SegmindConnectionError, says(runs=False)),
    "garbage": (e.SegmindConnectionError, says(b"what?\r\n\r\n", runs=False)),
    **{
        f"{status}": (e.SegmindServerError, reply(status, BUSY, NOW))
        for status in (408, 425, 429, 500, 502, 503, 504, 524)
    },
    "500 in HTML": (e.SegmindServerError, reply(500, b"<h1>x</h1>")),
    "429 for an hour": (e.SegmindServerError, reply(429, BUSY, {"Retry-After": "3600"})),
    "404": (e.SegmindJobNotFoundError, reply(404, {"error": f"Request {JOB} not found"})),
    "404 in HTML": (e.SegmindJobNotFoundError, reply(404, b"<h1>x</h1>")),
    "HTML": (e.SegmindResponseError, reply(200, b"<h1>x</h1>")),
    "nothing": (e.SegmindResponseError, reply(200, b"")),
    "cut": (e.SegmindResponseError, says(head(200, {}, 100) + b'{"status"', runs=False)),
    "no JSON": (e.SegmindResponseError, reply(200, b'{"status": "COMP')),
    "no state": (e.SegmindResponseError, reply(200, {})),
    "a list": (e.SegmindResponseError, reply(200, [])),
    "a number for a state": (e.SegmindResponseError, reply(200, {"status": 5})),
    "too much": (e.SegmindResponseError, reply(200, b" " * (33 * 2**20))),
}

IDS: Final = {
    "missing": {"status": "QUEUED"},
    "null": {"request_id": None},
    "part of a number": {"request_id": 5.5},
    "a list": {"request_id": ["x"]},
    "blank": {"request_id": ""},
    "leading elsewhere": {"request_id": "../../v1/get-user-credits"},
    "with a slash": {"request_id": "a/b"},
    "with a query": {"request_id": "a?b=c"},
    "with a fragment": {"request_id": "a#b"},
    "with a space": {"request_id": "a b"},
    "with a line break": {"request_id": "a\nHost: evil"},
    "ending a line": {"request_id": "abc\n"},
    "escaped": {"request_id": "%2e%2e%2fx"},
    "only dots": {"request_id": ".."},
    "a URL": {"request_id": "https://evil.example/x"},
    "not ASCII": {"request_id": "\u0661\u0662"},
    "too long": {"request_id": "x" * 129},
}

QUEUED: Final = [
    _queued("all well", _state("QUEUED"), _state("PROCESSING"), DONE, polled=4),
    _queued("an unknown state on the way", _state("WARMING"), DONE, polled=3),
    _queued("urls of another host", DONE, place=with_urls_of_a_canary, polled=2),
    *(
        _queued(f"output {what}", DONE, results=(act,))
        for what, act in {
            "an object": _result(output=ANSWER),
            "plain text": _result(output="fine"),
            "missing": _result(**ANSWER),
            "written twice": _result(output=json.dumps(json.dumps(ANSWER))),
            "beside odd metrics": _result(output=json.dumps(ANSWER), metrics=[{"cost": "much"}]),
        }.items()
    ),
    # --- the submit
    *(
        _queued(f"submit {status}, then taken", DONE, submit=(reply(status, BUSY, NOW), SUBMITTED))
        for status in (408, 425, 429, 500, 503)
    ),
    *(
        _lost(f"submit {what}", error, outcome, submit=(act,), polled=0)
        for what, error, outcome, act in (
            ("reset", e.SegmindConnectionError, "unknown", does.reset),
            ("closed", e.SegmindConnectionError, "unknown", does.close),
            ("cut", e.SegmindResponseError, "executed", does.cut),
            ("HTML", e.SegmindResponseError, "executed", reply(200, b"<h1>", runs=True)),
            ("nothing", e.SegmindResponseError, "executed", reply(200, b"", runs=True)),
            ("502", e.SegmindServerError, "unknown", reply(502, BUSY, NOW, runs=True)),
            ("504", e.SegmindServerError, "unknown", reply(504, b"", NOW, runs=True)),
        )
    ),
    _lost(
        "submit hang",
        e.SegmindTimeoutError,
        "unknown",
        submit=(does.hang,),
        polled=0,
        gone=1,
        settings=SOON,
    ),
    *(
        _lost(
            f"submit {status}", error, "rejected", submit=(reply(status, BUSY),), runs=0, polled=0
        )
        for status, error in (
            (401, e.SegmindAuthenticationError),
            (404, e.SegmindModelNotFoundError),
        )
    ),
    *(
        _lost(
            f"id {what}",
            e.SegmindResponseError,
            "executed",
            submit=(reply(200, body, runs=True),),
            polled=0,
        )
        for what, body in IDS.items()
    ),
    # --- the polls
    *(
        _queued(f"6 times {what}, then good", *[act] * 6, DONE, polled=8)
        for what, (_, act) in BAD_POLLS.items()
    ),
    *(
        _lost(f"7 times {what}", error, "unknown", act, polled=7)
        for what, (error, act) in BAD_POLLS.items()
        if what != "too much"
    ),
    _queued(
        "bad polls that are not in a row",
        *[*[reply(503, BUSY)] * 4, _state("QUEUED")] * 2,
        *[reply(503, BUSY)] * 4,
        DONE,
        polled=16,
    ),
    _queued("poll hangs, then good", does.stall, DONE, polled=3, gone=1, settings=SOON),
    _queued(
        "poll drips, then good",
        does.drips(b" " * 10_000, start=head(200, {}, 10_000)),
        DONE,
        polled=3,
        gone=1,
        runs=1,
        settings=SOON,
    ),
    *(
        _lost(f"poll {status}", error, "unknown", reply(status, BUSY), polled=1)
        for status, error in (
            (400, e.SegmindInvalidRequestError),
            (401, e.SegmindAuthenticationError),
            (403, e.SegmindPermissionDeniedError),
        )
    ),
    *(
        _lost(
            f"poll {status} to another host",
            e.SegmindInvalidRequestError,
            "unknown",
            to_canary,
            place=beside_canary(status, "http://{canary}/v2/requests/x/status"),
            polled=1,
        )
        for status in (301, 302, 307)
    ),
    _lost(
        "result redirected",
        e.SegmindInvalidRequestError,
        "executed",
        DONE,
        results=(to_canary,),
        place=beside_canary(302, "http://{canary}/v2/requests/x"),
        polled=2,
    ),
    # --- the end
    *(
        _lost(
            f"FAILED under {status}",
            e.SegmindJobFailedError,
            "rejected",
            _state("FAILED", status, error="no luck"),
            says="no luck",
            polled=1,
        )
        for status in (200, 422, 500)
    ),
    *(
        _lost(
            f"result FAILED under {status}",
            e.SegmindJobFailedError,
            "rejected",
            DONE,
            results=(_state("FAILED", status, error="no luck"),),
            says="no luck",
            polled=2,
        )
        for status in (200, 422)
    ),
    _lost(
        "FAILED for its length",
        e.SegmindContextOverflowError,
        "rejected",
        _state("FAILED", 422, error="prompt is too long"),
        polled=1,
    ),
    *(
        _queued(f"result 6 times {what}, then good", DONE, results=(*[act] * 6, GOOD), polled=8)
        for what, (_, act) in BAD_POLLS.items()
        if what in ("reset", "503", "404", "HTML", "cut", "no JSON")
    ),
    *(
        _lost(f"result 7 times {what}", error, "executed", DONE, results=(act,), polled=8)
        for what, (error, act) in BAD_POLLS.items()
        if what in ("reset", "503", "404", "HTML", "cut", "no JSON")
    ),
    *(
        _lost(f"output {what}", e.SegmindResponseError, "executed", DONE, results=(act,), polled=2)
        for what, act in {
            "half a reply": _result(output=json.dumps(ANSWER)[:-10]),
            "empty": _result(output=""),
            "a number": _result(output=5),
            "a list": _result(output=[]),
            "null": _result(output=None),
            "an error": _result(output=json.dumps({"error": "overloaded"})),
            "without an answer": _result(output={"choices": []}),
        }.items()
    ),
    *(
        _lost(
            f"{what} until the deadline", e.SegmindJobTimeoutError, "unknown", act, settings=limit
        )
        for what, act, limit in (
            ("QUEUED", _state("QUEUED"), {"queue_timeout": 0.3}),
            ("QUEUED in total", _state("QUEUED"), {"total_timeout": 0.5}),
            ("WEIRD", _state("WEIRD"), {"queue_timeout": 0.3}),
        )
    ),
]
