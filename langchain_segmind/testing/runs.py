"""What came of a run, its price, and how a client that waits for it is answered."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_segmind.testing.errors import Answer, error_answer, to_json
from langchain_segmind.testing.ledger import Ledger, in_dollars

_OK = 200


@dataclass(frozen=True)
class Receipt:
    """What was billed for a run.

    Attributes:
        run_id: The run.
        cost: In dollars.
        balance: What is left, in dollars.
    """

    run_id: str
    cost: float
    balance: float


@dataclass(frozen=True)
class Run:
    """A run that happened.

    Attributes:
        content: The model's own reply, a JSON value or bytes; the body of an error otherwise.
        seconds: How long the client waits for it.
        took: How long it took, thinking included.
        text: The words of the reply, when it has any.
        headers: Headers the reply asks for; None leaves out one of the gateway's own.
        receipt: What was billed; None when the run failed.
        status: The HTTP status for a client that waits.
        written: The content as JSON, when it is written already.
    """

    content: Any
    seconds: float
    took: float
    text: str | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    receipt: Receipt | None = None
    status: int = _OK
    written: bytes | None = None

    @property
    def raw(self) -> bytes:
        """The bytes of the content."""
        if self.written is not None:
            return self.written
        return self.content if isinstance(self.content, bytes) else to_json(self.content)


def bill(ledger: Ledger, cost: int) -> Receipt:
    """Bill a run: there is no way back from here, even if nobody waits for it.

    Args:
        ledger: Who keeps count.
        cost: In billionths of a dollar.

    Returns:
        What was billed.
    """
    return Receipt(uuid.uuid4().hex, in_dollars(cost), ledger.bill(cost))


def answer_of(run: Run) -> Answer:
    """Write down what a client that waited gets."""
    if run.receipt is None:
        return error_answer(run.status, run.content, kept({}, run.headers) or None)
    usual = {
        "x-remaining-credits": f"{run.receipt.balance:.9f}",
        "x-cost": f"{run.receipt.cost:.9f}",
        "x-request-id": run.receipt.run_id,
        "x-generation-time": f"{run.took:.4f}",
    }
    return Answer(_OK, run.raw, headers=kept(usual, run.headers), executed=True)


def kept(usual: Mapping[str, str], own: Mapping[str, str | None]) -> dict[str, str]:
    """Join the gateway's headers and a reply's own, which win, or strike out."""
    changed = {name.lower(): value for name, value in own.items()}
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}
