"""What may watch the requests of a call: budgets, usage, the cancellation of a batch."""

from __future__ import annotations

from typing import Protocol

from langchain_segmind._flows.types import Outcome


class SendObserver(Protocol):
    """Watches the requests of a call that may be billed."""

    def before_send(self) -> None:
        """Learn that such a request is sent next, or raise to prevent it."""

    def after_reply(self, outcome: Outcome) -> None:
        """Learn how it ended."""
