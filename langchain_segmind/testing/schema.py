"""Fill a JSON schema: deterministically, with as little as it allows, and always validly.

It must not guess what a value means: constants, enums, examples and defaults come first, then a
text that the caller gives, then the simplest value within the bounds.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from langchain_segmind.testing.schema_check import accepts, resolve, same, types_of
from langchain_segmind.testing.schema_patterns import texts_of

_TRIES = 50  # values of a schema that are tried before it is given up
_FEW = 12  # the same of each of its alternatives
_DEEP = 3  # references inside one another, from which on the shortest way out is taken
_HINTS = {
    "object": ("properties", "required", "additionalProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "contains"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_FORMATS = {
    "email": "someone@example.com",
    "uri": "https://example.com",
    "url": "https://example.com",
    "uri-reference": "https://example.com",
    "hostname": "example.com",
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "byte": "AAAA",
    "binary": "AAAA",
    "json-pointer": "/a",
    "regex": ".*",
}
_HIGHER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_LOWER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


class UnfillableError(ValueError):
    """No value for a schema was found: it allows none, or only an endless one."""


def fill(schema: Any, text: str = "text", root: Any = None, numbers: Sequence[float] = ()) -> Any:
    """Fill a schema, or raise an `UnfillableError`.

    A string that may be any text becomes `text`, cut or padded to fit. Numbers become `numbers`,
    each taken once, in order, where the bounds allow it. References point into `root`, by default
    the schema itself.
    """
    return _Filler(schema if root is None else root, text, [*numbers]).first(schema)


def resolved(schema: Any, root: Any) -> Mapping[str, Any]:
    """Follow the references of a schema, and join what must all hold, at its top only."""
    for _ in range(_TRIES):
        if not isinstance(schema, Mapping):
            break
        if isinstance(schema.get("$ref"), str):
            schema = _followed(schema, root)
        elif schema.get("allOf"):
            schema = next(_alternatives(schema))
        else:
            return schema
    return {}


def _followed(schema: Mapping[str, Any], root: Any) -> Any:
    """Replace a reference by what it points to; what stands beside it holds, too."""
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    target = resolve(schema["$ref"], root)
    return _merged(target, rest) if isinstance(target, Mapping) else rest or target


@dataclass(frozen=True)
class _Filler:
    root: Any
    text: str
    numbers: list[float]  # those that are not taken yet
    inside: tuple[str, ...] = ()  # the references that are being filled

    def first(self, schema: Any) -> Any:
        """Return the first value that the schema accepts."""
        for value in self.values(schema):
            return self._taken(value)
        raise UnfillableError(f"no value was found for the schema {schema!r:.200}")

    def _taken(self, value: Any) -> Any:
        if type(value) in {int, float} and value in self.numbers:
            self.numbers.remove(value)
        return value

    def values(self, schema: Any) -> Iterator[Any]:
        """Yield values that the schema accepts, the plainest first, without doubles at first."""
        for value in itertools.islice(self.candidates(schema), _TRIES):
            if accepts(schema, value, self.root):
                yield value

    def candidates(self, schema: Any) -> Iterator[Any]:
        if not isinstance(schema, Mapping):
            yield from () if schema is False else self._strings({})
        elif isinstance(schema.get("$ref"), str):
            if schema["$ref"] in self.inside:
                raise UnfillableError(f"{schema['$ref']} holds itself")
            inner = replace(self, inside=(*self.inside, schema["$ref"]))
            yield from inner.candidates(_followed(schema, self.root))
        elif "const" in schema:
            yield schema["const"]
        elif schema.get("enum"):
            yield from schema["enum"]
        else:
            examples = schema.get("examples")
            given = examples if isinstance(examples, list) else []
            yield from (value for value in [*given, schema.get("default")] if value is not None)
            options: Iterable[Mapping[str, Any]] = _alternatives(schema)
            if len(self.inside) >= _DEEP:
                options = sorted(options, key=_holds_more)
            for plain in options:
                with suppress(UnfillableError):
                    if plain is schema:
                        yield from self._of_type(plain)
                    else:
                        yield from itertools.islice(self.candidates(plain), _FEW)

    def _of_type(self, schema: Mapping[str, Any]) -> Iterator[Any]:
        named = types_of(schema) or [
            next((kind for kind, keys in _HINTS.items() if schema.keys() & {*keys}), "string")
        ]
        match named[0]:
            case "object":
                yield from self._objects(schema)
            case "array":
                yield from self._arrays(schema)
            case "string":
                yield from self._strings(schema)
            case "number" | "integer":
                whole = named[0] == "integer"
                given = [*self.numbers, *itertools.islice(_numbers(schema, whole=whole), _TRIES)]
                yield from (value for value in given if not whole or isinstance(value, int))
            case "boolean":
                yield from (False, True)
            case _:
                yield None

    def _strings(self, schema: Mapping[str, Any]) -> Iterator[str]:
        if isinstance(schema.get("pattern"), str):
            yield from texts_of(schema["pattern"])
        if schema.get("format") in _FORMATS:
            yield _FORMATS[schema["format"]]
        least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
        most = None if most is None else int(most)
        yield self.text[:most].ljust(least, ".")
        for number in itertools.count(2):
            end = f" {number}"
            start = self.text if most is None else self.text[: max(0, most - len(end))]
            yield f"{start}{end}"[-most if most else None :].rjust(least, ".")

    def _objects(self, schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        required = schema.get("required") or ()
        known = [name for name in schema.get("properties") or () if name in required]
        names = dict.fromkeys([*known, *required])
        value = {name: self.first(self._property(schema, name)) for name in names}
        for name in self._more_names(schema, value):
            if len(value) >= int(schema.get("minProperties", 0)):
                break
            with suppress(UnfillableError):
                value[name] = self.first(self._property(schema, name))
        yield value
        for name in value:
            for other in itertools.islice(self.values(self._property(schema, name)), 1, None):
                yield {**value, name: other}

    def _property(self, schema: Mapping[str, Any], name: str) -> Any:
        known = schema.get("properties") or {}
        patterns = schema.get("patternProperties") or {}
        wide = next(iter(patterns.values()), schema.get("additionalProperties", True))
        return known.get(name, wide)

    def _more_names(self, schema: Mapping[str, Any], value: Mapping[str, Any]) -> Iterator[str]:
        yield from (name for name in schema.get("properties") or {} if name not in value)
        for pattern in schema.get("patternProperties") or {}:
            yield from itertools.islice(texts_of(pattern), _TRIES)
        if schema.get("additionalProperties", True) is not False:
            yield from (f"property_{number}" for number in range(1, _TRIES))

    def _arrays(self, schema: Mapping[str, Any]) -> Iterator[list[Any]]:
        first = [self.first(part) for part in schema.get("prefixItems") or ()]
        if "contains" in schema:
            first.append(self.first(schema["contains"]))
        least, most = int(schema.get("minItems", 0)), schema.get("maxItems", math.inf)
        usual = 1 if "items" in schema and not first and len(self.inside) < _DEEP else 0
        with suppress(UnfillableError):
            yield self._filled_up(schema, first, min(max(least, usual), most))
        yield self._filled_up(schema, first[: int(min(len(first), most))], least)
        for count in range(least + 1, _TRIES):
            yield self._filled_up(schema, first, count)

    def _filled_up(
        self, schema: Mapping[str, Any], first: Sequence[Any], count: float
    ) -> list[Any]:
        """Add items until there are so many, each another one where they must differ."""
        items, filled = schema.get("items", True), [*first]
        while len(filled) < count:
            fresh = (
                value
                for value in self.values(items)
                if not schema.get("uniqueItems") or not any(same(value, held) for held in filled)
            )
            for value in fresh:
                filled.append(self._taken(value))
                break
            else:
                raise UnfillableError("there are not so many items that differ")
        return filled


def _numbers(schema: Mapping[str, Any], *, whole: bool) -> Iterator[float]:
    low, high = _bounds(schema, "inimum", max), _bounds(schema, "aximum", min)
    step = schema.get("multipleOf") or (1 if whole else 0)
    ends = [end for end in (0, low, high) if end is not None]
    if low is not None and high is not None:
        ends.append((low + high) / 2)
    near = [start + way for start in ends for way in (0, 1, -1)]
    near.insert(3, ends[0] + 0.5)  # where a whole number fits another alternative, too
    if step:
        near = [round(base / step) * step + step * way for base in ends for way in (0, 1, -1)]
    near += [start + way * (step or 1) for way in range(2, _TRIES) for start in ends]
    for number in dict.fromkeys(near):
        if not whole:
            yield number
        elif number == int(number):
            yield int(number)


def _bounds(schema: Mapping[str, Any], name: str, join: Any) -> float | None:
    names = ("m" + name, "exclusiveM" + name)
    found = [schema[key] for key in names if type(schema.get(key)) in {int, float}]
    return join(found) if found else None


def _alternatives(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield plainer schemas, each of which is one way to fill this one; itself if it is plain."""
    for key in ("allOf", "anyOf", "oneOf"):
        if schema.get(key):
            rest = {name: value for name, value in schema.items() if name != key}
            groups = [schema[key]] if key == "allOf" else [[option] for option in schema[key]]
            yield from (_joined([rest, *group]) for group in groups)
            return
    types = types_of(schema)
    yield from ({**schema, "type": name} for name in types) if len(types) > 1 else (schema,)


