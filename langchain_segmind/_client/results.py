"""Turn a completion into what LangChain's hooks return."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from langchain_segmind._flows.chat import Completion
from langchain_segmind._messages.refusals import PROVIDER
from langchain_segmind._messages.to_langchain import to_ai_message, to_ai_message_chunk


def chat_result(completion: Completion, slug: str, *, with_headers: bool) -> ChatResult:
    """Make the result of one call, with all choices.

    Args:
        completion: The model's response, and what it cost.
        slug: The model that was called.
        with_headers: Whether its metadata holds the headers of the reply.
    """
    metadata = _metadata(completion, slug, with_headers)
    generations = []
    for i, choice in enumerate(completion.response.choices):
        # Counted once, however many choices.
        usage = completion.response.usage if i == 0 else None
        message = to_ai_message(choice, usage, metadata)
        generations.append(ChatGeneration(message=message))
    return ChatResult(generations=generations)


def ai_message(completion: Completion, slug: str, *, with_headers: bool) -> AIMessage:
    """Make the message of the first choice; arguments are those of `chat_result`."""
    response = completion.response
    metadata = _metadata(completion, slug, with_headers)
    return to_ai_message(response.choices[0], response.usage, metadata)


def chat_chunk(completion: Completion, slug: str, *, with_headers: bool) -> ChatGenerationChunk:
    """Make the one chunk of a stream; arguments are those of `chat_result`."""
    response = completion.response
    metadata = _metadata(completion, slug, with_headers)
    message = to_ai_message_chunk(response.choices[0], response.usage, metadata)
    return ChatGenerationChunk(message=message)


def _metadata(completion: Completion, slug: str, with_headers: bool) -> dict[str, Any]:
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
