"""What the formats share on the way out: settings beside the messages, and turns that alternate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from langchain_segmind._messages.types import (
    ChatRequest,
    MediaPart,
    Message,
    Part,
    TextPart,
    invalid_request,
)

SETTINGS: Final = (
    "temperature",
    "max_tokens",
    "top_p",
    "top_k",
    "stop",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "reasoning_effort",
)
"""The generation settings under ChatSegmind's names, which are OpenAI's."""

_OPENING: Final = Message("user", (TextPart("(The assistant begins.)"),))


def top_level_fields(prompt: ChatRequest, setting_names: Mapping[str, str]) -> dict[str, Any]:
    """Give all that stands beside `messages` in the body.

    The gateway documents no place for settings but this one, for any family, and which model takes
    which is unknown: what the user set is sent.

    Args:
        prompt: What is asked.
        setting_names: Settings that the family calls by another name.
    """
    fields = {setting_names.get(name, name): value for name, value in prompt.settings.items()}
    if prompt.response_format is not None:
        fields["response_format"] = dict(prompt.response_format)
    return {**fields, **prompt.extras}


def split_system(turns: Iterable[Message]) -> tuple[str, list[Message]]:
    """Take the leading system turns apart from the dialogue, for formats with one place for them.

    Returns:
        Their texts, joined; and the other turns, later system ones told in the user's words.

    Raises:
        SegmindInvalidRequestError: If a leading system turn holds more than text.
    """
    leading: list[str] = []
    dialogue: list[Message] = []
    for turn in turns:
        if turn.role == "system" and not dialogue:
            leading += [_only_text(part) for part in turn.parts]
        elif turn.role == "system":
            dialogue.append(replace(turn, role="user", parts=_marked(turn.parts)))
        else:
            dialogue.append(turn)
    return "\n\n".join(text for text in leading if text.strip()), dialogue


def _marked(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    if all(isinstance(part, TextPart) for part in parts):
        said = "\n".join(part.text for part in parts if isinstance(part, TextPart))
        return (TextPart(f"<system>{said}</system>"),) if said.strip() else ()
    return (TextPart("<system>"), *parts, TextPart("</system>"))


def _only_text(part: Part) -> str:
    if isinstance(part, TextPart):
        return part.text
    where = part.where if isinstance(part, MediaPart) else "a system message"
    raise invalid_request(
        f"{where}: this model's system prompt takes only text; put it in a human message"
    )


def alternate(turns: Iterable[Message]) -> list[Message]:
    """Merge adjacent turns of one role, leave empty ones out, and let the user begin.

    Upstream refuses text of white space alone, turns that do not alternate and a dialogue that the
    assistant begins.
    """
    merged: list[Message] = []
    for turn in turns:
        parts = tuple(p for p in turn.parts if not isinstance(p, TextPart) or p.text.strip())
        if parts and merged and merged[-1].role == turn.role:
            merged[-1] = replace(merged[-1], parts=(*merged[-1].parts, *parts))
        elif parts:
            merged.append(replace(turn, parts=parts))
    if not merged or merged[0].role != "user":
        merged.insert(0, _OPENING)
    return merged
