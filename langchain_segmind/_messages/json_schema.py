"""Trim JSON schemas to what informs a model, and read back what had to be written as a string.

The trimmed schema must accept the same values.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from langchain_segmind._client.validation import MAX_JSON_DEPTH
from langchain_segmind._messages.schema_document import MAX_DEPTH, Document

_SCALARS: Final = ("integer", "number", "boolean", "null")


def strip_titles(schema: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Return a schema without `title` and `$schema`, which cost tokens and inform no model."""
    return {
        key: value if depth > MAX_DEPTH else _stripped(key, value, depth + 1)
        for key, value in schema.items()
        if key not in ("title", "$schema")
    }


def _stripped(key: str, value: Any, depth: int) -> Any:
    if key in ("properties", "$defs", "definitions") and isinstance(value, Mapping):
        # The keys are names here, and `title` may be one of them.
        return {name: _strip(inner, depth) for name, inner in value.items()}
    if key in ("items", "additionalProperties", "not"):
        return _strip(value, depth)
    if key in ("anyOf", "oneOf", "allOf", "prefixItems") and isinstance(value, list):
        return [_strip(inner, depth) for inner in value]
    return value


def _strip(schema: Any, depth: int) -> Any:
    return strip_titles(schema, depth) if isinstance(schema, Mapping) else schema


def restore_types(value: Any, schema: Any) -> Any:
    """Parse the strings in a value that stand for objects, lists and constants of its schema.

    Gemini takes no schema of objects with free keys, nor constants that are not strings, so it is
    asked for their JSON as a string; other models write one by mistake.
    """
    if not isinstance(schema, Mapping):
        return value
    document = Document()
    embedded = document.embed(schema, "")
    return _restored(value, embedded, {"$defs": document.definitions}, 0)


def _restored(value: Any, schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    if not isinstance(schema, Mapping) or not schema or depth > MAX_DEPTH:
        return value
    parts = _parts(schema, root)
    if isinstance(value, str) and not takes_strings(schema, root, value):
        value = _parsed(value, parts, root)
    if not isinstance(value, dict | list):
        return value
    options = [option for option in _alternatives(parts, root) if _fits(value, option, root)]

    def inner(key: str | int, item: Any) -> Any:
        return _restored(item, _inner(key, parts, options), root, depth + 1)

    if isinstance(value, dict):
        return {key: inner(key, item) for key, item in value.items()}
    return [inner(index, item) for index, item in enumerate(value)]


def _parsed(text: str, parts: Sequence[Mapping[str, Any]], root: Mapping[str, Any]) -> Any:
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, dict | list):
        is_scalar = any(part.get("type") in _SCALARS for part in parts)
        return text if is_scalar or _is_deep(value) else value
    is_constant = any(value == c and type(value) is type(c) for c in _constants(parts, root))
    return value if is_constant else text


