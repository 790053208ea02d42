"""Pictures: one picture to every family, several in one question, and an object made of one.

`content_block_from_file` reads a file, or takes bytes, and gives a block that every family
understands. The data is sent inline, because the gateway cannot fetch from every host. Runs on the
live gateway when SEGMIND_API_KEY is set, else on a local one that needs no key: it repeats what it
is asked, and names what arrived.
"""

from __future__ import annotations

from pathlib import Path

from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from langchain_segmind import ChatSegmind, SegmindError, content_block_from_file
from langchain_segmind.testing import live_or_local

PICTURE = Path(__file__).parent / "documents/lighthouse.png"


class Sight(BaseModel):
    """What a picture shows."""

    description: str
    has_people: bool


def main() -> None:
    question = HumanMessage(
        [{"type": "text", "text": "What is in this picture?"}, content_block_from_file(PICTURE)]
    )
    with ChatSegmind(model="gpt-4o", max_tokens=200) as model:
        for slug in ("gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"):
            print(f"{slug:>17}: {model.invoke([question], model=slug).text}")
        print(f"        an object: {model.with_structured_output(Sight).invoke([question])!r}")
        compare(model)
        by_address(model)


def compare(model: ChatSegmind) -> None:
    """Ask about several pictures: blocks stand in the order in which the model is to see them."""
    question = HumanMessage(
        [
            {"type": "text", "text": "What do these pictures have in common?"},
            content_block_from_file(PICTURE),
            content_block_from_file(PICTURE.read_bytes()),
        ]
    )
    print(f"     two pictures: {model.invoke([question]).text}")


def by_address(model: ChatSegmind) -> None:
    """A picture's URL is fetched by the gateway, for the OpenAI family only."""
    question = HumanMessage(
        [
            {"type": "text", "text": "What is in this picture?"},
            {"type": "image", "url": "https://www.segmind.com/favicon.ico"},
        ]
    )
    try:
        model.invoke([question], model="claude-4.5-sonnet")
    except SegmindError as error:
        print(f"  by URL to Claude: {error}")


if __name__ == "__main__":
    with live_or_local():
        main()
