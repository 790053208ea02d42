"""Faults of the gateway's job queue."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from langchain_segmind import errors as e
from tests.faults import server as does
from tests.faults.catalog.places import beside_canary, to_canary, with_urls_of_a_canary
from tests.faults.catalog.scenario import BUSY, NOW, SOON, Scenario, scenarios
from tests.faults.server import ANSWER, JOB, Act, head, reply, sends

QUEUE: Final = {"queue": True, "poll_interval": 0.001}
SUBMITTED: Final = reply(200, {"request_id": JOB, "status": "QUEUED"}, runs=True)
DONE: Final = reply(200, {"status": "COMPLETED"})


def _state(state: str, status: int = 200, **more: Any) -> Act:
    return reply(status, {"status": state, **more})


def _result(**body: Any) -> Act:
    return reply(200, {"status": "COMPLETED", "error": None, "metrics": {"cost": 0.1}, **body})


GOOD: Final = _result(output=json.dumps(ANSWER))


def _jobs(
    on: str, faults: Mapping[str, Any], settings: Mapping[str, Any] = QUEUE, **shared: Any
) -> Iterator[Scenario]:
    """Make scenarios of jobs that go well but for one field of `Scenario`, `on`."""
    well = {"acts": SUBMITTED, "polls": DONE, "results": GOOD, "runs": 1, **shared}

    def fields(fault: Any) -> dict[str, Any]:
        script = {**well, **(fault if isinstance(fault, Mapping) else {on: fault})}
        for name in ("acts", "polls", "results"):
            script[name] = script[name] if isinstance(script[name], tuple) else (script[name],)
        return {"requests": len(script["acts"]), "settings": {**QUEUE, **settings}, **script}

    return scenarios("queue", faults, act=fields)


def _lost(
    on: str, error: type[e.SegmindError], outcome: str, faults: Mapping[str, Any], **shared: Any
) -> Iterator[Scenario]:
    return _jobs(on, faults, error=error, outcome=outcome, **shared)


BAD_POLLS: Final[Mapping[str, tuple[type[e.SegmindError], Act]]] = {
    "reset": (e.SegmindConnectionError, sends(runs=False, then=does.abort)),
    "closed": (e.SegmindConnectionError, sends(runs=False)),
    "garbage": (e.SegmindConnectionError, sends(b"what?\r\n\r\n", runs=False)),
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
    "cut": (e.SegmindResponseError, sends(head(200, {}, 100) + b'{"status"', runs=False)),
    "no JSON": (e.SegmindResponseError, reply(200, b'{"status": "COMP')),
    "no state": (e.SegmindResponseError, reply(200, {})),
    "a list": (e.SegmindResponseError, reply(200, [])),
    "a number for a state": (e.SegmindResponseError, reply(200, {"status": 5})),
    "too much": (e.SegmindResponseError, reply(200, b" " * (33 * 2**20))),
}

RESULTS_TOO: Final = ("reset", "503", "404", "HTML", "cut", "no JSON")

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
    *_jobs("polls", {"no fault": (_state("QUEUED"), _state("PROCESSING"), DONE)}, polled=4),
    *_jobs("polls", {"an unknown state on the way": (_state("WARMING"), DONE)}, polled=3),
    *_jobs("polls", {"urls of another host": DONE}, place=with_urls_of_a_canary, polled=2),
    *_jobs(
        "results",
        {
            "output an object": _result(output=ANSWER),
            "output plain text": _result(output="fine"),
            "output missing": _result(**ANSWER),
            "output written twice": _result(output=json.dumps(json.dumps(ANSWER))),
            "output beside odd metrics": _result(
                output=json.dumps(ANSWER), metrics=[{"cost": "much"}]
            ),
        },
    ),
    # --- the submit
    *_jobs(
        "acts",
        {
            f"submit {status}, then taken": (reply(status, BUSY, NOW), SUBMITTED)
            for status in (408, 425, 429, 500, 503)
        },
    ),
    *_jobs(
        "acts",
        {
            f"submit {what}": {"acts": act, "error": error}
            for what, error, act in (
                ("reset", e.SegmindConnectionError, does.reset),
                ("closed", e.SegmindConnectionError, does.close),
                ("502", e.SegmindServerError, reply(502, BUSY, NOW, runs=True)),
                ("504", e.SegmindServerError, reply(504, b"", NOW, runs=True)),
            )
        },
        outcome="unknown",
        polls=(),
        polled=0,
    ),
    *_lost(
        "acts",
        e.SegmindTimeoutError,
        "unknown",
        {"submit hang": does.hang},
        settings=SOON,
        gone=1,
        polls=(),
        polled=0,
    ),
    *_lost(
        "acts",
        e.SegmindResponseError,
        "executed",
        {
            "submit cut": does.cut,
            "submit HTML": reply(200, b"<h1>", runs=True),
            "submit nothing": reply(200, b"", runs=True),
            **{f"id {what}": reply(200, body, runs=True) for what, body in IDS.items()},
        },
        polls=(),
        polled=0,
    ),
    *_jobs(
        "acts",
        {
            "submit 401": {"acts": reply(401, BUSY), "error": e.SegmindAuthenticationError},
            "submit 404": {"acts": reply(404, BUSY), "error": e.SegmindModelNotFoundError},
        },
        outcome="rejected",
        runs=0,
        polls=(),
        polled=0,
    ),
    # --- the polls
    *_jobs(
        "polls",
        {f"6 times {what}, then good": (*[act] * 6, DONE) for what, (_, act) in BAD_POLLS.items()},
        polled=8,
    ),
    *_jobs(
        "polls",
        {
            f"7 times {what}": {"polls": act, "error": error}
            for what, (error, act) in BAD_POLLS.items()
            if what != "too much"
        },
        outcome="unknown",
        polled=7,
    ),
    *_jobs(
        "polls",
        {
            "bad polls that are not in a row": (
                *[*[reply(503, BUSY)] * 4, _state("QUEUED")] * 2,
                *[reply(503, BUSY)] * 4,
                DONE,
            )
        },
        polled=16,
    ),
    *_jobs(
        "polls",
        {
            "poll hangs, then good": (does.stall, DONE),
            "poll drips, then good": (does.drips(b" " * 10_000, start=head(200, {}, 10_000)), DONE),
        },
        polled=3,
        gone=1,
        settings=SOON,
    ),
    *_jobs(
        "polls",
        {
            f"poll {status}": {"polls": reply(status, BUSY), "error": error}
            for status, error in (
                (400, e.SegmindInvalidRequestError),
                (401, e.SegmindAuthenticationError),
                (403, e.SegmindPermissionDeniedError),
            )
        },
        outcome="unknown",
        polled=1,
    ),
    *_lost(
        "place",
        e.SegmindInvalidRequestError,
        "unknown",
        {
            f"poll {status} to another host": beside_canary(
                status, "http://{canary}/v2/requests/x/status"
            )
            for status in (301, 302, 307)
        },
        polls=to_canary,
        polled=1,
    ),
    *_lost(
        "place",
        e.SegmindInvalidRequestError,
        "executed",
        {"result redirected": beside_canary(302, "http://{canary}/v2/requests/x")},
        results=to_canary,
        polled=2,
    ),
    # --- the end
    *_lost(
        "polls",
        e.SegmindJobFailedError,
        "rejected",
        {
            f"FAILED under {status}": _state("FAILED", status, error="no luck")
            for status in (200, 422, 500)
        },
        message="no luck",
        polled=1,
    ),
    *_lost(
        "results",
        e.SegmindJobFailedError,
        "rejected",
        {
            f"result FAILED under {status}": _state("FAILED", status, error="no luck")
            for status in (200, 422)
        },
        message="no luck",
        polled=2,
    ),
    *_lost(
        "polls",
        e.SegmindContextOverflowError,
        "rejected",
        {"FAILED for its length": _state("FAILED", 422, error="prompt is too long")},
        polled=1,
    ),
    *_jobs(
        "results",
        {
            f"result 6 times {what}, then good": (*[BAD_POLLS[what][1]] * 6, GOOD)
            for what in RESULTS_TOO
        },
        polled=8,
    ),
    *_jobs(
        "results",
        {
            f"result 7 times {what}": {"results": BAD_POLLS[what][1], "error": BAD_POLLS[what][0]}
            for what in RESULTS_TOO
        },
        outcome="executed",
        polled=8,
    ),
    *_lost(
        "results",
        e.SegmindResponseError,
        "executed",
        {
            "output half a reply": _result(output=json.dumps(ANSWER)[:-10]),
            "output empty": _result(output=""),
            "output a number": _result(output=5),
            "output a list": _result(output=[]),
            "output null": _result(output=None),
            "output an error": _result(output=json.dumps({"error": "overloaded"})),
            "output without an answer": _result(output={"choices": []}),
        },
        polled=2,
    ),
    *_lost(
        "polls",
        e.SegmindJobTimeoutError,
        "unknown",
        {
            "QUEUED until the deadline": _state("QUEUED"),
            "WEIRD until the deadline": _state("WEIRD"),
        },
        settings={"queue_timeout": 0.3},
    ),
    *_lost(
        "polls",
        e.SegmindJobTimeoutError,
        "unknown",
        {"QUEUED in total until the deadline": _state("QUEUED")},
        settings={"total_timeout": 2.5},
    ),
]


OUTPUTS: Final = {
    "a number in text": (_result(output="42"), "42"),
    "a quoted text": (_result(output='"quoted"'), '"quoted"'),
    "an object of the model's": (_result(output='{"name": "Ada"}'), '{"name": "Ada"}'),
    "an object with an error of 0": (
        _result(output='{"content": "Ada", "error": 0}'),
        '{"content": "Ada", "error": 0}',
    ),
    "a list of the model's": (_result(output="[1, 2]"), "[1, 2]"),
    "text in braces": (_result(output="{braces} are fun"), "{braces} are fun"),
    "text after thoughts": (_result(output="<think>Hm.</think>fine"), "fine"),
    "nothing but the answer": (reply(200, ANSWER), "fine"),
    "Claude's, as text": (
        _result(output=json.dumps({"content": [{"type": "text", "text": "fine"}]})),
        "fine",
    ),
    "Gemini's": (
        _result(output={"candidates": [{"content": {"parts": [{"text": "fine"}]}}]}),
        "fine",
    ),
    "half a surrogate": (_result(output="a\ud800b"), "a\N{REPLACEMENT CHARACTER}b"),
    "in a state nobody documented": (reply(200, {"status": "READY", "output": "fine"}), "fine"),
}

# What a flow decides alone, whatever the driver: not played over HTTP, and not in docs/faults.md.
JOB_DETAILS: Final = [
    *_jobs(
        "acts",
        {
            "an answer instead of an id": reply(200, ANSWER, runs=True),
            "a text instead of an id": reply(200, {"output": "fine"}, runs=True),
        },
        polls=(),
        polled=0,
    ),
    *_jobs(
        "results",
        {
            f"output {what}": {"results": result, "text": text}
            for what, (result, text) in OUTPUTS.items()
        },
        polled=2,
    ),
    *_lost(
        "results",
        e.SegmindResponseError,
        "executed",
        {
            "output blank": _result(output="  "),
            "output missing, and no answer": _result(),
            "output with choices in text": _result(output={"choices": "no"}),
            "output an error with a status": _result(output={"error": "x", "status_code": 500}),
            "output a list of a number": _result(output=[1]),
        },
        message="output",
        polled=2,
    ),
    *_jobs(
        "polls",
        {
            f"state {word!r}": _state(word, status)
            for word, status in (
                *(("completed", 200), (" COMPLETED ", 200), ("Completed", 200)),
                *(("SUCCEEDED", 200), ("COMPLETED", 422)),
            )
        },
        polled=2,
    ),
    *_jobs(
        "polls",
        {
            "PROCESSING under 422": (_state("PROCESSING", 422), DONE),
            "failed under 500": (_state("failed", 500, error="internal error"), DONE),
            "failed under 404": (_state("failed", 404, error="not found"), DONE),
            "error under 503": (_state("error", 503), DONE),
        },
        polled=3,
    ),
    *_jobs(
        "polls",
        {"result not ready after all": (DONE, _state("PROCESSING"), DONE)},
        results=(_state("PROCESSING", output=None), GOOD),
        polled=5,
    ),
    *_jobs("polls", {"poll silent 6 times, then good": (*[does.stall] * 6, DONE)}, polled=8),
    *_lost("polls", e.SegmindTimeoutError, "unknown", {"poll silent": does.stall}, polled=7),
    *_lost("polls", e.SegmindJobNotFoundError, "unknown", {"poll 410": reply(410)}, polled=1),
    *_lost(
        "polls",
        e.SegmindJobFailedError,
        "rejected",
        {
            "cancelled": _state("cancelled", error="no luck"),
            "failed": _state("failed", error="no luck"),
            "422 in HTML": reply(422, b"<html>no luck</html>"),
            "422 without a state": reply(422, {"error": "no luck"}),
        },
        message="no luck",
        polled=1,
    ),
    *_lost(
        "acts",
        e.SegmindResponseError,
        "executed",
        {
            "id nowhere": reply(200, {}),
            "id true": reply(200, {"request_id": True}),
            "id with a dot": reply(200, {"request_id": "a.b"}),
            "id in a list": reply(200, []),
            "id in text": reply(200, "text"),
        },
        polls=(),
        polled=0,
    ),
]
