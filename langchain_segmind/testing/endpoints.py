"""The endpoints of version 1: run a model and wait, the balance, the catalogue.

The order of the checks is the contract's: key, content type, slug, credits, body.
"""

import asyncio

from langchain_segmind.testing.directory import catalogue
from langchain_segmind.testing.errors import Answer, json_answer
from langchain_segmind.testing.failures import fail, fail_after
from langchain_segmind.testing.models import prepare
from langchain_segmind.testing.runs import answer_of
from langchain_segmind.testing.state import (
    GatewayState,
    Visit,
    check_content_type,
    check_credits,
    check_key,
    find,
    read_body,
)


async def run_model(state: GatewayState, visit: Visit, slug: str) -> Answer:
    """``POST /v1/{slug}``: run a model and wait for it."""
    check_key(state, visit)
    check_content_type(visit)
    if early := state.ledger.take_failure("call", slug, late=False):
        return fail(early)
    model = find(state, slug)
    check_credits(state)
    run = await prepare(state, model, read_body(visit))()
    late = state.ledger.take_failure("call", slug, late=True) if run.receipt else None
    await asyncio.sleep(run.seconds)
    return fail_after(late, answer_of(run))


async def show_credits(state: GatewayState, visit: Visit) -> Answer:
    """``GET /v1/get-user-credits``: tell the balance."""
    check_key(state, visit)
    return json_answer({"credits": state.ledger.balance, "free-credits": 0.0})


async def show_catalogue(state: GatewayState, _visit: Visit) -> Answer:
    """``GET /inference-model-information/list``: list the models, to anybody."""
    return json_answer(catalogue(state.directory))
