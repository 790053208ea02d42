"""Tool calling emulated as text, because the gateway ignores `tools`.

`render_tools` writes a request's tools, past calls and results into the prompt, and asks for JSON:

    {"say": "words for the user", "calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}

`parse_reply` reads a reply back into text and calls. It accepts many forms, and is strict in what
it returns: what was cut short or cannot be parsed never becomes a call that runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import escape
from typing import Any, Final

from langchain_segmind._messages import results as _results
from langchain_segmind._messages.json_schema import restore_types, strip_titles
from langchain_segmind._messages.types import (
    ChatRequest,
    Choice,
    MediaPart,
    Message,
    Part,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
)
from langchain_segmind._tool_emulation import parse as _parse
from langchain_segmind._tool_emulation import schema as _envelope
from langchain_segmind._tool_emulation.escape import escape_arguments, escape_text
from langchain_segmind._tool_emulation.json_repair import UNPARSABLE, json_in, parse_json

_RULES: Final = (
    'You can call tools. Reply with JSON: "say" has {say}, "calls" the tools to run now, each with '
    "its name and arguments{none}. Results come back as <tool_result>; never make one up."
)
_ONE_CALL: Final = " Call one tool at a time."
_FOR_MACHINES: Final = (ToolCall, ToolResult)
_ALONE: Final = "Reply with JSON alone, no other words. JSON schema: "


def render_tools(
    prompt: ChatRequest, *, alone: bool = False, shows: _results.AcceptsMedia | None = None
) -> ChatRequest:
    """Write tools, calls, results and, if need be, the wanted form into the messages.

    Args:
        prompt: What is asked. One without tools, calls and results is returned as it is.
        alone: Whether the model refuses `response_format`, so that words must do.
        shows: Whether the model can be shown a medium. In a result, one that it cannot be shown is
            described. None shows all.

    Returns:
        A prompt of text and media, whose `response_format` asks for the envelope or schema.
    """
    turns = tuple([_rendered_message(turn, shows) for turn in prompt.messages])
    if not prompt.tools and not alone and turns == prompt.messages:
        return prompt
    wanted = None if _is_text(prompt) and prompt.tools else prompt.response_format
    if prompt.tools:
        wanted = _envelope.envelope_format(
            prompt.tools,
            prompt.require_tool_call,
            prompt.parallel,
            _schema_of(prompt),
            answer_is_strict=_is_strict(prompt),
            has_descriptions=alone,
        )
    words = [_rules(prompt)] if prompt.tools else []
    if alone and wanted is not None:
        schema = _form_schema(wanted)
        words.append(_ALONE + _compact(_envelope.condense(schema) if prompt.tools else schema))
    elif prompt.tools:
        words += ["Tools:", *(_describe(tool) for tool in prompt.tools)]
    if words:
        turns = _with_system(turns, "\n".join(words))
    return replace(prompt, messages=turns, tools=(), response_format=None if alone else wanted)


def render_format(prompt: ChatRequest) -> ChatRequest:
    """Write the answer's schema into the prompt, and leave tools to the provider's own fields."""
    schema = _schema_of(prompt)
    words = "" if schema is None else "Give your final answer as JSON. " + _ALONE + _compact(schema)
    turns = _with_system(prompt.messages, words) if words else prompt.messages
    return replace(prompt, messages=turns, response_format=None)


def _is_text(prompt: ChatRequest) -> bool:
    return bool((prompt.response_format or {}).get("type", "text") == "text")


def _schema_of(prompt: ChatRequest) -> Mapping[str, Any] | None:
    wanted = prompt.response_format
    return None if wanted is None or _is_text(prompt) else _form_schema(wanted)


def _is_strict(prompt: ChatRequest) -> bool:
    described = (prompt.response_format or {}).get("json_schema")
    return isinstance(described, Mapping) and described.get("strict") is True


def _form_schema(response_format: Mapping[str, Any]) -> Mapping[str, Any]:
    wanted = response_format.get("json_schema")
    schema = wanted.get("schema") if isinstance(wanted, Mapping) else None
    return schema if isinstance(schema, Mapping) else {"type": "object"}


def _rules(prompt: ChatRequest) -> str:
    content = "your words for the user"
    if not _is_text(prompt):
        content = "the final answer, or null while you call tools"
    none = "" if prompt.require_tool_call else ", or [] if none is needed"
    rules = _RULES.format(say=content, none=none)
    if prompt.require_tool_call:
        names = " or ".join(tool.name for tool in prompt.tools)
        rules += f" You must call {names} now."
    return rules if prompt.parallel else rules + _ONE_CALL


def _describe(tool: Tool) -> str:
    about = f": {tool.description}" if tool.description else ""
    return f"- {tool.name}{about} Arguments: {_compact(strip_titles(tool.parameters))}"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _with_system(turns: tuple[Message, ...], words: str) -> tuple[Message, ...]:
    """Put words behind the leading system turns."""
    leading = next((n for n, turn in enumerate(turns) if turn.role != "system"), len(turns))
    return (*turns[:leading], Message("system", (TextPart(words),)), *turns[leading:])


def _rendered_message(turn: Message, shows: _results.AcceptsMedia | None) -> Message:
    for part in turn.parts:
        if isinstance(part, _FOR_MACHINES):
            parts = [shown for part in turn.parts for shown in _rendered_part(part, shows)]
            return replace(turn, parts=tuple(parts))
    return turn


def _rendered_part(
    part: Part, shows: _results.AcceptsMedia | None
) -> Iterator[TextPart | MediaPart]:
    match part:
        case ToolCall():
            raw = part.arguments
            written = raw if isinstance(raw, str) else json.dumps(dict(raw), ensure_ascii=False)
            written = escape_arguments(written)
            yield TextPart(f"<tool_call{_marks(part.id, part.name)}>{written}</tool_call>")
        case ToolResult():
            failed = ' status="error"' if part.is_error else ""
            head = f"<tool_result{_marks(part.id, part.name)}{failed}>"
            match [_escaped(inner) for inner in _results.describe_unaccepted(part.parts, shows)]:
                case []:
                    yield TextPart(f"{head}</tool_result>")
                case [TextPart(text)]:
                    yield TextPart(f"{head}{text}</tool_result>")
                case parts:
                    yield from (TextPart(head), *parts, TextPart("</tool_result>"))
        case TextPart() | MediaPart():
            yield part


def _escaped(part: TextPart | MediaPart) -> TextPart | MediaPart:
    """Keep a result from ending itself, and from opening another result or call."""
    if isinstance(part, TextPart):
        return TextPart(escape_text(part.text))
    name = None if part.name is None else escape_text(part.name)
    url = None if part.url is None else part.url.replace("<", "%3C")
    return replace(part, name=name, url=url)


def _marks(call_id: str | None, name: str | None) -> str:
    marks = {"id": call_id, "name": name}
    return "".join(
        f' {key}="{escape_text(escape(value))}"' for key, value in marks.items() if value
    )


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
        read = _parse.parse_emulated_reply(choice, prompt, salt)
        schema = _schema_of(prompt)
        return read if schema is None else replace(read, text=_restored(read.text, schema))
    if not prompt.messages and prompt.response_format is None:
        return _parse.parse_unknown(choice, prompt, salt)
    if not _is_text(prompt) and choice.finish_reason != "length":
        required = (_schema_of(prompt) or {}).get("required")
        keys = required if isinstance(required, list) else []
        text = json_in(choice.text, keys) or choice.text
        return replace(choice, text=_restored(text, _schema_of(prompt) or {}))
    return choice


def _restored(text: str, schema: Mapping[str, Any]) -> str:
    """Give the parts of an answer in JSON the types of its schema, see `restore_types`."""
    value = parse_json(text)
    restored = value if value is UNPARSABLE else restore_types(value, schema)
    return text if restored == value else json.dumps(restored, ensure_ascii=False)
