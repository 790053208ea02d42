"""The Anthropic format: Claude.

The system prompt must be `instruction`, beside the messages; a native `system` was seen ignored.
Roles must alternate between user and assistant, the user begins, and no text may be empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from langchain_segmind._formats import values
from langchain_segmind._formats.encoding import (
    DOCUMENT_TYPES,
    arguments_object,
    split_system,
    top_level_fields,
    unaccepted_media,
)
from langchain_segmind._messages.limits import at_most
from langchain_segmind._messages.mime import IMAGE_TYPES
from langchain_segmind._messages.results import describe_unaccepted
from langchain_segmind._messages.types import (
    ChatRequest,
    ChatResponse,
    Choice,
    MediaPart,
    Message,
    Part,
    TextPart,
    ToolCall,
    ToolResult,
    Usage,
    invalid_request,
)
from langchain_segmind.errors import SegmindResponseError

SETTING_NAMES: Final[Mapping[str, str]] = {"stop": "stop_sequences"}
"""Settings that Claude calls by another name."""

_FINISH_REASONS: Final[Mapping[str, str]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}

_TYPES: Final = {"image": IMAGE_TYPES, "file": DOCUMENT_TYPES}
"""Media that can be sent, by kind."""

_REPLY_KEYS: Final = frozenset(
    {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details"}
    | {"usage", "container", "context_management"}
)


def encode(request: ChatRequest) -> dict[str, Any]:
    """Write a request's body."""
    if request.response_format is not None and request.response_format.get("type") == "json_object":
        raise invalid_request(
            "response_format: Claude rejects json_object (json_mode). Use json_schema"
        )
    system, turns = split_system(request.messages)
    body: dict[str, Any] = {"instruction": system} if system else {}
    body["messages"] = [_message(turn) for turn in _strip_prefill(turns)]
    tools = _native_tools(request) if request.tools else {}
    return {**body, **tools, **top_level_fields(request, SETTING_NAMES)}


def _native_tools(request: ChatRequest) -> dict[str, Any]:
    tools = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
        for tool in request.tools
    ]
    choice: dict[str, Any] = {"type": "any" if request.require_tool_call else "auto"}
    if not request.parallel:
        choice["disable_parallel_tool_use"] = True
    return {"tools": tools, "tool_choice": choice}


def _strip_prefill(turns: list[Message]) -> list[Message]:
    """Remove white space at the end of a last assistant turn, which Anthropic refuses."""
    match turns[-1]:
        case Message(role="assistant", parts=(*before, TextPart() as last)):
            parts = (*before, TextPart(last.text.rstrip()))
            return [*turns[:-1], replace(turns[-1], parts=parts)]
    return turns


def _message(message: Message) -> dict[str, Any]:
    # Anthropic refuses a message in which a result follows other content.
    parts = sorted(message.parts, key=lambda part: not isinstance(part, ToolResult))
    return {"role": message.role, "content": [_part(part) for part in parts]}


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case MediaPart() if accepts_media(part):
            source = {"type": "base64", "media_type": part.mime, "data": part.data}
            if part.kind == "image":
                return {"type": "image", "source": source}
            title = {"title": part.name} if part.name else {}
            return {"type": "document", "source": source, **title}
        case MediaPart():
            raise unaccepted_media(part, "Claude", "PNG, JPEG, GIF, WebP and PDF as base64")
        case ToolCall():
            arguments = arguments_object(part)
            return {"type": "tool_use", "id": part.id or "", "name": part.name, "input": arguments}
        case ToolResult():
            block: dict[str, Any] = {"type": "tool_result", "tool_use_id": part.id or ""}
            parts = describe_unaccepted(part.parts, accepts_media)
            content = [_part(p) for p in parts if not isinstance(p, TextPart) or p.text.strip()]
            if content:
                block["content"] = content
            return {**block, "is_error": True} if part.is_error else block


def accepts_media(media: MediaPart) -> bool:
    """Return whether Claude can be shown a medium."""
    return media.data is not None and media.mime in _TYPES.get(media.kind, ())


def decode(body: Mapping[str, Any]) -> ChatResponse:
    """Read a reply whose `content` is a list, or anything else beside a `stop_reason`."""
    content = body.get("content")
    blocks = values.dict_items([{"text": content}] if isinstance(content, str) else content)
    native = values.as_text(body.get("stop_reason"))
    if not blocks and not native:
        raise SegmindResponseError("its content holds no block")
    text, refusal_text = _text(blocks, "text"), _text(blocks, "refusal")
    is_stopped = values.is_refusal_reason(native) and not text
    is_refused = native == "refusal" or bool(refusal_text) or is_stopped
    tool_uses = at_most((b for b in blocks if b.get("type") == "tool_use"), "tool calls")
    choice = Choice(
        text="" if is_refused and not refusal_text else text,
        reasoning=_text(blocks, "thinking"),
        refusal=(refusal_text or text or _explanation(body)) if is_refused else None,
        calls=tuple([values.read_call(use, "input", use.get("id")) for use in tool_uses]),
        finish_reason=values.finish_reason(native, _FINISH_REASONS),
        native_finish_reason=native,
    )
    reply_id = values.as_text(body.get("id"))
    return ChatResponse((choice,), usage=_usage(body.get("usage")), id=reply_id)


def is_reply(body: Mapping[str, Any], *, is_sure: bool) -> bool:
    """Return whether a JSON object is a reply of Claude's."""
    content = body.get("content")
    if isinstance(content, list):
        return True
    if not isinstance(content, str | None) or not isinstance(body.get("stop_reason"), str):
        return False
    return is_sure or body.get("type") == "message" or body.keys() <= _REPLY_KEYS


def _explanation(body: Mapping[str, Any]) -> str:
    details = values.as_dict(body.get("stop_details"))
    return values.as_text(details.get("explanation")) or "Claude refused to answer"


def _text(blocks: list[Mapping[str, Any]], kind: str) -> str:
    """Join the texts of a kind; OpenAI's Responses API calls it `output_text`."""
    kinds = (kind, f"output_{kind}")
    return values.join_text((b for b in blocks if b.get("type", "text") in kinds), kind)


def _usage(value: Any) -> Usage | None:
    counts = values.as_dict(value)
    usage = values.as_usage(
        counts.get("input_tokens"),
        counts.get("output_tokens"),
        cache_read=counts.get("cache_read_input_tokens"),
        cache_creation=counts.get("cache_creation_input_tokens"),
    )
    if usage is None:
        return None
    # Anthropic counts cached tokens apart; LangChain's input_tokens include them.
    cached = (usage.cache_read or 0) + (usage.cache_creation or 0)
    return replace(usage, input=usage.input + cached)
