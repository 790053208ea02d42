"""Check a JSON value against a JSON schema, as far as `schema` fills one.

It exists so that a filled value is tried before it is used; it must not be taken for a validator:
keywords that it does not know accept everything.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

Schema = Mapping[str, Any]
Inner = Callable[[Any, Any], bool]  # checks a part of the value against a part of the schema

_DEEPEST = 60  # a value of ours is never nested deeper; one of the user's may be


def is_number(value: Any) -> bool:
    """Return whether a value is a number to JSON: true is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": is_number,
    "integer": lambda value: is_number(value) and value == int(value),
}


def resolve(reference: str, root: Any) -> Any:
    """Find what a local reference points to; ``True``, which allows everything, if nothing."""
    target = root
    for step in reference.removeprefix("#").split("/")[1:]:
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(target, list) and key.isdigit() and int(key) < len(target):
            target = target[int(key)]
        elif isinstance(target, Mapping) and key in target:
            target = target[key]
        else:
            return True
    return target


def accepts(schema: Any, value: Any, root: Any, depth: int = 0) -> bool:
    """Return whether a schema allows a value; references point into the root."""
    if not isinstance(schema, Mapping):
        return schema is not False
    if depth > _DEEPEST:
        return False

    def inner(part: Any, held: Any) -> bool:
        return accepts(part, held, root, depth + 1)

    return (
        _typed(schema, value)  # the quickest first
        and _sized(schema, value)
        and _bounded(schema, value)
        and (not isinstance(value, Mapping) or _object_parts(schema, value, inner))
        and (not isinstance(value, list) or _array_parts(schema, value, inner))
        and _combined(schema, value, inner)
        and (not isinstance(schema.get("$ref"), str) or inner(resolve(schema["$ref"], root), value))
    )


def same(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)


def types_of(schema: Schema) -> list[str]:
    """Return the types that a schema names; empty where it allows every type."""
    named = schema.get("type")
    return [str(name) for name in (named if isinstance(named, list) else [named]) if name in _TYPES]


def _typed(schema: Schema, value: Any) -> bool:
    types = types_of(schema)
    return (
        (not types or any(_TYPES[name](value) for name in types))
        and ("enum" not in schema or any(same(value, option) for option in schema["enum"]))
        and ("const" not in schema or same(value, schema["const"]))
    )


def _sized(schema: Schema, value: Any) -> bool:
    names: dict[type, str] = {str: "Length", list: "Items", dict: "Properties"}
    name = names.get(type(value))
    return name is None or (
        schema.get(f"min{name}", 0) <= len(value) <= schema.get(f"max{name}", math.inf)
    )


def _bounded(schema: Schema, value: Any) -> bool:
    if isinstance(value, str):
        return "pattern" not in schema or _matches(schema["pattern"], value)
    if not is_number(value):
        return True
    step = schema.get("multipleOf")
    below = schema.get("exclusiveMaximum", math.inf)
    above = schema.get("exclusiveMinimum", -math.inf)
    if above is True:  # how drafts before 6 make the other bound exclusive
        above = schema.get("minimum", -math.inf)
    return (
        schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
        and (isinstance(above, bool) or value > above)
        and (isinstance(below, bool) or value < below)
        and (not step or math.isclose(value / step, round(value / step), abs_tol=1e-9))
    )


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:  # one of another language's
        return True


def _array_parts(schema: Schema, value: Sequence[Any], inner: Inner) -> bool:
    first = schema.get("prefixItems", ())
    rest = value[len(first) :]
    return (
        all(inner(part, item) for part, item in zip(first, value, strict=False))
        and ("items" not in schema or all(inner(schema["items"], item) for item in rest))
        and ("contains" not in schema or any(inner(schema["contains"], item) for item in value))
        and (
            not schema.get("uniqueItems")
            or not any(same(item, other) for at, item in enumerate(value) for other in value[:at])
        )
    )


def _object_parts(schema: Schema, value: Mapping[str, Any], inner: Inner) -> bool:
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    if not all(name in value for name in schema.get("required", ())):
        return False
    for name, held in value.items():
        parts = [part for pattern, part in patterns.items() if _matches(pattern, name)]
        if name in known:
            parts.append(known[name])
        if not all(inner(part, held) for part in parts or [schema.get("additionalProperties")]):
            return False
    return True


def _combined(schema: Schema, value: Any, inner: Inner) -> bool:
    return (
        all(inner(part, value) for part in schema.get("allOf", ()))
        and ("anyOf" not in schema or any(inner(part, value) for part in schema["anyOf"]))
        and ("oneOf" not in schema or sum(inner(part, value) for part in schema["oneOf"]) == 1)
        and ("not" not in schema or not inner(schema["not"], value))
    )
