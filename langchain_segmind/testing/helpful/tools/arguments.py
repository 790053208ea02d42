"""The arguments of a call, filled from the words that ask for it.

An optional argument is given only when the words speak of it.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from langchain_segmind.testing.conversation import Call, Tool
from langchain_segmind.testing.helpful.evidence import Evidence, quotations
from langchain_segmind.testing.helpful.json_request import json_objects
from langchain_segmind.testing.helpful.material import Material
from langchain_segmind.testing.helpful.numbers import hint_of
from langchain_segmind.testing.helpful.references import Schema, is_null, kinds_of, resolved
from langchain_segmind.testing.helpful.schema import fill
from langchain_segmind.testing.helpful.tools.arithmetic import written
from langchain_segmind.testing.helpful.tools.steps import USE, mention
from langchain_segmind.testing.helpful.words import sentences, terms

_DEEPEST = 3
_NAMES_ONE = re.compile(r"name|city|place|location|country|town|person|company|stock|symbol")
_VERBS = "search|look up|look for|find out|find|google|retrieve|query|fetch|look|check"
_STORES = "documents?|docs|web|internet|database|knowledge base|files?|notes|wiki|library"
_SOUGHT = re.compile(
    rf"(?:.*\b)?(?:{_VERBS})\b(?:(?: (?:the|your|my|our) [\w ']+?)? for| about| up)? "
    rf"(?P<matter>.+?)(?: (?:in|on|with|using) (?:the|your|my|our) (?:\w+ )?(?:{_STORES}))?",
    re.IGNORECASE | re.DOTALL,
)
_POLITE = re.compile(r"(?:please|now|then|and|first|can you|could you|also)\b,?\s*", re.IGNORECASE)
_JOINED = re.compile(r"\W*(?:(?:and|or|in|of|for|at|the|to)\b\W*)*", re.IGNORECASE)


def calls_of(tool: Tool, clause: str, material: Material) -> list[Call]:
    """Write the calls a clause asks for: one, or one for each of *Paris and Rome*.

    Args:
        tool: The tool.
        clause: The words that ask for it.
        material: The whole question, for what the clause does not say.
    """
    if given := _dictated(tool, clause):
        return given
    return [Call(tool.name, _arguments(tool, said, material)) for said in _each(tool, clause)]


def extraction(tool: Tool, material: Material, answer: str) -> Call:
    """Write the call of a tool that takes an answer: filled from the whole conversation."""
    return Call(tool.name, fill(tool.parameters, Evidence.of(material, answer)))


def takes_numbers(tool: Tool) -> bool:
    """Tell whether a tool calculates, so that it is handed numbers rather than sentences."""
    properties = tool.parameters.get("properties") or {}
    kinds = [kinds_of(resolved(held, tool.parameters))[0] for held in properties.values()]
    return bool({"number", "integer"} & set(kinds)) or "expression" in properties


def _dictated(tool: Tool, clause: str) -> list[Call]:
    """Take arguments that are written out in JSON after the tool's name."""
    known = tool.parameters.get("properties") or {}
    required = set(tool.parameters.get("required") or ())
    after = [clause[hit.end() :] for hit in mention(tool).finditer(clause)]
    found = [next(json_objects(text), None) for text in after]
    return [
        Call(tool.name, held)
        for held in found
        if held is not None and required <= held.keys() <= known.keys()
    ]


def _arguments(tool: Tool, clause: str, material: Material) -> dict[str, Any]:
    said = written(clause)
    lines = tuple(sentences(USE.sub("", said)))
    evidence = Evidence(clause.strip(), lines, _matter(tool, clause), _matter(tool, clause))
    if not tool.parameters.get("properties"):
        return {}
    wanted = _wanted(tool.parameters, tool.parameters, clause)
    if not _tells(evidence):
        told = tuple(passage.text for passage in material.passages if passage.origin == "user")
        evidence = Evidence(clause.strip(), (*lines, *told), evidence.answer, evidence.matter)
    arguments: dict[str, Any] = fill(wanted, evidence)
    return arguments


def _tells(evidence: Evidence) -> bool:
    """Tell whether a clause has anything to fill a tool with, beyond its own words."""
    return bool(evidence.names() or evidence.quoted() or evidence.numbers([]))


def _matter(tool: Tool, clause: str) -> str:
    """Tell what a tool is to be used on: what is quoted, follows a colon, or is sought."""
    if quoted := quotations(clause):
        return quoted[0]
    name = mention(tool).pattern
    clause = re.sub(
        rf"(?i)\b(?:us(?:e|ing)|with|call) (?:the )?{name}(?: tool)?(?: to)?", "", clause
    )
    clause = USE.sub("", clause).strip(" .?!,;\n")
    _, colon, rest = clause.partition(": ")
    clause = _POLITE.sub("", rest if colon else clause)
    sought = _SOUGHT.fullmatch(clause)
    return (sought["matter"] if sought else clause) or tool.name


def _wanted(schema: Schema, root: Schema, clause: str, depth: int = 0) -> Schema:
    """Leave out of an object's schema what is optional and not spoken of."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or depth > _DEEPEST:
        return schema
    required = schema.get("required") or ()
    kept: dict[str, Any] = {}
    for name, held in properties.items():
        plain = resolved(held, root)
        spoken = _is_spoken_of(name, plain, root, clause)
        if spoken or (name in required and not _may_be_null(plain)):
            kept[name] = _wanted(plain, root, clause, depth + 1)
        elif name in required:
            kept[name] = {"type": "null"}
    return {**schema, "properties": kept}


def _may_be_null(schema: Schema) -> bool:
    return any(map(is_null, schema.get("anyOf") or ())) or "null" in kinds_of(schema)


def _is_spoken_of(name: str, schema: Schema, root: Schema, clause: str) -> bool:
    options = [resolved(option, root) for option in schema.get("anyOf") or [schema]]
    choices = {
        term for option in options for word in option.get("enum") or () for term in terms(str(word))
    }
    return bool(({*hint_of(name)} | choices) & {*terms(clause)})


def _each(tool: Tool, clause: str) -> list[str]:
    """Write a clause once for each of several things it names for the only thing a tool takes."""
    required = list(tool.parameters.get("required") or ())
    held = resolved((tool.parameters.get("properties") or {}).get(next(iter(required), "")), {})
    if len(required) != 1 or kinds_of(held)[0] not in {"string", "integer", "number"}:
        return [clause]
    found = _several(required[0], kinds_of(held)[0], clause)
    first = clause.find(found[0]) if found else -1
    return [clause[:first] + item for item in found] if first >= 0 else [clause]


def _several(name: str, kind: str, clause: str) -> Sequence[str]:
    """List things of a kind when *and* or *or* joins them."""
    evidence = Evidence(clause, tuple(sentences(clause)), "")
    quoted = [
        clause[at - 1 : at + len(text) + 1]
        for text in quotations(clause)
        if (at := clause.find(text))
    ]
    named = evidence.places() if _NAMES_ONE.search(name.lower()) else []
    numbers = re.findall(r"(?<![\w.])-?\d[\d.]*\d|(?<![\w.])-?\d", clause)
    found = numbers if kind != "string" else quoted if len(quoted) > 1 else named
    spots = sorted((clause.find(item), item) for item in found)
    between = [clause[at + len(item) : after] for (at, item), (after, _) in pairwise(spots)]
    joined = all(map(_JOINED.fullmatch, between)) and re.search(
        r"\b(?:and|or)\b", " ".join(between)
    )
    return [item for _, item in spots] if joined else []
