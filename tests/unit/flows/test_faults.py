"""The faults of the catalog as a flow sees them: the same table that is played over HTTP."""

from collections import Counter

import pytest

from langchain_segmind import SegmindError
from langchain_segmind._flows.chat import chat
from langchain_segmind._flows.jobs import WaitPolicy
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.types import Failure, Response
from tests.faults import server as does
from tests.faults.catalog import CATALOG, JOB_DETAILS
from tests.faults.server import JOB
from tests.unit.flows.playing import RESET, Played, call_of

# What the drivers report of acts that send no complete reply.
LOST = {
    does.reset: RESET,
    does.close: RESET,
    does.abort: RESET,
    does.hang: Failure("unknown", "timeout"),
    does.stall: Failure("unknown", "timeout"),
    does.cut: Response(200, body=b'{"id": "1", "obj', fault="cut"),
}


def outcome_of(act):
    """Return the outcome that an act has for a flow; None where it depends on the driver."""
    if not isinstance(act, does.Reply):
        return LOST.get(act)
    if "Content-Encoding" in act.headers or len(act.body) > 2**24:
        return None  # the drivers unpack bodies and cut them off
    return Response(act.status, {k.lower(): v for k, v in act.headers.items()}, act.body)


def outcomes_of(scenario):
    scripts = {"m": scenario.acts, "status": scenario.polls, "result": scenario.results}
    return {name: [outcome_of(act) for act in acts] for name, acts in scripts.items()}


PLAYABLE = [
    scenario
    for scenario in (*CATALOG, *JOB_DETAILS)
    if scenario.place is None
    and scenario.calls == 1
    and all(None not in outcomes for outcomes in outcomes_of(scenario).values())
]


def policies_of(scenario):
    given = dict(scenario.settings)
    is_queued = given.pop("queue", False)
    waits = {"poll_interval": given.pop("poll_interval", 0.5)}
    if "queue_timeout" in given:
        waits["timeout"] = given.pop("queue_timeout")
    wait_policy = WaitPolicy(**waits) if is_queued else None
    return {"retry_policy": RetryPolicy(**given), "wait_policy": wait_policy}


@pytest.mark.parametrize("scenario", PLAYABLE, ids=lambda scenario: scenario.name)
def test_flow_ends_as_the_fault_requires(scenario):
    outcomes = outcomes_of(scenario)
    arrived: Counter[str] = Counter()

    def choose(request):
        path = request.url.rsplit("/", 1)[1]
        name = "m" if request.method == "POST" else "status" if path == "status" else "result"
        arrived[name] += 1
        return outcomes[name][min(arrived[name], len(outcomes[name])) - 1]

    error, text = None, None
    try:
        text = Played(chat(call_of(slug="m", **policies_of(scenario))), choose).text
    except SegmindError as raised:
        error = raised

    assert type(error) is (scenario.error or type(None)), error
    assert text == (None if scenario.error else scenario.text)
    assert arrived["m"] == scenario.requests
    assert scenario.polled in (None, arrived["status"] + arrived["result"])
    if error is not None:
        assert error.outcome == scenario.outcome
        assert error.attempts == (scenario.attempts or arrived.total())
        assert scenario.message in str(error)
        if scenario.polls:
            assert error.request_id == JOB
            assert JOB in str(error) or scenario.outcome != "unknown"
            assert not error.is_retryable


def test_most_of_the_catalog_is_played():
    assert len(PLAYABLE) > len(CATALOG) / 2
    assert {scenario.group for scenario in PLAYABLE} >= {"status", "hint", "shape", "queue"}
