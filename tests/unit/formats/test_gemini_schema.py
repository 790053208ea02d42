"""Schemas as Gemini takes them, and replies that are read back in the types of the original."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_segmind._formats.gemini_schema import adapt_parameters, adapt_schema
from langchain_segmind._messages.json_schema import restore_types
from tests.unit.properties import assert_linear_time

SCALARS = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}
JSON_OBJECT = {"type": "string", "description": "A JSON object, written as a string."}
NUMBERS = {"type": "object", "additionalProperties": {"type": "integer"}}
TREE = {
    "type": "object",
    "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
}


def adapted(schema, **definitions):
    """Adapt a schema that stands under a property."""
    whole = {"type": "object", "properties": {"p": schema}, "$defs": definitions}
    return adapt_schema(whole)["properties"]["p"]


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        (NUMBERS, JSON_OBJECT),
        ({"type": "object"}, JSON_OBJECT),
        ({"type": "integer", "enum": [1, 2]}, {"type": "string", "enum": ["1", "2"]}),
        ({"enum": ["a", None]}, {"type": "string", "enum": ["a"], "nullable": True}),
        ({"const": 1}, {"type": "string", "enum": ["1"]}),
        ({"const": True}, {"type": "boolean"}),
        ({"type": "array"}, {"type": "array", "items": SCALARS}),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
            {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
        ),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}] * 2, "minItems": 2},
            {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "description": "x"},
            {"type": "string", "nullable": True},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "description": "x"},
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        ),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        (
            {"type": ["integer", "null"], "exclusiveMinimum": 0},
            {"type": "integer", "nullable": True},
        ),
        ({}, SCALARS),
        (True, SCALARS),
        ({"type": "string", "allOf": [True]}, {"type": "string"}),
        ({"type": "string", "oneOf": [True]}, {"type": "string"}),
        ({"$ref": "#/$defs/Missing"}, JSON_OBJECT),
    ],
)
def test_what_gemini_refuses_is_written_in_another_way(schema, written):
    assert adapted(schema) == written


def test_recursive_schema_becomes_a_string_where_it_repeats():
    assert adapted({"$ref": "#/$defs/Tree"}, Tree=TREE) == {
        "type": "object",
        "properties": {"kids": {"type": "array", "items": JSON_OBJECT}},
    }


def test_properties_keep_their_order():
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "a": {"type": "string"}}}

    assert adapt_schema(schema)["propertyOrdering"] == ["name", "a"]


def test_arguments_of_a_native_tool_stay_an_object():
    assert adapt_parameters({"type": "object", "properties": {}}) == {"type": "object"}


leaves = st.sampled_from(
    [{}, True, {"type": "string"}, {"type": "integer", "enum": [1]}, NUMBERS, {"type": "array"}]
)
schemas = st.recursive(
    leaves,
    lambda inner: (
        st.builds(lambda a: {"type": "array", "items": a}, inner)
        | st.builds(lambda a, b: {"anyOf": [a, b], "title": "t"}, inner, inner)
        | st.builds(lambda a, b: {"type": "object", "properties": {"a": a, "b": b}}, inner, inner)
        | st.builds(lambda a: {"allOf": [a], "description": "d"}, st.just(NUMBERS))
    ),
    max_leaves=8,
)


def parts(schema):
    yield schema
    for inner in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        yield from parts(inner)
    if "items" in schema:
        yield from parts(schema["items"])


@given(schemas)
def test_no_schema_has_a_part_that_gemini_refuses(schema):
    for part in parts(adapted(schema)):
        assert part.get("type") != "object" or part["properties"]
        assert part.get("type") != "array" or part["items"]
        assert all(isinstance(value, str) for value in part.get("enum", ()))
        assert "anyOf" not in part or set(part) == {"anyOf"}
        assert "type" in part or "anyOf" in part


OBJECT = {
    "type": "object",
    "properties": {
        "map": NUMBERS,
        "level": {"type": "integer", "enum": [1, 2]},
        "flag": {"const": True},
        "text": {"type": "string"},
        "maybe": {"anyOf": [{"type": "string"}, NUMBERS]},
        "tree": {"$ref": "#/$defs/Tree"},
        "any": {},
        "all": {"allOf": [{"type": "string"}]},
        "either": {
            "anyOf": [
                {"type": "object", "properties": {"kind": {}, "data": {"type": "array"}}},
                {"type": "object", "properties": {"kind": {}, "data": {"type": "string"}}},
            ]
        },
    },
    "$defs": {"Tree": TREE},
}


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("map", '{"a": 1}', {"a": 1}),
        ("map", {"a": 1}, {"a": 1}),
        ("map", "no JSON", "no JSON"),
        ("level", "2", 2),
        ("level", "3", "3"),
        ("flag", "true", True),
        ("text", '{"a": 1}', '{"a": 1}'),
        ("text", "1", "1"),
        ("maybe", '{"a": 1}', '{"a": 1}'),
        ("tree", {"kids": ['{"kids": []}']}, {"kids": [{"kids": []}]}),
        ("any", "1", "1"),
        ("either", {"kind": "text", "data": "[1, 2]"}, {"kind": "text", "data": "[1, 2]"}),
        ("all", "[1]", "[1]"),
        ("map", '{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
        ("map", '{"a": NaN}', '{"a": NaN}'),
        ("unknown", "1", "1"),
    ],
)
def test_strings_that_stand_for_other_types_are_read_back(name, written, value):
    restored = restore_types({name: written}, OBJECT)

    assert json.dumps(restored) == json.dumps({name: value})


def test_reading_types_back_takes_linear_time():
    either = {"anyOf": [{"$ref": "#/$defs/T"}, {"$ref": "#/$defs/T"}]}
    tree = {"type": "object", "properties": {"a": either}}

    def build(size):
        value: dict[str, object] = {}
        for _ in range(60):
            value = {"a": value}
        return {"rows": [value] * size}

    schema = {"properties": {"rows": {"type": "array", "items": either}}, "$defs": {"T": tree}}
    assert_linear_time(lambda value: restore_types(value, schema), build, 20)
