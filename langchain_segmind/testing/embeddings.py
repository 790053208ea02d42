"""Embedding runs: one text in, one vector of unit length out; texts that share words are near.

The request's form is its family's: a prompt or input that is not a single, non-blank text is
refused, and so is any field that the vendor's pages do not name.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pydantic_core import to_json

from langchain_segmind.testing.checks import field, fields, filled_string, one_of, refuse, shown
from langchain_segmind.testing.directory import Model
from langchain_segmind.testing.state import Execution, GatewayState, Run, bill
from langchain_segmind.testing.tokens import count
from langchain_segmind.testing.vectors import embed

EmbeddingReply = Literal["embedding", "values", "data", "embeddings", "embeddings_values", "list"]

# The real gateway's way for Gemini's models is not known.
_REPLIES: Mapping[str, Callable[[list[float]], Any]] = {
    "embedding": lambda vector: {"embedding": vector},
    "values": lambda vector: {"embedding": {"values": vector}},
    "data": lambda vector: {"data": [{"embedding": vector}]},
    "embeddings": lambda vector: {"embeddings": [vector]},
    "embeddings_values": lambda vector: {"embeddings": [{"values": vector}]},
    "list": lambda vector: vector,
}

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
    """What an embedding model takes and gives."""

    size: int
    sizes: Collection[int] = ()  # that its vectors may be cut down to, on request
    tokens: int = 8192  # the most it reads


_SPACES: Mapping[str, Space] = {
    "text-embedding-3-small": Space(1536),
    "text-embedding-3-large": Space(3072),
    "gemini-embedding-001": Space(3072, (768, 1536, 3072), tokens=2048),
    "gemini-embedding-2": Space(768, range(256, 769)),
}
_LATER_GEMINI = Space(3072, range(256, 3073))
_LATER = Space(1536)


def prepare(state: GatewayState, model: Model, body: Mapping[str, Any]) -> Execution:
    """Read what a body asks of an embedding model; raise a `RefusalError` if it cannot run it."""
    gemini = model.family == "gemini"
    space = _SPACES.get(model.slug, _LATER_GEMINI if gemini else _LATER)
    if "messages" in body:
        refuse(f"{model.slug} is an embedding model: it takes one text, not messages")
    text, kept = (_read_gemini if gemini else _read_openai)(body, space)
    tokens = count(text)
    if tokens > space.tokens:
        refuse(f"the text is too long: {tokens} tokens, the maximum is {space.tokens}")
    wrap = _REPLIES[state.embedding_reply or ("values" if gemini else "embedding")]
    return partial(_execute, state, lambda: wrap(embed(text, space.size, kept)), max(1, tokens))


async def _execute(state: GatewayState, compute: Callable[[], Any], tokens: int) -> Run:
    began = time.monotonic()
    content = compute()
    written = to_json(content)  # four times as fast as json.dumps for 3,072 numbers
    receipt = bill(state.ledger, tokens * _PRICE)
    took = time.monotonic() - began + state.latency
    return Run(content, state.latency, took, receipt=receipt, written=written)


def _read_openai(body: Mapping[str, Any], space: Space) -> tuple[str, int]:
    return filled_string(field(body, "body", "prompt"), "prompt"), space.size


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
