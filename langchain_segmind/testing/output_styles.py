"""Write text and tool calls as odd models do. A new style is a name and a row of the table."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from langchain_segmind.testing.conversation import Call, Reply
from langchain_segmind.testing.forms import Form

OutputStyle = Literal[
    "plain",
    "fenced",
    "prose",
    "tags",
    "bare",
    "list",
    "openai",
    "string_arguments",
    "trailing_commas",
    "cut",
    "ignores",
]


def write(style: OutputStyle, form: Form, text: str, calls: Sequence[Call]) -> Reply:
    """Write text and calls in the form that a request asks for, in a style of the table."""
    written = _STYLES[style](form.write(text, calls), text, calls)
    return Reply(written, finish_reason="length" if style == "cut" and calls else "stop")


def _to_text(value: Any) -> str:
    """Write JSON, or a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _bare(calls: Sequence[Call]) -> list[str]:
    return [_to_text({"name": call.name, "arguments": dict(call.arguments)}) for call in calls]


def _openai(_written: Any, text: str, calls: Sequence[Call]) -> str:
    functions = [{"name": call.name, "arguments": _to_text(dict(call.arguments))} for call in calls]
    listed = [
        {"id": f"call_{number}", "type": "function", "function": function}
        for number, function in enumerate(functions, 1)
    ]
    return _to_text({"content": text, "tool_calls": listed})


def _arguments_as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_arguments_as_text(item) for item in value]
    if not isinstance(value, dict):
        return value
    write_part = _to_text if isinstance(value.get("name"), str) else _arguments_as_text
    return {key: write_part(held) for key, held in value.items()}


def _with_commas(value: Any) -> str:
    match value:
        case dict() if value:
            pairs = (f"{json.dumps(key)}: {_with_commas(held)}" for key, held in value.items())
            return "{" + ", ".join(pairs) + ",}"
        case list() if value:
            return "[" + ", ".join(map(_with_commas, value)) + ",]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _cut(written: Any, _text: str, calls: Sequence[Call]) -> str:
    whole = _to_text(written)
    if not calls:
        return whole
    arguments = _to_text(dict(calls[0].arguments))
    return whole[: whole.index(arguments) + len(arguments) // 2]


# The content in the form that was asked for, its text, and its calls.
_STYLES: Mapping[OutputStyle, Callable[[Any, str, Sequence[Call]], str]] = {
    "plain": lambda written, _text, _calls: _to_text(written),
    "fenced": lambda written, _text, _calls: f"```json\n{_to_text(written)}\n```",
    "prose": lambda written, _text, _calls: (
        f"Sure:\n{_to_text(written)}\nLet me know if you need more."
    ),
    "tags": lambda _written, text, calls: "\n".join(
        filter(None, [text, *(f"<tool_call>{call}</tool_call>" for call in _bare(calls))])
    ),
    "bare": lambda _written, text, calls: "\n".join(_bare(calls)) or text,
    "list": lambda _written, text, calls: f"[{', '.join(_bare(calls))}]" if calls else text,
    "openai": _openai,
    "string_arguments": lambda written, _text, _calls: _to_text(_arguments_as_text(written)),
    "trailing_commas": lambda written, _text, _calls: _with_commas(written),
    "cut": _cut,
    "ignores": lambda _written, text, _calls: text or "I can do without tools.",
}
