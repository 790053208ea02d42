"""Write JSON schemas as Gemini takes them: without references, in its own keywords alone.

What Gemini cannot express is widened, or written as a string, which `restore_types` reads back.
No keyword that it refuses may stay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from langchain_segmind._messages.json_schema import takes_strings
from langchain_segmind._messages.schema_document import MAX_DEPTH, Document

_KEYWORDS: Final = frozenset(
    {"type", "format", "description", "nullable", "default", "minItems", "maxItems", "minLength"}
    | {"maxLength", "pattern", "minimum", "maximum", "minProperties", "maxProperties"}
)
"""Keywords of Gemini's schema beside `enum`, `anyOf` and those of parts; it refuses others."""

_DEPTHS: Final = (16, 8, 6, 5, 4, 3, 2, 1)
"""How many references may stand inside one another; the first that is not too large is taken."""

_NESTING: Final = frozenset(
    {"$ref", "properties", "items", "prefixItems", "anyOf", "oneOf", "allOf"}
)

_MOST: Final = 1_000
"""Schemas that references may add to a document. Definitions that refer to one another several
times double with each level: without a limit, thirty small ones are a thousand million schemas."""

_ANYTHING: Final = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}
_JSON: Final = {"type": "string", "description": "JSON, written as a string."}
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
    adapted = adapt_schema(schema)
    return adapted if adapted.get("type") == "object" else {"type": "object"}


def adapt_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Replace each reference with what it points to, and write the rest in Gemini's keywords."""
    document = Document(has_descriptions=True)
    embedded = document.embed(schema, "")
    for depth in _DEPTHS:
        with suppress(_TooLargeError):
            return _Adapter(document.definitions, depth, _MOST).adapt(embedded)
    return _Adapter(document.definitions, 1, None).adapt(embedded)


class _TooLargeError(Exception):
    """The references of a document add too many schemas to it."""


class _Adapter:
    """Adapts the schemas of one document.

    In its methods, `inside` are the references that a schema stands in, and `depth` counts the
    levels above it.
    """

    def __init__(self, definitions: Mapping[str, Any], most_inside: int, most: int | None) -> None:
        self._root = {"$defs": definitions}
        self._definitions = {f"#/$defs/{name}": inner for name, inner in definitions.items()}
        self._most_inside = most_inside
        self._left = most

    def adapt(self, schema: Any, inside: tuple[str, ...] = (), depth: int = 0) -> dict[str, Any]:
        if self._left is not None and inside:
            self._left -= 1
            if self._left < 0:
                raise _TooLargeError
        merged = None if depth > MAX_DEPTH else self._merge(schema, inside)
        if merged is None:
            return self._as_json(schema)
        known, inside = _in_known_keywords(merged[0]), merged[1]
        if "enum" in known:
            return _adapt_enum(known)
        kind = "object" if "type" not in known and "properties" in known else known.get("type")
        if isinstance(known.get("anyOf"), list) and not known.get("properties"):
            shared = {"type": kind} if kind else {}
            options = [self.adapt({**shared, **o}, inside, depth + 1) for o in known["anyOf"]]
            return _any_of(options, is_nullable=known.get("nullable") is True)
        if kind == "object":
            return self._adapt_object(known, inside, depth)
        if kind == "array":
            return self._adapt_array(known, inside, depth)
        is_nullable = known.get("nullable") is True
        return _without_unknown(known) if kind else _any_of([], is_nullable=is_nullable)

    def _merge(
        self, schema: Mapping[str, Any], inside: tuple[str, ...]
    ) -> tuple[dict[str, Any], tuple[str, ...]] | None:
        """Make one schema of those that must all hold; None if one of them must be left out."""
        merged: dict[str, Any] = {}
        within, todo = inside, [schema]
        for part in todo:
            reference = part.get("$ref")
            if reference in inside:
                return None  # a recursive schema has no form without references
            if reference is not None and reference not in within:
                target = self._definitions[reference]
                if len(inside) >= self._most_inside and target.keys() & _NESTING:
                    return None
                within = (*within, reference)
                todo.append(target)
            todo += part.get("allOf", ())
            merged = _merge(merged, part)
        return merged, within

    def _as_json(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Have a value written as JSON, if it is not a string that would then be read as JSON."""
        if takes_strings(schema, self._root):
            return dict(_ANYTHING)
        target = self._definitions.get(schema.get("$ref", ""), schema)
        return dict(_JSON_OBJECT if target.get("type") == "object" else _JSON)

    def _adapt_object(
        self, schema: Mapping[str, Any], inside: tuple[str, ...], depth: int
    ) -> dict[str, Any]:
        properties = schema.get("properties")
        if not properties:
            about = [schema["description"]] if schema.get("description") else []
            description = " ".join([*about, _JSON_OBJECT["description"]])
            nullable = {"nullable": True} if schema.get("nullable") else {}
            return {**_JSON_OBJECT, "description": description, **nullable}
        adapted = {n: self.adapt(inner, inside, depth + 1) for n, inner in properties.items()}
        # Without it, Gemini writes properties in alphabetical order: arguments before the name.
        order = {"propertyOrdering": list(adapted)} if len(adapted) > 1 else {}
        # Gemini refuses a required property that is not described.
        required = [name for name in schema.get("required", ()) if name in adapted]
        needs = {"required": required} if required else {}
        known = {**_without_unknown(schema), "type": "object"}
        return {**known, "properties": adapted, **needs, **order}

    def _adapt_array(
        self, schema: Mapping[str, Any], inside: tuple[str, ...], depth: int
    ) -> dict[str, Any]:
        options = [*schema.get("prefixItems", ())]
        if isinstance(schema.get("items"), Mapping):
            options.append(schema["items"])
        adapted = [self.adapt(option, inside, depth + 1) for option in options]
        unlike = {json.dumps(option, sort_keys=True): option for option in adapted}
        return {**_without_unknown(schema), "items": _any_of([*unlike.values()])}


def _without_unknown(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key in _KEYWORDS}


def _any_of(options: Sequence[Any], *, is_nullable: bool = False) -> dict[str, Any]:
    """Combine alternatives: null is a mark of the others, and nothing stands beside `anyOf`."""
    flat = [inner for option in options for inner in option.get("anyOf", [option])]
    rest = [option for option in flat if option.get("type") != "null"]
    is_nullable = is_nullable or len(rest) < len(flat)
    rest = rest or [*_ANYTHING["anyOf"]]
    if is_nullable:
        rest = [{**option, "nullable": True} for option in rest]
    return rest[0] if len(rest) == 1 else {"anyOf": rest}


def _adapt_enum(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Write constants that are not strings as their JSON: Gemini takes strings only."""
    values = schema["enum"]
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
    one_of = known.pop("oneOf", [])
    if one_of and "anyOf" not in known:
        known["anyOf"] = one_of
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


def _merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Make one schema of two that must both hold; where they differ, the first one's keyword."""
    properties = {**one.get("properties", {})}
    for name, inner in other.get("properties", {}).items():
        properties[name] = {"allOf": [properties[name], inner]} if name in properties else inner
    required = dict.fromkeys([*one.get("required", ()), *other.get("required", ())])
    return {
        **{key: value for key, value in other.items() if key not in ("$ref", "allOf")},
        **one,
        **({"properties": properties} if properties else {}),
        **({"required": list(required)} if required else {}),
    }
