"""Write a model's reply as LangChain's messages.

A call that could not be parsed must stay invalid, in a message and in chunks that are merged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk

from langchain_segmind._messages.types import Choice, Usage

_EMPTY: Final = AIMessage("")


def to_ai_message(choice: Choice, usage: Usage | None, metadata: Mapping[str, Any]) -> AIMessage:
    """Write one choice as the message of an `invoke`."""
    fields = _fields(choice, usage, metadata)
    if not choice.calls:  # everything in `fields` is ours: validating it would be 2 % of a call
        message = _EMPTY.model_copy(update=fields)
        vars(message).update(tool_calls=[], invalid_tool_calls=[])  # not the lists of `_EMPTY`
        return message
    tool_calls = [
        tool_call(name=c.name, args=dict(c.arguments), id=c.id)
        for c in choice.calls
        if isinstance(c.arguments, Mapping)
    ]
    invalid = [
        invalid_tool_call(name=c.name, args=c.arguments, id=c.id, error=c.error)
        for c in choice.calls
        if isinstance(c.arguments, str)
    ]
    return AIMessage(**fields, tool_calls=tool_calls, invalid_tool_calls=invalid)


def to_ai_message_chunk(
    choice: Choice, usage: Usage | None, metadata: Mapping[str, Any]
) -> AIMessageChunk:
    """Write one choice as the only chunk of a `stream`: the gateway replies in one piece.

    Merging chunks parses arguments leniently, which would turn a truncated call into one that can
    be executed. So the raw text of an invalid call goes in as a JSON string, which stays invalid
    however chunks are merged.
    """
    calls = [
        tool_call_chunk(name=c.name, args=json.dumps(c.arguments, default=dict), id=c.id, index=i)
        for i, c in enumerate(choice.calls)
    ]
    fields = _fields(choice, usage, metadata)
    return AIMessageChunk(**fields, tool_call_chunks=calls, chunk_position="last")


def chunk_from_message(message: AIMessage) -> AIMessageChunk:
    """Write a message as the only chunk of a `stream`, by the rules of `to_ai_message_chunk`."""
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    chunks = [
        tool_call_chunk(
            name=c["name"], args=json.dumps(c["args"], default=dict), id=c["id"], index=i
        )
        for i, c in enumerate(calls)
    ]
    fields = message.model_dump(exclude={"type", "tool_calls", "invalid_tool_calls"})
    return AIMessageChunk(**fields, tool_call_chunks=chunks, chunk_position="last")


def _fields(choice: Choice, usage: Usage | None, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a message and a chunk share."""
    beside = {"reasoning_content": choice.reasoning, "refusal": choice.refusal}
    reasons = {
        "finish_reason": choice.finish_reason,
        "native_finish_reason": choice.native_finish_reason,
    }
    return {
        "content": choice.text,
        "additional_kwargs": {name: text for name, text in beside.items() if text},
        "response_metadata": {**metadata, **{name: text for name, text in reasons.items() if text}},
        "usage_metadata": None if usage is None else _usage_metadata(usage),
    }


def _usage_metadata(usage: Usage) -> UsageMetadata:
    total = usage.input + usage.output if usage.total is None else usage.total
    metadata = UsageMetadata(
        input_tokens=usage.input, output_tokens=usage.output, total_tokens=total
    )
    cached = {"cache_read": usage.cache_read, "cache_creation": usage.cache_creation}
    known = {name: tokens for name, tokens in cached.items() if tokens is not None}
    if known:
        metadata["input_token_details"] = cast("InputTokenDetails", known)
    if usage.reasoning is not None:
        metadata["output_token_details"] = OutputTokenDetails(reasoning=usage.reasoning)
    return metadata


def token_usage(usage: Usage) -> dict[str, Any]:
    """Write numbers of tokens in OpenAI's names, which tracing and evaluation packages read."""
    total = usage.input + usage.output if usage.total is None else usage.total
    numbers: dict[str, Any] = {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": total,
    }
    if usage.cache_read is not None:
        numbers["prompt_tokens_details"] = {"cached_tokens": usage.cache_read}
    if usage.reasoning is not None:
        numbers["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return numbers
