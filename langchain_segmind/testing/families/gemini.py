"""Gemini's format, where ``messages`` is an object of system instruction and contents.

The fields of native tools are read only by a gateway that forwards tools.
"""

import json
import re
from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Literal

from langchain_segmind.testing import checks as check
from langchain_segmind.testing.conversation import (
    Call,
    Media,
    ModelRequest,
    Offer,
    Reply,
    Result,
    Role,
    Tool,
    Turn,
)
from langchain_segmind.testing.families import common

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant"}
_TYPES: dict[Literal["image", "audio", "video", "file"], tuple[str, ...]] = {
    "image": ("png", "jpeg", "webp", "heic", "heif"),
    "audio": (
        *("wav", "mp3", "mpeg", "aiff", "aac", "ogg", "flac"),
        *("mp4", "m4a", "x-m4a", "webm", "opus"),
    ),
    "video": (
        *("mp4", "mpeg", "mpg", "mov", "quicktime", "avi", "x-flv"),
        *("webm", "wmv", "3gpp"),
    ),
}
_KINDS = {f"{kind}/{name}": kind for kind, names in _TYPES.items() for name in names} | {
    "application/pdf": "file"
}
_FUNCTION_NAME = re.compile(r"[a-zA-Z_][\w.-]{0,63}")
_FINISH_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
_UNANSWERED = (
    "Please ensure that the function response parts are as many as the function call parts of the "
    "turn before, and of the same names."
)


def _read_conversation(reading: common.Reading) -> tuple[str, tuple[Turn, ...]]:
    """Read the system instruction as the system text, and the contents as turns."""
    if prompt := common.flat_prompt(reading.body):
        return "", prompt
    messages = reading.body["messages"]
    check.fields(messages, "messages", ["contents"], ["system_instruction"])
    place = "messages.contents"
    turns = tuple(check.each(messages["contents"], place, _turn, reading.forward_tools))
    common.check_answered(turns, attrgetter("name"), _UNANSWERED, _UNANSWERED)
    if "system_instruction" not in messages:
        return "", turns
    where = "messages.system_instruction"
    text = check.field(
        check.field(messages["system_instruction"], where, "parts"), f"{where}.parts", "text"
    )
    return check.some_string(text, f"{where}.parts.text"), turns


def _check_response_format(request: ModelRequest) -> None:
    """Refuse a schema that refers to parts of itself."""
    _refuse_references(request.response_format, "response_format")


def _refuse_references(schema: Any, where: str) -> None:
    if isinstance(schema, dict):
        for key in ("$ref", "$defs"):
            if key in schema:
                check.refuse(f"{where}: {key} is not supported")
    if isinstance(schema, dict | list):
        for value in schema.values() if isinstance(schema, dict) else schema:
            _refuse_references(value, where)


def _turn(value: Any, where: str, forward_tools: bool) -> Turn:
    content = check.fields(value, where, ["role", "parts"])
    role = _ROLES[check.one_of(content["role"], f"{where}.role", _ROLES)]
    return common.turn_of(
        role, check.each(content["parts"], f"{where}.parts", _part, role, forward_tools)
    )


def _part(value: Any, where: str, role: Role, forward_tools: bool) -> common.Part:
    found = check.fields(value, where, optional=None)
    if forward_tools and role == "assistant" and "functionCall" in found:
        return _call(value, where)
    if forward_tools and role == "user" and "functionResponse" in found:
        return _result(value, where)
    if "inlineData" not in found:
        return check.some_string(check.field(value, where, "text"), f"{where}.text")
    place = f"{where}.inlineData"
    inline = check.fields(check.field(value, where, "inlineData"), place, ["mimeType", "data"])
    mime = check.string(inline["mimeType"], f"{place}.mimeType")
    if mime not in _KINDS:
        check.refuse(f"{place}.mimeType: unsupported type {mime!r}")
    kind = _KINDS[mime]
    data = check.decoded(inline["data"], f"{place}.data")
    if kind == "file":
        check.pdf(data, place)
    if kind == "image" and mime not in ("image/heic", "image/heif"):
        check.one_of(check.image_type(data, place), f"{place}.data", list(_KINDS))
    return Media(kind, mime, data)


