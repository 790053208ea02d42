"""One fault as a value, and the constructors that the tables are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final

from langchain_segmind.errors import SegmindError
from tests.faults.catalog.places import OpenPlace, Place, on_this_machine
from tests.faults.server import ANSWER, Act, answer, head, reply


@dataclass(frozen=True)
class Scenario:
    """One fault, and what is right.

    Attributes:
        name: What happens, grouped by the word before the colon.
        acts: What the gateway does at the first request for the model, the second, ...; the last
            act serves all that follow.
        error: The class the call must raise; None if it must answer.
        outcome: The error's `outcome`.
        requests: How many requests for the model may arrive.
        runs: How many times the model runs.
        attempts: The error's `attempts`; None where all of them arrived.
        gone: How many clients must have left before their answer was complete.
        message: A part of the error's message.
        polls: What the queue does at the polls for a job's state.
        results: What it does at those for the result.
        polled: How many polls must arrive; None where that does not matter.
        text: The text of the answer.
        settings: The model's, beside the address.
        calls: How many calls are made, all but the last of which must succeed.
        place: Where the acts happen; None for a gateway over plain HTTP.
    """

    name: str
    acts: tuple[Act, ...] = ()
    error: type[SegmindError] | None = None
    outcome: str | None = None
    requests: int = 1
    runs: int = 0
    attempts: int | None = None
    gone: int = 0
    message: str = ""
    polls: tuple[Act, ...] = ()
    results: tuple[Act, ...] = ()
    polled: int | None = None
    text: str = "fine"
    settings: Mapping[str, Any] = field(default_factory=dict)
    calls: int = 1
    place: OpenPlace | None = None

    def at(self) -> AbstractContextManager[Place]:
        """Open the place where it happens."""
        return (self.place or on_this_machine)(self)

    @property
    def group(self) -> str:
        """The kind of fault."""
        return self.name.partition(":")[0]


# An act, acts in turn, or all the fields in which a scenario differs from the others of its group.
Fault = Act | tuple[Act, ...] | Mapping[str, Any]


def scenarios(
    group: str,
    faults: Mapping[str, Any],
    act: Callable[[Any], Fault] = lambda fault: fault,
    **shared: Any,
) -> Iterator[Scenario]:
    """Make a scenario of each fault.

    Args:
        group: The word before the colon of their names.
        faults: What happens, by the rest of the name.
        act: Makes a `Fault` of each value.
        **shared: Fields of all these scenarios.
    """
    for name, value in faults.items():
        fault = act(value)
        if isinstance(fault, Mapping):
            own = fault
        else:
            own = {"acts": fault if isinstance(fault, tuple) else (fault,)}
        yield Scenario(f"{group}: {name}", **{**shared, **own})


def fine(group: str, faults: Mapping[str, Any], **shared: Any) -> Iterator[Scenario]:
    """The call must answer."""
    return scenarios(group, faults, **{"runs": 1, **shared})


def rejected(
    group: str, error: type[SegmindError], faults: Mapping[str, Any], **shared: Any
) -> Iterator[Scenario]:
    """The gateway refused, and nothing was billed."""
    return scenarios(group, faults, error=error, outcome="rejected", **shared)


def unknown(
    group: str, error: type[SegmindError], faults: Mapping[str, Any], **shared: Any
) -> Iterator[Scenario]:
    """The model may have run; so the call is not repeated."""
    return scenarios(group, faults, error=error, outcome="unknown", **shared)


def executed(
    group: str, error: type[SegmindError], faults: Mapping[str, Any], **shared: Any
) -> Iterator[Scenario]:
    """The model ran, and its answer is lost; so the call is not repeated."""
    return scenarios(group, faults, error=error, outcome="executed", **{"runs": 1, **shared})


def not_sent(
    group: str, error: type[SegmindError], places: Mapping[str, OpenPlace], **shared: Any
) -> Iterator[Scenario]:
    """Nothing reached the gateway."""
    shared = {"acts": (answer(),), "requests": 0, "outcome": "not_sent", **shared}
    faults = {name: {"place": place} for name, place in places.items()}
    return scenarios(group, faults, error=error, **shared)


def runs_and_sends(body: Any) -> Act:
    """Run the model and answer with a body."""
    return reply(200, body, runs=True)


# Spares the tests the wait between two attempts.
NOW: Final = {"Retry-After-Ms": "1"}
BUSY: Final = {"error": "busy"}
FINE: Final = json.dumps(ANSWER).encode()
WHOLE: Final = head(200, {}, len(FINE)) + FINE

BRIEF: Final = {"connect_timeout": 0.4, "max_retries": 0}
ONCE: Final = {"max_retries": 0}
TWICE: Final = {"max_retries": 1}
# Whoever is stopped for two seconds, the client or the server, still comes as far as the fault.
SOON: Final = {"timeout": 2.5}
