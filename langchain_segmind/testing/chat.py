"""Chat runs: a body becomes a request, a responder replies, and its family writes the reply."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from langchain_segmind.testing.answers import RefusalError
from langchain_segmind.testing.checks import stop_words
from langchain_segmind.testing.conversation import ModelRequest, Reply
from langchain_segmind.testing.directory import Model
from langchain_segmind.testing.families import Reading, Writing, read_request, write_reply
from langchain_segmind.testing.forms import find_form
from langchain_segmind.testing.ledger import cost_of
from langchain_segmind.testing.models import ScriptExhaustedError, as_reply
from langchain_segmind.testing.output_styles import write
from langchain_segmind.testing.state import Execution, GatewayState, Run
from langchain_segmind.testing.tokens import usage_of

_log = logging.getLogger(__name__)


def prepare(state: GatewayState, model: Model, body: Mapping[str, Any]) -> Execution:
    """Read what a body asks of a chat model; raise a `RefusalError` if it cannot run it."""
    if "response_format" in body and model.slug in state.refuses_format:
        raise RefusalError(400, "response_format is not supported by this model")
    for name in state.refuses_settings.get(model.slug, ()):
        if name in body:
            raise RefusalError(400, _unsupported(name, body[name]))
    reading = Reading(model, body, state.unfetchable, state.forward_tools)
    return partial(_execute, state, model, body, read_request(reading))


def _unsupported(name: str, value: Any) -> str:
    """Refuse a setting in the words of OpenAI's reasoning models."""
    if name == "temperature":
        return (
            f"Unsupported value: 'temperature' does not support {value} with this model. "
            "Only the default (1) value is supported."
        )
    instead = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
    return f"Unsupported parameter: '{name}' is not supported with this model.{instead}"


async def _execute(
    state: GatewayState, model: Model, body: Mapping[str, Any], request: ModelRequest
) -> Run:
    began = time.monotonic()
    reply = _in_form(await _reply_to(state, request), request)
    stops = stop_words(request.settings) if state.honor_stop else ()
    reply, stopped_by = _stop(reply, stops)
    seconds = state.latency + reply.delay
    if reply.status != 200:
        return Run(reply.body, seconds, seconds, headers=reply.headers, status=reply.status)
    choices = request.settings.get("n", 1) if model.family == "openai" else 1
    usage = usage_of(body, reply, choices)
    receipt = state.ledger.bill(cost_of(usage))
    writing = Writing(model.slug, reply, usage, receipt.run_id, stopped_by, choices)
    scripted = reply.body is not None
    return Run(
        content=reply.body if scripted else write_reply(model.family, writing),
        seconds=seconds,
        took=time.monotonic() - began + seconds,
        text=None if scripted else reply.text,
        headers=reply.headers,
        receipt=receipt,
    )


async def _reply_to(state: GatewayState, request: ModelRequest) -> Reply:
    try:
        return state.ledger.take_reply() or as_reply(await state.responders.respond(request))
    except ScriptExhaustedError as error:
        raise RefusalError(500, str(error)) from None
    except Exception as error:  # noqa: BLE001 - responders are the user's, who sees it as a 500
        _log.exception("the responder of the local gateway failed")
        raise RefusalError(500, f"The responder failed: {type(error).__name__}: {error}") from None


def _in_form(reply: Reply, request: ModelRequest) -> Reply:
    """Write calls as the request asks for them, where it does not offer tools natively."""
    if not reply.calls or request.offer is not None or reply.body is not None:
        return reply
    form = find_form(request)
    if form is None:
        return reply
    return replace(reply, text=write("plain", form, reply.text, reply.calls).text, calls=())


def _stop(reply: Reply, sequences: tuple[str, ...]) -> tuple[Reply, str | None]:
    """End a reply at the first of the stop sequences, and return which one that was."""
    hits = [(at, word) for word in sequences if (at := reply.text.find(word)) >= 0]
    if not hits:
        return reply, None
    at, word = min(hits)
    return replace(reply, text=reply.text[:at], finish_reason="stop"), word
