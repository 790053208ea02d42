"""How odd models write an envelope, as a table: the same words and calls, in other clothes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from langchain_segmind.testing.conversation import Call, Reply
from langchain_segmind.testing.helpful.tools.envelope import Envelope

Manner = Literal[
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
class Saying:
    """What is to be written.

    Attributes:
        envelope: The envelope asked for.
        words: What goes into its place for words.
        calls: The calls.
        prose: What would be said without any tools.
    """

    envelope: Envelope
    words: Any
    calls: tuple[Call, ...]
    prose: str

    @property
    def told(self) -> str:
        """The words as text."""
        return self.words if isinstance(self.words, str) else to_text(self.words or self.prose)

    @property
    def filled(self) -> dict[str, Any]:
        """The envelope as it was asked for."""
        return self.envelope.of(self.words, self.calls)


def to_text(value: Any) -> str:
    """Write JSON, or a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fenced(saying: Saying) -> str:
    return f"```json\n{to_text(saying.filled)}\n```"


def _in_prose(saying: Saying) -> str:
    return f"Sure, here it is:\n{to_text(saying.filled)}\nLet me know if you need more."


def _tags(saying: Saying) -> str:
    told = [f"<tool_call>{to_text(_bare_call(call))}</tool_call>" for call in saying.calls]
    return "\n".join([saying.told, *told])


def _bare(saying: Saying) -> str:
    return to_text(_bare_call(saying.calls[0])) if saying.calls else saying.told


def _list(saying: Saying) -> str:
    return to_text([_bare_call(call) for call in saying.calls]) if saying.calls else saying.told


def _openai(saying: Saying) -> str:
    told = [
        {
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": call.name, "arguments": to_text(dict(call.arguments))},
        }
        for at, call in enumerate(saying.calls, 1)
    ]
    return to_text({"content": saying.words, "tool_calls": told})


def _string_arguments(saying: Saying) -> str:
    filled = saying.filled
    for call in filled[saying.envelope.calls_key]:
        call["arguments"] = to_text(call["arguments"])
    return to_text(filled)


def _trailing_commas(saying: Saying) -> str:
    return _with_commas(saying.filled)


def _cut(saying: Saying) -> str | Reply:
    if not saying.calls:
        return to_text(saying.filled)
    arguments = to_text(dict(saying.calls[0].arguments))
    whole = to_text(saying.filled)
    end = whole.index(f'"arguments": {arguments}') + len('"arguments": ') + len(arguments) // 2
    return Reply(whole[:end], finish_reason="length")


def _bare_call(call: Call) -> dict[str, Any]:
    return {"name": call.name, "arguments": dict(call.arguments)}


def _with_commas(value: Any) -> str:
    match value:
        case dict() if value:
            pairs = (f"{to_json(key)}: {_with_commas(held)}" for key, held in value.items())
            return "{" + ", ".join(pairs) + ",}"
        case list() if value:
            return "[" + ", ".join(map(_with_commas, value)) + ",]"
        case _:
            return to_json(value)


def to_json(value: Any) -> str:
    """Write JSON."""
    return json.dumps(value, ensure_ascii=False)


_WRITERS: Mapping[Manner, Callable[[Saying], str | Reply]] = {
    "plain": lambda saying: to_text(saying.filled),
    "fenced": _fenced,
    "prose": _in_prose,
    "tags": _tags,
    "bare": _bare,
    "list": _list,
    "openai": _openai,
    "string_arguments": _string_arguments,
    "trailing_commas": _trailing_commas,
    "cut": _cut,
    "ignores": lambda saying: saying.prose,
}


def write(manner: Manner, saying: Saying) -> Reply:
    """Write words and calls in a model's manner."""
    written = _WRITERS[manner](saying)
    return Reply(written) if isinstance(written, str) else written
