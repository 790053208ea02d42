"""Structured output over HTTP: each method, each kind of schema, and replies that do not fit."""

import asyncio
from functools import reduce
from operator import or_
from typing import Annotated, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from langchain_segmind import SegmindError
from langchain_segmind.testing import Call, Reply
from tests.integration.call_styles import build
from tests.integration.samples import ADA, ADA_JSON, BORN, SLUGS, Person, each_family


def body(gateway):
    """Return the body of the last request."""
    return gateway.requests[-1].body


class Born(TypedDict):
    """A person."""

    name: Annotated[str, ..., "Full name"]
    year: Annotated[int, ..., "Year of birth"]


@pytest.mark.parametrize(
    "schema",
    [Born, Person.model_json_schema(), {"name": "born", "schema": Person.model_json_schema()}],
)
def test_structured_output_is_a_dictionary_unless_the_schema_is_a_model(model, gateway, schema):
    gateway.reply(ADA_JSON)

    assert model.with_structured_output(schema).invoke(BORN) == ADA.model_dump()


@pytest.mark.parametrize(
    ("method", "reply"),
    [("json_schema", ADA_JSON), ("function_calling", Call("Person", ADA.model_dump()))],
)
def test_structured_output_takes_settings_of_a_call(model, gateway, method, reply):
    gateway.reply(reply)
    settings = {"model": "gpt-5.1", "temperature": 0.5}

    assert model.with_structured_output(Person, method=method, **settings).invoke(BORN) == ADA
    assert gateway.requests[-1].slug == "gpt-5.1"
    assert body(gateway)["temperature"] == 0.5


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize(
    "wrong", [list[Person], Person | None, ADA, dict, list, "Person", [Person]]
)
def test_value_that_is_not_a_schema_is_refused_with_advice(model, gateway, method, wrong):
    with pytest.raises(ValueError, match=r"^schema: .* cannot be used\. It is not .* pass a class"):
        model.with_structured_output(wrong, method=method)

    assert gateway.requests == []


def test_schema_may_be_a_tool_in_openai_form(model, gateway):
    function = {"name": "person", "parameters": Person.model_json_schema()}
    tool = {"type": "function", "function": function}
    gateway.reply(ADA_JSON, Call("person", ADA.model_dump()))

    for method in ("json_schema", "function_calling"):
        found = model.with_structured_output(tool, method=method).invoke(BORN)
        assert found == ADA.model_dump()


def test_schema_without_a_title_is_an_error_only_where_it_names_a_tool(model, gateway):
    gateway.reply('["a"]')
    schema = {"type": "array", "items": {"type": "string"}}

    assert model.with_structured_output(schema).invoke("List letters.") == ["a"]
    with pytest.raises(ValueError, match=r"^schema: .* must have a top-level 'title'"):
        model.with_structured_output(schema, method="function_calling")


NULLABLE = [{"type": "string"}, {"type": "null"}]


class Node(BaseModel):
    """A tree."""

    name: str
    kids: list["Node"] = []


@pytest.mark.parametrize(
    ("schema", "part"),
    [
        ({"title": "names", "type": "array", "items": {"type": "string"}}, {"type": "array"}),
        ({"anyOf": NULLABLE}, {"anyOf": NULLABLE}),
        ({"type": "object"}, {"type": "object"}),
        (Node, {"$ref": "#/$defs/Node"}),
    ],
)
def test_every_part_of_a_schema_is_sent(model, gateway, schema, part):
    model.with_structured_output(schema, include_raw=True).invoke(BORN)

    sent = body(gateway)["response_format"]["json_schema"]["schema"]
    assert part.items() <= sent.items()
    if schema is Node:
        assert sent["$defs"]["Node"]["properties"]["kids"]["items"] == {"$ref": "#/$defs/Node"}


@pytest.mark.parametrize("strict", [None, True, False])
def test_strict_is_sent_when_it_is_set(model, gateway, strict):
    model.with_structured_output(Person, strict=strict).invoke(BORN)

    form = body(gateway)["response_format"]
    sent = form["json_schema"]
    assert (form["type"], sent["name"]) == ("json_schema", "Person")
    assert ("strict" in sent) is (strict is not None)
    assert sent.get("strict") is strict
    if strict:
        assert sent["schema"]["additionalProperties"] is False
        assert sent["schema"]["required"] == ["name", "year"]


def test_json_mode_sends_json_object_and_the_word_json(model, gateway):
    gateway.reply('{"name": "Ada", "year": 1815}')

    person = model.with_structured_output(Person, method="json_mode").invoke("Who was first?")

    assert person == Person(name="Ada", year=1815)
    assert body(gateway)["response_format"] == {"type": "json_object"}
    assert "JSON" in str(body(gateway)["messages"])


