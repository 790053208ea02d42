"""Find the form that a request wants its reply in, and write text and tool calls in it.

The form is recognized by its shape alone, so that it may change: somewhere in the schema is a list
whose items have a ``name`` with a fixed value and an object of arguments. That list takes the
calls. The place of the answer is the first property beside it that can be filled freely, or another
alternative of the same schema. A boolean at the root says which of the two it is. `output_styles`
has the ways in which odd models write the same.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_segmind.testing.conversation import Call, ModelRequest, Offer, Tool
from langchain_segmind.testing.exchange import json_objects
from langchain_segmind.testing.schema import fill, resolved
from langchain_segmind.testing.schema_check import accepts

Schema = Mapping[str, Any]
Step = str | int  # a property's name, or the number of an alternative

_ARGUMENTS = ("arguments", "parameters", "args", "input")
_DEEPEST = 6  # steps from the root to the list of calls


@dataclass(frozen=True)
class Form:
    """How a reply must be written that may hold tool calls."""

    offer: Offer
    root: Schema  # empty where the tools are only listed; then calls are written as a bare list
    calls: tuple[Step, ...] = ()  # the steps to the list of calls
    answer: tuple[Step, ...] | None = None  # to the answer; None where calls are the only reply
    beside: bool = False  # whether the answer's place is in the object that holds the calls

    def write(self, text: str, calls: Sequence[Call]) -> Any:
        """Write text and calls as a JSON value, or the text itself where the form is a list."""
        items = [self._item(call) for call in calls]
        if not self.root:
            return items or text
        schema: Schema = self.root
        if calls or self.beside or self.answer is None:
            schema = _with_value(schema, self.root, self.calls, items)
        if self.answer is not None and (self.beside or not calls):
            answer = self._answer(text, bool(calls))
            schema = _with_value(schema, self.root, self.answer, answer)
        for name in self._decisions():
            schema = _with_value(schema, self.root, (name,), bool(calls))
        return fill(schema, root=self.root)

    def _decisions(self) -> list[str]:
        """Return the properties beside calls and answer that say which of the two it is."""
        if self.beside or self.answer is None:
            return []
        parts = _mapping(resolved(self.root, self.root).get("properties")).items()
        return [name for name, part in parts if resolved(part, self.root).get("type") == "boolean"]

    def answer_schema(self) -> Schema | None:
        """Return the schema of an answer that cannot be plain text; None for one that can."""
        if not self.root or self.answer is None:
            return None
        wanted = _schema_at(self.root, self.answer)
        options = [resolved(part, self.root) for part in _options(wanted) or [wanted]]
        if any(option.get("type", "string") == "string" for option in options if option):
            return None
        return wanted

    def _item(self, call: Call) -> Any:
        options = list(_items(_schema_at(self.root, self.calls), self.root)) if self.root else []
        named = (option for option in options if call.name in _names(option, self.root))
        option = next(named, options[0] if options else {})
        key = _arguments_key(option) or _ARGUMENTS[0]
        held: Any = dict(call.arguments)
        if resolved(_mapping(option.get("properties")).get(key), self.root).get("type") == "string":
            held = json.dumps(held, ensure_ascii=False)  # a map that the schema cannot describe
        for name, value in (("name", call.name), (key, held)):
            option = _with_value(option, self.root, (name,), value)
        return fill(option, root=self.root)

    def _answer(self, text: str, beside_calls: bool) -> Any:
        schema = self.answer_schema()
        if schema is None:
            return text
        if beside_calls and accepts(schema, None, self.root):
            return None
        try:
            return json.loads(text)
        except ValueError:
            return fill(schema, text or "text", self.root)


def _with_value(schema: Any, root: Any, steps: Sequence[Step], value: Any) -> Schema:
    """Change a schema so that a value is the only one at the end of some steps."""
    if not steps:
        return {"const": value}
    plain, step = resolved(schema, root), steps[0]
    if isinstance(step, int):
        rest = {name: part for name, part in plain.items() if name not in ("anyOf", "oneOf")}
        return _with_value({**rest, **_options(plain)[step]}, root, steps[1:], value)
    properties = _mapping(plain.get("properties"))
    held = _with_value(properties.get(step), root, steps[1:], value)
    required = [*(plain.get("required") or ()), step]
    return {**plain, "properties": {**properties, step: held}, "required": required}


def find_form(request: ModelRequest) -> Form | None:
    """Find the form that a request asks for; None where it offers no tools in a schema or text."""
    wanted = wanted_schema(request)
    if wanted is not None:
        form = form_of(wanted)
        # Tools on offer are described in the prompt; else the list is part of an answer.
        is_named = form is not None and all(t.name in request.system for t in form.offer.tools)
        return form if is_named else None
    if request.offer is not None:
        return None
    found = [*json_objects(request.system)]
    forms = (form for schema in found if (form := form_of(schema)))
    return next(forms, None) or _listed_form(found)


def wanted_schema(request: ModelRequest) -> Schema | None:
    """Return the schema of ``response_format``, if it is one."""
    wanted = request.response_format or {}
    return wanted["json_schema"]["schema"] if wanted.get("type") == "json_schema" else None


def schema_in_text(request: ModelRequest) -> Schema | None:
    """Return the last JSON object of the system text or the last turn that looks like a schema."""
    texts = [request.system, *(turn.text for turn in request.turns[-1:])]
    found = (
        value
        for text in texts
        for value in json_objects(text)
        if isinstance(value.get("properties"), Mapping)
    )
    return next(iter([*found][::-1]), None)


def form_of(root: Schema) -> Form | None:
    """Recognize a form for calls by its schema."""
    for steps, held in _lists(root, root, ()):
        tools = [_tool(item, root) for item in _items(held, root)]
        named = tuple(tool for group in tools for tool in group)
        answer, beside = _answer(root, steps)
        if beside and int(held.get("minItems", 0)) > 0:
            answer = None
        offer = Offer(named, answer is None, held.get("maxItems"))
        return Form(offer, root, steps, answer, beside)
    return None


def _listed_form(found: Sequence[Mapping[str, Any]]) -> Form | None:
    """Recognize tools that a text lists as OpenAI's JSON does."""
    specs = [_mapping(value.get("function", value)) for value in found]
    tools = tuple(
        Tool(spec["name"], str(spec.get("description", "")), spec["parameters"])
        for spec in specs
        if isinstance(spec.get("name"), str) and isinstance(spec.get("parameters"), Mapping)
    )
    return Form(Offer(tools), {}) if tools else None


