"""Tool calls and results told as text, turned back into calls and results.

A gateway that forwards no tools has them told in the turns of the conversation. From here on
nobody can tell whether they came that way or natively.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

from langchain_segmind.testing.conversation import Call, Question, Result, Turn

_TOLD = re.compile(
    r"<tool_(?P<kind>call|result)(?P<marks>(?:\s+\w+=\"[^\"]*\")*)\s*>(?P<text>.*?)</tool_(?P=kind)>",
    re.DOTALL,
)
_MARK = re.compile(r"(\w+)=\"([^\"]*)\"")
_ESCAPED = re.compile(r"&lt;[\s/]*tool_(?:result|call)(?:[\s/]*&gt;)?", re.IGNORECASE)
_KINDS = {"assistant": "call", "user": "result"}
_ERROR = re.compile(r"\s*(?:error|exception)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Deed:
    """A call that was made, and what came of it.

    Attributes:
        call: The call; its arguments are empty where the conversation does not tell them.
        text: The words of the result.
        failed: Whether it was an error.
        current: Whether it was made for the last request.
    """

    call: Call
    text: str
    failed: bool = False
    current: bool = True


def heard(question: Question) -> Question:
    """Take the told calls and results out of the text of every turn."""
    return replace(question, turns=tuple(_heard(turn) for turn in question.turns))


def deeds_of(turns: Sequence[Turn], request_at: int) -> Iterator[Deed]:
    """List the calls of a conversation that were answered.

    Args:
        turns: The conversation.
        request_at: Where the last request stands; results told after it are current.

    Yields:
        The deeds, in the order of their results.
    """
    calls: list[Call] = []
    for at, turn in enumerate(turns):
        for result in turn.results:
            failed = result.failed or _ERROR.match(result.text) is not None
            yield Deed(_call_of(result, calls), result.text, failed, at > request_at)
        calls += turn.calls


def _heard(turn: Turn) -> Turn:
    told = [hit for hit in _TOLD.finditer(turn.text) if hit["kind"] == _KINDS.get(turn.role)]
    if not told:
        return turn
    text = _TOLD.sub("", turn.text).strip()
    if turn.role == "assistant":
        return replace(turn, text=text, calls=tuple(map(_call, told)))
    return replace(turn, text=text, results=tuple(map(_result, told)))


def _marks(told: re.Match[str]) -> dict[str, str]:
    return {key: unescape(value) for key, value in _MARK.findall(told["marks"])}


def _call(told: re.Match[str]) -> Call:
    marks = _marks(told)
    return Call(marks.get("name", ""), _arguments(told["text"]), marks.get("id"))


def _arguments(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _result(told: re.Match[str]) -> Result:
    marks = _marks(told)
    failed = marks.get("status") == "error"
    text = _ESCAPED.sub(lambda mark: unescape(mark[0]), told["text"].strip())
    return Result(text, marks.get("id"), marks.get("name"), failed)


def _call_of(result: Result, calls: Sequence[Call]) -> Call:
    latest = calls[::-1]
    by_id = (call for call in latest if result.id is not None and call.id == result.id)
    by_name = (call for call in latest if call.name == result.name)
    return next(by_id, None) or next(by_name, None) or Call(result.name or "the tool")
