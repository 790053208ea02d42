"""What may watch a call: budgets and usage, callbacks, the cancellation of a batch."""

from __future__ import annotations

from typing import Protocol

from langchain_segmind._flows.types import JobEvent, Outcome
from langchain_segmind._http.batch import AsyncCancelToken, CancelToken


class SendObserver(Protocol):
    """Watches the requests of a call that may be billed."""

    def before_send(self) -> None:
        """Learn that such a request is sent next, or raise to prevent it."""

    def after_reply(self, outcome: Outcome) -> None:
        """Learn how it ended."""


class CallObserver(SendObserver, Protocol):
    """Watches a call that `Transport.run` drives."""

    @property
    def cancel_token(self) -> CancelToken | None:
        """What ends a wait before a retry early; None where nothing does."""

    def on_job(self, event: JobEvent) -> None:
        """Learn of a new state of the call's job."""


class AsyncCallObserver(SendObserver, Protocol):
    """Watches a call that `Transport.arun` drives; see `CallObserver`."""

    @property
    def cancel_token(self) -> AsyncCancelToken | None:
        """What ends a wait before a retry early; None where nothing does."""

    async def on_job(self, event: JobEvent) -> None:
        """Learn of a new state of the call's job."""
