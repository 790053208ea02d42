"""JSON schemas as Gemini takes them: no references, no keywords beyond its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_KNOWN: Final = frozenset(
    {"type", "format", "title", "description", "nullable", "enum", "default", "example"}
    | {"properties", "required", "items", "anyOf", "minItems", "maxItems", "minLength"}
    | {"maxLength", "pattern", "minimum", "maximum", "minProperties", "maxProperties"}
    | {"propertyOrdering"}
)
"""Keywords of Gemini's schema; it refuses others."""

_ANYTHING: Final = {"type": "object"}


def adapted(response_format: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Make the schema of a `response_format` one that Gemini takes."""
    wanted = (response_format or {}).get("json_schema")
    if response_format is None or not isinstance(wanted, Mapping):
        return response_format
    schema = wanted.get("schema")
    if not isinstance(schema, Mapping):
        return response_format
    return {**response_format, "json_schema": {**wanted, "schema": plain(schema)}}


def plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Put what references point to in their place, and say the rest in Gemini's keywords."""
    definitions = {
        f"#/{key}/{name}": definition
        for key in ("$defs", "definitions")
        for name, definition in (schema.get(key) or {}).items()
    }
    return _plain(schema, definitions, ())


def _plain(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], inside: tuple[str, ...]
) -> dict[str, Any]:
    reference = schema.get("$ref")
    if reference is not None:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        target = definitions.get(reference)
        if target is None or reference in inside:  # a schema that holds itself has no plain form
            return {**_ANYTHING, **_plain(beside, definitions, inside)}
        return _plain({**target, **beside}, definitions, (*inside, reference))
    said = _in_known_words(schema)
    if "$ref" in said:
        return _plain(said, definitions, inside)
    return {
        key: _inner(key, value, definitions, inside) for key, value in said.items() if key in _KNOWN
    }


def _in_known_words(schema: Mapping[str, Any]) -> dict[str, Any]:
    said = dict(schema)
    if "const" in said:
        said["enum"] = [said.pop("const")]
    several = said.pop("oneOf", None)
    if several:
        said |= several[0] if len(several) == 1 else {"anyOf": several}
    for part in said.pop("allOf", None) or ():
        said = _both(said, part)
    kinds = said.get("type")
    if isinstance(kinds, list):
        said["nullable"] = "null" in kinds
        rest = [kind for kind in kinds if kind != "null"]
        said.pop("type")
        if rest:
            said |= {"type": rest[0]} if len(rest) == 1 else {"anyOf": [{"type": k} for k in rest]}
    return said


def _both(one: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Make one schema of two that must both hold."""
    properties = {**one.get("properties", {}), **other.get("properties", {})}
    required = [*one.get("required", []), *other.get("required", [])]
    both = {**other, **one}
    return {
        **both,
        **({"properties": properties} if properties else {}),
        **({"required": list(dict.fromkeys(required))} if required else {}),
    }


def _inner(key: str, value: Any, definitions: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    if key == "properties" and isinstance(value, Mapping):
        return {name: _inner("items", item, definitions, inside) for name, item in value.items()}
    if key == "items" and isinstance(value, Mapping):
        return _plain(value, definitions, inside)
    if key == "anyOf" and isinstance(value, list):
        return [_inner("items", item, definitions, inside) for item in value]
    return value
