"""Declare what may watch the requests of a call. It does not record anything itself."""

from __future__ import annotations

from typing import Protocol

from langchain_segmind._flows.types import Outcome


class SendObserver(Protocol):
    """Watch the requests of a call that may be billed."""

    def before_send(self) -> None:
        """Allow the next request, or raise to prevent it."""

    def after_reply(self, outcome: Outcome) -> None:
        """Record the outcome of a request."""
