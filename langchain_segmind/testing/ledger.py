"""What a gateway remembers: its log, failures and replies to come, its balance. Thread-safe."""

import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_segmind.testing.answers import Event, ScriptedFailure
from langchain_segmind.testing.conversation import Reply, Usage

# Prices in billionths of a dollar a token: whole numbers add up to the same sum in any order.
_INPUT_PRICE = 1_000
_OUTPUT_PRICE = 4_000
_DOLLAR = 1_000_000_000
_SHOWN = 60  # characters of a scripted reply in a message


@dataclass(frozen=True)
class LoggedRequest:
    """One HTTP request and its outcome.

    Attributes:
        method: The HTTP method.
        path: The path, without a query.
        slug: The model; None if the request is not for a model.
        headers: The headers, with names in lower case.
        body: The JSON value of the body, or None if it is not JSON.
        raw: The bytes of the body.
        status: The status of the answer; None while it runs, or if the connection was dropped.
        executed: Whether a model ran for it, and was billed.
        connection: A number that identifies its TCP connection.
        error: The error message of the answer, if it is an error.
    """

    method: str
    path: str
    slug: str | None
    headers: Mapping[str, str] = field(repr=False)  # the key is in there
    body: Any
    raw: bytes = field(repr=False)
    status: int | None = None
    executed: bool = False
    connection: int = 0
    error: str | None = None


def cost_of(usage: Usage) -> int:
    """Price a run, in billionths of a dollar."""
    return usage.input_tokens * _INPUT_PRICE + usage.output_tokens * _OUTPUT_PRICE


@dataclass(frozen=True)
class Charge:
    """What was billed for a run: its cost and the balance left, in dollars."""

    run_id: str
    cost: float
    balance: float


class CreditAccount:
    """The memory of one gateway, with its first balance in dollars; `keep` is of the log."""

    def __init__(self, balance: float, keep: int | None = None) -> None:
        self._first_balance = round(balance * _DOLLAR)
        self._keep = keep
        self._lock = threading.Lock()
        self._next_number = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything, and restore the balance."""
        with self._lock:
            self._log: dict[int, LoggedRequest] = {}
            self._failures: list[ScriptedFailure] = []
            self._replies: list[Reply] = []
            self._spent = 0
            self._executions = 0

    @property
    def requests(self) -> list[LoggedRequest]:
        """Every request, in order of arrival."""
        with self._lock:
            return list(self._log.values())

    @property
    def executions(self) -> int:
        """How many model runs were executed."""
        with self._lock:
            return self._executions

    @property
    def balance(self) -> float:
        """What is left, in dollars."""
        with self._lock:
            return (self._first_balance - self._spent) / _DOLLAR

    def log_arrival(self, request: LoggedRequest) -> int:
        """Log a request, and return its number."""
        with self._lock:
            self._next_number += 1
            self._log[self._next_number] = request
            if self._keep is not None and len(self._log) > self._keep:
                self._log.pop(next(iter(self._log)))
            return self._next_number

    def log_answer(
        self, number: int, status: int | None, *, executed: bool, error: str | None = None
    ) -> LoggedRequest | None:
        """Log what became of a request; None when it was forgotten meanwhile."""
        with self._lock:
            if number not in self._log:
                return None
            done = replace(self._log[number], status=status, executed=executed, error=error)
            self._log[number] = done
            return done

    def bill(self, cost: int) -> Charge:
        """Count a run and bill its cost in billionths, even if nobody waits for it anymore."""
        with self._lock:
            self._executions += 1
            self._spent += cost
            balance = (self._first_balance - self._spent) / _DOLLAR
        return Charge(uuid.uuid4().hex, cost / _DOLLAR, balance)

    def add_failure(self, failure: ScriptedFailure) -> None:
        """Put a failure at the end of the queue."""
        with self._lock:
            self._failures.append(failure)

    def take_failure(self, event: Event, slug: str | None, *, late: bool) -> ScriptedFailure | None:
        """Take the next failure for an event at a model, if it is as late, or early, as that."""
        with self._lock:
            for at, failure in enumerate(self._failures):
                if failure.hits(event, slug):
                    if failure.late != late:
                        return None
                    left = failure.times - 1
                    rest = [replace(failure, times=left, happened=True)] if left else []
                    self._failures[at : at + 1] = rest
                    return failure
            return None

    def add_replies(self, replies: Iterable[Reply]) -> None:
        """Put scripted replies at the end of the queue."""
        with self._lock:
            self._replies.extend(replies)

    def take_reply(self) -> Reply | None:
        """Take the next scripted reply, if there is one."""
        with self._lock:
            return self._replies.pop(0) if self._replies else None

    @property
    def unused(self) -> list[str]:
        """The replies that were never sent and the failures that never happened, as text."""
        with self._lock:
            replies = [f"reply({_shown(reply)})" for reply in self._replies]
            return replies + [each.describe() for each in self._failures if not each.happened]


def _shown(reply: Reply) -> str:
    """Write what a scripted reply says: its calls, or its text, shortened."""
    content = ", ".join(f"Call({call.name!r})" for call in reply.calls) or repr(reply.text)
    return content if len(content) <= _SHOWN else f"{content[:_SHOWN]}…"
