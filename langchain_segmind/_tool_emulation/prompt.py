"""Tool calling emulated as text, because the gateway ignores `tools`.

`render_tools` writes a request's tools, past calls and results into the prompt, and asks for JSON
that first decides, and then holds either calls or an answer:

    {"tool_needed": true, "reply": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}
    {"tool_needed": false, "reply": "It is 3."}

`parse_reply` reads a reply back into text and calls. It accepts many forms, and is strict in what
it returns: what was cut short or cannot be parsed never becomes a call that runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from langchain_segmind._messages.json_schema import restore_types
from langchain_segmind._messages.results import AcceptsMedia
from langchain_segmind._messages.types import ChatRequest, Choice, Message, TextPart, ToolCall
from langchain_segmind._tool_emulation import parse as _parse
from langchain_segmind._tool_emulation.history import render_history
from langchain_segmind._tool_emulation.json_repair import UNPARSABLE, json_in, parse_json
from langchain_segmind._tool_emulation.schema import DECISION, REPLY, reply_format
from langchain_segmind._tool_emulation.tool_list import as_openai_json, as_signature, compact_json

_RULES: Final = (
    "You can call these tools. Reply with JSON:\n"
    '{"tool_needed": false, "reply": "..."} if not, or\n'
    '{"tool_needed": true, "reply": [calls]} if a tool is needed, to call it\n'
    "A tool is needed when it can give a fact or a result that the request asks for and that no "
    "<tool_result> holds yet. None is needed when no tool does what is asked. Results come back to "
    "you, then you answer."
)
"""Worded by measuring, see docs/tool-calling.md: even the order of its lines decides how readily a
small model calls."""
_FORCED: Final = 'Call these tools. Reply with JSON: {"reply": [calls]}'
_CALL: Final = '{"name": "...", "arguments": {...}}'
_ONE_CALL: Final = " Call one tool at a time."
_ALONE: Final = "Reply with JSON alone, no other words."


def render_tools(
    request: ChatRequest, *, alone: bool = False, shows: AcceptsMedia | None = None
) -> ChatRequest:
    """Write tools, calls, results and, if need be, the wanted form into the messages.

    Args:
        request: What is asked. One without tools, calls and results is returned as it is.
        alone: Whether the model refuses `response_format`, so that words must do.
        shows: Whether the model can be shown a medium. In a result, one that it cannot be shown is
            described. None shows all.

    Returns:
        A request of text and media, whose `response_format` asks for the form of the reply.
    """
    answer = _schema_of(request)
    messages = render_history(request, answer, shows)
    if not request.tools and not alone and messages == request.messages:
        return request
    wanted: Mapping[str, Any] | None = request.response_format
    words = ""
    if request.tools:
        words = _rules(request, answer, alone=alone)
        wanted = reply_format(
            request.tools,
            forced=request.require_tool_call,
            parallel=request.parallel,
            answer=answer,
            answer_is_strict=_is_strict(request),
        )
    elif alone and answer is not None:
        words = _schema_in_words(answer)
    if words:
        messages = _with_system(messages, words)
    return replace(request, messages=messages, tools=(), response_format=None if alone else wanted)


def render_format(request: ChatRequest) -> ChatRequest:
    """Write the form of the answer in words, and leave tools to the provider's own fields."""
    schema = _schema_of(request)
    words = "" if schema is None else f"Give your final answer as JSON. {_schema_in_words(schema)}"
    messages = _with_system(request.messages, words) if words else request.messages
    return replace(request, messages=messages, response_format=None)


def _is_text(request: ChatRequest) -> bool:
    return bool((request.response_format or {}).get("type", "text") == "text")


def _is_strict(request: ChatRequest) -> bool:
    described = (request.response_format or {}).get("json_schema")
    return isinstance(described, Mapping) and described.get("strict") is True


def _schema_of(request: ChatRequest) -> Mapping[str, Any] | None:
    """Return the schema of the answer; None if it is plain text."""
    wanted = request.response_format
    if wanted is None or _is_text(request):
        return None
    described = wanted.get("json_schema")
    schema = described.get("schema") if isinstance(described, Mapping) else None
    return schema if isinstance(schema, Mapping) else {"type": "object"}


def _schema_in_words(schema: Mapping[str, Any]) -> str:
    return f"{_ALONE} JSON schema: {compact_json(schema)}"


