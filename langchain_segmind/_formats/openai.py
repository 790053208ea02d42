"""The OpenAI format: most models behind the gateway.

The roles user, assistant and system are all that the gateway documents; a plain string is sent
where a turn holds only text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from langchain_segmind._formats import turns as _turns
from langchain_segmind._formats import values
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
    invalid_request,
    parse_native_call,
)
from langchain_segmind.errors import SegmindResponseError

SETTING_NAMES: Final[Mapping[str, str]] = {}
"""The settings' names are OpenAI's own."""


def encode(prompt: ChatRequest) -> dict[str, Any]:
    """Write a prompt as the body of a request.

    Raises:
        SegmindInvalidRequestError: If a part cannot be said in this format.
    """
    messages = [_message(turn) for turn in prompt.messages]
    if prompt.response_format is not None and prompt.response_format.get("type") == "json_object":
        _ask_for_json(messages)
    offer = _offer(prompt) if prompt.tools else {}
    return {"messages": messages, **offer, **_turns.top_level_fields(prompt, SETTING_NAMES)}


def _offer(prompt: ChatRequest) -> dict[str, Any]:
    """Offer tools natively."""
    tools = [{"type": "function", "function": _function(tool)} for tool in prompt.tools]
    offer: dict[str, Any] = {"tools": tools}
    if prompt.forced:
        offer["tool_choice"] = "required"
    if not prompt.parallel:
        offer["parallel_tool_calls"] = False
    return offer


def _function(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return function if tool.strict is None else {**function, "strict": tool.strict}


def _message(turn: Message) -> dict[str, Any]:
    match turn.parts:
        case (TextPart() as said,) if not turn.name:  # what most turns are
            return {"role": turn.role, "content": said.text}
        case (ToolResult() as result,):
            return _native_result(result)
    calls = [_native_call(part) for part in turn.parts if isinstance(part, ToolCall)]
    if calls:
        words = tuple(part for part in turn.parts if not isinstance(part, ToolCall))
        told = _content(replace(turn, parts=words)) or None
        return {"role": turn.role, "content": told, "tool_calls": calls}
    message: dict[str, Any] = {"role": turn.role, "content": _content(turn)}
    if turn.name:
        message["name"] = turn.name
    return message


def _content(turn: Message) -> str | list[dict[str, Any]]:
    texts = [part.text for part in turn.parts if isinstance(part, TextPart)]
    if len(texts) == len(turn.parts):
        return "\n".join(texts)
    return [_part(part) for part in turn.parts]


def _part(part: TextPart | MediaPart | ToolCall | ToolResult) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case MediaPart(kind="image"):
            image = {"url": part.url or f"data:{part.mime};base64,{part.data}"}
            if part.detail:
                image["detail"] = part.detail
            return {"type": "image_url", "image_url": image}
        case MediaPart(kind="file", data=str(), mime="application/pdf"):
            uri = f"data:{part.mime};base64,{part.data}"
            file = {"filename": part.name or "document.pdf", "file_data": uri}
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


def shows(media: MediaPart) -> bool:
    """Whether models in this format can be shown a medium that a tool returned."""
    if media.kind == "image":
        return media.url is not None or media.mime in _IMAGES
    if media.data is None:
        return False
    return media.mime == "application/pdf" if media.kind == "file" else media.mime in _AUDIO


def _native_call(call: ToolCall) -> dict[str, Any]:
    raw = call.arguments
    given = {"unreadable": raw} if isinstance(raw, str) else raw
    arguments = json.dumps(given, ensure_ascii=False)
    function = {"name": call.name or "unknown", "arguments": arguments}
    return {"id": call.id or "", "type": "function", "function": function}


def _native_result(result: ToolResult) -> dict[str, Any]:
    # The format's own tool messages take only text.
    content = only_text(result.parts)
    return {"role": "tool", "tool_call_id": result.id or "", "content": content}


_IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_AUDIO: Final = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mp3": "mp3",
    "audio/mpeg": "mp3",
}


def _ask_for_json(messages: list[dict[str, Any]]) -> None:
    """OpenAI and DeepSeek refuse `json_object` unless the word occurs in the messages."""
    if "json" not in str([message["content"] for message in messages]).lower():
        messages.insert(0, {"role": "system", "content": "Answer in JSON."})


def decode(body: Mapping[str, Any]) -> ChatResponse:
    """Read a reply that has `choices`. Optional fields that are odd are left out.

    Raises:
        SegmindResponseError: If there is no choice to be read.
    """
    choices = values.readable(_choice, body.get("choices"))
    if not choices:
        raise SegmindResponseError("its choices hold no message")
    return ChatResponse(choices, usage=_usage(body.get("usage")), id=values.as_text(body.get("id")))


def _choice(item: Mapping[str, Any]) -> Choice | None:
    message = values.as_dict(item.get("message"))
    content = message.get("content")
    if not message or not (content is None or isinstance(content, str | list)):
        return None
    text, finish = _joined(content), values.as_text(item.get("finish_reason"))
    calls = tuple(map(_call, values.dict_items(message.get("tool_calls"))))
    refusal = values.as_text(message.get("refusal")) or _refusal_parts(content)
    if finish == "content_filter" and not (refusal or text or calls):
        refusal = "The provider's content filter stopped the answer"
    return Choice(
        text=text,
        reasoning=_joined(message.get("reasoning_content")) or _joined(message.get("reasoning")),
        refusal=refusal,
        calls=calls,
        finish_reason=finish,
    )


def _refusal_parts(content: Any) -> str | None:
    """Join the refusals that stand in the content, as a list of parts may have them."""
    if not isinstance(content, list):
        return None
    parts = [part for part in values.dict_items(content) if part.get("type") == "refusal"]
    return "".join(values.as_text(part.get("refusal")) or "" for part in parts) or None


def _joined(content: Any) -> str:
    """Join a text, or a list of text parts."""
    if not content:
        return ""
    if isinstance(content, list):
        return "".join(
            part
            if isinstance(part, str)
            else values.as_text(values.as_dict(part).get("text")) or ""
            for part in content
        )
    return values.as_text(content) or ""


def _call(call: Mapping[str, Any]) -> ToolCall:
    function = values.as_dict(call.get("function"))
    return parse_native_call(function, "arguments", call.get("id"))


def _usage(value: Any) -> Usage | None:
    usage = values.as_dict(value)
    given, made = (
        values.as_count(usage.get("prompt_tokens")),
        values.as_count(usage.get("completion_tokens")),
    )
    if given is None and made is None:
        return None
    return Usage(
        input=given or 0,
        output=made or 0,
        total=values.as_count(usage.get("total_tokens")),
        cache_read=_detail(usage.get("prompt_tokens_details"), "cached_tokens"),
        reasoning=_detail(usage.get("completion_tokens_details"), "reasoning_tokens"),
    )


def _detail(details: Any, name: str) -> int | None:
    return values.as_count(details.get(name)) if isinstance(details, dict) else None