def _is_deep(value: Any) -> bool:
    """Return whether a value has more levels than can be sent back."""
    level = [value]
    for _ in range(MAX_JSON_DEPTH // 2):  # it stands in other objects
        holders = [held for held in level if isinstance(held, dict | list)]
        level = [v for held in holders for v in (held.values() if isinstance(held, dict) else held)]
    return bool(level)


def _parts(schema: Any, root: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the schemas that a value must all fit: one, what it refers to, those it combines."""
    parts: dict[int, Mapping[str, Any]] = {}
    todo = [schema]
    for part in todo:
        if isinstance(part, Mapping) and id(part) not in parts:
            parts[id(part)] = part
            todo += [_target(part["$ref"], root)] if isinstance(part.get("$ref"), str) else []
            todo += _list(part, "allOf")
    return [*parts.values()]


def _alternatives(
    parts: Sequence[Mapping[str, Any]], root: Mapping[str, Any]
) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the parts of each alternative of a schema, and of those that these have."""
    todo = [option for part in parts for option in _options(part)]
    seen: set[int] = set()
    for option in todo:
        if id(option) not in seen:
            seen.add(id(option))
            inner = _parts(option, root)
            todo += [other for part in inner for other in _options(part)]
            yield inner


def _inner(
    key: str | int,
    parts: Sequence[Mapping[str, Any]],
    options: Sequence[Sequence[Mapping[str, Any]]],
) -> dict[str, Any]:
    """Return the schema of a property or item of a value that may be any of the options."""
    schema: dict[str, Any] = {"allOf": [*_inner_schemas(key, parts)]}
    if options:
        found = [{"allOf": [*_inner_schemas(key, option)]} for option in options]
        unlike = {(*map(id, option["allOf"]),): option for option in found}
        schema["anyOf"] = [*unlike.values()]
    return schema


def _inner_schemas(key: str | int, parts: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    for part in parts:
        if isinstance(key, str):
            found = part.get("properties", {}).get(key, part.get("additionalProperties"))
        else:
            first = _list(part, "prefixItems")
            found = first[key] if key < len(first) else part.get("items")
        if found:
            yield found


def _fits(
    value: dict[str, Any] | list[Any], parts: Sequence[Mapping[str, Any]], root: Mapping[str, Any]
) -> bool:
    kinds = [part.get("type") for part in parts]
    if isinstance(value, list):
        return "array" in kinds
    names = {name: inner for part in parts for name, inner in part.get("properties", {}).items()}
    is_open = any(isinstance(part.get("additionalProperties"), Mapping) for part in parts)
    is_known = is_open or value.keys() <= names.keys()
    # The constant of one property often tells alternatives apart.
    tags = [(value[name], _parts(names[name], root)) for name in value.keys() & names.keys()]
    return "object" in kinds and is_known and all(_may_be(tag, parts) for tag, parts in tags)


def _may_be(value: Any, parts: Sequence[Mapping[str, Any]]) -> bool:
    constants = [constant for part in parts for constant in _own_constants(part)]
    written = [json.dumps(constant) for constant in constants] if isinstance(value, str) else []
    return not constants or value in constants or value in written


def _options(schema: Mapping[str, Any]) -> list[Any]:
    return [*_list(schema, "anyOf"), *_list(schema, "oneOf")]


def _list(schema: Mapping[str, Any], key: str) -> list[Any]:
    value = schema.get(key)
    return value if isinstance(value, list) else []


def _own_constants(schema: Mapping[str, Any]) -> list[Any]:
    return [schema["const"]] if "const" in schema else _list(schema, "enum")


def _constants(parts: Sequence[Mapping[str, Any]], root: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the constants that a schema and its alternatives name."""
    todo, seen = [*parts], set()
    for part in todo:
        if id(part) not in seen:
            seen.add(id(part))
            yield from _own_constants(part)
            todo += [inner for option in _options(part) for inner in _parts(option, root)]


def _target(reference: str, root: Mapping[str, Any] | None) -> Any:
    """Return what a reference within a document points to."""
    found: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def takes_strings(
    schema: Any, root: Mapping[str, Any] | None, text: str | None = None, depth: int = 0
) -> bool:
    """Return whether a schema may accept a string; one that cannot be understood may.

    Args:
        schema: The schema.
        root: The document that its references point into.
        text: The string, if the question is about a certain one.
        depth: How many alternatives it stands in.
    """
    return depth > 3 or all(
        _part_takes_strings(part, root, text, depth) for part in _parts(schema, root)
    )


def _part_takes_strings(
    part: Mapping[str, Any], root: Mapping[str, Any] | None, text: str | None, depth: int
) -> bool:
    kinds, options = part.get("type"), _options(part)
    if kinds is not None and "string" not in (kinds if isinstance(kinds, list) else [kinds]):
        return False
    if constants := _own_constants(part):
        return any(isinstance(c, str) and text in (None, c) for c in constants)
    if options:
        return any(takes_strings(option, root, text, depth + 1) for option in options)
    return kinds is not None or not part.keys() & {"properties", "items"}


def reject_constant(constant: str) -> None:
    """Raise ValueError: NaN and Infinity are not JSON, and cannot be sent back."""
    raise ValueError(constant)


def finite_float(number: str) -> float:
    """Return a number of JSON, or raise ValueError for one too large for a float, as `1e400`."""
    found = float(number)
    if math.isinf(found):
        raise ValueError(number)
    return found


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, or raise ValueError for a key that occurs twice: nobody knows which."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


_DECODER: Final = json.JSONDecoder(
    parse_constant=reject_constant, parse_float=finite_float, object_pairs_hook=unique_keys
)
