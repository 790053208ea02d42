"""What every format is given to read and to write, and the fields they all share."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_segmind.testing.checks import fields, filled_string, one_of, refuse, shown
from langchain_segmind.testing.conversation import ModelRequest, Reply, Tool, Turn, Usage
from langchain_segmind.testing.directory import Model

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

# The gateway drops these without a word, unless it forwards tools; they are no settings either.
_DROPPED = frozenset(
    {"tools", "tool_choice", "parallel_tool_calls", "toolConfig", "stream", "stream_options"}
)


@dataclass(frozen=True)
class Reading:
    """A request to read.

    Attributes:
        model: The model asked.
        body: The JSON object sent.
        unfetchable: Hosts the gateway cannot fetch pictures from.
        forward_tools: Whether the family's own tool fields are read.
    """

    model: Model
    body: Mapping[str, Any]
    unfetchable: Collection[str] = ()
    forward_tools: bool = False


@dataclass(frozen=True)
class Writing:
    """A reply to write.

    Attributes:
        slug: The model that answered.
        reply: Its answer.
        usage: What it counted.
        run_id: The name of this run, for formats that give their replies an id.
        stopped_by: The stop sequence that ended the answer, if one did.
        choices: How many answers were asked for.
    """

    slug: str
    reply: Reply
    usage: Usage
    run_id: str
    stopped_by: str | None = None
    choices: int = 1


def settings_of(body: Mapping[str, Any], *own: str) -> dict[str, Any]:
    """Take the settings out of a body: all but the family's own fields and what is dropped."""
    left_out = {*own, "messages", "prompt", "response_format", *_DROPPED}
    return {key: value for key, value in body.items() if key not in left_out}


def flat_prompt(body: Mapping[str, Any]) -> tuple[Turn, ...] | None:
    """Read the ``prompt`` that may stand in for ``messages``."""
    if "messages" in body:
        return None
    if "prompt" not in body:
        refuse("missing field 'messages'")
    return (Turn("user", filled_string(body["prompt"], "prompt")),)


def response_format(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read ``response_format``, which is written OpenAI's way for every family."""
    if "response_format" not in body:
        return None
    where = "response_format"
    value = fields(body[where], where, ["type"], None)
    kind = one_of(value["type"], f"{where}.type", ["text", "json_object", "json_schema"])
    if kind == "json_schema":
        _check_schema(fields(value, where, ["type", "json_schema"])["json_schema"], where)
    else:
        fields(value, where, ["type"])
    return value


def _check_schema(value: Any, where: str) -> None:
    place = f"{where}.json_schema"
    spec = fields(value, place, ["name", "schema"], ["strict", "description"])
    if not isinstance(spec["name"], str) or not _NAME.fullmatch(spec["name"]):
        refuse(f"{place}.name: expected 1 to 64 letters, digits, dashes and underscores")
    fields(spec["schema"], f"{place}.schema", optional=None)
    if not isinstance(spec.get("strict", False), bool | None):
        refuse(f"{place}.strict: expected a boolean")


def refuse_references(schema: Any, where: str) -> None:
    """Refuse a schema that refers to parts of itself."""
    match schema:
        case dict():
            for key in ("$ref", "$defs"):
                if key in schema:
                    refuse(f"{where}: {key} is not supported")
            for value in schema.values():
                refuse_references(value, where)
        case list():
            for value in schema:
                refuse_references(value, where)


def check_parameters(schema: Any, where: str) -> dict[str, Any]:
    """Check that the schema of a tool's arguments is one of an object, or empty."""
    found = fields(schema, where, optional=None)
    if found and found.get("type", "object") != "object":
        refuse(f"{where}.type: expected 'object', got {shown(found['type'])}")
    return found


def unique_tools(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """Check that no two tools have the same name."""
    found = tuple(tools)
    names = [tool.name for tool in found]
    if twice := [name for name in names if names.count(name) > 1]:
        refuse(f"tools: tool names must be unique, but '{twice[0]}' is not")
    return found


def narrowed(tools: tuple[Tool, ...], names: Sequence[Any], where: str) -> tuple[Tool, ...]:
    """Keep the tools of these names, all of which must exist."""
    if unknown := [name for name in names if name not in {tool.name for tool in tools}]:
        refuse(f"{where}: {shown(unknown[0])} is not one of the tools")
    return tuple(tool for tool in tools if tool.name in names)


def finish_reason(reply: Reply) -> str:
    """Tell why a reply ended, in OpenAI's words; one with calls ends to have them made."""
    calls = reply.calls and reply.finish_reason == "stop"
    return "tool_calls" if calls else reply.finish_reason


def valid_name(value: Any) -> bool:
    """Tell whether a value can be a speaker's name."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def asks_for_json_object(request: ModelRequest) -> bool:
    """Tell whether the reply must be some JSON object."""
    return (request.response_format or {}).get("type") == "json_object"
