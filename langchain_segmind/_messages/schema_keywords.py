"""Write the keywords of any draft of JSON Schema as those of 2020-12.

A keyword that its draft does not know, or that has a value of a wrong kind, constrains nothing
there; it must not begin to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

LATEST: Final = 9

_DRAFT: Final = re.compile(r"draft-0([3-7])\b|(2019-09)")

_NEW_IN: Final[Mapping[int, str]] = {
    6: "const contains propertyNames",
    7: "if then else",
    8: "dependentRequired dependentSchemas unevaluatedItems unevaluatedProperties minContains "
    "maxContains",
    9: "prefixItems",
}
"""The keywords by the draft that they are from; 8 is 2019-09, 9 is 2020-12."""

_SINCE: Final = {name: draft for draft, names in _NEW_IN.items() for name in names.split()}

SCHEMA: Final = frozenset(
    {"items", "additionalProperties", "not", "if", "then", "else", "contains"}
    | {"propertyNames", "unevaluatedItems", "unevaluatedProperties"}
)
"""Keywords whose value is a schema."""
SCHEMAS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
"""Keywords whose value is a list of schemas."""
NAMED_SCHEMAS: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
"""Keywords whose value is an object of schemas."""

_KINDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(SCHEMA, (Mapping, bool)),
    **dict.fromkeys(SCHEMAS, list),
    **dict.fromkeys(NAMED_SCHEMAS | {"dependentRequired"}, Mapping),
    **dict.fromkeys(("required", "enum"), list),
    **dict.fromkeys(("pattern", "format"), str),
}
_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_BOUNDS: Final = (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"))


def draft_of(schema: Mapping[str, Any]) -> int:
    """Return the number of the draft that a document is written in, by default the latest."""
    found = _DRAFT.search(str(schema.get("$schema", "")))
    return LATEST if found is None else int(found[1] or 8)


def modern(schema: Mapping[str, Any], draft: int) -> dict[str, Any]:
    """Write the keywords of a schema as those of 2020-12."""
    written = {key: value for key, value in schema.items() if _SINCE.get(key, 0) <= draft}
    items, dependencies = written.get("items"), written.pop("dependencies", None)
    rest = written.pop("additionalItems", None)
    if isinstance(items, list):
        del written["items"]
        written |= {"prefixItems": items} | ({} if rest is None else {"items": rest})
    if isinstance(dependencies, Mapping):
        required = {k: v for k, v in dependencies.items() if isinstance(v, list)}
        schemas = {k: v for k, v in dependencies.items() if not isinstance(v, list)}
        written |= {"dependentRequired": required, "dependentSchemas": schemas}
    for bound, exclusive in _BOUNDS:
        given = written.get(exclusive)
        if isinstance(given, bool):  # as in draft 4 and OpenAPI 3.0
            del written[exclusive]
        if given is True and bound in written:
            written[exclusive] = written.pop(bound)
    return {key: value for key, value in written.items() if _is_sound(key, value)}


def _is_sound(key: str, value: Any) -> bool:
    if key == "type":
        kinds = value if isinstance(value, list) else [value]
        return all(isinstance(kind, str) and kind in _TYPES for kind in kinds)
    return isinstance(value, _KINDS.get(key, object))
