"""Chat runs: a body becomes a question, a brain answers, and its family writes the reply down."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from langchain_segmind.testing.conversation import Question, Reply
from langchain_segmind.testing.desk import Desk, Execution
from langchain_segmind.testing.directory import Model
from langchain_segmind.testing.errors import RefusalError
from langchain_segmind.testing.families import FORMATS, Reading, Writing
from langchain_segmind.testing.ledger import cost_of
from langchain_segmind.testing.runs import Run, bill
from langchain_segmind.testing.scripted import ScriptExhaustedError
from langchain_segmind.testing.settings import stop_words
from langchain_segmind.testing.tokens import usage_of

_OK = 200

_log = logging.getLogger(__name__)


def prepare(desk: Desk, model: Model, body: Mapping[str, Any]) -> Execution:
    """Read what a body asks of a chat model.

    Args:
        desk: The gateway.
        model: The model.
        body: The request body.

    Returns:
        What runs and bills it; that raises a `RefusalError`, unbilled, when the brain fails.

    Raises:
        RefusalError: The model cannot run this body.
    """
    if "response_format" in body and model.slug in desk.refuses_format:
        raise RefusalError(400, "response_format is not supported by this model")
    reading = Reading(model, body, desk.unfetchable, desk.forward_tools)
    return partial(_execute, desk, model, body, FORMATS[model.family].read(reading))


async def _execute(desk: Desk, model: Model, body: Mapping[str, Any], question: Question) -> Run:
    began = time.monotonic()
    reply, stopped_by = await think(desk, question)
    seconds = desk.latency + reply.delay
    if reply.status != _OK:
        return Run(reply.body, seconds, seconds, headers=reply.headers, status=reply.status)
    choices = question.settings.get("n", 1) if model.family == "openai" else 1
    usage = usage_of(body, reply, choices)
    receipt = bill(desk.ledger, cost_of(usage))
    writing = Writing(model.slug, reply, usage, receipt.run_id, stopped_by, choices)
    scripted = reply.body is not None
    return Run(
        content=reply.body if scripted else FORMATS[model.family].write(writing),
        seconds=seconds,
        took=time.monotonic() - began + seconds,
        text=None if scripted else reply.text,
        headers=reply.headers,
        receipt=receipt,
    )


async def think(desk: Desk, question: Question) -> tuple[Reply, str | None]:
    """Have a question answered.

    Returns:
        The reply, and the stop sequence that ended it, if stop sequences are honoured.

    Raises:
        RefusalError: The brain failed.
    """
    try:
        reply = desk.ledger.take_reply() or await desk.thinker.answer(question)
    except ScriptExhaustedError as error:
        raise RefusalError(500, str(error)) from None
    except Exception as error:  # noqa: BLE001 - brains are the user's, who sees it as a 500
        _log.exception("the brain of the local gateway failed")
        raise RefusalError(500, f"The brain failed: {type(error).__name__}: {error}") from None
    return _stop(reply, stop_words(question.settings) if desk.honour_stop else ())


def _stop(reply: Reply, sequences: tuple[str, ...]) -> tuple[Reply, str | None]:
    hits = [(at, word) for word in sequences if (at := reply.text.find(word)) >= 0]
    if not hits:
        return reply, None
    at, word = min(hits)
    return replace(reply, text=reply.text[:at], finish_reason="stop"), word
