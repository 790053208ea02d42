"""Filling JSON schemas: deterministically, and always validly by a validator of others."""

import enum
import json
from datetime import date
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from langchain_segmind.testing.schema import UnfillableError, fill


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    year: int


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Tree(BaseModel):
    label: str
    left: "Tree | None"
    right: "Tree | None"
    others: list["Tree"]


class Mood(enum.Enum):
    GLAD = "glad"
    SAD = "sad"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Limits(BaseModel):
    short: str = Field(max_length=3)
    long: str = Field(min_length=200)
    code: str = Field(pattern=r"^[A-Z]{3}-\d{3}$")
    few: list[int] = Field(min_length=2, max_length=3)
    unique: set[int] = Field(min_length=3)
    between: float = Field(gt=0, lt=1)
    step: int = Field(multiple_of=7, gt=50)
    low: int = Field(le=-5)
    pair: tuple[int, str]
    table: dict[str, int]
    when: date
    mood: Mood
    fixed: Literal[7]
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    maybe: int | None
    later: str = "default"


TEXTS = ["", "Hello", "Ada Lovelace was born in 1815.", "7 " * 200, "9" * 400]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "kind", [Person, Nothing, Tree, Limits, list[Person], int, str, bool, None]
)
def test_fill_gives_what_pydantic_accepts(text: str, kind: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    value = fill(adapter.json_schema(), text, numbers=[1815, -7, 0.5])

    adapter.validate_json(json.dumps(value), strict=True)


def obj(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


INT, STR = {"type": "integer"}, {"type": "string"}
TREE = obj("label", "left", label=STR, left={"anyOf": [{"$ref": "#"}, {"type": "null"}]})
SCHEMAS: list[Any] = [
    {},
    True,
    {"type": ["string", "null"]},
    {"type": ["null", "integer"]},
    {"const": {"a": [1]}},
    {"enum": [None, 1]},
    {"type": "integer", "minimum": 3, "multipleOf": 7},
    {"type": "integer", "exclusiveMaximum": -5},
    {"type": "number", "multipleOf": 0.01, "minimum": 0.015},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "number", "minimum": 1000000.5, "maximum": 1000000.75},
    {"type": "string", "minLength": 200},
    {"type": "string", "maxLength": 0},
    {"type": "string", "pattern": r"^[A-Z]{3}-\d{3}$"},
    {"type": "string", "pattern": r"^\+?[1-9]\d{1,14}$", "minLength": 8},
    {"type": "string", "pattern": "^(foo|bar)+[^a-z]$"},
    {"type": "string", "pattern": r"\S+@\S+", "maxLength": 5},
    {"type": "string", "default": 5},
    {"type": "integer", "examples": ["no number", 4]},
    {"type": ["string", "boolean"], "not": {"type": "string"}},
    {"oneOf": [{"type": "number"}, {"type": "integer"}]},
    {"oneOf": [obj("a", a=INT), obj("a", "b", a=INT, b=INT)]},
    {"allOf": [obj("a", a={"minimum": 2}), obj("b", b={"const": 7}, a={**INT, "maximum": 3})]},
    {"allOf": [{"$ref": "#/definitions/a~1b"}, obj("y", y=INT)], "definitions": {"a/b": TREE}},
    {"anyOf": [{"type": "string", "enum": []}, INT]},
    {"type": "array", "items": INT, "minItems": 3, "uniqueItems": True},
    {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2, "uniqueItems": True},
    {"type": "array", "items": obj("id", id=STR), "minItems": 3, "uniqueItems": True},
    {"type": "array", "prefixItems": [INT, STR], "items": False},
    {"type": "array", "prefixItems": [INT, STR], "minItems": 4},
    {"type": "array", "contains": {"const": 5}, "items": INT},
    {"type": "array", "items": STR, "maxItems": 0},
    {"type": "object", "minProperties": 2, "additionalProperties": INT},
    {
        "type": "object",
        "patternProperties": {"^x-": INT},
        "additionalProperties": False,
        "minProperties": 2,
    },
    obj("a", "missing", a={"$ref": "#/properties/b"}, b={"$ref": "#/$defs/gone"}),
    {
        "$defs": {
            "a": obj("b", b={"$ref": "#/$defs/b"}),
            "b": {"anyOf": [{"$ref": "#/$defs/a"}, INT]},
        }
    }
    | {"$ref": "#/$defs/a"},
    TREE,
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: json.dumps(schema)[:60])
@pytest.mark.parametrize("text", ["", "Add 3 and 4, please."])
def test_fill_gives_what_a_validator_accepts(schema: Any, text: str) -> None:
    value = fill(schema, text, numbers=[3, 4, -1.5])

    assert value == fill(schema, text, numbers=[3, 4, -1.5])
    if "gone" not in json.dumps(schema):  # a validator refuses what points to nothing
        jsonschema.validate(value, schema, format_checker=jsonschema.FormatChecker())


LEAVES = st.sampled_from([INT, STR, {"type": "boolean"}, {"type": "null"}, {"const": 1}])
NESTED: Any = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
        st.tuples(inner, st.integers(0, 3)).map(
            lambda pair: {"type": "array", "items": pair[0], "minItems": pair[1]}
        ),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda properties: obj(*list(properties)[:2], **properties)
        ),
    ),
    max_leaves=12,
)


@given(schema=NESTED, text=st.text(max_size=20))
def test_fill_gives_what_a_validator_accepts_for_any_nesting(schema: Any, text: str) -> None:
    jsonschema.validate(fill(schema, text), schema)


def test_fill_takes_constants_enums_examples_and_defaults_first() -> None:
    schema = obj(*"abcde", a={"const": 1}, b={"enum": ["x", "y"]}, c={"examples": ["ex"]})
    schema["properties"] |= {"d": {"type": "integer", "default": 8}, "e": STR}

    assert fill(schema, "text") == {"a": 1, "b": "x", "c": "ex", "d": 8, "e": "text"}


def test_fill_takes_each_given_number_once_where_it_fits() -> None:
    schema = obj(*"abcd", a=INT, b={**INT, "maximum": 10}, c={"type": "number"}, d=INT)

    assert fill(schema, numbers=[1.5, 99, 4]) == {"a": 99, "b": 4, "c": 1.5, "d": 0}


def test_fill_leaves_out_what_is_optional_and_ends_what_holds_itself() -> None:
    assert fill(obj("a", a=STR, b=STR), "x") == {"a": "x"}
    assert fill(TREE, "x") == {"label": "x", "left": {"label": "x", "left": None}}


def test_fill_stays_small_where_everything_holds_everything() -> None:
    names = [f"N{number}" for number in range(20)]
    every: list[Any] = [{"$ref": f"#/$defs/{name}"} for name in names]
    held: dict[str, Any] = {"list": {"type": "array", "items": {"anyOf": every}}}
    held |= {name: {"anyOf": [*every, {"type": "null"}]} for name in names[:5]}
    schema = {"$ref": "#/$defs/N0", "$defs": {name: obj(*held, **held) for name in names}}

    value = fill(schema)

    jsonschema.validate(value, schema)
    assert len(json.dumps(value)) < 50_000


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "string", "enum": []},
        obj("a", a={"$ref": "#"}),
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"type": "array", "items": {"const": 1}, "uniqueItems": True, "minItems": 2},
    ],
)
def test_fill_raises_when_there_is_no_value(schema: Any) -> None:
    with pytest.raises(UnfillableError):
        fill(schema)
