"""Schemas in another document: where references lead, and what keywords of old drafts mean."""

import pytest
from jsonschema import Draft202012Validator

from langchain_segmind._messages.schema_document import Document

DRAFT_4 = "http://json-schema.org/draft-04/schema#"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
OBJECT = {"type": "object"}


def judge(schema):
    document = Document()
    embedded = document.embed(schema, "tool")
    whole = {**embedded, "$defs": document.definitions}
    Draft202012Validator.check_schema(whole)
    return Draft202012Validator(whole)


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"),
    [
        ({"minimum": 3, "exclusiveMinimum": True}, 4, 3),
        ({"minimum": 3, "exclusiveMinimum": False}, 3, 2),
        ({"maximum": 3, "exclusiveMaximum": True, "$schema": DRAFT_4}, 2, 3),
        ({"items": [{"type": "string"}], "additionalItems": False}, ["a"], ["a", 1]),
        ({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}, {"a": 1, "b": 2}, {"c": 1}),
        ({"additionalProperties": {"$ref": "#"}, "type": "object"}, {"a": {}}, {"a": 1}),
        ({"$ref": "#/$defs/a", "minLength": 2, "$defs": {"a": {"maxLength": 3}}}, "ab", "a"),
        (
            {"$ref": "#/$defs/a", "$dynamicRef": "#/$defs/b"}
            | {"$defs": {"a": {"minimum": 1}, "b": {"maximum": 2}}},
            1,
            3,
        ),
    ],
)
def test_keywords_of_all_drafts_keep_their_meaning(schema, valid, invalid):
    assert judge(schema).is_valid(valid)
    assert not judge(schema).is_valid(invalid)


@pytest.mark.parametrize("value", [None, 1, "a"])
def test_reference_to_a_schema_that_allows_nothing_stands_above_what_is_beside_it(value):
    schema = {"$ref": "#/$defs/never", "not": {"type": "null"}, "$defs": {"never": False}}

    assert not judge(schema).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$schema": DRAFT_4, "const": 1}, 2),
        ({"$schema": DRAFT_4, "if": True, "then": False}, 2),
        ({"$schema": DRAFT_7, "dependentRequired": {"a": ["b"]}}, {"a": 1}),
        (
            {"$schema": DRAFT_7, "$ref": "#/definitions/a", "minimum": 3, "definitions": {"a": {}}},
            2,
        ),
        ({"type": "any"}, 2),
        ({"properties": {"a": {"type": "string", "required": True}}}, {}),
        ({"enum": None, "anyOf": {}, "items": "string", "pattern": 1}, ["a"]),
        ({"$ref": "#/$defs/missing"}, 2),
        ({"$ref": "https://example.com/schema"}, 2),
        ({"$ref": "#/$defs/missing", "unevaluatedProperties": False}, {"a": 1}),
    ],
)
def test_what_means_nothing_in_a_schema_does_not_begin_to(schema, value):
    assert judge(schema).is_valid(value)


TREE = {"$id": "tree", "$dynamicAnchor": "node", **OBJECT} | {
    "properties": {"data": True, "kids": {"type": "array", "items": {"$dynamicRef": "#node"}}}
}


def test_dynamic_reference_leads_to_the_root_that_extends_its_target():
    strict = {
        "$id": "https://example.com/strict",
        "$dynamicAnchor": "node",
        "$ref": "tree",
        "unevaluatedProperties": False,
        "$defs": {"tree": TREE},
    }

    assert judge(strict).is_valid({"kids": [{"data": 1}]})
    assert not judge(strict).is_valid({"kids": [{"date": 1}]})


def test_chain_of_definitions_may_be_longer_than_the_stack():
    count = 3_000
    chain = {str(n): {"properties": {"next": {"$ref": f"#/$defs/{n + 1}"}}} for n in range(count)}
    schema = {"$ref": "#/$defs/0", "$defs": {**chain, str(count): {"type": "string"}}}
    document = Document()

    document.embed(schema, "tool")

    assert len(document.definitions) == count + 1


@pytest.mark.parametrize(
    "within", [{"items": None}, {"anyOf": [None]}, {"properties": {"a": None}}]
)
def test_schema_that_nests_too_deeply_loses_its_type_there(within):
    def nested(levels):
        if levels == 0:
            return {"type": "string"}
        ((key, value),) = within.items()
        inner = nested(levels - 1)
        held = {"a": inner} if isinstance(value, dict) else [inner]
        return {key: inner if value is None else held}

    def levels(schema):
        count = 0
        while schema and "type" not in schema:
            (held,) = schema.values()
            schema = held["a"] if "a" in held else held[0] if isinstance(held, list) else held
            count += 1
        return count, schema

    assert levels(Document().embed(nested(50), "tool")) == (50, {"type": "string"})
    depth, deepest = levels(Document().embed(nested(400), "tool"))
    assert 50 < depth < 100
    assert deepest == {}


def test_definitions_of_several_schemas_are_kept_apart():
    document = Document()
    kinds = ("string", "integer")

    embedded = [
        document.embed({"$ref": "#/$defs/a", "$defs": {"a": {"type": kind}}}, "tool")
        for kind in kinds
    ]

    validators = [Draft202012Validator({**e, "$defs": document.definitions}) for e in embedded]
    assert [validator.is_valid("text") for validator in validators] == [True, False]
