"""The words of which the tables are made."""

from __future__ import annotations

import json
from typing import Any, Final

from langchain_segmind import errors as e
from tests.faults.catalogue.scenario import (
    Scenario,
)
from tests.faults.server import ANSWER, Act, answer, head

NOW: Final = {"Retry-After-Ms": "1"}
"""What spares the tests the waits between attempts."""

BUSY: Final = {"error": "busy"}
FINE: Final = json.dumps(ANSWER).encode()


def fine(name: str, *acts: Act, requests: int = 1, runs: int = 1, **more: Any) -> Scenario:
    """The call must answer."""
    return Scenario(name, acts, requests=requests, runs=runs, **more)


def rejected(
    name: str, error: type[e.SegmindError], *acts: Act, requests: int = 1, **more: Any
) -> Scenario:
    """The gateway refused, and nothing was billed."""
    return Scenario(name, acts, error, "rejected", requests, **more)


def unknown(name: str, error: type[e.SegmindError], *acts: Act, **more: Any) -> Scenario:
    """Nobody can tell; so it is not repeated."""
    return Scenario(name, acts, error, "unknown", **more)


def executed(name: str, error: type[e.SegmindError], *acts: Act, **more: Any) -> Scenario:
    """The model ran, and its answer is lost; so it is not repeated."""
    return Scenario(name, acts, error, "executed", **{"runs": 1, **more})


def not_sent(
    name: str, error: type[e.SegmindError], place: Any, *, attempts: int, **more: Any
) -> Scenario:
    """Nothing reached the gateway."""
    found = {"place": place, "attempts": attempts, "requests": 0, **more}
    return Scenario(name, (answer(),), error, "not_sent", **found)


BRIEF: Final = {"connect_timeout": 0.4, "max_retries": 0}
ONCE: Final = {"max_retries": 0}
TWICE: Final = {"max_retries": 1}
SOON: Final = {"timeout": 0.5}


WHOLE: Final = head(200, {}, len(FINE)) + FINE
