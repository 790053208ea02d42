"""Gemini's format, where ``messages`` is an object of system instruction and contents."""

from typing import Any, Literal

from langchain_segmind.testing.checks import (
    decoded,
    fields,
    filled_list,
    image_type,
    one_of,
    pdf,
    refuse,
    some_string,
    string,
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
from langchain_segmind.testing.families import gemini_tools
from langchain_segmind.testing.families.common import (
    Reading,
    Writing,
    flat_prompt,
    refuse_references,
    response_format,
    settings_of,
)
from langchain_segmind.testing.settings import GEMINI, check_settings

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant"}
_KINDS: dict[str, Literal["image", "audio", "video", "file"]] = {
    "image": "image",
    "audio": "audio",
    "video": "video",
    "application": "file",
}

_TOOLS: dict[Role, str] = {"user": "functionResponse", "assistant": "functionCall"}

_FINISH_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}


def read(reading: Reading) -> ModelRequest:
    """Read a request body.

    Args:
        reading: The request.

    Returns:
        The request it asks.

    Raises:
        RefusalError: The body breaks one of the format's rules.
    """
    body = reading.body
    prompt = flat_prompt(body)
    system, turns = ("", prompt) if prompt else _conversation(body["messages"], reading)
    request = ModelRequest(
        slug=reading.model.slug,
        family="gemini",
        system=system,
        turns=turns,
        response_format=response_format(body),
        settings=settings_of(body),
        offer=gemini_tools.read_offer(body) if reading.forward_tools else None,
    )
    gemini_tools.check_answered(turns)
    refuse_references(request.response_format, "response_format")
    check_settings(request.settings, GEMINI)
    return request


def write(writing: Writing) -> dict[str, Any]:
    """Write a reply body.

    Args:
        writing: The reply and what is known of its run.

    Returns:
        The body. A refusal is told as Gemini tells it: no candidates, but a block reason.
    """
    reply, used = writing.reply, writing.usage
    told: dict[str, Any] = {"candidates": [_candidate(reply)]}
    if reply.refusal is not None:
        blocked = {"blockReason": "SAFETY", "blockReasonMessage": reply.refusal}
        told = {"promptFeedback": blocked}
    return {
        **told,
        "usageMetadata": {
            "promptTokenCount": used.input_tokens,
            "candidatesTokenCount": used.output_tokens,
            "totalTokenCount": used.input_tokens + used.output_tokens,
        },
        "modelVersion": writing.slug,
    }


def _candidate(reply: Reply) -> dict[str, Any]:
    thoughts = [] if reply.reasoning is None else [{"text": reply.reasoning, "thought": True}]
    called = [gemini_tools.write_call(call) for call in reply.calls]
    said = [{"text": reply.text}] if reply.text else []
    return {
        "index": 0,
        "content": {"role": "model", "parts": [*thoughts, *said, *called]},
        "finishReason": _FINISH_REASONS.get(reply.finish_reason, reply.finish_reason),
    }


def _conversation(value: Any, reading: Reading) -> tuple[str, tuple[Turn, ...]]:
    messages = fields(value, "messages", ["contents"], ["system_instruction"])
    contents = filled_list(messages["contents"], "messages.contents")
    turns = tuple(
        _turn(item, f"messages.contents[{at}]", reading) for at, item in enumerate(contents)
    )
    if "system_instruction" not in messages:
        return "", turns
    where = "messages.system_instruction"
    parts = fields(messages["system_instruction"], where, ["parts"])["parts"]
    text = fields(parts, f"{where}.parts", ["text"])["text"]
    return some_string(text, f"{where}.parts.text"), turns


def _turn(value: Any, where: str, reading: Reading) -> Turn:
    content = fields(value, where, ["role", "parts"])
    role = _ROLES[one_of(content["role"], f"{where}.role", _ROLES)]
    parts = [
        _part(part, f"{where}.parts[{at}]", _TOOLS[role] if reading.forward_tools else "")
        for at, part in enumerate(filled_list(content["parts"], f"{where}.parts"))
    ]
    return Turn(
        role,
        "\n".join(part for part in parts if isinstance(part, str)),
        tuple(part for part in parts if isinstance(part, Media)),
        calls=tuple(part for part in parts if isinstance(part, Call)),
        results=tuple(part for part in parts if isinstance(part, Result)),
    )


def _part(value: Any, where: str, tools: str) -> str | Media | Call | Result:
    if tools and tools in fields(value, where, optional=None):
        read_tool = gemini_tools.read_call if tools == "functionCall" else gemini_tools.read_result
        return read_tool(value, where)
    if "inlineData" not in fields(value, where, optional=None):
        return some_string(fields(value, where, ["text"])["text"], f"{where}.text")
    place = f"{where}.inlineData"
    inline = fields(fields(value, where, ["inlineData"])["inlineData"], place, ["mimeType", "data"])
    mime = string(inline["mimeType"], f"{place}.mimeType")
    kind = _KINDS.get(mime.partition("/")[0])
    if kind is None or (kind == "file" and mime != "application/pdf"):
        refuse(f"{place}.mimeType: unsupported type {mime!r}")
    return Media(kind, mime, _content(mime, decoded(inline["data"], f"{place}.data"), place))


def _content(mime: str, data: bytes, where: str) -> bytes:
    if mime == "application/pdf":
        pdf(data, where)
    if mime.startswith("image/"):
        image_type(data, where)
    return data
