"""Filling JSON schemas: true where it can be, valid always."""

import enum
import json
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from langchain_segmind.testing import HelpfulBrain, Question, Turn


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


def filled(text: str, schema: dict[str, Any], system: str = "") -> Any:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    question = Question("gpt-4o", "openai", system, (Turn("user", text),), wanted)
    return json.loads(HelpfulBrain().answer(question).text)


def properties(**kinds: Any) -> dict[str, Any]:
    named = {
        name: {"type": kind} if isinstance(kind, str) else kind for name, kind in kinds.items()
    }
    return {"type": "object", "properties": named, "required": list(named)}


TEXTS = [
    "Hello",
    "",
    "Ada Lovelace was born in 1815 in London. Alan Turing was born in 1912.",
    "I want 3 apples, 12 pears and -7 plums for $4.50 on 2 May 2025, not 1,000,000!",
    "Tell me a joke about a very long topic that goes on and on and never seems to come to an end",
    f"The number {'9' * 400} is large.",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "kind", [Person, Nothing, Tree, Limits, list[Person], int, str, bool, None]
)
def test_whatever_is_said_the_answer_is_valid(text: str, kind: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    value = filled(text, adapter.json_schema())
    adapter.validate_json(json.dumps(value), strict=True)


def test_takes_a_name_and_a_year_from_the_text() -> None:
    found = filled("Ada Lovelace was born in 1815.", Person.model_json_schema())
    assert found == {"name": "Ada Lovelace", "year": 1815}


def test_takes_one_object_from_every_sentence() -> None:
    schema = TypeAdapter(list[Person]).json_schema()
    assert filled("Ada was born in 1815. Alan Turing was born in 1912.", schema) == [
        {"name": "Ada", "year": 1815},
        {"name": "Alan Turing", "year": 1912},
    ]


def test_takes_the_number_that_stands_near_the_propertys_name() -> None:
    text = "Anna Smith wants 3 tickets to Rome on 2 May 2025 for 120.50 euros"
    schema = properties(
        price="number", tickets="integer", city="string", date={"type": "string", "format": "date"}
    )
    assert filled(text, schema) == {
        "price": 120.5,
        "tickets": 3,
        "city": "Rome",
        "date": "2025-05-02",
    }


def test_gives_every_number_once() -> None:
    assert filled("What is 3 times 12?", properties(a="integer", b="integer")) == {"a": 3, "b": 12}


def test_tells_a_joke_where_one_is_wanted() -> None:
    found = filled("Tell me a joke about cats", properties(setup="string", punchline="string"))
    assert "cats" in found["setup"]
    assert found["punchline"]


def test_answers_from_documents_inside_a_schema() -> None:
    system = "Context:\nThe Eiffel Tower is 330 metres tall."
    schema = properties(answer="string", height="number")
    assert filled("How tall is the Eiffel Tower?", schema, system) == {
        "answer": "The Eiffel Tower is 330 metres tall.",
        "height": 330,
    }


def test_describes_what_is_described() -> None:
    text = "Alan Smith is 6 feet tall and has blond hair."
    schema = properties(name="string", hair_color="string", height="number")
    assert filled(text, schema) == {"name": "Alan Smith", "hair_color": "blond", "height": 6}


def test_chooses_by_what_was_mentioned_or_felt() -> None:
    unit = {"enum": ["celsius", "fahrenheit"]}
    assert filled("Paris in Fahrenheit", properties(unit=unit)) == {"unit": "fahrenheit"}
    mood = {"enum": ["positive", "neutral", "negative"]}
    assert filled("This is terrible.", properties(mood=mood)) == {"mood": "negative"}
    assert filled("This is a table.", properties(mood=mood)) == {"mood": "neutral"}


def test_lists_what_was_listed() -> None:
    schema = properties(items={"type": "array", "items": {"type": "string"}})
    assert filled("Shopping: milk, eggs and bread.", schema) == {"items": ["milk", "eggs", "bread"]}


def test_says_no_to_what_was_denied() -> None:
    schema = properties(urgent="boolean", paid="boolean")
    assert filled("It is urgent. It was not paid.", schema) == {"urgent": True, "paid": False}


def test_prefers_null_to_an_invention() -> None:
    maybe = {"anyOf": [{"type": "string", "format": "email"}, {"type": "null"}], "default": None}
    assert filled("Hello", properties(email=maybe)) == {"email": None}
    assert filled("I am ada@example.org", properties(email=maybe)) == {"email": "ada@example.org"}


def test_leaves_out_what_is_optional_and_unknown() -> None:
    schema = properties(name="string", age="integer") | {"required": ["name"]}
    assert filled("Ada Lovelace was a countess.", schema) == {"name": "Ada Lovelace"}


def test_merges_all_of_and_follows_pointers() -> None:
    schema = {
        "allOf": [{"$ref": "#/definitions/a~1b"}, properties(year="integer")],
        "definitions": {"a/b": properties(name="string")},
    }
    assert filled("Ada Lovelace was born in 1815.", schema) == {
        "name": "Ada Lovelace",
        "year": 1815,
    }
