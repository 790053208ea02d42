"""Keep what a tool or a model wrote from looking like our `<tool_result>` and `<tool_call>` marks.

Where tool calling is emulated, these marks alone separate one result from the next. This module
changes marks only, however they are written: `a < b`, HTML and code stay as they are.
"""

from __future__ import annotations

import re
from typing import Final

_OPENING: Final = "<\uff1c\ufe64"
_CLOSING: Final = ">\uff1e\ufe65"
_INVISIBLE: Final = (
    r"\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e007f"
)
"""White space, control characters and what has no width: a reader passes over them."""
_SLASHES: Final = r"/|!?\uff0f\uff3c\u2044\u2215"
_IN_JSON: Final = r"\\[nrtbf]|\\u00[01][0-9a-f]"
"""How JSON writes control characters."""


def _word(word: str, gap: str) -> str:
    """Match a word in letters of normal or full width, with gaps between them."""
    return f"{gap}*".join(f"[{letter}{chr(ord(letter) + 0xFEE0)}]" for letter in word)


def _mark(gap: str, edge: str) -> re.Pattern[str]:
    # No two neighbors match the same character, so that matching takes linear time.
    dash = r"[-_\uff3f]"
    name = f"(?:{_word('result', gap)}|{_word('call', gap)})s?"
    inner = f"{edge}*{_word('tool', gap)}{gap}*{dash}(?:{gap}|{dash})*{name}"
    return re.compile(f"([{_OPENING}])({inner})(?:({edge}*)([{_CLOSING}]))?", re.IGNORECASE)


_IN_TEXT: Final = _mark(f"[{_INVISIBLE}]", rf"[{_INVISIBLE}{_SLASHES}\\]")
_IN_ARGUMENTS: Final = _mark(
    rf"(?:[{_INVISIBLE}]|{_IN_JSON})", rf"(?:[{_INVISIBLE}{_SLASHES}]|{_IN_JSON}|\\\\|\\/)"
)


def escape_text(text: str) -> str:
    """Write marks in a text as HTML does: `&lt;/tool_result&gt;`."""
    return _IN_TEXT.sub(_as_html, text) if _may_hold_marks(text) else text


def escape_arguments(text: str) -> str:
    r"""Write marks in JSON with its own escapes, `\u003c`: it parses to the same value.

    Arguments that could not be parsed are text that may hold marks in either form.
    """
    if not _may_hold_marks(text):
        return text
    return _IN_TEXT.sub(_as_json, _IN_ARGUMENTS.sub(_as_json, text))


def _may_hold_marks(text: str) -> bool:
    return any(opening in text for opening in _OPENING)


def _as_html(mark: re.Match[str]) -> str:
    _, inner, edge, closing = mark.groups("")
    return f"&lt;{inner}{edge}{'&gt;' if closing else ''}"


def _as_json(mark: re.Match[str]) -> str:
    opening, inner, edge, closing = mark.groups("")
    end = f"\\u{ord(closing):04x}" if closing else ""
    return f"\\u{ord(opening):04x}{inner}{edge}{end}"
