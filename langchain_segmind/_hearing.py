"""Reading words and calls out of an answer, however the model wrapped its envelope.

Every function takes time in proportion to the text, and none raises for any text at all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from html import unescape
from typing import Any, Final

from langchain_segmind._prompt import Call, Choice, Prompt, parse_call

_CUT: Final = "The reply was cut short."
_BROKEN: Final = "The reply is not valid JSON."
_TAG: Final = re.compile(
    r"<tool_call(?P<marks>\s[^<>]*)?>(?P<body>[^<]*(?:<(?!/?tool_call)[^<]*)*)"
)
_MARK: Final = re.compile(r'(\w+)="([^"]*)"')
_BEGUN: Final = re.compile(
    r'[{\[]\s*(?:\{\s*)?"(?:say|calls|name|tool_calls|content|function|function_call)"\s*:'
)
# A string that does not end runs to the end of the text, so that each is read only once.
_STRING: Final = r'"(?:\\.|[^"\\])*(?:"|\\?\Z)'
_COMMA: Final = re.compile(_STRING + r"|,(?=\s*[}\]])", re.DOTALL)
_TOKEN: Final = re.compile(_STRING + r"|[{}\[\]]", re.DOTALL)
_ARGUMENTS: Final = ("arguments", "args", "parameters", "input")
_NOTHING: Final = object()
_FENCES: Final = 20
_QUOTED: Final = re.compile(r"`<tool_call[^`]*`")


def opened(choice: Choice, prompt: Prompt, salt: str) -> Choice:
    """Open the envelope of an answer to a prompt with tools."""
    words, calls = _read(choice.text, prompt)
    return named(replace(choice, text=words, calls=tuple(calls)), prompt, salt)


def overheard(choice: Choice, prompt: Prompt, salt: str) -> Choice:
    """Open the envelope of an answer whose prompt is not known, if that is all it is."""
    whole = parsed(choice.text)
    is_ours = isinstance(whole, dict) and whole.keys() == {"say", "calls"}
    return opened(choice, prompt, salt) if is_ours else choice


def cut_calls(choice: Choice) -> Choice:
    """Make the last native call of an answer that met the token limit invalid: it may be half."""
    if choice.finish_reason != "length" or not choice.calls:
        return choice
    *whole, last = choice.calls
    raw = last.arguments
    raw = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)
    return replace(choice, calls=(*whole, replace(last, arguments=raw, error=_CUT)))


def named(choice: Choice, prompt: Prompt, salt: str) -> Choice:
    """Give every call an id of its own, and the finish reason that calls have."""
    calls: list[Call] = []
    for n, call in enumerate(choice.calls):
        taken = call.id in {other.id for other in calls}
        made = _new_id(f"{salt}|{len(prompt.turns)}|{prompt.turns[-1:]}|{n}|{call}")
        calls.append(replace(call, id=made) if taken or not call.id else call)
    runnable = any(isinstance(call.arguments, Mapping) for call in calls)
    if not runnable or choice.finish_reason == "length":
        return replace(choice, calls=tuple(calls))
    native = choice.native_finish_reason or choice.finish_reason
    return replace(
        choice,
        calls=tuple(calls),
        finish_reason="tool_calls",
        native_finish_reason=None if native == "tool_calls" else native,
    )


def _new_id(said: str) -> str:
    """Make an id of what was said when: the core has no dice."""
    return f"call_{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:24]}"


def _read(text: str, prompt: Prompt) -> tuple[str, list[Call]]:
    whole = parsed(text)
    if whole is not _NOTHING:
        return _understood(whole, prompt) or (text, [])
    for inside, outside in fenced(text):
        found = _understood(parsed(inside), prompt)
        if found is not None:
            return found[0] or outside, found[1]
    tags = [match for match in _TAG.finditer(text) if _is_call(match)]
    begun = _BEGUN.search(text)
    if tags and (begun is None or tags[0].start() < begun.start()):
        return _tagged_calls(text, tags)
    return _in_prose(text, prompt)


def _in_prose(text: str, prompt: Prompt) -> tuple[str, list[Call]]:
    """Read the envelope or calls that stand in prose.

    What stands inside a value that was cut short or is broken is none: half an envelope holds no
    calls to run.
    """
    spoken = _QUOTED.sub(lambda match: " " * len(match[0]), text)  # spoken of, not made
    begun = _BEGUN.search(spoken)
    while begun is not None:
        start, end = begun.start(), _end(text, begun.start())
        if end is None:
            return _cut_short(text, start)
        value, outside = parsed(text[start:end]), (text[:start] + text[end:]).strip()
        if value is _NOTHING:
            return outside, [Call("", text[start:end], error=_BROKEN)]
        found = _understood(value, prompt)
        if found is not None:
            return found[0] or outside, found[1]
        begun = _BEGUN.search(spoken, end)
    return text, []


def _end(text: str, start: int) -> int | None:
    """Find where the bracket at a place is closed; None if it is not."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    return None


def parsed(text: str) -> Any:
    """Parse JSON, mending commas too many and line breaks in strings; `_NOTHING` if it is none."""
    try:
        return _sound(json.loads(_mended(text), strict=False, parse_constant=_refuse))
    except (ValueError, RecursionError):
        return _NOTHING


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity cannot be sent back


