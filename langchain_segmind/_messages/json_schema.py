"""Trim JSON schemas to what informs a model, and read back what had to be written as a string.

The trimmed schema must accept the same values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import chain, repeat
from typing import Any, Final


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
    if isinstance(value, str) and not takes_strings(schema, root):
        value = _parsed(value, schema)
    if isinstance(value, dict | list) and not schema.keys() & {"properties", "items"}:
        schema = _fitting(value, schema, root)
    if isinstance(value, dict):
        properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
        return {k: restore_types(v, properties.get(k, others), root) for k, v in value.items()}
    if isinstance(value, list):
        first, others = _list(schema, "prefixItems"), schema.get("items")
        schemas = chain(first, repeat(others))
        return [restore_types(v, inner, root) for v, inner in zip(value, schemas, strict=False)]
    return value


def _fitting(
    value: dict[str, Any] | list[Any], schema: Mapping[str, Any], root: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """Return the only alternative that a value can be written in, else the schema itself."""
    options = [*_list(schema, "anyOf"), *_list(schema, "oneOf"), *_list(schema, "allOf")]
    fitting = [
        option
        for option in (_resolved(option, root) for option in options)
        if isinstance(option, Mapping) and _fits(value, option)
    ]
    return fitting[0] if len(fitting) == 1 else schema


def _fits(value: dict[str, Any] | list[Any], option: Mapping[str, Any]) -> bool:
    if isinstance(value, list):
        return option.get("type") == "array"
    properties = option.get("properties")
    names = properties if isinstance(properties, Mapping) else {}
    is_open = isinstance(option.get("additionalProperties"), Mapping)
    return option.get("type") == "object" and (is_open or value.keys() <= names.keys())


def _list(schema: Mapping[str, Any], key: str) -> list[Any]:
    value = schema.get(key)
    return value if isinstance(value, list) else []


def _resolved(schema: Any, root: Mapping[str, Any] | None) -> Any:
    for _ in range(20):
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            break
        found: Any = root
        for step in schema["$ref"].removeprefix("#").split("/")[1:]:
            found = found.get(step) if isinstance(found, Mapping) else None
        schema = found
    return schema


def takes_strings(schema: Any, root: Mapping[str, Any] | None, depth: int = 0) -> bool:
    """Return whether a schema may accept a string; one that cannot be understood may."""
    schema = _resolved(schema, root)
    if not isinstance(schema, Mapping) or depth > 3:
        return True
    kinds = schema.get("type")
    if kinds is not None:
        return "string" in (kinds if isinstance(kinds, list) else [kinds])
    if "enum" in schema or "const" in schema:
        constants = _list(schema, "enum") or [schema.get("const")]
        return any(isinstance(constant, str) for constant in constants)
    parts = _list(schema, "allOf")
    if parts:
        return all(takes_strings(part, root, depth + 1) for part in parts)
    options = [*_list(schema, "anyOf"), *_list(schema, "oneOf")]
    if options:
        return any(takes_strings(option, root, depth + 1) for option in options)
    return not schema.keys() & {"properties", "items"}


def _parsed(text: str, schema: Mapping[str, Any]) -> Any:
    try:
        value = _DECODER.decode(text) if text.count("[") + text.count("{") < 200 else text
    except (ValueError, RecursionError):
        return text
    constants = _list(schema, "enum") or ([schema["const"]] if "const" in schema else [])
    is_constant = any(value == c and type(value) is type(c) for c in constants)
    kinds = schema.get("type")
    is_scalar = kinds in ("integer", "number", "boolean", "null")
    return value if is_constant or (isinstance(value, dict | list) and not is_scalar) else text


def reject_constant(constant: str) -> None:
    """Raise ValueError: NaN and Infinity are not JSON, and cannot be sent back."""
    raise ValueError(constant)


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, or raise ValueError for a key that occurs twice: nobody knows which."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


_DECODER: Final = json.JSONDecoder(parse_constant=reject_constant, object_pairs_hook=unique_keys)
