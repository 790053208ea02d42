"""Read the end of a conversation: what was asked last, and which tool results came since.

A gateway that forwards no tools gets their results as elements in the text of a user's turn, as
``<tool_result name="add">3</tool_result>``. This is the only place that knows how they look: an
element with *result* in its name.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

from langchain_segmind.testing.conversation import Media, ModelRequest, Result, Turn

_ELEMENT = re.compile(
    r"<(?P<tag>\w*result\w*)(?P<attributes>(?:\s+\w+=\"[^\"]*\")*)\s*>(?P<text>.*?)</(?P=tag)>",
    re.DOTALL,
)
_TAG = re.compile(r"<\w+(?P<attributes>(?:\s+\w+=\"[^\"]*\")+)\s*>")
_ATTRIBUTE = re.compile(r"(\w+)=\"([^\"]*)\"")
_ESCAPED_TAG = re.compile(r"&lt;[\s/]*\w+[\s/]*(?:&gt;)?")


@dataclass(frozen=True)
class HTTPExchange:
    """The end of a conversation: the last user turn that has text, and what came after it."""

    prompt: str  # its text; the system text where there is no such turn
    media: tuple[Media, ...] = ()  # of that turn and those after it
    results: tuple[Result, ...] = ()  # with their tools' names where they are known
    replies: int = 0  # turns of the assistant


def last_exchange(request: ModelRequest) -> HTTPExchange:
    """Read the end of a conversation."""
    media: tuple[Media, ...] = ()
    results: tuple[Result, ...] = ()
    replies = 0
    for at in reversed(range(len(request.turns))):
        turn = request.turns[at]
        if turn.role == "assistant":
            replies += 1
        elif turn.role == "user":
            text = _ELEMENT.sub("", turn.text).strip()
            media = turn.media + media
            if text:
                return HTTPExchange(text, media, results, replies)
            results = (*_named(_results(turn), request.turns[:at]), *results)
    return HTTPExchange(request.system.strip(), media, results, replies)


def _results(turn: Turn) -> list[Result]:
    found = [*turn.results]
    for element in _ELEMENT.finditer(turn.text):
        marks = _attributes(element)
        text = _ESCAPED_TAG.sub(lambda tag: unescape(tag[0]), element["text"].strip())
        found.append(
            Result(text, marks.get("id"), marks.get("name"), marks.get("status") == "error")
        )
    return found


def _named(results: Sequence[Result], before: Sequence[Turn]) -> Iterator[Result]:
    """Give results without a name that of the call they answer: by its id, else by its place."""
    last = next((turn for turn in reversed(before) if turn.role == "assistant"), None)
    calls = [*_calls(last)] if last else []
    names = {call_id: name for call_id, name in calls if call_id}
    for at, result in enumerate(results):
        by_place = calls[at][1] if at < len(calls) else None
        name = result.name or names.get(result.id or "") or by_place
        yield Result(result.text, result.id, name, result.failed)


def _calls(turn: Turn) -> Iterator[tuple[str | None, str]]:
    """Yield the id and the name of every call in a turn, natively, as elements or as JSON."""
    yield from ((call.id, call.name) for call in turn.calls)
    tags = [_attributes(tag) for tag in _TAG.finditer(turn.text)]
    yield from _calls_in([*tags, *json_objects(turn.text)])


def _calls_in(value: Any) -> Iterator[tuple[str | None, str]]:
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        yield value.get("id"), value["name"]
    elif isinstance(value, dict | list):
        for held in value.values() if isinstance(value, dict) else value:
            yield from _calls_in(held)


def _attributes(element: re.Match[str]) -> dict[str, str]:
    return {key: unescape(value) for key, value in _ATTRIBUTE.findall(element["attributes"])}


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """Find the JSON objects in a text, in order."""
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            value, end = None, at + 1
        if isinstance(value, dict):
            yield value
        at = text.find("{", end)
