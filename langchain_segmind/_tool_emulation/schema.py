"""The JSON schema of a reply with text and tool calls, as `response_format` asks for it.

It holds the names and types of what may be called. Where the prompt describes the tools it leaves
their descriptions out, because both are billed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_segmind._messages.types import Tool
from langchain_segmind._tool_emulation.embed import Document


def envelope_format(
    tools: Sequence[Tool],
    forced: bool,
    parallel: bool,
    answer: Mapping[str, Any] | None,
    *,
    answer_is_strict: bool = False,
    has_descriptions: bool = False,
) -> dict[str, Any]:
    """Make the `response_format` that asks for an envelope.

    Args:
        tools: Those on offer.
        forced: Whether at least one must be called.
        parallel: Whether several may be called at once.
        answer: The schema of the final answer, where it is not plain text.
        answer_is_strict: Whether that schema must be kept to the letter.
        has_descriptions: Whether to keep descriptions, where the schema itself is in the prompt.
    """
    document = Document(has_descriptions=has_descriptions)
    offers = [_offer(tool, document) for tool in tools]
    if has_descriptions:
        about = [{"description": tool.description} if tool.description else {} for tool in tools]
        offers = [offer | described for offer, described in zip(offers, about, strict=True)]
    calls: dict[str, Any] = {
        "type": "array",
        "items": offers[0] if len(offers) == 1 else {"anyOf": offers},
    }
    if forced:
        calls["minItems"] = 1
    if not parallel:
        calls["maxItems"] = 1
    text: dict[str, Any] = {"type": "string"}
    if answer is not None:
        text = {"anyOf": [document.embed(answer, "answer"), {"type": "null"}]}
    schema = _closed_object({"say": text, "calls": calls})
    if document.definitions:
        schema["$defs"] = document.definitions
    wanted: dict[str, Any] = {"name": "reply", "schema": schema}
    # Strict is all or nothing: providers refuse a strict schema that has an open object in it.
    if all(tool.strict for tool in tools) and (answer is None or answer_is_strict):
        wanted["strict"] = True
    return {"type": "json_schema", "json_schema": wanted}


def _offer(tool: Tool, document: Document) -> dict[str, Any]:
    arguments = document.embed(tool.parameters, tool.name)
    if not arguments.keys() & {"$ref", "type"}:
        arguments = {"type": "object", **arguments}
    return _closed_object({"name": {"type": "string", "enum": [tool.name]}, "arguments": arguments})


def _closed_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def condense(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Shorten the envelope's schema for a model that only reads it."""
    short = {k: v for k, v in schema.items() if k not in ("additionalProperties", "required")}
    calls = dict(short["properties"]["calls"])
    items = calls["items"]
    offers = [_condensed_offer(offer) for offer in items.get("anyOf", [items])]
    calls["items"] = offers[0] if len(offers) == 1 else {"anyOf": offers}
    short["properties"] = {**short["properties"], "calls": calls}
    return short


def _condensed_offer(offer: Mapping[str, Any]) -> dict[str, Any]:
    short = {k: v for k, v in offer.items() if k not in ("additionalProperties", "required")}
    name = {"enum": offer["properties"]["name"]["enum"]}
    short["properties"] = {**offer["properties"], "name": name}
    return short
