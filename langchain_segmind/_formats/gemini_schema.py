"""Write JSON schemas as Gemini takes them: without references, in its own keywords alone.

What Gemini cannot express is widened, or written as a string, which `restore_types` reads back.
No keyword that it refuses may stay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

_KEYWORDS: Final = frozenset(
    {"type", "format", "title", "description", "nullable", "enum", "default", "example"}
    | {"properties", "required", "items", "anyOf", "minItems", "maxItems", "minLength"}
    | {"maxLength", "pattern", "minimum", "maximum", "minProperties", "maxProperties"}
    | {"propertyOrdering"}
)
"""Keywords of Gemini's schema; it refuses others."""


_ANYTHING: Final = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}
_JSON_OBJECT: Final = {"type": "string", "description": "A JSON object, written as a string."}
"""An object of free keys: Gemini refuses one without properties. `restore_types` reads it."""


def adapt_response_format(response_format: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Adapt the schema in a `response_format`, if it has one."""
    described = (response_format or {}).get("json_schema")
    if response_format is None or not isinstance(described, Mapping):
        return response_format
    schema = described.get("schema")
    if not isinstance(schema, Mapping):
        return response_format
    return {**response_format, "json_schema": {**described, "schema": adapt_schema(schema)}}


def adapt_parameters(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Adapt the schema of a native tool's arguments, which stays an object in any case."""
    return adapt_schema(schema) if schema.get("properties") else {"type": "object"}


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
        return dict(_ANYTHING)
    known = schema if "$ref" in schema else _in_known_keywords(schema)
    if "$ref" in known:
        reference = known["$ref"]
        beside = {key: value for key, value in known.items() if key != "$ref"}
        target = definitions.get(reference)
        if not isinstance(target, Mapping) or reference in inside:
            return dict(_JSON_OBJECT)  # a recursive schema has no form without $ref
        return _adapt({**target, **beside}, definitions, (*inside, reference))
    if "enum" in known:
        return _adapt_enum(known)
    if isinstance(known.get("anyOf"), list) and not known.get("properties"):
        options = [_adapt(option, definitions, inside) for option in known["anyOf"]]
        return _any_of(options, is_nullable=known.get("nullable") is True)
    match known.get("type"):
        case "object":
            return _adapt_object(known, definitions, inside)
        case "array":
            return _adapt_array(known, definitions, inside)
        case str():
            return _without_unknown(known)
        case _ if "properties" in known:
            return _adapt_object({**known, "type": "object"}, definitions, inside)
        case _:
            return {**_without_unknown(known), **_ANYTHING}


def _without_unknown(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key in _KEYWORDS}


def _adapt_object(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], inside: tuple[str, ...]
) -> dict[str, Any]:
    properties = schema.get("properties")
    if not properties or not isinstance(properties, Mapping):
        return {**_JSON_OBJECT, **({"nullable": True} if schema.get("nullable") else {})}
    adapted = {name: _adapt(inner, definitions, inside) for name, inner in properties.items()}
    # Without it, Gemini writes properties in alphabetical order: arguments before the name.
    order = {"propertyOrdering": list(adapted)} if len(adapted) > 1 else {}
    known = {key: value for key, value in _without_unknown(schema).items() if key != "anyOf"}
    return {**known, "properties": adapted, **order}


def _adapt_array(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], inside: tuple[str, ...]
) -> dict[str, Any]:
    listed = schema.get("prefixItems")
    options = [*listed] if isinstance(listed, list) else []
    if isinstance(schema.get("items"), Mapping):
        options.append(schema["items"])
    adapted = [_adapt(option, definitions, inside) for option in options]
    unlike = [option for n, option in enumerate(adapted) if option not in adapted[:n]]
    return {**_without_unknown(schema), "items": _any_of(unlike) if unlike else dict(_ANYTHING)}


def _any_of(options: Sequence[Any], *, is_nullable: bool = False) -> dict[str, Any]:
    """Combine alternatives: null is a mark of the others, and nothing stands beside `anyOf`."""
    rest = [option for option in options if option.get("type") != "null"]
    is_nullable = is_nullable or len(rest) < len(options)
    if is_nullable:
        rest = [{**option, "nullable": True} for option in rest]
    return rest[0] if len(rest) == 1 else {"anyOf": rest} if rest else dict(_ANYTHING)


def _adapt_enum(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Write constants that are not strings as their JSON: Gemini takes strings only."""
    values = schema["enum"] if isinstance(schema["enum"], list) else []
    rest = [value for value in values if value is not None]
    about = {key: schema[key] for key in ("description",) if key in schema}
    nullable = {"nullable": True} if len(rest) < len(values) or schema.get("nullable") else {}
    if not rest or all(isinstance(value, bool) for value in rest):
        return {**about, "type": "boolean", **nullable}
    texts = [value if isinstance(value, str) else json.dumps(value) for value in rest]
    return {**about, "type": "string", "enum": list(dict.fromkeys(texts)), **nullable}


def _in_known_keywords(schema: Mapping[str, Any]) -> dict[str, Any]:
    known = dict(schema)
    if "const" in known:
        known["enum"] = [known.pop("const")]
    one_of = [option for option in known.pop("oneOf", None) or () if isinstance(option, Mapping)]
    if one_of:
        known |= one_of[0] if len(one_of) == 1 else {"anyOf": one_of}
    for part in known.pop("allOf", None) or ():
        known = _merge(known, part) if isinstance(part, Mapping) else known
    types = known.get("type")
    if isinstance(types, list):
        known |= {"nullable": True} if "null" in types else {}
        rest = [t for t in types if t != "null"]
        known.pop("type")
        if len(rest) == 1:
            known["type"] = rest[0]
        elif rest:
            known["anyOf"] = [{**known, "type": t} for t in rest]
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
