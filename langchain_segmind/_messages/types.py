"""Our own words for a conversation, between LangChain's messages and the gateway's bodies.

Values and nothing else: `_messages` makes them from LangChain's messages and back, `_tools` tells
tools in them, `_wire` writes them as bodies and reads answers into them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final, Literal

from langchain_segmind._value import value
from langchain_segmind.errors import SegmindInvalidRequestError

Role = Literal["system", "user", "assistant"]
MediaKind = Literal["image", "file", "audio", "video"]
Method = Literal["json_schema", "function_calling", "json_mode"]


@value
class TextPart:
    """Words."""

    text: str


@value
class MediaPart:
    """An image, document, sound or film: inline as base64, or by its address.

    `where` names the message and block it came from, for an encoder that cannot say it.
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
    """A model's wish to run a tool. `arguments` is the raw text where it could not be parsed."""

    name: str
    arguments: Mapping[str, Any] | str
    id: str | None = None
    error: str | None = None


@value
class ToolResult:
    """What a tool gave back."""

    parts: tuple[TextPart | MediaPart, ...]
    id: str | None = None
    name: str | None = None
    is_error: bool = False


Part = TextPart | MediaPart | ToolCall | ToolResult


@value
class Message:
    """One message of a conversation."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


@value
class Tool:
    """A tool on offer; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool | None = None


@value
class ChatRequest:
    """All that a model is asked.

    Attributes:
        tools: Those on offer; with a choice of one by name, only that one.
        forced: Whether at least one must be called.
        parallel: Whether several may be called at once.
        settings: Generation settings under ChatSegmind's names, only those the user set.
        extras: Other top-level fields of the body, sent as they are.
        response_format: OpenAI's `response_format`, which the gateway takes for every family.
    """

    messages: tuple[Message, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)
    response_format: Mapping[str, Any] | None = None
    tools: tuple[Tool, ...] = ()
    forced: bool = False
    parallel: bool = True


@value
class Usage:
    """Tokens, as far as the gateway counted them."""

    input: int = 0
    output: int = 0
    total: int | None = None
    cache_read: int | None = None
    cache_creation: int | None = None
    reasoning: int | None = None


@value
class Choice:
    """One of a reply's alternatives. `finish_reason` is in OpenAI's words."""

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


def invalid_request(reason: str) -> SegmindInvalidRequestError:
    """Make the error for input that is refused before anything is sent."""
    return SegmindInvalidRequestError(f"{reason}. Nothing was sent.", outcome="not_sent")


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity cannot be sent back


def parse_call(name: Any, arguments: Any, call_id: Any) -> ToolCall:
    """Make a call of what a model wrote; arguments that are not a JSON object stay raw text.

    Args:
        name: Of the tool; anything but a text makes the call invalid.
        arguments: A JSON object, or one written as text; nothing means none.
        call_id: The model's own id of the call, if any.
    """
    known = name if isinstance(name, str) else ""
    own = call_id if isinstance(call_id, str) and call_id else None
    given = arguments
    if isinstance(given, str):
        try:
            given = json.loads(given, parse_constant=_refuse) if given.strip() else {}
        except (ValueError, RecursionError):
            given = arguments
    if given is None:
        given = {}
    if isinstance(given, dict) and known:
        return ToolCall(known, given, own)
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments, default=repr)
    reason = "The arguments are not a JSON object." if known else "The call names no tool."
    return ToolCall(known, raw, own, error=reason)


_NOT_ARGUMENTS: Final = frozenset(
    {"id", "type", "index", "caller", "cache_control", "thoughtSignature", "thought_signature"}
)


def parse_native_call(fields: Mapping[str, Any], key: str, call_id: Any) -> ToolCall:
    """Make a call of one in a provider's own format.

    Args:
        fields: The call, with its `name`.
        key: Where the format has the arguments. A call without it that has unknown fields instead
            is invalid: run without arguments, it would use the tool's defaults.
        call_id: The model's own id of the call, if any.
    """
    call = parse_call(fields.get("name"), fields.get(key), call_id)
    unknown = fields.keys() - {"name", key} - _NOT_ARGUMENTS
    if fields.get(key) is not None or not unknown or isinstance(call.arguments, str):
        return call
    raw = json.dumps({k: fields[k] for k in fields if k in unknown}, default=repr)
    return ToolCall(call.name, raw, call.id, error=f"The arguments do not stand under {key!r}.")
