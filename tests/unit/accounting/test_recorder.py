"""Which entries a call leaves in a ledger, by what happened to it."""

from decimal import Decimal

import pytest

from langchain_segmind import (
    SegmindConnectionError,
    SegmindInvalidRequestError,
    SegmindJobFailedError,
    SegmindJobTimeoutError,
    SegmindResponseError,
)
from langchain_segmind._accounting.ledger import LedgerEntry
from langchain_segmind._accounting.recorder import Answer, entries_of
from langchain_segmind._flows.types import JobEvent, Receipt
from langchain_segmind._messages.types import Usage


def requests(*outcomes):
    """The events of requests that ended like this; None for one that has not."""
    for outcome in outcomes:
        yield "sent"
        if outcome is not None:
            yield outcome


def job(name, *states):
    return [JobEvent(state, name, "m", 0.0) for state in states]


def entry(runs, unknown=0, cost="0", **fields):
    return LedgerEntry("m", runs, unknown, Decimal(cost), **fields)


ANSWER = Answer(Receipt(cost=0.1))
INTERRUPT = KeyboardInterrupt()
QUEUED = [*requests("executed"), *job("j", "QUEUED")]
SECOND_JOB = [*requests("executed"), *job("k", "QUEUED")]


@pytest.mark.parametrize(
    ("events", "end", "entries"),
    [
        # an answer
        (requests("executed"), ANSWER, [entry(1, cost="0.1")]),
        (requests("executed"), Answer(Receipt()), [entry(1, unknown=1)]),
        (requests("executed"), Answer(Receipt(cost=-1.0)), [entry(1, unknown=1)]),
        (
            requests("executed"),
            Answer(Receipt(cost=0.1, remaining_credits=9.9), Usage(3, 4)),
            [entry(1, cost="0.1", input_tokens=3, output_tokens=4, balance=9.9)],
        ),
        (
            requests("unknown", "rejected", "unknown", "not_sent", "executed"),
            ANSWER,
            [entry(2, unknown=2), entry(1, cost="0.1")],
        ),
        # an error
        (requests("rejected"), SegmindInvalidRequestError("", outcome="rejected"), [entry(0)]),
        (requests("not_sent"), SegmindConnectionError("", outcome="not_sent"), [entry(0)]),
        (
            requests("unknown"),
            SegmindConnectionError("", outcome="unknown"),
            [entry(1, unknown=1), entry(0)],
        ),
        (
            requests("executed"),
            SegmindResponseError("", outcome="executed"),
            [entry(1, unknown=1)],
        ),
        (
            requests("executed"),
            SegmindResponseError("", outcome="executed", cost=0.5, remaining_credits=9.5),
            [entry(1, cost="0.5", balance=9.5)],
        ),
        # a call that is given up
        ([], INTERRUPT, [entry(0)]),
        (requests(None), INTERRUPT, [entry(1, unknown=1)]),
        (requests("rejected"), INTERRUPT, [entry(0)]),
        (requests("not_sent"), INTERRUPT, [entry(0)]),
        (requests("unknown", "unknown"), INTERRUPT, [entry(2, unknown=2), entry(0)]),
        (requests("executed"), INTERRUPT, [entry(1, unknown=1)]),
        # a job
        (QUEUED, "pending", [entry(1, unknown=1, job="j", is_open=True)]),
        (QUEUED, INTERRUPT, [entry(1, unknown=1, job="j", is_open=True)]),
        (
            QUEUED,
            SegmindJobTimeoutError("", outcome="unknown"),
            [entry(1, unknown=1, job="j", is_open=True)],
        ),
        (QUEUED, ANSWER, [entry(1, cost="0.1", job="j")]),
        (
            [*QUEUED, *job("j", "FAILED")],
            SegmindJobFailedError("", outcome="rejected"),
            [entry(0)],
        ),
        ([*QUEUED, *job("j", "FAILED")], INTERRUPT, [entry(0)]),
        ([*QUEUED, *job("j", "FAILED"), *SECOND_JOB], ANSWER, [entry(1, cost="0.1", job="k")]),
    ],
)
def test_entries_follow_from_events_and_end(events, end, entries):
    assert entries_of("m", events, end) == entries


@pytest.mark.parametrize(
    ("events", "end", "entries"),
    [
        ([], ANSWER, [entry(1, cost="0.1", job="j")]),
        (job("j", "PROCESSING", "COMPLETED"), ANSWER, [entry(1, cost="0.1", job="j")]),
        (job("j", "FAILED"), SegmindJobFailedError("", outcome="rejected"), [entry(0, job="j")]),
        (
            [],
            SegmindResponseError("", outcome="executed", cost=0.5),
            [entry(1, cost="0.5", job="j", is_open=True)],
        ),
        # A fetch that fails changes nothing: it can be repeated.
        ([], SegmindConnectionError("", outcome="unknown"), []),
        ([], SegmindResponseError("", outcome="executed"), []),
        (job("j", "PROCESSING"), INTERRUPT, []),
    ],
)
def test_entries_of_a_fetched_job(events, end, entries):
    assert entries_of("m", events, end, fetched="j") == entries
