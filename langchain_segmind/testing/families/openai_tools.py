"""OpenAI's own tool fields, read strictly; only a gateway that forwards tools looks at them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_segmind.testing.checks import fields, filled_list, filled_string, one_of, refuse
from langchain_segmind.testing.conversation import Call, Offer, Tool, Turn
from langchain_segmind.testing.families.common import (
    check_parameters,
    narrowed,
    unique_tools,
    valid_name,
)

_CHOICES = ("auto", "none", "required")


def read_offer(body: Mapping[str, Any]) -> Offer | None:
    """Read ``tools``, ``tool_choice`` and ``parallel_tool_calls``."""
    if "tools" not in body:
        for name in ("tool_choice", "parallel_tool_calls"):
            if name in body:
                refuse(f"'{name}' is only allowed when 'tools' are specified")
        return None
    listed = filled_list(body["tools"], "tools")
    tools = unique_tools(_tool(item, f"tools[{at}]") for at, item in enumerate(listed))
    parallel = body.get("parallel_tool_calls", True)
    if not isinstance(parallel, bool):
        refuse("parallel_tool_calls: expected a boolean")
    most = None if parallel else 1
    choice = body.get("tool_choice", "auto")
    if isinstance(choice, str):
        kind = one_of(choice, "tool_choice", _CHOICES)
        return None if kind == "none" else Offer(tools, kind == "required", most)
    one_of(fields(choice, "tool_choice", ["type"], None)["type"], "tool_choice.type", ["function"])
    named = fields(choice, "tool_choice", ["type", "function"])["function"]
    name = fields(named, "tool_choice.function", ["name"])["name"]
    return Offer(narrowed(tools, [name], "tool_choice.function.name"), forced=True, most=most)


def read_calls(value: Any, where: str) -> tuple[Call, ...]:
    """Read the ``tool_calls`` of an assistant's message."""
    listed = filled_list(value, where)
    return tuple(_call(item, f"{where}[{at}]") for at, item in enumerate(listed))


def check_answered(turns: Iterable[Turn]) -> None:
    """Refuse a conversation in which a call is not answered, or an answer has no call."""
    open_ids: set[str | None] = set()
    for at, turn in enumerate(turns):
        for result in turn.results:
            if result.id not in open_ids:
                refuse(
                    f"messages[{at}]: messages with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'"
                )
            open_ids.discard(result.id)
        if not turn.results and open_ids:
            refuse(_UNANSWERED)
        open_ids |= {call.id for call in turn.calls}
    if open_ids:
        refuse(_UNANSWERED)


_UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
    "'tool_call_id'."
)


def write_call(call: Call, number: int, run_id: str) -> dict[str, Any]:
    """Write a call."""
    return {
        "id": call.id or f"call_{run_id[:16]}{number}",
        "type": "function",
        "function": {
            "name": call.name,
            "arguments": json.dumps(dict(call.arguments), ensure_ascii=False),
        },
    }


def _tool(value: Any, where: str) -> Tool:
    one_of(fields(value, where, ["type"], None)["type"], f"{where}.type", ["function"])
    place = f"{where}.function"
    spec = fields(
        fields(value, where, ["type", "function"])["function"],
        place,
        ["name"],
        ["description", "parameters", "strict"],
    )
    if not valid_name(spec["name"]):
        refuse(f"{place}.name: expected 1 to 64 letters, digits, dashes and underscores")
    if not isinstance(spec.get("strict"), bool | None):
        refuse(f"{place}.strict: expected a boolean")
    parameters = check_parameters(spec.get("parameters", {}), f"{place}.parameters")
    return Tool(spec["name"], spec.get("description") or "", parameters)


def _call(value: Any, where: str) -> Call:
    call = fields(value, where, ["id", "type", "function"])
    one_of(call["type"], f"{where}.type", ["function"])
    held = fields(call["function"], f"{where}.function", ["name", "arguments"])
    place = f"{where}.function.arguments"
    try:
        arguments = json.loads(filled_string(held["arguments"], place))
    except ValueError:
        refuse(f"{place}: expected JSON")
    name = filled_string(held["name"], f"{where}.function.name")
    call_id = filled_string(call["id"], f"{where}.id")
    return Call(name, fields(arguments, place, optional=None), call_id)
