"""Turn one text into a vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import to_json

from langchain_segmind._flows.chat import Endpoint
from langchain_segmind._flows.send import Exchange
from langchain_segmind._flows.types import Flow, Receipt, Request, Response
from langchain_segmind._formats import embeddings, parse


def embed(
    text: str, endpoint: Endpoint, settings: Mapping[str, Any], check: Callable[[list[float]], None]
) -> Flow[tuple[list[float], Receipt]]:
    """Turn one text into a vector.

    `settings` are fields of the body beside the text. `check` raises a `SegmindResponseError`
    with the reason if a vector cannot be used.
    """

    def decode(response: Response) -> list[float]:
        vector = embeddings.decode(parse(response.body))
        check(vector)
        return vector

    is_gemini = endpoint.model_info.family == "gemini"
    family: embeddings.VectorFamily = "gemini" if is_gemini else "openai"
    body = to_json(embeddings.encode(text, family, settings))
    url = f"{endpoint.destination.base_url}/{endpoint.model_info.slug}"
    request = Request("POST", url, body, endpoint.headers)
    exchange = Exchange(endpoint.model_info.slug, endpoint.retry_policy)
    return (yield from exchange.read(request, decode))
