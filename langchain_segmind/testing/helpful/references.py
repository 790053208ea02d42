"""JSON schemas without their indirections: `$ref`, `allOf` and unsaid types made plain."""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

_MOST_STEPS = 8  # references to references end here

_KEYS_OF_KINDS = {
    "object": ("properties", "required", "additionalProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_KINDS = ("object", "array", "string", "number", "integer", "boolean", "null")


def resolved(schema: Any, root: Schema) -> Schema:
    """Follow a schema's references, and merge what must all hold.

    Args:
        schema: A schema, or anything else found in its place.
        root: The whole schema, which references point into.

    Returns:
        A schema without ``$ref`` and ``allOf``; empty when anything goes.
    """
    plain: Schema = schema if isinstance(schema, Mapping) else {}
    for _ in range(_MOST_STEPS):
        if isinstance(plain.get("$ref"), str):
            siblings = {key: value for key, value in plain.items() if key != "$ref"}
            plain = {**_follow(plain["$ref"], root), **siblings}
        if plain.get("allOf"):
            rest = {key: value for key, value in plain.items() if key != "allOf"}
            plain = _merged([*(resolved(part, root) for part in plain["allOf"]), rest])
    return plain


def kinds_of(schema: Schema) -> list[str]:
    """Tell the types a schema allows, also where it does not say."""
    said = schema.get("type")
    known = [kind for kind in (said if isinstance(said, list) else [said]) if kind in _KINDS]
    guessed = (kind for kind, keys in _KEYS_OF_KINDS.items() if any(key in schema for key in keys))
    return known or [next(guessed, "string")]


def is_null(schema: Schema) -> bool:
    """Tell whether a schema allows null and nothing else."""
    return schema.get("type") == "null" or schema.get("const", 0) is None


def _follow(reference: str, root: Schema) -> Schema:
    target: Any = root
    for step in filter(None, reference.removeprefix("#").split("/")):
        key = step.replace("~1", "/").replace("~0", "~")
        target = target.get(key, {}) if isinstance(target, Mapping) else {}
    return target if isinstance(target, Mapping) else {}


def _merged(parts: Sequence[Schema]) -> Schema:
    merged: dict[str, Any] = {}
    for part in parts:
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", []), *part.get("required", [])]
        merged |= part
        merged |= {"properties": properties} if properties else {}
        merged |= {"required": required} if required else {}
    return merged
