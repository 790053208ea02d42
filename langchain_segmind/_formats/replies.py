"""Read a reply of any format: which one it is in shows in the reply itself.

The gateway passes on what the provider sent, so the model's family must not decide how its reply
is read. An answer that was paid for must be found wherever it stands; half of one must not pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic_core import from_json

from langchain_segmind._formats.families import FAMILIES, FORMATS, Format
from langchain_segmind._formats.media_replies import check_bytes, check_json, check_text
from langchain_segmind._formats.values import as_dict, repair_escapes
from langchain_segmind._messages.limits import MOST_VALUES, has_too_many_values
from langchain_segmind._messages.types import ChatResponse, Choice
from langchain_segmind._text import AN_ERROR, message_from_json, one_line
from langchain_segmind.errors import SegmindResponseError

_LOOKS_LIKE_A_REPLY: Final = (
    r'\s*\{[^{}]{0,2000}"(choices|candidates|content|promptFeedback)"\s*:\s*[\[{]'
    r'|\s*\{\s*"(choices|candidates|promptFeedback|usageMetadata|modelVersion|responseId)"'
    r'|\s*\{\s*"id"\s*:\s*"(chatcmpl|msg|gen)[-_]'
)
_FLAT_KEYS: Final = (
    *("output", "outputs", "response", "result", "answer", "completion", "generation"),
    *("generated_text", "text", "data"),
)
"""Where retired and fine-tuned models have a text alone."""
_MAX_WRAPPERS: Final = 2
_ERROR_KEYS: Final = {"error", "error_description", "status_code", "status", "message", "detail"}


def decode(body: bytes, content_type: str = "") -> ChatResponse:
    """Read the body of a reply of status 200, whose `Content-Type` helps to explain a bad one.

    Raises:
        SegmindResponseError: If it does not hold an answer, with the reason.
    """
    try:
        value = parse(body)
    except SegmindResponseError:
        check_bytes(body, content_type)
        raise
    return _decode(value)


def is_answer(body: bytes) -> bool:
    """Return whether the body of a reply of status 200 holds an answer."""
    try:
        decode(body)
    except SegmindResponseError:
        return False
    return True


def decode_job(value: Mapping[str, Any]) -> ChatResponse:
    """Read the parsed body of a job's result.

    Its `output` is the provider's reply, written as a string of JSON. An object, plain text (then
    it is the answer itself) and a missing one (then the whole body is the reply) work as well.

    Raises:
        SegmindResponseError: If it does not hold an answer, with the reason.
    """
    output = value.get("output")
    if isinstance(output, str):
        return _decode_output(output)
    if isinstance(output, list) and (flat := _decode_flat(output)) is not None:
        return flat
    return _decode(value if output is None else output)


def _decode_output(output: str) -> ChatResponse:
    if not output.strip():
        raise SegmindResponseError("it is empty")
    body = output.encode()
    try:
        value = parse(body)
    except SegmindResponseError:
        if has_too_many_values(body):
            raise
        if _is_half_a_reply(output):  # which must not pass as an answer in plain text
            raise SegmindResponseError(
                f"it is the provider's reply in JSON, but was cut short: {one_line(output, 300)}"
            ) from None
        check_text(output)
        value = None
    if isinstance(value, str) and re.match(_LOOKS_LIKE_A_REPLY, value):
        return _decode_output(value)
    if isinstance(value, dict) and (_format_of(value, is_sure=False) or _is_error(value)):
        return _decode(value)
    return ChatResponse((_split_thoughts(Choice(output)),))


def _is_half_a_reply(text: str) -> bool:
    """Return whether a text that is not JSON is the start of a provider's reply."""
    if text.lstrip().startswith('"{'):  # it was written as a string once more
        text = text.lstrip()[1:].replace('\\"', '"')
    try:
        value = from_json(text, allow_partial=True)
    except ValueError:
        value = None
    if isinstance(value, dict) and (
        _format_of(value, is_sure=False)
        or str(value.get("object")).startswith("chat.completion")
        or (value.get("type") == "message" and value.get("role") == "assistant")
    ):
        return True
    return re.match(_LOOKS_LIKE_A_REPLY, text) is not None


