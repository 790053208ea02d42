"""Read the reply to a request: into text, calls, or an answer in JSON.

The path of a reply: `dialects` rewrites calls of other makers. `scan` finds JSON, `ownership` and
`quotes` tell the model's own from what it quotes, and `parse` decides what counts. `envelope` and
`calls` read what a JSON value means, `broken` what is cut short. All accept many forms, and are
strict in what they return: what cannot be read never becomes a call that runs. For any text at all
there is a result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from langchain_segmind._messages.json_schema import restore_types
from langchain_segmind._messages.limits import at_most, is_too_long
from langchain_segmind._messages.types import ChatRequest, Choice, ToolCall, has_calls
from langchain_segmind._tool_emulation.broken import CUT
from langchain_segmind._tool_emulation.calls import checked, is_call
from langchain_segmind._tool_emulation.json_repair import UNPARSABLE, json_in, parse_json
from langchain_segmind._tool_emulation.parse import read_text
from langchain_segmind._tool_emulation.schema import DECISION, REPLY, answer_schema

_OURS: Final = {DECISION, REPLY}


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
        The same, with the envelope opened.
    """
    if native or choice.calls:
        return _with_ids(_check_native_calls(choice, prompt), prompt, salt)
    schema = answer_schema(prompt)
    is_text = not prompt.tools and schema is None and not _may_be_calls(prompt)
    if is_text or is_too_long(choice.text):
        return choice
    if not prompt.tools and schema is not None:
        return choice if choice.finish_reason == "length" else _freed_answer(choice, schema)
    whole = parse_json(choice.text)
    if not prompt.tools and not _is_envelope(whole):
        return choice
    read = read_text(choice.text, whole, prompt)
    text = read.text
    if schema is not None:
        can_be_bare = not prompt.require_tool_call and all(call.error for call in read.calls)
        bare = _bare_answer(whole, schema) if can_be_bare else None
        if bare is not None:
            return replace(choice, text=_written(bare, schema))
        if text:
            value = whole if text == choice.text else parse_json(text)
            text = _written(value, schema, text)
    calls = tuple(at_most(read.calls, "tool calls"))
    return _with_ids(replace(choice, text=text, calls=calls), prompt, salt)


# --- answers in JSON ---------------------------------------------------------------------------


def _freed_answer(choice: Choice, schema: Mapping[str, Any]) -> Choice:
    """Free an answer in JSON of the words around it."""
    required = schema.get("required")
    found = json_in(choice.text, required if isinstance(required, list) else [])
    if found is None:
        return choice
    text, value = found
    return replace(choice, text=_written(value, schema, text))


def _bare_answer(whole: Any, schema: Mapping[str, Any]) -> Any:
    """Return an answer in JSON without a decision: `{"reply": "hi"}` may be the answer itself."""
    if not isinstance(whole, dict) or DECISION in whole:
        return None
    return next((v for v in (whole.get(REPLY), whole) if _has_keys_of(v, schema)), None)


def _has_keys_of(value: Any, schema: Mapping[str, Any]) -> bool:
    properties, required = schema.get("properties"), schema.get("required")
    known = properties.keys() if isinstance(properties, Mapping) else set()
    needed = set(required) if isinstance(required, list) else set()
    return isinstance(value, dict) and bool(value) and needed <= value.keys() <= known


def _written(value: Any, schema: Mapping[str, Any], text: str | None = None) -> str:
    """Write an answer in the types of its schema, see `restore_types`; as it is if it has them."""
    if value is UNPARSABLE:
        return text or ""
    restored = restore_types(value, schema)
    is_same = text is not None and restored == value
    return text if is_same and text else json.dumps(restored, ensure_ascii=False)


# --- replies whose prompt offers no tools ------------------------------------------------------


def _may_be_calls(prompt: ChatRequest) -> bool:
    """Whether the prompt is not known, or shows the form of calls, which a model may imitate."""
    return not prompt.messages or has_calls(prompt)


def _is_envelope(whole: Any) -> bool:
    """Whether a reply is an envelope and nothing else, of whatever tools."""
    if not isinstance(whole, dict) or REPLY not in whole or not whole.keys() <= _OURS:
        return False
    items = whole[REPLY]
    return len(whole) == 2 or (isinstance(items, list) and bool(items) and all(map(is_call, items)))


# --- calls -------------------------------------------------------------------------------------


def _check_native_calls(choice: Choice, request: ChatRequest) -> Choice:
    """Make native calls invalid that would not run as the model meant.

    Those are the last one of a reply that met the token limit, which may be half, and those that
    would run with their tool's defaults.
    """
    tools = {tool.name: tool for tool in request.tools}
    calls = [checked(call, tools) for call in choice.calls]
    if choice.finish_reason == "length" and calls:
        raw = calls[-1].arguments
        raw = raw if isinstance(raw, str) else json.dumps(dict(raw), ensure_ascii=False)
        calls[-1] = replace(calls[-1], arguments=raw, error=CUT)
    return replace(choice, calls=tuple(calls))


def _with_ids(choice: Choice, request: ChatRequest, salt: str) -> Choice:
    """Give every call an id of its own, and the reply the finish reason that calls have."""
    if not choice.calls:
        return choice
    taken: set[str] = set()
    calls: list[ToolCall] = []
    seed = hashlib.sha256(
        f"{salt}|{len(request.messages)}|{request.messages[-1:]}".encode(errors="replace")
    )
    for n, call in enumerate(choice.calls):
        own = call
        if not call.id or call.id in taken:
            digest = seed.copy()
            digest.update(f"|{n}|{call}".encode(errors="replace"))
            own = replace(call, id=f"call_{digest.hexdigest()[:24]}")
        taken.add(own.id or "")
        calls.append(own)
    runnable = any(isinstance(call.arguments, Mapping) for call in calls)
    if not runnable or choice.finish_reason == "length":
        return replace(choice, calls=tuple(calls))
    native = choice.native_finish_reason or choice.finish_reason
    return replace(
        choice,
        calls=tuple(calls),
        finish_reason="tool_calls",
        native_finish_reason=None if native == "tool_calls" else native,
    )
