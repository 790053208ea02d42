"""Read one tool call out of the JSON that a model wrote for it.

Models name and nest the arguments in many ways. Read as a call is only what has one meaning; all
else is an invalid call, which keeps the text and is never run. In particular, arguments that stand
in an unexpected place must not turn into a call that runs with the tool's defaults.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from langchain_segmind._messages.json_schema import restore_types
from langchain_segmind._messages.types import Tool, ToolCall, parse_call
from langchain_segmind._tool_emulation.json_repair import parse_json

Tools = Mapping[str, Tool]
"""The tools on offer by name."""

_NAME_KEYS: Final = ("tool", "tool_name", "function", "function_name", "action")
_ARGUMENT_KEYS: Final = ("arguments", "args", "parameters", "input", "tool_input", "action_input")
_TYPES: Final = ("function", "tool_call", "tool_use", "function_call", "call", "tool", None)
_BOOKKEEPING: Final = frozenset({"id", "type", "index", "call_id", "status"})


def call_from(item: Any, tools: Tools) -> ToolCall:
    """Read one of the calls in an envelope; whatever it is, it becomes a call, if an invalid one.

    Args:
        item: A JSON value, in our form or OpenAI's.
        tools: The tools on offer.
    """
    fields = _fields(item)
    if fields is None:
        return ToolCall("", _text(item), error="This is not a tool call.")
    name = resolve_name(fields.get("name"), tools)
    rest = {key: value for key, value in fields.items() if key != "name"}
    key, arguments = _arguments(rest, _properties(tools.get(name)))
    given = fields.get("id") or fields.get("call_id")
    if key is None:
        error = "The arguments do not stand under 'arguments'."
        return ToolCall(name, _text(rest), given if isinstance(given, str) else None, error)
    return checked(_parse(name or fields.get("name"), arguments, given), tools)


def is_call(item: Any) -> bool:
    """Whether a JSON value has the fields of a call, of whatever tool."""
    is_named = isinstance(item, dict) and isinstance(item.get("name"), str)
    return is_named and not item.keys().isdisjoint(_ARGUMENT_KEYS)


def without_arguments(call: ToolCall, tools: Tools) -> bool:
    """Whether a call that could have arguments has none, so that it would use the defaults."""
    return not call.arguments and bool(_properties(tools.get(call.name)))


def suspected(call: ToolCall, text: str) -> ToolCall:
    """Make a call without arguments invalid, because arguments stand beside it.

    Args:
        call: The call.
        text: What stands beside it.
    """
    error = "The arguments do not stand within the call."
    return replace(call, arguments=text or "{", error=error)


def lone_call_from(value: Any, tools: Tools) -> ToolCall | None:
    """Read a JSON value that stands alone as a call, only if it names a tool on offer."""
    fields = _fields(value)
    if fields is None or resolve_name(fields.get("name"), tools) not in tools:
        return None
    return call_from(value, tools)


def named_call_from(name: str, body: Any, text: str, tools: Tools) -> ToolCall:
    """Read the content of an element that names its tool.

    Args:
        name: The tool's name, as the element has it.
        body: The parsed content; anything but an object makes the call invalid.
        text: The content as it was written.
        tools: The tools on offer.
    """
    known = resolve_name(name, tools) or name
    properties = _properties(tools.get(known))
    wraps_a_call = (
        isinstance(body, dict)
        and resolve_name(body.get("name"), tools) == known
        and not properties.keys() & {"name", *_ARGUMENT_KEYS}
    )
    if wraps_a_call:
        return call_from(body, tools)
    return checked(_parse(known, body if isinstance(body, dict | str) else text, None), tools)


def _parse(name: Any, arguments: Any, call_id: Any) -> ToolCall:
    """Make a call, of arguments that may be JSON in a text, and slightly broken."""
    parsed = parse_json(arguments) if isinstance(arguments, str) else arguments
    return parse_call(name, parsed if isinstance(parsed, dict) else arguments, call_id)


def resolve_name(name: Any, tools: Tools) -> str:
    """Return the tool that a model means by a name: GPT's `functions.search` is `search`."""
    if not isinstance(name, str):
        return ""
    plain = name.strip().removeprefix("functions.")
    return plain if name not in tools and plain in tools else name