def _rules(request: ChatRequest, answer: Mapping[str, Any] | None, *, alone: bool) -> str:
    describe = as_openai_json if alone else as_signature
    rules = _FORCED if request.require_tool_call else _RULES
    rules = rules.replace("[calls]", f"[{_CALL}, ...]" if request.parallel else f"[{_CALL}]")
    if not request.parallel:
        rules += _ONE_CALL
    if alone:  # without a schema, weak models send a placeholder in quotation marks back
        rules = rules.replace('"reply": "..."', '"reply": <your answer as a string>')
        rules += f"\n{_ALONE}"
    lines = ["Tools:", *map(describe, request.tools), "", rules]
    if answer is not None and not request.require_tool_call:
        lines.append(f'The "reply" of an answer is JSON of this schema: {compact_json(answer)}')
    return "\n".join(lines)


def _with_system(messages: tuple[Message, ...], words: str) -> tuple[Message, ...]:
    """Put words behind the leading system messages."""
    leading = next((n for n, m in enumerate(messages) if m.role != "system"), len(messages))
    return (*messages[:leading], Message("system", (TextPart(words),)), *messages[leading:])


def parse_reply(
    choice: Choice, prompt: ChatRequest, *, native: bool = False, salt: str = ""
) -> Choice:
    """Parse the reply to a rendered request into text and calls.

    Args:
        choice: What the model replied.
        prompt: What was asked, before it was rendered.
        native: Whether it was not rendered, because the gateway forwards tools.
        salt: What sets this answer apart from others, for the ids of its calls.

    Returns:
        The same, with the envelope opened. For any text at all there is a result.
    """
    if native or choice.calls:
        return _parse.with_ids(_parse.check_native_calls(choice, prompt), prompt, salt)
    if prompt.tools:
        schema = _schema_of(prompt)
        if schema is None:
            return _parse.parse_emulated_reply(choice, prompt, salt)
        answer = _decided_answer(choice.text)
        if answer is not None:
            return replace(choice, text=_restored(answer, schema))
        read = _parse.parse_emulated_reply(choice, prompt, salt)
        can_be_bare = not prompt.require_tool_call and all(call.error for call in read.calls)
        bare = _bare_answer(choice.text, schema) if can_be_bare else None
        read = read if bare is None else replace(choice, text=bare)
        return replace(read, text=_restored(read.text, schema))
    if prompt.response_format is None and (not prompt.messages or _has_calls(prompt)):
        return _parse.parse_unknown(choice, prompt, salt)
    if not _is_text(prompt) and choice.finish_reason != "length":
        required = (_schema_of(prompt) or {}).get("required")
        keys = required if isinstance(required, list) else []
        text = json_in(choice.text, keys) or choice.text
        return replace(choice, text=_restored(text, _schema_of(prompt) or {}))
    return choice


def _has_calls(request: ChatRequest) -> bool:
    """Whether the history shows the form of calls, which a model may imitate."""
    return any(isinstance(part, ToolCall) for m in request.messages for part in m.parts)


def _decided_answer(text: str) -> str | None:
    """Return the JSON of an answer that the reply says is one, even if it looks like a call."""
    value = parse_json(json_in(text, (DECISION, REPLY)) or "")
    if not isinstance(value, dict) or value.get(DECISION) is not False:
        return None
    answer = value.get(REPLY)
    return json.dumps(answer, ensure_ascii=False) if isinstance(answer, dict | list) else None


def _bare_answer(text: str, schema: Mapping[str, Any]) -> str | None:
    """Return an answer in JSON without a decision: `{"reply": "hi"}` may be the answer itself."""
    value = parse_json(text)
    if not isinstance(value, dict) or DECISION in value:
        return None
    inner = value.get(REPLY)
    if _has_keys_of(inner, schema):
        return json.dumps(inner, ensure_ascii=False)
    return text if _has_keys_of(value, schema) else None


def _has_keys_of(value: Any, schema: Mapping[str, Any]) -> bool:
    properties, required = schema.get("properties"), schema.get("required")
    known = properties.keys() if isinstance(properties, Mapping) else set()
    needed = set(required) if isinstance(required, list) else set()
    return isinstance(value, dict) and bool(value) and needed <= value.keys() <= known


def _restored(text: str, schema: Mapping[str, Any]) -> str:
    """Give the parts of an answer in JSON the types of its schema, see `restore_types`."""
    value = parse_json(text)
    restored = value if value is UNPARSABLE else restore_types(value, schema)
    return text if restored == value else json.dumps(restored, ensure_ascii=False)
