"""Filling a JSON schema: always validly, and truthfully where the evidence allows.

Every kind of value has one function: schema in, `Filled` out, which says whether the value was
found or made up. A made-up value is never preferred to null.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_segmind.testing.helpful.evidence import Evidence
from langchain_segmind.testing.helpful.strings import find_string, made_up_string
from langchain_segmind.testing.helpful.words import terms

_DEEPEST = 6  # a schema that refers to itself is cut off here
_MOST_ITEMS = 10

_CHEERFUL = frozenset(
    terms("love great good excellent amazing wonderful happy best nice fantastic")
)
_GLOOMY = frozenset(terms("hate bad terrible awful worst angry sad poor horrible broken upset"))
_MOODS = {
    "positive": _CHEERFUL,
    "happy": _CHEERFUL,
    "good": _CHEERFUL,
    "negative": _GLOOMY,
    "sad": _GLOOMY,
    "angry": _GLOOMY,
    "bad": _GLOOMY,
}
_NO = re.compile(r"\b(?:not|no|never|isn't|don't|doesn't|without|cannot|can't)\b", re.IGNORECASE)

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Filled:
    """A value, and whether the evidence gave it."""

    value: Any
    found: bool = False


@dataclass(frozen=True)
class Place:
    """Where in a schema a value is wanted.

    Attributes:
        root: The whole schema, for its references.
        evidence: Where to look.
        name: The property's name, or an empty string.
        depth: How deep the place is.
        taken: Numbers given to other properties already.
    """

    root: Schema
    evidence: Evidence
    name: str = ""
    depth: int = 0
    taken: list[float] = field(default_factory=list)

    def inside(self, name: str) -> "Place":
        """Go one level down."""
        return replace(self, name=name, depth=self.depth + 1)


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
    schema = _resolved(schema, place)
    if "const" in schema:
        return Filled(schema["const"])
    if schema.get("enum"):
        return _choose(schema["enum"], place)
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return _fill_one_of(schema, schema[key], place)
    kind = _kind(schema)
    if isinstance(kind, list):
        options = [{**schema, "type": option} for option in kind]
        return _fill_one_of({}, options, place)
    filled = _FILLERS[kind](schema, place)
    if not filled.found and "default" in schema and schema["default"] is not None:
        return Filled(schema["default"])
    return filled


def _resolved(schema: Any, place: Place) -> Schema:
    if not isinstance(schema, Mapping):
        return {}
    for _ in range(_DEEPEST):
        if isinstance(schema.get("$ref"), str):
            siblings = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**_follow(schema["$ref"], place.root), **siblings}
        if schema.get("allOf"):
            schema = _merged([_resolved(part, place) for part in schema["allOf"]], schema)
    return schema


def _follow(reference: str, root: Schema) -> Schema:
    target: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        target = target.get(key, {}) if key and isinstance(target, Mapping) else target
    return target if isinstance(target, Mapping) else {}


def _merged(parts: Sequence[Schema], outer: Schema) -> Schema:
    merged: dict[str, Any] = {}
    for part in [*parts, {key: value for key, value in outer.items() if key != "allOf"}]:
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", []), *part.get("required", [])]
        merged |= part
        merged |= {"properties": properties} if properties else {}
        merged |= {"required": list(dict.fromkeys(required))} if required else {}
    return merged


def _kind(schema: Schema) -> Any:
    named = schema.get("type")
    if isinstance(named, list) and len(named) == 1:
        return named[0]
    if named is not None and (isinstance(named, list) or named in _FILLERS):
        return named
    hints = {"object": ("properties", "additionalProperties"), "array": ("items", "prefixItems")}
    return next(
        (kind for kind, keys in hints.items() if any(key in schema for key in keys)), "string"
    )


def _fill_one_of(outer: Schema, options: Sequence[Any], place: Place) -> Filled:
    shared = {key: outer[key] for key in ("description", "title") if key in outer}
    resolved = [_resolved({**shared, **option}, place) for option in options]
    tries = [_fill(option, place) for option in sorted(resolved, key=_is_null)]
    if found := next((filled for filled in tries if filled.found), None):
        return found
    if any(map(_is_null, resolved)):
        return Filled(None)
    return Filled(outer["default"]) if outer.get("default") is not None else tries[0]


def _is_null(schema: Schema) -> bool:
    return schema.get("type") == "null" or schema.get("const", 0) is None


def _choose(options: Sequence[Any], place: Place) -> Filled:
    for option in options:
        wanted = terms(str(option)) or [str(option)]
        if all(place.evidence.mentions(term) for term in wanted):
            return Filled(option, found=True)
    for option in options:
        mood = _MOODS.get(str(option).lower(), frozenset())
        if any(place.evidence.mentions(term) for term in sorted(mood)):
            return Filled(option, found=True)
    return Filled("neutral" if "neutral" in options else options[0])


def _fill_object(schema: Schema, place: Place) -> Filled:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = [*dict.fromkeys(schema.get("required") or ())]
    value: dict[str, Any] = {}
    found = False
    for name in [*properties, *(name for name in required if name not in properties)]:
        if name not in required and place.depth >= _DEEPEST:
            continue
        filled = _fill(properties.get(name, {}), place.inside(name))
        if name in required or filled.found:
            value[name] = filled.value
        found = found or filled.found
    extra = schema.get("additionalProperties", {})
    for number in range(len(value), int(schema.get("minProperties", 0))):
        value[f"item_{number + 1}"] = _fill(extra, place.inside("")).value
    return Filled(value, found)


def _fill_array(schema: Schema, place: Place) -> Filled:
    least = int(schema.get("minItems", 0))
    most = min(int(schema.get("maxItems", _MOST_ITEMS)), max(_MOST_ITEMS, least))
    first = [_fill(item, place.inside(place.name)) for item in schema.get("prefixItems") or ()]
    items: Any = schema.get("items", {})
    found = [] if first or place.depth >= _DEEPEST else _found_items(items, place)
    values = [filled.value for filled in first] + found
    if schema.get("uniqueItems"):
        values = [value for at, value in enumerate(values) if value not in values[:at]]
    values = values[:most]
    while len(values) < least:
        made = _fill(items, place.inside(place.name)).value
        values.append(_unlike(made, len(values)) if schema.get("uniqueItems") else made)
    return Filled(values, bool(found) or any(filled.found for filled in first))


def _found_items(items: Any, place: Place) -> list[Any]:
    schema = _resolved(items, place)
    kind = _kind(schema)
    if schema.get("enum"):
        return [
            option
            for option in schema["enum"]
            if all(place.evidence.mentions(term) for term in terms(str(option)) or [str(option)])
        ]
    if kind in {"number", "integer"}:
        return [_bounded(schema, number) for number in place.evidence.numbers([])]
    if kind == "string" and not schema.get("format"):
        return [_fitted(schema, text) for text in _listed(place.evidence)]
    lines = [place.evidence.only(line) for line in place.evidence.lines]
    tries = [_fill(schema, replace(place.inside(""), evidence=line, taken=[])) for line in lines]
    wanted = len(schema.get("required") or ()) if kind == "object" else 0
    return [
        filled.value
        for filled, line in zip(tries, lines, strict=True)
        if filled.found and (wanted <= 1 or _is_full(schema, replace(place, evidence=line)))
    ]


def _is_full(schema: Schema, place: Place) -> bool:
    names = schema.get("required") or ()
    found = [_fill(schema["properties"].get(name, {}), place.inside(name)).found for name in names]
    return sum(found) * 2 > len(found)


def _listed(evidence: Evidence) -> list[str]:
    for line in evidence.lines:
        text = line.partition(":")[2] or line
        parts = [part.strip(" .") for part in re.split(r",| and | or ", text)]
        if text != line or len(parts) > 2:
            return [part for part in parts if part]
    return evidence.names()


def _unlike(value: Any, number: int) -> Any:
    match value:
        case bool() | None:
            return value
        case int() | float():
            return value + number
        case str():
            return f"{value} {number + 1}" if number else value
        case _:
            return value


def _fill_string(schema: Schema, place: Place) -> Filled:
    for text in find_string(place.evidence, place.name, schema):
        fitted = _fitted(schema, text)
        if _matches(schema, fitted):
            return Filled(fitted, found=True)
    made = made_up_string(place.evidence, place.name, schema)
    return Filled(next((text for text in made if _matches(schema, text)), _fitted(schema, made[0])))


def _fitted(schema: Schema, text: str) -> str:
    most, least = schema.get("maxLength"), int(schema.get("minLength", 0))
    if most is not None and len(text) > most:
        text = (
            text[: int(most)].rstrip() if least <= len(text[: int(most)].rstrip()) else text[:most]
        )
    return text + "." * (least - len(text))


def _matches(schema: Schema, text: str) -> bool:
    fits = len(text) >= schema.get("minLength", 0) and len(text) <= schema.get(
        "maxLength", math.inf
    )
    return fits and re.search(str(schema.get("pattern", "")), text) is not None


def _fill_number(schema: Schema, place: Place) -> Filled:
    hint = terms(f"{place.name.replace('_', ' ')} {schema.get('description', '')}")
    for number in place.evidence.numbers(hint):
        near = place.evidence.is_near(number, hint)
        if number not in place.taken and _bounded(schema, number) == number:
            place.taken.append(number)
            return Filled(_bounded(schema, number), found=near or bool(hint))
    return Filled(_bounded(schema, 0))


def _bounded(schema: Schema, number: float) -> float | int:
    step = schema.get("multipleOf") or (1 if schema.get("type") == "integer" else None)
    gap = step or 0.001
    low = max(
        schema.get("minimum", -math.inf), _exclusive(schema, "exclusiveMinimum", gap, -math.inf)
    )
    high = min(
        schema.get("maximum", math.inf), _exclusive(schema, "exclusiveMaximum", -gap, math.inf)
    )
    number = min(max(number, low), high)
    if step:
        below = math.floor(number / step) * step
        number = below if below >= low else math.ceil(number / step) * step
    return int(number) if number == int(number) and schema.get("type") != "number" else number


def _exclusive(schema: Schema, key: str, gap: float, otherwise: float) -> float:
    bound = schema.get(key)
    return otherwise if bound is None or isinstance(bound, bool) else bound + gap


def _fill_boolean(schema: Schema, place: Place) -> Filled:
    hint = terms(f"{place.name.replace('_', ' ').removeprefix('is ')}")
    line = place.evidence.telling(hint or terms(str(schema.get("description", ""))))
    if line is None:
        return Filled(value=False)
    return Filled(_NO.search(line) is None, found=True)


_FILLERS = {
    "object": _fill_object,
    "array": _fill_array,
    "string": _fill_string,
    "number": _fill_number,
    "integer": _fill_number,
    "boolean": _fill_boolean,
    "null": lambda _schema, _place: Filled(None),
}
