"""OpenAI's chat format, as every family but Claude and Gemini takes it.

The fields of native tools are read only by a gateway that forwards tools.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

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

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,(.*)", re.DOTALL)
_UNASKED = (
    "messages[{at}]: messages with role 'tool' must be a response to a preceding message with "
    "'tool_calls'"
)
_UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
    "'tool_call_id'."
)


def _read_conversation(reading: common.Reading) -> tuple[str, tuple[Turn, ...]]:
    """Read the leading system messages as the system text, and the other messages as turns."""
    body = reading.body
    turns = common.flat_prompt(body) or tuple(
        check.each(body["messages"], "messages", _turn, reading)
    )
    common.check_answered(turns, attrgetter("id"), _UNASKED, _UNANSWERED)
    leading = next((at for at, turn in enumerate(turns) if turn.role != "system"), len(turns))
    return "\n\n".join(turn.text for turn in turns[:leading]), turns[leading:]


def _check_response_format(request: ModelRequest) -> None:
    """Refuse to write JSON where no message has the word in it."""
    texts = [request.system, *(turn.text for turn in request.turns)]
    if common.asks_for_json_object(request) and not any("json" in text.lower() for text in texts):
        check.refuse(
            "'messages' must contain the word 'json' in some form, to use "
            "'response_format' of type 'json_object'."
        )


def _turn(value: Any, where: str, reading: common.Reading) -> Turn:
    if reading.forward_tools and isinstance(value, dict):
        if value.get("role") == "tool":
            return _result(value, where, reading)
        if value.get("role") == "assistant" and "tool_calls" in value:
            rest = {key: held for key, held in value.items() if key != "tool_calls"}
            turn = _turn({**rest, "content": value.get("content") or ""}, where, reading)
            calls = check.each(value["tool_calls"], f"{where}.tool_calls", _call)
            return replace(turn, calls=tuple(calls))
    message = check.fields(value, where, ["role", "content"], ["name"])
    role = _ROLES[check.one_of(message["role"], f"{where}.role", _ROLES)]
    name = check.name_string(message["name"], f"{where}.name") if "name" in message else None
    content = message["content"]
    if isinstance(content, str):
        return Turn(role, content, name=name)
    turn = common.turn_of(role, check.each(content, f"{where}.content", _part, reading), name)
    if turn.media and role != "user":
        check.refuse(f"{where}.content: only messages with role 'user' can contain media")
    return turn


def _result(value: dict[str, Any], where: str, reading: common.Reading) -> Turn:
    content = check.field(value, where, "content", "role", "tool_call_id")
    turn = _turn({"role": "user", "content": content}, where, reading)
    if turn.media:
        check.refuse(f"{where}.content: the content of a tool message must be text")
    result = Result(turn.text, check.filled_string(value["tool_call_id"], f"{where}.tool_call_id"))
    return Turn("user", "", results=(result,))


def _part(value: Any, where: str, reading: common.Reading) -> str | Media:
    kind = check.type_of(value, where, "text", "image_url", "input_audio", "file")
    held = check.field(value, where, kind, "type")
    place = f"{where}.{kind}"
    match kind:
        case "text":
            return check.string(held, place)
        case "image_url":
            return _image(check.fields(held, place, ["url"], ["detail"]), place, reading)
        case "input_audio":
            check.fields(held, place, ["data", "format"])
            form = check.one_of(held["format"], f"{place}.format", ["wav", "mp3"])
            return Media("audio", f"audio/{form}", check.decoded(held["data"], f"{place}.data"))
        case _:
            return _file(check.fields(held, place, ["file_data"], ["filename"]), place)


def _image(held: dict[str, Any], where: str, reading: common.Reading) -> Media:
    if reading.model.images is False:
        check.refuse(f"{where}: the model {reading.model.slug} does not take images")
    if "detail" in held:
        check.one_of(held["detail"], f"{where}.detail", ["auto", "low", "high"])
    url = check.string(held["url"], f"{where}.url")
    if inline := _DATA_URI.fullmatch(url):
        if not inline[1].startswith("image/"):
            check.refuse(f"{where}.url: invalid MIME type, only image types are supported")
        data = check.decoded(inline[2], f"{where}.url")
        return Media("image", check.image_type(data, f"{where}.url"), data)
    return Media("image", url=_web_address(url, f"{where}.url", reading))


def _web_address(url: str, where: str, reading: common.Reading) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        check.refuse(f"{where}: not a valid URL")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        check.refuse(f"{where}: expected an http(s) URL or a base64 data URI")
    if parts.hostname in reading.unfetchable:
        check.refuse(f"{where}: failed to fetch the image from {parts.hostname}")
    return url


def _file(held: dict[str, Any], where: str) -> Media:
    if "filename" in held:
        check.string(held["filename"], f"{where}.filename")
    place = f"{where}.file_data"
    inline = _DATA_URI.fullmatch(check.string(held["file_data"], place))
    if inline is None:
        check.refuse(f"{place}: expected a base64 data URI")
    mime = check.one_of(inline[1], f"{place}: MIME type", ["application/pdf"])
    return Media("file", mime, check.pdf(check.decoded(inline[2], place), place))


def _read_offer(body: Mapping[str, Any]) -> Offer | None:
    """Read ``tools``, ``tool_choice`` and ``parallel_tool_calls``."""
    if "tools" not in body:
        for name in ("tool_choice", "parallel_tool_calls"):
            if name in body:
                check.refuse(f"'{name}' is only allowed when 'tools' are specified")
        return None
    tools = common.unique_tools(check.each(body["tools"], "tools", _tool))
    parallel = check.boolean(body.get("parallel_tool_calls", True), "parallel_tool_calls")
    most = None if parallel else 1
    where, choice = "tool_choice", body.get("tool_choice", "auto")
    if isinstance(choice, str):
        kind = check.one_of(choice, where, ("auto", "none", "required"))
        return None if kind == "none" else Offer(tools, kind == "required", most)
    check.type_of(choice, where, "function")
    place = f"{where}.function"
    chosen = check.field(check.field(choice, where, "function", "type"), place, "name")
    return Offer(common.narrowed(tools, [chosen], f"{place}.name"), forced=True, most=most)


def _tool(value: Any, where: str) -> Tool:
    check.type_of(value, where, "function")
    place = f"{where}.function"
    spec = check.field(value, where, "function", "type")
    check.fields(spec, place, ["name"], ["description", "parameters", "strict"])
    name = check.name_string(spec["name"], f"{place}.name")
    common.check_strict(spec, place)
    parameters = common.check_parameters(spec.get("parameters", {}), f"{place}.parameters")
    return Tool(name, spec.get("description") or "", parameters)


def _call(value: Any, where: str) -> Call:
    call = check.fields(value, where, ["id", "type", "function"])
    check.type_of(call, where, "function")
    held = check.fields(call["function"], f"{where}.function", ["name", "arguments"])
    place = f"{where}.function.arguments"
    try:
        arguments = json.loads(check.filled_string(held["arguments"], place))
    except ValueError:
        check.refuse(f"{place}: expected JSON")
    name = check.filled_string(held["name"], f"{where}.function.name")
    call_id = check.filled_string(call["id"], f"{where}.id")
    return Call(name, check.fields(arguments, place, optional=None), call_id)


def _write_reply(writing: common.Writing) -> dict[str, Any]:
    """Write a reply body."""
    used = writing.usage
    message = _message(writing.reply, writing.run_id)
    return {
        "id": f"chatcmpl-{writing.run_id}",
        "object": "chat.completion",
        "model": writing.slug,
        "choices": [
            {"index": at, "message": message, "finish_reason": common.finish_reason(writing.reply)}
            for at in range(writing.choices)
        ],
        "usage": {
            "prompt_tokens": used.input_tokens,
            "completion_tokens": used.output_tokens,
            "total_tokens": used.input_tokens + used.output_tokens,
        },
    }


def _message(reply: Reply, run_id: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.refusal is not None:
        message |= {"content": reply.text or None, "refusal": reply.refusal}
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        calls = [_written_call(call, at, run_id) for at, call in enumerate(reply.calls)]
        message |= {"content": reply.text or None, "tool_calls": calls}
    return message


def _written_call(call: Call, number: int, run_id: str) -> dict[str, Any]:
    arguments = json.dumps(dict(call.arguments), ensure_ascii=False)
    return {
        "id": call.id or f"call_{run_id[:16]}{number}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


_SETTINGS: Mapping[str, check.Rule] = {
    **check.COMMON,
    "temperature": check.number(0, 2),
    "max_completion_tokens": check.whole(1),
    "n": check.whole(1, 8),
    "seed": check.whole(),
    "presence_penalty": check.number(-2, 2),
    "frequency_penalty": check.number(-2, 2),
    "stop": check.text_or_texts(4),
    "reasoning_effort": check.words("none", "minimal", "low", "medium", "high", "xhigh"),
}
FORMAT = common.FamilyFormat(
    _read_conversation, _read_offer, _check_response_format, _SETTINGS, _write_reply
)
