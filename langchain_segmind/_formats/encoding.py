"""Encode what several formats share: settings beside the messages, and alternating messages.

Nothing here may depend on one family; a family's difference is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from langchain_segmind._messages.types import (
    ChatRequest,
    MediaPart,
    Message,
    Part,
    TextPart,
    ToolCall,
    invalid_request,
)
from langchain_segmind.errors import SegmindInvalidRequestError

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

DOCUMENT_TYPES: Final = frozenset({"application/pdf"})

OPENING: Final = "(The assistant begins.)"
"""The user's turn before a history that the assistant begins: upstream refuses such a history. It
is the only text that is sent and that nobody wrote; docs/gateway.md has it, too."""


def top_level_fields(request: ChatRequest, setting_names: Mapping[str, str]) -> dict[str, Any]:
    """Return the body's fields beside `messages`.

    The gateway documents no other place for settings, for any family, and which model takes which
    is unknown: what the user set is sent.

    Args:
        request: The request.
        setting_names: Settings that the family calls by another name.
    """
    fields = {setting_names.get(name, name): value for name, value in request.settings.items()}
    if request.response_format is not None:
        fields["response_format"] = dict(request.response_format)
    return {**fields, **request.extras}


def split_system(messages: Iterable[Message]) -> tuple[str, list[Message]]:
    """Split off the leading system messages, for formats with one place for them.

    Returns:
        Their texts, joined; and the other messages as turns that alternate, beginning with the
        user's. Where there are no others, the last system message is the user's turn.

    Raises:
        SegmindInvalidRequestError: If a leading system message holds more than text, a human
            message is blank, or all messages are.
    """
    leading: list[Message] = []
    dialogue: list[Message] = []
    for message in messages:
        parts = tuple([part for part in message.parts if not _is_blank(part)])
        if message.role == "system" and not dialogue:
            leading += [replace(message, parts=parts)] if parts else []
        elif message.role == "system":
            dialogue.append(Message("user", _in_system_tags(parts) if parts else ()))
        elif message.role == "user" and not parts:
            raise invalid_request(
                f"{message.where or 'a human message'}: it is blank, and this model's provider "
                "refuses blank messages. Leave it out, or write something"
            )
        else:
            dialogue.append(replace(message, parts=parts))
    turns = _alternate(dialogue)
    if not turns and leading:
        turns = [replace(leading.pop(), role="user")]
    if not turns:
        raise invalid_request("messages: all are blank. Send at least one with content")
    texts = [_only_text(part) for message in leading for part in message.parts]
    return "\n\n".join(texts), turns


def _in_system_tags(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    if len(texts) < len(parts):
        return (TextPart("<system>"), *parts, TextPart("</system>"))
    return (TextPart("<system>{}</system>".format("\n".join(texts))),)


def _is_blank(part: Part) -> bool:
    return isinstance(part, TextPart) and not part.text.strip()


def _only_text(part: Part) -> str:
    if isinstance(part, TextPart):
        return part.text
    where = part.where if isinstance(part, MediaPart) else "a system message"
    raise invalid_request(
        f"{where}: this model's system prompt takes only text. Put other blocks in a human message"
    )


def _alternate(messages: Iterable[Message]) -> list[Message]:
    """Merge adjacent messages of one role, leave empty ones out, and let the user begin.

    Upstream refuses messages that do not alternate and a dialogue that the assistant begins.
    """
    parts = [(message.role, part) for message in messages for part in message.parts]
    merged = [
        Message(role, tuple([part for _, part in run]))
        for role, run in groupby(parts, key=itemgetter(0))
    ]
    if merged and merged[0].role != "user":
        merged.insert(0, Message("user", (TextPart(OPENING),)))
    return merged


def arguments_object(call: ToolCall) -> Mapping[str, Any]:
    """Return a call's arguments as an object, as every format requires; invalid ones wrapped."""
    raw = call.arguments
    return {"unreadable": raw} if isinstance(raw, str) else raw


def unaccepted_media(media: MediaPart, provider: str, types: str) -> SegmindInvalidRequestError:
    """Make the error for media that a provider does not take.

    Args:
        media: The medium.
        provider: Who does not take it.
        types: What it takes instead.
    """
    if media.url:
        return invalid_request(
            f"{media.where}: {provider} does not take {media.kind} URLs. Download it yourself and "
            "send it as base64, for an image with content_block_from_file(...)"
        )
    return invalid_request(
        f"{media.where}: {provider} takes {types}, not {media.mime}. Convert it to one of these, "
        "or send its text"
    )
