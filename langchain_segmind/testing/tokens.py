"""Counting tokens, roughly as models do: a few letters each. Deterministic, and never zero."""

import json
import re
from collections.abc import Mapping
from typing import Any

from langchain_segmind.testing.conversation import Reply, Usage

_PIECE = re.compile(r"\s*(?:\w{1,4}|[^\w\s])")
_PICTURE = 85


def count(text: str) -> int:
    """Count the tokens of a text."""
    return sum(1 for _ in _PIECE.finditer(text))


def cut(text: str, most: int) -> str:
    """Keep the first so many tokens of a text."""
    for number, piece in enumerate(_PIECE.finditer(text), 1):
        if number > most:
            return text[: piece.start()]
    return text


def usage_of(body: Mapping[str, Any], reply: Reply, choices: int) -> Usage:
    """Count what a run read and wrote.

    Args:
        body: The request body.
        reply: The reply; its own `usage` wins.
        choices: How many answers were written.
    """
    if reply.usage is not None:
        return reply.usage
    read = sum(_count_words(body.get(key)) for key in ("messages", "prompt", "instruction"))
    called = [call.name + json.dumps(dict(call.arguments)) for call in reply.calls]
    said = (reply.text, reply.reasoning, reply.refusal, *called)
    written = sum(count(text) for text in said if text)
    return Usage(max(1, read), max(1, written) * choices)


def _count_words(value: Any) -> int:
    match value:
        case str():
            return _PICTURE if _is_data(value) else count(value)
        case list():
            return sum(map(_count_words, value))
        case dict():
            return sum(map(_count_words, value.values()))
        case _:
            return 0


def _is_data(text: str) -> bool:
    longest_word = 512
    return text.startswith("data:") or (len(text) > longest_word and " " not in text[:longest_word])
