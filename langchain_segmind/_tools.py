"""Tool calling told as text, for a gateway that forwards no tools.

`speak` turns what a prompt holds of tools into words. The roles `tool` and `function` do not exist
on the wire, so past calls and results are told in the assistant's and the user's turns, whether or
not a tool is bound now.
"""

from __future__ import annotations

import json
from dataclasses import replace
from html import escape

from langchain_segmind._prompt import Call, Media, Part, Prompt, Result, Text, Turn


def speak(prompt: Prompt) -> Prompt:
    """Tell calls and results as text; a prompt without them is returned as it is."""
    if not any(isinstance(part, Call | Result) for turn in prompt.turns for part in turn.parts):
        return prompt
    return replace(prompt, turns=tuple(_told(turn) for turn in prompt.turns))


def _told(turn: Turn) -> Turn:
    parts = tuple(told for part in turn.parts for told in _tell(part))
    return replace(turn, parts=parts)


def _tell(part: Part) -> tuple[Text | Media, ...]:
    match part:
        case Call():
            raw = part.arguments
            told = raw if isinstance(raw, str) else json.dumps(dict(raw), ensure_ascii=False)
            return (Text(f"<tool_call{_marks(part.id, part.name)}>{told}</tool_call>"),)
        case Result():
            failed = ' status="error"' if part.is_error else ""
            head = f"<tool_result{_marks(part.id, part.name)}{failed}>"
            return (Text(head), *part.parts, Text("</tool_result>"))
        case Text() | Media():
            return (part,)


def _marks(call_id: str | None, name: str | None) -> str:
    marks = {"id": call_id, "name": name}
    return "".join(f' {key}="{escape(value)}"' for key, value in marks.items() if value)
