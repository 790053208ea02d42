"""Parse the reply to a prompt with emulated tools into text and tool calls.

Parsing is a security boundary: what a page or a tool's result made the model quote must not run.
Where a whole envelope of the model's own stands in the reply, it decides, and everything outside it
is text. Without one, calls are read from `<tool_call>` elements and bare JSON, but not from quotes.
What was cut short or cannot be read never becomes a call that runs. Nothing here raises, for any
text, and everything takes time in proportion to the text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from html import unescape
from itertools import accumulate
from typing import Any, Final

from langchain_segmind._messages.types import ChatRequest, Choice, TextPart, ToolCall, ToolResult
from langchain_segmind._tool_emulation.calls import (
    Tools,
    bare_arguments_from,
    call_from,
    checked,
    lone_call_from,
    named_call_from,
)
from langchain_segmind._tool_emulation.json_repair import UNPARSABLE, begun_string, parse_json
from langchain_segmind._tool_emulation.quotes import speaks_of_it
from langchain_segmind._tool_emulation.scan import Fence, Found, Scan, scan

Read = tuple[str, list[ToolCall]]
"""The text of a reply and its calls."""

_CUT: Final = "The reply was cut short."
_BROKEN: Final = "The reply is not valid JSON."
_LONGEST_WRAPPER: Final = 200
_CHECKED_FOR_ORIGIN: Final = 20
_BEGINS_ENVELOPE: Final = re.compile(
    r'[{\[]\s*(?:"reply"\s*:\s*\{\s*)?"(?:say|calls|tool_calls|content|function_call)"\s*:'
)
_NAME: Final = re.compile(r'"name"\s*:\s*"([^"\\]*)"')
_SAY: Final = re.compile(r'"(?:say|content)"\s*:\s*')
_CALLS: Final = re.compile(r'"(?:calls|tool_calls)"\s*:\s*\[\s*|\A\W*(?="name")')
_MARK: Final = re.compile(r"""\b(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_MADE_UP_RESULT: Final = re.compile(r"<\s*tool_result\b", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[\s,;\[\]]*")


def parse_emulated_reply(choice: Choice, prompt: ChatRequest, salt: str) -> Choice:
    """Parse the text of a reply to a prompt with tools."""
    text, calls = _read(choice.text, prompt)
    return with_ids(replace(choice, text=text, calls=tuple(calls)), prompt, salt)


def parse_unknown(choice: Choice, prompt: ChatRequest, salt: str) -> Choice:
    """Parse a reply whose prompt is not known, if it is an envelope and nothing else."""
    whole = parse_json(choice.text)
    is_ours = isinstance(whole, dict) and whole.keys() == {"say", "calls"}
    return parse_emulated_reply(choice, prompt, salt) if is_ours else choice


def check_native_calls(choice: Choice, prompt: ChatRequest) -> Choice:
    """Make native calls invalid that would not run as the model meant.

    Those are the last one of a reply that met the token limit, which may be half, and those that
    would run with their tool's defaults.
    """
    tools = {tool.name: tool for tool in prompt.tools}
    calls = [checked(call, tools) for call in choice.calls]
    if choice.finish_reason == "length" and calls:
        raw = calls[-1].arguments
        raw = raw if isinstance(raw, str) else json.dumps(dict(raw), ensure_ascii=False)
        calls[-1] = replace(calls[-1], arguments=raw, error=_CUT)
    return replace(choice, calls=tuple(calls))


def with_ids(choice: Choice, prompt: ChatRequest, salt: str) -> Choice:
    """Give every call an id of its own, and the reply the finish reason that calls have."""
    if not choice.calls:
        return choice
    taken: set[str] = set()
    calls: list[ToolCall] = []
    seed = hashlib.sha256(
        f"{salt}|{len(prompt.messages)}|{prompt.messages[-1:]}".encode(errors="replace")
    )
    for n, call in enumerate(choice.calls):
        own = call
        if not call.id or call.id in taken:
            digest = seed.copy()
            digest.update(f"|{n}|{call}".encode(errors="replace"))
            own = replace(call, id=f"call_{digest.hexdigest()[:24]}")
        taken.add(own.id or "")
        calls.append(own)
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


def _read(text: str, prompt: ChatRequest) -> Read:
    tools = {tool.name: tool for tool in prompt.tools}
    whole = parse_json(text)
    if whole is not UNPARSABLE:
        return _understand(whole, prompt, tools) or (text, [])
    found = scan(text)
    own = _own_fences(found)
    bare = [value for value in found.found if value.fence is None]
    fenced = [value for value in found.found if id(value.fence) in own]
    for values in (bare, fenced):
        decided = _read_envelope(found, [v for v in values if v.marks is None], tools)
        if decided is not None:
            return decided
    loose = [value for value in found.found if value.fence is None or id(value.fence) in own]
    return _read_calls(found, loose, prompt, tools)


# --- one whole envelope decides ---------------------------------------------------------------


def _own_fences(found: Scan) -> set[int]:
    """The code blocks that hold nothing but values, and that the words around do not speak of."""
    held: dict[int, list[Found]] = {}
    for value in found.found:
        if value.fence is not None:
            held.setdefault(id(value.fence), []).append(value)
    return {
        id(fence)
        for fence, (before, after) in zip(found.fences, _words_around(found), strict=True)
        if id(fence) in held
        and _holds_only(found.text, fence, held[id(fence)])
        and not speaks_of_it(before, after)
    }


def _words_around(found: Scan) -> list[tuple[str, str]]:
    """The words before and behind each code block, as far away as there are any."""
    starts = [fence.start for fence in found.fences]
    ends = [fence.end for fence in found.fences]
    between = [found.text[a:b] for a, b in zip([0, *ends], [*starts, None], strict=True)]
    before = list(accumulate(between[:-1], _nearest))
    after = list(accumulate(between[:0:-1], _nearest))
    return list(zip(before, reversed(after), strict=True))


def _nearest(far: str, near: str) -> str:
    return near if near.strip() else far


def _holds_only(text: str, fence: Fence, values: Sequence[Found]) -> bool:
    at = fence.content
    for value in values:
        if not _BETWEEN.fullmatch(text, at, value.start):
            return False
        at = value.end
    return at >= fence.content_end or bool(_BETWEEN.fullmatch(text, at, fence.content_end))


def _read_envelope(found: Scan, values: Sequence[Found], tools: Tools) -> Read | None:
    for n, value in enumerate(values):
        if value.value is UNPARSABLE:
            if _BEGINS_ENVELOPE.match(value.body):
                return _read_broken(found.text, value)
            continue
        read = _as_envelope(value.value, tools)
        if read is not None:
            return _with_repeated(found, values[n:], read, tools)
    return None


def _with_repeated(found: Scan, values: Sequence[Found], first: Read, tools: Tools) -> Read:
    """Add the envelopes that follow at once, as some models write one a call, equal ones once."""
    (text, calls), spans = first, [_span(values[0])]
    seen = {_key(call) for call in calls}
    for value in values[1:]:
        more = _as_envelope(value.value, tools)
        start, end = _span(value)
        if more is None or not _BETWEEN.fullmatch(found.text, spans[-1][1], start):
            break
        spans.append((start, end))
        if calls:  # one that says that nothing is to be called decides alone
            calls = calls + [call for call in more[1] if _key(call) not in seen]
            seen.update(_key(call) for call in more[1])
            text = text if text == more[0] else "\n".join(filter(None, (text, more[0])))
    before, after = found.text[: spans[0][0]].strip(), found.text[spans[-1][1] :].strip()
    return _joined(found, before, text, after), calls


def _joined(found: Scan, before: str, text: str, after: str) -> str:
    """Put the words around an envelope and those in it together.

    A short wrapper ("Sure, here it is:") is left out, but nothing that quotes something, and
    nothing where the envelope has no words of its own.
    """
    is_wrapper = len(before) + len(after) <= _LONGEST_WRAPPER and not found.has_quotes
    if text and is_wrapper and not _quotes_something(f"{before}\n{after}"):
        return text
    return "\n".join(filter(None, (before, text, after)))


def _quotes_something(text: str) -> bool:
    outside = scan(text)
    return bool(outside.found or outside.fences or outside.has_quotes)


def _span(value: Found) -> tuple[int, int]:
    fence = value.fence
    return (value.start, value.end) if fence is None else (fence.start, fence.end)


def _key(call: ToolCall) -> str:
    arguments = call.arguments
    told = arguments if isinstance(arguments, str) else json.dumps(arguments, sort_keys=True)
    return f"{call.name}\0{told}"


def _understand(value: Any, prompt: ChatRequest, tools: Tools) -> Read | None:
    """Read a JSON value that is the whole reply: an envelope, calls alone or arguments alone."""
    read = _as_envelope(value, tools) or _as_calls(value, tools)
    if read is None and prompt.forced and len(prompt.tools) == 1 and isinstance(value, dict):
        call = bare_arguments_from(value, prompt.tools[0])
        return ("", [call]) if call else None
    return read


def _as_envelope(value: Any, tools: Tools) -> Read | None:
    """Read our envelope, or OpenAI's message, perhaps under the name of our schema."""
    if not isinstance(value, dict):
        return None
    if value.keys() == {"reply"}:
        return _as_envelope(value["reply"], tools)
    calls = value.get("calls")
    is_ours = bool(value) and value.keys() <= {"say", "calls"}
    if isinstance(calls, list) or (is_ours and isinstance(calls, dict | type(None))):
        return _words(value.get("say")), _all_calls(calls, tools)
    if isinstance(value.get("tool_calls"), list):
        return _words(value.get("content")), _all_calls(value["tool_calls"], tools)
    if isinstance(value.get("function_call"), dict):
        return _words(value.get("content")), _all_calls(value["function_call"], tools)
    return None


def _as_calls(value: Any, tools: Tools) -> Read | None:
    """Read a call, or a list of nothing but calls."""
    items = value if isinstance(value, list) else [value]
    calls = [lone_call_from(item, tools) for item in items]
    known = [call for call in calls if call is not None]
    return ("", known) if known and len(known) == len(items) else None


def _words(say: Any) -> str:
    if say is None:
        return ""
    return say if isinstance(say, str) else json.dumps(say, ensure_ascii=False)


def _all_calls(value: Any, tools: Tools) -> list[ToolCall]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [call_from(item, tools) for item in items]


# --- without an envelope: calls in words -------------------------------------------------------


def _read_calls(found: Scan, loose: Sequence[Found], prompt: ChatRequest, tools: Tools) -> Read:
    calls: list[ToolCall] = []
    spans: list[tuple[int, int]] = []
    seen: set[str] = set()
    quoted = _from_results(loose, prompt)
    for value in loose:
        read = [] if id(value) in quoted else _calls_in(value, prompt, tools)
        if not read:
            continue
        if spans and _MADE_UP_RESULT.search(found.text, spans[-1][1], value.start):
            break
        spans.append(_span(value))
        calls += [call for call in read if _key(call) not in seen]
        seen.update(_key(call) for call in read)
        if value.is_cut and value.marks is None:
            break
    return _text_without(found.text, spans), calls


def _calls_in(value: Found, prompt: ChatRequest, tools: Tools) -> list[ToolCall]:
    if value.marks is not None:
        return _calls_in_element(value, tools)
    if value.value is UNPARSABLE:
        name = _NAME.search(value.body)
        if name is None or name[1] not in tools:
            return []  # JSON that is only mentioned
        return [ToolCall(name[1], value.body, error=_CUT if value.is_cut else _BROKEN)]
    if value.fence is not None:
        read = _understand(value.value, prompt, tools)
    else:
        read = _as_calls(value.value, tools)
    return read[1] if read else []


def _calls_in_element(value: Found, tools: Tools) -> list[ToolCall]:
    """Read `<tool_call>{"name": ..., "arguments": ...}</tool_call>`, or our own form with marks."""
    found = _MARK.findall(value.marks or "")
    marks = {key.lower(): unescape(double or single) for key, double, single in found}
    name = marks.get("name")
    if value.is_cut:
        return [ToolCall(name or "", value.body, error=_CUT)]
    if name is not None:
        unread = marks.keys() - {"name", "id", "type"}
        if unread:
            error = "The arguments do not stand within the element."
            return [ToolCall(name, json.dumps(marks, ensure_ascii=False), error=error)]
        body = {} if not value.body else value.value
        return [named_call_from(name, body, value.body, tools)]
    envelope = _as_envelope(value.value, tools)
    if envelope is not None:
        return envelope[1]
    if isinstance(value.value, dict | list):
        return _all_calls(value.value, tools)
    return [ToolCall("", value.body, error=_BROKEN)]


def _from_results(loose: Sequence[Found], prompt: ChatRequest) -> set[int]:
    """The values that stand word for word in a tool's result: the model quotes them.

    Of very many, only the first are looked for, and one among them taints the rest.
    """
    results = [
        inner.text
        for turn in prompt.messages
        for part in turn.parts
        if isinstance(part, ToolResult)
        for inner in part.parts
        if isinstance(inner, TextPart)
    ]
    if not results or not loose:
        return set()
    few, rest = loose[:_CHECKED_FOR_ORIGIN], loose[_CHECKED_FOR_ORIGIN:]
    everything = "\0".join(results)
    quoted = {id(value) for value in few if value.body in everything}
    return quoted | {id(value) for value in rest} if quoted else quoted


def _text_without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The words of a reply without its calls, and without results it made up behind them."""
    pieces, at = [], 0
    for start, end in spans:
        pieces.append(text[at : max(at, start)])
        at = max(at, end)
    made_up = _MADE_UP_RESULT.search(text, at) if at else None
    pieces.append(text[at : made_up.start() if made_up else len(text)])
    return "".join(pieces).strip() if at else text


# --- what was cut short ------------------------------------------------------------------------


def _read_broken(whole: str, value: Found) -> Read:
    """Read what there is of an envelope that is cut short or broken: never a call that runs."""
    before = whole[: _span(value)[0]].strip()
    if not value.is_cut:
        after = whole[_span(value)[1] :].strip()
        return "\n".join(filter(None, (before, after))), [ToolCall("", value.body, error=_BROKEN)]
    say = _SAY.search(value.body)
    text = begun_string(value.body[say.end() :]) if say else before
    begun = _CALLS.search(value.body)
    rest = value.body[begun.end() :].strip() if begun else ""
    if not rest:
        return text, []
    name = _NAME.search(rest)
    return text, [ToolCall(name[1] if name else "", rest, error=_CUT)]
