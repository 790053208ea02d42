"""Read the text of a reply to a prompt with emulated tools.

Reading is a security boundary: what a page or a tool's result made the model quote must not run.
Where a whole envelope of the model's own stands in the reply, it decides, and everything outside it
is text. Without one, calls are read from `<tool_call>` elements and bare JSON, but not from quotes.
What was cut short or cannot be read never becomes a call that runs. Nothing here raises, for any
text, and everything takes time in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from html import unescape
from itertools import pairwise
from typing import Any, Final

from langchain_segmind._messages.limits import is_more_than_read
from langchain_segmind._messages.types import ChatRequest, ToolCall
from langchain_segmind._tool_emulation.broken import (
    BROKEN,
    CUT,
    begins_envelope,
    complete_braces,
    name_in,
    read_broken,
)
from langchain_segmind._tool_emulation.calls import named_call_from, suspected, without_arguments
from langchain_segmind._tool_emulation.dialects import rewrite
from langchain_segmind._tool_emulation.envelope import (
    EnvelopeReader,
    Read,
    all_calls,
    before_made_up,
    keys_of,
    once,
)
from langchain_segmind._tool_emulation.found import Found
from langchain_segmind._tool_emulation.json_repair import (
    UNPARSABLE,
)
from langchain_segmind._tool_emulation.ownership import BETWEEN, own_values
from langchain_segmind._tool_emulation.scan import scan
from langchain_segmind._tool_emulation.schema import DECISION

_TYPES: Final = (None, "function", "tool_call", "tool_use", "function_call")
_LONGEST_WRAPPER: Final = 200
_ENVELOPE_WORDS: Final = re.compile(r"tool_needed|calls|function_call")
"""What an envelope without calls holds, as opposed to `{"reply": "ok"}` that is only mentioned."""
_MARK: Final = re.compile(r"""\b(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_ARGUMENTS_BESIDE: Final = re.compile(
    r"[\s,:;}]{0,20}(?:`{3}\w{0,20}\s{0,20})?(?:\"?(?:arguments|args|parameters|params|input)\"?\s{0,9}[:=]?\s{0,9})?"
    r"(?:[{\[]\s{0,20}\"(?!name\"|type\"|function\"|id\"|say\"|calls\")|<(?:arg|param)|\w{1,40}\s?=)",
    re.IGNORECASE,
)
_JUNK: Final = re.compile(r"[\s,;.\[\](){}`\ufeff]*")
_NOISE: Final = re.compile(r"\[/?TOOL_CALLS\]|<\|(?:python_tag|eom_id|eot_id|im_end)\|>")
"""Marks of other formats around calls that are JSON."""
_MADE_UP_RESULT: Final = re.compile(r"<\s*tool_result\b", re.IGNORECASE)


def read_text(text: str, whole: Any, request: ChatRequest) -> Read:
    """Read a reply.

    Args:
        text: What the model replied.
        whole: The same as JSON; `UNPARSABLE` if it is not JSON.
        request: What was asked.
    """
    reader = EnvelopeReader(request)
    if whole is not UNPARSABLE:
        return reader.whole(whole) or Read(text, [])
    rewritten = rewrite(text, reader.tools)
    if rewritten is not None:
        reply = _Reply(rewritten.text, request, reader, rewritten.restore)
        if is_more_than_read(reply.found):
            return Read(text, [])
        is_own = len(reply.own) == len(reply.found)
        return _read_calls(reply, reader) if is_own else Read(text, [])
    reply = _Reply(text, request, reader)
    if is_more_than_read(reply.found):
        return Read(text, [])
    made_up = _begin_of_made_up(reply)
    if made_up is not None:
        reply = _Reply(text[:made_up], request, reader)
    return (
        _read_refusal(reply, reader)
        or _read_broken_envelope(reply, reader)
        or _read_envelopes(reply)
        or _read_calls(reply, reader)
    )


class _Reply:
    """The values in a reply: all, the model's own, and those of both that are envelopes."""

    def __init__(
        self,
        text: str,
        request: ChatRequest,
        reader: EnvelopeReader,
        restore: Callable[[str], str] = str,
    ) -> None:
        scanned = scan(text)
        self.text, self.found = text, scanned.found
        complete_braces(self.found)
        self.own = own_values(scanned, request, restore)
        values = [(v, reader.envelope(v.value)) for v in self.found if v.marks is None]
        self.envelopes = [(value, read) for value, read in values if read is not None]
        own = {id(value) for value in self.own}
        self.own_envelopes = [(value, read) for value, read in self.envelopes if id(value) in own]


def _begin_of_made_up(reply: _Reply) -> int | None:
    """Find where a reply that begins with calls goes on with a result or answer that is made up.

    An answer counts as made up only in a reply of nothing but envelopes: words may quote one.
    """
    text, own = reply.text, reply.own_envelopes
    if not own or own[0][1].declines or text[: _span(own[0][0])[0]].strip():
        return None
    end = _span(own[0][0])[0]
    for value, read in own:
        start = _span(value)[0]
        if read.declines or not (start <= end or BETWEEN.fullmatch(text, end, start)):
            break
        end = _span(value)[1]
    result = _MADE_UP_RESULT.search(text, end)
    if result is not None:
        return result.start()
    values = [value for value, _ in reply.envelopes]
    is_all = len(values) == len(reply.found) and not text[_span(values[-1])[1] :].strip()
    if not is_all or not _stand_together(text, values):
        return None
    kept = len(before_made_up([read for _, read in reply.envelopes]))
    if not 0 < kept < len(values):
        return None
    is_inside = values[kept].fence is not None and values[kept].fence is values[kept - 1].fence
    return values[kept].start if is_inside else _span(values[kept])[0]


# --- one whole envelope decides ---------------------------------------------------------------


def _read_refusal(reply: _Reply, reader: EnvelopeReader) -> Read | None:
    """Read a reply with an envelope that calls nothing: whatever it quotes beside it, it decides.

    Even one that may be a quote itself counts: a call that is lost does less harm than one that
    runs against the model's word.
    """
    found = next(((value, read) for value, read in reply.envelopes if read.declines), None)
    if found is None:
        return None
    value, read = found
    if reader.wants_json and DECISION in value.body:
        return read
    start, end = _span(value)
    is_alone = not (reply.text[:start].strip() or reply.text[end:].strip())
    is_mentioned = not is_alone and _ENVELOPE_WORDS.search(value.body) is None
    text = reply.text if is_mentioned else _with_outside(reply, [value], read.text)
    return Read(text, read.calls)


def _read_broken_envelope(reply: _Reply, reader: EnvelopeReader) -> Read | None:
    """Read what there is of an envelope that is cut short or broken: never a call that runs."""
    for value in reply.own:
        if value.value is UNPARSABLE and begins_envelope(value.body):
            start, end = _span(value)
            return read_broken(value, reply.text[:start].strip(), reply.text[end:].strip(), reader)
    return None


def _read_envelopes(reply: _Reply) -> Read | None:
    """Read envelopes with calls: one, or several at once, as some models write one a call.

    Where words separate different ones, the model quotes some of them, and nobody knows which.
    """
    if not reply.own_envelopes:
        return None
    values = [value for value, _ in reply.own_envelopes]
    reads = [read for _, read in reply.own_envelopes]
    is_same = len({keys_of(read.calls) for read in reads}) == 1
    are_announced = all(value.fence is not None for value in values)
    if not is_same and not are_announced and not _stand_together(reply.text, values):
        return Read(reply.text, [])
    words = "\n".join(dict.fromkeys(read.text for read in reads if read.text))
    calls = reads[0].calls if is_same else once(call for read in reads for call in read.calls)
    return Read(_with_outside(reply, values, words), calls)


def _stand_together(text: str, values: Sequence[Found]) -> bool:
    spans = [_span(value) for value in values]
    pairs = pairwise(spans)
    return all(
        start <= end or BETWEEN.fullmatch(text, end, start) for (_, end), (start, _) in pairs
    )


def _with_outside(reply: _Reply, values: Sequence[Found], words: str) -> str:
    """Put the words of envelopes and those around them together.

    A short wrapper ("Sure, here it is:") is left out, but nothing that quotes something, and
    nothing where the envelope has no words of its own.
    """
    text = reply.text
    start, end = _span(values[0])[0], _span(values[-1])[1]
    before, after = text[:start].strip(), text[end:].strip()
    before, after = ("" if _JUNK.fullmatch(each) else each for each in (before, after))
    others = len(reply.found) > len(values) or "`" in before + after
    if words and len(before) + len(after) <= _LONGEST_WRAPPER and not others:
        return words
    return "\n".join(filter(None, (before, words, after)))


def _span(value: Found) -> tuple[int, int]:
    fence = value.fence
    return (value.start, value.end) if fence is None else (fence.start, fence.end)


# --- without an envelope: calls within text ----------------------------------------------------


def _read_calls(reply: _Reply, reader: EnvelopeReader) -> Read:
    calls: list[ToolCall] = []
    spans: list[tuple[int, int]] = []
    for value in reply.own:
        read = _calls_in(reply.text, value, reader)
        if not read:
            continue
        if _ARGUMENTS_BESIDE.match(reply.text, value.end):
            beside = reply.text[value.end : value.end + 200]
            read = [suspected(c, beside) if without_arguments(c, reader.tools) else c for c in read]
        if spans and _MADE_UP_RESULT.search(reply.text, spans[-1][1], value.start):
            break
        spans.append(_span(value))
        calls += read
        if value.is_cut and value.marks is None:
            break
    words = _text_without(reply.text, spans)
    return Read(_NOISE.sub("", words).strip() if spans else words, once(calls))


def _calls_in(text: str, value: Found, reader: EnvelopeReader) -> list[ToolCall]:
    if value.marks is not None:
        return _calls_in_element(text, value, reader)
    if value.value is UNPARSABLE:
        name = name_in(value.body)
        if name not in reader.tools:
            return []  # JSON that is only mentioned
        return [ToolCall(name, value.body, error=CUT if value.is_cut else BROKEN)]
    read = (reader.calls if value.fence is None else reader.whole)(value.value)
    return read.calls if read else []


def _calls_in_element(text: str, value: Found, reader: EnvelopeReader) -> list[ToolCall]:
    """Read `<tool_call>{"name": ..., "arguments": ...}</tool_call>`, or our own form with marks."""
    written = value.marks or ""
    found = _MARK.findall(written)
    marks = {key.lower(): unescape(double or single) for key, double, single in found}
    name = marks.get("name")
    if value.is_cut:
        body = value.value if isinstance(value.value, str) else value.body
        return [ToolCall(name or "", body, error=CUT)]
    if name is not None or written.strip(" \t\n/"):
        is_unread = marks.keys() - {"name", "id", "type"} or _MARK.sub("", written).strip(" \t\n/")
        if name is None or is_unread or marks.get("type") not in _TYPES:
            error = "The arguments do not stand within the element."
            return [ToolCall(name or "", text[value.start : value.end], error=error)]
        body = {} if not value.body else value.value
        return [named_call_from(name, body, value.body, reader.tools)]
    envelope = reader.envelope(value.value)
    if envelope is not None:
        return envelope.calls
    if isinstance(value.value, dict | list):
        return all_calls({"calls": value.value}, "calls", reader.tools)
    return [ToolCall("", value.body, error=BROKEN)]


def _text_without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The words of a reply without its calls, and without results it made up behind them."""
    pieces, at = [], 0
    for start, end in spans:
        pieces.append(text[at : max(at, start)])
        at = max(at, end)
    made_up = _MADE_UP_RESULT.search(text, at) if at else None
    pieces.append(text[at : made_up.start() if made_up else len(text)])
    return "".join(pieces).strip() if at else text
