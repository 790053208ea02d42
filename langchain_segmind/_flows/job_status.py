"""Read the gateway's reports on a job: the reply to its submission, and to a poll."""

import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any, Final

from langchain_segmind._flows.failures import parse_amount
from langchain_segmind._flows.send import receipt_of
from langchain_segmind._flows.types import JobEvent, Receipt, Response, Result
from langchain_segmind._formats import parse
from langchain_segmind._value import value
from langchain_segmind.errors import SegmindResponseError

COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"

_ID: Final = r"[A-Za-z0-9_-]{1,128}"
_ID_IN_TEXT: Final = r'"request_id"\s*:\s*"([^"]{1,128})"'
_STATE: Final = r"[A-Z][A-Z_ -]{0,39}"
_SYNONYMS: Final = {
    **dict.fromkeys(("SUCCEEDED", "SUCCESS", "DONE"), COMPLETED),
    **dict.fromkeys(("ERROR", "CANCELLED", "CANCELED", "EXPIRED"), FAILED),
}
"""Words for an end that the gateway does not document. Any other state means to wait."""


@value
class JobHandle:
    """A job in the queue, in its last known state.

    Attributes:
        url: Where its result is; its status is at `/status` below.
        headers: Extra headers for every request.
        state: Blank for a job that was found by its id, until the first poll.
        since: When it was submitted, in seconds since the flow began.
    """

    id: str
    model: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    state: str = ""
    since: float = 0.0

    def event(self, seconds: float) -> JobEvent:
        """Return the event of its state, this long after the flow began."""
        return JobEvent(self.state, self.id, self.model, seconds)


@value
class JobSnapshot:
    """What a good poll showed: the parsed body, and the HTTP reply that it came in."""

    state: str
    body: Mapping[str, Any]
    response: Response


def snapshot_of(response: Result, *, is_result: bool) -> JobSnapshot | None:
    """Read a poll of a job's status, or of its result; None for a bad one."""
    if not isinstance(response, Response) or response.fault is not None:
        return None
    body = _parse(response.body)
    if not isinstance(body, dict):
        return JobSnapshot(FAILED, {}, response) if response.status == 422 else None
    state = state_in(body)
    if response.status == 422:
        state = state or FAILED
    elif not response.is_success:
        # The gateway's own word for an end counts under any status; a front may have others.
        state = state if body.get("status") in (COMPLETED, FAILED) else None
    elif is_result and state != FAILED and (state is None or body.get("output") is not None):
        state = COMPLETED
    return None if state is None else JobSnapshot(state, body, response)


def submitted_state(response: Response) -> str:
    """Return the state that the reply to a submission gives the job."""
    return state_in(_parse(response.body)) or "QUEUED"


def state_in(body: Any) -> str | None:
    """Return the state in a body, with unusual words replaced; None if there is no state."""
    status = body.get("status") if isinstance(body, dict) else None
    word = status.strip().upper() if isinstance(status, str) else ""
    return _SYNONYMS.get(word, word) if re.fullmatch(_STATE, word) else None


def job_id_in(body: str) -> str | None:
    """Return the job's id in the reply to a submission, even in one that was cut short."""
    parsed = _parse(body.encode("utf-8", "replace"))
    if isinstance(parsed, dict):
        given = parsed.get("request_id")
        is_id = isinstance(given, str | int) and not isinstance(given, bool)
        found = str(given) if is_id else ""
    else:
        cut = re.search(_ID_IN_TEXT, body)
        found = cut[1] if cut else ""
    return found if is_job_id(found) else None


def is_job_id(found: object) -> bool:
    """Return whether this can be a job's id: it becomes part of a URL that the key is sent to."""
    return isinstance(found, str) and re.fullmatch(_ID, found) is not None


def job_receipt(job: JobHandle, ambiguous: int, snapshot: JobSnapshot) -> Receipt:
    """Read what a job took from its metrics or, where these lack it, from the headers."""
    receipt = receipt_of(snapshot.response.headers, ambiguous)
    metrics = snapshot.body.get("metrics")
    metrics = metrics if isinstance(metrics, dict) else {}

    def either(name: str, otherwise: float | None) -> float | None:
        found = parse_amount(metrics.get(name))
        return otherwise if found is None else found

    return replace(
        receipt,
        request_id=job.id,
        cost=either("cost", receipt.cost),
        remaining_credits=either("remaining_credits", receipt.remaining_credits),
        generation_time=either("inference_time", receipt.generation_time),
        queue_time=parse_amount(metrics.get("queue_time")),
    )


def _parse(body: bytes) -> Any:
    try:
        return parse(body)
    except SegmindResponseError:
        return None
