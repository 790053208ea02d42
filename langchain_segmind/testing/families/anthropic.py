"""Anthropic's messages format, as Claude takes it behind this gateway."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from langchain_segmind.testing.checks import (
    decoded,
    fields,
    filled_list,
    filled_string,
    image_type,
    one_of,
    pdf,
    refuse,
)
from langchain_segmind.testing.conversation import (
    Call,
    Media,
    ModelRequest,
    Reply,
    Result,
    Role,
    Turn,
)
from langchain_segmind.testing.families import anthropic_tools
from langchain_segmind.testing.families.common import (
    Reading,
    Writing,
    asks_for_json_object,
    finish_reason,
    flat_prompt,
    response_format,
    settings_of,
)
from langchain_segmind.testing.settings import ANTHROPIC, check_settings

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
_IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_PDF = "application/pdf"

_KINDS: dict[Role, tuple[str, ...]] = {"user": ("tool_result",), "assistant": ("tool_use",)}

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


@dataclass(frozen=True)
class _Returned:
    """A ``tool_result`` block: its words and its pictures."""

    result: Result
    media: tuple[Media, ...] = ()


def read(reading: Reading) -> ModelRequest:
    """Read a request body.

    Args:
        reading: The request.

    Returns:
        The request it asks. A native ``system`` field is accepted and, as on the real gateway,
        reaches no model.

    Raises:
        RefusalError: The body breaks one of the format's rules.
    """
    body = reading.body
    request = ModelRequest(
        slug=reading.model.slug,
        family="anthropic",
        system=filled_string(body["instruction"], "instruction") if "instruction" in body else "",
        turns=flat_prompt(body) or _turns(body["messages"], reading),
        response_format=response_format(body),
        settings=settings_of(body, "instruction", "system"),
        offer=anthropic_tools.read_offer(body) if reading.forward_tools else None,
    )
    anthropic_tools.check_answered(request.turns, offered="tools" in body)
    if asks_for_json_object(request):
        refuse("response_format: 'json_object' is not supported for Claude, use 'json_schema'")
    check_settings(request.settings, ANTHROPIC)
    return request


def write(writing: Writing) -> dict[str, Any]:
    """Write a reply body.

    Args:
        writing: The reply and what is known of its run.

    Returns:
        The body.
    """
    reply = writing.reply
    return {
        "id": f"msg_{writing.run_id}",
        "type": "message",
        "role": "assistant",
        "model": writing.slug,
        "content": _blocks(reply, writing.run_id),
        "stop_reason": _stop_reason(writing),
        "stop_sequence": writing.stopped_by,
        "usage": {
            "input_tokens": writing.usage.input_tokens,
            "output_tokens": writing.usage.output_tokens,
        },
    }


def _stop_reason(writing: Writing) -> str:
    if writing.reply.refusal is not None:
        return "refusal"
    if writing.stopped_by is not None:
        return "stop_sequence"
    reason = finish_reason(writing.reply)
    return _STOP_REASONS.get(reason, reason)


def _blocks(reply: Reply, run_id: str) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if reply.reasoning is not None:
        signature = "bG9jYWw="
        blocks.append({"type": "thinking", "thinking": reply.reasoning, "signature": signature})
    text = reply.text or reply.refusal
    if text:
        blocks.append({"type": "text", "text": text})
    calls = enumerate(reply.calls)
    return [*blocks, *(anthropic_tools.write_call(call, at, run_id) for at, call in calls)]


def _turns(value: Any, reading: Reading) -> tuple[Turn, ...]:
    messages = filled_list(value, "messages")
    turns = tuple(_turn(item, f"messages.{at}", reading) for at, item in enumerate(messages))
    for at, turn in enumerate(turns):
        if turn.role != ("user", "assistant")[at % 2]:
            refuse(
                f"messages.{at}: roles must alternate between 'user' and 'assistant', "
                "beginning with 'user'"
            )
    return turns


def _turn(value: Any, where: str, reading: Reading) -> Turn:
    message = fields(value, where, ["role", "content"])
    role = _ROLES[one_of(message["role"], f"{where}.role", _ROLES)]
    content = message["content"]
    if isinstance(content, str):
        return Turn(role, filled_string(content, f"{where}.content"))
    parts = [
        _part(part, f"{where}.content.{at}", _KINDS[role] if reading.forward_tools else ())
        for at, part in enumerate(filled_list(content, f"{where}.content"))
    ]
    texts = [part for part in parts if isinstance(part, str)]
    media = tuple(part for part in parts if isinstance(part, Media))
    if media and role == "assistant":
        refuse(f"{where}.content: only text may be said by the assistant")
    calls = tuple(part for part in parts if isinstance(part, Call))
    found = [part for part in parts if isinstance(part, _Returned)]
    if any(isinstance(part, _Returned) for part in parts[len(found) :]):
        refuse(f"{where}.content: tool_result blocks must come before all others")
    media += tuple(held for part in found for held in part.media)
    results = tuple(part.result for part in found)
    return Turn(role, "\n".join(texts), media, calls=calls, results=results)


def _part(value: Any, where: str, more: Collection[str]) -> str | Media | Call | _Returned:
    kinds = ("text", "image", "document", *more)
    kind = one_of(fields(value, where, ["type"], None)["type"], f"{where}.type", kinds)
    if kind == "text":
        return filled_string(fields(value, where, ["type", "text"])["text"], f"{where}.text")
    if kind == "tool_use":
        return anthropic_tools.read_call(value, where)
    return _result(value, where) if kind == "tool_result" else _media(value, where, kind)


def _result(value: Any, where: str) -> _Returned:
    block = fields(value, where, ["type", "tool_use_id"], ["content", "is_error"])
    call_id = filled_string(block["tool_use_id"], f"{where}.tool_use_id")
    failed = block.get("is_error", False)
    if not isinstance(failed, bool):
        refuse(f"{where}.is_error: expected a boolean")
    content = block.get("content", "")
    if isinstance(content, str):
        return _Returned(Result(content, call_id, failed=failed))
    parts = [
        _part(part, f"{where}.content.{at}", ())
        for at, part in enumerate(filled_list(content, f"{where}.content"))
    ]
    text = "\n".join(part for part in parts if isinstance(part, str))
    media = tuple(part for part in parts if isinstance(part, Media))
    return _Returned(Result(text, call_id, failed=failed), media)


def _media(value: Any, where: str, kind: str) -> Media:
    place = f"{where}.source"
    optional = ["title", "context"] if kind == "document" else []
    source = fields(value, where, ["type", "source"], optional)["source"]
    one_of(fields(source, place, ["type"], None)["type"], f"{place}.type", ["base64"])
    fields(source, place, ["type", "media_type", "data"])
    return _image(source, place) if kind == "image" else _document(source, place)


def _image(source: dict[str, Any], where: str) -> Media:
    declared = one_of(source["media_type"], f"{where}.media_type", _IMAGE_TYPES)
    data = decoded(source["data"], f"{where}.data")
    actual = image_type(data, f"{where}.data")
    if actual != declared:
        refuse(f"{where}.media_type: the image was declared {declared} but is {actual}")
    return Media("image", declared, data)


def _document(source: dict[str, Any], where: str) -> Media:
    one_of(source["media_type"], f"{where}.media_type", [_PDF])
    return Media("file", _PDF, pdf(decoded(source["data"], f"{where}.data"), f"{where}.data"))
