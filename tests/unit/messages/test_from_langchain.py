"""LangChain's messages, read into the package's own."""

import copy
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_segmind import SegmindInvalidRequestError
from langchain_segmind._messages.from_langchain import from_langchain
from langchain_segmind._messages.types import Message, TextPart, ToolCall, ToolResult

PNG = "iVBORw0KGgoAAAANSUhEUg=="


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (HumanMessage("hi"), Message("user", (TextPart("hi"),))),
        (HumanMessage("hi", name="ada"), Message("user", (TextPart("hi"),), "ada")),
        (HumanMessage("hi", name="Ada Lovelace"), Message("user", (TextPart("hi"),))),
        (HumanMessage(""), Message("user", ())),
        (AIMessage("hi"), Message("assistant", (TextPart("hi"),))),
        (AIMessageChunk(content="hi"), Message("assistant", (TextPart("hi"),))),
        (
            AIMessage("", additional_kwargs={"audio": {"id": "a1", "transcript": "hi"}}),
            Message("assistant", (TextPart("hi"),)),
        ),
        (
            AIMessage("hi", additional_kwargs={"audio": {"id": "a1"}}),
            Message("assistant", (TextPart("hi"),)),
        ),
        (SystemMessage("hi"), Message("system", (TextPart("hi"),))),
        (ChatMessage(content="hi", role="user"), Message("user", (TextPart("hi"),))),
        (ChatMessage(content="hi", role="Assistant"), Message("assistant", (TextPart("hi"),))),
        (ChatMessage(content="hi", role="system"), Message("system", (TextPart("hi"),))),
        (
            AIMessage("", tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c1"}]),
            Message("assistant", (ToolCall("f", {"a": 1}, "c1"),)),
        ),
        (
            ToolMessage("42", tool_call_id="c1", name="f"),
            Message("user", (ToolResult((TextPart("42"),), "c1", "f"),)),
        ),
        (
            ToolMessage("no", tool_call_id="c1", status="error"),
            Message("user", (ToolResult((TextPart("no"),), "c1", None, is_error=True),)),
        ),
        (
            FunctionMessage(content="42", name="f"),
            Message("user", (ToolResult((TextPart("42"),), None, "f"),)),
        ),
    ],
)
def test_every_kind_of_message_is_read(message, expected):
    assert from_langchain([message]) == (expected,)


@pytest.mark.parametrize(
    "block",
    [
        "hi",
        {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
        {"text": "hi"},
        {"type": "text-plain", "text": "hi", "mime_type": "text/plain"},
        {"type": "non_standard", "value": {"type": "text", "text": "hi"}},
    ],
)
def test_every_form_of_text_is_read(block):
    assert from_langchain([HumanMessage([block])])[0].parts == (TextPart("hi"),)


@pytest.mark.parametrize("kind", ["reasoning", "thinking", "redacted_thinking", "server_tool_use"])
def test_reasoning_and_raw_calls_in_the_history_are_left_out(kind):
    content: list[Any] = [{"type": kind, kind: "x"}, {"type": "text", "text": "hi"}]

    (message,) = from_langchain([AIMessage(content)])

    assert message.parts == (TextPart("hi"),)


def message_with_call(argument):
    return AIMessage("", tool_calls=[{"name": "f", "args": {"a": argument}, "id": "1"}])


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], ["messages", "at least one"]),
        ([HumanMessage("a"), RemoveMessage(id="1")], ["message 1", "RemoveMessage"]),
        ([ChatMessage(content="a", role="narrator")], ["message 0", "narrator", "user, assistant"]),
        ([HumanMessage([{"type": "hologram"}])], ["message 0, block 0", "hologram"]),
        ([HumanMessage([{"type": ["x"]}])], ["message 0, block 0"]),
        ([HumanMessage([{"type": "text", "text": None}])], ["message 0, block 0", "NoneType"]),
        ([HumanMessage("a\ud800b")], ["message 0", "surrogate", "character 1"]),
        ([HumanMessage([{"type": "non_standard", "value": 7}])], ["message 0, block 0"]),
        ([message_with_call("\ud800")], ["message 0", "'f'", "surrogate"]),
        ([message_with_call({1})], ["message 0", "set"]),
    ],
)
def test_what_cannot_be_sent_raises_an_error_with_its_place(messages, words):
    with pytest.raises(SegmindInvalidRequestError) as caught:
        from_langchain(messages)

    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert (caught.value.outcome, caught.value.billed) == ("not_sent", False)


def test_call_is_read_when_only_the_content_holds_it():
    block = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}
    message = AIMessage([{"type": "text", "text": "hi"}, block])

    assert from_langchain([message])[0].parts == (TextPart("hi"), ToolCall("f", {"a": 1}, "c1"))
    known = AIMessage([block], tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c1"}])
    assert from_langchain([known])[0].parts == (ToolCall("f", {"a": 1}, "c1"),)


def test_pieces_of_the_models_text_are_joined():
    assert from_langchain([AIMessage(["Hel", {"type": "text", "text": "lo"}])])[0].parts == (
        TextPart("Hello"),
    )


def test_messages_are_not_changed():
    messages = [
        SystemMessage("s"),
        HumanMessage([{"type": "text", "text": "t"}, {"type": "image", "base64": PNG}]),
        message_with_call([1]),
    ]
    before = copy.deepcopy(messages)

    from_langchain(messages)

    assert messages == before
