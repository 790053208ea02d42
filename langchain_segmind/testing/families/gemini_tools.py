"""Gemini's own tool fields, read strictly; only a gateway that forwards tools looks at them."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_segmind.testing.checks import (
    fields,
    filled_list,
    filled_string,
    one_of,
    refuse,
    string,
)
from langchain_segmind.testing.conversation import Call, Offer, Result, Tool, Turn
from langchain_segmind.testing.families.common import (
    check_parameters,
    narrowed,
    refuse_references,
    unique_tools,
)

_NAME = re.compile(r"[a-zA-Z_][\w.-]{0,63}")


def read_offer(body: Mapping[str, Any]) -> Offer | None:
    """Read ``tools`` and ``toolConfig``."""
    if "tools" not in body:
        if "toolConfig" in body:
            refuse("toolConfig: function calling config is set without function declarations")
        return None
    listed = filled_list(body["tools"], "tools")
    found = (_tools(item, f"tools[{at}]") for at, item in enumerate(listed))
    tools = unique_tools(tool for group in found for tool in group)
    where = "toolConfig.functionCallingConfig"
    config = fields(body.get("toolConfig", {}), "toolConfig", [], ["functionCallingConfig"])
    chosen = fields(
        config.get("functionCallingConfig", {}), where, [], ["mode", "allowedFunctionNames"]
    )
    mode = one_of(chosen.get("mode", "AUTO"), f"{where}.mode", ["AUTO", "ANY", "NONE"])
    if "allowedFunctionNames" in chosen:
        place = f"{where}.allowedFunctionNames"
        if mode != "ANY":
            refuse(f"{place}: should only be set when the mode is ANY")
        tools = narrowed(tools, filled_list(chosen["allowedFunctionNames"], place), place)
    return None if mode == "NONE" else Offer(tools, mode == "ANY")


def read_call(value: Any, where: str) -> Call:
    """Read a ``functionCall`` part."""
    place = f"{where}.functionCall"
    held = fields(value, where, ["functionCall"], ["thoughtSignature"])["functionCall"]
    call = fields(held, place, ["name"], ["args", "id"])
    name = filled_string(call["name"], f"{place}.name")
    arguments = fields(call.get("args", {}), f"{place}.args", optional=None)
    return Call(name, arguments, call.get("id"))


def read_result(value: Any, where: str) -> Result:
    """Read a ``functionResponse`` part."""
    place = f"{where}.functionResponse"
    held = fields(value, where, ["functionResponse"])["functionResponse"]
    result = fields(held, place, ["name", "response"], ["id"])
    name = filled_string(result["name"], f"{place}.name")
    response = fields(result["response"], f"{place}.response", optional=None)
    text, *more = response.values() or [""]
    if more or not isinstance(text, str):
        text = json.dumps(response, ensure_ascii=False)
    return Result(text, result.get("id"), name, "error" in response)


def check_answered(turns: Iterable[Turn]) -> None:
    """Refuse a conversation in which calls and results of neighbouring turns do not match."""
    asked: list[str] = []
    for turn in turns:
        if sorted(str(result.name) for result in turn.results) != sorted(asked):
            refuse(_UNANSWERED)
        asked = [call.name for call in turn.calls]
    if asked:
        refuse(_UNANSWERED)


_UNANSWERED = (
    "Please ensure that the function response parts are as many as the function call parts of the "
    "turn before, and of the same names."
)


def write_call(call: Call) -> dict[str, Any]:
    """Write a call."""
    named = {} if call.id is None else {"id": call.id}
    return {"functionCall": {**named, "name": call.name, "args": dict(call.arguments)}}


def _tools(value: Any, where: str) -> list[Tool]:
    place = f"{where}.functionDeclarations"
    held = fields(value, where, ["functionDeclarations"])["functionDeclarations"]
    return [_tool(item, f"{place}[{at}]") for at, item in enumerate(filled_list(held, place))]


def _tool(value: Any, where: str) -> Tool:
    spec = fields(value, where, ["name"], ["description", "parameters"])
    name = string(spec["name"], f"{where}.name")
    if not _NAME.fullmatch(name):
        refuse(f"{where}.name: invalid function name {name!r}")
    parameters = check_parameters(spec.get("parameters", {}), f"{where}.parameters")
    refuse_references(parameters, f"{where}.parameters")
    return Tool(name, spec.get("description") or "", parameters)
