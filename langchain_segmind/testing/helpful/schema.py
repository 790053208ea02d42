"""Filling a JSON schema: always validly, and truthfully where the evidence allows.

What was found in the conversation comes first, then null, then defaults, then something made up.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_segmind.testing.helpful.evidence import Evidence
from langchain_segmind.testing.helpful.numbers import hint_of
from langchain_segmind.testing.helpful.references import Schema, is_null, kinds_of, resolved
from langchain_segmind.testing.helpful.scalars import (
    Filled,
    bounded,
    choose,
    fill_boolean,
    fill_number,
    fill_string,
    fitted,
    mentioned_options,
)

_DEEPEST = 5  # a schema that refers to itself is cut off here
_MOST_ITEMS = 10
_FEWEST_LISTED = 3


@dataclass(frozen=True)
class Place:
    """Where in a schema a value is wanted.

    Attributes:
        root: The whole schema, for its references.
        evidence: Where to look.
        name: The property's name, or an empty string.
        depth: How deep the place is.
        taken: Values given to other properties already.
    """

    root: Schema
    evidence: Evidence
    name: str = ""
    depth: int = 0
    taken: list[Any] = field(default_factory=list)

    def inside(self, name: str) -> "Place":
        """Go one level down."""
        return replace(self, name=name, depth=self.depth + 1)

    def only(self, line: str) -> "Place":
        """Look at nothing but one sentence."""
        return replace(self.inside(""), evidence=self.evidence.only(line), taken=[])


def fill(schema: Schema, evidence: Evidence) -> Any:
    """Fill a schema.

    Args:
        schema: A JSON schema.
        evidence: Where to look for values.

    Returns:
        A JSON value that the schema accepts.
    """
    return _fill(schema, Place(schema, evidence)).value


def _fill(schema: Any, place: Place) -> Filled:
    schema = resolved(schema, place.root)
    if "const" in schema:
        return Filled(schema["const"])
    if schema.get("enum"):
        return choose(schema["enum"], place.evidence)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return _fill_one_of(schema, options, place)
    kinds = kinds_of(schema)
    if len(kinds) > 1:
        return _fill_one_of({}, [{**schema, "type": kind} for kind in kinds], place)
    filled = _FILLERS[kinds[0]](schema, place)
    if not filled.found and schema.get("default") is not None:
        return Filled(schema["default"])
    return filled


def _fill_one_of(outer: Schema, options: Sequence[Any], place: Place) -> Filled:
    shared = {key: outer[key] for key in ("description", "properties") if key in outer}
    plain = [{**shared, **resolved(option, place.root)} for option in options]
    if place.depth < _DEEPEST or not any(map(is_null, plain)):
        tries = [_fill(option, place) for option in sorted(plain, key=is_null)]
        if found := [filled for filled in tries if filled.found]:
            return found[0]
    if any(map(is_null, plain)):
        return Filled(None)
    return Filled(outer["default"]) if outer.get("default") is not None else tries[0]


def _fill_object(schema: Schema, place: Place) -> Filled:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = list(dict.fromkeys(schema.get("required") or ()))
    wanted = required if place.depth >= _DEEPEST else dict.fromkeys([*properties, *required])
    tries = {name: _fill(properties.get(name), place.inside(name)) for name in wanted}
    value = {
        name: filled.value for name, filled in tries.items() if filled.found or name in required
    }
    for number in range(len(value), int(schema.get("minProperties", 0))):
        extra = schema.get("additionalProperties")
        value[f"item_{number + 1}"] = _fill(extra, place.inside("")).value
    return Filled(value, any(filled.found for filled in tries.values()))


def _fill_array(schema: Schema, place: Place) -> Filled:
    items = schema.get("items")
    least, most = int(schema.get("minItems", 0)), int(schema.get("maxItems", _MOST_ITEMS))
    first = [_fill(item, place.inside(place.name)) for item in schema.get("prefixItems") or ()]
    found = [] if first or place.depth >= _DEEPEST else _found_items(items, place)
    values = [filled.value for filled in first] + found
    if schema.get("uniqueItems"):
        values = [value for at, value in enumerate(values) if value not in values[:at]]
    values = values[: max(most, least)]
    while len(values) < least:
        made = _fill(items, place.inside(place.name)).value
        values.append(_new(made, values) if schema.get("uniqueItems") else made)
    return Filled(values, bool(found) or any(filled.found for filled in first))


def _found_items(items: Any, place: Place) -> list[Any]:
    schema = resolved(items, place.root)
    if schema.get("enum"):
        return mentioned_options(schema["enum"], place.evidence)
    match kinds_of(schema)[0]:
        case "number" | "integer":
            return _found_numbers(schema, place)
        case "string" if not schema.get("format") and not schema.get("pattern"):
            return [fitted(schema, text) for text in _listed(place.evidence)]
        case _:
            return _found_objects(schema, place)


def _found_numbers(schema: Schema, place: Place) -> list[Any]:
    found = place.evidence.numbers(hint_of(place.name, str(schema.get("description", ""))))
    asked = {number.value for number in place.evidence.only(place.evidence.request).numbers([])}
    return [
        bounded(schema, number.value) for number in found if number.near or number.value in asked
    ]


def _found_objects(schema: Schema, place: Place) -> list[Any]:
    tries = [(_fill(schema, place.only(line)), line) for line in place.evidence.lines]
    return [
        filled.value for filled, line in tries if filled.found and _is_full(schema, place, line)
    ]


def _is_full(schema: Schema, place: Place, line: str) -> bool:
    names = schema.get("required") or ()
    properties = schema.get("properties") or {}
    found = [_fill(properties.get(name), place.only(line).inside(name)).found for name in names]
    return 2 * sum(found) >= len(found)


def _listed(evidence: Evidence) -> list[str]:
    for line in evidence.lines:
        _, colon, rest = line.partition(":")
        parts = [part.strip(" .") for part in re.split(r",| and | or ", rest if colon else line)]
        if colon or len(parts) >= _FEWEST_LISTED:
            return [part.removeprefix("and ") for part in parts if part]
    return evidence.names()


def _new(value: Any, values: Sequence[Any]) -> Any:
    tries = (_unlike(value, number) for number in range(len(values) + 1))
    return next((made for made in tries if made not in values), value)


def _unlike(value: Any, number: int) -> Any:
    match value:
        case str() if number:
            return f"{value} {number + 1}"
        case int() | float() if not isinstance(value, bool):
            return value + number
        case _:
            return value


_FILLERS: Mapping[str, Callable[[Schema, Place], Filled]] = {
    "object": _fill_object,
    "array": _fill_array,
    "string": lambda schema, place: fill_string(schema, place.name, place.evidence, place.taken),
    "number": lambda schema, place: fill_number(schema, place.name, place.evidence, place.taken),
    "integer": lambda schema, place: fill_number(schema, place.name, place.evidence, place.taken),
    "boolean": lambda schema, place: fill_boolean(schema, place.name, place.evidence),
    "null": lambda _schema, _place: Filled(None),
}
