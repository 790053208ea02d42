"""The OpenAI format: most models behind the gateway.

It may use no role but user, assistant and system, all that the gateway documents. A message that
holds only text is sent as a plain string.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from langchain_segmind._formats import values
from langchain_segmind._formats.encoding import (
    DOCUMENT_TYPES,
    arguments_object,
    top_level_fields,
    unaccepted_media,
)
from langchain_segmind._messages.limits import at_most
from langchain_segmind._messages.mime import IMAGE_TYPES
from langchain_segmind._messages.results import only_text
from langchain_segmind._messages.types import (
    ChatRequest,
    ChatResponse,
    Choice,
    MediaPart,
    Message,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from langchain_segmind.errors import SegmindResponseError

SETTING_NAMES: Final[Mapping[str, str]] = {}
"""ChatSegmind's names of the settings are OpenAI's own."""

_AUDIO: Final = {"audio/wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3"}
_TYPES: Final = {"image": IMAGE_TYPES, "file": DOCUMENT_TYPES, "audio": frozenset(_AUDIO)}
"""Media that can be sent inline, by kind."""


def encode(request: ChatRequest) -> dict[str, Any]:
    """Write a request's body."""
    messages = [_message(message) for message in request.messages]
    if request.response_format is not None and request.response_format.get("type") == "json_object":
        _ask_for_json(messages)
    tools = _native_tools(request) if request.tools else {}
    return {"messages": messages, **tools, **top_level_fields(request, SETTING_NAMES)}


def _native_tools(request: ChatRequest) -> dict[str, Any]:
    tools = [{"type": "function", "function": _function(tool)} for tool in request.tools]
    fields: dict[str, Any] = {"tools": tools}
    if request.require_tool_call:
        fields["tool_choice"] = "required"
    if not request.parallel:
        fields["parallel_tool_calls"] = False
    return fields


