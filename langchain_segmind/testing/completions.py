"""OpenAI's chat completions, as other servers take them: write a request, read a reply.

No HTTP here. `families` reads and writes this gateway's own bodies; this file is for the models
behind it, whatever family the request came in. It is strict in what it writes and tolerant in
what it reads, as servers differ.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_segmind.testing.conversation import (
    Call,
    Media,
    ModelRequest,
    Offer,
    Reply,
    Result,
    Turn,
    Usage,
)
from langchain_segmind.testing.settings import stop_words

_STOPS = ("stop", "stop_sequences", "stopSequences")
_AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3"}


class UnsupportedError(ValueError):
    """A request holds something that chat completions do not take."""


class UnreadableError(ValueError):
    """A server's answer is not a chat completion."""


def completion_body(request: ModelRequest, model: str) -> dict[str, Any]:
    """Write a request of any family as one for a chat completion of a model.

    Every setting is passed on, but ``n``: the gateway repeats the one answer. Raises an
    `UnsupportedError` if the request shows something that chat completions do not take.
    """
    messages = [{"role": "system", "content": request.system}] if request.system else []
    messages += [message for turn in request.turns for message in _messages(turn)]
    body = {"model": model, "messages": messages, **_settings(request.settings)}
    if request.response_format is not None:
        body["response_format"] = dict(request.response_format)
    return {**body, **(_offered(request.offer) if request.offer else {})}


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    left_out = {"n", "max_completion_tokens", *_STOPS}
    kept = {name: value for name, value in settings.items() if name not in left_out}
    if "max_completion_tokens" in settings:  # the younger name, which few servers know
        kept.setdefault("max_tokens", settings["max_completion_tokens"])
    if stops := stop_words(settings):
        kept["stop"] = list(stops)
    return kept


def _messages(turn: Turn) -> Iterator[dict[str, Any]]:
    yield from (_result(result) for result in turn.results)
    if turn.results and not turn.text and not turn.media:
        return
    message: dict[str, Any] = {"role": turn.role, "content": turn.text}
    if turn.media:
        text = [{"type": "text", "text": turn.text}] if turn.text else []
        message["content"] = [*text, *map(_part, turn.media)]
    if turn.name:
        message["name"] = turn.name
    if turn.calls:
        message["tool_calls"] = [_call(call, at) for at, call in enumerate(turn.calls)]
    yield message


def _part(media: Media) -> dict[str, Any]:
    data = base64.b64encode(media.data or b"").decode()
    uri = f"data:{media.mime};base64,{data}"
    if media.kind == "image":
        return {"type": "image_url", "image_url": {"url": media.url or uri}}
    if media.kind == "audio" and media.mime in _AUDIO and media.data:
        return {"type": "input_audio", "input_audio": {"data": data, "format": _AUDIO[media.mime]}}
    if media.kind == "file" and media.data:
        return {"type": "file", "file": {"filename": "document.pdf", "file_data": uri}}
    raise UnsupportedError(f"{media.mime or media.kind}: OpenAI-compatible servers do not take it")


def _call(call: Call, number: int) -> dict[str, Any]:
    arguments = json.dumps(dict(call.arguments), ensure_ascii=False)
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id or f"call_{number}", "type": "function", "function": function}


def _result(result: Result) -> dict[str, Any]:
    text = f"Error: {result.text}" if result.failed else result.text
    return {"role": "tool", "tool_call_id": result.id or result.name or "", "content": text}


def _offered(offer: Offer) -> dict[str, Any]:
    functions = [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.parameters) or {"type": "object", "properties": {}},
        }
        for tool in offer.tools
    ]
    tools = [{"type": "function", "function": function} for function in functions]
    forced = {"tool_choice": "required"} if offer.forced else {}
    return {"tools": tools, **forced, **({"parallel_tool_calls": False} if offer.most == 1 else {})}


def read_completion(body: Any) -> Reply:
    """Read the first choice of a chat completion.

    Raises an `UnreadableError` if there is no choice with a message, or a call cannot be read.
    """
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(message, dict):
        raise UnreadableError("there is no choice with a message in it")
    listed = message.get("tool_calls")
    calls = tuple(_read_call(item) for item in listed) if isinstance(listed, list) else ()
    reason = first.get("finish_reason")
    reason = reason if isinstance(reason, str) else "stop"
    return Reply(
        text=_text(message.get("content")),
        finish_reason="stop" if reason == "tool_calls" and calls else reason,
        reasoning=_filled(message.get("reasoning_content")) or _filled(message.get("reasoning")),
        refusal=_filled(message.get("refusal")),
        calls=calls,
        usage=_usage(body.get("usage")),
    )


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _filled(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _usage(value: Any) -> Usage | None:
    held = value if isinstance(value, dict) else {}
    counts = [held.get(name) for name in ("prompt_tokens", "completion_tokens")]
    read, written = (count if type(count) is int and count >= 0 else None for count in counts)
    return None if read is None or written is None else Usage(read, written)


def _read_call(item: Any) -> Call:
    held = item.get("function") if isinstance(item, dict) else None
    if not isinstance(held, dict) or not isinstance(held.get("name"), str):
        raise UnreadableError("a tool call has no name")
    arguments = held.get("arguments") or {}
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = None
    if not isinstance(arguments, dict):
        raise UnreadableError(f"the arguments for {held['name']} are not a JSON object")
    return Call(held["name"], arguments, _filled(item.get("id")))