DEEP = {"lists": "[" * 3000 + "]" * 3000, "objects": '{"a":' * 3000 + "1" + "}" * 3000}
MISFITS = {
    "json_schema": {
        **DEEP,
        "prose": "I would rather not.",
        "type": '{"name": [], "year": 1}',
        "nothing": "{}",
        "digits": "9" * 5000,
    },
    "json_mode": {**DEEP, "infinite": '{"name": "Ada", "year": 1e999}', "list": "[]"},
    "function_calling": {
        name: '{"say": "", "calls": [{"name": "Person", "arguments": ' + arguments + "}]}"
        for name, arguments in {
            "type": '{"name": "Ada", "year": "x"}',
            "nothing": "{}",
            "infinite": '{"name": "Ada", "year": 1e999}',
            "deep": f'{{"name": {DEEP["objects"]}, "year": 1}}',
            "rather deep": f'{{"name": {"[" * 200 + "]" * 200}, "year": 1}}',
        }.items()
    },
}
# Every misfit with one family, whose replies the others are read like, and one with each.
MISFIT = [
    *(("gpt-4o", method, name) for method, replies in MISFITS.items() for name in replies),
    *(
        (slug, method, "nothing")
        for slug in SLUGS[1:]
        for method in ("json_schema", "function_calling")
    ),
]


async def in_every_way(structured):
    """Call by each method; an error stands for the result that it prevents."""

    async def invoke():
        return structured.invoke(BORN)

    async def stream():
        return list(structured.stream(BORN))

    async def astream():
        return [chunk async for chunk in structured.astream(BORN)]

    calls = invoke(), stream(), structured.ainvoke(BORN), astream()
    return [(await asyncio.gather(call, return_exceptions=True))[0] for call in calls]


def merged(result):
    """Merge the chunks if the result is those of a stream."""
    return reduce(or_, result) if isinstance(result, list) else result


@pytest.mark.parametrize(("slug", "method", "misfit"), MISFIT)
async def test_reply_that_does_not_fit_the_schema_is_a_parser_error(gateway, slug, method, misfit):
    gateway.reply(*[MISFITS[method][misfit]] * 8)

    async with build(gateway, slug) as model:
        plain = model.with_structured_output(Person, method=method)
        raw = model.with_structured_output(Person, method=method, include_raw=True)
        errors = await in_every_way(plain)
        results = [merged(result) for result in await in_every_way(raw)]

    assert [type(error) for error in errors] == [OutputParserException] * 4
    for result in results:
        assert isinstance(result["parsing_error"], OutputParserException)
        assert isinstance(result["raw"], AIMessage)
        assert result["parsed"] is None


@each_family
@pytest.mark.parametrize(
    ("method", "error"),
    [("json_schema", OutputParserException), ("function_calling", SegmindError)],
)
@pytest.mark.parametrize("schema", [Person, Person.model_json_schema()], ids=["class", "dict"])
def test_reply_that_was_cut_is_an_error_for_any_schema(gateway, slug, method, error, schema):
    gateway.reply(*[Reply('{"name": "Ada", "year": 18', finish_reason="length")] * 2)
    with build(gateway, slug) as model:
        with pytest.raises(error):
            model.with_structured_output(schema, method=method).invoke(BORN)
        result = model.with_structured_output(schema, include_raw=True).invoke(BORN)

    assert result["parsed"] is None
    assert isinstance(result["parsing_error"], OutputParserException)
    assert "cut short" in str(result["parsing_error"])


@each_family
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_structured_output_returns_the_object_by_each_method(gateway, slug, method):
    reply = ADA_JSON if method == "json_schema" else Call("Person", ADA.model_dump())
    gateway.reply(*[reply] * 8)
    async with build(gateway, slug) as model:
        plain = model.with_structured_output(Person, method=method)
        raw = model.with_structured_output(Person, method=method, include_raw=True)
        objects = await in_every_way(plain)
        results = [merged(result) for result in await in_every_way(raw)]

    assert [found[-1] if isinstance(found, list) else found for found in objects] == [ADA] * 4
    for result in results:
        assert result["parsed"] == ADA
        assert result["parsing_error"] is None
        assert result["raw"].text or result["raw"].tool_calls


def test_structured_output_has_the_schema_as_its_output_schema(model):
    assert model.with_structured_output(Person).get_output_jsonschema()["title"] == "Person"


def test_response_format_of_a_call_is_sent(model, gateway):
    model.invoke(BORN, response_format=Person)

    assert body(gateway)["response_format"]["json_schema"]["name"] == "Person"
