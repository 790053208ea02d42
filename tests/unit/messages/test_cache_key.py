"""The conversation's part of the key of a cached answer: what is sent, and nothing else."""

import json

import pytest
from langchain_core.load import loads
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_segmind import SegmindInvalidRequestError
from langchain_segmind._messages.cache_key import cache_prompt

USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


def called(call_id, city="Paris", **kwargs):
    return AIMessage(
        "", tool_calls=[{"name": "f", "args": {"city": city}, "id": call_id}], **kwargs
    )


def result(call_id, text="sunny", **kwargs):
    return ToolMessage(text, tool_call_id=call_id, **kwargs)


def png(data="iVBORw0KGgo=", **fields):
    return {"type": "image", "base64": data, "mime_type": "image/png", **fields}


SAME = {
    "id": (AIMessage("Hi", id="a"), AIMessage("Hi", id="b")),
    "usage": (AIMessage("Hi"), AIMessage("Hi", usage_metadata=USAGE)),
    "cost": (
        AIMessage("Hi"),
        AIMessage("Hi", response_metadata={"cost": 1, "headers": {"a": "b"}}),
    ),
    "reasoning": (AIMessage("Hi"), AIMessage("Hi", additional_kwargs={"reasoning_content": "..."})),
    "chunk": (AIMessage("Hi"), AIMessageChunk(content="Hi", chunk_position="last")),
    "blocks": (AIMessage("Hi"), AIMessage([{"type": "text", "text": "Hi", "index": 0}])),
    "block id": (
        HumanMessage([{"type": "text", "text": "Hi", "id": "lc_1"}]),
        HumanMessage([{"type": "text", "text": "Hi", "id": "lc_2"}]),
    ),
    "media id": (HumanMessage([png(id="1")]), HumanMessage([png(id="2")])),
    "role": (SystemMessage("Hi"), ChatMessage(content="Hi", role="system")),
    "call id": ([called("x"), result("x")], [called("y"), result("y")]),
    "artifact": ([called("x"), result("x")], [called("x"), result("x", artifact=object())]),
}

OTHER = {
    "text": (AIMessage("Hi"), AIMessage("Ho")),
    "speaker": (AIMessage("Hi"), HumanMessage("Hi")),
    "system": (SystemMessage("Hi"), HumanMessage("Hi")),
    "name": (HumanMessage("Hi"), HumanMessage("Hi", name="ada")),
    "order": ([HumanMessage("a"), HumanMessage("b")], [HumanMessage("b"), HumanMessage("a")]),
    "parts": (HumanMessage(["a", "b"]), HumanMessage(["ab"])),
    "arguments": ([called("x")], [called("x", "Rome")]),
    "validity": (
        called("x"),
        AIMessage(
            "",
            invalid_tool_calls=[
                {"name": "f", "args": '{"city": "Paris"', "id": "x", "error": None}
            ],
        ),
    ),
    "result": ([called("x"), result("x")], [called("x"), result("x", "rain")]),
    "status": ([called("x"), result("x")], [called("x"), result("x", status="error")]),
    "tool": ([called("x"), result("x")], [called("x"), result("x", name="f")]),
    "whose result": (
        [called("x"), called("y"), result("x")],
        [called("x"), called("y"), result("y")],
    ),
    "result of no call": ([called("x"), result("1")], [called("x"), result("x")]),
    "media": (HumanMessage([png()]), HumanMessage([png("iVBORw0KGgoA")])),
    "detail": (HumanMessage([png()]), HumanMessage([png(detail="low")])),
}


def keys(pair):
    return [cache_prompt(part if isinstance(part, list) else [part]) for part in pair]


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_key_does_not_hold_what_is_not_sent(pair):
    one, other = keys(pair)

    assert one == other


@pytest.mark.parametrize("pair", OTHER.values(), ids=OTHER)
def test_key_holds_what_is_sent(pair):
    one, other = keys(pair)

    assert one != other


def test_key_is_in_the_form_that_langchain_gives_to_caches():
    key = cache_prompt([SystemMessage("Be brief."), HumanMessage("Hi")])

    assert [message["kwargs"]["content"] for message in json.loads(key)] == ["Be brief.", "Hi"]
    assert loads(key, allowed_objects="messages") == [
        SystemMessage("Be brief."),
        HumanMessage("Hi"),
    ]


def test_key_of_what_cannot_be_sent_is_an_error():
    with pytest.raises(SegmindInvalidRequestError, match="message 0"):
        cache_prompt([HumanMessage([{"type": "hologram"}])])
