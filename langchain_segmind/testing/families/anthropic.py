"""Anthropic's messages format, as Claude takes it behind this gateway.

The fields of native tools are read only by a gateway that forwards tools.
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

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

_PLACE = "{}.{}"  # how Anthropic names an item of a list
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
_TOOL_BLOCKS: dict[Role, tuple[str, ...]] = {"user": ("tool_result",), "assistant": ("tool_use",)}
_IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_PDF = "application/pdf"
_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_UNASKED = (
    "messages.{at}: unexpected `tool_use_id` found in `tool_result` blocks: {key}. Each "
    "`tool_result` block must have a corresponding `tool_use` block in the previous message."
)
_UNANSWERED = (
    "messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after. "
    "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
)


def _read_conversation(reading: common.Reading) -> tuple[str, tuple[Turn, ...]]:
    """Read ``instruction`` as the system text, and the messages as turns."""
    body = reading.body
    system = (
        check.filled_string(body["instruction"], "instruction") if "instruction" in body else ""
    )
    turns = common.flat_prompt(body) or tuple(
        check.each(body["messages"], "messages", _turn, reading.forward_tools, place=_PLACE)
    )
    for at, turn in enumerate(turns):
        if turn.role != ("user", "assistant")[at % 2]:
            check.refuse(
                f"messages.{at}: roles must alternate between 'user' and 'assistant', "
                "beginning with 'user'"
            )
    last = turns[-1]
    if last.role == "assistant" and not last.calls and last.text != last.text.rstrip():
        check.refuse("messages: final assistant content cannot end with trailing whitespace")
    if "tools" not in body and any(turn.calls or turn.results for turn in turns):
        check.refuse("Requests which include `tool_use` or `tool_result` blocks must define tools")
    common.check_answered(turns, attrgetter("id"), _UNASKED, _UNANSWERED)
    return system, turns


def _check_response_format(request: ModelRequest) -> None:
    """Refuse ``json_object``, which Claude does not know."""
    if common.asks_for_json_object(request):
        check.refuse(
            "response_format: 'json_object' is not supported for Claude, use 'json_schema'"
        )


def _turn(value: Any, where: str, forward_tools: bool) -> Turn:
    message = check.fields(value, where, ["role", "content"])
    role = _ROLES[check.one_of(message["role"], f"{where}.role", _ROLES)]
    content = message["content"]
    if isinstance(content, str):
        return Turn(role, check.filled_string(content, f"{where}.content"))
    tool_blocks = _TOOL_BLOCKS[role] if forward_tools else ()
    blocks = check.each(content, f"{where}.content", _parts, *tool_blocks, place=_PLACE)
    turn = common.turn_of(role, [part for block in blocks for part in block])
    if turn.media and role == "assistant":
        check.refuse(f"{where}.content: the content of an assistant's message must be text")
    is_result = [block["type"] == "tool_result" for block in content]
    if is_result != sorted(is_result, reverse=True):
        check.refuse(f"{where}.content: tool_result blocks must come before all others")
    return turn


def _parts(value: Any, where: str, *tool_blocks: str) -> list[common.Part]:
    """Read a block: a result of a tool may show images, every other block is one part."""
    kind = check.type_of(value, where, "text", "image", "document", *tool_blocks)
    if kind == "text":
        return [check.filled_string(check.field(value, where, "text", "type"), f"{where}.text")]
    if kind == "tool_use":
        return [_call(value, where)]
    return _result(value, where) if kind == "tool_result" else [_media(value, where, kind)]


def _call(value: Any, where: str) -> Call:
    block = check.fields(value, where, ["type", "id", "name", "input"])
    name = check.filled_string(block["name"], f"{where}.name")
    call_id = check.filled_string(block["id"], f"{where}.id")
    return Call(name, check.fields(block["input"], f"{where}.input", optional=None), call_id)


def _result(value: Any, where: str) -> list[common.Part]:
    block = check.fields(value, where, ["type", "tool_use_id"], ["content", "is_error"])
    call_id = check.filled_string(block["tool_use_id"], f"{where}.tool_use_id")
    failed = check.boolean(block.get("is_error", False), f"{where}.is_error")
    content = block.get("content", "")
    if isinstance(content, str):
        return [Result(content, call_id, failed=failed)]
    blocks = check.each(content, f"{where}.content", _parts, place=_PLACE)
    held = common.turn_of("user", [part for block in blocks for part in block])
    return [Result(held.text, call_id, failed=failed), *held.media]


def _media(value: Any, where: str, kind: str) -> Media:
    optional = ["title", "context"] if kind == "document" else []
    source = check.fields(value, where, ["type", "source"], optional)["source"]
    for name in value.keys() & set(optional):
        check.filled_string(value[name], f"{where}.{name}")
    place = f"{where}.source"
    check.type_of(source, place, "base64")
    check.fields(source, place, ["type", "media_type", "data"])
    types = _IMAGE_TYPES if kind == "image" else (_PDF,)
    declared = check.one_of(source["media_type"], f"{place}.media_type", types)
    data = check.decoded(source["data"], f"{place}.data")
    if kind == "document":
        return Media("file", _PDF, check.pdf(data, f"{place}.data"))
    actual = check.image_type(data, f"{place}.data")
    if actual != declared:
        check.refuse(f"{place}.media_type: the image was declared {declared} but is {actual}")
    return Media("image", declared, data)


def _read_offer(body: Mapping[str, Any]) -> Offer | None:
    """Read ``tools`` and ``tool_choice``."""
    where = "tool_choice"
    if "tools" not in body:
        if where in body:
            check.refuse("tool_choice: may only be specified while providing tools")
        return None
    tools = common.unique_tools(check.each(body["tools"], "tools", _tool, place=_PLACE))
    choice = body.get(where, {"type": "auto"})
    kind = check.type_of(choice, where, "auto", "any", "tool", "none")
    if kind == "none":
        check.fields(choice, where, ["type"])
        return None
    required = ["type", "name"] if kind == "tool" else ["type"]
    key = "disable_parallel_tool_use"
    alone = check.boolean(
        check.fields(choice, where, required, [key]).get(key, False), f"{where}.{key}"
    )
    if kind == "tool":
        tools = common.narrowed(tools, [choice["name"]], f"{where}.name")
    return Offer(tools, kind != "auto", 1 if alone else None)


def _tool(value: Any, where: str) -> Tool:
    spec = check.fields(value, where, ["name", "input_schema"], ["description", "type", "strict"])
    name = check.name_string(spec["name"], f"{where}.name")
    if "type" in spec:
        check.type_of(spec, where, "custom")
    place = f"{where}.input_schema"
    schema = common.check_parameters(spec["input_schema"], place)
    check.type_of(schema, place, "object")
    return Tool(name, spec.get("description") or "", schema)


def _write_reply(writing: common.Writing) -> dict[str, Any]:
    """Write a reply body."""
    return {
        "id": f"msg_{writing.run_id}",
        "type": "message",
        "role": "assistant",
        "model": writing.slug,
        "content": _blocks(writing.reply, writing.run_id),
        "stop_reason": _stop_reason(writing),
        "stop_sequence": writing.stopped_by,
        "usage": {
            "input_tokens": writing.usage.input_tokens,
            "output_tokens": writing.usage.output_tokens,
        },
    }


def _stop_reason(writing: common.Writing) -> str:
    if writing.reply.refusal is not None:
        return "refusal"
    if writing.stopped_by is not None:
        return "stop_sequence"
    reason = common.finish_reason(writing.reply)
    return _STOP_REASONS.get(reason, reason)


def _blocks(reply: Reply, run_id: str) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if reply.reasoning is not None:
        signature = "bG9jYWw="
        blocks.append({"type": "thinking", "thinking": reply.reasoning, "signature": signature})
    if text := reply.text or reply.refusal:
        blocks.append({"type": "text", "text": text})
    for at, call in enumerate(reply.calls):
        call_id = call.id or f"toolu_{run_id[:16]}{at}"
        held = {"name": call.name, "input": dict(call.arguments)}
        blocks.append({"type": "tool_use", "id": call_id, **held})
    return blocks


_SETTINGS: Mapping[str, check.Rule] = {
    **check.COMMON,
    "temperature": check.number(0, 1),
    "stop_sequences": check.texts(8191),
}
FORMAT = common.FamilyFormat(
    _read_conversation,
    _read_offer,
    _check_response_format,
    _SETTINGS,
    _write_reply,
    # Claude never gets a native `system` field, as on the real gateway.
    frozenset({"instruction", "system"}),
)
