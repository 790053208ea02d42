"""Write the tools of a request into its prompt, because the gateway ignores `tools`.

`render_tools` writes a request's tools, past calls and results into the prompt, and asks for JSON
that first decides, and then holds either calls or an answer:

    {"tool_needed": true, "reply": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}
    {"tool_needed": false, "reply": "It is 3."}

`reply` reads what comes back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from langchain_segmind._messages.results import AcceptsMedia
from langchain_segmind._messages.types import ChatRequest, Message, TextPart, Tool
from langchain_segmind._tool_emulation.history import render_history
from langchain_segmind._tool_emulation.schema import answer_schema, reply_format
from langchain_segmind._tool_emulation.tool_list import as_openai_json, as_signature, compact_json

_RULES: Final = (
    "You can call these tools. Reply with JSON:\n"
    '{"tool_needed": false, "reply": <your answer as a string>} if not, or\n'
    '{"tool_needed": true, "reply": [calls]} if a tool is needed\n'
    "A tool is needed when it can give a fact or a result that the request asks for and that no "
    "<tool_result> holds yet. None is needed when no tool does what is asked. Results come back to "
    "you, then you answer."
)
"""Worded by measuring, see docs/tool-calling.md: even the order of its lines decides how readily a
small model calls. Weak models send a placeholder in quotation marks back as the answer."""
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
    answer = answer_schema(request)
    messages = render_history(request, answer, shows)
    if not request.tools and not alone and messages == request.messages:
        return request
    wanted: Mapping[str, Any] | None = request.response_format
    words = ""
    if request.tools:
        words, wanted = _offer(_asked(request, answer), alone=alone)
    elif alone and answer is not None:
        words = _schema_in_words(answer)
    if words:
        messages = _with_system(messages, words)
    return replace(request, messages=messages, tools=(), response_format=None if alone else wanted)


def render_format(request: ChatRequest) -> ChatRequest:
    """Write the form of the answer in words, and leave tools to the provider's own fields."""
    schema = answer_schema(request)
    words = "" if schema is None else f"Give your final answer as JSON. {_schema_in_words(schema)}"
    messages = _with_system(request.messages, words) if words else request.messages
    return replace(request, messages=messages, response_format=None)


def _is_strict(request: ChatRequest) -> bool:
    described = (request.response_format or {}).get("json_schema")
    return isinstance(described, Mapping) and described.get("strict") is True


def _schema_in_words(schema: Mapping[str, Any]) -> str:
    return f"{_ALONE} JSON schema: {compact_json(schema)}"


def _asked(request: ChatRequest, answer: Mapping[str, Any] | None) -> str:
    """Write as JSON all that decides how tools are described."""
    tools = [[tool.name, tool.description, tool.parameters, tool.strict] for tool in request.tools]
    flags = [request.require_tool_call, request.parallel, _is_strict(request)]
    return json.dumps([tools, answer, *flags], default=dict)


@lru_cache(8)  # an agent offers the same tools at every turn, and describing 20 takes 1 ms
def _offer(asked: str, *, alone: bool) -> tuple[str, Mapping[str, Any] | None]:
    """Describe tools in words, and the form of the reply, unless words must do."""
    listed, answer, forced, parallel, is_strict = json.loads(asked)
    tools = [Tool(*each) for each in listed]
    words = _rules(tools, answer, forced=forced, parallel=parallel, alone=alone)
    if alone:
        return words, None
    return words, reply_format(
        tools, forced=forced, parallel=parallel, answer=answer, answer_is_strict=is_strict
    )


def _rules(
    tools: Sequence[Tool],
    answer: Mapping[str, Any] | None,
    *,
    forced: bool,
    parallel: bool,
    alone: bool,
) -> str:
    describe = as_openai_json if alone else as_signature
    rules = _FORCED if forced else _RULES
    calls = f"[{_CALL}, {_CALL}, ...]" if parallel else f"[{_CALL}]"
    rules = rules.replace("[calls]", calls)
    if not parallel:
        rules += _ONE_CALL
    if alone:
        rules += f"\n{_ALONE}"
    lines = ["Tools:", *map(describe, tools), "", rules]
    if answer is not None and not forced:
        lines[-1] = rules.replace("as a string", "as JSON")
        lines.append(f'The "reply" of an answer is JSON of this schema: {compact_json(answer)}')
    return "\n".join(lines)


def _with_system(messages: tuple[Message, ...], words: str) -> tuple[Message, ...]:
    """Put words behind the leading system messages; the last of all may be the user's turn."""
    leading = next((n for n, m in enumerate(messages) if m.role != "system"), len(messages) - 1)
    return (*messages[:leading], Message("system", (TextPart(words),)), *messages[leading:])
