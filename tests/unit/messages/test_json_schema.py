"""Values are read back in the types of their schema, and schemas lose their titles."""

import json

import pytest

from langchain_segmind._messages.json_schema import restore_types, strip_titles
from tests.unit.properties import assert_linear_time

NUMBERS = {"type": "object", "additionalProperties": {"type": "integer"}}
TREE = {
    "type": "object",
    "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
}

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
        "mixed": {"enum": ["a", 1, True, "2", 2]},
        "literal": {"anyOf": [{"const": 1}, {"const": "a"}]},
        "typed": {"type": ["string", "integer"], "enum": ["a", 1]},
        "missing": {"$ref": "#/$defs/Missing"},
        "joined": {"allOf": [{"$ref": "#/$defs/a~1b%3Cc%3E"}, {"properties": {"n": NUMBERS}}]},
        "beside": {"$ref": "#/$defs/Tree", "properties": {"n": NUMBERS}},
        "tagged": {"oneOf": [{"$ref": "#/$defs/One"}, {"$ref": "#/$defs/Two"}]},
        "nested": {"anyOf": [{"anyOf": [{"$ref": "#/$defs/One"}]}, {"type": "null"}]},
        "named": {"$ref": "#tree"},
        "either": {
            "anyOf": [
                {"type": "object", "properties": {"kind": {}, "data": {"type": "array"}}},
                {"type": "object", "properties": {"kind": {}, "data": {"type": "string"}}},
            ]
        },
    },
    "$defs": {
        "Tree": {**TREE, "$anchor": "tree"},
        "a/b<c>": {"type": "object", "properties": {"m": NUMBERS}},
        "One": {"type": "object", "properties": {"kind": {"const": "one"}, "data": NUMBERS}},
        "Two": {
            "type": "object",
            "properties": {"kind": {"const": "two"}, "data": {"type": "string"}},
        },
    },
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
        ("mixed", "a", "a"),
        ("mixed", "1", 1),
        ("mixed", "true", True),
        ("mixed", "2", "2"),
        ("mixed", "b", "b"),
        ("literal", "1", 1),
        ("literal", "a", "a"),
        ("typed", "1", 1),
        ("missing", '{"a": 1}', '{"a": 1}'),
        ("joined", {"m": '{"a": 1}', "n": '{"a": 2}'}, {"m": {"a": 1}, "n": {"a": 2}}),
        ("beside", {"kids": ["{}"], "n": '{"a": 2}'}, {"kids": [{}], "n": {"a": 2}}),
        ("tagged", {"kind": "one", "data": '{"a": 1}'}, {"kind": "one", "data": {"a": 1}}),
        ("tagged", {"kind": "two", "data": '{"a": 1}'}, {"kind": "two", "data": '{"a": 1}'}),
        ("nested", {"kind": "one", "data": '{"a": 1}'}, {"kind": "one", "data": {"a": 1}}),
        ("named", {"kids": ["{}"]}, {"kids": [{}]}),
        ("map", json.dumps({"a": [{}] * 300}), {"a": [{}] * 300}),
        ("map", '{"a": ' * 90 + "1" + "}" * 90, '{"a": ' * 90 + "1" + "}" * 90),
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


def test_alternatives_that_fit_equally_are_all_used():
    one, two = ({"type": "object", "properties": {"a": NUMBERS, n: {}}} for n in ("b", "c"))

    restored = restore_types({"a": '{"x": 1}'}, {"oneOf": [one, two]})

    assert restored == {"a": {"x": 1}}


def test_deep_value_is_read_back_to_a_certain_depth():
    schema = {"type": "object", "additionalProperties": {"$ref": "#"}}
    value: dict[str, object] = {}
    for _ in range(300):
        value = {"a": value}

    assert restore_types(value, schema) == value


def test_deep_schema_loses_its_titles_to_a_certain_depth():
    schema: dict[str, object] = {"type": "string", "title": "T"}
    for _ in range(400):
        schema = {"title": "T", "properties": {"title": schema}}

    assert strip_titles(schema).keys() == {"properties"}
