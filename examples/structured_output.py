"""Structured output: pydantic objects, dictionaries, and an answer that was cut off.

Calls the live gateway if SEGMIND_API_KEY is set, and a local gateway otherwise.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from langchain_core.prompts import ChatPromptTemplate
from pydantic import BaseModel, Field

from langchain_segmind import ChatSegmind
from langchain_segmind.testing import live_or_local

REPLIES = {  # the local gateway's replies, by a text in the prompt
    "Who is in this text?": """{"people": [
        {"name": "Ada Lovelace", "year_of_birth": 1815},
        {"name": "Alan Turing", "year_of_birth": 1912},
        {"name": "Grace Hopper", "year_of_birth": 1906}]}""",
    "Product: headphones": '{"product": "headphones", "stars": 5, "mood": "happy"}',
    "Product: charger": '{"product": "charger", "stars": 1, "mood": "angry"}',
}
TEXT = "Ada Lovelace was born in 1815. Alan Turing was born in 1912. Grace Hopper was born in 1906."


class Person(BaseModel):
    """A person in a text."""

    name: str
    year_of_birth: int = Field(description="as in the text", ge=1000, le=2100)


class People(BaseModel):
    """The people in a text."""

    people: list[Person]


class Review(TypedDict):
    """A customer's review of a product."""

    product: str
    stars: int
    mood: Literal["happy", "angry"]


def main() -> None:
    with ChatSegmind(model="gpt-4o", max_tokens=500) as model:
        find_people(model)
        sort_reviews(model)
        show_a_cut_answer(model)


def find_people(model: ChatSegmind) -> None:
    """Get validated instances of a pydantic class, in a chain and from every model family."""
    prompt = ChatPromptTemplate.from_template("Who is in this text?\n\n{text}")
    for slug in ("gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"):
        found = (prompt | model.with_structured_output(People, model=slug)).invoke({"text": TEXT})
        if isinstance(found, People):  # always true; for type checkers
            print(f"{slug:>17}: " + "; ".join(f"{p.name}, {p.year_of_birth}" for p in found.people))


def sort_reviews(model: ChatSegmind) -> None:
    """Get dictionaries for a TypedDict or a JSON schema; `batch` processes many inputs at once."""
    reviews = (
        "Product: headphones. Stars: 5. I am happy with them.",
        "Product: charger. Stars: 1. It broke after a week, and I am angry.",
    )
    for review in model.with_structured_output(Review).batch([*reviews]):
        print(f"{'a dictionary':>17}: {review}")


def show_a_cut_answer(model: ChatSegmind) -> None:
    """With `include_raw`, an answer that cannot be parsed is returned instead of raising an error.

    An answer that was cut off is never completed by guessing. You paid for it, so it is returned.
    """
    short = model.with_structured_output(People, include_raw=True, max_tokens=5)
    found = short.invoke(f"Who is in this text?\n\n{TEXT}")
    if isinstance(found, dict):
        cost = found["raw"].response_metadata.get("cost", 0)
        print(f"{'cut short':>17}: parsed={found['parsed']}, {found['raw'].text!r}")
        print(f"{'':>17}  {type(found['parsing_error']).__name__}; cost ${cost:.6f}")


if __name__ == "__main__":
    with live_or_local(REPLIES):
        main()
