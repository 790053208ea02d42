"""JSON that may or may not hold an answer, in every family."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from langchain_segmind import errors as e
from tests.faults.catalog.scenario import executed, fine, runs_and_sends
from tests.faults.server import JOB


def _openai(message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def _claude(*blocks: Any) -> dict[str, Any]:
    return {"content": list(blocks)}


def _gemini(*parts: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts)}}]}


ODD: Final[tuple[Any, ...]] = (None, True, -1, 1.5, "x", "", [], [None], {}, {"x": [{}]})
"""JSON of every type, none of which belongs where it is put."""

WELL: Final = {
    "openai": _openai({"role": "assistant", "content": "fine"}),
    "claude": _claude({"type": "text", "text": "fine"}),
    "gemini": _gemini({"text": "fine"}),
}
OPTIONAL: Final = {
    "openai": ("id", "object", "created", "model", "usage"),
    "claude": ("id", "type", "role", "model", "stop_reason", "stop_sequence", "usage"),
    "gemini": ("responseId", "modelVersion", "usageMetadata", "promptFeedback"),
}
COUNTS: Final = {
    "openai": ("usage", ("prompt_tokens", "completion_tokens", "total_tokens")),
    "claude": ("usage", ("input_tokens", "output_tokens", "cache_read_input_tokens")),
    "gemini": ("usageMetadata", ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")),
}
HOLDS: Final = {"openai": "choices", "claude": "content", "gemini": "candidates"}


def _odd_beside(family: str, odd: Any) -> dict[str, Any]:
    where, counts = COUNTS[family]
    beside = dict.fromkeys(OPTIONAL[family], odd)
    if odd == {}:
        beside[where] = dict.fromkeys(counts, "many")
    elif odd == -1:
        beside[where] = dict.fromkeys(counts, -1)
    elif odd == 1.5:
        beside[where] = dict.fromkeys(counts, 10**30)
    return WELL[family] | beside


ODD_PARTS: Final = {
    "openai finish_reason": {"choices": [{"message": {"content": "fine"}, "finish_reason": 7}]},
    "openai role": _openai({"content": "fine", "role": 5}),
    "openai reasoning": _openai({"content": "fine", "reasoning_content": {"x": 1}}),
    "openai parts": _openai({"content": [None, 5, {"type": "text", "text": "fine"}, {}, []]}),
    "openai refusal": _openai({"content": "fine", "refusal": 5}),
    "openai calls": _openai({"content": "fine", "tool_calls": "x"}),
    "openai alternatives": {"choices": [None, "x", {}, {"message": {"content": "fine"}}]},
    "claude blocks": _claude(None, 5, {}, {"type": "x"}, {"type": "text", "text": "fine"}),
    "claude texts": _claude({"type": "text", "text": None}, {"type": "text", "text": "fine"}),
    "claude thinking": _claude({"type": "thinking", "thinking": 5}, {"text": "fine"}),
    "gemini parts": _gemini(None, 5, {}, {"text": None}, {"text": "fine"}),
    "gemini finishReason": {
        "candidates": [{"finishReason": 7, "content": {"parts": [{"text": "fine"}]}}]
    },
    "gemini alternatives": {
        "candidates": [None, "x", {}, {"content": {"parts": [{"text": "fine"}]}}]
    },
}
EMPTY: Final = {
    "openai content null": _openai({"content": None}),
    "openai content blank": _openai({"content": ""}),
    "openai filtered": {
        "choices": [{"message": {"content": None}, "finish_reason": "content_filter"}]
    },
    "claude nothing, ended": _claude() | {"stop_reason": "end_turn"},
    "gemini filtered": {"candidates": [{"finishReason": "SAFETY"}]},
    "gemini blocked": {"promptFeedback": {"blockReason": "SAFETY"}},
}
UNUSABLE: Final[Mapping[str, Any]] = {
    "null": None,
    "a number": 5,
    "a text": "fine",
    "a list": [WELL["openai"]],
    "an empty object": {},
    "an error": {"error": "overloaded"},
    "an error object": {"error": {"message": "overloaded", "code": 7}},
    "an error with a status": {"error": "overloaded", "status_code": 500},
    "a job": {"request_id": JOB, "status": "QUEUED"},
    "openai message null": _openai(None),
    "openai message a text": _openai("fine"),
    "openai content a number": _openai({"content": 5}),
    "openai content an object": _openai({"content": {"text": "fine"}}),
    "claude nothing": _claude(),
    "claude no block": _claude(None, 5, "fine"),
    "gemini content null": {"candidates": [{"content": None}]},
    "gemini parts null": {"candidates": [{"content": {"parts": None}}]},
    "gemini no part": _gemini(),
    "gemini not blocked": {"promptFeedback": {}},
}

SHAPES: Final = [
    *fine(
        "shape",
        {
            f"{family} with {odd!r} beside": _odd_beside(family, odd)
            for family in WELL
            for odd in ODD
        },
        act=runs_and_sends,
    ),
    *fine("shape", {f"odd {what}": body for what, body in ODD_PARTS.items()}, act=runs_and_sends),
    *fine("shape", EMPTY, act=runs_and_sends, text=""),
    *executed("shape", e.SegmindResponseError, UNUSABLE, act=runs_and_sends),
    *executed(
        "shape",
        e.SegmindResponseError,
        {
            f"{family}'s {key} is {odd!r}": {key: odd}
            for family, key in HOLDS.items()
            for odd in ODD
        },
        act=runs_and_sends,
    ),
    *fine(
        "shape",
        {
            f"half a surrogate in {family}": json.dumps(body)
            .replace("fine", "fi\\ud83dne")
            .encode()
            for family, body in WELL.items()
        },
        act=runs_and_sends,
        text="fi\ufffdne",
    ),
]
