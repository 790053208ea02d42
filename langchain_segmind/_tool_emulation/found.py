"""What a scan of a reply finds: code blocks, JSON values and `<tool_call>` elements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

OWN_WRAPPERS: Final = frozenset(
    {"tool_calls", "function_calls", "function_call", "function", "functions", "calls", "tools"}
    | {"json", "answer", "response", "reply", "action", "actions", "assistant", "final"}
)
"""Elements that models wrap their own calls in; any other element quotes what stands in it."""


@dataclass(slots=True)
class Fence:
    """A fenced code block: its place with both fences, and the place of its content."""

    start: int
    content: int
    marks: str
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
        is_quoted: Whether the model only quotes it.
        fence: The code block it stands in.
    """

    start: int
    end: int
    value: Any
    body: str
    marks: str | None = None
    is_cut: bool = False
    is_quoted: bool = False
    fence: Fence | None = None


@dataclass(slots=True)
class Scan:
    """What a reply holds, in order."""

    text: str
    found: list[Found] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)
