"""Images: one image sent to every family, two images in one prompt, and structured output.

`content_block_from_file` makes a content block from a file or from bytes. The image is sent inline,
which all families accept. The gateway can also fetch an image from a URL, but not from every host
and not for every family.

Calls the live gateway if SEGMIND_API_KEY is set, and otherwise a local gateway, which echoes the
prompt and lists the images it received.
"""

from __future__ import annotations

from pathlib import Path

from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from langchain_segmind import ChatSegmind, SegmindError, content_block_from_file
from langchain_segmind.testing import live_or_local

PICTURE = Path(__file__).parent / "documents/lighthouse.png"


class Scene(BaseModel):
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
        print(f"structured output: {model.with_structured_output(Scene).invoke([question])!r}")
        compare(model)
        send_a_url(model)


def compare(model: ChatSegmind) -> None:
    """Ask about several pictures: the model sees the blocks in this order."""
    question = HumanMessage(
        [
            {"type": "text", "text": "What do these pictures have in common?"},
            content_block_from_file(PICTURE),
            content_block_from_file(PICTURE.read_bytes()),
        ]
    )
    print(f"     two pictures: {model.invoke([question]).text}")


def send_a_url(model: ChatSegmind) -> None:
    """The gateway can fetch an image URL, but only for models with OpenAI's format."""
    question = HumanMessage(
        [
            {"type": "text", "text": "What is in this picture?"},
            {"type": "image", "url": "https://www.segmind.com/favicon.ico"},
        ]
    )
    try:
        model.invoke([question], model="claude-4.5-sonnet")
    except SegmindError as error:
        print(f"    URL to Claude: {error}")


if __name__ == "__main__":
    with live_or_local():
        main()
