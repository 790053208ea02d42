"""Show past calls and their results to a model that has neither as fields of its own.

Calls and answers are shown in the form in which the next reply is asked for, because models imitate
them. Results stand in marks that neither a result nor a past reply can write itself. What the user
wrote stays as it is: whoever may ask for anything gains nothing by a mark.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from langchain_segmind._messages.results import AcceptsMedia, describe_unaccepted
from langchain_segmind._messages.types import (
    ChatRequest,
    MediaPart,
    Message,
    Part,
    TextPart,
    ToolCall,
    ToolResult,
    has_calls,
)
from langchain_segmind._tool_emulation.escape import escape_arguments, escape_text
from langchain_segmind._tool_emulation.json_repair import UNPARSABLE, parse_json
from langchain_segmind._tool_emulation.schema import DECISION, REPLY


def render_history(
    request: ChatRequest, answer: Mapping[str, Any] | None, shows: AcceptsMedia | None
) -> tuple[Message, ...]:
    """Write the calls, answers and results of a conversation as text and media.

    Args:
        request: The conversation, and whether tools are on offer: else answers stay as they are.
        answer: The schema of answers, where they are not plain text.
        shows: Whether the model can be shown a medium. One that it cannot be shown is described.
    """
    rendered: list[Message] = []
    numbers: dict[str | None, list[int]] = {}
    are_several = False
    has_marks = bool(request.tools) or has_calls(request)
    for message in request.messages:
        calls = [part for part in message.parts if isinstance(part, ToolCall)]
        if calls:
            numbers, are_several = defaultdict(list), len(calls) > 1
            for n, call in enumerate(calls, start=1):
                numbers[call.id].append(n)
            rendered.append(_render_calls(message, calls))
        elif any(isinstance(part, ToolResult) for part in message.parts):
            parts: list[Part] = []
            for part in message.parts:
                if isinstance(part, ToolResult):
                    parts += _render_result(part, numbers, shows, are_several=are_several)
                else:
                    parts.append(part)
            rendered.append(replace(message, parts=tuple(parts)))
        elif message.role == "assistant" and request.tools:
            rendered.append(_render_answer(message, answer))
        elif message.role == "assistant" and has_marks:
            rendered.append(replace(message, parts=tuple(map(_escaped, message.parts))))
        else:
            rendered.append(message)
    return tuple(rendered)


def _render_calls(message: Message, calls: Sequence[ToolCall]) -> Message:
    written = [{"name": call.name, "arguments": _plain(call.arguments)} for call in calls]
    text = escape_arguments(_json({DECISION: True, REPLY: written}))
    others = (_escaped(part) for part in message.parts if not isinstance(part, ToolCall))
    return replace(message, parts=(*others, TextPart(text)))


def _plain(arguments: Mapping[str, Any] | str) -> Any:
    return arguments if isinstance(arguments, str) else dict(arguments)


def _render_answer(message: Message, answer: Mapping[str, Any] | None) -> Message:
    texts = [part.text for part in message.parts if isinstance(part, TextPart)]
    if not texts or len(texts) < len(message.parts):
        return replace(message, parts=tuple(map(_escaped, message.parts)))
    reply: Any = "".join(texts)
    if answer is not None and (value := parse_json(reply)) is not UNPARSABLE:
        reply = value
    text = escape_arguments(_json({DECISION: False, REPLY: reply}))
    return replace(message, parts=(TextPart(text),))


def _render_result(
    result: ToolResult,
    numbers: Mapping[str | None, list[int]],
    shows: AcceptsMedia | None,
    *,
    are_several: bool,
) -> Iterator[TextPart | MediaPart]:
    """Write a result in its marks: which of several calls it answers, and of which tool it is.

    Results of calls that share an id have only their order, as for any provider.
    """
    marks = {"id": result.id} if result.id not in numbers else {}
    if result.id in numbers and are_several:
        answered = numbers[result.id]
        marks["call"] = str(answered[0])
        answered.append(answered.pop(0))
    marks |= {"name": result.name, "status": "error" if result.is_error else None}
    written = "".join(f' {k}="{escape_text(escape(v))}"' for k, v in marks.items() if v)
    head = f"<tool_result{written}>"
    match [_escaped(inner) for inner in describe_unaccepted(result.parts, shows)]:
        case []:
            yield TextPart(f"{head}</tool_result>")
        case [TextPart(text)]:
            yield TextPart(f"{head}{text}</tool_result>")
        case parts:
            yield from (TextPart(head), *parts, TextPart("</tool_result>"))


def _escaped(part: Part) -> Any:
    """Keep what a tool or the model wrote from ending a result, and from opening another one."""
    if isinstance(part, TextPart):
        return TextPart(escape_text(part.text))
    if not isinstance(part, MediaPart):
        return part
    name = None if part.name is None else escape_text(part.name)
    url = None if part.url is None else part.url.replace("<", "%3C")
    return replace(part, name=name, url=url)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
