"""Read LangChain's messages into the package's own.

Nothing is dropped without notice: what cannot be sent is an error that names the message and the
block. The messages that come in must not be changed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from langchain_segmind._messages.media import read_media
from langchain_segmind._messages.media_fields import MEDIA_BLOCKS, block_type
from langchain_segmind._messages.refusals import refusal_of
from langchain_segmind._messages.results import (
    TEXT_KEYS,
    is_cache_mark,
    protect_blocks,
    read_result,
    unwrap_block,
)
from langchain_segmind._messages.text import as_json, check_text, replace_surrogates
from langchain_segmind._messages.types import (
    MediaPart,
    Message,
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
}
_ASSISTANTS: Final = frozenset({"assistant", "ai", "model"})
_TOOLS: Final = frozenset({"tool", "function"})
_CALL_BLOCKS: Final = {"tool_use": "input", "tool_call": "args", "function_call": "arguments"}
"""Where a block of Anthropic's, LangChain's or OpenAI's Responses API has a call's arguments."""


def from_langchain(messages: Sequence[BaseMessage]) -> tuple[Message, ...]:
    """Read LangChain's messages.

    Raises:
        SegmindInvalidRequestError: If there are no messages, or one cannot be sent. The error names
            the message and the reason.
    """
    if not messages:
        raise invalid_request("messages: the list is empty. Send at least one message")
    return tuple(_message(message, f"message {i}") for i, message in enumerate(messages))


def _message(message: BaseMessage, where: str) -> Message:
    match message:
        case AIMessage():
            text = _assistant_text(message, where)
            texts = (TextPart(text),) if text else ()
            return Message("assistant", (*texts, *_calls(message, where)), _name(message), where)
        case HumanMessage():
            return Message("user", tuple(_parts(message, where)), _name(message), where)
        case SystemMessage():
            parts = tuple(_parts(message, where, "system"))
            return Message("system", parts, _name(message), where)
        case ToolMessage() | FunctionMessage():
            return Message("user", (_result(message, where),), where=where)
        case ChatMessage():
            return _chat_message(message, where)
        case _:
            raise invalid_request(
                f"{where}: a {type(message).__name__} cannot be sent to a model. Leave it out"
            )


def _chat_message(message: ChatMessage, where: str) -> Message:
    """Read a message whose role is a field, as the kind of message that has this role."""
    role = message.role.lower()
    if role in _ASSISTANTS:
        more = {"additional_kwargs": message.additional_kwargs, **(message.model_extra or {})}
        try:
            whole = AIMessage(message.content, name=message.name, **more)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            cause = str(error).partition("\n")[0][:200]
        else:
            return _message(whole, where)
        raise invalid_request(f"{where}: this is not an assistant's message: {cause}")
    if role in _TOOLS:
        return Message("user", (_result(message, where),), where=where)
    if role in _ROLES:
        sent_as = _ROLES[role]
        return Message(sent_as, tuple(_parts(message, where, sent_as)), _name(message), where)
    raise invalid_request(
        f"{where}: unknown role {message.role!r}. Use user, assistant, system or tool"
    )


def _name(message: BaseMessage) -> str | None:
    return message.name if message.name and _NAME.fullmatch(message.name) else None


# --- content ---------------------------------------------------------------------------------


def _blocks(message: BaseMessage, where: str) -> Iterable[tuple[str, Mapping[Any, Any], str]]:
    """Return the type, the fields and the place of each block."""
    if isinstance(message.content, str):  # most messages: without a generator
        return (("text", {"text": message.content}, where),)
    return _listed_blocks(message, where)


def _listed_blocks(
    message: BaseMessage, where: str
) -> Iterator[tuple[str, Mapping[Any, Any], str]]:
    for i, block in enumerate(message.content):
        held = {"text": block} if isinstance(block, str) else unwrap_block(block)
        if is_cache_mark(held):
            continue
        fields: Mapping[Any, Any] = held if isinstance(held, Mapping) else {"type": type(held)}
        kind = block_type(fields)
        if kind is None and "text" in fields:
            kind = "text"
        yield str(kind), fields, f"{where}, block {i} ({kind})"


def _parts(message: BaseMessage, where: str, role: Role = "user") -> Iterator[TextPart | MediaPart]:
    for kind, block, place in _blocks(message, where):
        if kind in MEDIA_BLOCKS:
            yield from _media(kind, block, place, role)
        elif kind not in TEXT_KEYS:
            raise invalid_request(
                f"{place}: no model behind the gateway understands a block of this type. Send "
                "text, an image, a file, audio or video"
            )
        elif text := check_text(block.get(TEXT_KEYS[kind]), place):
            yield TextPart(text)


def _media(
    kind: str, block: Mapping[Any, Any], place: str, role: Role
) -> Iterator[TextPart | MediaPart]:
    for part in read_media(MEDIA_BLOCKS[kind], block, place):
        if role != "user" and isinstance(part, MediaPart):
            raise invalid_request(
                f"{place}: a message of the role {role} can only be sent as text. Put the block in "
                "a human message"
            )
        yield part


def _assistant_text(message: AIMessage, where: str) -> str:
    """Return a model's text, without what only its own provider understands.

    Reasoning would be billed again, and no family accepts another's; a provider's own tool runs
    mean nothing to another. Calls are read from the message's fields, where LangChain parsed them.
    """
    text = ""
    for kind, block, place in _blocks(message, where):
        if kind in TEXT_KEYS:
            text += check_text(block.get(TEXT_KEYS[kind]), place)
        elif kind in MEDIA_BLOCKS:
            files = _media(kind, block, place, "assistant")
            text += "".join([part.text for part in files if isinstance(part, TextPart)])
    # `to_ai_message` puts a refusal beside the content, and the content may hold part of an answer.
    beside = (refusal_of(message) or "", _transcript(message))
    others = [check_text(other, where) for other in beside if other not in text]
    return "\n".join(filter(None, (text, *others)))


def _transcript(message: AIMessage) -> str:
    """Return the words of a spoken answer, which `ChatOpenAI` puts beside the content."""
    audio = message.additional_kwargs.get("audio")
    words = audio.get("transcript") if isinstance(audio, Mapping) else None
    return words if isinstance(words, str) else ""


# --- tool calls ------------------------------------------------------------------------------


def _calls(message: AIMessage, where: str) -> list[ToolCall]:
    legacy = message.additional_kwargs.get("function_call")
    is_text = isinstance(message.content, str) and legacy is None
    if is_text and not (message.tool_calls or message.invalid_tool_calls):
        return []
    calls = [ToolCall(call["name"], call["args"], call["id"]) for call in message.tool_calls]
    calls += [
        ToolCall(call["name"] or "", call["args"] or "", call["id"], call["error"])
        for call in message.invalid_tool_calls
    ]
    if not calls:  # nothing has parsed those in the content yet
        calls = [
            parse_call(block["name"], block.get(_CALL_BLOCKS[kind]), _call_id(block))
            for kind, block, _ in _blocks(message, where)
            if kind in _CALL_BLOCKS and block.get("name")
        ]
    if not calls and isinstance(legacy, Mapping):  # OpenAI's form before there were tools
        calls = [parse_call(legacy.get("name"), legacy.get("arguments"), None)]
    return [_checked_call(call, where) for call in calls]


def _call_id(block: Mapping[Any, Any]) -> Any:
    return block.get("call_id") or block.get("id")  # the Responses API has both


def _checked_call(call: ToolCall, where: str) -> ToolCall:
    arguments = call.arguments
    try:
        check_json([call.name, call.id, arguments], f"{where}, tool call {call.name!r}")
    except ValueError as error:
        sendable = arguments if isinstance(arguments, str) else _sendable(dict(arguments))
        if sendable == arguments:
            raise invalid_request(str(error)) from None
        return _checked_call(replace(call, arguments=sendable), where)
    return call


def _sendable(value: Any, depth: int = 0) -> Any:
    """Write as text what a model may put into arguments but JSON in a request may not hold.

    These are NaN, infinities and very deep nesting. Without this, one such call would make every
    later request of its conversation fail.
    """
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case dict() | list() if depth > MAX_JSON_DEPTH - 2:
            return as_json(value)
        case dict():
            return {key: _sendable(item, depth + 1) for key, item in value.items()}
        case list():
            return [_sendable(item, depth + 1) for item in value]
        case _:
            return value


# --- tool results ----------------------------------------------------------------------------


def _result(message: ToolMessage | FunctionMessage | ChatMessage, where: str) -> ToolResult:
    call_id, name = getattr(message, "tool_call_id", None), message.name
    return ToolResult(
        read_result(message.content, where),
        None if call_id is None else replace_surrogates(str(call_id)),
        None if name is None else replace_surrogates(str(name)),
        is_error=getattr(message, "status", "success") == "error",
    )


def protect_messages(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """Wrap the blocks that LangChain cannot convert, or would convert to something else.

    Returns:
        The same object if there are none.
    """
    protected = {}
    for i, message in enumerate(messages):
        if isinstance(message.content, list):
            content = protect_blocks(message.content)
            if content is not message.content:
                protected[i] = message.model_copy(update={"content": content})
    return [protected.get(i, m) for i, m in enumerate(messages)] if protected else messages
