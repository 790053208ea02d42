"""Embedding runs: one text in, one vector of unit length out; texts that share words are near.

The request's form is its family's: a prompt or input that is not a single, non-blank text is
refused, and so is any field that the vendor's pages do not name. Each word is hashed to a few
places, so a vector is the same in every process and on every platform, and its beginning is a
smaller vector of the same text. English is known best.
"""

import hashlib
import math
import re
import struct
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Literal

from pydantic_core import to_json

from langchain_segmind.testing.checks import field, fields, filled_string, one_of, refuse, shown
from langchain_segmind.testing.directory import Model
from langchain_segmind.testing.state import Execution, GatewayState, Run
from langchain_segmind.testing.tokens import count

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

_PLACES = struct.Struct("<6h")  # numbers whose signs count, too
# Where a word's first places lie, as start and span: the beginnings of a vector know it too.
_EARLY = ((0, 128), (128, 128), (256, 512))
_COMMON = 0.1  # what a word that says little weighs
_MILLION = 1e6
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+(?:'[a-z]+)?")

_STOPWORDS = frozenset(
    _WORD.findall(
        """
        a about above after again all also am an and any are as at far be been before being
        below but by can could did do does doing done down for from further give get had has
        have having he her here hers him his how i if in into is it its itself just know let
        like many may me might mine more most much must my myself no nor not now of off on
        once one only or other our ours out over own please same shall she should so some
        such tell than that the their theirs them then there these they this those through
        to too under until up us very was we were what when where which while who whom whose
        why will with would you your yours i'm you're it's don't doesn't what's there's
        """
    )
)

_ENDINGS = (
    ("sses", "ss"),
    ("ies", "y"),
    ("ing", ""),
    ("ed", ""),
    ("ly", ""),
    ("es", ""),
    ("s", ""),
)

_SHORTEST_STEM = 3
_VOWEL = re.compile("[aeiouy]")

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
    if gemini:
        text, kept = _read_gemini(body, space)
    else:
        text, kept = filled_string(field(body, "body", "prompt"), "prompt"), space.size
    tokens = count(text)
    if tokens > space.tokens:
        refuse(f"the text is too long: {tokens} tokens, the maximum is {space.tokens}")
    wrap = _REPLIES[state.embedding_reply or ("values" if gemini else "embedding")]
    return partial(_execute, state, lambda: wrap(embed(text, space.size, kept)), max(1, tokens))


async def _execute(state: GatewayState, compute: Callable[[], Any], tokens: int) -> Run:
    began = time.monotonic()
    content = compute()
    written = to_json(content)  # four times as fast as json.dumps for 3,072 numbers
    receipt = state.ledger.bill(tokens * _PRICE)
    took = time.monotonic() - began + state.latency
    return Run(content, state.latency, took, receipt=receipt, written=written)


def _read_gemini(body: Mapping[str, Any], space: Space) -> tuple[str, int]:
    fields(body, "body", ["input"], ["task_type", "output_dimensionality"])
    if "task_type" in body:
        one_of(body["task_type"], "task_type", _TASKS)
    kept = body.get("output_dimensionality", space.size)
    if isinstance(kept, bool) or not isinstance(kept, int) or kept not in space.sizes:
        sizes = [*space.sizes]
        listed = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 3 else ", ".join(map(str, sizes))
        refuse(f"output_dimensionality: expected one of {listed}, got {shown(kept)}")
    return filled_string(body["input"], "input"), kept


def embed(text: str, size: int, kept: int | None = None) -> list[float]:
    """Turn a text into a vector of a size of at least 768.

    Only its first numbers are kept, at least 256, and scaled to unit length; six digits a number.
    """
    spans = (*_EARLY, (0, size), (0, size), (0, size))
    sums: defaultdict[int, float] = defaultdict(float)
    for word, weight in _weights(text).items():
        digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=12).digest()
        for (start, span), number in zip(spans, _PLACES.unpack(digest), strict=True):
            sums[start + number % span] += weight if number >= 0 else -weight
    return _of_unit_length(sums, kept or size)


def _weights(text: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for word, times in Counter(_WORD.findall(text.replace("\u2019", "'").lower())).items():
        root = _stem(word)
        weight = math.sqrt(times) * (_COMMON if word in _STOPWORDS else 1.0)
        weights[root] = weights.get(root, 0.0) + weight
    return weights or {text: 1.0}


def _of_unit_length(sums: Mapping[int, float], size: int) -> list[float]:
    kept = {place: value for place, value in sums.items() if place < size}
    scale = _MILLION / math.sqrt(sum(value * value for value in kept.values()))
    vector = [0.0] * size
    for place, value in kept.items():
        vector[place] = round(value * scale) / _MILLION
    return vector


@lru_cache(maxsize=10_000)
def _stem(word: str) -> str:
    """Take the ending off a word, so that *retries*, *retried* and *retrying* are one."""
    word = word.removesuffix("'s")
    if word.endswith(("ss", "us", "is")):
        return word
    for ending, instead in _ENDINGS:
        rest = word.removesuffix(ending) + instead
        if word.endswith(ending) and len(rest) >= _SHORTEST_STEM and _VOWEL.search(rest):
            return _tidy(rest)
    return _tidy(word)


def _tidy(word: str) -> str:
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "sle":
        return word[:-1]
    if len(word) > _SHORTEST_STEM and word.endswith("e"):
        return word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > _SHORTEST_STEM else word
