"""Turn a completion into what LangChain's hooks return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from langchain_segmind._flows.chat import Completion
from langchain_segmind._messages.refusals import PROVIDER
from langchain_segmind._messages.to_langchain import to_ai_message, to_ai_message_chunk, token_usage
from langchain_segmind._messages.types import ChatResponse, Choice, Usage


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
    generations = [_generation(first, response.usage, metadata)]
    generations += [_generation(other, None, metadata) for other in others]
    # OpenTelemetry's instrumentations, ragas and others read these two names.
    llm_output: dict[str, Any] = {"model_name": metadata["model_name"]}
    if response.usage is not None:
        llm_output["token_usage"] = token_usage(response.usage)
    return ChatResult(generations=generations, llm_output=llm_output)


def _generation(choice: Choice, usage: Usage | None, metadata: dict[str, Any]) -> ChatGeneration:
    message = to_ai_message(choice, usage, metadata)
    return ChatGeneration(message=message, generation_info=_generation_info(choice))


def _generation_info(choice: Choice) -> dict[str, Any] | None:
    """Return the reason for the end where OpenLLMetry and ragas look for it."""
    return {"finish_reason": choice.finish_reason} if choice.finish_reason else None


def combined_llm_output(outputs: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Combine the `llm_output` of the calls of one `generate`: their tokens are added up."""
    combined: dict[str, Any] = {}
    for output in outputs:
        combined = _added(combined, output or {})
    return combined


def _added(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    total = {**left, **right}
    for name in left.keys() & right.keys():
        match left[name], right[name]:
            case int(one), int(other):
                total[name] = one + other
            case dict(one), dict(other):
                total[name] = _added(one, other)
    return total


def first_message(response: ChatResponse, metadata: dict[str, Any]) -> AIMessage:
    """Return the first choice of a response."""
    return to_ai_message(response.choices[0], response.usage, metadata)


def chat_chunk(response: ChatResponse, metadata: dict[str, Any]) -> ChatGenerationChunk:
    """Return the first choice of a response as the only chunk of a stream."""
    choice = response.choices[0]
    message = to_ai_message_chunk(choice, response.usage, metadata)
    return ChatGenerationChunk(message=message, generation_info=_generation_info(choice))
