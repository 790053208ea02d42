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
from itertools import accumulate, pairwise
from typing import Any, Final

from langchain_segmind._messages.types import ChatRequest, Choice, TextPart, ToolCall, ToolResult
from langchain_segmind._tool_emulation.calls import (
    Tools,
    bare_arguments_from,
    call_from,
    checked,
    lone_call_from,
    named_call_from,
    suspected,
    without_arguments,
)
from langchain_segmind._tool_emulation.json_repair import UNPARSABLE, begun_string, parse_json
from langchain_segmind._tool_emulation.quotes import announces_a_call, reports_or_refuses
from langchain_segmind._tool_emulation.scan import Fence, Found, Scan, scan

Read = tuple[str, list[ToolCall]]
"""The text of a reply and its calls."""

_TYPES: Final = (None, "function", "tool_call", "tool_use", "function_call")
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
_ARGUMENTS_BESIDE: Final = re.compile(
    r"[\s,:;}]{0,20}(?:`{3}\w{0,20}\s{0,20})?(?:\"?(?:arguments|args|parameters|params|input)\"?\s{0,9}[:=]?\s{0,9})?"
    r"(?:[{\[]\s{0,20}\"(?!name\"|type\"|function\"|id\"|say\"|calls\")|<(?:arg|param)|\w{1,40}\s?=)",
    re.IGNORECASE,
)
_MADE_UP_RESULT: Final = re.compile(r"<\s*tool_result\b", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[\s,;\[\]]*")


def parse_emulated_reply(choice: Choice, request: ChatRequest, salt: str) -> Choice:
    """Parse the text of a reply to a prompt with tools."""
    text, calls = _read(choice.text, request)
    return with_ids(replace(choice, text=text, calls=tuple(calls)), request, salt)


def parse_unknown(choice: Choice, request: ChatRequest, salt: str) -> Choice:
    """Parse a reply whose prompt is not known, if it is an envelope and nothing else."""
    whole = parse_json(choice.text)
    is_ours = isinstance(whole, dict) and whole.keys() == {"say", "calls"}
    return parse_emulated_reply(choice, request, salt) if is_ours else choice


def check_native_calls(choice: Choice, request: ChatRequest) -> Choice:
    """Make native calls invalid that would not run as the model meant.

    Those are the last one of a reply that met the token limit, which may be half, and those that
    would run with their tool's defaults.
    """
    tools = {tool.name: tool for tool in request.tools}
    calls = [checked(call, tools) for call in choice.calls]
    if choice.finish_reason == "length" and calls:
        raw = calls[-1].arguments
        raw = raw if isinstance(raw, str) else json.dumps(dict(raw), ensure_ascii=False)
        calls[-1] = replace(calls[-1], arguments=raw, error=_CUT)
    return replace(choice, calls=tuple(calls))


def with_ids(choice: Choice, request: ChatRequest, salt: str) -> Choice:
    """Give every call an id of its own, and the reply the finish reason that calls have."""
    if not choice.calls:
        return choice
    taken: set[str] = set()
    calls: list[ToolCall] = []
    seed = hashlib.sha256(
        f"{salt}|{len(request.messages)}|{request.messages[-1:]}".encode(errors="replace")
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


def _read(text: str, request: ChatRequest) -> Read:
    tools = {tool.name: tool for tool in request.tools}
    whole = parse_json(text)
    if whole is not UNPARSABLE:
        return _understand(whole, request, tools) or (text, [])
    scanned = scan(_without_made_up_results(text, tools))
    own = _own_fences(scanned)
    mine = [
        value
        for value in scanned.found
        if not value.is_quoted
        and (id(value.fence) in own if value.fence else not _is_reported(scanned.text, value.start))
    ]
    quoted = _from_results(mine, scanned.text, request)
    mine = [value for value in mine if id(value) not in quoted]
    for decide in (_read_refusal, _read_broken_envelope, _read_envelopes):
        decided = decide(scanned, mine, tools)
        if decided is not None:
            return decided
    return _read_calls(scanned, mine, request, tools)


def _without_made_up_results(text: str, tools: Tools) -> str:
    """Cut a reply that begins with calls where it goes on with results that the model made up."""
    made_up = _MADE_UP_RESULT.search(text)
    first = scan(text[: made_up.start()]).found[:1] if made_up else []
    if made_up and first and not text[: _span(first[0])[0]].strip():
        read = _as_envelope(first[0].value, tools)
        if read is not None and read[1]:
            return text[: made_up.start()]
    return text


# --- one whole envelope decides ---------------------------------------------------------------


def _own_fences(scanned: Scan) -> set[int]:
    """The code blocks that hold nothing but values, and that the words around announce."""
    held: dict[int, list[Found]] = {}
    for value in scanned.found:
        if value.fence is not None:
            held.setdefault(id(value.fence), []).append(value)
    return {
        id(fence)
        for fence, (before, after) in zip(scanned.fences, _words_around(scanned), strict=True)
        if id(fence) in held
        and _holds_only(scanned.text, fence, held[id(fence)])
        and announces_a_call(before, after)
    }


def _words_around(scanned: Scan) -> list[tuple[str, str]]:
    """The words before and behind each code block, as far away as there are any."""
    starts = [fence.start for fence in scanned.fences]
    ends = [fence.end for fence in scanned.fences]
    between = [scanned.text[a:b] for a, b in zip([0, *ends], [*starts, None], strict=True)]
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


def _read_refusal(scanned: Scan, _mine: Sequence[Found], tools: Tools) -> Read | None:
    """Read a reply with an envelope that calls nothing: whatever it quotes beside it, it decides.

    Even one that may be a quote itself counts: a call that is lost does less harm than one that
    runs against the model's word.
    """
    for value in scanned.found:
        read = _as_envelope(value.value, tools) if value.marks is None else None
        if read is not None and not read[1]:
            return _with_outside(scanned, [value], read[0]), []
    return None


def _read_broken_envelope(scanned: Scan, mine: Sequence[Found], _tools: Tools) -> Read | None:
    """Read what there is of an envelope that is cut short or broken: never a call that runs."""
    for value in mine:
        if value.value is UNPARSABLE and _BEGINS_ENVELOPE.match(value.body):
            return _read_broken(scanned.text, value)
    return None


def _read_envelopes(scanned: Scan, mine: Sequence[Found], tools: Tools) -> Read | None:
    """Read envelopes with calls: one, or several at once, as some models write one a call.

    Where words separate different ones, the model quotes some of them, and nobody can tell which.
    """
    read = [(v, e) for v in mine if v.marks is None and (e := _as_envelope(v.value, tools))]
    if not read:
        return None
    values = [value for value, _ in read]
    calls = _once([call for _, (_, calls) in read for call in calls])
    is_same = len({_keys(calls) for _, (_, calls) in read}) == 1
    are_announced = all(value.fence is not None for value in values)
    if not is_same and not are_announced and not _stand_together(scanned.text, values):
        return scanned.text, []
    words = "\n".join(dict.fromkeys(text for _, (text, _) in read if text))
    first = calls if not is_same else read[0][1][1]
    return _with_outside(scanned, values, words), first


def _stand_together(text: str, values: Sequence[Found]) -> bool:
    spans = [_span(value) for value in values]
    pairs = pairwise(spans)
    return all(
        start <= end or _BETWEEN.fullmatch(text, end, start) for (_, end), (start, _) in pairs
    )


def _with_outside(scanned: Scan, values: Sequence[Found], words: str) -> str:
    """Put the words of envelopes and those around them together.

    A short wrapper ("Sure, here it is:") is left out, but nothing that quotes something, and
    nothing where the envelope has no words of its own.
    """
    text = scanned.text
    start, end = _span(values[0])[0], _span(values[-1])[1]
    before, after = text[:start].strip(), text[end:].strip()
    others = len(scanned.found) > len(values) or "`" in before + after
    if words and len(before) + len(after) <= _LONGEST_WRAPPER and not others:
        return words
    return "\n".join(filter(None, (before, words, after)))


def _once(calls: Iterable[ToolCall]) -> list[ToolCall]:
    """Leave out calls that are equal to one before."""
    return list({_key(call): call for call in reversed([*calls])}.values())[::-1]


def _keys(calls: Iterable[ToolCall]) -> tuple[str, ...]:
    return tuple(_key(call) for call in calls)


def _span(value: Found) -> tuple[int, int]:
    fence = value.fence
    return (value.start, value.end) if fence is None else (fence.start, fence.end)


def _key(call: ToolCall) -> str:
    arguments = call.arguments
    told = arguments if isinstance(arguments, str) else json.dumps(arguments, sort_keys=True)
    return f"{call.name}\0{told}"


def _understand(value: Any, request: ChatRequest, tools: Tools) -> Read | None:
    """Read a JSON value that is the whole reply: an envelope, calls alone or arguments alone."""
    if isinstance(value, str):  # JSON that was written as a JSON string
        inner = parse_json(value)
        return (
            None
            if inner is UNPARSABLE or isinstance(inner, str)
            else _understand(inner, request, tools)
        )
    read = _as_envelope(value, tools) or _as_calls(value, tools)
    if (
        read is None
        and request.require_tool_call
        and len(request.tools) == 1
        and isinstance(value, dict)
    ):
        call = bare_arguments_from(value, request.tools[0])
        return ("", [call]) if call else None
    return read


def _as_envelope(value: Any, tools: Tools, depth: int = 0) -> Read | None:
    """Read our envelope, or OpenAI's message, perhaps under a name or in a list of its own."""
    if isinstance(value, list):
        return _as_envelope(value[0], tools, depth + 1) if len(value) == 1 and depth < 3 else None
    if not isinstance(value, dict) or depth > 3:
        return None
    inner = value.get("reply") if len(value) != 1 else next(iter(value.values()))
    if isinstance(inner, dict | list) and (read := _as_envelope(inner, tools, depth + 1)):
        return read
    fields = {key.strip().lower(): field for key, field in value.items()}
    calls = fields.get("calls")
    if isinstance(calls, str):
        parsed = parse_json(calls)
        calls = parsed if isinstance(parsed, list) else calls
        fields["calls"] = calls
    is_ours = bool(fields) and fields.keys() <= {"say", "calls"}
    if isinstance(calls, list) or (is_ours and isinstance(calls, dict | type(None))):
        return _words(fields.get("say")), _all_calls(fields, "calls", tools)
    if isinstance(fields.get("tool_calls"), list):
        return _words(fields.get("content")), _all_calls(fields, "tool_calls", tools)
    if isinstance(fields.get("function_call"), dict):
        return _words(fields.get("content")), _all_calls(fields, "function_call", tools)
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


def _all_calls(fields: Mapping[str, Any], key: str, tools: Tools) -> list[ToolCall]:
    """Read the calls of an envelope; one without arguments is invalid if some stand beside it."""
    value = fields.get(key)
    items = value if isinstance(value, list) else [] if value is None else [value]
    calls = [call_from(item, tools) for item in items]
    beside = {name: fields[name] for name in fields.keys() & {"arguments", "args", "parameters"}}
    nameless = [call.arguments for call in calls if not call.name]
    if not beside and not nameless:
        return calls
    text = json.dumps(beside or nameless, ensure_ascii=False, default=repr)
    return [suspected(call, text) if without_arguments(call, tools) else call for call in calls]


def _is_reported(text: str, start: int) -> bool:
    """Whether the words before a value, in its line, report or refuse it."""
    line = text[max(0, start - 200) : start].rpartition("\n")[2]
    return bool(line.strip()) and reports_or_refuses(line)


# --- without an envelope: calls in words -------------------------------------------------------


def _read_calls(scanned: Scan, mine: Sequence[Found], request: ChatRequest, tools: Tools) -> Read:
    calls: list[ToolCall] = []
    spans: list[tuple[int, int]] = []
    for value in mine:
        read = _calls_in(scanned.text, value, request, tools)
        if not read:
            continue
        if _ARGUMENTS_BESIDE.match(scanned.text, value.end):
            beside = scanned.text[value.end : value.end + 200]
            read = [suspected(c, beside) if without_arguments(c, tools) else c for c in read]
        if spans and _MADE_UP_RESULT.search(scanned.text, spans[-1][1], value.start):
            break
        spans.append(_span(value))
        calls += read
        if value.is_cut and value.marks is None:
            break
    return _text_without(scanned.text, spans), _once(calls)


def _calls_in(text: str, value: Found, request: ChatRequest, tools: Tools) -> list[ToolCall]:
    if value.marks is not None:
        return _calls_in_element(text, value, tools)
    if value.value is UNPARSABLE:
        name = _NAME.search(value.body)
        if name is None or name[1] not in tools:
            return []  # JSON that is only mentioned
        return [ToolCall(name[1], value.body, error=_CUT if value.is_cut else _BROKEN)]
    if value.fence is not None:
        read = _understand(value.value, request, tools)
    else:
        read = _as_calls(value.value, tools)
    return read[1] if read else []


def _calls_in_element(text: str, value: Found, tools: Tools) -> list[ToolCall]:
    """Read `<tool_call>{"name": ..., "arguments": ...}</tool_call>`, or our own form with marks."""
    written = value.marks or ""
    found = _MARK.findall(written)
    marks = {key.lower(): unescape(double or single) for key, double, single in found}
    name = marks.get("name")
    if value.is_cut:
        return [ToolCall(name or "", value.body, error=_CUT)]
    if name is not None or written.strip(" \t\n/"):
        is_unread = marks.keys() - {"name", "id", "type"} or _MARK.sub("", written).strip(" \t\n/")
        if name is None or is_unread or marks.get("type") not in _TYPES:
            error = "The arguments do not stand within the element."
            return [ToolCall(name or "", text[value.start : value.end], error=error)]
        body = {} if not value.body else value.value
        return [named_call_from(name, body, value.body, tools)]
    envelope = _as_envelope(value.value, tools)
    if envelope is not None:
        return envelope[1]
    if isinstance(value.value, dict | list):
        return _all_calls({"calls": value.value}, "calls", tools)
    return [ToolCall("", value.body, error=_BROKEN)]


def _from_results(mine: Sequence[Found], text: str, request: ChatRequest) -> set[int]:
    """The values that stand word for word in a tool's result: the model quotes them.

    Of very many, only the first are looked for, and one among them taints the rest.
    """
    results = [
        inner.text
        for message in request.messages
        for part in message.parts
        if isinstance(part, ToolResult)
        for inner in part.parts
        if isinstance(inner, TextPart)
    ]
    if not results or not mine:
        return set()
    few, rest = mine[:_CHECKED_FOR_ORIGIN], mine[_CHECKED_FOR_ORIGIN:]
    everything = _dense("\0".join(results))
    quoted = {id(value) for value in few if _dense(text[value.start : value.end]) in everything}
    return quoted | {id(value) for value in rest} if quoted else quoted


def _dense(text: str) -> str:
    """A text without spaces and escapes, which differ between a page and what quotes it."""
    return "".join(unescape(text).replace("\\", "").split())


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
