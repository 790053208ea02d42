"""Check a JSON value against a JSON schema, as far as `schema` fills one.

It exists so that a filled value is tried before it is used; it must not be taken for a validator:
keywords that it does not know accept everything.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

Schema = Mapping[str, Any]

_DEEPEST = 60  # a value of ours is never nested deeper; one of the user's may be

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
    ),
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
    """Return whether a schema allows a value.

    Args:
        schema: The schema.
        value: A JSON value.
        root: The whole schema, which references point into.
        depth: How deep in the value this is.
    """
    if not isinstance(schema, Mapping):
        return schema is not False
    if depth > _DEEPEST:
        return False
    return all(
        check(schema, value, lambda part, inner: accepts(part, inner, root, depth + 1))
        for check in (_typed, _scalar, _object, _array, _combined)  # the quickest first
    ) and (
        not isinstance(schema.get("$ref"), str)
        or accepts(resolve(schema["$ref"], root), value, root, depth + 1)
    )


Inner = Callable[[Any, Any], bool]


def same(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)


def types_of(schema: Schema) -> list[str]:
    """Return the types that a schema names; none where it allows every type."""
    named = schema.get("type")
    return [str(name) for name in (named if isinstance(named, list) else [named]) if name in _TYPES]


def _combined(schema: Schema, value: Any, inner: Inner) -> bool:
    return (
        all(inner(part, value) for part in schema.get("allOf", ()))
        and ("anyOf" not in schema or any(inner(part, value) for part in schema["anyOf"]))
        and ("oneOf" not in schema or sum(inner(part, value) for part in schema["oneOf"]) == 1)
        and ("not" not in schema or not inner(schema["not"], value))
    )


def _typed(schema: Schema, value: Any, _inner: Inner) -> bool:
    types = types_of(schema)
    return (
        (not types or any(_TYPES[name](value) for name in types))
        and ("enum" not in schema or any(same(value, option) for option in schema["enum"]))
        and ("const" not in schema or same(value, schema["const"]))
    )


def _scalar(schema: Schema, value: Any, _inner: Inner) -> bool:
    if isinstance(value, str):
        pattern = schema.get("pattern")
        fits = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf)
        return fits and (pattern is None or _matches(pattern, value))
    if not _TYPES["number"](value):
        return True
    step = schema.get("multipleOf")
    return (
        schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
        and _above(value, schema.get("exclusiveMinimum"), schema.get("minimum"))
        and _above(-value, _negative(schema.get("exclusiveMaximum")), -math.inf)
        and (not step or math.isclose(value / step, round(value / step), abs_tol=1e-9))
    )


def _negative(bound: Any) -> Any:
    return -bound if _TYPES["number"](bound) else bound


def _above(value: float, bound: Any, minimum: Any) -> bool:
    """Check an exclusive bound; ``True`` is how drafts before 6 make the other one exclusive."""
    if isinstance(bound, bool):
        return not bound or not _TYPES["number"](minimum) or value > minimum
    return bound is None or value > bound


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:  # one of another language's
        return True


def _array(schema: Schema, value: Any, inner: Inner) -> bool:
    if not isinstance(value, list):
        return True
    first = schema.get("prefixItems", ())
    pairs = zip(first, value, strict=False)
    rest = value[len(first) :]
    return (
        schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf)
        and all(inner(part, item) for part, item in pairs)
        and ("items" not in schema or all(inner(schema["items"], item) for item in rest))
        and ("contains" not in schema or any(inner(schema["contains"], item) for item in value))
        and (
            not schema.get("uniqueItems")
            or not any(same(item, other) for at, item in enumerate(value) for other in value[:at])
        )
    )


def _object(schema: Schema, value: Any, inner: Inner) -> bool:
    if not isinstance(value, Mapping):
        return True
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [
        held
        for name, held in value.items()
        if name not in known and not any(_matches(pattern, name) for pattern in patterns)
    ]
    return (
        schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", math.inf)
        and all(name in value for name in schema.get("required", ()))
        and all(inner(part, value[name]) for name, part in known.items() if name in value)
        and all(
            inner(part, held)
            for pattern, part in patterns.items()
            for name, held in value.items()
            if _matches(pattern, name)
        )
        and all(inner(schema.get("additionalProperties", True), held) for held in extra)
    )
