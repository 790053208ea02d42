"""OpenAI's chat completions, as other servers speak them: a request put, a reply understood.

No HTTP here. `families` reads and writes this gateway's own bodies; this file speaks to the models
behind it, whatever family the request came in. It is strict in what it writes and generous in
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


class UnsayableError(ValueError):
    """A request holds something that chat completions have no words for."""


class UnreadableError(ValueError):
    """A server's answer is no chat completion."""


def request_of(request: ModelRequest, model: str) -> dict[str, Any]:
    """Put a request as a request for a chat completion.

    Args:
        request: The request, from any family.
        model: The model's name at the server.

    Returns:
        The body. Every setting is passed on, but ``n``: the gateway repeats the one answer.

    Raises:
        UnsayableError: The request shows something that chat completions do not take.
    """
    messages = [{"role": "system", "content": request.system}] if request.system else []
    messages += [message for turn in request.turns for message in _messages(turn)]
    body = {"model": model, "messages": messages, **_settings(request.settings)}
    if request.response_format is not None:
        body["response_format"] = dict(request.response_format)
    return {**body, **(_offered(request.offer) if request.offer else {})}


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    left_out = {"n", "max_completion_tokens", *_STOPS}
    told = {name: value for name, value in settings.items() if name not in left_out}
    if "max_completion_tokens" in settings:  # the younger name, which few servers know
        told.setdefault("max_tokens", settings["max_completion_tokens"])
    if stops := stop_words(settings):
        told["stop"] = list(stops)
    return told


def _messages(turn: Turn) -> Iterator[dict[str, Any]]:
    yield from (_returned(result) for result in turn.results)
    if turn.results and not turn.text and not turn.media:
        return
    message: dict[str, Any] = {"role": turn.role, "content": _content(turn)}
    if turn.name:
        message["name"] = turn.name
    if turn.calls:
        message["tool_calls"] = [_called(call, at) for at, call in enumerate(turn.calls)]
    yield message


def _content(turn: Turn) -> str | list[dict[str, Any]]:
    if not turn.media:
        return turn.text
    words = [{"type": "text", "text": turn.text}] if turn.text else []
    return [*words, *(_shown(media) for media in turn.media)]


def _shown(media: Media) -> dict[str, Any]:
    if media.kind == "image":
        return {"type": "image_url", "image_url": {"url": media.url or _data_uri(media)}}
    if media.kind == "audio" and media.mime in _AUDIO and media.data:
        data = base64.b64encode(media.data).decode()
        return {"type": "input_audio", "input_audio": {"data": data, "format": _AUDIO[media.mime]}}
    if media.kind == "file" and media.data:
        held = {"filename": "document.pdf", "file_data": _data_uri(media)}
        return {"type": "file", "file": held}
    raise UnsayableError(f"{media.mime or media.kind}: OpenAI-compatible servers do not take it")


def _data_uri(media: Media) -> str:
    return f"data:{media.mime};base64,{base64.b64encode(media.data or b'').decode()}"


def _called(call: Call, number: int) -> dict[str, Any]:
    arguments = json.dumps(dict(call.arguments), ensure_ascii=False)
    held = {"name": call.name, "arguments": arguments}
    return {"id": call.id or f"call_{number}", "type": "function", "function": held}


def _returned(result: Result) -> dict[str, Any]:
    text = f"Error: {result.text}" if result.failed else result.text
    return {"role": "tool", "tool_call_id": result.id or result.name or "", "content": text}


def _offered(offer: Offer) -> dict[str, Any]:
    tools = [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters) or {"type": "object", "properties": {}},
            },
        }
        for tool in offer.tools
    ]
    told: dict[str, Any] = {"tools": tools}
    if offer.forced:
        told["tool_choice"] = "required"
    if offer.most == 1:
        told["parallel_tool_calls"] = False
    return told


def reply_of(body: Any) -> Reply:
    """Understand a chat completion.

    Args:
        body: The JSON value a server answered with.

    Returns:
        The reply of its first choice.

    Raises:
        UnreadableError: There is no choice with a message in it, or a call cannot be read.
    """
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(message, dict):
        raise UnreadableError("there is no choice with a message in it")
    called = message.get("tool_calls")
    calls = tuple(_call(item) for item in called) if isinstance(called, list) else ()
    reason = first.get("finish_reason")
    reason = reason if isinstance(reason, str) else "stop"
    return Reply(
        text=_text(message.get("content")),
        finish_reason="stop" if reason == "tool_calls" and calls else reason,
        reasoning=_words(message.get("reasoning_content")) or _words(message.get("reasoning")),
        refusal=_words(message.get("refusal")),
        calls=calls,
        usage=_usage(body.get("usage")),
    )


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _words(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _usage(value: Any) -> Usage | None:
    told = value if isinstance(value, dict) else {}
    counts = [told.get(name) for name in ("prompt_tokens", "completion_tokens")]
    read, written = (count if type(count) is int and count >= 0 else None for count in counts)
    return None if read is None or written is None else Usage(read, written)


def _call(item: Any) -> Call:
    held = item.get("function") if isinstance(item, dict) else None
    if not isinstance(held, dict) or not isinstance(held.get("name"), str):
        raise UnreadableError("a tool call has no name")
    arguments = held.get("arguments") or "{}"
    try:
        told = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise UnreadableError(f"the arguments for {held['name']} are no JSON object")
    call_id = item.get("id")
    return Call(held["name"], told, call_id if isinstance(call_id, str) and call_id else None)
