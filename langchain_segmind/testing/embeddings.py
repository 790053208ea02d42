"""Embedding runs: one text in, one vector out. The request's form is its family's.

A prompt or input that is no single text of something to say is refused, and so is any field the
vendor's pages do not name.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic_core import to_json

from langchain_segmind.testing.checks import fields, filled_string, one_of, refuse, shown
from langchain_segmind.testing.directory import Model
from langchain_segmind.testing.embedding_replies import EMBEDDING_REPLIES
from langchain_segmind.testing.runs import Run, bill
from langchain_segmind.testing.state import Execution, GatewayState
from langchain_segmind.testing.tokens import count
from langchain_segmind.testing.vectors import embed

_PRICE = 20  # billionths of a dollar a token

_TASKS = (
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
)


@dataclass(frozen=True)
class Space:
    """What an embedding model takes and gives.

    Attributes:
        size: How many numbers its vectors have.
        sizes: How many they may be cut down to, on request.
        tokens: The most it reads.
    """

    size: int
    sizes: Collection[int] = ()
    tokens: int = 8192


_SPACES: Mapping[str, Space] = {
    "text-embedding-3-small": Space(1536),
    "text-embedding-3-large": Space(3072),
    "gemini-embedding-001": Space(3072, (768, 1536, 3072), tokens=2048),
    "gemini-embedding-2": Space(768, range(256, 769)),
}
_LATER_GEMINI = Space(3072, range(256, 3073))
_LATER = Space(1536)


def prepare(state: GatewayState, model: Model, body: Mapping[str, Any]) -> Execution:
    """Read what a body asks of an embedding model.

    Args:
        state: The gateway.
        model: The model.
        body: The request body.

    Returns:
        What runs and bills it.

    Raises:
        RefusalError: The model cannot run this body.
    """
    gemini = model.family == "gemini"
    space = _SPACES.get(model.slug, _LATER_GEMINI if gemini else _LATER)
    if "messages" in body:
        refuse(f"{model.slug} is an embedding model: it takes one text, no messages")
    text, kept = (_read_gemini if gemini else _read_openai)(body, space)
    tokens = count(text)
    if tokens > space.tokens:
        refuse(f"the text is too long: {tokens} tokens, the maximum is {space.tokens}")
    wrap = EMBEDDING_REPLIES[state.embedding_reply or ("values" if gemini else "embedding")]
    return partial(_execute, state, lambda: wrap(embed(text, space.size, kept)), max(1, tokens))


async def _execute(state: GatewayState, think: Callable[[], Any], tokens: int) -> Run:
    began = time.monotonic()
    content = think()
    written = to_json(content)
    receipt = bill(state.ledger, tokens * _PRICE)
    took = time.monotonic() - began + state.latency
    return Run(content, state.latency, took, receipt=receipt, written=written)


def _read_openai(body: Mapping[str, Any], space: Space) -> tuple[str, int]:
    return filled_string(fields(body, "body", ["prompt"])["prompt"], "prompt"), space.size


def _read_gemini(body: Mapping[str, Any], space: Space) -> tuple[str, int]:
    fields(body, "body", ["input"], ["task_type", "output_dimensionality"])
    if "task_type" in body:
        one_of(body["task_type"], "task_type", _TASKS)
    kept = body.get("output_dimensionality", space.size)
    if isinstance(kept, bool) or not isinstance(kept, int) or kept not in space.sizes:
        refuse(f"output_dimensionality: expected {_listed(space.sizes)}, got {shown(kept)}")
    return filled_string(body["input"], "input"), kept


def _listed(sizes: Collection[int]) -> str:
    if isinstance(sizes, range):
        return f"a whole number from {sizes[0]} to {sizes[-1]}"
    return f"one of {', '.join(map(str, sizes))}"
