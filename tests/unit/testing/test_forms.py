"""Forms for tool calls: recognized by their shape, and written in every output style."""

import json
from typing import Any, get_args

import jsonschema
import pytest

from langchain_segmind.testing import Call, EchoModel, ModelRequest, OutputStyle, Reply, Turn
from langchain_segmind.testing.forms import find_form, form_of
from langchain_segmind.testing.output_styles import write

ANY = {"$ref": "#/$defs/any"}
STR: Any = {"type": "string"}
WHOLE = {"add.Whole": {"type": "integer"}}


def obj(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


NUMBERS = obj(a={"type": "integer"}, b={"$ref": "#/$defs/add.Whole"})
ADD = obj(name={"type": "string", "enum": ["add"]}, arguments=NUMBERS)
NOW = obj(name={"const": "now"}, arguments=obj())
ANSWER = obj(city=STR, degrees={"type": "integer"})


def listed(*items: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items[0] if len(items) == 1 else {"anyOf": [*items]}, **more}


def fixed(value: Any) -> dict[str, Any]:
    return {"enum": [value]}


def rooted(**properties: Any) -> dict[str, Any]:
    return {**obj(**properties), "$defs": WHOLE}


CALLS = listed(ADD, NOW)
DECISION = {
    "anyOf": [
        obj(tool_needed=fixed(True), tool_calls=CALLS),
        obj(tool_needed=fixed(False), answer=STR),
    ]
}
FORMS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    # the schema, what a call of `now` is written as, what the answer "It is noon." is written as
    "text beside calls": (
        rooted(say=STR, calls=CALLS),
        {"say": "", "calls": [{"name": "now", "arguments": {}}]},
        {"say": "It is noon.", "calls": []},
    ),
    "calls before text": (
        rooted(tool_uses=CALLS, text=STR),
        {"tool_uses": [{"name": "now", "arguments": {}}], "text": ""},
        {"tool_uses": [], "text": "It is noon."},
    ),
    "decision first": (
        rooted(reply=DECISION),
        {"reply": {"tool_needed": True, "tool_calls": [{"name": "now", "arguments": {}}]}},
        {"reply": {"tool_needed": False, "answer": "It is noon."}},
    ),
    "decision first, answer before": (
        rooted(reply={"oneOf": DECISION["anyOf"][::-1]}),
        {"reply": {"tool_needed": True, "tool_calls": [{"name": "now", "arguments": {}}]}},
        {"reply": {"tool_needed": False, "answer": "It is noon."}},
    ),
    "a string or calls": (
        rooted(reply={"anyOf": [STR, obj(calls=CALLS)]}),
        {"reply": {"calls": [{"name": "now", "arguments": {}}]}},
        {"reply": "It is noon."},
    ),
    "decision first, a list or a string": (
        rooted(tool_needed={"type": "boolean"}, reply={"anyOf": [CALLS, STR]}),
        {"tool_needed": True, "reply": [{"name": "now", "arguments": {}}]},
        {"tool_needed": False, "reply": "It is noon."},
    ),
    "names and arguments in two lists": (
        rooted(
            reply={
                "anyOf": [
                    listed(
                        obj(
                            name={"type": "string", "enum": ["add", "now"]},
                            arguments={"anyOf": [NUMBERS, obj()]},
                        )
                    ),
                    STR,
                ]
            }
        ),
        {"reply": [{"name": "now", "arguments": {}}]},
        {"reply": "It is noon."},
    ),
    "alternatives at the root": (
        {"anyOf": [obj(calls=CALLS), obj(answer=STR)], "$defs": WHOLE},
        {"calls": [{"name": "now", "arguments": {}}]},
        {"answer": "It is noon."},
    ),
    "parameters, and a type before": (
        rooted(
            calls=listed(obj(type={"const": "tool"}, name=fixed("now"), parameters=obj())), say=STR
        ),
        {"calls": [{"type": "tool", "name": "now", "parameters": {}}], "say": ""},
        {"calls": [], "say": "It is noon."},
    ),
    "arguments as JSON in a string": (
        rooted(say=STR, calls=listed(obj(name=fixed("now"), arguments=STR))),
        {"say": "", "calls": [{"name": "now", "arguments": "{}"}]},
        {"say": "It is noon.", "calls": []},
    ),
    "a definition": (
        {**rooted(say=STR, calls={"$ref": "#/$defs/calls"}), "$defs": {**WHOLE, "calls": CALLS}},
        {"say": "", "calls": [{"name": "now", "arguments": {}}]},
        {"say": "It is noon.", "calls": []},
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_form_holds_calls_and_the_answer_as_its_schema_has_them(name: str) -> None:
    schema, calling, answering = FORMS[name]
    form = form_of(schema)

    assert form is not None
    assert not form.offer.forced
    assert form.write("", [Call("now")]) == calling
    assert form.write("It is noon.", []) == answering
    jsonschema.validate(calling, schema)
    jsonschema.validate(answering, schema)


@pytest.mark.parametrize("name", FORMS)
def test_form_offers_the_tools_of_its_schema(name: str) -> None:
    form = form_of(FORMS[name][0])

    assert form is not None
    assert form.offer.tools[-1].name == "now"
    if len(form.offer.tools) > 1:
        assert form.offer.tools[0].parameters["properties"] == NUMBERS["properties"]
        assert form.offer.tools[0].parameters["$defs"]["add.Whole"] == {"type": "integer"}


@pytest.mark.parametrize(
    "schema",
    [
        ANSWER,
        rooted(people=listed(obj(name=STR, year={"type": "integer"}))),
        rooted(moods=listed(obj(name={"enum": ["glad", "sad"]}, count={"type": "integer"}))),
        {"type": "array", "items": ADD},
        {},
        {
            "$ref": "#/$defs/any",
            "$defs": {"any": obj(**{c: {"$ref": "#/$defs/any"} for c in "abc"})},
        },
    ],
)
def test_schema_is_not_a_form_when_it_has_no_list_of_calls(schema: Any) -> None:
    assert form_of(schema) is None


@pytest.mark.parametrize("answer", [CALLS, obj(steps=CALLS)])
def test_answer_that_looks_like_calls_is_the_answer_behind_the_calls(answer: Any) -> None:
    reply = {"anyOf": [listed(ADD), answer]}
    form = form_of(rooted(tool_needed={"type": "boolean"}, reply=reply))
    steps = [{"name": "now", "arguments": {}}]
    held = steps if answer is CALLS else {"steps": steps}

    assert form is not None
    assert not form.offer.forced
    assert [tool.name for tool in form.offer.tools] == ["add"]
    assert form.write(json.dumps(held), []) == {"tool_needed": False, "reply": held}


def test_form_is_forced_and_bounded_as_its_list_of_calls_is() -> None:
    for schema in (
        rooted(say=STR, calls=listed(NOW, minItems=1, maxItems=1)),
        rooted(reply=obj(tool_needed=fixed(True), calls=listed(NOW, maxItems=1))),
    ):
        form = form_of(schema)
        assert form is not None
        assert (form.offer.forced, form.offer.most) == (True, 1)


def test_answer_in_a_schema_is_null_while_tools_are_called() -> None:
    schema = rooted(say={"anyOf": [ANSWER, {"type": "null"}]}, calls=listed(NOW))
    form = form_of(schema)

    assert form is not None
    assert form.write("", [Call("now")])["say"] is None
    given = '{"city": "Rome", "degrees": 30}'
    assert form.write(given, []) == {"say": json.loads(given), "calls": []}
    assert form.write("Rome", []) == {"say": {"city": "Rome", "degrees": 0}, "calls": []}


# --- where a form is found -------------------------------------------------------------------


def request(*texts: str, schema: Any = None, system: str = "", **more: Any) -> ModelRequest:
    turns = tuple(Turn("assistant" if at % 2 else "user", text) for at, text in enumerate(texts))
    wanted = None
    if schema is not None:
        wanted = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    return ModelRequest("gpt-4o", "openai", system, turns, wanted, **more)


OPENAI = {"type": "function", "function": {"name": "now", "parameters": obj()}}


@pytest.mark.parametrize("name", FORMS)
def test_form_is_found_in_the_system_text(name: str) -> None:
    prompt = f"You can call tools. Reply in this form: {json.dumps(FORMS[name][0])} Go."

    assert find_form(request("Hi", system=prompt)) == form_of(FORMS[name][0])


@pytest.mark.parametrize("spec", [OPENAI, OPENAI["function"]])
def test_tools_listed_as_openais_json_are_called_in_a_bare_list(spec: Any) -> None:
    form = find_form(request("Hi", system=f"Tools:\n{json.dumps(spec)}\nUse them."))

    assert form is not None
    assert form.write("", [Call("now", {"a": 1})]) == [{"name": "now", "arguments": {"a": 1}}]
    assert form.write("It is noon.", []) == "It is noon."


# --- output styles ---------------------------------------------------------------------------

SUM = [Call("add", {"a": 3, "b": 4})]
CALL = '{"name": "add", "arguments": {"a": 3, "b": 4}}'
PLAIN = f'{{"say": "", "calls": [{CALL}]}}'
WRITTEN: dict[OutputStyle, str] = {
    "plain": PLAIN,
    "fenced": f"```json\n{PLAIN}\n```",
    "prose": f"Sure:\n{PLAIN}\nLet me know if you need more.",
    "tags": f"<tool_call>{CALL}</tool_call>",
    "bare": CALL,
    "list": f"[{CALL}]",
    "openai": '{"content": "", "tool_calls": [{"id": "call_1", "type": "function", '
    '"function": {"name": "add", "arguments": "{\\"a\\": 3, \\"b\\": 4}"}}]}',
    "string_arguments": '{"say": "", "calls": [{"name": "add", "arguments": '
    '"{\\"a\\": 3, \\"b\\": 4}"}]}',
    "trailing_commas": '{"say": "", "calls": [{"name": "add", "arguments": {"a": 3, "b": 4,},},],}',
    "cut": '{"say": "", "calls": [{"name": "add", "arguments": {"a": 3,',
    "ignores": "I can do without tools.",
}


def styled(style: OutputStyle, text: str, calls: list[Call]) -> Reply:
    form = form_of(rooted(say=STR, calls=CALLS))
    assert form is not None
    return write(style, form, text, calls)


@pytest.mark.parametrize("style", get_args(OutputStyle))
def test_output_style_writes_a_call_in_its_own_way(style: OutputStyle) -> None:
    reply = styled(style, "", SUM)

    assert reply.text == WRITTEN[style]
    assert reply.finish_reason == ("length" if style == "cut" else "stop")


@pytest.mark.parametrize("style", get_args(OutputStyle))
def test_output_style_keeps_the_text_of_an_answer(style: OutputStyle) -> None:
    reply = styled(style, "It is noon.", [])

    assert "It is noon." in reply.text
    is_bare = style in ("tags", "bare", "list", "ignores")
    assert (reply.text == "It is noon.") is is_bare
    assert reply.finish_reason == "stop"


def test_output_style_is_refused_when_unknown() -> None:
    rude: Any = "rude"
    with pytest.raises(ValueError, match="output_style='rude': expected one of plain"):
        EchoModel(rude)
