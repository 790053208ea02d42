"""Estimates of tokens: media count as media, and tools count."""

import base64
import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_segmind import ChatSegmind

PDF = b"%PDF-1.7\n" + b"<</Type /Page>>\n" * 3 + b"<</Type/Pages /Count 3>>\n" + b"\xff" * 10**6
PNG = b"\x89PNG\r\n\x1a\n" + bytes(10**6)
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(63_900)


def model(**settings: Any) -> ChatSegmind:
    return ChatSegmind(model="gpt-4o", api_key="SG_test", **settings)


def count(content, build=HumanMessage, **settings):
    """Count what a content takes beyond an empty text."""
    counted = model(**settings).get_num_tokens_from_messages
    return counted([build(content)]) - counted([build("")])


def encoded(data):
    return base64.b64encode(data).decode()


def result(content):
    return ToolMessage(content, tool_call_id="1")


@pytest.mark.parametrize("build", [HumanMessage, result])
@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        ({"type": "image", "base64": encoded(PNG), "mime_type": "image/png"}, 1_000),
        ({"type": "image", "source": {"type": "base64", "data": encoded(PNG)}}, 1_000),
        ({"type": "media", "data": PNG, "mime_type": "image/png"}, 1_000),
        ({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}, 1_000),
        (
            {"type": "image_url", "image_url": {"url": "https://x.example/a", "detail": "low"}},
            85,
        ),
        ({"type": "file", "base64": encoded(PDF), "mime_type": "application/pdf"}, 4_500),
        ({"type": "file", "file": {"file_data": f"data:;base64,{encoded(PDF)}"}}, 4_500),
        ({"type": "file", "base64": encoded(b"%PDF-1.7"), "mime_type": "application/pdf"}, 1_500),
        ({"type": "audio", "base64": encoded(WAV), "mime_type": "audio/wav"}, 64),
        ({"type": "file", "base64": encoded(b"a" * 400), "mime_type": "text/plain"}, 100),
        ({"type": "text", "text": "a" * 400}, 100),
        ("a" * 400, 100),
    ],
)
def test_block_counts_as_what_it_is(build, block, tokens):
    assert count([block], build) == tokens
    assert count([block], SystemMessage) == tokens


def test_media_count_beside_a_tokenizer_of_the_user():
    def ids(text):
        return list(range(len(text)))

    image = {"type": "image", "base64": encoded(PNG), "mime_type": "image/png"}

    assert count([image], custom_get_token_ids=ids) == 1_000
    assert count(["abc"], custom_get_token_ids=ids) == 3


def test_text_and_calls_of_the_model_count_once():
    call = {"name": "look", "args": {"q": "a" * 400}, "id": "1"}
    use = {"type": "tool_use", "name": "look", "input": {"q": "a" * 400}, "id": "1"}
    counted = model().get_num_tokens_from_messages

    plain = counted([AIMessage("hello", tool_calls=[call])])

    assert (
        counted([AIMessage([{"type": "text", "text": "hello"}, use], tool_calls=[call])]) == plain
    )
    assert plain > 100


class Look(BaseModel):
    """Look something up."""

    query: str


def look(query: str) -> str:
    """Look something up."""
    return query


SCHEMA = {"name": "look", "description": "Look. " * 80, "parameters": {"type": "object"}}


@pytest.mark.parametrize(
    "offered",
    [Look, look, tool(look), {"type": "function", "function": SCHEMA}, {"type": "web_search"}],
)
def test_tools_count_in_every_form(offered):
    counted = model().get_num_tokens_from_messages
    messages: list[BaseMessage] = [HumanMessage("hello")]

    added = counted(messages, tools=[offered]) - counted(messages)

    assert added > 0
    assert counted(messages, tools=[offered, offered]) - counted(messages) in range(
        2 * added - 1, 2 * added + 1
    )
    if isinstance(offered, dict):
        assert added == -(-len(json.dumps(offered)) // 4)


@pytest.mark.parametrize(
    "content",
    [[{"type": "image"}], [{"type": "x", "v": {1}}], [{"a": b"b"}], [{}], [5], 5, None, b"\xff"],
    ids=str,
)
def test_counting_raises_for_no_message(content):
    message = HumanMessage("")
    message.content = content

    assert model().get_num_tokens_from_messages([message]) > 0


def test_messages_are_not_changed():
    message = HumanMessage([{"type": "image", "base64": encoded(PNG)}])
    before = message.model_copy(deep=True)

    model().get_num_tokens_from_messages([message])

    assert message == before