def _function(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return function if tool.strict is None else {**function, "strict": tool.strict}


def _message(message: Message) -> dict[str, Any]:
    match message.parts:
        case (TextPart() as only,) if not message.name:  # the fast path of most messages
            return {"role": message.role, "content": only.text}
        case (ToolResult() as result,):  # the format's own tool messages take only text
            content = only_text(result.parts)
            return {"role": "tool", "tool_call_id": result.id or "", "content": content}
    calls = [_native_call(part) for part in message.parts if isinstance(part, ToolCall)]
    shown = [part for part in message.parts if isinstance(part, TextPart | MediaPart)]
    body: dict[str, Any] = {"role": message.role, "content": _content(shown)}
    if calls:
        return {**body, "content": body["content"] or None, "tool_calls": calls}
    return {**body, "name": message.name} if message.name else body


def _content(parts: Sequence[TextPart | MediaPart]) -> str | list[dict[str, Any]]:
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    return "\n".join(texts) if len(texts) == len(parts) else [_part(part) for part in parts]


def _part(part: TextPart | MediaPart) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case MediaPart() if not accepts_media(part):
            types = "PNG, JPEG, GIF, WebP, PDF, WAV and MP3 as base64, and image URLs"
            raise unaccepted_media(part, "the OpenAI format", types)
        case MediaPart(kind="image"):
            image = {"url": part.url or _data_uri(part)}
            if part.detail:
                image["detail"] = part.detail
            return {"type": "image_url", "image_url": image}
        case MediaPart(kind="file"):
            file = {"filename": part.name or "document.pdf", "file_data": _data_uri(part)}
            return {"type": "file", "file": file}
        case MediaPart():
            audio = {"data": part.data, "format": _AUDIO[part.mime or ""]}
            return {"type": "input_audio", "input_audio": audio}


def _data_uri(media: MediaPart) -> str:
    return f"data:{media.mime};base64,{media.data}"


def accepts_media(media: MediaPart) -> bool:
    """Return whether models in this format can be shown a medium."""
    if media.data is None:
        return media.kind == "image"
    return media.mime in _TYPES.get(media.kind, ())


def _native_call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(arguments_object(call), ensure_ascii=False)
    function = {"name": call.name or "unknown", "arguments": arguments}
    return {"id": call.id or "", "type": "function", "function": function}


def _ask_for_json(messages: list[dict[str, Any]]) -> None:
    """Add the word JSON: OpenAI and DeepSeek refuse `json_object` unless a message has it."""
    if "json" not in str([message["content"] for message in messages]).lower():
        messages.insert(0, {"role": "system", "content": "Answer in JSON."})


def is_reply(body: Mapping[str, Any], *, is_sure: bool) -> bool:
    """Return whether a JSON object is a reply in this format."""
    choices = body.get("choices")
    return bool(choices) if is_sure else isinstance(choices, list)


def decode(body: Mapping[str, Any]) -> ChatResponse:
    """Read a reply that has `choices`."""
    choices = values.read_choices(_choice, body.get("choices"))
    if not choices:
        raise SegmindResponseError("its choices hold no message")
    return ChatResponse(choices, usage=_usage(body.get("usage")), id=values.as_text(body.get("id")))


def _choice(item: Mapping[str, Any]) -> Choice | None:
    message = values.as_dict(item.get("message"))
    if not message and isinstance(item.get("text"), str):  # OpenAI's older completions
        message = {"content": item["text"]}
    content = message.get("content")
    finish = values.as_text(item.get("finish_reason"))
    is_stopped = values.is_refusal_reason(finish)
    if not (message or is_stopped) or not isinstance(content, str | list | None):
        return None
    text = _text(content)
    refusal = values.as_text(message.get("refusal")) or _refusal_parts(content)
    calls = tuple(map(_call, _native_calls(message)))
    native = finish if is_stopped and finish != "content_filter" else None
    if native == "refusal" and not refusal:  # Claude's word, for an answer that refuses
        refusal, text = text, ""
    if is_stopped and not (refusal or text or calls):
        reason = f": {native}" if native else ""
        refusal = f"The provider's content filter stopped the answer{reason}"
    return Choice(
        text=text,
        reasoning=_text(message.get("reasoning_content")) or _text(message.get("reasoning")),
        refusal=refusal or None,
        calls=calls,
        finish_reason="content_filter" if is_stopped else finish,
        native_finish_reason=native,
    )


def _native_calls(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the calls of a message: a list, one alone, or OpenAI's older `function_call`."""
    calls = message.get("tool_calls")
    if isinstance(calls, dict):
        return [calls]
    legacy = values.as_dict(message.get("function_call"))  # some servers send an empty one
    return at_most(values.dict_items(calls), "tool calls") or (
        [{"function": legacy}] if legacy.get("name") else []
    )


def _refusal_parts(content: Any) -> str:
    """Join the refusals in a content that is a list of parts."""
    if not isinstance(content, list):
        return ""
    parts = [part for part in values.dict_items(content) if part.get("type") == "refusal"]
    return values.join_text(parts, "refusal")


def _text(content: Any) -> str:
    """Return a text, or the joined texts of a list of parts."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    texts = (
        part if isinstance(part, str) else values.as_dict(part).get("text") for part in content
    )
    return "".join(text for text in texts if isinstance(text, str))


def _call(call: Mapping[str, Any]) -> ToolCall:
    function = values.as_dict(call.get("function"))
    return values.read_call(function, "arguments", call.get("id"), call)


def _usage(value: Any) -> Usage | None:
    counts = values.as_dict(value)
    prompt = values.as_dict(counts.get("prompt_tokens_details"))
    completion = values.as_dict(counts.get("completion_tokens_details"))
    return values.as_usage(
        counts.get("prompt_tokens"),
        counts.get("completion_tokens"),
        total=counts.get("total_tokens"),
        cache_read=prompt.get("cached_tokens"),
        reasoning=completion.get("reasoning_tokens"),
    )
