"""The envelope: a schema with a place for words and a place for calls, recognised by its shape.

Some list in it holds objects of a `name` that can only be one, and `arguments` with a schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_segmind.testing.conversation import Call, Offer, Question, Tool
from langchain_segmind.testing.helpful.json_request import schema_told
from langchain_segmind.testing.helpful.references import Schema, is_null, kinds_of, resolved


@dataclass(frozen=True)
class Envelope:
    """What an answer must look like that may hold tool calls.

    Attributes:
        offer: The tools its schema allows.
        calls_key: Where the calls go.
        words_key: Where the words go, or an empty string.
        words: The schema the words must have when they are an answer; None for plain text.
    """

    offer: Offer
    calls_key: str
    words_key: str
    words: Schema | None = None

    def of(self, words: Any, calls: tuple[Call, ...]) -> dict[str, Any]:
        """Put words and calls in."""
        told = [{"name": call.name, "arguments": dict(call.arguments)} for call in calls]
        said = {self.words_key: words} if self.words_key else {}
        return {**said, self.calls_key: told}


def find_envelope(question: Question) -> Envelope | None:
    """Tell the envelope a question asks for, by `response_format` or in its system text."""
    wanted = question.response_format or {}
    if wanted.get("type") == "json_schema":
        return _read(wanted["json_schema"]["schema"])
    told = schema_told(question.system)
    return _read(told) if told else None


def _read(root: Schema) -> Envelope | None:
    properties = resolved(root, root).get("properties") or {}
    plain = {key: resolved(held, root) for key, held in properties.items()}
    for key, held in plain.items():
        if tools := _tools(held, root):
            offer = Offer(tools, int(held.get("minItems", 0)) > 0, held.get("maxItems"))
            other = next((name for name in plain if name != key), "")
            return Envelope(offer, key, other, _words(plain.get(other, {}), root))
    return None


def _tools(held: Schema, root: Schema) -> tuple[Tool, ...]:
    items = resolved(held.get("items"), root)
    choices = items.get("anyOf") or items.get("oneOf") or [items]
    tools = [_tool(resolved(choice, root), root) for choice in choices]
    return tuple(tool for tool in tools if tool) if all(tools) else ()


def _tool(choice: Schema, root: Schema) -> Tool | None:
    properties = choice.get("properties") or {}
    name = resolved(properties.get("name"), root)
    names = [name["const"]] if "const" in name else name.get("enum") or []
    arguments = properties.get("arguments")
    if len(names) != 1 or not isinstance(arguments, Mapping):
        return None
    return Tool(str(names[0]), str(choice.get("description", "")), _alone(arguments, root))


def _words(said: Schema, root: Schema) -> Schema | None:
    options = said.get("anyOf") or said.get("oneOf") or [said]
    plain = [resolved(option, root) for option in options]
    wanted = next((option for option in plain if not is_null(option)), {})
    return None if kinds_of(wanted)[0] == "string" else _alone(wanted, root)


def _alone(schema: Schema, root: Schema) -> Schema:
    """Give a part of a schema what its references point to, so that it stands alone."""
    kept = {key: root[key] for key in ("$defs", "definitions") if key in root}
    return {**kept, **schema}
