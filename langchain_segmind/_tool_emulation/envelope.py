"""Read JSON values as envelopes, in all the shapes that models give them, or as calls alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from langchain_segmind._messages.limits import MOST
from langchain_segmind._messages.types import ChatRequest, ToolCall
from langchain_segmind._tool_emulation.calls import (
    Tools,
    bare_arguments_from,
    call_from,
    is_call,
    lone_call_from,
    suspected,
    without_arguments,
)
from langchain_segmind._tool_emulation.found import OWN_WRAPPERS
from langchain_segmind._tool_emulation.json_repair import UNPARSABLE, parse_json
from langchain_segmind._tool_emulation.quotes import takes_back
from langchain_segmind._tool_emulation.schema import DECISION, REPLY, answer_schema

_DEEPEST: Final = 3
_WORDS: Final = (REPLY, "answer", "say", "content")
_CALLS: Final = ("calls", "tool_calls", "function_call", "tool_call")
_KEYS: Final = frozenset({DECISION, *_WORDS, *_CALLS})
_WRAPPERS: Final = (OWN_WRAPPERS - {"tools", "functions"}) | {
    *("output", "message", "arguments", "parameters", "root")
}
"""Keys under which models put their whole reply. What stands under any other key is quoted."""
_YES: Final = frozenset({"true", "yes", "1"})
_CONTRADICTED: Final = "The reply holds a call, but says that no tool is needed."


class Read(NamedTuple):
    """The text of a reply and its calls."""

    text: str
    calls: list[ToolCall]

    @property
    def declines(self) -> bool:
        """Whether it is an envelope by which nothing is to be called."""
        return all(call.error == _CONTRADICTED for call in self.calls)


class EnvelopeReader:
    """Reads JSON values, for one request."""

    def __init__(self, request: ChatRequest) -> None:
        self.tools: Tools = {tool.name: tool for tool in request.tools}
        self.wants_json = answer_schema(request) is not None
        is_fixed = request.require_tool_call and len(request.tools) == 1
        self._only_tool = request.tools[0] if is_fixed else None

    def decides_to_call(self, decision: Any) -> bool:
        """Whether a decision is a yes, however it is spelled, or names a tool."""
        is_tool = isinstance(decision, str) and decision in self.tools
        return is_tool or str(decision).strip().lower() in _YES

    def whole(self, value: Any) -> Read | None:
        """Read what is the whole reply: an envelope, calls alone or arguments alone."""
        if isinstance(value, str):  # JSON that was written as a JSON string
            value = parse_json(value)
            if value is UNPARSABLE or isinstance(value, str):
                return None
        read = self.envelope(value) or self.calls(value)
        if (read and read.calls) or self._only_tool is None:
            return read
        inner = value.get(REPLY) if isinstance(value, dict) else None
        bare = [held for held in (inner, value) if isinstance(held, dict)]
        calls = [call for held in bare if (call := bare_arguments_from(held, self._only_tool))]
        return Read("", calls[:1]) if calls else read

    def calls(self, value: Any) -> Read | None:
        """Read a call, or a list of nothing but calls, of tools on offer."""
        calls = [lone_call_from(item, self.tools) for item in _items(value)]
        known = [call for call in calls if call is not None]
        return Read("", known) if known and len(known) == len(calls) else None

    def envelope(self, value: Any, depth: int = 0) -> Read | None:
        """Read our envelope, or OpenAI's message, perhaps under a name or in a list of its own."""
        if depth > _DEEPEST:
            return None
        if isinstance(value, list):
            return self._envelopes(value, depth)
        if not isinstance(value, dict):
            return None
        fields = {key.strip().lower(): held for key, held in value.items()}
        if len(fields) < len(value):
            return None  # a key occurs twice: nobody knows which counts
        reply = fields.get(REPLY)
        if isinstance(reply, str) and self._decision(fields):
            reply = _parsed(reply)
        if isinstance(reply, dict | list) and (DECISION in fields or len(fields) == 1):
            return self._own(reply, fields, depth)
        inner, beside = self._wrapped(fields)
        read = self.envelope(inner, depth + 1)
        if read is not None and beside:
            read = Read(read.text, _without_defaults(read.calls, beside, self.tools))
        read = read or self._beside(fields)
        is_alone = read is None and not beside and all(map(is_call, _items(inner)))
        return self.calls(inner) if is_alone else read

    def _envelopes(self, values: list[Any], depth: int) -> Read | None:
        """Read a list of nothing but envelopes, with calls if there are several."""
        if len(values) == 1:
            return self.envelope(values[0], depth + 1)
        if len(values) > MOST:
            return None
        reads = [read for value in values if (read := self.envelope(value, _DEEPEST))]
        kept = before_made_up(reads) if len(reads) == len(values) else []
        words = "\n".join(read.text for read in kept if read.text)
        return Read(words, once(call for read in kept for call in read.calls)) if kept else None

    def _wrapped(self, fields: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return what stands under a key of `_WRAPPERS`, and what stands beside it."""
        key = next(iter(fields), "") if len(fields) == 1 else REPLY
        taken = {key}
        if fields.get("name") == REPLY and REPLY not in self.tools:  # the schema, called as a tool
            key = "arguments" if "arguments" in fields else "parameters"
            taken = {key, "name"}
        inner = _parsed(fields.get(key)) if key in _WRAPPERS else None
        return inner, {name: held for name, held in fields.items() if name not in taken}

    def _own(self, reply: Any, fields: Mapping[str, Any], depth: int) -> Read:
        """Read `{"tool_needed": ..., "reply": ...}` with calls, or an answer in JSON."""
        decision = self._decision(fields)
        is_answer = decision is False and self.wants_json
        read = None if is_answer else self.calls(reply)
        if read is None and decision is not False:
            is_wrapped = decision is None or (isinstance(reply, dict) and _holds_calls(reply))
            read = self.envelope(reply, depth + 1) if is_wrapped else None
            if read is None and (decision is True or any(map(is_call, _items(reply)))):
                read = Read("", all_calls({REPLY: reply}, REPLY, self.tools))
        if read is None:
            return Read(_text(reply), [])
        beside = {name: held for name, held in fields.items() if name not in (DECISION, REPLY)}
        calls = _without_defaults(read.calls, beside, self.tools) if beside else read.calls
        return Read(read.text, _as_decided(calls, decision))

    def _decision(self, fields: Mapping[str, Any]) -> bool | None:
        """Return whether an envelope decides to call; None where it lacks a decision."""
        return self.decides_to_call(fields[DECISION]) if DECISION in fields else None

    def _beside(self, fields: Mapping[str, Any]) -> Read | None:
        """Read words, and calls that stand beside them as in OpenAI's message."""
        fields = {**fields, **{key: _parsed(fields[key]) for key in fields.keys() & set(_CALLS)}}
        words = _text(next((fields[key] for key in _WORDS if fields.get(key) is not None), ""))
        if _holds_calls(fields):
            calls = [call for key in _CALLS for call in all_calls(fields, key, self.tools)]
            return Read(words, _as_decided(calls, self._decision(fields)))
        is_answer = DECISION in fields or fields.keys() == {REPLY}
        return Read(words, []) if is_answer and not fields.keys().isdisjoint(_WORDS) else None


def before_made_up(reads: Sequence[Read]) -> Sequence[Read]:
    """Leave out of several envelopes what the model made up: an answer, and what follows it.

    None is left where the first is an answer, or one takes the calls back or contradicts itself:
    it decides then, and the calls may be quoted.
    """
    first = next((n for n, read in enumerate(reads) if read.declines), len(reads))
    answers = [read for read in reads if read.declines]
    is_decided = any(read.calls or takes_back(read.text) for read in answers)
    return [] if is_decided else reads[:first]


def _as_decided(calls: list[ToolCall], decision: bool | None) -> list[ToolCall]:
    """Make calls invalid where the model decided that no tool is needed."""
    if decision is not False:
        return calls
    written = [c.arguments if isinstance(c.arguments, str) else _text(c.arguments) for c in calls]
    return [
        replace(call, arguments=text, error=_CONTRADICTED)
        for call, text in zip(calls, written, strict=True)
    ]


def _holds_calls(fields: Mapping[str, Any]) -> bool:
    """Whether some of the fields are calls, or an empty place for them and nothing unknown."""
    held = {key: fields[key] for key in _CALLS if key in fields}
    listed = held.get("calls", held.get("tool_calls"))
    if isinstance(listed, list) or isinstance(held.get("function_call"), dict):
        return True
    is_place = bool(held) and all(isinstance(value, dict | None) for value in held.values())
    return is_place and fields.keys() <= _KEYS


def _parsed(value: Any) -> Any:
    """Return the JSON of calls that were written as a JSON string; any other value as it is."""
    parsed = parse_json(value) if isinstance(value, str) else value
    return parsed if isinstance(parsed, dict | list) else value


def _items(value: Any) -> list[Any]:
    """Return the items of a list, as far as they are read, or a value alone."""
    return value[: MOST + 1] if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=dict)


