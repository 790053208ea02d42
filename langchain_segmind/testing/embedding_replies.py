"""The ways a gateway may tell a vector. The real one's way for Gemini's models is not known."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

EmbeddingReply = Literal["embedding", "values", "data", "embeddings", "embeddings_values", "list"]

EMBEDDING_REPLIES: Mapping[EmbeddingReply, Callable[[list[float]], Any]] = {
    "embedding": lambda vector: {"embedding": vector},
    "values": lambda vector: {"embedding": {"values": vector}},
    "data": lambda vector: {"data": [{"embedding": vector}]},
    "embeddings": lambda vector: {"embeddings": [vector]},
    "embeddings_values": lambda vector: {"embeddings": [{"values": vector}]},
    "list": lambda vector: vector,
}
