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
from itertools import pairwise
from typing import Final

from langchain_segmind._messages.types import ChatRequest, Choice, ToolCall
from langchain_segmind._tool_emulation.calls import (
    Tools,
    checked,
    named_call_from,
    suspected,
    without_arguments,
)
from langchain_segmind._tool_emulation.dialects import rewrite
from langchain_segmind._tool_emulation.envelope import (
    Read,
    all_calls,
    as_calls,
    as_envelope,
    keys_of,
    once,
    understand,
)
from langchain_segmind._tool_emulation.found import Found, Scan
from langchain_segmind._tool_emulation.json_repair import UNPARSABLE, begun_string, parse_json
from langchain_segmind._tool_emulation.ownership import BETWEEN, own_values
from langchain_segmind._tool_emulation.scan import scan
from langchain_segmind._tool_emulation.schema import DECISION, REPLY

_TYPES: Final = (None, "function", "tool_call", "tool_use", "function_call")
_CUT: Final = "The reply was cut short."
_BROKEN: Final = "The reply is not valid JSON."
_LONGEST_WRAPPER: Final = 200
_BEGINS_ENVELOPE: Final = re.compile(
    r"[{\[]\s*(?:[\"']reply[\"']\s*:\s*\{\s*)?"
    r"[\"'](?:tool_needed|reply|say|calls|tool_calls|content|function_call)[\"']\s*:"
)
_NAME: Final = re.compile(r"""["']name["']\s*:\s*["']([^"'\\]*)["']""")
_TEXT_KEY: Final = re.compile(r'"(?:reply|say|content)"\s*:\s*(?!\[)')
_CALLS: Final = re.compile(r'"(?:reply|calls|tool_calls)"\s*:\s*\[\s*|\A\W*(?="name")')
_DECIDED: Final = re.compile(r'\{\s*"tool_needed"\s*:\s*(true|false)\s*,\s*"reply"\s*:\s*')
_ENVELOPE_WORDS: Final = re.compile(r"tool_needed|calls|function_call")
"""What an envelope without calls holds, as opposed to `{"reply": "ok"}` that is only mentioned."""
_MARK: Final = re.compile(r"""\b(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_ARGUMENTS_BESIDE: Final = re.compile(
    r"[\s,:;}]{0,20}(?:`{3}\w{0,20}\s{0,20})?(?:\"?(?:arguments|args|parameters|params|input)\"?\s{0,9}[:=]?\s{0,9})?"
    r"(?:[{\[]\s{0,20}\"(?!name\"|type\"|function\"|id\"|say\"|calls\")|<(?:arg|param)|\w{1,40}\s?=)",
    re.IGNORECASE,
)
_NOISE: Final = re.compile(r"\[/?TOOL_CALLS\]|<\|(?:python_tag|eom_id|eot_id|im_end)\|>")
"""Marks of other formats around calls that are JSON."""
_MADE_UP_RESULT: Final = re.compile(r"<\s*tool_result\b", re.IGNORECASE)


def parse_emulated_reply(choice: Choice, request: ChatRequest, salt: str) -> Choice:
    """Parse the text of a reply to a prompt with tools."""
    text, calls = _read(choice.text, request)
    return with_ids(replace(choice, text=text, calls=tuple(calls)), request, salt)


def parse_unknown(choice: Choice, request: ChatRequest, salt: str) -> Choice:
    """Parse a reply whose prompt is not known, if it is an envelope and nothing else."""
    whole = parse_json(choice.text)
    keys = whole.keys() if isinstance(whole, dict) else set()
    is_ours = keys == {DECISION, REPLY} or (keys == {REPLY} and _are_calls(whole[REPLY]))
    return parse_emulated_reply(choice, request, salt) if is_ours else choice


def _are_calls(value: object) -> bool:
    """Whether a value is a list of nothing but calls in our form, of whatever tools."""
    items = value if isinstance(value, list) else []
    are_calls = (isinstance(i, dict) and i.keys() == {"name", "arguments"} for i in items)
    return bool(items) and all(are_calls)


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
        return understand(whole, request, tools) or (text, [])
    rewritten = rewrite(text, tools)
    if rewritten is not None:
        scanned = scan(rewritten.text)
        mine = own_values(scanned, request, rewritten.restore)
        is_own = len(mine) == len(scanned.found)
        return _read_calls(scanned, mine, request, tools) if is_own else (text, [])
    scanned = scan(_without_made_up_results(text, tools))
    return _decide(scanned, own_values(scanned, request), request, tools)


def _decide(scanned: Scan, mine: Sequence[Found], request: ChatRequest, tools: Tools) -> Read:
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
        read = as_envelope(first[0].value, tools)
        if read is not None and read[1]:
            return text[: made_up.start()]
    return text


# --- one whole envelope decides ---------------------------------------------------------------


def _read_refusal(scanned: Scan, _mine: Sequence[Found], tools: Tools) -> Read | None:
    """Read a reply with an envelope that calls nothing: whatever it quotes beside it, it decides.

    Even one that may be a quote itself counts: a call that is lost does less harm than one that
    runs against the model's word.
    """
    for value in scanned.found:
        read = as_envelope(value.value, tools) if value.marks is None else None
        if read is not None and not read[1]:
            start, end = _span(value)
            is_alone = not (scanned.text[:start].strip() or scanned.text[end:].strip())
            is_mentioned = not is_alone and _ENVELOPE_WORDS.search(value.body) is None
            return scanned.text if is_mentioned else _with_outside(scanned, [value], read[0]), []
    return None


def _read_broken_envelope(scanned: Scan, mine: Sequence[Found], _tools: Tools) -> Read | None:
    """Read what there is of an envelope that is cut short or broken: never a call that runs."""
    for value in mine:
        if value.value is UNPARSABLE and _BEGINS_ENVELOPE.match(value.body):
            return _read_broken(scanned.text, value)
    return None


def _read_envelopes(scanned: Scan, mine: Sequence[Found], tools: Tools) -> Read | None:
    """Read envelopes with calls: one, or several at once, as some models write one a call.

    Where words separate different ones, the model quotes some of them, and nobody knows which.
    """
    read = [(v, e) for v in mine if v.marks is None and (e := as_envelope(v.value, tools))]
    if not read:
        return None
    values = [value for value, _ in read]
    calls = once([call for _, (_, calls) in read for call in calls])
    is_same = len({keys_of(calls) for _, (_, calls) in read}) == 1
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
        start <= end or BETWEEN.fullmatch(text, end, start) for (_, end), (start, _) in pairs
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


def _span(value: Found) -> tuple[int, int]:
    fence = value.fence
    return (value.start, value.end) if fence is None else (fence.start, fence.end)


# --- without an envelope: calls within text ----------------------------------------------------


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
    words = _text_without(scanned.text, spans)
    return _NOISE.sub("", words).strip() if spans else words, once(calls)


def _calls_in(text: str, value: Found, request: ChatRequest, tools: Tools) -> list[ToolCall]:
    if value.marks is not None:
        return _calls_in_element(text, value, tools)
    if value.value is UNPARSABLE:
        name = _NAME.search(value.body)
        if name is None or name[1] not in tools:
            return []  # JSON that is only mentioned
        return [ToolCall(name[1], value.body, error=_CUT if value.is_cut else _BROKEN)]
    if value.fence is not None:
        read = understand(value.value, request, tools)
    else:
        read = as_calls(value.value, tools)
    return read[1] if read else []


def _calls_in_element(text: str, value: Found, tools: Tools) -> list[ToolCall]:
    """Read `<tool_call>{"name": ..., "arguments": ...}</tool_call>`, or our own form with marks."""
    written = value.marks or ""
    found = _MARK.findall(written)
    marks = {key.lower(): unescape(double or single) for key, double, single in found}
    name = marks.get("name")
    if value.is_cut:
        body = value.value if isinstance(value.value, str) else value.body
        return [ToolCall(name or "", body, error=_CUT)]
    if name is not None or written.strip(" \t\n/"):
        is_unread = marks.keys() - {"name", "id", "type"} or _MARK.sub("", written).strip(" \t\n/")
        if name is None or is_unread or marks.get("type") not in _TYPES:
            error = "The arguments do not stand within the element."
            return [ToolCall(name or "", text[value.start : value.end], error=error)]
        body = {} if not value.body else value.value
        return [named_call_from(name, body, value.body, tools)]
    envelope = as_envelope(value.value, tools)
    if envelope is not None:
        return envelope[1]
    if isinstance(value.value, dict | list):
        return all_calls({"calls": value.value}, "calls", tools)
    return [ToolCall("", value.body, error=_BROKEN)]


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
    if (decided := _DECIDED.match(value.body)) and decided[1] == "false":
        return _begun_text(value.body[decided.end() :]), []
    begun = _CALLS.search(value.body)
    if decided and value.body.startswith("{", decided.end()):
        begun = decided  # one call, without its list
    # What stands in the calls of our own form are arguments.
    is_ours = begun is not None and (begun is decided or begun[0].startswith('"reply"'))
    begins = None if is_ours else _TEXT_KEY.search(value.body)
    text = _begun_text(value.body[begins.end() :]) if begins else before
    rest = value.body[begun.end() :].strip() if begun else ""
    if not rest:
        return text, []
    name = _NAME.search(rest)
    return text, [ToolCall(name[1] if name else "", rest, error=_CUT)]


def _begun_text(written: str) -> str:
    """Read an answer that is cut short: a string, or JSON that stays as it is."""
    return begun_string(written) if written.startswith('"') else written
