"""Describe tools to a model that is asked for calls in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from typing import Any

from langchain_segmind._messages.json_schema import strip_titles
from langchain_segmind._messages.schema_document import MAX_DEPTH
from langchain_segmind._messages.types import Tool


def as_openai_json(tool: Tool) -> str:
    """Describe a tool as OpenAI's JSON: where no `response_format` says the types, it must."""
    described: dict[str, Any] = {"name": tool.name}
    if tool.description:
        described["description"] = cleandoc(tool.description)
    return _compact({**described, "parameters": strip_titles(tool.parameters)})


def as_signature(tool: Tool) -> str:
    """Describe a tool in what its schema in `response_format` does not say.

    add(a: integer, b: integer): Add two numbers.
    round: Round a number.
    - value (number): what is rounded
    - digits? (integer): how many stay (default 0)
    """
    schema, head = tool.parameters, tool.name
    properties = _properties(schema)
    if not properties or not all(map(_about, properties.values())):
        types = ((_named(name, schema), _type(inner)) for name, inner in properties.items())
        head += f"({', '.join(f'{name}: {kind}' if kind else name for name, kind in types)})"
    if tool.description:
        head += f": {cleandoc(tool.description)}"
    return "\n".join([head, *_notes(schema, "")])


def _named(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required")
    return name if isinstance(required, list | tuple) and name in required else f"{name}?"


def _type(schema: Any) -> str:
    """Return a type that a name does not suggest: any but a string's."""
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return kind if isinstance(kind, str) and kind != "string" else ""


def _about(schema: Any) -> str:
    """Return what is said of an argument: its description and its default."""
    if not isinstance(schema, Mapping):
        return ""
    text, default = schema.get("description"), schema.get("default")
    about = " ".join(cleandoc(text).split()) if isinstance(text, str) else ""
    return about if default is None else f"{about} (default {_compact(default)})".lstrip()


def _notes(schema: Mapping[str, Any], path: str, depth: int = 0) -> Iterator[str]:
    """Describe what stands in a schema, down to where the schema in `response_format` has types."""
    if depth > MAX_DEPTH:
        return
    for name, inner in _properties(schema).items():
        if not isinstance(inner, Mapping):
            continue
        place, about = path + _named(name, schema), _about(inner)
        if about:
            kind = f" ({_type(inner)})" if _type(inner) else ""
            yield f"- {place}{kind}: {about}"
        yield from _notes(inner, f"{place}.", depth + 1)
        items = inner.get("items")
        if isinstance(items, Mapping):
            yield from _notes(items, f"{place}[].", depth + 1)


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
