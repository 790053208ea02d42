"""How bodies look on the wire: one file a family, with `encode`, `decode` and its `OWN_NAMES`.

A request's family is chosen by its model; a reply's is seen from the reply itself, as the gateway
passes on what the provider sent.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final, Literal

from pydantic_core import from_json

from langchain_segmind._prompt import Answer, Choice
from langchain_segmind._wire import anthropic, gemini, openai
from langchain_segmind._wire._turns import SETTINGS
from langchain_segmind.errors import SegmindResponseError, explain_value, one_line

__all__ = ["FORMATS", "SETTINGS", "Family", "decode", "parse"]

Family = Literal["openai", "anthropic", "gemini"]

FORMATS: Final = {"openai": openai, "anthropic": anthropic, "gemini": gemini}


def decode(body: bytes) -> Answer:
    """Read the body of a reply of status 200, whatever its family.

    Raises:
        SegmindResponseError: If it holds no answer; says why.
    """
    answer = _decoded(parse(body))
    return replace(answer, choices=tuple(_without_thoughts(c) for c in answer.choices))


def _decoded(value: Any) -> Answer:
    if not isinstance(value, dict):
        raise SegmindResponseError(f"it is a JSON {type(value).__name__}, not an object")
    try:
        if value.get("choices"):
            return openai.decode(value)
        if isinstance(value.get("content"), list):
            return anthropic.decode(value)
        if value.get("candidates") or value.get("promptFeedback"):
            return gemini.decode(value)
    except RecursionError:
        raise SegmindResponseError("it is nested too deeply") from None
    said = explain_value(value)
    raise SegmindResponseError(f"it is an error: {said}" if said else "it holds no answer")


def _without_thoughts(choice: Choice) -> Choice:
    """Take reasoning that a model wrote before its answer, between <think> tags, out of it."""
    text = choice.text.lstrip()
    if not text.startswith("<think>"):
        return choice
    thought, _, rest = text.removeprefix("<think>").partition("</think>")
    reasoning = "\n".join(filter(None, (choice.reasoning, thought.strip())))
    return replace(choice, text=rest.lstrip(), reasoning=reasoning)


def parse(body: bytes) -> Any:
    """Parse JSON as leniently as may be: BOM, lone surrogates, NaN and long integers pass.

    Raises:
        SegmindResponseError: If it is not JSON, or too deeply nested.
    """
    try:
        return from_json(body)
    except ValueError:
        pass  # faster, but stricter than the gateway may be: the standard library decides
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), parse_int=_int)
    except RecursionError:
        raise SegmindResponseError("it is nested too deeply") from None
    except ValueError:
        raise SegmindResponseError(_not_json(body)) from None


def _int(digits: str) -> int | float:
    return int(digits) if len(digits) < 400 else float("inf")


def _not_json(body: bytes) -> str:
    if not body.strip():
        return "it is empty"
    if body.lstrip()[:1] == b"<":
        return "it is HTML, not JSON"
    return f"it is not JSON, or was cut short: {one_line(body[:800].decode(errors='replace'), 200)}"
