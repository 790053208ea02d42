"""Read the end of a conversation: what was asked last, and which tool results came since.

A gateway that forwards no tools gets their results as elements in the text of a user's turn, as
``<tool_result name="add">3</tool_result>``. This is the only place that knows how they look: an
element with *result* in its name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from langchain_segmind.testing.conversation import Media, ModelRequest, Result, Turn

_ELEMENT = re.compile(
    r"<(?P<tag>\w*result\w*)(?P<marks>(?:\s+\w+=\"[^\"]*\")*)\s*>(?P<text>.*?)</(?P=tag)>",
    re.DOTALL,
)
_MARK = re.compile(r"(\w+)=\"([^\"]*)\"")
_ESCAPED = re.compile(r"&lt;[\s/]*\w+[\s/]*(?:&gt;)?")


@dataclass(frozen=True)
class Exchange:
    """The end of a conversation.

    Attributes:
        prompt: The text of the last user turn that has one, or the system text where there is none.
        media: What that turn and those after it show.
        results: The tool results that came after it, with their tools' names where they are known.
        replies: How many turns of the assistant came after it.
    """

    prompt: str
    media: tuple[Media, ...] = ()
    results: tuple[Result, ...] = ()
    replies: int = 0


def last_exchange(request: ModelRequest) -> Exchange:
    """Read the end of a conversation."""
    names = {call.id: call.name for turn in request.turns for call in turn.calls}
    media: tuple[Media, ...] = ()
    results: tuple[Result, ...] = ()
    replies = 0
    for turn in reversed(request.turns):
        if turn.role == "assistant":
            replies += 1
        elif turn.role == "user":
            text = _ELEMENT.sub("", turn.text).strip()
            media = turn.media + media
            if text:
                return Exchange(text, media, results, replies)
            results = (*(_named(found, names) for found in _results(turn)), *results)
    return Exchange(request.system.strip(), media, results, replies)


def _results(turn: Turn) -> Iterator[Result]:
    yield from turn.results
    for found in _ELEMENT.finditer(turn.text):
        marks = {key: unescape(value) for key, value in _MARK.findall(found["marks"])}
        text = _ESCAPED.sub(lambda mark: unescape(mark[0]), found["text"].strip())
        yield Result(text, marks.get("id"), marks.get("name"), marks.get("status") == "error")


def _named(result: Result, names: dict[str | None, str]) -> Result:
    name = result.name or names.get(result.id)
    return Result(result.text, result.id, name, result.failed)
