"""Describe tools in a prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from inspect import cleandoc
from typing import Any, Final

from langchain_segmind._messages.json_schema import strip_titles
from langchain_segmind._messages.schema_document import MAX_DEPTH, Document
from langchain_segmind._messages.types import Tool

_LINE_BREAK: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_REFERRING: Final = ("$ref", "$defs", "definitions")
_HELD: Final = {"items": "[]", "additionalProperties": ".*"}
"""Where a schema has that of its parts without a name, and how these are written."""


def as_openai_json(tool: Tool) -> str:
    """Describe a tool as OpenAI's JSON: where no `response_format` says the types, it must."""
    described: dict[str, Any] = {"name": tool.name}
    if tool.description:
        described["description"] = cleandoc(tool.description)
    return compact_json({**described, "parameters": strip_titles(tool.parameters)})


def as_signature(tool: Tool) -> str:
    """Describe a tool in what its schema in `response_format` does not say.

    add(a: integer, b: integer): Add two numbers.
    round: Round a number.
    - value (number): what is rounded
    - digits? (integer): how many stay (default 0)
    """
    document, head = Document(has_descriptions=True), _in_one_line(tool.name)
    has_references = not tool.parameters.keys().isdisjoint(_REFERRING)
    schema = document.embed(tool.parameters, "") if has_references else tool.parameters
    roots = _parts(schema, document.definitions, set())
    named = [(name, inner, part) for part in roots for name, inner in _properties(part).items()]
    abouts = (_about(_parts(inner, document.definitions, set())) for _, inner, _ in named)
    if not named or not all(abouts):
        types = ((_named(name, part), _type(inner)) for name, inner, part in named)
        written = (f"{name}: {kind}" if kind else name for name, kind in types)
        head += f"({', '.join(dict.fromkeys(written))})"
    if tool.description:
        head += f": {cleandoc(tool.description)}"
    notes = _notes(schema, "", document.definitions, set())
    return "\n".join([head, *dict.fromkeys(notes)])


def _parts(schema: Any, definitions: Mapping[str, Any], shown: set[str]) -> list[Mapping[str, Any]]:
    """Return a schema, its alternatives and what it refers to, unless that was shown before."""
    parts: list[Mapping[str, Any]] = []
    todo = [schema]
    for part in todo:
        if not isinstance(part, Mapping):
            continue
        parts.append(part)
        reference = part.get("$ref")
        if isinstance(reference, str) and reference not in shown:
            shown.add(reference)
            todo.append(definitions.get(reference.rpartition("/")[2]))
        options = (part.get(key) for key in ("allOf", "anyOf", "oneOf"))
        todo += [option for held in options if isinstance(held, list) for option in held]
    return parts


def _named(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required")
    shown = _in_one_line(name)
    return shown if isinstance(required, list | tuple) and name in required else f"{shown}?"


def _in_one_line(name: str) -> str:
    r"""Write line breaks as JSON may, `\u000a`: a name must not begin a line of the prompt."""
    return _LINE_BREAK.sub(lambda match: f"\\u{ord(match[0]):04x}", name)


def _type(schema: Any) -> str:
    """Return a type that a name does not suggest: any but a string's."""
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return _in_one_line(kind) if isinstance(kind, str) and kind != "string" else ""


def _about(parts: Sequence[Mapping[str, Any]]) -> str:
    """Return what is said of an argument: its description, or its class's, and its default."""
    texts = (part.get("description") for part in parts)
    described = (" ".join(cleandoc(text).split()) for text in texts if isinstance(text, str))
    about = next(filter(None, described), "")
    default = parts[0].get("default") if parts else None
    return about if default is None else f"{about} (default {compact_json(default)})".lstrip()


def _notes(
    schema: Any, place: str, definitions: Mapping[str, Any], shown: set[str], depth: int = 0
) -> Iterator[str]:
    """Describe what stands in a schema, down to where the schema in `response_format` has types."""
    parts = [] if depth > MAX_DEPTH else _parts(schema, definitions, shown)
    if place and (about := _about(_parts(schema, definitions, set()))):
        kind = f" ({_type(schema)})" if _type(schema) else ""
        yield f"- {place}{kind}: {about}"
    for part in parts:
        path = f"{place}." if place else ""
        held = [(path + _named(name, part), inner) for name, inner in _properties(part).items()]
        held += [(place + mark, part.get(key)) for key, mark in _HELD.items() if place]
        for at, inner in held:
            yield from _notes(inner, at, definitions, shown, depth + 1)


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def compact_json(value: Any) -> str:
    """Write a value without spaces, as every character of a prompt is billed."""
    return _in_one_line(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
