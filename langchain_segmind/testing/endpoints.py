"""The gateway's endpoints, as a table; a further one is a function and a row in `_ROUTES`.

The order of the checks is the contract's: key, content type, slug, credits, body. A job is run, and
billed, when it is submitted; `queue` only decides when its end may be seen. Polls start nothing and
cost nothing.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal, NamedTuple

from langchain_segmind.testing import chat, embeddings, pictures
from langchain_segmind.testing.answers import (
    INVALID_KEY,
    Event,
    HTTPAnswer,
    RefusalError,
    error_answer,
    error_text,
    fail_after,
    json_answer,
    to_json,
)
from langchain_segmind.testing.checks import fields, json_body
from langchain_segmind.testing.directory import Model, catalog
from langchain_segmind.testing.hosts import is_accepted, refusal_of
from langchain_segmind.testing.ledger import LoggedRequest
from langchain_segmind.testing.queue import JobRecord, Output
from langchain_segmind.testing.state import Execution, GatewayState, Run

_PROMPT = 0.05  # seconds; a responder that is quicker has answered when the submit is answered


async def _run_model(state: GatewayState, request: LoggedRequest, slug: str) -> HTTPAnswer:
    """``POST /v1/{slug}``: run a model and wait for it."""
    if failed := _check(state, request, "call", slug):
        return failed
    run = await _prepare(state, _find_model(state, slug), _read_body(request))()
    late = state.ledger.take_failure("call", slug, late=True) if run.receipt else None
    await asyncio.sleep(run.seconds)
    return fail_after(late, run.answer())


async def _show_credits(state: GatewayState, request: LoggedRequest) -> HTTPAnswer:
    """``GET /v1/get-user-credits``: show the balance."""
    _check_key(state, request)
    return json_answer({"credits": state.ledger.balance, "free-credits": 0.0})


async def _show_catalog(state: GatewayState, _request: LoggedRequest) -> HTTPAnswer:
    """``GET /inference-model-information/list``: list the models, to anybody."""
    return json_answer(catalog(state.directory))


async def _submit(state: GatewayState, request: LoggedRequest, slug: str) -> HTTPAnswer:
    """``POST /v2/{slug}``: submit a job; a slow responder goes on when this has been answered."""
    if failed := _check(state, request, "submit", slug):
        return failed
    model = _find_model(state, slug)
    execute = _prepare_job(state, model, _read_body(request))
    began = time.monotonic()
    running = state.responders.begin(_work(state, model, execute))
    await asyncio.wait({running}, timeout=_PROMPT)
    record = running.result() if running.done() else JobRecord(slug, None)
    runs = record.executed or record.seconds is None
    late = state.ledger.take_failure("submit", slug, late=True) if runs else None
    place = f"http://{request.headers.get('host', 'localhost')}/v2/requests/"
    request_id = state.jobs.add(record, time.monotonic())
    if record.seconds is None:
        running.add_done_callback(partial(_finish, state, request_id, began))
    body = {
        "request_id": request_id,
        "status": "QUEUED",
        "status_url": f"{place}{request_id}/status",
        "response_url": place + request_id,
        "poll_url": f"{place}{request_id}/status",
    }
    return fail_after(late, HTTPAnswer(200, to_json(body), executed=record.executed))


async def _poll(
    state: GatewayState,
    request: LoggedRequest,
    request_id: str,
    event: Literal["status", "result"] = "result",
) -> HTTPAnswer:
    """``GET /v2/requests/{id}`` or ``…/status``: show a job's result, or how far it is."""
    now = time.monotonic()
    record = state.jobs.find(request_id, now)
    slug = record.slug if record else None
    if failed := _check(state, request, event, slug):
        return failed
    if record is None:
        raise RefusalError(404, f"Request {request_id} not found")
    answer = _job_answer(state, record, now, event)
    if event == "status":
        state.jobs.count_poll(request_id)
    return fail_after(state.ledger.take_failure(event, slug, late=True), answer)


_ROUTES: tuple[tuple[str, str, Callable[..., Awaitable[HTTPAnswer]]], ...] = (
    # The first row whose path fits decides; `/v1/{slug}` would fit the fixed names as well.
    ("GET", r"/v2/requests/(?P<request_id>[^/]+)/(?P<event>status)", _poll),
    ("GET", r"/v2/requests/(?P<request_id>[^/]+)", _poll),
    ("GET", r"/v1/get-user-credits", _show_credits),
    ("GET", r"/inference-model-information/list", _show_catalog),
    ("POST", r"/v1/(?P<slug>[^/]+)", _run_model),
    ("POST", r"/v2/(?P<slug>[^/]+)", _submit),
)


class Route(NamedTuple):
    """An endpoint, the only verb it takes, and the arguments that a path has for it."""

    method: str
    endpoint: Callable[..., Awaitable[HTTPAnswer]]
    arguments: Mapping[str, str]


def find_route(path: str) -> Route | None:
    """Find the endpoint of a path."""
    for method, pattern, endpoint in _ROUTES:
        if fits := re.fullmatch(pattern, path):
            return Route(method, endpoint, fits.groupdict())
    return None


