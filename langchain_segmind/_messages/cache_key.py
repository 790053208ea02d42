"""Write a conversation as the key of LangChain's cache of answers: only what a model is sent.

It must hold no id, usage, cost or time of an earlier answer: those differ after every run, so no
later turn of a conversation would ever be found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from langchain_core.load import dumps
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.tool import invalid_tool_call, tool_call

from langchain_segmind._messages.from_langchain import from_langchain
from langchain_segmind._messages.types import (
    MediaPart,
    Message,
    Part,
    TextPart,
    ToolCall,
    ToolResult,
)

_CLASSES: Final = {"system": SystemMessage, "user": HumanMessage}
_MEDIA_FIELDS: Final = {"data": "base64", "mime": "mime_type", "url": "url", "detail": "detail"}


def cache_prompt(messages: Sequence[BaseMessage]) -> str:
    """Return the key, in the form in which LangChain's caches get every prompt.

    Raises:
        SegmindInvalidRequestError: If a message cannot be sent.
    """
    numbers: dict[str | None, int] = {}
    return dumps([key for message in from_langchain(messages) for key in _keys(message, numbers)])


def _keys(message: Message, numbers: dict[str | None, int]) -> list[BaseMessage]:
    """Write a message, and each result in it as a message of its own.

    Args:
        message: The message.
        numbers: Numbers the calls of the conversation by their ids; calls of this one are added.
    """
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    for call in calls:
        numbers.setdefault(call.id, len(numbers) + 1)
    keys: list[BaseMessage] = [
        _result_key(part, numbers) for part in message.parts if isinstance(part, ToolResult)
    ]
    content = _content(message.parts)
    if message.role == "assistant":
        fields: dict[str, Any] = {"content": content, "name": message.name}
        keys.append(AIMessage(**fields, **_call_fields(calls, numbers)))
    elif content or not keys:
        keys.append(_CLASSES[message.role](content=content, name=message.name))
    return keys


def _call_fields(
    calls: Sequence[ToolCall], numbers: Mapping[str | None, int]
) -> dict[str, list[Any]]:
    fields: dict[str, list[Any]] = {"tool_calls": [], "invalid_tool_calls": []}
    for call in calls:
        number = str(numbers[call.id])
        if isinstance(call.arguments, str):
            invalid = invalid_tool_call(name=call.name, args=call.arguments, id=number, error=None)
            fields["invalid_tool_calls"].append(invalid)
        else:
            valid = tool_call(name=call.name, args=dict(call.arguments), id=number)
            fields["tool_calls"].append(valid)
    return fields


def _result_key(result: ToolResult, numbers: Mapping[str | None, int]) -> ToolMessage:
    number = numbers.get(result.id)
    return ToolMessage(
        content=_content(result.parts),
        # In JSON, an id that no call has is not mistaken for a number.
        tool_call_id=json.dumps(result.id) if number is None else str(number),
        name=result.name,
        status="error" if result.is_error else "success",
    )


def _content(parts: Sequence[Part]) -> Any:
    blocks = [_block(part) for part in parts if isinstance(part, TextPart | MediaPart)]
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        return blocks[0]["text"]
    return blocks or ""


def _block(part: TextPart | MediaPart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    known = {key: getattr(part, name) for name, key in _MEDIA_FIELDS.items()}
    return {"type": part.kind, "filename": part.name, **known}
