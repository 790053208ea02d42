"""LangChain's messages in (`from_langchain`), LangChain's messages out (`to_ai_message`).

Nothing is dropped in silence: what cannot be said is an error that names the message and the block.
Inputs are never changed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk

from langchain_segmind._client.validation import DEEPEST_JSON, check_json
from langchain_segmind._messages.refusals import refusal_of
from langchain_segmind._messages.results import as_json, protect, read_result, replace_surrogates
from langchain_segmind._messages.types import (
    Choice,
    MediaKind,
    MediaPart,
    Message,
    Role,
    TextPart,
    ToolCall,
    ToolResult,
    Usage,
    invalid_request,
    parse_call,
)

# --- LangChain → ours ------------------------------------------------------------------------

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ROLES: Final[Mapping[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
}


def from_langchain(messages: Sequence[BaseMessage]) -> tuple[Message, ...]:
    """Read LangChain's messages.

    Raises:
        SegmindInvalidRequestError: If there are none, or one cannot be said; names which and why.
    """
    if not messages:
        raise invalid_request("messages: there are none; send at least one message")
    return tuple(_turn(message, f"message {i}") for i, message in enumerate(messages))


def _turn(message: BaseMessage, where: str) -> Message:
    match message:
        case AIMessage():
            return Message(
                "assistant",
                (*_assistant_text(message, where), *_calls(message, where)),
                _name(message),
            )
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
                    f"{where}: unknown role {message.role!r}; use user, assistant or system"
                )
            return Message(role, tuple(_parts(message, where)), _name(message))
        case _:
            raise invalid_request(f"{where}: a {type(message).__name__} cannot be sent to a model")


def _name(message: BaseMessage) -> str | None:
    return message.name if message.name and _NAME.fullmatch(message.name) else None


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


def _assistant_text(message: AIMessage, where: str) -> Iterator[TextPart]:
    """Read what a model said, and leave out what its provider keeps for itself.

    Reasoning would be billed again and no family takes another's; a provider's own tool runs mean
    nothing to another. Calls are read from the message's own fields, where LangChain parsed them.
    """
    blocks = [message.content] if isinstance(message.content, str) else message.content
    said = ""
    for i, block in enumerate(blocks):
        kind = _kind(block)
        if kind in _TEXTS:
            said += check_text(block if isinstance(block, str) else block.get(_TEXTS[kind]), where)
        elif kind in _MEDIA:
            raise invalid_request(
                f"{where}, block {i} ({kind}): a model's own turn can only be sent as text; show "
                "it in a human message"
            )
    if not said:  # a refusal, which `to_ai_message` puts beside the content
        said = check_text(refusal_of(message) or "", f"{where}: refusal")
    if said:
        yield TextPart(said)


def _kind(block: str | dict[Any, Any]) -> str:
    if isinstance(block, str):
        return "text"
    return str(block.get("type", "text" if "text" in block else None))


def _part(block: str | dict[Any, Any], where: str) -> TextPart | MediaPart | None:
    if isinstance(block, str):
        return TextPart(check_text(block, where)) if block else None
    kind = _kind(block)
    if kind in _TEXTS:
        text = check_text(block.get(_TEXTS[kind]), f"{where} ({kind})")
        return TextPart(text) if text else None
    if kind in _MEDIA:
        return _media(_MEDIA[kind], block, f"{where} ({kind})")
    raise invalid_request(
        f"{where}: no model behind the gateway understands a block of type {kind!r}"
    )


_TEXTS: Final = {
    "text": "text",
    "text-plain": "text",
    "input_text": "text",
    "output_text": "text",
    "refusal": "refusal",
}

_MEDIA: Final[Mapping[str, MediaKind]] = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "file": "file",
    "input_file": "file",
    "document": "file",
    "audio": "audio",
    "input_audio": "audio",
    "video": "video",
}


def _media(kind: MediaKind, block: Mapping[str, Any], where: str) -> MediaPart | TextPart:
    """Read a block in LangChain's new or old form, OpenAI's or Anthropic's."""
    nested = (block[k] for k in ("image_url", "file", "input_audio", "source") if k in block)
    inner: Any = next(nested, {})
    inner = {"url": inner} if isinstance(inner, str) else inner
    if not isinstance(inner, Mapping):
        raise invalid_request(
            f"{where}: this block is not in a form LangChain, OpenAI or Anthropic uses"
        )
    fields = {**block, **inner}
    if inner.get("type") == "text":  # Anthropic's form of a document that is plain text
        return TextPart(check_text(inner.get("data"), where))
    url = _text_field(fields, ("url",), where)
    data = _text_field(fields, ("base64", "data", "file_data"), where)
    mime = _text_field(fields, ("mime_type", "media_type"), where)
    if mime is None and "format" in fields:
        mime = f"{kind}/{fields['format']}"
    if url is None and data is not None and data.startswith("data:"):
        url, data = data, None
    if url is not None and url.startswith("data:"):
        mime, data, url = *_data_uri(url, where), None
    if (url is None) == (data is None):
        raise invalid_request(
            f"{where}: give either base64 data or a url; the gateway keeps no files"
        )
    if data is not None:
        mime = mime or _sniffed(data)
        if mime is None:
            raise invalid_request(f"{where}: base64 data needs its mime_type, as 'image/png'")
    name = _text_field(fields, ("filename", "name"), where)
    detail = _text_field(fields, ("detail",), where)
    return MediaPart(kind, where, data=data, mime=mime, url=url, name=name, detail=detail)