def all_calls(fields: Mapping[str, Any], key: str, tools: Tools) -> list[ToolCall]:
    """Read the calls of an envelope; one without arguments is invalid if some stand beside it."""
    value = fields.get(key)
    calls = [] if value is None else [call_from(item, tools) for item in _items(value)]
    beside = {name: fields[name] for name in fields.keys() & {"arguments", "args", "parameters"}}
    nameless = [call.arguments for call in calls if not call.name]
    if not beside and not nameless:
        return calls
    return _without_defaults(calls, beside or nameless, tools)


def _without_defaults(calls: Iterable[ToolCall], beside: Any, tools: Tools) -> list[ToolCall]:
    """Make calls without arguments invalid: what stands beside them may be their arguments."""
    text = json.dumps(beside, ensure_ascii=False, default=repr)
    return [suspected(call, text) if without_arguments(call, tools) else call for call in calls]


def once(calls: Iterable[ToolCall]) -> list[ToolCall]:
    """Leave out calls that are equal to one before."""
    return list({key_of(call): call for call in reversed([*calls])}.values())[::-1]


def keys_of(calls: Iterable[ToolCall]) -> tuple[str, ...]:
    return tuple(key_of(call) for call in calls)


def key_of(call: ToolCall) -> str:
    arguments = call.arguments
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, sort_keys=True)
    return f"{call.name}\0{written}"
