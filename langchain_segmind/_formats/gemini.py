"""The Gemini format, where `messages` is an object.

`system_instruction.parts` is an object with `text` in each of the vendor's samples, and must stay
one. Where settings go is unknown: they stand beside the messages, as for every family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from langchain_segmind._formats import values
from langchain_segmind._formats.encoding import (
    arguments_object,
    split_system,
    top_level_fields,
    unaccepted_media,
)
from langchain_segmind._formats.gemini_schema import adapt_parameters, adapt_response_format
from langchain_segmind._messages.limits import at_most
from langchain_segmind._messages.results import describe_unaccepted
from langchain_segmind._messages.types import (
    ChatRequest,
    ChatResponse,
    Choice,
    MediaPart,
    Message,
    TextPart,
    ToolCall,
    ToolResult,
    Usage,
)
from langchain_segmind.errors import SegmindResponseError

SETTING_NAMES: Final[Mapping[str, str]] = {"stop": "stopSequences"}
"""Settings that Gemini calls by another name."""

_ROLES: Final = {"user": "user", "assistant": "model"}

_FINISH_REASONS: Final[Mapping[str, str]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "LANGUAGE": "content_filter",
}
"""Those of refusals are recognized by their words."""

_REFUSALS: Final = frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST"})
"""Finish reasons that are a refusal even beside part of an answer, as in LangChain's own translator
for Gemini."""

_MEDIA_TYPES: Final = frozenset(
    {"application/pdf"}
    | {f"image/{name}" for name in ("png", "jpeg", "webp", "heic", "heif")}
    | {f"audio/{name}" for name in ("wav", "mp3", "mpeg", "aiff", "aac", "ogg", "flac")}
    | {f"audio/{name}" for name in ("mp4", "m4a", "x-m4a", "webm", "opus")}
    | {f"video/{name}" for name in ("mp4", "mpeg", "mpg", "mov", "quicktime", "avi", "x-flv")}
    | {f"video/{name}" for name in ("webm", "wmv", "3gpp")}
)
"""Types that Google documents for Gemini, https://ai.google.dev/gemini-api/docs, and more audio for
Vertex AI. It refuses others, as GIF."""

_CALL_KEYS: Final = frozenset({"functionCall", "function_call"})


def encode(request: ChatRequest) -> dict[str, Any]:
    """Write a request's body."""
    system, messages = split_system(request.messages)
    body: dict[str, Any] = {}
    if system:
        body["system_instruction"] = {"parts": {"text": system}}
    names = {c.id: c.name for m in messages for c in m.parts if isinstance(c, ToolCall)}
    body["contents"] = [_content(message, names) for message in messages]
    response_format = adapt_response_format(request.response_format)
    fields = top_level_fields(replace(request, response_format=response_format), SETTING_NAMES)
    tools = _native_tools(request) if request.tools else {}
    return {"messages": body, **tools, **fields}


def _native_tools(request: ChatRequest) -> dict[str, Any]:
    declarations = [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": adapt_parameters(tool.parameters),
        }
        for tool in request.tools
    ]
    mode = {"mode": "ANY" if request.require_tool_call else "AUTO"}
    return {
        "tools": [{"functionDeclarations": declarations}],
        "toolConfig": {"functionCallingConfig": mode},
    }


def _content(message: Message, names: Mapping[str | None, str]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    media: list[MediaPart] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            inner = describe_unaccepted(part.parts, accepts_media)
            text = "\n".join(p.text for p in inner if isinstance(p, TextPart))
            # A response is a plain object, so its media follow as parts of their own.
            media += [p for p in inner if isinstance(p, MediaPart)]
            name = part.name or names.get(part.id) or "unknown"
            response = {"error" if part.is_error else "result": text}
            parts.append({"functionResponse": {"name": name, "response": response}})
        else:
            parts.append(_part(part))
    return {"role": _ROLES[message.role], "parts": [*parts, *map(_part, media)]}


def _part(part: TextPart | MediaPart | ToolCall) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"text": part.text}
        case MediaPart() if accepts_media(part):
            return {"inlineData": {"mimeType": part.mime, "data": part.data}}
        case MediaPart():
            types = "PNG, JPEG, WebP, HEIC, PDF, and usual audio and video as base64"
            raise unaccepted_media(part, "Gemini", types)
        case ToolCall():
            return {"functionCall": {"name": part.name, "args": arguments_object(part)}}


def accepts_media(media: MediaPart) -> bool:
    """Return whether Gemini can be shown a medium."""
    return media.data is not None and media.mime in _MEDIA_TYPES


def is_reply(body: Mapping[str, Any], *, is_sure: bool) -> bool:
    """Return whether a JSON object is a reply of Gemini's."""
    candidates = body.get("candidates")
    if is_sure:
        return bool(candidates or body.get("promptFeedback"))
    return isinstance(candidates, list) or "promptFeedback" in body


def decode(body: Mapping[str, Any]) -> ChatResponse:
    """Read a reply that has `candidates`, or the reason why it has none."""
    choices = values.read_choices(_choice, body.get("candidates"))
    if not choices:
        choices = (_blocked(values.as_dict(body.get("promptFeedback"))),)
    reply_id = values.as_text(body.get("responseId"))
    return ChatResponse(choices, usage=_usage(body.get("usageMetadata")), id=reply_id)


def _blocked(feedback: Mapping[str, Any]) -> Choice:
    reason = values.as_text(feedback.get("blockReason"))
    if not reason:
        raise SegmindResponseError("its candidates hold no answer")
    message = values.as_text(feedback.get("blockReasonMessage"))
    refusal = message or f"Gemini blocked the prompt: {reason}"
    return Choice(refusal=refusal, finish_reason="content_filter", native_finish_reason=reason)


def _choice(item: Mapping[str, Any]) -> Choice | None:
    native = values.as_text(item.get("finishReason"))
    parts = values.dict_items(values.as_dict(item.get("content")).get("parts"))
    if not parts and not native:
        return None
    thoughts = [part for part in parts if part.get("thought") is True]
    text = values.join_text((part for part in parts if part.get("thought") is not True), "text")
    holding_calls = (part for part in parts if _CALL_KEYS & part.keys())
    calls = tuple(map(_call, at_most(holding_calls, "tool calls")))
    finish = values.finish_reason(native, _FINISH_REASONS)
    refusal = None
    if native in _REFUSALS or (finish == "content_filter" and not text):
        refusal = values.as_text(item.get("finishMessage")) or f"Gemini stopped: {native}"
    return Choice(
        text=text,
        reasoning=values.join_text(thoughts, "text"),
        refusal=refusal,
        calls=calls,
        finish_reason="tool_calls" if calls and finish == "stop" else finish,
        native_finish_reason=native,
    )


def _call(part: Mapping[str, Any]) -> ToolCall:
    call = values.as_dict(part.get("functionCall") or part.get("function_call"))
    return values.read_call(call, "args", call.get("id"), part)


def _usage(value: Any) -> Usage | None:
    counts = values.as_dict(value)
    usage = values.as_usage(
        counts.get("promptTokenCount"),
        counts.get("candidatesTokenCount"),
        total=counts.get("totalTokenCount"),
        cache_read=counts.get("cachedContentTokenCount"),
        reasoning=counts.get("thoughtsTokenCount"),
    )
    # Gemini counts thoughts apart; LangChain's output_tokens include them.
    return usage and replace(usage, output=usage.output + (usage.reasoning or 0))
