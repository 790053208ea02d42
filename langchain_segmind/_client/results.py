"""Turn a completion into what LangChain's hooks return."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from langchain_segmind._flows.chat import Completion
from langchain_segmind._messages.refusals import PROVIDER
from langchain_segmind._messages.to_langchain import to_ai_message, to_ai_message_chunk
from langchain_segmind._messages.types import ChatResponse


def response_metadata(completion: Completion, slug: str, *, with_headers: bool) -> dict[str, Any]:
    """Return the metadata of every message of a completion, without what is unknown.

    Args:
        completion: The model's response and its receipt.
        slug: The model that was called.
        with_headers: Whether to include the headers of the reply.
    """
    receipt = completion.receipt
    found = {
        "model_name": slug,
        "model_provider": PROVIDER,
        "id": completion.response.id,
        "request_id": receipt.request_id,
        "cost": receipt.cost,
        "remaining_credits": receipt.remaining_credits,
        "generation_time": receipt.generation_time,
        "queue_time": receipt.queue_time,
        "ambiguous_attempts": receipt.ambiguous_attempts or None,
        "headers": dict(receipt.headers) if with_headers else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def chat_result(response: ChatResponse, metadata: dict[str, Any]) -> ChatResult:
    """Return all choices of a response. Only the first has the usage, which is of all of them."""
    first, *others = response.choices
    messages = [to_ai_message(first, response.usage, metadata)]
    messages += [to_ai_message(other, None, metadata) for other in others]
    return ChatResult(generations=[ChatGeneration(message=message) for message in messages])


def first_message(response: ChatResponse, metadata: dict[str, Any]) -> AIMessage:
    """Return the first choice of a response."""
    return to_ai_message(response.choices[0], response.usage, metadata)


def chat_chunk(response: ChatResponse, metadata: dict[str, Any]) -> ChatGenerationChunk:
    """Return the first choice of a response as the only chunk of a stream."""
    message = to_ai_message_chunk(response.choices[0], response.usage, metadata)
    return ChatGenerationChunk(message=message)
