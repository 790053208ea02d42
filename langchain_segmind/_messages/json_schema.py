"""Trim JSON schemas to what informs a model, and read back what had to be written as a string.

The trimmed schema must accept the same values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import chain, repeat
from typing import Any


def strip_titles(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without `title` and `$schema`, which cost tokens and inform no model."""
    return {
        key: _stripped(key, value)
        for key, value in schema.items()
        if key not in ("title", "$schema")
    }


def _stripped(key: str, value: Any) -> Any:
    if key in ("properties", "$defs", "definitions") and isinstance(value, Mapping):
        # The keys are names here, and `title` may be one of them.
        return {name: strip_titles(s) if isinstance(s, Mapping) else s for name, s in value.items()}
    if key in ("items", "additionalProperties", "not") and isinstance(value, Mapping):
        return strip_titles(value)
    if key in ("anyOf", "oneOf", "allOf", "prefixItems") and isinstance(value, list):
        return [strip_titles(s) if isinstance(s, Mapping) else s for s in value]
    return value


def restore_types(value: Any, schema: Any, root: Mapping[str, Any] | None = None) -> Any:
    """Parse the strings in a value that stand for objects, lists and constants of its schema.

    Gemini takes no schema of objects with free keys, nor constants that are not strings, so it is
    asked for their JSON as a string; other models write one by mistake.
    """
    root = root if root is not None or not isinstance(schema, Mapping) else schema
    schema = _resolved(schema, root)
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, str) and not _takes_strings(schema, root):
        value = _parsed(value, schema)
    if isinstance(value, dict | list) and not schema.keys() & {"properties", "items"}:
        schema = _fitting(value, schema, root)
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        return {k: restore_types(v, properties.get(k, others), root) for k, v in value.items()}
    if isinstance(value, list):
        first, others = schema.get("prefixItems", []), schema.get("items")
        schemas = chain(first, repeat(others))
        return [restore_types(v, inner, root) for v, inner in zip(value, schemas, strict=False)]
    return value


def _fitting(
    value: dict[str, Any] | list[Any], schema: Mapping[str, Any], root: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """Return the alternative that a value is written in: one, so that reading it stays linear."""
    options = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    for option in (_resolved(option, root) for option in options):
        if isinstance(option, Mapping):
            names = option.get("properties", {})
            is_open = isinstance(option.get("additionalProperties"), Mapping)
            if (
                option.get("type") == "array"
                if isinstance(value, list)
                else (option.get("type") == "object" and (is_open or value.keys() <= names.keys()))
            ):
                return option
    return schema


def _resolved(schema: Any, root: Mapping[str, Any] | None) -> Any:
    seen = 0
    while isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str) and seen < 20:
        found: Any = root
        for step in schema["$ref"].removeprefix("#").split("/")[1:]:
            found = found.get(step) if isinstance(found, Mapping) else None
        schema, seen = found, seen + 1
    return schema


def _takes_strings(schema: Mapping[str, Any], root: Mapping[str, Any] | None) -> bool:
    kinds = schema.get("type")
    if kinds is not None:
        return "string" in (kinds if isinstance(kinds, list) else [kinds])
    if "enum" in schema or "const" in schema:
        return any(isinstance(v, str) for v in schema.get("enum", [schema.get("const")]))
    options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    inner = (_resolved(option, root) for option in options)
    found = [_takes_strings(option, root) for option in inner if isinstance(option, Mapping)]
    return any(found) if options else not schema.keys() & {"properties", "items", "allOf"}


def _parsed(text: str, schema: Mapping[str, Any]) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    constants = schema.get("enum", [schema["const"]] if "const" in schema else [])
    is_constant = any(value == c and type(value) is type(c) for c in constants)
    return value if isinstance(value, dict | list) or is_constant else text