def _decode_flat(value: Any, depth: int = 0) -> ChatResponse | None:
    """Read a text that stands alone in JSON, or a reply that is wrapped in it."""
    match value:
        case str() if value.strip():
            return _decode_output(value)
        case [str(), *_] if all(isinstance(text, str) for text in value):
            return _decode_flat("".join(value))
        case [dict(), *_]:
            found = [reply for item in value if (reply := _decode_flat(item, depth)) is not None]
            texts = (reply.choices[0].text for reply in found)
            return ChatResponse((Choice("".join(texts)),)) if found[1:] else next(iter(found), None)
        case dict() if _format_of(value, is_sure=True):
            return _decode(value)
        case dict() if depth <= _MAX_WRAPPERS:
            inner = [*map(value.get, _FLAT_KEYS), as_dict(value.get("message"))]
            if depth:  # alone, it is the field of a reply of Claude's that is damaged
                inner.append(value.get("content"))
            replies = (_decode_flat(each, depth + 1) for each in inner)
            return next((reply for reply in replies if reply is not None), None)
    return None


def _format_of(value: Mapping[str, Any], *, is_sure: bool) -> Format | None:
    for family in FAMILIES:
        reply_format = FORMATS[family]
        if reply_format.is_reply(value, is_sure=is_sure):
            return reply_format
    return None


def _is_error(value: Mapping[str, Any]) -> bool:
    return bool(value.get("error")) and value.keys() <= _ERROR_KEYS


def _decode(value: Any) -> ChatResponse:
    if not isinstance(value, dict):
        raise SegmindResponseError(f"it is a JSON {type(value).__name__}, not an object")
    reply_format = _format_of(value, is_sure=True)
    if reply_format is None:
        flat = None if value.get("error") else _decode_flat(value)
        if flat is not None:
            return flat
        error = message_from_json(value)
        if not error:
            check_json(value)
        raise SegmindResponseError(f"{AN_ERROR}{error}" if error else "it holds no answer")
    try:
        response = reply_format.decode(value)
    except RecursionError:
        raise SegmindResponseError("it is nested too deeply") from None
    choices = tuple(map(_split_thoughts, response.choices))
    return response if choices == response.choices else replace(response, choices=choices)


def _split_thoughts(choice: Choice) -> Choice:
    """Move the reasoning that a model wrote before its answer, in <think> tags, out of the text."""
    text = choice.text.lstrip()
    if not text.startswith("<think>"):
        return choice
    thought, _, rest = text.removeprefix("<think>").partition("</think>")
    reasoning = "\n".join(filter(None, (choice.reasoning, thought.strip())))
    return replace(choice, text=rest.lstrip(), reasoning=reasoning)


def parse(body: bytes) -> Any:
    """Parse JSON leniently: a BOM, NaN and long integers pass, and halves of surrogate pairs.

    Every string in the value can be sent again.

    Raises:
        SegmindResponseError: If it is not JSON, too deeply nested or has too many values.
    """
    if has_too_many_values(body):
        raise SegmindResponseError(f"it holds more than {MOST_VALUES:,} JSON values")
    try:
        return from_json(body)
    except ValueError:
        pass  # faster, but stricter than the gateway may be: the standard library decides
    try:
        text = repair_escapes(body.decode("utf-8-sig", "replace"))
        return json.loads(text, parse_int=_parse_int)
    except RecursionError:
        raise SegmindResponseError("it is nested too deeply") from None
    except ValueError:
        raise SegmindResponseError(_why_not_json(body)) from None


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) < 400 else float("inf")


def _why_not_json(body: bytes) -> str:
    if not body.strip():
        return "it is empty"
    if body.lstrip()[:1] == b"<":
        return "it is HTML, not JSON"
    return f"it is not JSON, or was cut short: {one_line(body[:800].decode(errors='replace'), 200)}"
