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
    """Repeats what it was asked, behind the mark ``[local stand-in]``.

    To a plain request it replies with the mark and the text of the last user turn, followed by each
    medium it was shown, as ``(image/png, 70 bytes)``. Where ``response_format`` or the prompt holds
    a JSON schema, it replies with the JSON that fills it, and with ``{"answer": "<the turn>"}``
    where JSON is asked for without a schema. A schema is filled with constants, enums, examples and
    defaults first; then a string is the last user turn (its first 100 characters), a number is the
    next one in that text, and all else is the simplest value within the bounds; of objects come
    the required properties only, of lists one item, of alternatives the first that has an end (and
    inside three references, which may hold one another, no item and the plainest alternative).
    Where tools are offered, it calls once, at the same time and in their order, those of which a
    word of the name (three letters or more) is a word of the last user turn; if there is none and a
    call is forced, the first tool without a result, or else the first of all. Arguments are filled
    in the same way. When no tool is left to call, it replies with the mark and the results since
    the last user turn, each on a line, as ``get_weather: It is sunny.`` Where ``max_tokens`` allows
    less, the reply is cut. It keeps no state: the same request gets the same reply.

    Args:
        output_style: How it writes tool calls that the prompt asks for as text or JSON: ``"plain"``
            as asked, or as odd models do (see `OutputStyle`).

    Raises:
        ValueError: The style is unknown.
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
    """Let a text, or a call of a tool, stand for a reply that holds nothing else."""
    if isinstance(reply, Call):
        return Reply(calls=[reply])
    return Reply(text=reply) if isinstance(reply, str) else reply


class ScriptedModel:
    """Gives the replies of a script.

    A list is played in order. A mapping gives each reply by what was asked, in whatever order
    requests arrive: that of the longest key that occurs in the system text or the last user turn,
    cut where ``max_tokens`` allows less. Where its value is a list, its first reply is given at
    first, and the next one after each turn of the model, as an agent needs it. What a mapping has
    no reply for is left to `EchoModel`.

    Example:
        >>> model = ScriptedModel(["Hello.", Reply("Too lo", finish_reason="length")])
        >>> model = ScriptedModel({"capital of France": "Paris.", "capital of Japan": "Tokyo."})

    Args:
        replies: The script; a text or a `Call` is short for a `Reply` that holds nothing else.

    Attributes:
        requests: Every request so far, in order.
    """

    threads = 0  # in the order of arrival, that is

    def __init__(self, replies: Script) -> None:
        self.requests: list[ModelRequest] = []
        self._by_prompt = replies if isinstance(replies, Mapping) else None
        self._replies = deque(() if isinstance(replies, Mapping) else map(as_reply, replies))
        self._length = len(self._replies)

    def respond(self, request: ModelRequest) -> Reply:
        """Give the reply that the script has for a request, see `Responder.respond`.

        Raises:
            ScriptExhaustedError: The list is used up.
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


def _reply_to(script: Mapping[str, Scripted | Sequence[Scripted]], request: ModelRequest) -> Reply:
    last = last_exchange(request)
    asked = f"{request.system}\n{last.prompt}"
    fitting = [part for part in script if part in asked]
    found = script[max(fitting, key=len)] if fitting else ()
    listed = [found] if isinstance(found, str | Call | Reply) else found
    if last.replies < len(listed):
        return within_limit(request, as_reply(listed[last.replies]))
    return EchoModel().respond(request)


class FunctionModel:
    """Replies with what a function returns.

    Example:
        >>> model = FunctionModel(lambda request: request.turns[-1].text.upper())

    Args:
        function: Takes a `ModelRequest`; returns a text, a `Call` or a `Reply`.
        threads: How many requests it can take at the same time, each in a thread of its own; 0
            calls it in the gateway's own thread, which is right where it takes no time.
    """

    def __init__(self, function: Callable[[ModelRequest], Scripted], *, threads: int = 1) -> None:
        self.threads = threads
        self._function = function

    def respond(self, request: ModelRequest) -> Reply:
        """Return the function's reply, see `Responder.respond`."""
        return as_reply(self._function(request))
