"""The envelope for words and calls, as a JSON schema: what a model is asked to answer in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_segmind._messages.json_schema import strip_titles
from langchain_segmind._messages.types import Tool


def envelope_format(
    tools: Sequence[Tool], forced: bool, parallel: bool, answer: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Make the `response_format` that asks for an envelope.

    Args:
        tools: Those on offer.
        forced: Whether at least one must be called.
        parallel: Whether several may be called at once.
        answer: The schema of the final answer, where it is not plain text.
    """
    definitions: dict[str, Any] = {}
    offers = [_offer(tool, definitions) for tool in tools]
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
        text = {"anyOf": [_hoisted(answer, "answer", definitions), {"type": "null"}]}
    schema = _closed_object({"say": text, "calls": calls})
    if definitions:
        schema["$defs"] = definitions
    wanted: dict[str, Any] = {"name": "reply", "schema": schema}
    if any(tool.strict for tool in tools):
        wanted["strict"] = True
    return {"type": "json_schema", "json_schema": wanted}


def _offer(tool: Tool, definitions: dict[str, Any]) -> dict[str, Any]:
    parameters = _hoisted(tool.parameters, tool.name, definitions)
    name = {"type": "string", "enum": [tool.name]}
    offer = _closed_object({"name": name, "arguments": parameters})
    return {**offer, "description": tool.description} if tool.description else offer


def _closed_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _hoisted(schema: Mapping[str, Any], owner: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Move a schema's definitions to the root of the envelope, where its references must point.

    One that refers to itself, or to a part of itself elsewhere, moves there as a whole.
    """
    names = [key for key in ("$defs", "definitions") if isinstance(schema.get(key), Mapping)]
    moved = {f"#/{key}/{name}": f"{owner}.{name}" for key in names for name in schema[key]}
    own = {
        moved[f"#/{key}/{name}"]: _renamed(definition, moved, owner)
        for key in names
        for name, definition in schema[key].items()
    }
    definitions.update(own)
    rest = {key: value for key, value in schema.items() if key not in names}
    renamed = strip_titles(_renamed(rest, moved, owner))
    if _refers_to(f"#/$defs/{owner}", [renamed, own]):
        definitions[owner] = renamed
        return {"$ref": f"#/$defs/{owner}"}
    return renamed if "$ref" in renamed else {"type": "object", **renamed}


def _renamed(value: Any, moved: Mapping[str, str], owner: str) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _moved_reference(item, moved, owner)
            if key == "$ref" and isinstance(item, str)
            else _renamed(item, moved, owner)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_renamed(item, moved, owner) for item in value]
    return value


def _moved_reference(reference: str, moved: Mapping[str, str], owner: str) -> str:
    for place, name in moved.items():
        if reference == place or reference.startswith(f"{place}/"):
            return f"#/$defs/{name}{reference.removeprefix(place)}"
    if reference == "#" or reference.startswith("#/"):
        return f"#/$defs/{owner}{reference[1:]}"
    return reference


def _refers_to(place: str, value: Any) -> bool:
    if isinstance(value, Mapping):
        reference = value.get("$ref")
        found = isinstance(reference, str) and (reference + "/").startswith(f"{place}/")
        return found or any(_refers_to(place, item) for item in value.values())
    return isinstance(value, list) and any(_refers_to(place, item) for item in value)


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
