"""Keep what a tool or a model wrote from looking like our `<tool_result>` and `<tool_call>` marks.

Where tool calling is emulated, these marks alone separate one result from the next. A model reads
them as people do, so it takes `</tool result>` or letters of another script for one. This module
changes marks only, however they are written: `a < b`, HTML and code stay as they are.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_OPENING: Final = "<\uff1c\ufe64\u2039\u02c2\u276e\u2770\u27e8\u2329\u3008\u1438\u16b2"
_CLOSING: Final = ">\uff1e\ufe65\u203a\u02c3\u276f\u2771\u27e9\u232a\u3009\u1433"
_INVISIBLE: Final = (
    r"\s\x00-\x1f\x7f-\x9f\xad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u2800\u3164\ufe00-\ufe0f\ufe20-\ufe2f"
    r"\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""White space, control characters, what has no width and marks on letters: a reader passes over
them."""
_FILLERS: Final = r"\u115f\u1160\u3164\uffa0"
"""Those of them that are letters."""
_DASHES: Final = (
    r"\-_\uff3f\u02cd\u058a\u2010-\u2017\u203f\u2040\u2043\u2054\u2212\ufe33\ufe34\ufe4d-\ufe4f"
    r"\ufe58\ufe63\uff0d"
)
_POINTS: Final = r".:\xb7\u2022\u2219\u22c5\u30fb\uff1a\uff0e"
_SLASHES: Final = r"/|!?\uff0f\uff3c\u2044\u2215\u29f8"
_IN_JSON: Final = r"\\[nrtbf]|\\u00[01][0-9a-f]"
"""How JSON writes control characters."""
_LOOKALIKES: Final = {
    "a": "\u0430\u03b1\u0251",
    "c": "\u0441\u03f2\u217d\u1d04",
    "e": "\u0435\u04bd\u212e\u212f\u03b5\u1d07",
    "l": "\u04cf\u04c0\u217c\u01c0\u0456\u03b9\u0131\u029f1|",
    "o": "\u043e\u03bf\u0585\u0966\u1d0f\u21340",
    "r": "\u0433\u1d26\u0280",
    "s": "\u0455\ua731",
    "t": "\u0442\u03c4\u1d1b",
    "u": "\u03c5\u057d\u028b\u1d1c",
}
"""Cyrillic, Greek and other letters that look like these, in lower case."""


def _letter(letter: str) -> str:
    """Match a letter, its styled forms, and those of other scripts that look like it."""
    at = ord(letter) - ord("a")
    forms = [letter, chr(0xFF41 + at), chr(0x24D0 + at), chr(0x249C + at)]  # wide, circled
    # Mathematical letters: 13 alphabets, each of 26 letters in upper and 26 in lower case.
    forms += [chr(0x1D400 + alphabet * 26 + at) for alphabet in range(26)]
    return f"[{''.join(forms)}{_LOOKALIKES[letter]}]"


def _word(word: str, gap: str) -> str:
    return f"{gap}*".join(map(_letter, word))


def _mark(gap: str, slash: str) -> re.Pattern[str]:
    """Match marks.

    No two neighbors match the same character, and what is between them is short or read once, so
    that matching takes linear time.
    """
    edge = f"(?:{gap}|{slash})"
    tool = _word("tool", gap)
    name = f"(?:{_word('result', gap)}|{_word('call', gap)})(?:{gap}*{_letter('s')})?"
    # A namespace of XML, `ns:tool_call`; of its letters none is also a gap.
    space = rf"(?:[^\W{_FILLERS}]{{1,40}}{gap}*[:\uff1a]{edge}*){{0,2}}"
    between = f"(?:{edge}|[{_DASHES}{_POINTS}])*"
    # `<tool_call`, with or without slashes, a space of names and attributes.
    joined = f"{edge}*{space}{tool}{gap}*[{_DASHES}](?:{gap}|[{_DASHES}])*{name}"
    # `</tool call`, `</toolcall`, `<|tool.call`: with a slash, however the words are joined.
    closes = f"{gap}*{slash}{edge}*{space}{tool}{between}{name}(?![a-z])"
    # `<tool call>`, `<toolcall id="c1">`, but not `x < tool calls` or `Array<ToolCall>`.
    attribute = rf"[A-Za-z0-9_\-]{{1,40}}{gap}*="
    opens = (
        rf"(?!(?<=\w[{_OPENING}])(?-i:Tool(?:Call|Result)s?)[{_CLOSING}])"
        f"{gap}*{space}{tool}{between}{name}"
        f"(?={edge}*(?:[{_CLOSING}]|{attribute}))"
    )
    inner = f"{joined}|{closes}|{opens}"
    return re.compile(f"([{_OPENING}])({inner})(?:({edge}*)([{_CLOSING}]))?", re.IGNORECASE)


@cache
def _in_text() -> re.Pattern[str]:
    return _mark(f"[{_INVISIBLE}]", rf"[{_SLASHES}\\]")


@cache
def _in_arguments() -> re.Pattern[str]:
    return _mark(rf"(?:[{_INVISIBLE}]|{_IN_JSON})", rf"(?:[{_SLASHES}]|\\\\|\\/)")


def escape_text(text: str) -> str:
    """Write marks in a text as HTML does: `&lt;/tool_result&gt;`."""
    return _in_text().sub(_as_html, text) if _may_hold_marks(text) else text


def escape_arguments(text: str) -> str:
    r"""Write marks in JSON with its own escapes, `\u003c`: it parses to the same value.

    Arguments that could not be parsed are text that may hold marks in either form.
    """
    if not _may_hold_marks(text):
        return text
    return _in_text().sub(_as_json, _in_arguments().sub(_as_json, text))


def _may_hold_marks(text: str) -> bool:
    if text.isascii():
        return "<" in text
    return any(opening in text for opening in _OPENING)


def _as_html(mark: re.Match[str]) -> str:
    opening, inner, edge, closing = mark.groups("")
    return f"{_entity(opening)}{inner}{edge}{_entity(closing) if closing else ''}"


def _entity(bracket: str) -> str:
    return {"<": "&lt;", ">": "&gt;"}.get(bracket) or f"&#{ord(bracket)};"


def _as_json(mark: re.Match[str]) -> str:
    opening, inner, edge, closing = mark.groups("")
    end = f"\\u{ord(closing):04x}" if closing else ""
    return f"\\u{ord(opening):04x}{inner}{edge}{end}"
