"""Requests on a line each, for people who watch the gateway, or wonder why a test failed."""

import json
import re
from collections.abc import Callable
from typing import Any

from langchain_segmind.testing.ledger import LoggedRequest

_KEPT = 1000  # jobs; a process that runs for days must not grow
_POLL = re.compile(r"/v2/requests/(?P<id>[^/]+)(?P<status>/status)?")
_QUESTION = 60  # characters of what was asked
_REASON = 200  # characters of what went wrong
_LAST = ("messages", "contents", "content", "parts", "prompt", "input")


class LiveLog:
    """Writes every request on a line, but only counts polls answered with *not yet*, or *done*."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._polls: dict[str, int] = {}

    def show(self, request: LoggedRequest) -> None:
        """Show a request, or count it."""
        job = _POLL.match(request.path)
        if job is None:
            self._write(describe(request))
        elif job["status"] and request.status == 200:
            self._polls[job["id"]] = self._polls.get(job["id"], 0) + 1
            if len(self._polls) > _KEPT:
                del self._polls[next(iter(self._polls))]
        else:
            polls = self._polls.pop(job["id"], 0)
            after = f", after {polls} status poll{'s' * (polls != 1)}" if polls else ""
            self._write(describe(request) + after)


def describe(request: LoggedRequest) -> str:
    """Write a request on one line: what was asked, and what became of it; without its headers."""
    try:
        asked = last_text(request.body)
    except RecursionError:  # JSON may be nested deeper than Python's calls
        asked = ""
    question = f" {_shortened(asked, _QUESTION)}" if asked else ""
    outcome = "connection dropped" if request.status is None else str(request.status)
    billed = ", billed" if request.executed else ""
    reason = f": {_shortened(request.error, _REASON)}" if request.error else ""
    return f"{request.method} {request.path}{question} -> {outcome}{billed}{reason}"


def last_text(body: Any) -> str:
    """Find the last text in the body of any family; empty where there is not one."""
    match body:
        case str():
            return body
        case list():
            return next(filter(None, map(last_text, reversed(body))), "")
        case {"text": str(text)}:
            return text
        case dict():
            return next(filter(None, (last_text(body[key]) for key in _LAST if key in body)), "")
        case _:
            return ""


def _shortened(text: str, most: int) -> str:
    line = " ".join(text.split())
    return json.dumps(line if len(line) <= most else f"{line[:most]}…", ensure_ascii=False)
