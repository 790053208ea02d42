"""Write a model's reply as LangChain's messages.

A call that could not be parsed must stay invalid, in a message and in chunks that are merged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk

from langchain_segmind._messages.types import Choice, ToolCall, Usage


def to_ai_message(choice: Choice, usage: Usage | None, metadata: Mapping[str, Any]) -> AIMessage:
    """Write one choice as the message of an `invoke`."""
    calls: dict[str, Any] = {}
    if choice.calls:  # LangChain's validation of two empty lists costs 1 % of a call
        calls["tool_calls"] = [
            tool_call(name=c.name, args=dict(c.arguments), id=c.id)
            for c in choice.calls
            if isinstance(c.arguments, Mapping)
        ]
        calls["invalid_tool_calls"] = [
            invalid_tool_call(name=c.name, args=c.arguments, id=c.id, error=c.error)
            for c in choice.calls
            if isinstance(c.arguments, str)
        ]
    return AIMessage(
        content=choice.text,
        additional_kwargs=_additional_kwargs(choice),
        response_metadata=_response_metadata(choice, metadata),
        usage_metadata=_usage_metadata(usage),
        **calls,
    )


def to_ai_message_chunk(
    choice: Choice, usage: Usage | None, metadata: Mapping[str, Any]
) -> AIMessageChunk:
    """Write one choice as the only chunk of a `stream`: the gateway replies in one piece.

    Merging chunks parses arguments leniently, which would turn a truncated call into one that can
    be executed. So the raw text of an invalid call goes in as a JSON string, which stays invalid
    however chunks are merged.
    """
    return AIMessageChunk(
        content=choice.text,
        additional_kwargs=_additional_kwargs(choice),
        response_metadata=_response_metadata(choice, metadata),
        usage_metadata=_usage_metadata(usage),
        tool_call_chunks=[
            tool_call_chunk(name=c.name, args=json.dumps(_json_value(c)), id=c.id, index=i)
            for i, c in enumerate(choice.calls)
        ],
        chunk_position="last",
    )


def _json_value(call: ToolCall) -> dict[str, Any] | str:
    return call.arguments if isinstance(call.arguments, str) else dict(call.arguments)


def _additional_kwargs(choice: Choice) -> dict[str, Any]:
    kwargs = {}
    if choice.reasoning:
        kwargs["reasoning_content"] = choice.reasoning
    if choice.refusal:
        kwargs["refusal"] = choice.refusal
    return kwargs


def _response_metadata(choice: Choice, metadata: Mapping[str, Any]) -> dict[str, Any]:
    response_metadata = dict(metadata)
    if choice.finish_reason:
        response_metadata["finish_reason"] = choice.finish_reason
    if choice.native_finish_reason:
        response_metadata["native_finish_reason"] = choice.native_finish_reason
    return response_metadata


def _usage_metadata(usage: Usage | None) -> UsageMetadata | None:
    if usage is None:
        return None
    total = usage.input + usage.output if usage.total is None else usage.total
    metadata = UsageMetadata(
        input_tokens=usage.input, output_tokens=usage.output, total_tokens=total
    )
    input_details = InputTokenDetails()
    if usage.cache_read is not None:
        input_details["cache_read"] = usage.cache_read
    if usage.cache_creation is not None:
        input_details["cache_creation"] = usage.cache_creation
    if input_details:
        metadata["input_token_details"] = input_details
    if usage.reasoning is not None:
        metadata["output_token_details"] = OutputTokenDetails(reasoning=usage.reasoning)
    return metadata
