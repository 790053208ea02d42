"""Find what may be tool calls in a model's reply, and mark what the model only quotes.

A page or a tool's result can talk a model into quoting a call, and a quoted call must not run. This
module knows Markdown, HTML and JSON only as far as it takes to separate quotes from the model's own
words; it does not know which tools there are. It takes time in proportion to the text and must not
raise for any text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import ClassVar, Final

from langchain_segmind._messages.limits import MOST
from langchain_segmind._tool_emulation.found import OWN_WRAPPERS, Fence, Found, Scan
from langchain_segmind._tool_emulation.json_repair import UNPARSABLE, match_brackets, parse_json

_LIST_MARKS: Final = r"(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)*"
_CONSTRUCT: Final = re.compile(
    r"``*(?P<ticks>)"
    r"|~~~+(?P<tildes>)"
    r"|[“„‘‚«‹「『《〈❝](?P<opening>)"
    r"|[\"'”’»›](?<![^\s(\[:,，：].)(?P<straight>)"
    r"|~~(?!~)(?<![^\s(\[:,，：]..)(?P<struck>)"
    r"|<!(?:--|\[CDATA\[)(?P<comment>)"
    r"|<tool_call(?P<marks>\s[^<>]*)?>(?P<call>)"
    r"|<(?P<name>[a-z][\w:.-]{0,40})"
    r"(?:\s[^<>\"']*(?:(?:\"[^\"]*\"|'[^']*')[^<>\"']*)*)?/?>(?P<element>)"
    r"""|[{\[]\s*(?:[{\[]\s*)?(?:"[^"\\\n]{1,64}"|'[^'\\\n]{1,64}')\s*:(?P<json>)"""
    rf"|^[ \t]*{_LIST_MARKS}[>|](?P<quote>)"
    r"|^(?:[ ]{4}|\t)[ \t]*(?=\S)(?P<indented>)",
    re.IGNORECASE | re.MULTILINE,
)
"""What the scanner stops at. An empty group at the end of each alternative names it: one in front
would make every other character of a text three times as slow to pass over."""
_QUOTING: Final = frozenset({"opening", "straight", "struck", "comment", "quote", "indented"})
"""Constructs that mean nothing in a fenced code block."""
_MAY_BEGIN: Final = re.compile(r"[{\[<]")
"""What a value or a `<tool_call>` element begins with."""
_TICKS: Final = re.compile(r"`+")
_TAG: Final = re.compile(r"<(/?)([a-z][\w:.-]{0,40})", re.IGNORECASE)
_PARAGRAPH_END: Final = re.compile(r"\n[ \t]*\n|\n[ ]{0,3}(?:```|~~~)")
_BODY: Final = re.compile(r"\s*(?=[{\[])")
_CALL_MARK: Final = re.compile(r"</?tool_call\b", re.IGNORECASE)
_CALL_END: Final = re.compile(r"\s*</tool_call\s*>", re.IGNORECASE)
_INFO: Final = re.compile(r"[^\n`]{0,80}(?=\n)")
_INLINE_INFO: Final = re.compile(r"[\w+.-]*[ \t]*")
_LINE_COMMENT: Final = re.compile(r"\s*(?://|#)[^\n]{0,200}\n")
_MARKS: Final = "“”“ „”“ ””“ ‘’‘ ‚’‘ ’’‘ «» »« ‹› ›‹ 「」 『』 《》 〈〉 ❝❞ \"\" ''"
_CLOSING: Final = {**{marks[0]: marks[1:] for marks in _MARKS.split()}, "~~": "~"}
"""Quotation marks that open, and those that close what they open."""
_CLOSING_MARKS: Final = {
    **{marks: re.compile(f"[{marks}]") for marks in _CLOSING.values()},
    **{mark: re.compile(mark + r"(?=[\s.,;:!?)\]]|\Z)") for mark in "\"'"},
    "~": re.compile("~~"),
}
_BLANK_LINE: Final = re.compile(r"\n[ \t]*\n")
_COMMENT_ENDS: Final = {"<!--": "-->", "<![CDATA[": "]]>"}
_SPACE: Final = re.compile(r"\s*")
_LINE_START: Final = re.compile(r"(?:\A|\n)[ \t>]*\Z")
_WHOLE_WRAPPERS: Final = frozenset(
    {"output", "result", "message", "root", "final_answer", "json_response", "tool", "tool_use"}
    | {"body", "p", "div", "xml", "content", "text", "data", "call"}
)
"""Elements that models wrap their whole reply in."""
_LAST_TAG: Final = re.compile(r"</[\w:.-]+\s*>\s*")


def scan(text: str) -> Scan:
    """Find the JSON values and `<tool_call>` elements of a reply, and mark those it quotes.

    Quotes are code spans, block quotes, indented code, table rows, elements of HTML and XML,
    comments and what follows an opening quotation mark. What stands in a fenced code block is found
    with the block, as models wrap what they mean in one, too. The scan ends at the first value that
    is more than are read.
    """
    if _MAY_BEGIN.search(text) is None:
        return Scan(text)
    scanner = _Scanner(text)
    scanner.run()
    return scanner.result


class _Scanner:
    """Walks once through a text, from one construct to the next."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.result = Scan(text)
        self._fence: Fence | None = None
        self._quoted_to = 0  # what begins before this place is quoted
        self._ends: dict[int, int] = {}  # of brackets, as far as they were matched
        self._matched_to = 0
        self._ticks: dict[int, list[int]] | None = None
        self._closes: dict[int, int] | None = None  # of elements, by the place where they begin
        self._has_cut = False
        self._no_comment_ends = False
        self._paragraph_end = 0
        self._blank_line = 0
        self._closings: dict[str, int] = {}  # the next place of closing quotation marks
        self._indented_to = -2
        self._ahead: re.Match[str] | None = None
        self._span_end = -1  # where the last code span has its closing backticks

    def run(self) -> None:
        while len(self.result.found) <= MOST and (match := self._next()):
            self.at = match.end()
            kind = match.lastgroup or ""
            if self._fence is None or kind not in _QUOTING:
                self._READERS[kind](self, match)
        self._close_fence(len(self.text), len(self.text))

    def _next(self) -> re.Match[str] | None:
        """Find the next construct, which is often known from looking for the end of a quote."""
        found = self._ahead
        if found is None or found.start() < self.at:
            found = self._ahead = _CONSTRUCT.search(self.text, self.at)
        return found

    # --- what quotes -----------------------------------------------------------------------------

    def _quote(self, end: int) -> bool:
        """Take what follows for a quote, unless a value that begins in it ends only behind it."""
        ahead = self._next()
        if ahead is not None and ahead.start() < end:
            begun = _CONSTRUCT.search(self.text, self.at, end)
            if begun is not None and begun.lastgroup == "json":
                close = self._end_of_value(begun.start())
                if close is not None and close > end:
                    return False
        self._quoted_to = max(self._quoted_to, end)
        return True

    def _read_quoted_line(self, match: re.Match[str]) -> None:
        # It begins a line, so that the end of each line is searched for only once.
        start, end = match.start(), self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        if match.lastgroup == "indented":
            if start - 1 == self._indented_to or self._follows_blank_line(start):
                self._quote(end)
                self._indented_to = end
        elif match[0].endswith(">"):
            if self.at >= self._paragraph_end:
                found = _PARAGRAPH_END.search(self.text, self.at)
                self._paragraph_end = len(self.text) if found is None else found.start()
            # Lines of a block quote may lack the mark, up to the end of its paragraph.
            self._quoted_to = max(self._quoted_to, self._paragraph_end)
            self.at = end
        else:
            self._quote(end)

    def _read_quotation(self, match: re.Match[str]) -> None:
        """Read a quotation: from its opening mark to the next closing one within the paragraph."""
        closing = _CLOSING[match[0]]
        if self._blank_line <= self.at:
            blank = _BLANK_LINE.search(self.text, self.at)
            self._blank_line = len(self.text) + 1 if blank is None else blank.start() + 1
        close = self._closings.get(closing, -1)
        if close < self.at:
            found = _CLOSING_MARKS[closing].search(self.text, self.at)
            close = self._closings[closing] = len(self.text) + 1 if found is None else found.start()
        if self._quoted_to < close < self._blank_line:
            self._quote(close)

    def _read_comment(self, match: re.Match[str]) -> None:
        close = -1 if self._no_comment_ends else self.text.find(_COMMENT_ENDS[match[0]], self.at)
        if close >= 0:
            self._quote(close)
        else:
            self._no_comment_ends = True

    def _follows_blank_line(self, start: int) -> bool:
        """Whether a line comes behind words and a blank line, as indented code does."""
        before = self.text[max(0, start - 200) : start]
        lines = before.rstrip(" \t\n")
        return bool(lines) and before[len(lines) :].count("\n") >= 2

    def _read_element(self, match: re.Match[str]) -> None:
        name = match["name"].lower()
        if self._fence is not None or name in OWN_WRAPPERS:
            return
        if self._closes is None:
            self._closes = _pair_elements(self.text, match.start())
        close = self._closes.get(match.start())
        if close is None:
            return
        is_whole = _SPACE.fullmatch(self.text, 0, match.start()) is not None
        is_whole = is_whole and _LAST_TAG.fullmatch(self.text, close) is not None
        if not (is_whole and name in _WHOLE_WRAPPERS):
            self._quote(close)

    def _read_ticks(self, match: re.Match[str]) -> None:
        run, start = match[0], match.start()
        if start == self._span_end:
            return
        at_line_start = _LINE_START.search(self.text, max(0, start - 20), start) is not None
        if self._fence is not None:
            self._may_close_fence(match, at_line_start)
        elif run[0] == "~":
            if at_line_start:
                self._open_fence(match)
        elif len(run) >= 3 and self._has_info(match.end(), at_line_start):
            self._open_fence(match)
        else:
            self._read_code_span(match)

    def _has_info(self, place: int, at_line_start: bool) -> bool:
        """Whether the rest of the line is what stands behind an opening fence."""
        info = _INFO.match(self.text, place)
        return info is not None and (at_line_start or " " not in info[0].strip())

    def _open_fence(self, match: re.Match[str]) -> None:
        info = _INFO.match(self.text, match.end())
        content = match.end() if info is None else info.end()
        comment = _LINE_COMMENT.match(self.text, content)
        content = content if comment is None else comment.end()
        self._fence = Fence(match.start(), content, match[0])
        self._read_content(content)

    def _read_content(self, content: int) -> None:
        """Read a value at the beginning of a code block, whatever its keys are."""
        self.at = content
        bracket = _BODY.match(self.text, content)
        if bracket is not None:
            self._read_value(bracket.end())

    def _may_close_fence(self, match: re.Match[str], at_line_start: bool) -> None:
        fence, run = self._fence, match[0]
        if fence is None or run[0] != fence.marks[0] or len(run) < len(fence.marks):
            return
        last = self.result.found[-1] if self.result.found else None
        follows_value = (
            last is not None
            and last.fence is fence
            and _SPACE.fullmatch(self.text, last.end, match.start()) is not None
        )
        if at_line_start or follows_value:
            self._close_fence(match.start(), match.end())

    def _close_fence(self, content_end: int, end: int) -> None:
        if self._fence is not None:
            self._fence.content_end, self._fence.end = content_end, end
            self.result.fences.append(self._fence)
            self._fence = None

    def _read_code_span(self, match: re.Match[str]) -> None:
        """Find the run of as many backticks that closes a code span within its paragraph."""
        if self._ticks is None:
            self._ticks = defaultdict(list)
            for run in reversed([*_TICKS.finditer(self.text, match.start())]):
                self._ticks[len(run[0])].append(run.start())
        places = self._ticks.get(len(match[0]), [])
        while places and places[-1] <= match.start():
            places.pop()
        if not places or _PARAGRAPH_END.search(self.text, match.end(), places[-1] + 3):
            return
        end = places[-1] + len(match[0])
        is_whole = _SPACE.fullmatch(self.text, 0, match.start()) and _SPACE.fullmatch(
            self.text, end
        )
        if len(match[0]) >= 3 and is_whole:
            info = _INLINE_INFO.match(self.text, match.end())  # the whole reply: a wrapper
            self._fence = Fence(match.start(), info.end() if info else self.at, match[0])
            self._read_content(self._fence.content)
        elif self._quote(places[-1]):
            self._span_end = places[-1]

    # --- what is quoted, or not ------------------------------------------------------------------

    def _is_quoted(self, start: int) -> bool:
        return start < self._quoted_to

    def _read_call(self, match: re.Match[str]) -> None:
        start = match.end()
        bracket = _BODY.match(self.text, start)
        if bracket is not None:
            end = self._end_of_value(bracket.end())
            close = None if end is None else _CALL_END.match(self.text, end)
            if close is not None and end is not None:
                self._keep_call(match, end, close.end())
                return
        elif "name" not in (match["marks"] or "").lower():
            return  # it is only mentioned
        mark = _CALL_MARK.search(self.text, start)
        end = len(self.text) if mark is None else mark.start()
        close = _CALL_END.match(self.text, end)
        self._keep_call(match, end, None if close is None else close.end())

    def _keep_call(self, match: re.Match[str], end: int, close: int | None) -> None:
        body = self.text[match.end() : end].strip()
        found = Found(match.start(), close or end, parse_json(body), body, match["marks"] or "")
        found.is_cut, found.fence = close is None, self._fence
        found.is_quoted = self._is_quoted(match.start())
        self.result.found.append(found)
        self.at = found.end

    def _read_json(self, match: re.Match[str]) -> None:
        self._read_value(match.start())

    def _read_value(self, start: int) -> None:
        end = self._end_of_value(start)
        if end is not None:
            body = self.text[start:end]
            found = Found(start, end, parse_json(body), body)
            self.at = end
        elif self._has_cut:
            return  # it stands within what was cut short
        else:
            self._has_cut = True
            found = Found(start, len(self.text), UNPARSABLE, self.text[start:], is_cut=True)
        found.fence, found.is_quoted = self._fence, self._is_quoted(start)
        self.result.found.append(found)

    def _end_of_value(self, start: int) -> int | None:
        """Find the end of the value at a bracket, matching each stretch of the text only once."""
        if start >= self._matched_to:
            self._ends = match_brackets(self.text, start)
            self._matched_to = self._ends.get(start, len(self.text))
        return self._ends.get(start)

    _READERS: ClassVar = {
        "ticks": _read_ticks,
        "tildes": _read_ticks,
        "opening": _read_quotation,
        "straight": _read_quotation,
        "struck": _read_quotation,
        "comment": _read_comment,
        "call": _read_call,
        "element": _read_element,
        "json": _read_json,
        "quote": _read_quoted_line,
        "indented": _read_quoted_line,
    }


def _pair_elements(text: str, start: int) -> dict[int, int]:
    """Find where each element is closed, by the place where it begins."""
    opened: dict[str, list[int]] = defaultdict(list)
    closes: dict[int, int] = {}
    for tag in _TAG.finditer(text, start):
        name = tag[2].lower()
        if not tag[1]:
            opened[name].append(tag.start())
        elif opened[name]:
            closes[opened[name].pop()] = tag.start()
    return closes
