"""Anthropic's own tool fields, read strictly; only a gateway that forwards tools looks at them."""

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

_CHOICES = ("auto", "any", "tool", "none")


def read_offer(body: Mapping[str, Any]) -> Offer | None:
    """Read ``tools`` and ``tool_choice``."""
    if "tools" not in body:
        if "tool_choice" in body:
            refuse("tool_choice: may only be specified while providing tools")
        return None
    listed = filled_list(body["tools"], "tools")
    tools = unique_tools(_tool(item, f"tools.{at}") for at, item in enumerate(listed))
    where = "tool_choice"
    choice = fields(body.get(where, {"type": "auto"}), where, ["type"], None)
    kind = one_of(choice["type"], f"{where}.type", _CHOICES)
    if kind == "none":
        fields(choice, where, ["type"])
        return None
    required = ["type", "name"] if kind == "tool" else ["type"]
    alone = fields(choice, where, required, ["disable_parallel_tool_use"]).get(
        "disable_parallel_tool_use", False
    )
    if not isinstance(alone, bool):
        refuse(f"{where}.disable_parallel_tool_use: expected a boolean")
    if kind == "tool":
        tools = narrowed(tools, [choice["name"]], f"{where}.name")
    return Offer(tools, kind != "auto", 1 if alone else None)


def read_call(value: Any, where: str) -> Call:
    """Read a ``tool_use`` block."""
    block = fields(value, where, ["type", "id", "name", "input"])
    name = filled_string(block["name"], f"{where}.name")
    call_id = filled_string(block["id"], f"{where}.id")
    return Call(name, fields(block["input"], f"{where}.input", optional=None), call_id)


def check_answered(turns: Iterable[Turn], offered: bool) -> None:
    """Refuse a conversation in which calls and results of neighbouring turns do not match."""
    asked: set[str | None] = set()
    for at, turn in enumerate(turns):
        answered = {result.id for result in turn.results}
        if unasked := sorted(map(str, answered - asked)):
            refuse(
                f"messages.{at}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{unasked[0]}. Each `tool_result` block must have a corresponding `tool_use` "
                "block in the previous message."
            )
        if asked - answered:
            refuse(_UNANSWERED.format(at=at - 1))
        asked = {call.id for call in turn.calls}
        if (turn.calls or turn.results) and not offered:
            refuse("Requests which include `tool_use` or `tool_result` blocks must define tools")
    if asked:
        refuse(_UNANSWERED.format(at="last"))


_UNANSWERED = (
    "messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after. "
    "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
)


def write_call(call: Call, number: int, run_id: str) -> dict[str, Any]:
    """Write a call."""
    return {
        "type": "tool_use",
        "id": call.id or f"toolu_{run_id[:16]}{number}",
        "name": call.name,
        "input": dict(call.arguments),
    }


def _tool(value: Any, where: str) -> Tool:
    spec = fields(value, where, ["name", "input_schema"], ["description", "type", "strict"])
    if not valid_name(spec["name"]):
        refuse(f"{where}.name: expected 1 to 64 letters, digits, dashes and underscores")
    if "type" in spec:
        one_of(spec["type"], f"{where}.type", ["custom"])
    place = f"{where}.input_schema"
    schema = check_parameters(spec["input_schema"], place)
    one_of(fields(schema, place, ["type"], None)["type"], f"{place}.type", ["object"])
    return Tool(spec["name"], spec.get("description") or "", schema)
