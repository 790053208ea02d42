"""The gateway's conduct, request by request: a visit in, an answer out.

The order of the checks is the contract's. No socket here: `server` brings visits and takes
answers away. A further endpoint is a function from visit to answer, and a row in `ROUTES`.
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from langchain_segmind.testing.checks import fields, json_body
from langchain_segmind.testing.conversation import Brain, Question, Reply, Usage
from langchain_segmind.testing.directory import Model, catalogue
from langchain_segmind.testing.errors import (
    INVALID_KEY,
    Answer,
    RefusalError,
    error_answer,
    json_answer,
    to_json,
)
from langchain_segmind.testing.families import FORMATS, Reading, Writing
from langchain_segmind.testing.ledger import Failure, Ledger, cost_of, in_dollars
from langchain_segmind.testing.scripted import ScriptExhaustedError
from langchain_segmind.testing.settings import stop_words
from langchain_segmind.testing.tokens import usage_of

_OK = 200

_log = logging.getLogger(__name__)


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
class Desk:
    """All that answering takes.

    Attributes:
        ledger: What the gateway remembers.
        brain: Who answers.
        api_key: The one key that is valid.
        directory: The models by slug.
        latency: Seconds each run takes.
        honour_stop: Whether stop sequences end an answer.
        unfetchable: Hosts pictures cannot be fetched from.
        refuses_format: Slugs that refuse any ``response_format``.
        forward_tools: Whether the families' own tool fields reach the models.
    """

    ledger: Ledger
    brain: Brain
    api_key: str
    directory: Mapping[str, Model]
    latency: float = 0.0
    honour_stop: bool = False
    unfetchable: Collection[str] = ()
    refuses_format: Collection[str] = ()
    forward_tools: bool = False


@dataclass(frozen=True)
class Run:
    """A run that happened and was billed.

    Attributes:
        answer: What the client is to get.
        seconds: How long the model takes over it.
    """

    answer: Answer
    seconds: float


async def run_model(desk: Desk, visit: Visit, slug: str) -> Answer:
    """``POST /v1/{slug}``: run a model and wait for it."""
    check_key(desk, visit)
    check_content_type(visit)
    if failure := desk.ledger.take_failure(slug, runs=False):
        return fail(failure)
    run = start(desk, visit, find(desk, slug))
    failure = desk.ledger.take_failure(slug, runs=True) if run.answer.executed else None
    await asyncio.sleep(run.seconds)
    return fail_after(failure, run.answer) if failure else run.answer


async def show_credits(desk: Desk, visit: Visit) -> Answer:
    """``GET /v1/get-user-credits``: tell the balance."""
    check_key(desk, visit)
    return json_answer({"credits": desk.ledger.balance, "free-credits": 0.0})


async def show_catalogue(desk: Desk, _visit: Visit) -> Answer:
    """``GET /inference-model-information/list``: list the models, to anybody."""
    return json_answer(catalogue(desk.directory))


def check_key(desk: Desk, visit: Visit) -> None:
    """Refuse a visit without the right key in ``x-api-key``."""
    key = visit.headers.get("x-api-key")
    if not key and "authorization" not in visit.headers:
        raise RefusalError(401)
    if key != desk.api_key:
        raise RefusalError(401, INVALID_KEY)


def check_content_type(visit: Visit) -> None:
    """Refuse a body that is not declared JSON."""
    declared = visit.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise RefusalError(406, "Invalid content type")


def find(desk: Desk, slug: str) -> Model:
    """Find the model of a slug."""
    model = desk.directory.get(slug)
    if model is None:
        raise RefusalError(404, f"Model '{slug}' not found")
    if model.retired:
        raise RefusalError(410, f"Model '{slug}' has been retired")
    return model


def start(desk: Desk, visit: Visit, model: Model) -> Run:
    """Read the request, let the model run, and bill it.

    Args:
        desk: The gateway.
        visit: The request.
        model: The model it is for.

    Returns:
        The run. There is no way back from here: it is billed, even if nobody waits for it.

    Raises:
        RefusalError: The model cannot run this request, or its brain failed; nothing is billed.
    """
    began = time.monotonic()
    if desk.ledger.balance <= 0:
        raise RefusalError(406, "Insufficient credits")
    body = fields(json_body(visit.raw), "body", optional=None)
    if "response_format" in body and model.slug in desk.refuses_format:
        raise RefusalError(400, "response_format is not supported by this model")
    question = FORMATS[model.family].read(
        Reading(model, body, desk.unfetchable, desk.forward_tools)
    )
    reply, stopped_by = think(desk, question)
    seconds = desk.latency + reply.delay
    if reply.status != _OK:
        return Run(_unbilled(reply), seconds)
    choices = question.settings.get("n", 1) if model.family == "openai" else 1
    usage = usage_of(body, reply, choices)
    run_id = uuid.uuid4().hex
    writing = Writing(model.slug, reply, usage, run_id, stopped_by, choices)
    content = FORMATS[model.family].write(writing) if reply.body is None else reply.body
    headers = _receipt(desk, usage, run_id, time.monotonic() - began + seconds)
    raw = content if isinstance(content, bytes) else to_json(content)
    answer = Answer(_OK, raw, headers=_kept(headers, reply.headers), executed=True)
    return Run(answer, seconds)


def think(desk: Desk, question: Question) -> tuple[Reply, str | None]:
    """Have a question answered.

    Returns:
        The reply, and the stop sequence that ended it, if stop sequences are honoured.

    Raises:
        RefusalError: The brain failed.
    """
    try:
        reply = desk.ledger.take_reply() or desk.brain.answer(question)
    except ScriptExhaustedError as error:
        raise RefusalError(500, str(error)) from None
    except Exception as error:  # noqa: BLE001 - brains are the user's, who sees it as a 500
        _log.exception("the brain of the local gateway failed")
        raise RefusalError(500, f"The brain failed: {type(error).__name__}: {error}") from None
    return _stop(reply, stop_words(question.settings) if desk.honour_stop else ())


def fail(failure: Failure) -> Answer:
    """Answer as a failure says."""
    if failure.drop:
        return Answer(None)
    return error_answer(failure.status, failure.body, failure.headers)


def fail_after(failure: Failure, answer: Answer) -> Answer:
    """Fail as a failure says, after a run that was billed."""
    if failure.drop == "mid_reply":
        return replace(answer, cut_short=True)
    return replace(fail(failure), executed=True)


def _unbilled(reply: Reply) -> Answer:
    return error_answer(reply.status, reply.body, _kept({}, reply.headers) or None)


def _stop(reply: Reply, sequences: tuple[str, ...]) -> tuple[Reply, str | None]:
    hits = [(at, word) for word in sequences if (at := reply.text.find(word)) >= 0]
    if not hits:
        return reply, None
    at, word = min(hits)
    return replace(reply, text=reply.text[:at], finish_reason="stop"), word


def _receipt(desk: Desk, usage: Usage, run_id: str, seconds: float) -> dict[str, str]:
    return {
        "x-remaining-credits": f"{desk.ledger.bill(usage):.9f}",
        "x-cost": f"{in_dollars(cost_of(usage)):.9f}",
        "x-request-id": run_id,
        "x-generation-time": f"{seconds:.4f}",
    }


def _kept(usual: Mapping[str, str], own: Mapping[str, str | None]) -> dict[str, str]:
    changed = {name.lower(): value for name, value in own.items()}
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


Endpoint = Callable[..., Awaitable[Answer]]


@dataclass(frozen=True)
class Route:
    """One row of the table of endpoints.

    Attributes:
        method: The only verb it takes.
        path: The paths it is for; named groups become arguments.
        endpoint: What answers.
    """

    method: str
    path: re.Pattern[str]
    endpoint: Endpoint


# The first row whose path fits decides; `/v1/{slug}` would fit the fixed names as well.
ROUTES = (
    Route("GET", re.compile(r"/v1/get-user-credits"), show_credits),
    Route("GET", re.compile(r"/inference-model-information/list"), show_catalogue),
    Route("POST", re.compile(r"/v1/(?P<slug>[^/]+)"), run_model),
)


def route(visit: Visit) -> tuple[Route, dict[str, Any]] | None:
    """Find the endpoint of a path, and the arguments in it."""
    for row in ROUTES:
        if found := row.path.fullmatch(visit.path):
            return row, found.groupdict()
    return None


async def respond(desk: Desk, visit: Visit) -> Answer:
    """Answer a visit, whatever it is.

    Args:
        desk: The gateway.
        visit: The request.

    Returns:
        The answer; never raises for a bad request.
    """
    row, arguments = route(visit) or (None, {})
    wrong_verb = row is not None and visit.method != row.method
    unknown_slug = arguments.get("slug", "") not in {"", *desk.directory}
    if row is None or (wrong_verb and unknown_slug):
        return error_answer(404, {"error": f"Not found: {visit.path}"})
    if wrong_verb:
        return error_answer(405)
    try:
        return await row.endpoint(desk, visit, **arguments)
    except RefusalError as refusal:
        return refusal.answer()
