"""Count tokens, roughly as models do: a few letters each. Deterministic, and never zero."""

import json
import re
from collections.abc import Mapping
from typing import Any

from langchain_segmind.testing.conversation import Reply, Usage

_PIECE = re.compile(r"\s*(?:\w{1,4}|[^\w\s])")
_IMAGE = 85
_LONGEST_WORD = 512  # a longer one is base64


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
    """Count what a run read and wrote, so many choices; the reply's own `usage` wins."""
    if reply.usage is not None:
        return reply.usage
    read = sum(_count_in(body.get(key)) for key in ("messages", "prompt", "instruction"))
    calls = [call.name + json.dumps(dict(call.arguments)) for call in reply.calls]
    texts = (reply.text, reply.reasoning, reply.refusal, *calls)
    written = sum(count(text) for text in texts if text)
    return Usage(max(1, read), max(1, written) * choices)


def _count_in(value: Any) -> int:
    match value:
        case str():
            is_data = len(value) > _LONGEST_WORD and " " not in value[:_LONGEST_WORD]
            return _IMAGE if is_data or value.startswith("data:") else count(value)
        case list():
            return sum(map(_count_in, value))
        case dict():
            return sum(map(_count_in, value.values()))
        case _:
            return 0
