"""The models of the local gateway: they repeat what they are asked, or what a script says.

They make nothing up: `EchoModel` is deterministic, and the others reply as a test or a demo wants.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_segmind.testing.answers import check_choice
from langchain_segmind.testing.conversation import Call, Media, ModelRequest, Offer, Reply
from langchain_segmind.testing.exchange import HTTPExchange, last_exchange
from langchain_segmind.testing.forms import (
    find_form,
    schema_in_text,
    wanted_schema,
)
from langchain_segmind.testing.output_styles import OutputStyle, write
from langchain_segmind.testing.schema import fill
from langchain_segmind.testing.tokens import cut

MARK = "[local stand-in]"

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^\W\d_]+")
_NUMBER = re.compile(r"(?<![\w.])-?(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?(?![\w]|\.\d)")
_SHORTEST = 3  # letters of a word of a tool's name that counts
_LONGEST = 100  # characters of the prompt that a string of a schema repeats
_ANY_OBJECT = {"properties": {"answer": {"type": "string"}}, "required": ["answer"]}
_LIMITS = ("max_tokens", "max_completion_tokens")


class EchoModel:
    """A model that repeats the prompt after the mark ``[local stand-in]``.

    It keeps no state: the same request gets the same reply.

    - A plain request gets the mark and the text of the last user turn, followed by each medium in
      it, such as ``(image/png, 70 bytes)``.
    - If ``response_format`` or the prompt contains a JSON schema, the reply is JSON that matches
      it. Constants, enums, examples and defaults are used first. Otherwise, a string is the last
      user turn (its first 100 characters), a number is the next one in that text, and anything
      else is the simplest value within the bounds. An object has its required properties only, a
      list one item. Of alternatives, the first that ends is used. Within three nested references,
      lists are empty and the simplest alternative is used. If JSON is requested without a schema,
      the reply is ``{"answer": "<the turn>"}``.
    - If tools are offered, the reply calls each tool whose name shares a word of at least three
      letters with the last user turn, in their order. If there is none and a call is required, it
      calls the first tool without a result, or else the first. Arguments are filled like a schema.
      When no tool is left to call, the reply is the mark and the results since the last user turn,
      one per line: ``get_weather: It is sunny.``
    - The reply is cut at ``max_tokens``.

    Args:
        output_style: The format of emulated tool calls: ``"plain"`` is the requested one, the
            others imitate models that deviate from it (see `OutputStyle`).

    Raises:
        ValueError: If the style is unknown.
    """

    threads = 0  # a reply takes less time than a change of threads

    def __init__(self, output_style: OutputStyle = "plain") -> None:
        check_choice("output_style", output_style, OutputStyle)
        self._style = output_style

    def respond(self, request: ModelRequest) -> Reply:
        """Reply as the class describes, see `Responder.respond`."""
        last = last_exchange(request)
        form = find_form(request)
        offer = form.offer if form else request.offer
        calls = tuple(_calls(offer, last)) if offer else ()
        schema = form.answer_schema() if form else _wanted_schema(request)
        text = "" if calls else _echo(last)
        if schema is not None and not calls:
            held = _fill(schema, last, form.root if form else None)
            text = json.dumps(held, ensure_ascii=False)
        reply = write(self._style, form, text, calls) if form else Reply(text, calls=calls)
        return within_limit(request, reply)


def _wanted_schema(request: ModelRequest) -> Any:
    any_object = (request.response_format or {}).get("type") == "json_object"
    schema = wanted_schema(request) or schema_in_text(request)
    return schema or (_ANY_OBJECT if any_object else None)


def _fill(schema: object, last: HTTPExchange, root: object = None) -> Any:
    text = last.prompt[:_LONGEST]
    numbers = [json.loads(number) for number in _NUMBER.findall(text)]
    return fill(schema, text or "text", root, numbers)


def _echo(last: HTTPExchange) -> str:
    results = "\n".join(f"{result.name or 'tool'}: {result.text}" for result in last.results)
    return " ".join([MARK, *filter(None, [results or last.prompt]), *map(_describe, last.media)])


def _describe(media: Media) -> str:
    size = f"{len(media.data)} bytes" if media.data is not None else media.url
    return f"({media.mime or media.kind}, {size})"


def _calls(offer: Offer, last: HTTPExchange) -> Iterator[Call]:
    asked = {word.lower() for word in re.findall(r"[^\W\d_]+", last.prompt)}
    done = {result.name for result in last.results}
    left = [tool for tool in offer.tools if tool.name not in done]
    chosen = [
        tool
        for tool in left
        if any(
            len(word) >= _SHORTEST and word.lower() in asked for word in _WORD.findall(tool.name)
        )
    ]
    if not chosen and offer.forced:
        chosen = [*left, *offer.tools][:1]
    for tool in chosen[: offer.most]:
        yield Call(tool.name, _fill(tool.parameters or {"type": "object"}, last))


def within_limit(request: ModelRequest, reply: Reply) -> Reply:
    """Cut a reply where ``max_tokens`` allows less."""
    for name in _LIMITS:
        limit = request.settings.get(name)
        if isinstance(limit, int) and (short := cut(reply.text, limit)) != reply.text:
            reply = replace(reply, text=short, finish_reason="length")
    return reply


Scripted = str | Call | Reply
Script = Iterable[Scripted] | Mapping[str, Scripted | Sequence[Scripted]]


class ScriptExhaustedError(RuntimeError):
    """More requests came than replies were listed."""


def as_reply(reply: Scripted) -> Reply:
    """Let a text, or a call of a tool, stand for a reply that holds nothing else.

    Raises:
        TypeError: If it is anything else.
    """
    if isinstance(reply, Call):
        return Reply(calls=[reply])
    if isinstance(reply, str):
        return Reply(text=reply)
    if isinstance(reply, Reply):
        return reply
    raise TypeError(
        f"A reply must be a string, a Call or a Reply, not {type(reply).__name__}. For an answer "
        "in JSON, pass json.dumps(...)."
    )


def as_replies(found: Scripted | Sequence[Scripted]) -> list[Reply]:
    """Return the replies of one entry of a script, one for each turn.

    Raises:
        TypeError: If one is not a reply.
    """
    if isinstance(found, Sequence) and not isinstance(found, str):
        return [*map(as_reply, found)]
    return [as_reply(found)]


class ScriptedModel:
    """A model with scripted replies.

    The replies of a list are returned in order. A mapping returns the reply of the longest key that
    occurs in the system text or the last user turn, in whatever order requests arrive; the reply is
    cut at ``max_tokens``. If the value is a list, its first reply is returned first, and the next
    one after each turn of the model, as an agent needs it. If no key occurs, `EchoModel` replies.

    Example:
        >>> model = ScriptedModel(["Hello.", Reply("Too lo", finish_reason="length")])
        >>> model = ScriptedModel({"capital of France": "Paris.", "capital of Japan": "Tokyo."})

    Args:
        replies: The script. A text or a `Call` stands for a `Reply` that has only that.

    Raises:
        TypeError: If one is not a reply.

    Attributes:
        requests: Every request so far, in order.
    """

    threads = 0  # in the order of arrival, that is

    def __init__(self, replies: Script) -> None:
        self.requests: list[ModelRequest] = []
        self._by_prompt: dict[str, list[Reply]] | None = None
        self._replies: deque[Reply] = deque()
        if isinstance(replies, Mapping):
            self._by_prompt = {part: as_replies(found) for part, found in replies.items()}
        else:
            self._replies.extend(map(as_reply, replies))
        self._length = len(self._replies)

    def respond(self, request: ModelRequest) -> Reply:
        """Return the scripted reply to a request, see `Responder.respond`.

        Raises:
            ScriptExhaustedError: If the list is used up.
        """
        self.requests.append(request)
        if self._by_prompt is not None:
            return _reply_to(self._by_prompt, request)
        if not self._replies:
            raise ScriptExhaustedError(
                f"the script is used up: it lists {self._length} replies, "
                f"and this is request {len(self.requests)}"
            )
        return self._replies.popleft()


def _reply_to(script: Mapping[str, list[Reply]], request: ModelRequest) -> Reply:
    last = last_exchange(request)
    asked = f"{request.system}\n{last.prompt}"
    fitting = [part for part in script if part in asked]
    listed = script[max(fitting, key=len)] if fitting else []
    if last.replies < len(listed):
        return within_limit(request, listed[last.replies])
    return EchoModel().respond(request)


class FunctionModel:
    """A model that replies with what a function returns.

    Example:
        >>> model = FunctionModel(lambda request: request.turns[-1].text.upper())

    Args:
        function: Takes a `ModelRequest`; returns a text, a `Call` or a `Reply`.
        threads: Maximum number of concurrent calls, each in a thread of its own. 0 calls the
            function in the gateway's own thread, which is best if it takes no time.
    """

    def __init__(self, function: Callable[[ModelRequest], Scripted], *, threads: int = 1) -> None:
        self.threads = threads
        self._function = function

    def respond(self, request: ModelRequest) -> Reply:
        """Return the function's reply, see `Responder.respond`."""
        return as_reply(self._function(request))
