"""Which schema an answer must have: from `response_format`, or from the words of the prompt."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from langchain_segmind.testing.conversation import Question
from langchain_segmind.testing.helpful.material import Material

_QUOTED = re.compile(r"[\"'`\u2018\u201c]([A-Za-z_][\w-]*)[\"'`\u2019\u201d]")
_KEYS = r"\b(?:keys?|fields?|propert(?:y|ies)|attributes?)\b"
_NEAR_KEYS = re.compile(rf"[^.\n]*{_KEYS}[^.\n]*", re.IGNORECASE)
_LISTED = re.compile(
    rf"{_KEYS}(?: named| called| are| of)?:?\s+((?:[a-z_]\w*(?:, and |, | and )?)+)"
)
_TOLD = re.compile(r"\bJSON schema:\s*(?=\{)")
_EXAMPLE_KEY = re.compile(r"[\"']([A-Za-z_]\w*)[\"']\s*:")


def schema_asked_for(question: Question, material: Material) -> dict[str, Any] | None:
    """Tell the schema that `response_format` asks for; None when it asks for prose."""
    wanted = question.response_format or {}
    if wanted.get("type") == "json_schema":
        schema: dict[str, Any] = wanted["json_schema"]["schema"]
        return schema
    if wanted.get("type") != "json_object":
        return None
    texts = [material.prompt, material.system, *(turn.text for turn in question.turns)]
    return next(_schemas(texts), None) or _of_keys(_keys("\n".join(texts)) or ["answer"])


def schema_told(system: str) -> dict[str, Any] | None:
    """Tell the schema that follows the words ``JSON schema:`` in a system text."""
    found = _TOLD.search(system)
    return next(json_objects(system[found.end() :]), None) if found else None


def schema_in_prompt(material: Material) -> dict[str, Any] | None:
    """Tell the schema that a prompt describes in words, as LangChain's output parsers do."""
    if told := schema_told(material.system):
        return told
    texts = [text for text in (material.prompt, material.system) if "json" in text.lower()]
    if not any("schema" in text.lower() for text in texts):
        return None
    return next(_schemas(texts), None)


def _schemas(texts: Iterable[str]) -> Iterator[dict[str, Any]]:
    for text in texts:
        found = [value for value in json_objects(text) if isinstance(value.get("properties"), dict)]
        if found:
            yield found[-1]  # parsers show an example schema first, and the real one last


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """Find the JSON objects in a text, in order."""
    return (value for _, _, value in json_spans(text))


def json_spans(text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Find the JSON objects in a text: where each begins, where it ends, and what it is."""
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            value, end = None, at + 1
        if isinstance(value, dict):
            yield at, end, value
        at = text.find("{", end)


def _of_keys(keys: Iterable[str]) -> dict[str, Any]:
    properties = {key: {"type": "string"} for key in keys}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _keys(text: str) -> list[str]:
    quoted = [key for line in _NEAR_KEYS.findall(text) for key in _QUOTED.findall(line)]
    listed = [key for found in _LISTED.findall(text) for key in re.split(r", and |, | and ", found)]
    return list(dict.fromkeys(quoted or listed or _EXAMPLE_KEY.findall(text)))
