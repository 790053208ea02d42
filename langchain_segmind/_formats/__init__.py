"""How bodies look on the wire: one file a family, with `encode`, `decode` and its `SETTING_NAMES`.

A request's family is chosen by its model; a reply's is seen from the reply itself, as the gateway
passes on what the provider sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from pydantic_core import from_json

from langchain_segmind._formats import anthropic, gemini, openai, values
from langchain_segmind._formats.body import encode_body
from langchain_segmind._formats.turns import SETTINGS
from langchain_segmind._messages.types import ChatResponse, Choice, ToolCall
from langchain_segmind.errors import SegmindResponseError, explain_value, one_line

__all__ = ["FORMATS", "SETTINGS", "Family", "decode", "decode_job", "encode_body", "parse"]

_LIKE_A_REPLY: Final = re.compile(
    r'\s*\{[^{}]{0,2000}"(choices|candidates|content|promptFeedback)"\s*:\s*[\[{]'
)
_OF_ERRORS: Final = {"error", "error_description", "status_code", "status", "message", "detail"}

Family = Literal["openai", "anthropic", "gemini"]

FORMATS: Final = {"openai": openai, "anthropic": anthropic, "gemini": gemini}


def decode(body: bytes) -> ChatResponse:
    """Read the body of a reply of status 200, whatever its family.

    Raises:
        SegmindResponseError: If it holds no answer; says why.
    """
    return _decode(parse(body))


def _decode(value: Any) -> ChatResponse:
    answer = _decoded(value)
    choices = tuple([_sendable(_without_thoughts(choice)) for choice in answer.choices])
    return answer if choices == answer.choices else replace(answer, choices=choices)


def decode_job(value: Mapping[str, Any]) -> ChatResponse:
    """Read the parsed body of a job's result.

    Its `output` is the family's reply, written as a string of JSON; an object, plain text (then it
    is the answer itself) and a missing one (then the whole body is the reply) are taken too.

    Raises:
        SegmindResponseError: If it holds no answer; says why.
    """
    output = value.get("output")
    if isinstance(output, str):
        return _decode_text(output)
    return _decode(value if output is None else output)


def _decode_text(output: str) -> ChatResponse:
    if not output.strip():
        raise SegmindResponseError("it is empty")
    try:
        value = parse(output.encode("utf-8", "surrogatepass"))
    except SegmindResponseError:
        if _LIKE_A_REPLY.match(output):
            raise  # half a reply is no answer
        value = None
    if isinstance(value, str) and _LIKE_A_REPLY.match(value):
        return _decode_text(value)
    if _is_reply(value):
        return _decode(value)
    return ChatResponse((_without_thoughts(Choice(values.as_text(output) or "")),))


def _is_reply(value: Any) -> bool:
    """Tell a reply, or an error in its place, from an answer that happens to be JSON."""
    if not isinstance(value, dict):
        return False
    told = ("choices", "candidates", "content")
    if any(isinstance(value.get(key), list) for key in told) or "promptFeedback" in value:
        return True
    return bool(value.get("error")) and value.keys() <= _OF_ERRORS


def _decoded(value: Any) -> ChatResponse:
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


def _sendable(choice: Choice) -> Choice:
    """Replace half surrogate pairs in calls: a history that held them could not be sent again."""
    if not choice.calls:
        return choice
    try:
        calls = tuple(
            [
                ToolCall(
                    _whole(call.name), _whole(call.arguments), values.as_text(call.id), call.error
                )
                for call in choice.calls
            ]
        )
    except RecursionError:  # the history tells such arguments as text
        return choice
    return replace(choice, calls=calls)


def _whole(value: Any) -> Any:
    match value:
        case str():
            return values.as_text(value)
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {values.as_text(key): _whole(item) for key, item in value.items()}
        case _:
            return value


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
