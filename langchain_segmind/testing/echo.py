"""The default model of the local gateway: it repeats what it was asked, and makes nothing up."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from langchain_segmind.testing.answers import check_choice
from langchain_segmind.testing.conversation import Call, Media, ModelRequest, Offer, Reply, Tool
from langchain_segmind.testing.exchange import Exchange, last_exchange
from langchain_segmind.testing.forms import find_form, schema_in_text, wanted_schema
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
        if form is not None:
            schema = form.answer_schema()
            text = _echo(last) if schema is None else _filled(schema, last, form.root)
            reply = write(self._style, form, "" if calls else text, calls)
        elif calls:
            reply = Reply(calls=calls)
        else:
            reply = Reply(_plain(request, last))
        return within_limit(request, reply)


def _plain(request: ModelRequest, last: Exchange) -> str:
    schema = wanted_schema(request) or schema_in_text(request)
    if schema is None and (request.response_format or {}).get("type") == "json_object":
        schema = _ANY_OBJECT
    return _echo(last) if schema is None else _filled(schema, last)


def _filled(schema: object, last: Exchange, root: object = None) -> str:
    return json.dumps(_fill(schema, last, root), ensure_ascii=False)


def _fill(schema: object, last: Exchange, root: object = None) -> Any:
    text = last.prompt[:_LONGEST]
    numbers = [json.loads(number) for number in _NUMBER.findall(text)]
    return fill(schema, text or "text", root, numbers)


def _echo(last: Exchange) -> str:
    results = "\n".join(f"{result.name or 'tool'}: {result.text}" for result in last.results)
    return " ".join([MARK, *filter(None, [results or last.prompt]), *map(_describe, last.media)])


def _describe(media: Media) -> str:
    size = f"{len(media.data)} bytes" if media.data is not None else media.url
    return f"({media.mime or media.kind}, {size})"


def _calls(offer: Offer, last: Exchange) -> Iterator[Call]:
    done = {result.name for result in last.results}
    left = [tool for tool in offer.tools if tool.name not in done]
    chosen = [tool for tool in left if _fits(tool, last.prompt)]
    if not chosen and offer.forced:
        chosen = [*left, *offer.tools][:1]
    for tool in chosen[: offer.most]:
        yield Call(tool.name, _fill(tool.parameters or {"type": "object"}, last))


def _fits(tool: Tool, prompt: str) -> bool:
    own = {word.lower() for word in _WORD.findall(tool.name) if len(word) >= _SHORTEST}
    return bool(own & {word.lower() for word in re.findall(r"[^\W\d_]+", prompt)})


def within_limit(request: ModelRequest, reply: Reply) -> Reply:
    """Cut a reply where ``max_tokens`` allows less."""
    for name in _LIMITS:
        limit = request.settings.get(name)
        if isinstance(limit, int) and (short := cut(reply.text, limit)) != reply.text:
            reply = replace(reply, text=short, finish_reason="length")
    return reply