def _text_field(fields: Mapping[str, Any], names: tuple[str, ...], where: str) -> str | None:
    for name in names:
        value = fields.get(name)
        if value is not None:
            return check_text(value, f"{where}: {name}")
    return None


def _data_uri(uri: str, where: str) -> tuple[str, str]:
    head, comma, data = uri.partition(",")
    mime, _, encoding = head.removeprefix("data:").rpartition(";")
    if not comma or encoding != "base64" or not data:
        raise invalid_request(f"{where}: a data URI must read data:<mime type>;base64,<data>")
    return mime.split(";")[0] or _sniffed(data) or "application/octet-stream", data


_SIGNATURES: Final = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
    ("JVBERi0", "application/pdf"),
)


def _sniffed(data: str) -> str | None:
    return next((mime for start, mime in _SIGNATURES if data.startswith(start)), None)


def _calls(message: AIMessage, where: str) -> Iterator[ToolCall]:
    parsed = message.tool_calls or message.invalid_tool_calls
    if not parsed and isinstance(message.content, list):
        blocks = [
            b
            for b in message.content
            if isinstance(b, dict) and b.get("type") == "tool_use" and b.get("name")
        ]
        for block in blocks:  # as Anthropic writes them, where nobody has parsed them yet
            yield _checked_call(
                parse_call(block.get("name"), block.get("input"), block.get("id")), where
            )
    for call in message.tool_calls:
        yield _checked_call(ToolCall(call["name"], call["args"], call["id"]), where)
    for bad in message.invalid_tool_calls:
        call_ = ToolCall(bad["name"] or "", bad["args"] or "", bad["id"], bad["error"])
        yield _checked_call(call_, where)


def _checked_call(call: ToolCall, where: str) -> ToolCall:
    reason = _flaw(call, where)
    if reason is not None and isinstance(call.arguments, Mapping):
        call = replace(call, arguments=_sendable(dict(call.arguments)))
        reason = _flaw(call, where)
    if reason is not None:
        raise invalid_request(reason)
    return call


def _flaw(call: ToolCall, where: str) -> str | None:
    try:
        check_json([call.name, call.id, call.arguments], f"{where}, tool call {call.name!r}")
    except ValueError as error:
        return str(error)
    return None


