"""Values of a conversation, between LangChain's messages and the gateway's bodies.

They hold data and know neither LangChain nor a body format. `_messages` converts them from and to
LangChain's messages, `_tool_emulation` renders tools into them, `_formats` from and to bodies.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from typing import Any, Literal

from langchain_segmind._value import value
from langchain_segmind.errors import SegmindInvalidRequestError

Role = Literal["system", "user", "assistant"]
MediaKind = Literal["image", "file", "audio", "video"]
Method = Literal["json_schema", "function_calling", "json_mode"]


@value
class TextPart:
    """A text."""

    text: str


@value
class MediaPart:
    """An image, document, audio or video: inline as base64, or by URL.

    `where` names the message and block it came from, for the error of a format that cannot send it.
    """

    kind: MediaKind
    where: str
    data: str | None = field(default=None, repr=False)
    mime: str | None = None
    url: str | None = None
    name: str | None = None
    detail: str | None = None


@value
class ToolCall:
    """A model's call of a tool. `arguments` is the raw text if it could not be parsed."""

    name: str
    arguments: Mapping[str, Any] | str
    id: str | None = None
    error: str | None = None


@value
class ToolResult:
    """What a tool returned."""

    parts: tuple[TextPart | MediaPart, ...]
    id: str | None = None
    name: str | None = None
    is_error: bool = False


Part = TextPart | MediaPart | ToolCall | ToolResult


@value
class Message:
    """One message of a conversation.

    `where` names the message it came from, for the error of a format that cannot send it.
    """

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    where: str = field(default="", compare=False)


@value
class Tool:
    """A tool on offer; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool | None = None


@value
class ChatRequest:
    """Everything that one request asks of a model.

    Attributes:
        messages: The conversation, oldest first.
        tools: Those that the model may call; with a choice of one by name, only that one.
        require_tool_call: Whether the model must call at least one.
        parallel: Whether it may call several at once.
        settings: Generation settings under ChatSegmind's names, only those the user set.
        extras: Other top-level fields of the body, sent as they are.
        response_format: OpenAI's `response_format`, which the gateway accepts for every family.
    """

    messages: tuple[Message, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)
    response_format: Mapping[str, Any] | None = None
    tools: tuple[Tool, ...] = ()
    require_tool_call: bool = False
    parallel: bool = True


@value
class Usage:
    """Numbers of tokens, as far as the gateway counted them."""

    input: int = 0
    output: int = 0
    total: int | None = None
    cache_read: int | None = None
    cache_creation: int | None = None
    reasoning: int | None = None


@value
class Choice:
    """One of a reply's alternatives. `finish_reason` is OpenAI's word for it."""

    text: str = ""
    reasoning: str = ""
    refusal: str | None = None
    calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    native_finish_reason: str | None = None


@value
class ChatResponse:
    """What a model replied: at least one choice."""

    choices: tuple[Choice, ...]
    usage: Usage | None = None
    id: str | None = None


def has_calls(request: ChatRequest) -> bool:
    """Return whether a conversation has calls of tools, or results of them."""
    return any(
        isinstance(part, ToolCall | ToolResult)
        for message in request.messages
        for part in message.parts
    )


def invalid_request(reason: str) -> SegmindInvalidRequestError:
    """Build the error for input that is refused before anything is sent."""
    return SegmindInvalidRequestError(
        f"{reason.rstrip('.')}. Nothing was sent.", outcome="not_sent"
    )


def _reject_constant(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity cannot be sent back


def parse_call(name: Any, arguments: Any, call_id: Any) -> ToolCall:
    """Build a call from what a model wrote; arguments that are not a JSON object stay raw text.

    Args:
        name: The tool's name; anything but a string makes the call invalid.
        arguments: A JSON object, or a string of one; None and a blank string are an empty one.
        call_id: The model's own id of the call, if any.
    """
    tool_name = name if isinstance(name, str) else ""
    own_id = call_id if isinstance(call_id, str) and call_id else None
    parsed = arguments
    if isinstance(arguments, str):
        text = arguments if arguments.strip() else "{}"
        with suppress(ValueError, RecursionError):
            parsed = json.loads(text, parse_constant=_reject_constant)
    if isinstance(parsed, dict | None) and tool_name:
        return ToolCall(tool_name, parsed or {}, own_id)
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments, default=repr)
    reason = "The arguments are not a JSON object." if tool_name else "The call has no tool name."
    return ToolCall(tool_name, raw, own_id, error=reason)
