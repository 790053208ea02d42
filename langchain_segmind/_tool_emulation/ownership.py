"""Decide which values of a scanned reply are the model's own, and which it quotes.

A quote is what the scan marked as one, what stands word for word in a tool's result, what the words
before it in its line report or refuse, and a code block that nothing announces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import unescape
from itertools import accumulate
from typing import Final

from langchain_segmind._messages.types import ChatRequest, TextPart, ToolResult
from langchain_segmind._tool_emulation.found import Fence, Found, Scan
from langchain_segmind._tool_emulation.quotes import announces_a_call, reports_or_refuses

_CHECKED_FOR_ORIGIN: Final = 20
BETWEEN: Final = re.compile(r"[\s,;\[\]]*")
"""What may stand between values that belong together."""


def own_values(
    scanned: Scan, request: ChatRequest, restore: Callable[[str], str] = str
) -> list[Found]:
    """Return the values that are the model's own, in order.

    Args:
        scanned: What the reply holds.
        request: What was asked.
        restore: Gives a part of the text as the model wrote it.
    """
    own = _own_fences(scanned)
    mine = [
        value
        for value in scanned.found
        if not value.is_quoted
        and (id(value.fence) in own if value.fence else not _is_reported(scanned.text, value.start))
    ]
    quoted = _from_results(mine, scanned.text, request, restore)
    return [value for value in mine if id(value) not in quoted]


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
        if not BETWEEN.fullmatch(text, at, value.start):
            return False
        at = value.end
    return at >= fence.content_end or bool(BETWEEN.fullmatch(text, at, fence.content_end))


def _is_reported(text: str, start: int) -> bool:
    """Whether the words before a value, in its line, report or refuse it."""
    line = text[max(0, start - 200) : start].rpartition("\n")[2]
    return bool(line.strip()) and reports_or_refuses(line)


def _from_results(
    mine: Sequence[Found], text: str, request: ChatRequest, restore: Callable[[str], str]
) -> set[int]:
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
    quoted = {
        id(value) for value in few if _dense(restore(text[value.start : value.end])) in everything
    }
    return quoted | {id(value) for value in rest} if quoted else quoted


def _dense(text: str) -> str:
    """A text without spaces and escapes, which differ between a page and what quotes it."""
    return "".join(unescape(text).replace("\\", "").split())
