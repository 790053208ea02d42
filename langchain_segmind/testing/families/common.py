"""What every format is given to read and to write, and the fields they all share."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_segmind.testing.checks import fields, filled_string, one_of, refuse
from langchain_segmind.testing.conversation import Question, Reply, Turn, Usage
from langchain_segmind.testing.directory import Model

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

# The gateway drops these without a word; no brain shall see them either.
_DROPPED = frozenset({"tools", "tool_choice", "stream", "stream_options"})


@dataclass(frozen=True)
class Reading:
    """A request to read.

    Attributes:
        model: The model asked.
        body: The JSON object sent.
        unfetchable: Hosts the gateway cannot fetch pictures from.
    """

    model: Model
    body: Mapping[str, Any]
    unfetchable: Collection[str] = ()


@dataclass(frozen=True)
class Writing:
    """A reply to write.

    Attributes:
        slug: The model that answered.
        reply: Its answer.
        usage: What it counted.
        run_id: The name of this run, for formats that give their replies an id.
        stopped_by: The stop sequence that ended the answer, if one did.
        choices: How many answers were asked for.
    """

    slug: str
    reply: Reply
    usage: Usage
    run_id: str
    stopped_by: str | None = None
    choices: int = 1


def settings_of(body: Mapping[str, Any], *own: str) -> dict[str, Any]:
    """Take the settings out of a body: all but the family's own fields and what is dropped."""
    left_out = {*own, "messages", "prompt", "response_format", *_DROPPED}
    return {key: value for key, value in body.items() if key not in left_out}


def flat_prompt(body: Mapping[str, Any]) -> tuple[Turn, ...] | None:
    """Read the ``prompt`` that may stand in for ``messages``."""
    if "messages" in body:
        return None
    if "prompt" not in body:
        refuse("missing field 'messages'")
    return (Turn("user", filled_string(body["prompt"], "prompt")),)


def response_format(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read ``response_format``, which is written OpenAI's way for every family."""
    if "response_format" not in body:
        return None
    where = "response_format"
    value = fields(body[where], where, ["type"], None)
    kind = one_of(value["type"], f"{where}.type", ["text", "json_object", "json_schema"])
    if kind == "json_schema":
        _check_schema(fields(value, where, ["type", "json_schema"])["json_schema"], where)
    else:
        fields(value, where, ["type"])
    return value


def _check_schema(value: Any, where: str) -> None:
    place = f"{where}.json_schema"
    spec = fields(value, place, ["name", "schema"], ["strict", "description"])
    if not isinstance(spec["name"], str) or not _NAME.fullmatch(spec["name"]):
        refuse(f"{place}.name: expected 1 to 64 letters, digits, dashes and underscores")
    fields(spec["schema"], f"{place}.schema", optional=None)
    if not isinstance(spec.get("strict", False), bool | None):
        refuse(f"{place}.strict: expected a boolean")


def valid_name(value: Any) -> bool:
    """Tell whether a value can be a speaker's name."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def asks_for_json_object(question: Question) -> bool:
    """Tell whether the reply must be some JSON object."""
    return (question.response_format or {}).get("type") == "json_object"
