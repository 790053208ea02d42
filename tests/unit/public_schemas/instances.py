"""Make instances of a schema and mutants of them, to compare two schemas by what they accept.

An instance may be invalid: it follows one alternative, and knows no bounds. What matters is that
many are valid and many are not.
"""

import json
import random
from typing import Any

from jsonschema.validators import Draft202012Validator, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

STRINGS = ("text", "", "a/b", "1.0.0", "2020-01-01", "https://example.com/a")
VALUES: tuple[Any, ...] = (None, True, 3, -1.5, [], {}, ["text"], {"text": 1}, *STRINGS)
NAMES = ("x-a", "a", "A1", "0", ".b")
DEEPEST = 12


def judge_of(schema):
    """Return a validator of the schema's own draft. Addresses outside of it allow everything."""
    address = str(schema.get("$schema", ""))
    address = address.replace("https://json-schema.org/draft-0", "http://json-schema.org/draft-0")
    judge = validator_for({"$schema": address}, default=Draft202012Validator)
    anything = DRAFT202012.create_resource({})
    # mypy does not see the arguments that attrs adds to `Registry`.
    return judge(schema, registry=Registry(retrieve=lambda _: anything))  # type: ignore[call-arg]


class Sampler:
    def __init__(self, judge, seed):
        self._judge = judge
        self._random = random.Random(seed)  # noqa: S311

    def instances(self, count):
        """Yield instances, each followed by two mutants of it."""
        for _ in range(count):
            value = self._sample(self._judge.schema, self._judge._resolver, 0)
            yield from (value, self._mutant(value), self._mutant(value))

    def _sample(self, schema, resolver, depth):
        if not isinstance(schema, dict) or depth > DEEPEST:
            return self._random.choice(VALUES)
        if isinstance(schema.get("$ref"), str):
            try:
                found = resolver.lookup(schema["$ref"])
            except Unresolvable:
                return self._random.choice(VALUES)
            return self._sample(found.contents, found.resolver, depth + 1)
        constants = schema.get("enum") or schema.get("examples")
        if constants and isinstance(constants, list):
            return self._random.choice(constants)
        if "const" in schema:
            return schema["const"]
        parts = list(schema.get("allOf") or ())
        parts += [self._random.choice(schema[key]) for key in ("anyOf", "oneOf") if schema.get(key)]
        values = [self._sample(part, resolver, depth + 1) for part in parts]
        own = self._of_type(schema, resolver, depth)
        objects = [value for value in values if isinstance(value, dict)]
        if objects and isinstance(own, dict):
            return {name: value for one in (*objects, own) for name, value in one.items()}
        return values[0] if values else own

    def _of_type(self, schema, resolver, depth):
        kind = schema.get("type")
        if isinstance(kind, list) and kind:
            kind = self._random.choice(kind)
        if kind is None and schema.keys() & {"properties", "patternProperties", "required"}:
            kind = "object"
        match kind:
            case "object":
                return self._object(schema, resolver, depth)
            case "array":
                items, count = schema.get("items"), self._random.choice((0, 1, 2))
                listed = items if isinstance(items, list) else [items] * count
                return [self._sample(item, resolver, depth + 1) for item in listed]
            case "integer" | "number":
                return self._random.choice(
                    (schema.get("minimum", 0), schema.get("maximum", 7), 1.5)
                )
            case "boolean":
                return self._random.choice((True, False))
            case "string":
                return self._random.choice(STRINGS)
        return self._random.choice(VALUES)

    def _object(self, schema, resolver, depth):
        properties, required = schema.get("properties") or {}, schema.get("required")
        names = list(required) if isinstance(required, list) else []
        optional = [name for name in properties if name not in names]
        self._random.shuffle(optional)
        names += optional[: self._random.choice((0, 1, 2, 4))]
        value = {name: self._sample(properties.get(name), resolver, depth + 1) for name in names}
        others = [*(schema.get("patternProperties") or {}).values()]
        for other in (*others, schema.get("additionalProperties")):
            if isinstance(other, dict) and self._random.random() < 0.6:
                value[self._random.choice(NAMES)] = self._sample(other, resolver, depth + 1)
        return value

    def _mutant(self, value):
        """Remove, add or replace one part."""
        value = json.loads(json.dumps(value))
        holders = [holder for holder in containers(value) if holder]
        if not holders:
            return self._random.choice(VALUES)
        holder = self._random.choice(holders)
        key = self._random.choice([*holder] if isinstance(holder, dict) else range(len(holder)))
        how = self._random.random()
        if how < 0.3:
            del holder[key]
        elif how < 0.5 and isinstance(holder, dict):
            holder["unknown"] = self._random.choice(VALUES)
        else:
            holder[key] = self._random.choice(VALUES)
        return value


def containers(value):
    """Yield the objects and lists in a value."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)
