"""Work whose input grows: twice the input must take about twice the time.

`make bench` measures the CPU time of each piece of work with its input and with twice as much of
it. `tests/integration/test_growth.py` counts the lines that run, which also works on a busy
machine, but does not see what takes long inside C: regular expressions, copies, comparisons.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig

from benchmarks import questions
from benchmarks.subjects import KEY, Call
from langchain_segmind import ChatSegmind
from langchain_segmind._formats import decode
from langchain_segmind._messages.from_langchain import from_langchain
from langchain_segmind._messages.to_langchain import to_ai_message
from langchain_segmind._messages.tools import parse_tools
from langchain_segmind._messages.types import ChatRequest
from langchain_segmind._tool_emulation.reply import parse_reply

_LEAST: Final = 0.02
"""Seconds that a measurement takes at least: shorter ones are repeated."""

_ENOUGH: Final = 2.15
"""A ratio above it is measured again: a busy machine spoils some measurements, but not all."""

_TRIES: Final = 4

_CHARACTERS: Final = 60_000

FAMILIES: Final = ("gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash")


@dataclass(frozen=True, slots=True)
class Work:
    """Work on an input of any size.

    Attributes:
        kind: What the input is, one of `KINDS`.
        name: What is special about it.
        size: A size that a user may have. With twice as much, no limit may be reached, above which
            the work is another.
        build: Builds the work from the URL of a server and a size.
    """

    kind: str
    name: str
    size: int
    build: Callable[[str, int], Call]


KINDS: Final = ("replies", "tool lists", "histories", "schemas", "media", "batches")


# --- measuring -------------------------------------------------------------------------------


def ratios(url: str, rounds: int, part: int) -> dict[str, dict[str, float]]:
    """Return the CPU time with twice the input over that with the input, of each piece of work.

    Args:
        url: The URL of a server that answers at once.
        rounds: How often to measure. The fastest counts.
        part: What part of the size is measured: one half for 2.
    """
    gc.disable()  # it runs seldom, so that one run more would look like growth
    try:
        found: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
        for work in WORKS:
            gc.collect()  # else what earlier work left would scatter the memory of this
            size = work.size // part
            once, twice = work.build(url, size), work.build(url, 2 * size)
            found[work.kind][work.name] = _ratio(once, twice, rounds)
    finally:
        gc.enable()
    return found


def _ratio(once: Call, twice: Call, rounds: int) -> float:
    _seconds(once, 1)
    _seconds(twice, 1)
    times = 1 if rounds == 1 else math.ceil(_LEAST / max(_seconds(once, 1), 1e-6))
    few, many = math.inf, math.inf
    for turn in range(rounds * _TRIES):
        few, many = min(few, _seconds(once, times)), min(many, _seconds(twice, times))
        if turn + 1 >= rounds and many <= _ENOUGH * few:
            break
    return many / few


def _seconds(call: Call, times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - began) / times


def seconds_for_large_replies(size: int) -> dict[str, float]:
    """Return how long reading so many characters of each form of text takes."""
    found: dict[str, float] = {}
    for name, form in FORMS.items():
        text = form.text(size // len(form.unit))
        found[name] = max(_seconds(_reading(text, request), 1) for request in _asking())
    return found


# --- replies ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Form:
    """A form of text: a unit, repeated, between a beginning and an end.

    Attributes:
        has_values: Whether each unit is a JSON value, of which one reply may have a thousand.
    """

    unit: str
    before: str = ""
    after: str = ""
    has_values: bool = False

    def text(self, units: int) -> str:
        """Return a text of so many units."""
        return self.before + self.unit * units + self.after

    @property
    def size(self) -> int:
        """How many units a text has, when it is measured."""
        units = _CHARACTERS // len(self.unit)
        return min(units, 480) if self.has_values else units


_ONE: Final = '{"name":"weather_1","arguments":{"city":"Paris"}}'
_OURS: Final = '{"tool_needed":true,"reply":['
_ANSWER: Final = '{"tool_needed":false,"reply":"'

# A text without a bracket is not scanned, so those that have none end with one.
FORMS: Final = {
    "prose": Form(questions.WORDS, after="[]"),
    "an answer in JSON": Form(questions.WORDS, _ANSWER, '"}'),
    "an answer in JSON, cut short": Form(questions.WORDS, _ANSWER),
    "calls": Form(f"{_ONE},", _OURS, f"{_ONE}]}}", has_values=True),
    "calls, cut short": Form(f"{_ONE},", _OURS, has_values=True),
    "calls between words": Form(f"I call it: {_ONE}\n", has_values=True),
    "call elements": Form(f"<tool_call>{_ONE}</tool_call>\n", has_values=True),
    "unclosed elements": Form("<tool_call>{"),
    "a very long element": Form('name="x" ', "<tool_call "),
    "invoke elements": Form('<invoke name="weather_1"><parameter name="city">'),
    "results made up": Form("<tool_result>", f"{_OURS}{_ONE}]}}"),
    "unclosed brackets": Form("["),
    "unclosed braces": Form('{"a":'),
    "brackets": Form("[]", has_values=True),
    "nested lists": Form("[{}],", "[" * 40, "[]" + "]" * 40),
    "fences": Form(f"```json\n{_ONE}\n```\n", has_values=True),
    "unclosed fences": Form("```json\n", after="[]"),
    "nested fences": Form("````\n```json\n", after="[]"),
    "backticks": Form("` a ``", after="[]"),
    "code spans": Form(f"`{_ONE}` ", has_values=True),
    "HTML elements": Form("<code><pre><q>"),
    "comments": Form("<!-- "),
    "quotation marks": Form('" \u201c ', after="[]"),
    "block quotes": Form(f"> {_ONE}\n", has_values=True),
    "table rows": Form(f"| a | {_ONE} |\n", has_values=True),
    "JSON values": Form('{"a": 1} ', has_values=True),
    "backslashes": Form("\\"),
    "escapes": Form('\\n\\u0041\\"', '{"reply":"'),
    "broken JSON": Form('"a": b, \\', '{"reply":{'),
    "Python's literals": Form("{'a': "),
    "blank lines": Form(" \n", after="[]"),
    "thoughts": Form("<think>a"),
    "marks of other models": Form("<|tool_call_begin|>functions.a:0[TOOL_CALLS]"),
    "letters of two bytes": Form("\u0436\u200b"),
}

_FORMAT: Final = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}


def _asking(history: int = 1) -> list[ChatRequest]:
    """Return the requests whose replies are searched: one with tools, and one for JSON."""
    asked = from_langchain(_conversation(history))
    offered = parse_tools(questions.tools(20))
    return [ChatRequest(asked, tools=offered), ChatRequest(asked, response_format=_FORMAT)]


def _reading(text: str, *requests: ChatRequest) -> Call:
    """Build the reading of a reply to each request."""
    body = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()

    def read() -> None:
        for request in requests:
            response = decode(body)
            to_ai_message(parse_reply(response.choices[0], request), response.usage, {})

    return read


def _replies() -> Iterator[Work]:
    def build(form: Form, _url: str, size: int) -> Call:
        return _reading(form.text(size), *_asking())

    for name, form in FORMS.items():
        yield Work("replies", name, form.size, partial(build, form))
    calls = FORMS["call elements"].text(400)
    yield Work("replies", "calls after a history", 400, lambda _, n: _reading(calls, *_asking(n)))


# --- requests --------------------------------------------------------------------------------


def _model(url: str, slug: str = FAMILIES[0], **settings: Any) -> ChatSegmind:
    settings = {"queue": False, **settings}
    return ChatSegmind(model=slug, base_url=f"{url}/v1", api_key=KEY, **settings)


def _conversation(length: int) -> list[BaseMessage]:
    """Return so many messages: questions, calls, their results, and answers."""
    messages: list[BaseMessage] = []
    for n in range(length):
        text = f"{n}. {questions.WORDS * 3}"
        call = {"name": "weather_1", "args": {"city": text}, "id": f"call_{n - n % 4}"}
        turns: tuple[BaseMessage, ...] = (
            HumanMessage(text),
            AIMessage("", tool_calls=[call]),
            ToolMessage(json.dumps({"weather": text}), tool_call_id=call["id"]),
            AIMessage(text),
        )
        messages.append(turns[n % 4])
    return messages


def _invoking(model: Any, messages: LanguageModelInput, **settings: Any) -> Call:
    return partial(model.invoke, messages, **settings)


def _with_tools(url: str, tools: list[dict[str, Any]], slug: str, mode: str) -> Call:
    """Build a call with tools, including what `bind_tools` does."""
    model = _model(url, slug, tool_calling=mode)
    return lambda: model.bind_tools(tools).invoke("hi")


def _tool_lists() -> Iterator[Work]:
    def build(slug: str, mode: str, url: str, size: int) -> Call:
        return _with_tools(url, questions.tools(size), slug, mode)

    def counting(url: str, size: int) -> Call:
        model, offered = _model(url), questions.tools(size)
        return lambda: model.get_num_tokens_from_messages([HumanMessage("hi")], tools=offered)

    for slug in FAMILIES:
        yield Work("tool lists", f"{slug}, in the prompt", 100, partial(build, slug, "emulated"))
        yield Work("tool lists", f"{slug}, described", 100, partial(build, slug, "native"))
    yield Work("tool lists", "counted in tokens", 100, counting)


def _histories() -> Iterator[Work]:
    offered = questions.tools(20)

    def build(slug: str, mode: str, url: str, size: int) -> Call:
        model = _model(url, slug, tool_calling=mode).bind_tools(offered)
        return _invoking(model, _conversation(size))

    def counting(url: str, size: int) -> Call:
        return partial(_model(url).get_num_tokens_from_messages, _conversation(size))

    def calling(url: str, size: int) -> Call:
        calls = [{"name": "weather_1", "args": {"city": "x"}, "id": f"c{n}"} for n in range(size)]
        results = [ToolMessage("It rains.", tool_call_id=f"c{n}") for n in range(size)]
        model = _model(url).bind_tools(offered)
        return _invoking(model, [HumanMessage("hi"), AIMessage("", tool_calls=calls), *results])

    for slug in FAMILIES:
        for mode, name in (("emulated", "in the prompt"), ("native", "as fields")):
            yield Work("histories", f"{slug}, calls {name}", 800, partial(build, slug, mode))
    yield Work("histories", "many calls at once", 400, calling)
    yield Work("histories", "counted in tokens", 800, counting)


def _wide(size: int) -> dict[str, Any]:
    properties = {f"field_{n}": {"type": "string", "description": "A word."} for n in range(size)}
    return {"type": "object", "properties": properties, "required": [*properties]}


def _deep(size: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(size):
        schema = {"type": "object", "properties": {"inner": schema}, "required": ["inner"]}
    return schema


def _referring(size: int) -> dict[str, Any]:
    """Return a schema of definitions that each refer to the next twice."""
    inner = [{"$ref": f"#/$defs/d{n + 1}"} for n in range(size - 1)] + [{"type": "string"}]
    definitions = {
        f"d{n}": {"type": "object", "properties": {"a": each, "b": each}}
        for n, each in enumerate(inner)
    }
    properties = {"first": {"$ref": "#/$defs/d0"}}
    return {"type": "object", "properties": properties, "$defs": definitions}


def _sharing(size: int) -> dict[str, Any]:
    """Return a schema of properties that all refer to one definition."""
    properties = {f"field_{n}": {"$ref": "#/$defs/place"} for n in range(size)}
    definitions = {"place": {"type": "object", "properties": {"city": {"type": "string"}}}}
    return {"type": "object", "properties": properties, "$defs": definitions}


def _alternatives(size: int) -> dict[str, Any]:
    options = [{"type": "object", "properties": {f"a{n}": {"type": "null"}}} for n in range(size)]
    return {"type": "object", "properties": {"a": {"anyOf": options}}}


def _tuple(size: int) -> dict[str, Any]:
    items = [{"type": "integer", "minimum": n} for n in range(size)]
    return {"type": "object", "properties": {"a": {"type": "array", "prefixItems": items}}}


def _choices(size: int) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": {"enum": [f"word {n}" for n in range(size)]}}}


_SCHEMAS: Final = {
    "wide": (_wide, 300),
    "deep": (_deep, 22),
    "definitions that refer to the next": (_referring, 100),
    "references to one definition": (_sharing, 300),
    "alternatives": (_alternatives, 300),
    "tuples": (_tuple, 1000),
    "choices": (_choices, 1000),
}


def _schemas() -> Iterator[Work]:
    def offering(
        schema: Callable[[int], dict[str, Any]], slug: str, mode: str, url: str, size: int
    ) -> Call:
        function = {"name": "save", "description": "Save it.", "parameters": schema(size)}
        return _with_tools(url, [{"type": "function", "function": function}], slug, mode)

    def answering(schema: Callable[[int], dict[str, Any]], slug: str, url: str, size: int) -> Call:
        wanted = {"title": "answer", "description": "An answer.", **schema(size)}
        model = _model(url, slug)
        return lambda: model.with_structured_output(wanted, include_raw=True).invoke("hi")

    def reading(_url: str, size: int) -> Call:
        value = {f"field_{n}": "Paris" for n in range(size)}
        wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": _wide(size)}}
        request = ChatRequest(from_langchain([HumanMessage("hi")]), response_format=wanted)
        content = json.dumps(value)
        body = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
        return lambda: parse_reply(decode(body).choices[0], request)

    for name, (schema, size) in _SCHEMAS.items():
        openai, _, gemini = FAMILIES
        emulated = partial(offering, schema, openai, "emulated")
        yield Work("schemas", f"{name}, of a tool", size, emulated)
        native = partial(offering, schema, gemini, "native")
        yield Work("schemas", f"{name}, of a tool for Gemini", size, native)
        yield Work("schemas", f"{name}, of an answer", size, partial(answering, schema, openai))
        wanted = partial(answering, schema, gemini)
        yield Work("schemas", f"{name}, of an answer of Gemini", size, wanted)
    yield Work("schemas", "a wide answer that is read", 300, reading)


def _media() -> Iterator[Work]:
    def one(url: str, size: int) -> Call:
        return _invoking(_model(url), questions.image(size).messages)

    def uri(url: str, size: int) -> Call:
        data = base64.b64encode(b"\x89PNG\r\n\x1a\n".ljust(size, b"\0")).decode()
        part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        return _invoking(_model(url), [HumanMessage([part])])

    def result(url: str, size: int) -> Call:
        blocks = questions.image(size).messages[0].content
        call = {"name": "draw", "args": {}, "id": "a"}
        turns = [HumanMessage("hi"), AIMessage("", tool_calls=[call])]
        return _invoking(_model(url), [*turns, ToolMessage(blocks, tool_call_id="a")])

    def several(url: str, size: int) -> Call:
        blocks = [*questions.image(1000).messages[0].content] * size
        return _invoking(_model(url), [HumanMessage(blocks)])

    def text(url: str, size: int) -> Call:
        return _invoking(_model(url), questions.WORDS * size)

    yield Work("media", "one image", 10_000_000, one)
    yield Work("media", "one data URI", 10_000_000, uri)
    yield Work("media", "an image of a tool", 10_000_000, result)
    yield Work("media", "many small images", 200, several)
    yield Work("media", "a long text", 40_000, text)


def _batches() -> Iterator[Work]:
    def inputs(size: int) -> list[LanguageModelInput]:
        return questions.short().times(size)

    def on_threads(url: str, size: int) -> Call:
        model, config = _model(url), RunnableConfig(max_concurrency=16)
        return lambda: model.batch(inputs(size), config)

    def on_a_loop(url: str, size: int) -> Call:
        model = _model(url, max_connections=50)
        return lambda: asyncio.run(model.abatch(inputs(size)))

    def as_completed(url: str, size: int) -> Call:
        model = _model(url, max_connections=50)

        async def run() -> None:
            async for _ in model.abatch_as_completed(inputs(size)):
                pass

        return lambda: asyncio.run(run())

    yield Work("batches", "batch", 200, on_threads)
    yield Work("batches", "abatch", 200, on_a_loop)
    yield Work("batches", "abatch_as_completed", 200, as_completed)


WORKS: Final = (
    *_replies(),
    *_tool_lists(),
    *_histories(),
    *_schemas(),
    *_media(),
    *_batches(),
)
