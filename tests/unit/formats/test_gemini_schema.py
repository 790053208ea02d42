"""Schemas as Gemini takes them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_segmind._formats.gemini_schema import adapt_parameters, adapt_schema
from tests.unit.public_schemas.loading import load_schema_store, load_test_suite

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
        ({"$ref": "#/$defs/Missing"}, SCALARS),
        ({"description": "d"}, SCALARS),
        (
            {**NUMBERS, "description": "By name."},
            {"type": "string", "description": "By name. A JSON object, written as a string."},
        ),
        ({"enum": ["a", 1, None]}, {"type": "string", "enum": ["a", "1"], "nullable": True}),
        (
            {"type": "string", "anyOf": [{"format": "date"}, {"format": "time"}]},
            {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "time"}]},
        ),
        ({"type": "string", "items": {"$ref": "#/$defs/Missing"}}, {"type": "string"}),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "b"]},
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        ),
    ],
)
def test_what_gemini_refuses_is_written_in_another_way(schema, written):
    assert adapted(schema) == written


def test_recursive_schema_becomes_a_string_where_it_repeats():
    assert adapted({"$ref": "#/$defs/Tree"}, Tree=TREE) == {
        "type": "object",
        "properties": {"kids": {"type": "array", "items": JSON_OBJECT}},
    }


NAMED = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
AGED = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
}


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"$ref": "#/$defs/Named"}, {"$ref": "#/$defs/Aged"}]},
        {"$ref": "#/$defs/Named", **AGED},
        {"allOf": [{"$ref": "#/$defs/Named"}], **AGED},
        {"allOf": [{"allOf": [{"$ref": "#/$defs/Named"}]}, {"$ref": "#/$defs/Aged"}]},
        {"$ref": "#/$defs/Both"},
    ],
)
def test_schemas_that_must_all_hold_are_joined(schema):
    both = {"allOf": [{"$ref": "#/$defs/Named"}, {"$ref": "#/$defs/Aged"}]}
    joined = adapted(schema, Named=NAMED, Aged=AGED, Both=both)

    assert sorted(joined.pop("required")) == ["age", "name"]
    assert sorted(joined.pop("propertyOrdering")) == ["age", "name"]
    assert joined == PERSON


def test_property_that_two_schemas_describe_has_the_keywords_of_both():
    low = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
    high = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}}

    joined = adapted(
        {"allOf": [{"$ref": "#/$defs/Low"}, {"$ref": "#/$defs/High"}]}, Low=low, High=high
    )

    assert joined["properties"]["n"] == {"type": "integer", "minimum": 1, "maximum": 9}


def test_description_beside_a_reference_is_kept():
    assert adapted({"$ref": "#/$defs/Named", "description": "Who."}, Named=NAMED) == {
        **NAMED,
        "description": "Who.",
    }


def chain_of_pairs(count):
    """Define schemas that each have two of the next."""
    pair = {
        f"P{n}": {
            "type": "object",
            "properties": {"a": {"$ref": f"#/$defs/P{n + 1}"}, "b": {"$ref": f"#/$defs/P{n + 1}"}},
        }
        for n in range(count)
    }
    return {**pair, f"P{count}": {"type": "object", "properties": {"leaf": {"type": "string"}}}}


@pytest.mark.parametrize("count", [30, 300])
def test_references_that_double_stop_at_strings_of_json(count):
    written = list(parts(adapted({"$ref": "#/$defs/P0"}, **chain_of_pairs(count))))

    assert len(written) < 1_500
    assert JSON_OBJECT in written


def test_every_schema_that_refers_to_all_others_stays_small():
    names = [f"N{n}" for n in range(12)]
    either = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in names]}
    nodes = {
        name: {"type": "object", "properties": {"left": either, "right": either}} for name in names
    }

    assert len(list(parts(adapted(either, **nodes)))) < 1_500


def test_few_references_inside_one_another_are_all_replaced():
    assert JSON_OBJECT not in parts(adapted({"$ref": "#/$defs/P0"}, **chain_of_pairs(5)))


def test_deep_schema_is_written_to_a_certain_depth():
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(400):
        schema = {"type": "object", "properties": {"a": schema}}

    assert 50 < len(list(parts(adapt_schema(schema)))) < 100


def test_properties_keep_their_order():
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "a": {"type": "string"}}}

    assert adapt_schema(schema)["propertyOrdering"] == ["name", "a"]


def test_arguments_of_a_native_tool_stay_an_object():
    assert adapt_parameters({"type": "object", "properties": {}}) == {"type": "object"}
    assert adapt_parameters({"$ref": "#/$defs/Named", "$defs": {"Named": NAMED}}) == NAMED


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


KEYWORDS = {
    *("type", "format", "description", "nullable", "enum", "default", "properties", "required"),
    *("items", "anyOf", "minItems", "maxItems", "minLength", "maxLength", "pattern", "minimum"),
    *("maximum", "minProperties", "maxProperties", "propertyOrdering"),
}


def assert_gemini_takes(schema):
    for part in parts(schema):
        assert part.keys() <= KEYWORDS
        assert part.get("type") != "object" or part["properties"]
        assert part.get("type") != "array" or part["items"]
        assert set(part.get("required", ())) <= part.get("properties", {}).keys()
        assert all(isinstance(value, str) for value in part.get("enum", ()))
        assert "anyOf" not in part or set(part) == {"anyOf"}
        assert "anyOf" in part or isinstance(part["type"], str)


@given(schemas)
def test_no_schema_has_a_part_that_gemini_refuses(schema):
    assert_gemini_takes(adapted(schema))


def test_published_schemas_have_no_part_that_gemini_refuses():
    suite = [group["schema"] for group in load_test_suite() if isinstance(group["schema"], dict)]
    published = [*load_schema_store().values(), *suite]

    for schema in published:
        assert_gemini_takes(adapt_schema(schema))
    assert len(published) > 1_000