def _call(value: Any, where: str) -> Call:
    place = f"{where}.functionCall"
    held = check.fields(value, where, ["functionCall"], ["thoughtSignature"])["functionCall"]
    call = check.fields(held, place, ["name"], ["args", "id"])
    name = check.filled_string(call["name"], f"{place}.name")
    arguments = check.fields(call.get("args", {}), f"{place}.args", optional=None)
    return Call(name, arguments, call.get("id"))


def _result(value: Any, where: str) -> Result:
    place = f"{where}.functionResponse"
    held = check.field(value, where, "functionResponse")
    result = check.fields(held, place, ["name", "response"], ["id"])
    name = check.filled_string(result["name"], f"{place}.name")
    response = check.fields(result["response"], f"{place}.response", optional=None)
    text, *more = response.values() or [""]
    if more or not isinstance(text, str):
        text = json.dumps(response, ensure_ascii=False)
    return Result(text, result.get("id"), name, "error" in response)


def _read_offer(body: Mapping[str, Any]) -> Offer | None:
    """Read ``tools`` and ``toolConfig``."""
    if "tools" not in body:
        if "toolConfig" in body:
            check.refuse("toolConfig: function calling config is set without function declarations")
        return None
    key = "functionDeclarations"
    groups = check.each(body["tools"], "tools", check.field, key)
    tools = common.unique_tools(
        tool
        for at, group in enumerate(groups)
        for tool in check.each(group, f"tools[{at}].{key}", _tool)
    )
    where = "toolConfig.functionCallingConfig"
    config = check.fields(body.get("toolConfig", {}), "toolConfig", [], ["functionCallingConfig"])
    chosen = check.fields(
        config.get("functionCallingConfig", {}), where, [], ["mode", "allowedFunctionNames"]
    )
    mode = check.one_of(chosen.get("mode", "AUTO"), f"{where}.mode", ["AUTO", "ANY", "NONE"])
    if "allowedFunctionNames" in chosen:
        place = f"{where}.allowedFunctionNames"
        if mode != "ANY":
            check.refuse(f"{place}: should only be set when the mode is ANY")
        tools = common.narrowed(
            tools, check.filled_list(chosen["allowedFunctionNames"], place), place
        )
    return None if mode == "NONE" else Offer(tools, mode == "ANY")


def _tool(value: Any, where: str) -> Tool:
    spec = check.fields(value, where, ["name"], ["description", "parameters"])
    name = check.string(spec["name"], f"{where}.name")
    if not _FUNCTION_NAME.fullmatch(name):
        check.refuse(f"{where}.name: invalid function name {name!r}")
    parameters = common.check_parameters(spec.get("parameters", {}), f"{where}.parameters")
    _refuse_references(parameters, f"{where}.parameters")
    return Tool(name, spec.get("description") or "", parameters)


def _write_reply(writing: common.Writing) -> dict[str, Any]:
    """Write a reply body. A refusal has no candidates, but a block reason."""
    reply, used = writing.reply, writing.usage
    answer: dict[str, Any] = {"candidates": [_candidate(reply)]}
    if reply.refusal is not None:
        blocked = {"blockReason": "SAFETY", "blockReasonMessage": reply.refusal}
        answer = {"promptFeedback": blocked}
    return {
        **answer,
        "usageMetadata": {
            "promptTokenCount": used.input_tokens,
            "candidatesTokenCount": used.output_tokens,
            "totalTokenCount": used.input_tokens + used.output_tokens,
        },
        "modelVersion": writing.slug,
    }


def _candidate(reply: Reply) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if reply.reasoning is not None:
        parts.append({"text": reply.reasoning, "thought": True})
    if reply.text:
        parts.append({"text": reply.text})
    for call in reply.calls:
        named = {} if call.id is None else {"id": call.id}
        parts.append({"functionCall": {**named, "name": call.name, "args": dict(call.arguments)}})
    return {
        "index": 0,
        "content": {"role": "model", "parts": parts},
        "finishReason": _FINISH_REASONS.get(reply.finish_reason, reply.finish_reason),
    }


_SETTINGS: Mapping[str, check.Rule] = {
    **check.COMMON,
    "temperature": check.number(0, 2),
    "seed": check.whole(),
    "stop": check.text_or_texts(5),
    "stop_sequences": check.texts(5),
    "stopSequences": check.texts(5),
}
FORMAT = common.FamilyFormat(
    _read_conversation, _read_offer, _check_response_format, _SETTINGS, _write_reply
)