def _lists(
    schema: Any, root: Schema, steps: tuple[Step, ...], seen: set[Any] | None = None
) -> Iterator[tuple[tuple[Step, ...], Schema]]:
    """Find lists of calls: the steps to each, and its schema. No part is looked at twice."""
    seen = set() if seen is None else seen
    key = schema.get("$ref", id(schema)) if isinstance(schema, Mapping) else id(schema)
    if key in seen:
        return
    seen.add(key)
    plain = resolved(schema, root)
    items = [*_items(plain, root)] if steps else []
    if items and all(_names(item, root) and _arguments_key(item) for item in items):
        yield steps, plain
    if len(steps) < _DEEPEST:
        for at, option in enumerate(_options(plain)):
            yield from _lists(option, root, (*steps, at), seen)
        for name, part in _mapping(plain.get("properties")).items():
            yield from _lists(part, root, (*steps, name), seen)


def _items(schema: Schema, root: Schema) -> Iterator[Schema]:
    if isinstance(schema.get("items"), Mapping):
        held = resolved(schema["items"], root)
        for option in _options(held) or [held]:
            yield from _by_name(resolved(option, root), root)


def _by_name(item: Schema, root: Schema) -> Iterator[Schema]:
    """Split an item with as many names as alternatives of arguments: the first takes the first."""
    names, key = _names(item, root), _arguments_key(item)
    properties = _mapping(item.get("properties"))
    options = _options(resolved(properties.get(key or ""), root))
    if key is None or len(names) < 2 or len(names) != len(options):
        yield item
        return
    for name, arguments in zip(names, options, strict=True):
        split = {**properties, "name": {"enum": [name]}, key: arguments}
        yield {**item, "properties": split}


def _names(item: Schema, root: Schema) -> list[str]:
    name = resolved(_mapping(item.get("properties")).get("name"), root)
    fixed = [name["const"]] if "const" in name else name.get("enum") or []
    return [value for value in fixed if isinstance(value, str)]


def _arguments_key(item: Schema) -> str | None:
    known = _mapping(item.get("properties"))
    return next((key for key in _ARGUMENTS if isinstance(known.get(key), Mapping)), None)


def _tool(item: Schema, root: Schema) -> list[Tool]:
    key = _arguments_key(item)
    parameters = _mapping(_mapping(item.get("properties")).get(key or ""))
    if resolved(parameters, root).get("type") == "string":  # JSON in a string; its schema is lost
        parameters = {"type": "object"}
    kept = {name: root[name] for name in ("$defs", "definitions") if name in root}
    about = str(item.get("description", ""))
    return [Tool(name, about, {**kept, **parameters}) for name in _names(item, root)]


def _answer(root: Schema, calls: tuple[Step, ...]) -> tuple[tuple[Step, ...] | None, bool]:
    """Find the place of the answer: beside the calls, or in an alternative to them."""
    holder = calls[:-1]
    if (name := _free_property(_schema_at(root, holder), root, calls[-1])) is not None:
        return (*holder, name), True
    for at in reversed(range(len(calls))):
        if isinstance(calls[at], int):
            return _other(root, calls[:at], calls[at], at == len(calls) - 1), False
    return None, False


def _other(
    root: Schema, before: tuple[Step, ...], taken: Step, is_list: bool
) -> tuple[Step, ...] | None:
    """Find the answer in an alternative: in a property, or instead of a mere list of calls.

    An alternative that looks like calls, too, is the answer only where no other can be.
    """
    options = dict(enumerate(_options(_schema_at(root, before))))
    others = [number for number in options if number != taken]
    others.sort(key=lambda number: next(_lists(options[number], root, ("",)), None) is not None)
    if not others:
        return None
    number = others[0]
    name = None if is_list else _free_property(resolved(options[number], root), root)
    return (*before, number) if name is None else (*before, number, name)


def _free_property(schema: Schema, root: Schema, taken: Step | None = None) -> str | None:
    for name, part in _mapping(schema.get("properties")).items():
        plain = resolved(part, root)
        is_fixed = "const" in plain or "enum" in plain or plain.get("type") in {"boolean", "null"}
        if name != taken and not is_fixed:
            return str(name)
    return None


def _schema_at(root: Schema, steps: Sequence[Step]) -> Schema:
    plain = resolved(root, root)
    for step in steps:
        part = _options(plain)[step] if isinstance(step, int) else plain["properties"][step]
        plain = resolved(part, root)
    return plain


def _options(schema: Schema) -> Sequence[Any]:
    return schema.get("anyOf") or schema.get("oneOf") or ()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