def _joined(parts: Sequence[Any]) -> Mapping[str, Any]:
    whole: Mapping[str, Any] = {}
    for part in parts:
        # Two references cannot stand in one schema; the second one is checked, and not followed.
        if isinstance(part, Mapping) and not ("$ref" in part and "$ref" in whole):
            whole = _merged(whole, part)
    return whole


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Make the schema of what both allow, as far as it can be written plainly."""
    whole = {**one, **other}
    for key in one.keys() & other.keys():
        if key == "properties":
            both = one[key].keys() & other[key].keys()
            joint = {name: {"allOf": [one[key][name], other[key][name]]} for name in both}
            whole[key] = {**one[key], **other[key], **joint}
        elif key == "required":
            whole[key] = [*one[key], *other[key]]
        elif key == "enum":
            whole[key] = [option for option in one[key] if option in other[key]]
        elif key in ("anyOf", "oneOf", "allOf"):
            rest = {"allOf": [{key: one[key]}, {key: other[key]}]}
            whole = {name: value for name, value in whole.items() if name != key} | rest
        elif key in (*_HIGHER, *_LOWER) and not isinstance(one[key], bool):
            whole[key] = (max if key in _HIGHER else min)(one[key], other[key])
    return whole


def _holds_more(schema: Mapping[str, Any]) -> bool:
    return "$ref" in schema or "properties" in schema or schema.get("type") in {"object", "array"}
