"""What the endpoints work on: the gateway's state, and a model run with its cost.

No socket here: `server` brings requests and sends answers; `endpoints` knows who answers which.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_segmind.testing.answers import HTTPAnswer, error_answer, to_json
from langchain_segmind.testing.directory import Model
from langchain_segmind.testing.ledger import Charge, CreditAccount
from langchain_segmind.testing.queue import JobQueue
from langchain_segmind.testing.rate_limit import RequestCounter
from langchain_segmind.testing.responder_pool import ResponderPool


@dataclass(frozen=True)
class GatewayState:
    """All that answering takes; the settings are described by `LocalGateway`."""

    ledger: CreditAccount
    jobs: JobQueue
    responders: ResponderPool
    api_key: str
    directory: Mapping[str, Model]
    allowed_hosts: Collection[str] = ()
    latency: float = 0.0
    honor_stop: bool = False
    unfetchable: Collection[str] = ()
    refuses_format: Collection[str] = ()
    refuses_settings: Mapping[str, Collection[str]] = field(default_factory=dict)
    forward_tools: bool = False
    embedding_reply: str | None = None
    rate_limit: RequestCounter = field(default_factory=lambda: RequestCounter(None))


@dataclass(frozen=True)
class Run:
    """A run that happened."""

    content: Any  # the model's own reply, a JSON value or bytes; or the body of an error
    seconds: float  # how long the client waits for it
    took: float  # the responder's time included
    text: str | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)  # None removes a usual one
    receipt: Charge | None = None  # None when the run failed
    status: int = 200
    written: bytes | None = None  # the content as JSON, when it is written already
    content_type: str = "application/json"

    @property
    def raw(self) -> bytes:
        """The bytes of the content."""
        if self.written is not None:
            return self.written
        return self.content if isinstance(self.content, bytes) else to_json(self.content)

    def answer(self) -> HTTPAnswer:
        """Write what a client that waited gets."""
        if self.receipt is None:
            return error_answer(self.status, self.content, self.joined_headers({}) or None)
        usual = {
            "x-remaining-credits": f"{self.receipt.balance:.9f}",
            "x-cost": f"{self.receipt.cost:.9f}",
            "x-request-id": self.receipt.run_id,
            "x-generation-time": f"{self.took:.4f}",
        }
        headers = self.joined_headers(usual)
        return HTTPAnswer(200, self.raw, self.content_type, headers, executed=True)

    def joined_headers(self, usual: Mapping[str, str]) -> dict[str, str]:
        """Join the gateway's headers and the reply's own, which replace or remove them."""
        own = {name.lower(): value for name, value in self.headers.items()}
        return {name: value for name, value in {**usual, **own}.items() if value is not None}


Execution = Callable[[], Awaitable[Run]]
"""Runs a model and bills it; raises a `RefusalError`, unbilled, when the run fails."""
