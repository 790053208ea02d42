"""The Gemini format, where `messages` is an object.

`system_instruction.parts` is an object with `text` in every sample of the vendor's. Where settings
go is unknown; they stand beside the messages, as for every family.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from langchain_segmind._formats import gemini_schema as _gemini_schema
from langchain_segmind._formats import turns as _turns
from langchain_segmind._formats import values
from langchain_segmind._messages.results import show
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
    invalid_request,
    parse_native_call,
)
from langchain_segmind.errors import SegmindResponseError

SETTING_NAMES: Final[Mapping[str, str]] = {"stop": "stopSequences"}
"""Settings that Gemini calls by another name."""

_ROLES: Final = {"user": "user", "assistant": "model"}

_FINISH: Final[Mapping[str, str]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
}


def encode(prompt: ChatRequest) -> dict[str, Any]:
    """Write a prompt as the body of a request.

    Raises:
        SegmindInvalidRequestError: If a part cannot be said in this format.
    """
    system, dialogue = _turns.split_system(prompt.messages)
    messages: dict[str, Any] = {}
    if system:
        messages["system_instruction"] = {"parts": {"text": system}}
    turns = _turns.alternate(dialogue)
    names = {c.id: c.name for turn in turns for c in turn.parts if isinstance(c, ToolCall)}
    messages["contents"] = [_content(turn, names) for turn in turns]
    wanted = _gemini_schema.adapted(prompt.response_format)
    siblings = _turns.top_level_fields(replace(prompt, response_format=wanted), SETTING_NAMES)
    return {"messages": messages, **_offer(prompt), **siblings}


def _offer(prompt: ChatRequest) -> dict[str, Any]:
    """Offer tools natively."""
    if not prompt.tools:
        return {}
    declared = [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": _gemini_schema.plain(tool.parameters),
        }
        for tool in prompt.tools
    ]
    mode = {"mode": "ANY" if prompt.forced else "AUTO"}
    return {
        "tools": [{"functionDeclarations": declared}],
        "toolConfig": {"functionCallingConfig": mode},
    }


def _content(turn: Message, names: Mapping[str | None, str]) -> dict[str, Any]:
    # What a result shows besides words stands behind it, as a response is a plain object.
    shown = [
        inner
        for part in turn.parts
        if isinstance(part, ToolResult)
        for inner in show(part.parts, shows)
        if isinstance(inner, MediaPart)
    ]
    parts = [_part(part, names) for part in (*turn.parts, *shown)]
    return {"role": _ROLES[turn.role], "parts": parts}


def _part(
    part: TextPart | MediaPart | ToolCall | ToolResult, names: Mapping[str | None, str]
) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"text": part.text}
        case MediaPart(data=str()):
            return {"inlineData": {"mimeType": part.mime, "data": part.data}}
        case MediaPart():
            raise invalid_request(
                f"{part.where}: Gemini takes media inline only; download it yourself and send it "
                "as base64, for an image with content_block_from_file(...)"
            )
        case ToolCall():
            raw = part.arguments
            given = {"unreadable": raw} if isinstance(raw, str) else raw
            return {"functionCall": {"name": part.name, "args": given}}
        case ToolResult():
            shown = show(part.parts, shows)
            said = "\n".join(inner.text for inner in shown if isinstance(inner, TextPart))
            name = part.name or names.get(part.id) or "unknown"
            told = {"error" if part.is_error else "result": said}
            return {"functionResponse": {"name": name, "response": told}}


_SHOWN: Final = frozenset(
    {"application/pdf"}
    | {f"image/{name}" for name in ("png", "jpeg", "webp", "heic", "heif")}
    | {f"audio/{name}" for name in ("wav", "mp3", "mpeg", "aiff", "aac", "ogg", "flac")}
    | {f"video/{name}" for name in ("mp4", "mpeg", "mpg", "mov", "quicktime", "avi", "x-flv")}
    | {f"video/{name}" for name in ("webm", "wmv", "3gpp")}
)
"""Types that Gemini documents, https://ai.google.dev/gemini-api/docs; it refuses others, as GIF."""


def shows(media: MediaPart) -> bool:
    """Whether Gemini can be shown a medium that a tool returned."""
    return media.data is not None and media.mime in _SHOWN


def decode(body: Mapping[str, Any]) -> ChatResponse:
    """Read a reply that has `candidates`, or the reason why there are none.

    Raises:
        SegmindResponseError: If there is neither.
    """
    choices = values.readable(_choice, body.get("candidates"))
    if not choices:
        choices = (_blocked(values.as_dict(body.get("promptFeedback"))),)
    return ChatResponse(
        choices, usage=_usage(body.get("usageMetadata")), id=values.as_text(body.get("responseId"))
    )


def _blocked(feedback: Mapping[str, Any]) -> Choice:
    reason = values.as_text(feedback.get("blockReason"))
    if not reason:
        raise SegmindResponseError("its candidates hold no answer")
    said = values.as_text(feedback.get("blockReasonMessage"))
    refusal = said or f"Gemini blocked the prompt: {reason}"
    return Choice(refusal=refusal, finish_reason="content_filter", native_finish_reason=reason)


_REFUSED: Final = frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST"})
"""Reasons that are a refusal also where part of an answer was given, as in LangChain's own
translator for Gemini."""


def _choice(item: Mapping[str, Any]) -> Choice | None:
    native = values.as_text(item.get("finishReason"))
    parts = list(values.dict_items(values.as_dict(item.get("content")).get("parts")))
    if not parts and not native:
        return None
    text = _joined(part for part in parts if part.get("thought") is not True)
    calls = tuple(_call(part["functionCall"]) for part in parts if "functionCall" in part)
    finish = _FINISH.get(native, native.lower()) if native else None
    refused = native in _REFUSED or (finish == "content_filter" and not text)
    return Choice(
        text=text,
        reasoning=_joined(part for part in parts if part.get("thought") is True),
        refusal=(values.as_text(item.get("finishMessage")) or f"Gemini stopped: {native}")
        if refused
        else None,
        calls=calls,
        finish_reason="tool_calls" if calls and finish == "stop" else finish,
        native_finish_reason=native,
    )


def _joined(parts: Iterable[Mapping[str, Any]]) -> str:
    return "".join(values.as_text(part.get("text")) or "" for part in parts)


def _call(value: Any) -> ToolCall:
    call = values.as_dict(value)
    return parse_native_call(call, "args", call.get("id"))


def _usage(value: Any) -> Usage | None:
    usage = values.as_dict(value)
    given = values.as_count(usage.get("promptTokenCount"))
    said = values.as_count(usage.get("candidatesTokenCount"))
    thought = values.as_count(usage.get("thoughtsTokenCount"))
    if given is None and said is None:
        return None
    return Usage(
        input=given or 0,
        output=(said or 0) + (thought or 0),
        total=values.as_count(usage.get("totalTokenCount")),
        cache_read=values.as_count(usage.get("cachedContentTokenCount")),
        reasoning=thought,
    )
