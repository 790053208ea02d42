"""OpenAI's chat format, as every family but Claude and Gemini takes it."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from langchain_segmind.testing.checks import (
    decoded,
    fields,
    filled_list,
    filled_string,
    image_type,
    one_of,
    pdf,
    refuse,
    string,
)
from langchain_segmind.testing.conversation import Media, ModelRequest, Reply, Result, Role, Turn
from langchain_segmind.testing.families import openai_tools
from langchain_segmind.testing.families.common import (
    Reading,
    Writing,
    asks_for_json_object,
    finish_reason,
    flat_prompt,
    response_format,
    settings_of,
    valid_name,
)
from langchain_segmind.testing.settings import OPENAI, check_settings

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
_PARTS = ("text", "image_url", "input_audio", "file")
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,(.*)", re.DOTALL)


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
    turns = flat_prompt(body) or _turns(reading)
    leading = next((at for at, turn in enumerate(turns) if turn.role != "system"), len(turns))
    request = ModelRequest(
        slug=reading.model.slug,
        family="openai",
        system="\n\n".join(turn.text for turn in turns[:leading]),
        turns=turns[leading:],
        response_format=response_format(body),
        settings=settings_of(body),
        offer=openai_tools.read_offer(body) if reading.forward_tools else None,
    )
    openai_tools.check_answered(turns)
    if asks_for_json_object(request) and not any("json" in turn.text.lower() for turn in turns):
        refuse(
            "'messages' must contain the word 'json' in some form, to use "
            "'response_format' of type 'json_object'."
        )
    check_settings(request.settings, OPENAI)
    return request


def write(writing: Writing) -> dict[str, Any]:
    """Write a reply body.

    Args:
        writing: The reply and what is known of its run.

    Returns:
        The body.
    """
    used = writing.usage
    message = _message(writing.reply, writing.run_id)
    return {
        "id": f"chatcmpl-{writing.run_id}",
        "object": "chat.completion",
        "model": writing.slug,
        "choices": [
            {"index": at, "message": message, "finish_reason": finish_reason(writing.reply)}
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
        told = [openai_tools.write_call(call, at, run_id) for at, call in enumerate(reply.calls)]
        message |= {"content": reply.text or None, "tool_calls": told}
    return message


def _turns(reading: Reading) -> tuple[Turn, ...]:
    messages = filled_list(reading.body["messages"], "messages")
    return tuple(_turn(item, f"messages[{at}]", reading) for at, item in enumerate(messages))


def _turn(value: Any, where: str, reading: Reading) -> Turn:
    if reading.forward_tools and isinstance(value, dict):
        if value.get("role") == "tool":
            return _result(value, where, reading)
        if value.get("role") == "assistant" and "tool_calls" in value:
            rest = {key: held for key, held in value.items() if key != "tool_calls"}
            said = _turn({**rest, "content": value.get("content") or ""}, where, reading)
            calls = openai_tools.read_calls(value["tool_calls"], f"{where}.tool_calls")
            return replace(said, calls=calls)
    message = fields(value, where, ["role", "content"], ["name"])
    role = _ROLES[one_of(message["role"], f"{where}.role", _ROLES)]
    name = message.get("name")
    if "name" in message and not valid_name(name):
        refuse(f"{where}.name: expected 1 to 64 letters, digits, dashes and underscores")
    content = message["content"]
    if isinstance(content, str):
        return Turn(role, content, name=name)
    parts = [
        _part(part, f"{where}.content[{at}]", reading)
        for at, part in enumerate(filled_list(content, f"{where}.content"))
    ]
    return Turn(
        role,
        "\n".join(part for part in parts if isinstance(part, str)),
        tuple(part for part in parts if isinstance(part, Media)),
        name,
    )


def _result(value: dict[str, Any], where: str, reading: Reading) -> Turn:
    message = fields(value, where, ["role", "content", "tool_call_id"])
    said = _turn({"role": "user", "content": message["content"]}, where, reading)
    if said.media:
        refuse(f"{where}.content: only text may be said by a tool")
    result = Result(said.text, filled_string(message["tool_call_id"], f"{where}.tool_call_id"))
    return Turn("user", "", results=(result,))


def _part(value: Any, where: str, reading: Reading) -> str | Media:
    kind = one_of(fields(value, where, ["type"], None)["type"], f"{where}.type", _PARTS)
    held = fields(value, where, ["type", kind])[kind]
    place = f"{where}.{kind}"
    match kind:
        case "text":
            return string(held, place)
        case "image_url":
            return _image(fields(held, place, ["url"], ["detail"]), place, reading)
        case "input_audio":
            return _audio(fields(held, place, ["data", "format"]), place)
        case _:
            return _file(fields(held, place, ["file_data"], ["filename"]), place)


def _image(held: dict[str, Any], where: str, reading: Reading) -> Media:
    if reading.model.images is False:
        refuse(f"{where}: the model {reading.model.slug} does not take images")
    if "detail" in held:
        one_of(held["detail"], f"{where}.detail", ["auto", "low", "high"])
    url = string(held["url"], f"{where}.url")
    if inline := _DATA_URI.fullmatch(url):
        data = decoded(inline[2], f"{where}.url")
        return Media("image", image_type(data, f"{where}.url"), data)
    return Media("image", url=_web_address(url, f"{where}.url", reading))


def _web_address(url: str, where: str, reading: Reading) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        refuse(f"{where}: not a valid URL")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        refuse(f"{where}: expected an http(s) URL or a base64 data URI")
    if parts.hostname in reading.unfetchable:
        refuse(f"{where}: failed to fetch the image from {parts.hostname}")
    return url


def _audio(held: dict[str, Any], where: str) -> Media:
    form = one_of(held["format"], f"{where}.format", ["wav", "mp3"])
    return Media("audio", f"audio/{form}", decoded(held["data"], f"{where}.data"))


def _file(held: dict[str, Any], where: str) -> Media:
    if "filename" in held:
        string(held["filename"], f"{where}.filename")
    place = f"{where}.file_data"
    inline = _DATA_URI.fullmatch(string(held["file_data"], place))
    if inline is None:
        refuse(f"{place}: expected a base64 data URI")
    data = decoded(inline[2], place)
    if inline[1] == "application/pdf":
        pdf(data, place)
    return Media("file", inline[1], data)