async def respond(state: GatewayState, request: LoggedRequest, route: Route | None) -> HTTPAnswer:
    """Answer a request, whatever it is; a bad one never raises."""
    host = request.headers.get("host", "")
    if not is_accepted(host, state.allowed_hosts):
        return error_answer(403, {"error": refusal_of(host)})
    fits = route is not None and request.method == route.method
    if route is None or (not fits and request.slug not in {None, *state.directory}):
        return error_answer(404, {"error": f"Not found: {request.path}"})
    if not fits:
        return error_answer(405)
    try:
        return await route.endpoint(state, request, **route.arguments)
    except RefusalError as refusal:
        return refusal.answer()


def _check(
    state: GatewayState, request: LoggedRequest, event: Event, slug: str | None
) -> HTTPAnswer | None:
    """Check the key, type and rate limit; return the failure that is to hit this event, if any."""
    _check_key(state, request)
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and declared != "application/json":
        raise RefusalError(406, "Invalid content type")
    if request.method == "POST":
        refusal = state.rate_limit.refusal(time.time())
        if refusal is not None:
            return error_answer(429, headers=refusal)
    early = state.ledger.take_failure(event, slug, late=False)
    return early.answer() if early else None


def _check_key(state: GatewayState, request: LoggedRequest) -> None:
    key = request.headers.get("x-api-key")
    if not key and "authorization" not in request.headers:
        raise RefusalError(401)
    if key != state.api_key:
        raise RefusalError(401, INVALID_KEY)


def _find_model(state: GatewayState, slug: str) -> Model:
    """Find the model of a slug, and check that there are credits for a run of it."""
    model = state.directory.get(slug)
    if model is None:
        raise RefusalError(404, f"Model '{slug}' not found")
    if model.retired:
        raise RefusalError(410, f"Model '{slug}' has been retired")
    if state.ledger.balance <= 0:
        raise RefusalError(406, "Insufficient credits")
    return model


def _read_body(request: LoggedRequest) -> dict[str, Any]:
    return fields(json_body(request.raw), "body", optional=None)


def _prepare(state: GatewayState, model: Model, body: Mapping[str, Any]) -> Execution:
    if model.draws:
        return pictures.prepare(state, model, body)
    prepare = embeddings.prepare if model.embeds else chat.prepare
    return prepare(state, model, body)


def _prepare_job(state: GatewayState, model: Model, body: Mapping[str, Any]) -> Execution:
    try:
        if model.draws:
            return pictures.prepare(state, model, body, queued=True)
        return _prepare(state, model, body)
    except RefusalError as refusal:
        if state.jobs.queue.refuse_late:
            return partial(_refuse, refusal)
        raise


async def _refuse(refusal: RefusalError) -> Run:
    raise refusal


async def _work(state: GatewayState, model: Model, execute: Execution) -> JobRecord:
    if ordered := state.ledger.take_failure("job", model.slug, late=False):
        return _failed(state, model, ordered.answer())
    try:
        run = await execute()
    except RefusalError as refusal:
        return _failed(state, model, refusal.answer())
    if run.receipt is None:
        return replace(_failed(state, model, run.answer()), seconds=run.seconds)
    return JobRecord(
        slug=model.slug,
        seconds=run.seconds,
        result=_result(run, state.jobs.queue.output),
        executed=True,
        cost=run.receipt.cost,
        balance=run.receipt.balance,
        headers=run.joined_headers({}),
    )


def _failed(state: GatewayState, model: Model, answer: HTTPAnswer) -> JobRecord:
    balance = state.ledger.balance
    return JobRecord(model.slug, state.latency, error=error_text(answer), balance=balance)


def _finish(
    state: GatewayState, request_id: str, began: float, running: asyncio.Task[JobRecord]
) -> None:
    if not running.cancelled():
        record = running.result()
        seconds = time.monotonic() - began + (record.seconds or 0.0)
        state.jobs.finish(request_id, replace(record, seconds=seconds))


def _result(run: Run, output: Output) -> dict[str, Any]:
    if output == "missing" and isinstance(run.content, dict):
        return run.content
    if output == "text" and run.text is not None:
        return {"error": None, "output": run.text}
    if output == "object" and not isinstance(run.content, bytes):
        return {"error": None, "output": run.content}
    return {"error": None, "output": run.raw.decode("utf-8", "replace")}


def _job_answer(state: GatewayState, record: JobRecord, now: float, event: Event) -> HTTPAnswer:
    queue, status = state.jobs.queue, state.jobs.state(record, now)
    body: dict[str, Any] = {"status": status}
    if status == "FAILED":
        body["error"] = record.error
    if queue.metrics:
        body["metrics"] = state.jobs.metrics(record, now)
    if status == "FAILED":
        return HTTPAnswer(queue.failed_status, to_json(body))
    if event == "status":
        return json_answer({"status": status} if queue.bare and status == "COMPLETED" else body)
    if status == "COMPLETED":
        return json_answer({**record.result, **body}, record.headers)
    return json_answer({**body, "error": None, "output": None})
