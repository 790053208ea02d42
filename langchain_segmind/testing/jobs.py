"""The endpoints of version 2: hand a run in, ask how far it is, fetch what came of it.

A job is run, and billed, when it is handed in, by the checks of version 1 in the same order;
`queue` only says when its end may be seen. A responder that takes its time goes on when the submit
has been answered. Polls start nothing and cost nothing.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from langchain_segmind.testing.directory import Model
from langchain_segmind.testing.errors import (
    Answer,
    RefusalError,
    error_text,
    json_answer,
    to_json,
)
from langchain_segmind.testing.failures import Event, fail, fail_after
from langchain_segmind.testing.models import prepare
from langchain_segmind.testing.queue import Entry, Output, Work
from langchain_segmind.testing.runs import Run, answer_of, kept
from langchain_segmind.testing.state import (
    Execution,
    GatewayState,
    Visit,
    check_content_type,
    check_credits,
    check_key,
    find,
    read_body,
)

_PROMPT = 0.05  # seconds; a responder that is quicker has answered when the submit is answered


async def submit(state: GatewayState, visit: Visit, slug: str) -> Answer:
    """``POST /v2/{slug}``: hand a run in."""
    check_key(state, visit)
    check_content_type(visit)
    if early := state.ledger.take_failure("submit", slug, late=False):
        return fail(early)
    model = find(state, slug)
    check_credits(state)
    execute = _accept(state, model, read_body(visit))
    began = time.monotonic()
    running = state.responders.begin(_work(state, model, execute))
    await asyncio.wait({running}, timeout=_PROMPT)
    work = running.result() if running.done() else Work(slug, None)
    runs = work.executed or work.seconds is None
    late = state.ledger.take_failure("submit", slug, late=True) if runs else None
    place = f"http://{visit.headers.get('host', 'localhost')}/v2/requests/"
    request_id = state.jobs.add(work, time.monotonic())
    if work.seconds is None:
        running.add_done_callback(partial(_finish, state, request_id, began))
    body = {
        "request_id": request_id,
        "status": "QUEUED",
        "status_url": f"{place}{request_id}/status",
        "response_url": place + request_id,
        "poll_url": f"{place}{request_id}/status",
    }
    return fail_after(late, Answer(200, to_json(body), executed=work.executed))


async def show_status(state: GatewayState, visit: Visit, request_id: str) -> Answer:
    """``GET /v2/requests/{id}/status``: tell how far a job is."""
    return _poll(state, visit, request_id, "status")


async def show_result(state: GatewayState, visit: Visit, request_id: str) -> Answer:
    """``GET /v2/requests/{id}``: give what came of a job; nothing, before its end."""
    return _poll(state, visit, request_id, "result")


def _accept(state: GatewayState, model: Model, body: Mapping[str, Any]) -> Execution:
    try:
        return prepare(state, model, body)
    except RefusalError as refusal:
        if state.jobs.queue.refuse_late:
            return partial(_refuse, refusal)
        raise


async def _refuse(refusal: RefusalError) -> Run:
    raise refusal


def _finish(
    state: GatewayState, request_id: str, began: float, running: asyncio.Task[Work]
) -> None:
    if not running.cancelled():
        work = running.result()
        took = time.monotonic() - began
        state.jobs.finish(request_id, replace(work, seconds=took + (work.seconds or 0.0)))


async def _work(state: GatewayState, model: Model, execute: Execution) -> Work:
    if ordered := state.ledger.take_failure("job", model.slug, late=False):
        return _failed(state, model, fail(ordered))
    try:
        run = await execute()
    except RefusalError as refusal:
        return _failed(state, model, refusal.answer())
    if run.receipt is None:
        return replace(_failed(state, model, answer_of(run)), seconds=run.seconds)
    return Work(
        slug=model.slug,
        seconds=run.seconds,
        result=_result(run, state.jobs.queue.output),
        executed=True,
        cost=run.receipt.cost,
        balance=run.receipt.balance,
        headers=kept({}, run.headers),
    )


def _failed(state: GatewayState, model: Model, answer: Answer) -> Work:
    balance = state.ledger.balance
    return Work(model.slug, state.latency, error=error_text(answer), balance=balance)


def _result(run: Run, output: Output) -> dict[str, Any]:
    if output == "missing" and isinstance(run.content, dict):
        return run.content
    if output == "text" and run.text is not None:
        return {"error": None, "output": run.text}
    if output == "object" and not isinstance(run.content, bytes):
        return {"error": None, "output": run.content}
    return {"error": None, "output": run.raw.decode("utf-8", "replace")}


def _poll(state: GatewayState, visit: Visit, request_id: str, event: Event) -> Answer:
    check_key(state, visit)
    now = time.monotonic()
    entry = state.jobs.find(request_id, now)
    slug = entry.work.slug if entry else None
    if early := state.ledger.take_failure(event, slug, late=False):
        return fail(early)
    if entry is None:
        raise RefusalError(404, f"Request {request_id} not found")
    answer = _told(state, entry, now, event)
    if event == "status":
        state.jobs.count_poll(request_id)
    return fail_after(state.ledger.take_failure(event, slug, late=True), answer)


def _told(state: GatewayState, entry: Entry, now: float, event: Event) -> Answer:
    queue, status = state.jobs.queue, state.jobs.state(entry, now)
    body: dict[str, Any] = {"status": status}
    if status == "FAILED":
        body["error"] = entry.work.error
    if queue.metrics:
        body["metrics"] = state.jobs.metrics(entry, now)
    if status == "FAILED":
        return Answer(queue.failed_status, to_json(body))
    if event == "status":
        return json_answer({"status": status} if queue.bare and status == "COMPLETED" else body)
    if status == "COMPLETED":
        return json_answer({**entry.work.result, **body}, entry.work.headers)
    return json_answer({**body, "error": None, "output": None})
