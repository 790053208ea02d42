"""Write JSON schemas as Gemini takes them: without references, in its own keywords alone.

What Gemini cannot express is left out. No keyword that it refuses may stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_KEYWORDS: Final = frozenset(
    {"type", "format", "title", "description", "nullable", "enum", "default", "example"}
    | {"properties", "required", "items", "anyOf", "minItems", "maxItems", "minLength"}
    | {"maxLength", "pattern", "minimum", "maximum", "minProperties", "maxProperties"}
    | {"propertyOrdering"}
)
"""Keywords of Gemini's schema; it refuses others."""


def adapt_response_format(response_format: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Adapt the schema in a `response_format`, if it has one."""
    described = (response_format or {}).get("json_schema")
    if response_format is None or not isinstance(described, Mapping):
        return response_format
    schema = described.get("schema")
    if not isinstance(schema, Mapping):
        return response_format
    return {**response_format, "json_schema": {**described, "schema": adapt_schema(schema)}}


def adapt_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Replace each reference with what it points to, and write the rest in Gemini's keywords."""
    definitions = {
        f"#/{key}/{name}": definition
        for key in ("$defs", "definitions")
        for name, definition in (schema.get(key) or {}).items()
    }
    adapted: dict[str, Any] = _adapt(schema, definitions, ())
    return adapted


def _adapt(schema: Any, definitions: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    """Adapt a schema that stands inside the references `inside`."""
    if not isinstance(schema, Mapping):
        return schema  # True, which allows any value
    known = schema if "$ref" in schema else _in_known_keywords(schema)
    if "$ref" in known:
        reference = known["$ref"]
        beside = {key: value for key, value in known.items() if key != "$ref"}
        target = definitions.get(reference)
        if target is None or reference in inside:  # a recursive schema has no form without $ref
            return {"type": "object", **_adapt(beside, definitions, inside)}
        return _adapt({**target, **beside}, definitions, (*inside, reference))
    adapted = {key: value for key, value in known.items() if key in _KEYWORDS}
    for key, value in adapted.items():
        if key == "items":
            adapted[key] = _adapt(value, definitions, inside)
        elif key == "properties" and isinstance(value, Mapping):
            adapted[key] = {n: _adapt(item, definitions, inside) for n, item in value.items()}
        elif key == "anyOf" and isinstance(value, list):
            adapted[key] = [_adapt(item, definitions, inside) for item in value]
    return adapted


def _in_known_keywords(schema: Mapping[str, Any]) -> dict[str, Any]:
    known = dict(schema)
    if "const" in known:
        known["enum"] = [known.pop("const")]
    one_of = known.pop("oneOf", None)
    if one_of:
        known |= one_of[0] if len(one_of) == 1 else {"anyOf": one_of}
    for part in known.pop("allOf", None) or ():
        known = _merge(known, part)
    types = known.get("type")
    if isinstance(types, list):
        known["nullable"] = "null" in types
        rest = [t for t in types if t != "null"]
        known.pop("type")
        if rest:
            known |= {"type": rest[0]} if len(rest) == 1 else {"anyOf": [{"type": t} for t in rest]}
    return known


def _merge(one: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Make one schema of two that must both hold."""
    properties = {**one.get("properties", {}), **other.get("properties", {})}
    required = [*one.get("required", []), *other.get("required", [])]
    return {
        **other,
        **one,
        **({"properties": properties} if properties else {}),
        **({"required": list(dict.fromkeys(required))} if required else {}),
    }
