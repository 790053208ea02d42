"""A responder that asks a real model: any server with OpenAI's chat completions API.

Errors there become errors of this gateway, and are never billed. It is strict in what it writes and
tolerant in what it reads, as servers differ.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from langchain_segmind.testing.checks import STOP_NAMES, stop_words
from langchain_segmind.testing.conversation import (
    Call,
    Media,
    ModelRequest,
    Offer,
    Reply,
    Turn,
    Usage,
)

_CONNECT_SECONDS = 10.0
_SHOWN = 300  # characters of an answer that makes no sense
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

# What this gateway answers when the server answered with that; everything else is a bad gateway.
# A key refused there is not the key given here, so that 401 and 403 are not passed on.
_STATUSES = {400: 400, 404: 404, 413: 413, 422: 400, 429: 429, 500: 500, 503: 503}

_AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3"}


class UnsupportedError(ValueError):
    """A request holds something that chat completions do not take."""


class UnreadableError(ValueError):
    """A server's answer is not a chat completion."""


class OpenAICompatibleModel:
    """A real model on another server, such as Ollama, llama.cpp or vLLM.

    It serves slugs of all three request formats. Tool calling is emulated as on the real gateway;
    ``response_format`` and the settings are passed on, so they work as far as the server supports
    them.

    Example:
        >>> from langchain_segmind.testing import LocalGateway
        >>> responder = OpenAICompatibleModel("http://127.0.0.1:11434/v1", model="llama3.2")
        >>> gateway = LocalGateway(responder=responder)

    Args:
        url: The address before ``/chat/completions``; it usually ends in ``/v1``.
        model: The model's name there; None, the default, uses the requested slug.
        api_key: A key for that server, sent as a bearer token.
        timeout: Seconds without data after which a request fails.
        threads: Maximum number of concurrent requests.

    Raises:
        ValueError: If the address does not begin with http or https, or has more than a path.
    """

    def __init__(
        self,
        url: str,
        model: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 300.0,
        threads: int = 8,
    ) -> None:
        parts = urlsplit(url)
        odd = parts.query or parts.fragment or "@" in parts.netloc  # it is shown in errors
        if parts.scheme not in {"http", "https"} or not parts.hostname or odd:
            raise ValueError(f"{url!r}: expected an address like http://127.0.0.1:11434/v1")
        self.threads = max(1, threads)
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout = (min(timeout, _CONNECT_SECONDS), timeout)
        self._proxied = parts.hostname not in _LOCAL

    def respond(self, request: ModelRequest) -> Reply:
        """Ask the server, see `Responder.respond`.

        Returns:
            Its reply, or an error that is not billed. The statuses 400, 404, 413, 429, 500 and 503
            are passed on; 504 means that it took too long, and 502 that it cannot be reached,
            rejected the key, or sent something else than a chat completion.
        """
        try:
            return self._read(self._post(completion_body(request, self._model or request.slug)))
        except UnsupportedError as error:
            return _failed(400, str(error))
        except requests.ReadTimeout:
            return _failed(504, f"{self._url} did not answer within {self._timeout[1]:g} s")
        except requests.RequestException as error:
            return _failed(502, f"{self._url} gave no answer ({_cause(error)}). Does it run?")

    def _post(self, body: Mapping[str, Any]) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = self._proxied  # no proxy stands between a machine and itself
            return session.post(
                self._url,
                json=body,
                headers=self._headers,
                timeout=self._timeout,
                allow_redirects=False,
            )

    def _read(self, response: requests.Response) -> Reply:
        try:
            body = response.json()
        except ValueError:
            body = None
        if not response.ok or response.is_redirect:
            return self._refused(response, body)
        try:
            return read_completion(body)
        except UnreadableError as error:
            shown = response.text[:_SHOWN]
            return _failed(502, f"{self._url} answered no completion, {error}: {shown!r}")

    def _refused(self, response: requests.Response, body: Any) -> Reply:
        text = _error_in(body)
        status = _STATUSES.get(response.status_code, 502)
        if text is None:
            text = response.text[:_SHOWN].strip() or str(response.reason)
            # A wrong address is answered in all sorts of ways, a missing model in JSON.
            status = 502 if status == 404 else status
        after = response.headers.get("retry-after")
        headers = {"retry-after": after} if after and status in {429, 503} else {}
        return _failed(status, f"{self._url} answered {response.status_code}: {text}", headers)


def _failed(status: int, text: str, headers: Mapping[str, str | None] | None = None) -> Reply:
    return Reply(status=status, body={"error": text}, headers=headers or {})


def _error_in(body: Any) -> str | None:
    """Find the text of an error: OpenAI nests it, others do not."""
    held = body.get("error", body) if isinstance(body, dict) else None
    if isinstance(held, dict):
        held = held.get("message") or held.get("detail")
    return held if isinstance(held, str) and held else None


def _cause(error: BaseException) -> str:
    """Name what is at the bottom of an error: requests wraps urllib3, which wraps the system's."""
    inner = error.args[0] if error.args else None
    inner = getattr(inner, "reason", inner)
    found = inner if isinstance(inner, BaseException) else error
    while (deeper := found.__cause__ or found.__context__) is not None and deeper is not error:
        found = deeper
    return found.strerror if isinstance(found, OSError) and found.strerror else type(found).__name__


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
    left_out = {"n", "max_completion_tokens", *STOP_NAMES}
    kept = {name: value for name, value in settings.items() if name not in left_out}
    if "max_completion_tokens" in settings:  # the younger name, which few servers know
        kept.setdefault("max_tokens", settings["max_completion_tokens"])
    if stops := stop_words(settings):
        kept["stop"] = list(stops)
    return kept


def _messages(turn: Turn) -> Iterator[dict[str, Any]]:
    for result in turn.results:
        text = f"Error: {result.text}" if result.failed else result.text
        call_id = result.id or result.name or ""
        yield {"role": "tool", "tool_call_id": call_id, "content": text}
    if turn.results and not turn.text and not turn.media:
        return
    message: dict[str, Any] = {"role": turn.role, "content": turn.text}
    if turn.media:
        texts = [{"type": "text", "text": turn.text}] if turn.text else []
        message["content"] = [*texts, *map(_part, turn.media)]
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
