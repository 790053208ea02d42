"""Read JSON values as envelopes, in all the shapes that models give them, or as calls alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from langchain_segmind._messages.types import ChatRequest, ToolCall
from langchain_segmind._tool_emulation.calls import (
    ARGUMENT_KEYS,
    Tools,
    bare_arguments_from,
    call_from,
    lone_call_from,
    suspected,
    without_arguments,
)
from langchain_segmind._tool_emulation.json_repair import UNPARSABLE, parse_json
from langchain_segmind._tool_emulation.schema import DECISION, REPLY

_LISTS: Final = frozenset({"calls", "tool_calls"})
Read = tuple[str, list[ToolCall]]
"""The text of a reply and its calls."""


def understand(value: Any, request: ChatRequest, tools: Tools) -> Read | None:
    """Read a JSON value that is the whole reply: an envelope, calls alone or arguments alone."""
    if isinstance(value, str):  # JSON that was written as a JSON string
        inner = parse_json(value)
        return (
            None
            if inner is UNPARSABLE or isinstance(inner, str)
            else understand(inner, request, tools)
        )
    read = as_envelope(value, tools) or as_calls(value, tools)
    if (read and read[1]) or not request.require_tool_call or len(request.tools) != 1:
        return read
    inner = value.get(REPLY) if isinstance(value, dict) else None
    bare = [held for held in (inner, value) if isinstance(held, dict)]
    calls = [call for held in bare if (call := bare_arguments_from(held, request.tools[0]))]
    return ("", calls[:1]) if calls else read


def as_envelope(value: Any, tools: Tools, depth: int = 0) -> Read | None:
    """Read our envelope, or OpenAI's message, perhaps under a name or in a list of its own."""
    if isinstance(value, list):
        return as_envelope(value[0], tools, depth + 1) if len(value) == 1 and depth < 3 else None
    if not isinstance(value, dict) or depth > 3:
        return None
    if REPLY in value and (DECISION in value or len(value) == 1):
        return _own(value, tools, depth)
    inner = value.get("reply") if len(value) != 1 else next(iter(value.values()))
    if isinstance(inner, dict | list) and (read := as_envelope(inner, tools, depth + 1)):
        return read
    fields = {key.strip().lower(): field for key, field in value.items()}
    calls = fields.get("calls")
    if isinstance(calls, str):
        parsed = parse_json(calls)
        calls = parsed if isinstance(parsed, list) else calls
        fields["calls"] = calls
    is_known = bool(fields) and fields.keys() <= {"say", "calls"}
    if isinstance(calls, list) or (is_known and isinstance(calls, dict | type(None))):
        return _words(fields.get("say")), all_calls(fields, "calls", tools)
    if isinstance(fields.get("tool_calls"), list):
        return _words(fields.get("content")), all_calls(fields, "tool_calls", tools)
    if isinstance(fields.get("function_call"), dict):
        return _words(fields.get("content")), all_calls(fields, "function_call", tools)
    return None


def _own(envelope: Mapping[str, Any], tools: Tools, depth: int) -> Read | None:
    """Read `{"tool_needed": ..., "reply": ...}`: calls, or an answer."""
    decision, reply = envelope.get(DECISION), envelope[REPLY]
    if isinstance(reply, str) and decision is True:  # calls that were written as a JSON string
        parsed = parse_json(reply)
        reply = parsed if isinstance(parsed, dict | list) else reply
    if isinstance(reply, str | None):
        return reply or "", []
    read = as_calls(reply, tools)
    if read is None and decision is not False:
        is_wrapped = decision is None or (isinstance(reply, dict) and bool(_LISTS & reply.keys()))
        read = as_envelope(reply, tools, depth + 1) if is_wrapped else None
        if read is None and (decision is True or _look_like_calls(reply)):
            read = "", all_calls({REPLY: reply}, REPLY, tools)
    if read is None:
        return json.dumps(reply, ensure_ascii=False), []
    beside = {name: held for name, held in envelope.items() if name not in (DECISION, REPLY)}
    return read[0], _without_defaults(read[1], beside, tools) if beside else read[1]


def _look_like_calls(reply: Any) -> bool:
    """Whether a reply without a decision holds calls, if of tools that are not on offer."""
    items = reply if isinstance(reply, list) else [reply]
    return any(
        isinstance(item, dict)
        and isinstance(item.get("name"), str)
        and not item.keys().isdisjoint(ARGUMENT_KEYS)
        for item in items
    )


def as_calls(value: Any, tools: Tools) -> Read | None:
    """Read a call, or a list of nothing but calls."""
    items = value if isinstance(value, list) else [value]
    calls = [lone_call_from(item, tools) for item in items]
    known = [call for call in calls if call is not None]
    return ("", known) if known and len(known) == len(items) else None


def _words(text: Any) -> str:
    if text is None:
        return ""
    return text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)


def all_calls(fields: Mapping[str, Any], key: str, tools: Tools) -> list[ToolCall]:
    """Read the calls of an envelope; one without arguments is invalid if some stand beside it."""
    value = fields.get(key)
    items = value if isinstance(value, list) else [] if value is None else [value]
    calls = [call_from(item, tools) for item in items]
    beside = {name: fields[name] for name in fields.keys() & {"arguments", "args", "parameters"}}
    nameless = [call.arguments for call in calls if not call.name]
    if not beside and not nameless:
        return calls
    return _without_defaults(calls, beside or nameless, tools)


def _without_defaults(calls: Iterable[ToolCall], beside: Any, tools: Tools) -> list[ToolCall]:
    """Make calls without arguments invalid: what stands beside them may be their arguments."""
    text = json.dumps(beside, ensure_ascii=False, default=repr)
    return [suspected(call, text) if without_arguments(call, tools) else call for call in calls]


def once(calls: Iterable[ToolCall]) -> list[ToolCall]:
    """Leave out calls that are equal to one before."""
    return list({key_of(call): call for call in reversed([*calls])}.values())[::-1]


def keys_of(calls: Iterable[ToolCall]) -> tuple[str, ...]:
    return tuple(key_of(call) for call in calls)


def key_of(call: ToolCall) -> str:
    arguments = call.arguments
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, sort_keys=True)
    return f"{call.name}\0{written}"
