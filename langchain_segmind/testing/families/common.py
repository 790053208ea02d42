"""What every format is given to read and to write, and what they all read alike."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_segmind.testing import checks as check
from langchain_segmind.testing.conversation import (
    Call,
    Media,
    ModelRequest,
    Offer,
    Reply,
    Result,
    Role,
    Tool,
    Turn,
    Usage,
)
from langchain_segmind.testing.directory import Model

T = TypeVar("T")
Part = str | Media | Call | Result


@dataclass(frozen=True)
class Reading:
    """A request to read."""

    model: Model
    body: Mapping[str, Any]
    unfetchable: Collection[str] = ()  # hosts that the gateway cannot fetch images from
    forward_tools: bool = False  # whether the family's own tool fields are read


@dataclass(frozen=True)
class Writing:
    """A reply to write."""

    slug: str
    reply: Reply
    usage: Usage
    run_id: str  # for formats that give their replies an id
    stopped_by: str | None = None  # the stop sequence that ended the answer
    choices: int = 1


@dataclass(frozen=True)
class FamilyFormat:
    """One body format; each part refuses what the family would refuse."""

    read_conversation: Callable[[Reading], tuple[str, tuple[Turn, ...]]]  # system text and turns
    read_offer: Callable[[Mapping[str, Any]], Offer | None]
    check_response_format: Callable[[ModelRequest], None]
    settings: Mapping[str, check.Rule]
    write: Callable[[Writing], dict[str, Any]]
    own_fields: frozenset[str] = frozenset()  # further fields of the body that are not settings


def flat_prompt(body: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Read the ``prompt`` that may stand in for ``messages``; empty if there are messages."""
    if "messages" in body:
        return ()
    if "prompt" not in body:
        check.refuse("missing field 'messages'")
    return (Turn("user", check.filled_string(body["prompt"], "prompt")),)


def turn_of(role: Role, parts: Sequence[Part], name: str | None = None) -> Turn:
    """Make a turn of its parts, each kind in order."""
    return Turn(
        role,
        "\n".join(_of_kind(parts, str)),
        _of_kind(parts, Media),
        name,
        _of_kind(parts, Call),
        _of_kind(parts, Result),
    )


def _of_kind(parts: Iterable[object], kind: type[T]) -> tuple[T, ...]:
    return tuple(part for part in parts if isinstance(part, kind))


def read_response_format(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read ``response_format``, which is written OpenAI's way for every family."""
    if "response_format" not in body:
        return None
    where, value = "response_format", body["response_format"]
    if check.type_of(value, where, "text", "json_object", "json_schema") != "json_schema":
        return check.fields(value, where, ["type"])
    place = f"{where}.json_schema"
    spec = check.fields(
        check.field(value, where, "json_schema", "type"),
        place,
        ["name", "schema"],
        ["strict", "description"],
    )
    check.name_string(spec["name"], f"{place}.name")
    check.fields(spec["schema"], f"{place}.schema", optional=None)
    check_strict(spec, place)
    return check.fields(value, where, optional=None)


def check_strict(spec: Mapping[str, Any], where: str) -> None:
    """Check that ``strict``, where a schema comes with it, is true, false or null."""
    if spec.get("strict") is not None:
        check.boolean(spec["strict"], f"{where}.strict")


def asks_for_json_object(request: ModelRequest) -> bool:
    """Return whether the reply must be some JSON object."""
    return (request.response_format or {}).get("type") == "json_object"


def check_parameters(schema: Any, where: str) -> dict[str, Any]:
    """Check that the schema of a tool's arguments is one of an object, or empty."""
    found = check.fields(schema, where, optional=None)
    if found and found.get("type", "object") != "object":
        check.refuse(f"{where}.type: expected 'object', got {check.shown(found['type'])}")
    return found


def unique_tools(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """Check that no two tools have the same name."""
    found = tuple(tools)
    names = [tool.name for tool in found]
    if twice := [name for name in names if names.count(name) > 1]:
        check.refuse(f"tools: tool names must be unique, but '{twice[0]}' is not")
    return found


def narrowed(tools: tuple[Tool, ...], names: Sequence[Any], where: str) -> tuple[Tool, ...]:
    """Keep the tools of these names, all of which must exist."""
    if unknown := [name for name in names if name not in {tool.name for tool in tools}]:
        check.refuse(f"{where}: {check.shown(unknown[0])} is not one of the tools")
    return tuple(tool for tool in tools if tool.name in names)


def check_answered(
    turns: Iterable[Turn], key: Callable[[Call | Result], object], unasked: str, unanswered: str
) -> None:
    """Refuse a conversation in which a call has no result, or a result has no call.

    `key` is what a call and its result have in common; the texts have places for ``at`` and it.
    """
    waiting: list[object] = []
    for at, turn in enumerate(turns):
        for result in turn.results:
            if key(result) not in waiting:
                check.refuse(unasked.format(at=at, key=key(result)))
            waiting.remove(key(result))
        if waiting and not turn.results:
            check.refuse(unanswered.format(at=at - 1))
        waiting += [key(call) for call in turn.calls]
    if waiting:
        check.refuse(unanswered.format(at="last"))


def finish_reason(reply: Reply) -> str:
    """Return why a reply ended, in OpenAI's words; one with calls ends to have them made."""
    calls = reply.calls and reply.finish_reason == "stop"
    return "tool_calls" if calls else reply.finish_reason
