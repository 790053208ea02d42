"""Find what may be tool calls in a model's reply, and tell what the model only quotes.

A page or a tool's result can talk a model into quoting a call, and a quoted call must not run. This
module knows Markdown, HTML and JSON only as far as it takes to tell quotes from the model's own
words; it does not know which tools there are. It takes time in proportion to the text and must not
raise for any text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from langchain_segmind._tool_emulation.json_repair import UNPARSABLE, match_brackets, parse_json


@dataclass(slots=True)
class Fence:
    """A fenced code block: its place with both fences, and the place of its content."""

    start: int
    content: int
    character: str
    content_end: int = -1
    end: int = -1


@dataclass(slots=True)
class Found:
    """A JSON value or a `<tool_call>` element that stands in a reply.

    Attributes:
        start: Where it begins.
        end: Where it ends; for a value that was cut short, the end of the text.
        value: The parsed JSON of the value or of the element's content; `UNPARSABLE` if it is not.
        body: Its text; of an element, the content.
        marks: The attributes of an element; None for a value.
        is_cut: Whether its end is missing.
        fence: The code block it stands in.
    """

    start: int
    end: int
    value: Any
    body: str
    marks: str | None = None
    is_cut: bool = False
    fence: Fence | None = None


@dataclass(slots=True)
class Scan:
    """What a reply holds, in order."""

    text: str
    found: list[Found] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)
    has_quotes: bool = False


_ELEMENTS: Final = "blockquote|cite|code|kbd|pre|q|samp|textarea|tt|var|xmp"
_CONSTRUCT: Final = re.compile(
    r"(?P<ticks>`+|(?<![^\n])[ \t]*~~~+)"
    r"|(?P<quote>(?<![^\n])[ \t]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?>)"
    rf"|(?P<element><(?:(?P<name>{_ELEMENTS})(?=[\s/>])[^<>]*>|!--))"
    r"|(?P<call><tool_call(?P<marks>\s[^<>]*)?>)"
    r'|(?P<json>[{\[]\s*(?:\{\s*)?"'
    r'(?:reply|say|calls|name|tool_calls|content|function|function_call|type|id)"\s*:)',
    re.IGNORECASE,
)
_TICKS: Final = re.compile(r"`+")
_BLANK_LINE: Final = re.compile(r"\n[ \t]*\n")
_BODY: Final = re.compile(r"\s*(?=[{\[])")
_CALL_MARK: Final = re.compile(r"</?tool_call\b", re.IGNORECASE)
_CALL_END: Final = re.compile(r"\s*</tool_call\s*>", re.IGNORECASE)
_INFO: Final = re.compile(r"[\w+.-]*")
_QUOTATION_MARKS: Final = frozenset("\"'‘“‚„‹«「『")


def scan(text: str) -> Scan:
    """Find the JSON values and `<tool_call>` elements of a reply that it does not quote.

    Left out are those in code spans, block quotes, quoting HTML elements and behind an opening
    quotation mark. Those in fenced code blocks are found with their fence, as models wrap what they
    mean in them, too.
    """
    scanner = _Scanner(text)
    while (place := scanner.step()) is not None:
        scanner.at = place
    return scanner.result


class _Scanner:
    """Walks once through a text; `step` reads one construct and returns where to go on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.result = Scan(text)
        self._fence: Fence | None = None
        self._ends: dict[int, int] = {}  # of brackets, as far as they were matched
        self._matched_to = 0
        self._ticks: dict[int, list[int]] | None = None
        self._has_cut = False
        self._unclosed: set[str] = set()  # HTML elements that are not closed from here on

    def step(self) -> int | None:
        match = _CONSTRUCT.search(self.text, self.at)
        if match is None:
            if self._fence is not None:
                self._close_fence(len(self.text), len(self.text))
            return None
        match match.lastgroup:
            case "ticks":
                return self._read_ticks(match)
            case "quote":
                return self._skip_line(match)
            case "element":
                return self._skip_element(match)
            case "call":
                return self._read_call(match)
            case _:
                return self._read_value(match.start(), match.end())

    def _read_ticks(self, match: re.Match[str]) -> int:
        run = match[0].strip()
        if len(run) < 3:
            end = None if self._fence is not None else self._end_of_code_span(match)
            self.result.has_quotes |= end is not None
            return end or match.end()
        if self._fence is None:
            info = _INFO.match(self.text, match.end())
            content = info.end() if info else match.end()
            self._fence = Fence(match.start(), content, run[0])
            bracket = _BODY.match(self.text, content)
            return content if bracket is None else self._read_value(bracket.end(), content)
        if self._fence.character == run[0]:
            self._close_fence(match.start(), match.end())
        return match.end()

    def _close_fence(self, content_end: int, end: int) -> None:
        if self._fence is not None:
            self._fence.content_end, self._fence.end = content_end, end
            self.result.fences.append(self._fence)
            self._fence = None

    def _end_of_code_span(self, match: re.Match[str]) -> int | None:
        """Find the run of as many backticks that closes a code span within its paragraph."""
        if self._ticks is None:
            self._ticks = defaultdict(list)
            for run in reversed([*_TICKS.finditer(self.text, match.start())]):
                self._ticks[len(run[0])].append(run.start())
        places = self._ticks.get(len(match[0]), [])
        while places and places[-1] <= match.start():
            places.pop()
        if not places:
            return None
        close = places[-1]
        blank = _BLANK_LINE.search(self.text, match.end(), close)
        begun = _CONSTRUCT.search(self.text, match.end(), close)
        if blank is not None or (begun is not None and self._reaches_over(begun, close)):
            return None
        return close + len(match[0])

    def _reaches_over(self, begun: re.Match[str], close: int) -> bool:
        """Whether a value that begins in what looks like a code span ends only behind it."""
        if begun.lastgroup != "json":
            return False
        end = self._end_of_value(begun.start())
        return end is None or end > close

    def _skip_line(self, match: re.Match[str]) -> int:
        if self._fence is not None:
            return match.end()
        self.result.has_quotes = True
        end = self.text.find("\n", match.end())
        return len(self.text) if end < 0 else end

    def _skip_element(self, match: re.Match[str]) -> int:
        name = (match["name"] or "").lower()
        if self._fence is not None or name in self._unclosed:
            return match.end()
        self.result.has_quotes = True
        pattern = rf"</{name}\s*>" if name else "-->"
        close = re.compile(pattern, re.IGNORECASE).search(self.text, match.end())
        if close is None:
            self._unclosed.add(name)
            return len(self.text)
        return close.end()

    def _is_in_quotation_marks(self, start: int) -> bool:
        return self.text[max(0, start - 1) : start] in _QUOTATION_MARKS and start > 0

    def _read_call(self, match: re.Match[str]) -> int:
        start = match.end()
        bracket = _BODY.match(self.text, start)
        if bracket is not None:
            end = self._end_of_value(bracket.end())
            close = None if end is None else _CALL_END.match(self.text, end)
            if close is not None and end is not None:
                return self._keep_call(match, start, end, close.end())
        elif "name" not in (match["marks"] or "").lower():
            return match.end()  # it is only spoken of
        mark = _CALL_MARK.search(self.text, start)
        end = len(self.text) if mark is None else mark.start()
        close = _CALL_END.match(self.text, end)
        return self._keep_call(match, start, end, None if close is None else close.end())

    def _keep_call(self, match: re.Match[str], start: int, end: int, close: int | None) -> int:
        if self._is_in_quotation_marks(match.start()):
            self.result.has_quotes = True
            return close or end
        body = self.text[start:end].strip()
        self.result.found.append(
            Found(
                match.start(),
                close or end,
                parse_json(body),
                body,
                marks=match["marks"] or "",
                is_cut=close is None,
                fence=self._fence,
            )
        )
        return close or end

    def _read_value(self, start: int, inside: int) -> int:
        """Read the value at a bracket; where it is cut short, go on at `inside`."""
        end = self._end_of_value(start)
        if self._is_in_quotation_marks(start):
            self.result.has_quotes = True
        elif end is not None:
            body = self.text[start:end]
            self.result.found.append(Found(start, end, parse_json(body), body, fence=self._fence))
        elif not self._has_cut:  # what follows stands within it, or is cut short as well
            self._has_cut = True
            body = self.text[start:]
            cut = Found(start, len(self.text), UNPARSABLE, body, is_cut=True, fence=self._fence)
            self.result.found.append(cut)
        return inside if end is None else end

    def _end_of_value(self, start: int) -> int | None:
        """Find the end of the value at a bracket, matching each stretch of the text only once."""
        if start >= self._matched_to:
            self._ends = match_brackets(self.text, start)
            self._matched_to = self._ends.get(start, len(self.text))
        return self._ends.get(start)