def _sendable(value: Any, depth: int = 0) -> Any:
    """Write as text what a model may put into arguments but JSON in a request may not hold.

    These are NaN, infinities and very deep nesting. Without this, such a call, once made, would end
    every later turn of its conversation.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict | list) and depth > DEEPEST_JSON - 3:
        return as_json(value)
    if isinstance(value, dict):
        return {key: _sendable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_sendable(item, depth + 1) for item in value]
    return value


def _result(message: ToolMessage | FunctionMessage, call_id: str | None, where: str) -> ToolResult:
    failed = getattr(message, "status", "success") == "error"
    parts = read_result(message.content, where)
    return ToolResult(parts, _id_text(call_id), _id_text(message.name), failed)


def protect_results(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """Wrap what LangChain cannot convert in tools' results; the same object if there is nothing."""
    protected = {}
    for i, message in enumerate(messages):
        if isinstance(message, _RESULTS) and isinstance(message.content, list):
            content = protect(message.content)
            if content is not message.content:
                protected[i] = message.model_copy(update={"content": content})
    return [protected.get(i, m) for i, m in enumerate(messages)] if protected else messages


_RESULTS: Final = (ToolMessage, FunctionMessage)


def _id_text(value: Any) -> str | None:
    return None if value is None else replace_surrogates(str(value))


def check_text(text: Any, where: str) -> str:
    """Check that a value is text that can be sent.

    Raises:
        SegmindInvalidRequestError: If it is not a string, or holds half of a surrogate pair.
    """
    if not isinstance(text, str):
        raise invalid_request(f"{where}: expected text, got {type(text).__name__}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise invalid_request(
                f"{where}: character {error.start} is half of a surrogate pair; "
                "clean it with text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
            ) from None
    return text


# --- ours → LangChain ------------------------------------------------------------------------


def to_ai_message(choice: Choice, usage: Usage | None, metadata: Mapping[str, Any]) -> AIMessage:
    """Write one choice as the message of an `invoke`."""
    calls: dict[str, Any] = {}
    if choice.calls:  # for LangChain to check empty lists costs 1 % of a call
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
        additional_kwargs=_additional(choice),
        response_metadata=_metadata(choice, metadata),
        usage_metadata=_usage(usage),
        **calls,
    )


def to_ai_message_chunk(
    choice: Choice, usage: Usage | None, metadata: Mapping[str, Any]
) -> AIMessageChunk:
    """Write one choice as the only chunk of a `stream`: the gateway answers in one piece.

    Merging chunks parses arguments leniently, which would turn a call that was cut short into one
    that can be run. So the raw text of an invalid call goes in as a JSON string, which no merge
    mistakes for arguments.
    """
    return AIMessageChunk(
        content=choice.text,
        additional_kwargs=_additional(choice),
        response_metadata=_metadata(choice, metadata),
        usage_metadata=_usage(usage),
        tool_call_chunks=[
            tool_call_chunk(name=c.name, args=json.dumps(_jsonable(c)), id=c.id, index=i)
            for i, c in enumerate(choice.calls)
        ],
        chunk_position="last",
    )


def _jsonable(call: ToolCall) -> dict[str, Any] | str:
    return call.arguments if isinstance(call.arguments, str) else dict(call.arguments)


def _additional(choice: Choice) -> dict[str, Any]:
    told = {}
    if choice.reasoning:
        told["reasoning_content"] = choice.reasoning
    if choice.refusal:
        told["refusal"] = choice.refusal
    return told


def _metadata(choice: Choice, metadata: Mapping[str, Any]) -> dict[str, Any]:
    told = dict(metadata)
    if choice.finish_reason:
        told["finish_reason"] = choice.finish_reason
    if choice.native_finish_reason:
        told["native_finish_reason"] = choice.native_finish_reason
    return told


def _usage(usage: Usage | None) -> UsageMetadata | None:
    if usage is None:
        return None
    total = usage.input + usage.output if usage.total is None else usage.total
    written = UsageMetadata(
        input_tokens=usage.input, output_tokens=usage.output, total_tokens=total
    )
    from_langchain = InputTokenDetails()
    if usage.cache_read is not None:
        from_langchain["cache_read"] = usage.cache_read
    if usage.cache_creation is not None:
        from_langchain["cache_creation"] = usage.cache_creation
    if from_langchain:
        written["input_token_details"] = from_langchain
    if usage.reasoning is not None:
        written["output_token_details"] = OutputTokenDetails(reasoning=usage.reasoning)
    return written
