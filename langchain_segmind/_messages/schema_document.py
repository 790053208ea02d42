"""Put JSON schemas from anywhere into one document, without what only a reader needs.

A reference must point to the same schema as before, and the result must accept the same values. A
reference that leads nowhere constrains nothing: no type is better than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin

from langchain_segmind._messages import schema_keywords as _keywords

MAX_DEPTH: Final = 64
"""A schema that stands deeper in others gets no type: Python's stack ends at 1,000 frames, of which
a level takes four and the caller has its own. Real schemas have up to twenty levels."""

_ANNOTATIONS: Final = frozenset(
    {"$schema", "$id", "id", "$comment", "$anchor", "$vocabulary", "$defs", "definitions"}
    | {"$dynamicAnchor", "$recursiveAnchor"}
    | {"title", "example", "examples", "deprecated", "readOnly", "writeOnly"}
)
"""Keywords that constrain nothing where a schema is embedded."""

_DESCRIPTIONS: Final = frozenset({"description", "default"})
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_UNEVALUATED: Final = frozenset({"unevaluatedItems", "unevaluatedProperties"})
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_NOTHING: Final[Mapping[str, Any]] = {"not": {}}


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
        return _Source(self.definitions, schema, name, self._left_out).embed()


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
        self._definitions = definitions
        self._name = _safe(name)
        self._root = root
        self._draft = _keywords.draft_of(root)
        self._places: dict[int, str] = {}  # of schemas that became definitions
        self._todo: list[tuple[str, Any, str]] = []  # definitions that are not written yet
        self._resources: dict[str, Any] = {"": root}
        self._dynamic: dict[str, list[Any]] = {}  # schemas by their dynamic anchor
        self._has_unknown = False  # whether a reference leads to nobody knows where
        self._index()

    def embed(self) -> dict[str, Any]:
        embedded = self._rewrite(self._root, "", 0)
        while self._todo:  # not by recursion: a chain of definitions may be long
            name, schema, base = self._todo.pop(0)
            self._definitions[name] = self._rewrite(schema, base, 0)
        reference = self._places.get(id(self._root))
        return {"$ref": reference} if reference else embedded

    def _rewrite(self, schema: Any, base: str, depth: int) -> dict[str, Any]:
        if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
            return dict(_NOTHING) if schema is False else {}
        base = self._base(schema, base)
        if self._is_old and isinstance(schema.get("$ref"), str):
            schema = {"$ref": schema["$ref"]}  # what stands beside it is ignored
        rewritten = self._rewrite_keywords(schema, base, depth)
        targets = [self._rewrite_reference(*known) for known in self._references(schema, base)]
        if len(targets) > 1:
            targets = [{"allOf": [*rewritten.pop("allOf", ()), *targets]}]
        if _NOTHING in targets:
            return dict(_NOTHING)
        return {**(targets[0] if targets else {}), **rewritten}

    def _rewrite_keywords(self, schema: Mapping[str, Any], base: str, depth: int) -> dict[str, Any]:
        def inner(value: Any) -> dict[str, Any]:
            return self._rewrite(value, base, depth + 1)

        rewritten: dict[str, Any] = {}
        for key, value in _keywords.modern(schema, self._draft).items():
            if key in _keywords.NAMED_SCHEMAS:
                rewritten[key] = {name: inner(named) for name, named in value.items()}
            elif key in _keywords.SCHEMAS:
                rewritten[key] = [inner(listed) for listed in value]
            elif key in _UNEVALUATED and self._has_unknown:
                continue  # it would refuse what a reference of unknown target allows
            elif key in _keywords.SCHEMA:
                rewritten[key] = value if value is False else inner(value)
            elif key not in self._left_out and key not in _REFERENCES:
                rewritten[key] = value
        return rewritten

    def _rewrite_reference(self, target: Any, base: str, reference: str) -> dict[str, Any]:
        if not isinstance(target, Mapping):
            return dict(_NOTHING) if target is False else {}
        place = self._places.get(id(target))
        if place is None:
            name = self._free_name(unquote(reference.rpartition("/")[2]))
            place = self._places[id(target)] = f"#/$defs/{name}"
            self._definitions[name] = {}  # the name is taken
            self._todo.append((name, target, base))
        return {"$ref": place}

    def _free_name(self, name: str) -> str:
        stem = "_".join(filter(None, (self._name, _safe(name)))) or "any"
        numbered = (f"{stem}_{n}" for n in count(2))
        return next(name for name in chain([stem], numbered) if name not in self._definitions)

    def _references(self, schema: Mapping[str, Any], base: str) -> Iterator[tuple[Any, str, str]]:
        """Yield what a schema refers to, the base address there, and the reference."""
        for key in _REFERENCES:
            reference = schema.get(key)
            if isinstance(reference, str):
                target, target_base = self._resolve(reference, base)
                if key != "$ref":
                    target, target_base = self._outermost(target, target_base, key, reference)
                yield target, target_base, reference

    def _outermost(self, target: Any, base: str, key: str, reference: str) -> tuple[Any, str]:
        """Return what a dynamic reference leads to, if that is the same wherever one comes from."""
        fragment = urldefrag(reference)[1]
        anchor = "#" if key == "$recursiveRef" else fragment
        candidates = self._dynamic.get(anchor, [])
        if not any(target is schema for schema, _ in candidates):
            return target, base  # it is not dynamic
        in_root = [found for found in candidates if found[1] == self._base(self._root, "")]
        found = candidates if len(candidates) == 1 else in_root
        return found[0] if found else (None, base)

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

    def _index(self) -> None:
        """Find the schemas that have names of their own, and whether all references resolve."""
        todo: list[tuple[Any, str]] = [(self._root, "")]
        referring: list[tuple[Mapping[str, Any], str]] = []
        while todo:
            value, base = todo.pop()
            if isinstance(value, list):
                todo += [(item, base) for item in value]
            elif isinstance(value, Mapping):
                base = self._base(value, base)
                self._resources.setdefault(base, value)
                self._index_anchors(value, base)
                if any(key in value for key in _REFERENCES):
                    referring.append((value, base))
                todo += [(v, base) for k, v in value.items() if k not in ("enum", "const")]
        found = (known for schema, base in referring for known in self._references(schema, base))
        self._has_unknown = any(not isinstance(target, Mapping | bool) for target, *_ in found)

    def _index_anchors(self, schema: Mapping[str, Any], base: str) -> None:
        own = schema.get("$id", schema.get("id"))
        anchors = [schema.get("$anchor"), schema.get("$dynamicAnchor")]
        anchors += [own[1:]] if isinstance(own, str) and own.startswith("#") else []
        for anchor in anchors:
            self._resources.setdefault(f"{base}#{anchor}", schema)
        if isinstance(schema.get("$dynamicAnchor"), str):
            self._dynamic.setdefault(schema["$dynamicAnchor"], []).append((schema, base))
        if schema.get("$recursiveAnchor") is True:
            self._dynamic.setdefault("#", []).append((schema, base))

    def _base(self, schema: Any, base: str) -> str:
        """Return the address of the document that a schema is, or that it is in."""
        if not isinstance(schema, Mapping) or (self._is_old and "$ref" in schema):
            return base
        own = schema.get("$id", schema.get("id"))
        if not isinstance(own, str) or own.startswith("#"):
            return base
        return urldefrag(urljoin(base, own))[0]

    @property
    def _is_old(self) -> bool:
        return self._draft < 8


def _safe(name: str) -> str:
    """Write a name so that it needs no escaping in a reference."""
    return _UNSAFE.sub("_", name).strip("_")
