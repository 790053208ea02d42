"""Trim JSON schemas to what informs a model.

The trimmed schema must accept the same values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def strip_titles(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without `title` and `$schema`, which cost tokens and inform no model."""
    return {
        key: _stripped(key, value)
        for key, value in schema.items()
        if key not in ("title", "$schema")
    }


def _stripped(key: str, value: Any) -> Any:
    if key in ("properties", "$defs", "definitions") and isinstance(value, Mapping):
        # The keys are names here, and `title` may be one of them.
        return {name: strip_titles(s) if isinstance(s, Mapping) else s for name, s in value.items()}
    if key in ("items", "additionalProperties", "not") and isinstance(value, Mapping):
        return strip_titles(value)
    if key in ("anyOf", "oneOf", "allOf", "prefixItems") and isinstance(value, list):
        return [strip_titles(s) if isinstance(s, Mapping) else s for s in value]
    return value
