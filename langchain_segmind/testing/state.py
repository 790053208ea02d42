"""All that answering takes, and the checks every call has to pass.

No socket here: `server` brings visits and takes answers away; `routes` says who answers which.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_segmind.testing.checks import fields, json_body
from langchain_segmind.testing.directory import Model
from langchain_segmind.testing.embedding_replies import EmbeddingReply
from langchain_segmind.testing.errors import INVALID_KEY, RefusalError
from langchain_segmind.testing.ledger import Ledger
from langchain_segmind.testing.queue import Jobs
from langchain_segmind.testing.responder_pool import ResponderPool
from langchain_segmind.testing.runs import Run


@dataclass(frozen=True)
class Visit:
    """A request, free of any HTTP library.

    Attributes:
        method: The verb.
        path: The path, decoded.
        headers: The headers, names in lower case.
        raw: The bytes of the body.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes = b""


@dataclass(frozen=True)
class GatewayState:
    """All that answering takes.

    Attributes:
        ledger: What the gateway remembers.
        jobs: What was handed in to its queue.
        responders: Who asks the responder.
        api_key: The one key that is valid.
        directory: The models by slug.
        latency: Seconds each run takes.
        honor_stop: Whether stop sequences end an answer.
        unfetchable: Hosts pictures cannot be fetched from.
        refuses_format: Slugs that refuse any ``response_format``.
        forward_tools: Whether the families' own tool fields reach the models.
        embedding_reply: How vectors are told, or None for each family's own way.
    """

    ledger: Ledger
    jobs: Jobs
    responders: ResponderPool
    api_key: str
    directory: Mapping[str, Model]
    latency: float = 0.0
    honor_stop: bool = False
    unfetchable: Collection[str] = ()
    refuses_format: Collection[str] = ()
    forward_tools: bool = False
    embedding_reply: EmbeddingReply | None = None


Execution = Callable[[], Awaitable[Run]]  # runs a model, and bills it


def check_key(state: GatewayState, visit: Visit) -> None:
    """Refuse a visit without the right key in ``x-api-key``."""
    key = visit.headers.get("x-api-key")
    if not key and "authorization" not in visit.headers:
        raise RefusalError(401)
    if key != state.api_key:
        raise RefusalError(401, INVALID_KEY)


def check_content_type(visit: Visit) -> None:
    """Refuse a body that is not declared JSON."""
    declared = visit.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise RefusalError(406, "Invalid content type")


def find(state: GatewayState, slug: str) -> Model:
    """Find the model of a slug."""
    model = state.directory.get(slug)
    if model is None:
        raise RefusalError(404, f"Model '{slug}' not found")
    if model.retired:
        raise RefusalError(410, f"Model '{slug}' has been retired")
    return model


def check_credits(state: GatewayState) -> None:
    """Refuse a run that nothing is left to pay for."""
    if state.ledger.balance <= 0:
        raise RefusalError(406, "Insufficient credits")


def read_body(visit: Visit) -> dict[str, Any]:
    """Read the JSON object that every model call sends."""
    return fields(json_body(visit.raw), "body", optional=None)
