"""Put JSON schemas from anywhere into one document, without what only a reader needs.

A reference must point to the same schema as before, and the result must accept the same values. A
reference that leads nowhere constrains nothing: no type is better than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain, count
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin

_ANNOTATIONS: Final = frozenset(
    {"$schema", "$id", "id", "$comment", "$anchor", "$vocabulary", "$defs", "definitions"}
    | {"$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor"}
    | {"title", "example", "examples", "deprecated", "readOnly", "writeOnly"}
)
"""Keywords that constrain nothing where a schema is embedded."""

_DESCRIPTIONS: Final = frozenset({"description", "default"})

_SCHEMA: Final = frozenset(
    {"items", "additionalProperties", "not", "if", "then", "else", "contains"}
    | {"propertyNames", "unevaluatedItems", "unevaluatedProperties"}
)
_SCHEMAS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_NAMED_SCHEMAS: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
_UNEVALUATED: Final = frozenset({"unevaluatedItems", "unevaluatedProperties"})
_OLD_DRAFT: Final = re.compile(r"draft-0[3-7]")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]+")


class Document:
    """A document that schemas are put into.

    Attributes:
        definitions: Its `$defs`: what the schemas in it refer to.
    """

    def __init__(self, *, has_descriptions: bool = False) -> None:
        """Begin a document, whose schemas keep their descriptions and defaults or lose them."""
        self.definitions: dict[str, Any] = {}
        self._left_out = _ANNOTATIONS if has_descriptions else _ANNOTATIONS | _DESCRIPTIONS

    def embed(self, schema: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return a schema to put into the document, and keep its definitions.

        Args:
            schema: A schema that is a document of its own.
            name: What its definitions are named after.
        """
        source = _Source(self.definitions, schema, name, self._left_out)
        embedded = source.rewrite(schema, "")
        reference = source.places.get(id(schema))
        return {"$ref": reference} if reference else embedded


class _Source:
    """A document whose schemas are rewritten for another."""

    def __init__(
        self,
        definitions: dict[str, Any],
        root: Mapping[str, Any],
        name: str,
        left_out: frozenset[str],
    ) -> None:
        self._left_out = left_out
        self.places: dict[int, str] = {}  # of schemas that became definitions
        self._definitions = definitions
        self._name = _safe(name)
        self._is_old = bool(_OLD_DRAFT.search(str(root.get("$schema", ""))))
        self._has_dynamic = False
        self._resources: dict[str, Any] = {"": root}
        self._index(root)

    def rewrite(self, schema: Any, base: str) -> Any:
        if not isinstance(schema, Mapping):
            return {"not": {}} if schema is False else {}
        base = self._base(schema, base)
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return self._rewrite_keywords(schema, base)
        target = self._rewrite_reference(reference, base)
        if self._is_old:  # whatever stands beside a reference is ignored
            return target
        beside = self._rewrite_keywords({k: v for k, v in schema.items() if k != "$ref"}, base)
        return {**target, **beside}

    def _rewrite_keywords(self, schema: Mapping[str, Any], base: str) -> dict[str, Any]:
        rewritten: dict[str, Any] = {}
        for key, value in _modern(schema).items():
            if key in _NAMED_SCHEMAS and isinstance(value, Mapping):
                rewritten[key] = {name: self.rewrite(inner, base) for name, inner in value.items()}
            elif key in _SCHEMAS and isinstance(value, list):
                rewritten[key] = [self.rewrite(inner, base) for inner in value]
            elif key in _UNEVALUATED and self._has_dynamic:
                continue  # it would refuse what a reference of unknown target allows
            elif key in _SCHEMA:
                rewritten[key] = value if value is False else self.rewrite(value, base)
            elif key not in self._left_out:
                rewritten[key] = value
        return rewritten

    def _rewrite_reference(self, reference: str, base: str) -> dict[str, Any]:
        target, target_base = self._resolve(reference, base)
        if not isinstance(target, Mapping):
            return {"not": {}} if target is False else {}
        place = self.places.get(id(target))
        if place is None:
            name = self._free_name(unquote(reference.rpartition("/")[2]))
            place = self.places[id(target)] = f"#/$defs/{name}"
            self._definitions[name] = {}  # it may refer to itself
            self._definitions[name] = self.rewrite(target, target_base)
        return {"$ref": place}

    def _free_name(self, name: str) -> str:
        stem = "_".join(filter(None, (self._name, _safe(name)))) or "any"
        numbered = (f"{stem}_{n}" for n in count(2))
        return next(name for name in chain([stem], numbered) if name not in self._definitions)

    def _resolve(self, reference: str, base: str) -> tuple[Any, str]:
        """Return what a reference points to, and the address of the document it is in."""
        address, fragment = urldefrag(reference)
        address = urljoin(base, address) if address else base
        if fragment and not fragment.startswith("/"):
            return self._resources.get(f"{address}#{fragment}"), address
        found = self._resources.get(address)
        for step in fragment.split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping):
                found = found.get(key)
            elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                return None, address
            address = self._base(found, address)
        return found, address

    def _index(self, root: Mapping[str, Any]) -> None:
        """Find the schemas that have names of their own."""
        todo: list[tuple[Any, str]] = [(root, "")]
        while todo:
            value, base = todo.pop()
            if isinstance(value, list):
                todo += [(item, base) for item in value]
            elif isinstance(value, Mapping):
                base = self._base(value, base)
                self._resources.setdefault(base, value)
                own = value.get("$id")
                anchors = [value.get("$anchor"), value.get("$dynamicAnchor")]
                anchors += [own[1:]] if isinstance(own, str) and own.startswith("#") else []
                for anchor in anchors:
                    self._resources.setdefault(f"{base}#{anchor}", value)
                self._has_dynamic |= bool(value.keys() & {"$dynamicRef", "$recursiveRef"})
                todo += [(v, base) for k, v in value.items() if k not in ("enum", "const")]

    def _base(self, schema: Any, base: str) -> str:
        """Return the address of the document that a schema is, or that it is in."""
        if not isinstance(schema, Mapping) or (self._is_old and "$ref" in schema):
            return base
        own = schema.get("$id", schema.get("id"))
        if not isinstance(own, str) or own.startswith("#"):
            return base
        return urldefrag(urljoin(base, own))[0]


def _safe(name: str) -> str:
    """Write a name so that it needs no escaping in a reference."""
    return _UNSAFE.sub("_", name).strip("_")


def _modern(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write keywords of old drafts as those of 2020-12."""
    items, dependencies = schema.get("items"), schema.get("dependencies")
    if not isinstance(items, list) and not isinstance(dependencies, Mapping):
        return schema
    modern = {k: v for k, v in schema.items() if k not in ("additionalItems", "dependencies")}
    if isinstance(items, list):
        del modern["items"]
        modern["prefixItems"] = items
        if "additionalItems" in schema:
            modern["items"] = schema["additionalItems"]
    if isinstance(dependencies, Mapping):
        required = {k: v for k, v in dependencies.items() if isinstance(v, list)}
        schemas = {k: v for k, v in dependencies.items() if not isinstance(v, list)}
        modern |= {"dependentRequired": required, "dependentSchemas": schemas}
    return modern
