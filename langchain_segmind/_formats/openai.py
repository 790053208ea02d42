"""The OpenAI format: most models behind the gateway.

It may use no role but user, assistant and system, all that the gateway documents. A message that
holds only text is sent as a plain string.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from langchain_segmind._formats import values
from langchain_segmind._formats.encoding import IMAGE_TYPES, arguments_object, top_level_fields
from langchain_segmind._messages.results import only_text
from langchain_segmind._messages.types import (
    ChatRequest,
    ChatResponse,
    Choice,
    MediaPart,
    Message,
    Part,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    invalid_request,
    parse_native_call,
)
from langchain_segmind.errors import SegmindResponseError

SETTING_NAMES: Final[Mapping[str, str]] = {}
"""ChatSegmind's names of the settings are OpenAI's own."""

_AUDIO: Final = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mp3": "mp3",
    "audio/mpeg": "mp3",
}


def encode(request: ChatRequest) -> dict[str, Any]:
    """Write a request's body.

    Raises:
        SegmindInvalidRequestError: If a part cannot be sent in this format.
    """
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
    if calls:
        others = tuple(part for part in message.parts if not isinstance(part, ToolCall))
        words = _content(replace(message, parts=others)) or None
        return {"role": message.role, "content": words, "tool_calls": calls}
    body: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.name:
        body["name"] = message.name
    return body


def _content(message: Message) -> str | list[dict[str, Any]]:
    texts = [part.text for part in message.parts if isinstance(part, TextPart)]
    if len(texts) == len(message.parts):
        return "\n".join(texts)
    return [_part(part) for part in message.parts]


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case MediaPart(kind="image"):
            image = {"url": part.url or _data_uri(part)}
            if part.detail:
                image["detail"] = part.detail
            return {"type": "image_url", "image_url": image}
        case MediaPart(kind="file", data=str(), mime="application/pdf"):
            file = {"filename": part.name or "document.pdf", "file_data": _data_uri(part)}
            return {"type": "file", "file": file}
        case MediaPart(kind="audio", data=str(), mime=str()) if part.mime in _AUDIO:
            audio = {"data": part.data, "format": _AUDIO[part.mime]}
            return {"type": "input_audio", "input_audio": audio}
        case MediaPart():
            raise invalid_request(
                f"{part.where}: models in the OpenAI format take images, PDF, WAV and MP3 as "
                f"base64 and images by url, not {part.mime or part.kind} by "
                f"{'url' if part.url else 'base64'}"
            )
        case ToolCall() | ToolResult():
            raise AssertionError("calls and results have messages of their own")


def _data_uri(media: MediaPart) -> str:
    return f"data:{media.mime};base64,{media.data}"


def accepts_media(media: MediaPart) -> bool:
    """Return whether models in this format can be shown a medium that a tool returned."""
    if media.kind == "image":
        return media.url is not None or media.mime in IMAGE_TYPES
    if media.data is None:
        return False
    return media.mime == "application/pdf" if media.kind == "file" else media.mime in _AUDIO


def _native_call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(arguments_object(call), ensure_ascii=False)
    function = {"name": call.name or "unknown", "arguments": arguments}
    return {"id": call.id or "", "type": "function", "function": function}


def _ask_for_json(messages: list[dict[str, Any]]) -> None:
    """Add the word JSON: OpenAI and DeepSeek refuse `json_object` unless a message has it."""
    if "json" not in str([message["content"] for message in messages]).lower():
        messages.insert(0, {"role": "system", "content": "Answer in JSON."})


def decode(body: Mapping[str, Any]) -> ChatResponse:
    """Read a reply that has `choices`. Odd optional fields are left out.

    Raises:
        SegmindResponseError: If no choice can be read.
    """
    choices = values.read_choices(_choice, body.get("choices"))
    if not choices:
        raise SegmindResponseError("its choices hold no message")
    return ChatResponse(choices, usage=_usage(body.get("usage")), id=values.as_text(body.get("id")))


def _choice(item: Mapping[str, Any]) -> Choice | None:
    message = values.as_dict(item.get("message"))
    content = message.get("content")
    finish = values.as_text(item.get("finish_reason"))
    is_empty = not message and not values.is_refusal_reason(finish)
    if is_empty or not (content is None or isinstance(content, str | list)):
        return None
    text = _text(content)
    calls = tuple(map(_call, _native_calls(message)))
    refusal = values.as_text(message.get("refusal")) or _refusal_parts(content)
    native = None
    if finish != "content_filter" and values.is_refusal_reason(finish):
        native, finish = finish, "content_filter"
    if native == "refusal" and text and not refusal:  # Claude's word, for an answer that refuses
        refusal, text = text, ""
    if finish == "content_filter" and not (refusal or text or calls):
        reason = f": {native}" if native else ""
        refusal = f"The provider's content filter stopped the answer{reason}"
    return Choice(
        text=text,
        reasoning=_text(message.get("reasoning_content")) or _text(message.get("reasoning")),
        refusal=refusal,
        calls=calls,
        finish_reason=finish,
        native_finish_reason=native,
    )


def _native_calls(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The calls of a message: a list, one alone, or OpenAI's older `function_call`."""
    calls = message.get("tool_calls")
    if isinstance(calls, dict):
        return [calls]
    legacy = values.as_dict(message.get("function_call"))  # some servers send an empty one
    return values.dict_items(calls) or ([{"function": legacy}] if legacy.get("name") else [])


def _refusal_parts(content: Any) -> str | None:
    """Join the refusals in a content that is a list of parts."""
    if not isinstance(content, list):
        return None
    parts = [part for part in values.dict_items(content) if part.get("type") == "refusal"]
    return values.join_text(parts, "refusal") or None


def _text(content: Any) -> str:
    """Return a text, or the joined texts of a list of parts."""
    if not content:
        return ""
    if isinstance(content, list):
        texts = (p if isinstance(p, str) else values.as_dict(p).get("text") for p in content)
        return "".join(values.as_text(text) or "" for text in texts)
    return values.as_text(content) or ""


def _call(call: Mapping[str, Any]) -> ToolCall:
    function = values.as_dict(call.get("function"))
    return parse_native_call(function, "arguments", call.get("id"), call)


def _usage(value: Any) -> Usage | None:
    usage = values.as_dict(value)
    input_tokens = values.as_count(usage.get("prompt_tokens"))
    output_tokens = values.as_count(usage.get("completion_tokens"))
    if input_tokens is None and output_tokens is None:
        return None
    return Usage(
        input=input_tokens or 0,
        output=output_tokens or 0,
        total=values.as_count(usage.get("total_tokens")),
        cache_read=_detail(usage.get("prompt_tokens_details"), "cached_tokens"),
        reasoning=_detail(usage.get("completion_tokens_details"), "reasoning_tokens"),
    )


def _detail(details: Any, name: str) -> int | None:
    return values.as_count(details.get(name)) if isinstance(details, dict) else None