def _sound(value: Any) -> Any:
    """Replace half surrogate pairs, which cannot be printed or sent."""
    match value:
        case str():
            return (
                value
                if value.isascii()
                else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            )
        case list():
            return [_sound(item) for item in value]
        case dict():
            return {_sound(key): _sound(item) for key, item in value.items()}
        case _:
            return value


def _mended(text: str) -> str:
    return _COMMA.sub(lambda match: " " if match[0] == "," else match[0], text)


def fenced(text: str) -> Iterator[tuple[str, str]]:
    """What stands in code fences, each with the words around it."""
    pieces = text.split("```")
    for n in range(1, min(len(pieces) - 1, 2 * _FENCES), 2):
        language, line, rest = pieces[n].partition("\n")
        inside = rest if line and language.strip().isalnum() else pieces[n]
        yield inside, ("".join(pieces[:n]) + "".join(pieces[n + 1 :])).strip()


def json_in(text: str, required: Sequence[str] = ()) -> str | None:
    """The JSON that a text is, or holds in a fence or in prose, mended; None if it holds none.

    Of several, the first object with the wanted keys counts, else the last.
    """
    if parsed(text) is not _NOTHING:
        return _mended(text)
    spans = [inside.strip() for inside, _ in fenced(text)]
    at = 0
    while (start := _next_bracket(text, at)) >= 0:
        end = _end(text, start)
        if end is None:
            break
        spans.append(text[start:end])
        at = end
    found = [(span, value) for span in spans if (value := parsed(span)) is not _NOTHING]
    fitting = [s for s, value in found if isinstance(value, dict) and set(required) <= set(value)]
    chosen = fitting[0] if fitting else found[-1][0] if found else None
    return None if chosen is None else _mended(chosen)


def _next_bracket(text: str, at: int) -> int:
    places = [place for bracket in "{[" if (place := text.find(bracket, at)) >= 0]
    return min(places, default=-1)


def _understood(value: Any, prompt: Prompt) -> tuple[str, list[Call]] | None:
    """Read a JSON value as an envelope, OpenAI's shape, calls alone or arguments alone."""
    if isinstance(value, list):
        calls = [_as_call(item, prompt) for item in value]
        return ("", [c for c in calls if c]) if calls and all(calls) else None
    if not isinstance(value, dict):
        return None
    calls_ = value.get("calls")
    ours = bool(value) and value.keys() <= {"say", "calls"}
    if isinstance(calls_, list) or (ours and isinstance(calls_, dict | type(None))):
        return _words(value.get("say")), _calls(calls_)
    if isinstance(value.get("tool_calls"), list):
        return _words(value.get("content")), _calls(value["tool_calls"])
    if isinstance(value.get("function_call"), dict):
        return _words(value.get("content")), _calls(value["function_call"])
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


def _is_call(match: re.Match[str]) -> bool:
    """Tell a tag that holds a call from one that is only spoken of."""
    quoted = match.string[max(0, match.start() - 1) : match.start()] == "`"
    begins = match["body"].lstrip()[:1]
    return not quoted and (begins in ("{", "[") or 'name="' in (match["marks"] or ""))


def _tagged_calls(text: str, tags: list[re.Match[str]]) -> tuple[str, list[Call]]:
    words, at, calls = "", 0, list[Call]()
    for match in tags:
        closed = text.startswith("</tool_call>", match.end())
        words += text[at : match.start()]
        at = match.end() + (len("</tool_call>") if closed else 0)
        calls += _tagged(match, closed=closed)
    return (words + text[at:]).strip(), calls


def _tagged(match: re.Match[str], *, closed: bool) -> list[Call]:
    """Read `<tool_call>{"name": ..., "arguments": ...}</tool_call>`, or our own form with marks."""
    body = match["body"].strip()
    marks = {key: unescape(mark) for key, mark in _MARK.findall(match["marks"] or "")}
    if not closed:
        return [Call(marks.get("name", ""), body, error=_CUT)]
    value = parsed(body)
    if "name" in marks:
        return [parse_call(marks["name"], body if value is _NOTHING else value, None)]
    return _calls(value) if isinstance(value, dict | list) else [Call("", body, error=_BROKEN)]


def _cut_short(whole: str, start: int) -> tuple[str, list[Call]]:
    """Read what there is of an envelope that ends too early: words, but never a call to run."""
    text = whole[start:]
    begun = re.search(r'"(?:say|content)"\s*:\s*', text)
    words = _begun_string(text[begun.end() :]) if begun else whole[:start].strip()
    calls = re.search(r'"(?:calls|tool_calls)"\s*:\s*\[\s*|^\W*(?="name")', text)
    rest = text[calls.end() :].strip() if calls else ""
    if not rest:
        return words, []
    name = re.search(r'"name"\s*:\s*"([^"\\]*)"', rest)
    return words, [Call(name[1] if name else "", rest, error=_CUT)]


def _begun_string(text: str) -> str:
    """Read a JSON string that may lack its end."""
    if not text.startswith('"'):
        return ""
    found = _TOKEN.match(text)
    said = found[0] if found else '"'
    for end in range(len(said), max(0, len(said) - 7), -1):  # an escape has at most 6 characters
        for candidate in (said[:end], said[:end] + '"'):
            value = parsed(candidate)
            if isinstance(value, str):
                return value
    return ""
