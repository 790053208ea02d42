"""How odd models write text and tool calls, as a table of styles for the same content."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Content:
    form: Form
    text: str
    calls: Sequence[Call]

    @property
    def written(self) -> Any:
        """The content in the form that was asked for."""
        return self.form.write(self.text, self.calls)


def write(style: OutputStyle, form: Form, text: str, calls: Sequence[Call]) -> Reply:
    """Write text and calls in the form that a request asks for, in a style of the table."""
    written = _STYLES[style](_Content(form, text, calls))
    return written if isinstance(written, Reply) else Reply(written)


def _to_text(value: Any) -> str:
    """Write JSON, or a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _bare_call(call: Call) -> dict[str, Any]:
    return {"name": call.name, "arguments": dict(call.arguments)}


def _tags(content: _Content) -> str:
    calls = [f"<tool_call>{_to_text(_bare_call(call))}</tool_call>" for call in content.calls]
    return "\n".join(filter(None, [content.text, *calls]))


def _bare(content: _Content) -> str:
    return "\n".join(_to_text(_bare_call(call)) for call in content.calls) or content.text


def _list(content: _Content) -> str:
    return _to_text([_bare_call(call) for call in content.calls]) if content.calls else content.text


def _openai(content: _Content) -> str:
    functions = [
        {"name": call.name, "arguments": _to_text(dict(call.arguments))} for call in content.calls
    ]
    calls = [
        {"id": f"call_{number}", "type": "function", "function": function}
        for number, function in enumerate(functions, 1)
    ]
    return _to_text({"content": content.text, "tool_calls": calls})


def _arguments_as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_arguments_as_text(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("name"), str):
        return {key: _to_text(held) for key, held in value.items()}
    return {key: _arguments_as_text(held) for key, held in value.items()}


def _with_commas(value: Any) -> str:
    match value:
        case dict() if value:
            pairs = (f"{json.dumps(key)}: {_with_commas(held)}" for key, held in value.items())
            return "{" + ", ".join(pairs) + ",}"
        case list() if value:
            return "[" + ", ".join(map(_with_commas, value)) + ",]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _cut(content: _Content) -> str | Reply:
    whole = _to_text(content.written)
    if not content.calls:
        return whole
    arguments = _to_text(dict(content.calls[0].arguments))
    end = whole.index(arguments) + len(arguments) // 2
    return Reply(whole[:end], finish_reason="length")


_STYLES: Mapping[OutputStyle, Callable[[_Content], str | Reply]] = {
    "plain": lambda content: _to_text(content.written),
    "fenced": lambda content: f"```json\n{_to_text(content.written)}\n```",
    "prose": lambda content: f"Sure:\n{_to_text(content.written)}\nLet me know if you need more.",
    "tags": _tags,
    "bare": _bare,
    "list": _list,
    "openai": _openai,
    "string_arguments": lambda content: _to_text(_arguments_as_text(content.written)),
    "trailing_commas": lambda content: _with_commas(content.written),
    "cut": _cut,
    "ignores": lambda content: content.text or "I can do without tools.",
}
