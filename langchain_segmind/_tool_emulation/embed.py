"""Put JSON schemas from anywhere into one document, without what only a reader needs.

A reference must point to the same schema as before, and the result must accept the same values. A
reference that leads nowhere constrains nothing: no type is better than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin

_ANNOTATIONS: Final = frozenset(
    {"$schema", "$id", "id", "$comment", "$anchor", "$vocabulary", "$defs", "definitions"}
    | {"$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor"}
    | {"title", "description", "default", "example", "examples", "deprecated", "readOnly"}
    | {"writeOnly"}
)
"""Keywords that constrain nothing where a schema is embedded; names of tools' own fields stay."""

_SCHEMA: Final = frozenset(
    {"items", "additionalItems", "additionalProperties", "not", "if", "then", "else", "contains"}
    | {"propertyNames", "unevaluatedItems", "unevaluatedProperties"}
)
_SCHEMAS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems", "items"})
_NAMED_SCHEMAS: Final = frozenset(
    {"properties", "patternProperties", "dependentSchemas", "dependencies"}
)
_OLD_DRAFT: Final = re.compile(r"draft-0[3-7]")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_NOWHERE: Final = object()


class Document:
    """A document that schemas are put into.

    Attributes:
        definitions: Its `$defs`: what the schemas in it refer to.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}

    def embed(self, schema: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return a schema to put into the document, and keep its definitions.

        Args:
            schema: A schema that is a document of its own.
            name: What its definitions are named after.
        """
        source = _Source(self.definitions, schema, name)
        embedded = source.rewrite(schema, "")
        reference = source.places.get(id(schema))
        return {"$ref": reference} if reference else embedded


class _Source:
    """A document whose schemas are rewritten for another."""

    def __init__(self, definitions: dict[str, Any], root: Mapping[str, Any], name: str) -> None:
        self._definitions = definitions
        self._name = name
        self._resources: dict[str, Any] = {"": root}
        self._ignores_beside = bool(_OLD_DRAFT.search(str(root.get("$schema", ""))))
        self._is_indexed = False
        self._root = root
        self.places: dict[int, str] = {}  # of schemas that became definitions

    def rewrite(self, schema: Any, base: str) -> Any:
        if not isinstance(schema, Mapping):
            return {"not": {}} if schema is False else {}
        base = _base(schema, base)
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return self._rewrite_keywords(schema, base)
        place = self._define(reference, base)
        target = {} if place is None else {"$ref": place}
        if self._ignores_beside:
            return target
        beside = self._rewrite_keywords({k: v for k, v in schema.items() if k != "$ref"}, base)
        return {**target, **beside}

    def _rewrite_keywords(self, schema: Mapping[str, Any], base: str) -> dict[str, Any]:
        rewritten: dict[str, Any] = {}
        for key, value in schema.items():
            if key in _NAMED_SCHEMAS and isinstance(value, Mapping):
                rewritten[key] = {
                    name: inner if isinstance(inner, list) else self.rewrite(inner, base)
                    for name, inner in value.items()
                }
            elif key in _SCHEMAS and isinstance(value, list):
                rewritten[key] = [self.rewrite(inner, base) for inner in value]
            elif key in _SCHEMA:
                rewritten[key] = value if value is False else self.rewrite(value, base)
            elif key not in _ANNOTATIONS:
                rewritten[key] = value
        return rewritten

    def _define(self, reference: str, base: str) -> str | None:
        """Make a definition of what a reference points to, and return its place."""
        target, target_base = self._resolve(reference, base)
        if not isinstance(target, Mapping):
            return None
        place = self.places.get(id(target))
        if place is None:
            last = _UNSAFE.sub("_", unquote(reference.rpartition("/")[2])).strip("_")
            stem = "_".join(filter(None, (_UNSAFE.sub("_", self._name).strip("_"), last))) or "any"
            name, n = stem, 1
            while name in self._definitions:
                n += 1
                name = f"{stem}_{n}"
            place = self.places[id(target)] = f"#/$defs/{name}"
            self._definitions[name] = {}  # it may refer to itself
            self._definitions[name] = self.rewrite(target, target_base)
        return place

    def _resolve(self, reference: str, base: str) -> tuple[Any, str]:
        address, fragment = urldefrag(
            urljoin(base, reference) if reference[:1] != "#" else reference
        )
        if reference[:1] == "#":
            address = base
        if address not in self._resources or not fragment.startswith("/"):
            self._index()
        if fragment and not fragment.startswith("/"):
            return self._resources.get(f"{address}#{fragment}"), address
        found, at = self._resources.get(address, _NOWHERE), address
        for step in fragment.split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
                found = found[int(key)]
            else:
                return _NOWHERE, at
            at = _base(found, at)
        return found, at

    def _index(self) -> None:
        """Find the schemas with names of their own: `$id` and `$anchor`."""
        if self._is_indexed:
            return
        self._is_indexed = True
        todo: list[tuple[Any, str]] = [(self._root, "")]
        while todo:
            value, base = todo.pop()
            if isinstance(value, list):
                todo += [(item, base) for item in value]
            elif isinstance(value, Mapping):
                base = _base(value, base)
                self._resources.setdefault(base, value)
                for key in ("$anchor", "$dynamicAnchor"):
                    if isinstance(value.get(key), str):
                        self._resources.setdefault(f"{base}#{value[key]}", value)
                todo += [(v, base) for k, v in value.items() if k not in ("enum", "const")]


def _base(schema: Any, base: str) -> str:
    """Return the address of the document that a schema is, or that it is in."""
    if not isinstance(schema, Mapping):
        return base
    own = schema.get("$id", schema.get("id"))
    return (
        urldefrag(urljoin(base, own))[0] if isinstance(own, str) and "$ref" not in schema else base
    )
