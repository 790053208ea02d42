"""Failures on demand: what was ordered, what it strikes, and how it looks to the client."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from langchain_segmind.testing.errors import Answer, error_answer

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
_STARTING_RUNS = frozenset({"run", "submit"})
_STATUSES = range(200, 600)


@dataclass(frozen=True)
class Failure:
    """An error some requests will get.

    Attributes:
        status: The status to answer.
        times: How many requests get it.
        headers: The headers of the answer, or None for the usual ones.
        body: The body of the answer, or None for the usual one.
        slug: The only model it is for, or None for any.
        after_run: Whether the model runs, and is billed, before the error.
        drop: When to close the connection instead of answering, or None to answer.
        on: Which requests it is for.
        of_job: Whether it is for no request at all, but for the run of a job.

    Raises:
        ValueError: `times` is below 1, `status` is no HTTP status, `drop` or `on` is unknown, or
            a request that runs no model is to fail after the run.
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

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError(f"times={self.times}: a failure happens at least once")
        if self.status not in _STATUSES:
            raise ValueError(f"status={self.status}: expected an HTTP status from 200 to 599")
        if self.drop not in {None, *get_args(Drop)}:
            raise ValueError(f"drop={self.drop!r}: expected one of {', '.join(get_args(Drop))}")
        if self.on not in get_args(Target):
            raise ValueError(f"on={self.on!r}: expected one of {', '.join(get_args(Target))}")
        if self.on not in _STARTING_RUNS and (self.after_run or self.drop == "after_run"):
            raise ValueError(f"on={self.on!r}: no model runs then, so nothing can follow a run")

    @property
    def late(self) -> bool:
        """Whether a good answer is made before this failure."""
        return self.after_run or self.drop in {"after_run", "mid_reply"}

    def strikes(self, event: Event, slug: str | None) -> bool:
        """Tell whether it is for this event, at this model."""
        hit = self.of_job if event == "job" else not self.of_job and self.on in _HIT_BY[event]
        return hit and self.slug in {None, slug}


def fail(failure: Failure) -> Answer:
    """Answer as a failure says."""
    if failure.drop:
        return Answer(None)
    return error_answer(failure.status, failure.body, failure.headers)


def fail_after(failure: Failure | None, answer: Answer) -> Answer:
    """Fail as a failure says, after a good answer was made; without one, give that answer."""
    if failure is None:
        return answer
    if failure.drop == "mid_reply":
        return replace(answer, cut_short=True)
    return replace(fail(failure), executed=answer.executed)