def checked(call: ToolCall, tools: Tools) -> ToolCall:
    """Make a call invalid that would run with defaults in the place of what the model wrote.

    So is one with a number that is not finite, which could not be sent back as a past call.
    LangChain's tools ignore arguments that they do not know. Where a tool requires some, the call
    means something without the unknown ones; where it does not, it would run with its defaults.
    """
    tool, given = tools.get(call.name), call.arguments
    properties = _properties(tool)
    if isinstance(given, Mapping) and not _is_finite(given):
        error = "The arguments hold a number that JSON does not have."
        return replace(call, arguments=_text(dict(given)), error=error)
    if tool is None or not properties or not isinstance(given, Mapping):
        return call
    given = restore_types(dict(given), tool.parameters)
    call = replace(call, arguments=given)
    unknown = given.keys() - properties.keys()
    is_open = tool.parameters.get("additionalProperties") not in (None, False)
    if (
        not unknown
        or is_open
        or tool.parameters.get("required")
        or given.keys() >= properties.keys()
    ):
        return call
    error = f"These are not arguments of {call.name!r}: {', '.join(sorted(unknown))[:200]}."
    return replace(call, arguments=_text(dict(given)), error=error)


def bare_arguments_from(value: Mapping[str, Any], tool: Tool) -> ToolCall | None:
    """Read the arguments of the one tool that had to be called, without anything around them."""
    required = tool.parameters.get("required")
    wanted = set(required) if isinstance(required, list | tuple) else set()
    fits = wanted <= value.keys() <= _properties(tool).keys()
    if not fits or not value:
        return None
    return ToolCall(tool.name, restore_types(dict(value), tool.parameters))


def _fields(item: Any) -> dict[str, Any] | None:
    """Return the fields of a call, with those of OpenAI's `function` and its name as `name`."""
    if not isinstance(item, dict):
        return None
    inner = item.get("function")
    if not isinstance(inner, dict):
        keys = [key for key in _NAME_KEYS if isinstance(item.get(key), str)]
        if "name" in item or len(keys) != 1 or item.keys().isdisjoint(_ARGUMENT_KEYS):
            return item
        return {"name" if key == keys[0] else key: value for key, value in item.items()}
    outer = {key: value for key, value in item.items() if key != "function"}
    return None if outer.keys() & inner.keys() - _BOOKKEEPING else {**outer, **inner}


def _arguments(rest: Mapping[str, Any], properties: Mapping[str, Any]) -> tuple[str | None, Any]:
    """Find a call's arguments among the fields beside its name.

    Returns:
        Where they stand, and what they are; None where there are fields that cannot be understood.
    """
    keys = [key for key in _ARGUMENT_KEYS if key in rest]
    others = rest.keys() - set(_ARGUMENT_KEYS)
    if any(isinstance(rest[key], dict | list) for key in others - properties.keys()):
        return None, None
    if len(keys) == 1 and others <= _BOOKKEEPING:
        value = rest[keys[0]]
        if keys[0] in properties and not others and not _are_arguments(value, properties):
            return keys[0], dict(rest)
        is_empty = value in (None, "", {})
        return (None, None) if is_empty and others & properties.keys() else (keys[0], value)
    if not keys and rest.keys() <= {"type"} - properties.keys():
        return ("", {}) if rest.get("type") in _TYPES else (None, None)
    if rest.keys() <= properties.keys():
        return "", dict(rest)
    return None, None


def _are_arguments(value: Any, properties: Mapping[str, Any]) -> bool:
    """Whether the value of a key that is also a property holds the arguments themselves."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return False
    return isinstance(value, dict) and value.keys() <= properties.keys()


def _properties(tool: Tool | None) -> Mapping[str, Any]:
    properties = None if tool is None else tool.parameters.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _is_finite(value: Any) -> bool:
    """Whether a value of JSON holds no NaN and no infinite number, which cannot be sent back."""
    try:
        json.dumps(value, allow_nan=False, default=dict)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=repr)
