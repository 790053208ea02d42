"""The envelope for words and calls: its JSON schema, and reading it however a model wrapped it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import unescape
from typing import Any, Final

from langchain_segmind._prompt import Call, Choice, Prompt, Tool, parse_call

# --- the schema ------------------------------------------------------------------------------


def form(
    tools: Sequence[Tool], forced: bool, parallel: bool, answer: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Make the `response_format` that asks for an envelope.

    Args:
        tools: Those on offer.
        forced: Whether at least one must be called.
        parallel: Whether several may be called at once.
        answer: The schema of the final answer, where it is no plain text.
    """
    definitions: dict[str, Any] = {}
    offers = [_offer(tool, definitions) for tool in tools]
    calls: dict[str, Any] = {
        "type": "array",
        "items": offers[0] if len(offers) == 1 else {"anyOf": offers},
    }
    if forced:
        calls["minItems"] = 1
    if not parallel:
        calls["maxItems"] = 1
    say: dict[str, Any] = {"type": "string"}
    if answer is not None:
        say = {"anyOf": [_hoisted(answer, "answer", definitions), {"type": "null"}]}
    schema = _closed_object({"say": say, "calls": calls})
    if definitions:
        schema["$defs"] = definitions
    wanted: dict[str, Any] = {"name": "reply", "schema": schema}
    if any(tool.strict for tool in tools):
        wanted["strict"] = True
    return {"type": "json_schema", "json_schema": wanted}


def _offer(tool: Tool, definitions: dict[str, Any]) -> dict[str, Any]:
    parameters = _hoisted(tool.parameters, tool.name, definitions)
    name = {"type": "string", "enum": [tool.name]}
    offer = _closed_object({"name": name, "arguments": parameters})
    return {**offer, "description": tool.description} if tool.description else offer


