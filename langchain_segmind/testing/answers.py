"""What the gateway answers when it refuses, or is told to fail; knows nothing of requests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Literal, get_args

INVALID_KEY = {
    "error": "Unauthorized",
    "error_description": "Unauthorized. API key is invalid or may have expired. "
    "The local gateway takes the key it was started with.",
    "status_code": 401,
}

_TEXTS = {
    400: "Bad request",
    401: "Missing Authorization or x-api-key in header",
    403: "You do not have permission to use this model",
    404: "Not found",
    406: "Insufficient credits",
    410: "This model has been retired",
    413: "Request body too large",
    429: "Rate limit exceeded",
    500: "Internal server error",
}
_HTML_TITLES = {
    405: "405 Not Allowed",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}
_FAILED_JOB = {"status": "FAILED", "error": "The model could not process the input"}


@dataclass(frozen=True)
class HTTPAnswer:
    """One HTTP answer, or the deliberate lack of one."""

    status: int | None  # None closes the connection without an answer
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    executed: bool = False  # whether a model ran, and was billed
    cut_short: bool = False  # whether to close the connection in the middle of the body


class RefusalError(Exception):
    """The gateway refuses a request, wherever the reason is found out.

    The body is the text for the key ``error``, a whole JSON body, or None for the usual one.
    """

    def __init__(self, status: int, body: object = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = {"error": body} if isinstance(body, str) else body

    def answer(self) -> HTTPAnswer:
        """Write the refusal as an HTTP answer."""
        return error_answer(self.status, self.body)


def to_json(value: Any) -> bytes:
    """Write a JSON value as bytes, whatever text it holds (a lone surrogate becomes ``?``)."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def json_answer(value: Any, headers: Mapping[str, str] | None = None) -> HTTPAnswer:
    """Answer 200 with a JSON value."""
    return HTTPAnswer(200, to_json(value), headers=headers or {})


def error_answer(
    status: int, body: object = None, headers: Mapping[str, str] | None = None
) -> HTTPAnswer:
    """Answer with an error: text (HTML when it begins with ``<``), bytes or any JSON value.

    None is for the body, or the headers, that the real gateway sends with this status.
    """
    if headers is None and status == 429:
        reset = datetime.now(timezone.utc) + timedelta(seconds=1)
        stamp = reset.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        headers = {"x-rate-limit-reset-at-utc": stamp}
    content, content_type = _encode(_usual_body(status) if body is None else body)
    return HTTPAnswer(status, content, content_type, headers or {})


def error_text(answer: HTTPAnswer) -> str:
    """Return in one text what went wrong, as an error answer says."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("error"), str):
        return str(body["error"])
    has_no_text = answer.content_type == "text/html" or not answer.body
    return f"Error {answer.status}" if has_no_text else answer.body.decode("utf-8", "replace")


def _encode(body: object) -> tuple[bytes, str]:
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        kind = "text/html" if body.startswith("<") else "text/plain"
        return body.encode("utf-8", "replace"), kind
    return to_json(body), "application/json"


def _usual_body(status: int) -> object:
    if title := _HTML_TITLES.get(status):
        return f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return _FAILED_JOB if status == 422 else {"error": _TEXTS.get(status, f"Error {status}")}


Drop = Literal["before_run", "after_run", "mid_reply"]
Target = Literal["run", "submit", "poll", "status", "result"]
Event = Literal["call", "submit", "status", "result", "job"]

# What happens at the gateway, and the targets it is hit by.
_HIT_BY: Mapping[Event, frozenset[str]] = {
    "call": frozenset({"run"}),
    "submit": frozenset({"run", "submit"}),
    "status": frozenset({"poll", "status"}),
    "result": frozenset({"poll", "result"}),
}


@dataclass(frozen=True)
class ScriptedFailure:
    """An error some requests will get, as `LocalGateway.fail` describes it.

    `of_job` is for a failure that no request gets, but the run of a job. `happened` says whether a
    request or a job got it already.
    """

    status: int
    times: int = 1
    headers: Mapping[str, str] | None = None
    body: object = None
    slug: str | None = None
    after_run: bool = False
    drop: Drop | None = None
    on: Target = "run"
    of_job: bool = False
    happened: bool = False

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError(f"times={self.times}: a failure happens at least once")
        if self.status not in range(200, 600):
            raise ValueError(f"status={self.status}: expected an HTTP status from 200 to 599")
        if self.drop is not None:
            check_choice("drop", self.drop, Drop)
        check_choice("on", self.on, Target)
        if self.on not in {"run", "submit"} and (self.after_run or self.drop == "after_run"):
            raise ValueError(f"on={self.on!r}: no model runs then, so nothing can follow a run")

    @property
    def late(self) -> bool:
        """Whether a good answer is made before this failure."""
        return self.after_run or self.drop in {"after_run", "mid_reply"}

    def hits(self, event: Event, slug: str | None) -> bool:
        """Return whether it is for this event, at this model."""
        hit = self.of_job if event == "job" else not self.of_job and self.on in _HIT_BY[event]
        return hit and self.slug in {None, slug}

    def describe(self) -> str:
        """Write the failure as the call that scripted it, in short."""
        what = {} if self.of_job else {"drop": self.drop} if self.drop else {"status": self.status}
        given = {**what, "on": None if self.on == "run" else self.on, "slug": self.slug}
        shown = ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)
        return f"{'fail_job' if self.of_job else 'fail'}({shown})"

    def answer(self) -> HTTPAnswer:
        """Answer as the failure says."""
        if self.drop:
            return HTTPAnswer(None)
        return error_answer(self.status, self.body, self.headers)


def fail_after(failure: ScriptedFailure | None, answer: HTTPAnswer) -> HTTPAnswer:
    """Fail after a good answer was made; without a failure, give that answer."""
    if failure is None:
        return answer
    if failure.drop == "mid_reply":
        return replace(answer, cut_short=True)
    return replace(failure.answer(), executed=answer.executed)


def check_choice(name: str, value: object, allowed: object) -> None:
    """Raise a `ValueError` if a setting is not one of the values of a `Literal`."""
    if value not in get_args(allowed):
        choices = ", ".join(map(str, get_args(allowed)))
        raise ValueError(f"{name}={value!r}: expected one of {choices}")
