"""Read LangChain's messages into the package's own.

Nothing is dropped without notice: what cannot be sent is an error that names the message and the
block. The messages that come in must not be changed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_segmind._client.validation import MAX_JSON_DEPTH, check_json
from langchain_segmind._messages.media import MEDIA_BLOCKS, read_media
from langchain_segmind._messages.refusals import refusal_of
from langchain_segmind._messages.results import protect_blocks, read_result
from langchain_segmind._messages.text import as_json, check_text, replace_surrogates
from langchain_segmind._messages.types import (
    MediaPart,
    Message,
    Part,
    Role,
    TextPart,
    ToolCall,
    ToolResult,
    invalid_request,
    parse_call,
)

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ROLES: Final[Mapping[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
}
_TEXT_KEYS: Final = {
    "text": "text",
    "text-plain": "text",
    "input_text": "text",
    "output_text": "text",
    "refusal": "refusal",
}
"""Where a block holds its text, by the block's type."""

_RESULTS: Final = (ToolMessage, FunctionMessage)


def from_langchain(messages: Sequence[BaseMessage]) -> tuple[Message, ...]:
    """Read LangChain's messages.

    Raises:
        SegmindInvalidRequestError: If there are none, or one cannot be sent; says which and why.
    """
    if not messages:
        raise invalid_request("messages: the list is empty. Send at least one message")
    return tuple(_message(message, f"message {i}") for i, message in enumerate(messages))


def _message(message: BaseMessage, where: str) -> Message:
    match message:
        case AIMessage():
            parts: tuple[Part, ...] = (*_assistant_text(message, where), *_calls(message, where))
            return Message("assistant", parts, _name(message))
        case HumanMessage():
            return Message("user", tuple(_parts(message, where)), _name(message))
        case SystemMessage():
            return Message("system", tuple(_parts(message, where)), _name(message))
        case ToolMessage():
            return Message("user", (_result(message, message.tool_call_id, where),))
        case FunctionMessage():
            return Message("user", (_result(message, None, where),))
        case ChatMessage():
            role = _ROLES.get(message.role.lower())
            if role is None:
                raise invalid_request(
                    f"{where}: unknown role {message.role!r}. Use user, assistant or system"
                )
            return Message(role, tuple(_parts(message, where)), _name(message))
        case _:
            raise invalid_request(f"{where}: a {type(message).__name__} cannot be sent to a model")


def _name(message: BaseMessage) -> str | None:
    return message.name if message.name and _NAME.fullmatch(message.name) else None


# --- content ---------------------------------------------------------------------------------


def _parts(message: BaseMessage, where: str) -> Iterator[TextPart | MediaPart]:
    content = message.content
    if isinstance(content, str):
        if content:
            yield TextPart(check_text(content, where))
        return
    for i, block in enumerate(content):
        part = _part(block, f"{where}, block {i}")
        if part is not None:
            yield part


def _part(block: str | dict[Any, Any], where: str) -> TextPart | MediaPart | None:
    if isinstance(block, str):
        return TextPart(check_text(block, where)) if block else None
    kind = _kind(block)
    if kind in _TEXT_KEYS:
        text = check_text(block.get(_TEXT_KEYS[kind]), f"{where} ({kind})")
        return TextPart(text) if text else None
    if kind in MEDIA_BLOCKS:
        return read_media(MEDIA_BLOCKS[kind], block, f"{where} ({kind})")
    raise invalid_request(
        f"{where}: no model behind the gateway understands a block of type {kind!r}"
    )


def _kind(block: str | dict[Any, Any]) -> str:
    if isinstance(block, str):
        return "text"
    return str(block.get("type", "text" if "text" in block else None))


def _assistant_text(message: AIMessage, where: str) -> Iterator[TextPart]:
    """Read a model's text, and leave out what only its own provider understands.

    Reasoning would be billed again, and no family accepts another's; a provider's own tool runs
    mean nothing to another. Calls are read from the message's fields, where LangChain parsed them.
    """
    blocks = [message.content] if isinstance(message.content, str) else message.content
    text = ""
    for i, block in enumerate(blocks):
        kind = _kind(block)
        if kind in _TEXT_KEYS:
            own = block if isinstance(block, str) else block.get(_TEXT_KEYS[kind])
            text += check_text(own, where)
        elif kind in MEDIA_BLOCKS:
            raise invalid_request(
                f"{where}, block {i} ({kind}): a model's own message can only be sent as text. "
                "Put the medium in a human message"
            )
    if not text:  # a refusal, which `to_ai_message` puts beside the content
        text = check_text(refusal_of(message) or "", f"{where}: refusal")
    if text:
        yield TextPart(text)


# --- tool calls ------------------------------------------------------------------------------


def _calls(message: AIMessage, where: str) -> Iterator[ToolCall]:
    parsed = message.tool_calls or message.invalid_tool_calls
    if not parsed and isinstance(message.content, list):
        for block in message.content:  # in Anthropic's format, which nothing has parsed yet
            if isinstance(block, dict) and block.get("type") == "tool_use" and block.get("name"):
                call = parse_call(block.get("name"), block.get("input"), block.get("id"))
                yield _checked_call(call, where)
    for valid in message.tool_calls:
        yield _checked_call(ToolCall(valid["name"], valid["args"], valid["id"]), where)
    for bad in message.invalid_tool_calls:
        call = ToolCall(bad["name"] or "", bad["args"] or "", bad["id"], bad["error"])
        yield _checked_call(call, where)


def _checked_call(call: ToolCall, where: str) -> ToolCall:
    reason = _unsendable_reason(call, where)
    if reason is not None and isinstance(call.arguments, Mapping):
        call = replace(call, arguments=_sendable(dict(call.arguments)))
        reason = _unsendable_reason(call, where)
    if reason is not None:
        raise invalid_request(reason)
    return call


def _unsendable_reason(call: ToolCall, where: str) -> str | None:
    try:
        check_json([call.name, call.id, call.arguments], f"{where}, tool call {call.name!r}")
    except ValueError as error:
        return str(error)
    return None


def _sendable(value: Any, depth: int = 0) -> Any:
    """Write as text what a model may put into arguments but JSON in a request may not hold.

    These are NaN, infinities and very deep nesting. Without this, one such call would make every
    later request of its conversation fail.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict | list) and depth > MAX_JSON_DEPTH - 3:
        return as_json(value)
    if isinstance(value, dict):
        return {key: _sendable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_sendable(item, depth + 1) for item in value]
    return value


# --- tool results ----------------------------------------------------------------------------


def _result(message: ToolMessage | FunctionMessage, call_id: str | None, where: str) -> ToolResult:
    is_error = getattr(message, "status", "success") == "error"
    parts = read_result(message.content, where)
    return ToolResult(parts, _id_text(call_id), _id_text(message.name), is_error)


def _id_text(value: Any) -> str | None:
    return None if value is None else replace_surrogates(str(value))


def protect_results(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """Wrap the blocks in tools' results that LangChain cannot convert.

    Returns:
        The same object if there are none.
    """
    protected = {}
    for i, message in enumerate(messages):
        if isinstance(message, _RESULTS) and isinstance(message.content, list):
            content = protect_blocks(message.content)
            if content is not message.content:
                protected[i] = message.model_copy(update={"content": content})
    return [protected.get(i, m) for i, m in enumerate(messages)] if protected else messages