def _closed_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _hoisted(schema: Mapping[str, Any], owner: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Move a schema's definitions to the root of the envelope, where its references must point."""
    names = [key for key in ("$defs", "definitions") if isinstance(schema.get(key), Mapping)]
    moved = {f"#/{key}/{name}": f"{owner}.{name}" for key in names for name in schema[key]}
    for key in names:
        for name, definition in schema[key].items():
            definitions[f"{owner}.{name}"] = _renamed(definition, moved)
    rest = {key: value for key, value in schema.items() if key not in names}
    renamed = lean(_renamed(rest, moved))
    return renamed if "$ref" in renamed else {"type": "object", **renamed}


def _renamed(value: Any, moved: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: f"#/$defs/{moved[item]}"
            if key == "$ref" and item in moved
            else _renamed(item, moved)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_renamed(item, moved) for item in value]
    return value


def lean(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what tells a model nothing and costs tokens: titles made from names, `$schema`."""
    return {
        key: _lean(key, value) for key, value in schema.items() if key not in ("title", "$schema")
    }


def _lean(key: str, value: Any) -> Any:
    if key in ("properties", "$defs", "definitions") and isinstance(value, Mapping):
        # Here the keys are names, and `title` may be one of them.
        return {name: lean(s) if isinstance(s, Mapping) else s for name, s in value.items()}
    if key in ("items", "additionalProperties", "not") and isinstance(value, Mapping):
        return lean(value)
    if key in ("anyOf", "oneOf", "allOf", "prefixItems") and isinstance(value, list):
        return [lean(s) if isinstance(s, Mapping) else s for s in value]
    return value


# --- reading ---------------------------------------------------------------------------------

_CUT: Final = "The reply was cut short."
_FENCE: Final = re.compile(r"```[a-zA-Z]*\s*(.*?)```", re.DOTALL)
_TAG: Final = re.compile(
    r"<tool_call(?P<marks>\s[^>]*)?>(?P<body>.*?)(?P<end></tool_call>|\Z)", re.DOTALL
)
_MARK: Final = re.compile(r'(\w+)="([^"]*)"')
_BEGUN: Final = re.compile(r'[{\[]\s*(?:\{\s*)?"(?:say|calls|name|tool_calls|content)"')
_COMMA: Final = re.compile(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])')
_ARGUMENTS: Final = ("arguments", "args", "parameters", "input")
_NOTHING: Final = object()
_DECODER: Final = json.JSONDecoder()
_TOKEN: Final = re.compile(r'"(?:\\.|[^"\\])*"|["{}\[\]]')
_OPENING: Final = re.compile(r"[{\[]")
_TRIES: Final = 50


def opened(choice: Choice, prompt: Prompt) -> Choice:
    """Open the envelope of an answer to a prompt with tools."""
    words, calls = _read(choice.text, prompt)
    return named(replace(choice, text=words, calls=tuple(calls)), prompt)


def named(choice: Choice, prompt: Prompt) -> Choice:
    """Give every call an id, and the finish reason that calls have."""
    calls = tuple(_with_id(call, n, choice, prompt) for n, call in enumerate(choice.calls))
    if not any(isinstance(call.arguments, Mapping) for call in calls):
        return replace(choice, calls=calls)
    native = choice.native_finish_reason or choice.finish_reason
    return replace(
        choice,
        calls=calls,
        finish_reason="tool_calls",
        native_finish_reason=None if native == "tool_calls" else native,
    )


def _with_id(call: Call, n: int, choice: Choice, prompt: Prompt) -> Call:
    """Give a call an id of its own; the core has no dice, so it is made of what was said when."""
    if call.id:
        return call
    said = f"{len(prompt.turns)}|{n}|{prompt.turns[-1]}|{choice.text}|{call}"
    return replace(call, id=f"call_{hashlib.sha256(said.encode()).hexdigest()[:24]}")


def _read(text: str, prompt: Prompt) -> tuple[str, list[Call]]:
    if "<tool_call" in text:
        return _TAG.sub("", text).strip(), [_tagged(match) for match in _TAG.finditer(text)]
    for value, outside in _values(text):
        if isinstance(value, _Cut):
            return _cut_short(text, value) if _BEGUN.match(text, value.at) else (text, [])
        found = _understood(value, prompt)
        if found is not None:
            words, calls = found
            return words or outside, calls
    return text, []


@dataclass(frozen=True)
class _Cut:
    """JSON that begins at a place of a text and does not end."""

    at: int


def _values(text: str) -> Iterator[tuple[Any, str]]:
    """The JSON values that a text may mean, each with the words around it.

    First all of the text, then what is fenced, then what stands in the prose. What stands inside
    a value that was cut short is none: half an envelope holds no calls to run.
    """
    value = _parsed(text)
    if value is not _NOTHING:
        yield value, ""
        return
    for match in _FENCE.finditer(text):
        value = _parsed(match[1])
        if value is not _NOTHING:
            yield value, (text[: match.start()] + text[match.end() :]).strip()
    for value, start, end in _embedded(text):
        yield value, (text[:start] + text[end:]).strip()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(_without_trailing_commas(text))
    except (ValueError, RecursionError):
        return _NOTHING


def _without_trailing_commas(text: str) -> str:
    """Blank out commas before a closing bracket, so that all else stays where it was."""
    return _COMMA.sub(lambda match: " " if match[0] == "," else match[0], text)


def _embedded(text: str) -> Iterator[tuple[Any, int, int]]:
    """JSON objects and lists in the middle of prose; at most a few are tried."""
    text = _without_trailing_commas(text)
    at = 0
    for _ in range(_TRIES):
        match = _OPENING.search(text, at)
        if match is None:
            return
        try:
            value, at = _DECODER.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            if not _closes(text, match.start()):
                yield _Cut(match.start()), match.start(), len(text)
                return
            at = match.end()
        else:
            yield value, match.start(), at


def _closes(text: str, start: int) -> bool:
    """Tell whether the bracket at a place is closed again, whatever stands in between."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth == 0:
            return True
        if token[0] == '"':  # a string that does not end
            return False
    return False


def json_in(text: str) -> str | None:
    """The JSON that a text is, or holds in a fence or in prose, mended; None if it holds none."""
    fenced = [match[1].strip() for match in _FENCE.finditer(text)]
    for candidate in (text, *fenced):
        if _parsed(candidate) is not _NOTHING:
            return _without_trailing_commas(candidate)
    clean = _without_trailing_commas(text)
    found = (clean[a:b] for value, a, b in _embedded(text) if not isinstance(value, _Cut))
    return next(found, None)


def _understood(value: Any, prompt: Prompt) -> tuple[str, list[Call]] | None:
    """Read a JSON value as an envelope, OpenAI's shape, calls alone or arguments alone."""
    if isinstance(value, list):
        calls = [_as_call(item, prompt) for item in value]
        return ("", [c for c in calls if c]) if calls and all(calls) else None
    if not isinstance(value, dict):
        return None
    if "say" in value or "calls" in value:
        return _words(value.get("say")), _calls(value.get("calls"))
    if "tool_calls" in value:
        return _words(value.get("content")), _calls(value["tool_calls"])
    call = _as_call(value, prompt) or _bare_arguments(value, prompt)
    return ("", [call]) if call else None


def _words(say: Any) -> str:
    if say is None:
        return ""
    return say if isinstance(say, str) else json.dumps(say, ensure_ascii=False)


def _calls(value: Any) -> list[Call]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [_call(item) for item in items]


def _call(item: Any) -> Call:
    """Read one of an envelope's calls; whatever it is, it is a call, if perhaps an invalid one."""
    inner = item.get("function", item) if isinstance(item, dict) else None
    if not isinstance(inner, dict):
        return Call("", json.dumps(item, ensure_ascii=False), error="This is no tool call.")
    arguments = next((inner[key] for key in _ARGUMENTS if key in inner), None)
    given = item.get("id")
    return parse_call(inner.get("name"), arguments, given if isinstance(given, str) else None)


def _as_call(value: Any, prompt: Prompt) -> Call | None:
    """Read a value that stands alone as a call only if it names a tool on offer."""
    inner = value.get("function", value) if isinstance(value, dict) else None
    if not isinstance(inner, dict) or inner.get("name") not in {tool.name for tool in prompt.tools}:
        return None
    known = {"name", "id", "type", *_ARGUMENTS}
    return _call(value) if known.issuperset(inner) else None


def _bare_arguments(value: dict[str, Any], prompt: Prompt) -> Call | None:
    """Read the arguments of the one tool that had to be called."""
    if not (prompt.forced and len(prompt.tools) == 1 and value):
        return None
    tool = prompt.tools[0]
    properties = tool.parameters.get("properties") or {}
    required = set(tool.parameters.get("required") or ())
    fits = required <= value.keys() <= set(properties)
    return Call(tool.name, value) if fits else None


def _tagged(match: re.Match[str]) -> Call:
    """Read `<tool_call>{"name": ..., "arguments": ...}</tool_call>`, or our own form with marks."""
    body = match["body"].strip()
    marks = {key: unescape(mark) for key, mark in _MARK.findall(match["marks"] or "")}
    if not match["end"]:
        return Call(marks.get("name", ""), body, error=_CUT)
    if "name" in marks:
        return parse_call(marks["name"], body, None)
    value = _parsed(body)
    if isinstance(value, dict):
        return _call(value)
    return Call("", body, error="This is no tool call.")


def _cut_short(whole: str, cut: _Cut) -> tuple[str, list[Call]]:
    """Read what there is of an envelope that ends too early: words, but never a call to run."""
    text = whole[cut.at :]
    begun = re.search(r'"(?:say|content)"\s*:\s*', text)
    words = _begun_string(text[begun.end() :]) if begun else whole[: cut.at].strip()
    calls = re.search(r'"(?:calls|tool_calls)"\s*:\s*\[\s*|^\W*(?="name")', text)
    rest = text[calls.end() :].strip() if calls else ""
    if not rest:
        return words, []
    name = re.search(r'"name"\s*:\s*"([^"\\]*)"', rest)
    return words, [Call(name[1] if name else "", rest, error=_CUT)]


def _begun_string(text: str) -> str:
    """Read a JSON string that may lack its end."""
    try:
        value, _ = _DECODER.raw_decode(text)
    except ValueError:
        for end in range(
            len(text), max(0, len(text) - 7), -1
        ):  # an escape has at most 6 characters
            value = _parsed(text[:end] + '"')
            if isinstance(value, str):
                return value
        return ""
    return _words(value)
