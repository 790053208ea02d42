"""The Anthropic format: Claude.

The system prompt is `instruction`, beside the messages; a native `system` was seen ignored. Roles
alternate between user and assistant, the user begins, and no text is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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

SETTING_NAMES: Final[Mapping[str, str]] = {"stop": "stop_sequences"}
"""Settings that Claude calls by another name."""

_IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})

_FINISH: Final[Mapping[str, str]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def encode(prompt: ChatRequest) -> dict[str, Any]:
    """Write a prompt as the body of a request.

    Raises:
        SegmindInvalidRequestError: If a part cannot be said in this format.
    """
    if prompt.response_format is not None and prompt.response_format.get("type") == "json_object":
        raise invalid_request(
            "response_format: Claude refuses json_object (json_mode); use json_schema"
        )
    system, dialogue = _turns.split_system(prompt.messages)
    body: dict[str, Any] = {"instruction": system} if system else {}
    body["messages"] = [_message(turn) for turn in _turns.alternate(dialogue)]
    return {**body, **_offer(prompt), **_turns.top_level_fields(prompt, SETTING_NAMES)}


def _offer(prompt: ChatRequest) -> dict[str, Any]:
    """Offer tools natively."""
    if not prompt.tools:
        return {}
    tools = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
        for tool in prompt.tools
    ]
    choice: dict[str, Any] = {"type": "any" if prompt.forced else "auto"}
    if not prompt.parallel:
        choice["disable_parallel_tool_use"] = True
    return {"tools": tools, "tool_choice": choice}


def _message(turn: Message) -> dict[str, Any]:
    # Results must come first in their turn.
    parts = sorted(turn.parts, key=lambda part: not isinstance(part, ToolResult))
    return {"role": turn.role, "content": [_part(part) for part in parts]}


def _part(part: TextPart | MediaPart | ToolCall | ToolResult) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case MediaPart(kind="image", data=str()) if part.mime in _IMAGES:
            return {"type": "image", "source": _source(part)}
        case MediaPart(kind="file", data=str(), mime="application/pdf"):
            named = {"title": part.name} if part.name else {}
            return {"type": "document", "source": _source(part), **named}
        case MediaPart(url=str()):
            raise invalid_request(
                f"{part.where}: Claude takes media inline only; download it yourself and send it "
                "as base64, for an image with content_block_from_file(...)"
            )
        case MediaPart():
            raise invalid_request(
                f"{part.where}: Claude takes PNG, JPEG, GIF, WebP and PDF, not {part.mime}"
            )
        case ToolCall():
            raw = part.arguments
            given = {"unreadable": raw} if isinstance(raw, str) else raw
            return {"type": "tool_use", "id": part.id or "", "name": part.name, "input": given}
        case ToolResult():
            result = {"type": "tool_result", "tool_use_id": part.id or ""}
            shown = show(part.parts, shows)
            said = [p for p in shown if not isinstance(p, TextPart) or p.text.strip()]
            told = {"content": [_part(inner) for inner in said]} if said else {}
            return {**result, **told, **({"is_error": True} if part.is_error else {})}


def shows(media: MediaPart) -> bool:
    """Whether Claude can be shown a medium that a tool returned."""
    if media.data is None:
        return False
    return media.mime in _IMAGES if media.kind == "image" else media.mime == "application/pdf"


def _source(part: MediaPart) -> dict[str, Any]:
    return {"type": "base64", "media_type": part.mime, "data": part.data}


def decode(body: Mapping[str, Any]) -> ChatResponse:
    """Read a reply whose `content` is a list. Optional fields that are odd are left out.

    Raises:
        SegmindResponseError: If the list holds nothing, and no reason why.
    """
    blocks = list(values.dict_items(body.get("content")))
    native = values.as_text(body.get("stop_reason"))
    if not blocks and not native:
        raise SegmindResponseError("its content holds no block")
    text = _joined(blocks, "text")
    told = _joined(blocks, "refusal")
    refused = native == "refusal" or bool(told)
    choice = Choice(
        text="" if refused and not told else text,
        reasoning=_joined(blocks, "thinking"),
        refusal=(told or text or _explained(body)) if refused else None,
        calls=tuple(
            parse_native_call(b, "input", b.get("id"))
            for b in blocks
            if b.get("type") == "tool_use"
        ),
        finish_reason=_FINISH.get(native, native) if native else None,
        native_finish_reason=native,
    )
    return ChatResponse(
        (choice,), usage=_usage(body.get("usage")), id=values.as_text(body.get("id"))
    )


def _explained(body: Mapping[str, Any]) -> str:
    details = values.as_dict(body.get("stop_details"))
    return values.as_text(details.get("explanation")) or "Claude refused to answer"


def _joined(blocks: list[Mapping[str, Any]], kind: str) -> str:
    return "".join(
        values.as_text(b.get(kind)) or "" for b in blocks if b.get("type", "text") == kind
    )


def _usage(value: Any) -> Usage | None:
    usage = values.as_dict(value)
    given, made = (
        values.as_count(usage.get("input_tokens")),
        values.as_count(usage.get("output_tokens")),
    )
    if given is None and made is None:
        return None
    read = values.as_count(usage.get("cache_read_input_tokens"))
    written = values.as_count(usage.get("cache_creation_input_tokens"))
    # Anthropic counts cached tokens apart; LangChain's input_tokens are all of them.
    return Usage(
        input=(given or 0) + (read or 0) + (written or 0),
        output=made or 0,
        cache_read=read,
        cache_creation=written,
    )
