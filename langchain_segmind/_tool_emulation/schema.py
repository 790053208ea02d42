"""The `response_format` of a reply that holds tool calls or an answer, never both.

    {"tool_needed": true, "reply": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}
    {"tool_needed": false, "reply": "It is 3."}

The decision comes first, as a token of its own: what a model writes before it decides sways it. The
root is an object, as some providers refuse alternatives there. The schema holds names and types but
no descriptions, which are in the prompt, because both are billed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from langchain_segmind._messages.schema_document import Document
from langchain_segmind._messages.types import ChatRequest, Tool

DECISION: Final = "tool_needed"
REPLY: Final = "reply"


def reply_format(
    tools: Sequence[Tool],
    *,
    forced: bool,
    parallel: bool,
    answer: Mapping[str, Any] | None,
    answer_is_strict: bool = False,
) -> dict[str, Any]:
    """Make the `response_format`.

    Args:
        tools: Those on offer.
        forced: Whether at least one must be called, so that there is nothing to decide.
        parallel: Whether several may be called at once.
        answer: The schema of the answer, where it is not plain text.
        answer_is_strict: Whether that schema must be kept to the letter.
    """
    # Strict is all or nothing: providers refuse a strict schema that has an open object in it.
    is_strict = all(tool.strict for tool in tools) and (answer is None or answer_is_strict)
    document = Document()
    calls: dict[str, Any] = {"type": "array", "items": _call(tools, document), "minItems": 1}
    if not parallel:
        calls["maxItems"] = 1
    if forced:
        schema = _object({REPLY: calls})
    else:
        text = {"type": "string"} if answer is None else document.embed(answer, "answer")
        schema = _object({DECISION: {"type": "boolean"}, REPLY: {"anyOf": [calls, text]}})
    if document.definitions:
        schema["$defs"] = document.definitions
    described: dict[str, Any] = {"name": "reply", "schema": schema}
    if is_strict:
        described["strict"] = True
    return {"type": "json_schema", "json_schema": described}


def answer_schema(request: ChatRequest) -> Mapping[str, Any] | None:
    """Return the schema that a request has for its answer; None if that is plain text."""
    wanted = request.response_format or {}
    if wanted.get("type", "text") == "text":
        return None
    described = wanted.get("json_schema")
    schema = described.get("schema") if isinstance(described, Mapping) else None
    return schema if isinstance(schema, Mapping) else {"type": "object"}


def _call(tools: Sequence[Tool], document: Document) -> dict[str, Any]:
    """Make the schema of a call: one of the names, and the arguments of one of the tools.

    The two are not tied to each other, which would take 130 characters more a tool: a model that
    wrote the name goes on with its arguments. The first arguments are those of the first name.
    """
    schemas = [_arguments(tool, document) for tool in tools]
    return _object(
        {
            "name": {"type": "string", "enum": [tool.name for tool in tools]},
            "arguments": schemas[0] if len(schemas) == 1 else {"anyOf": schemas},
        }
    )


def _arguments(tool: Tool, document: Document) -> dict[str, Any]:
    schema = document.embed(tool.parameters, tool.name)
    return schema if schema.keys() & {"$ref", "type"} else {"type": "object", **schema}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
