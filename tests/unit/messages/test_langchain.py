"""LangChain's messages in, LangChain's messages out."""

import copy

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
from langchain_segmind._messages.langchain import from_langchain, to_ai_message, to_ai_message_chunk
from langchain_segmind._messages.types import (
    Choice,
    MediaPart,
    Message,
    TextPart,
    ToolCall,
    ToolResult,
    Usage,
)

PNG = "iVBORw0KGgoAAAANSUhEUg=="


@pytest.mark.parametrize(
    ("message", "turn"),
    [
        (HumanMessage("hi"), Message("user", (TextPart("hi"),))),
        (HumanMessage("hi", name="ada"), Message("user", (TextPart("hi"),), "ada")),
        (HumanMessage("hi", name="Ada Lovelace"), Message("user", (TextPart("hi"),))),
        (HumanMessage(""), Message("user", ())),
        (AIMessage("hi"), Message("assistant", (TextPart("hi"),))),
        (AIMessageChunk(content="hi"), Message("assistant", (TextPart("hi"),))),
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
def test_reads_every_kind_of_message(message, turn):
    assert from_langchain([message]) == (turn,)


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ("hi", TextPart("hi")),
        ({"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}, TextPart("hi")),
        ({"text": "hi"}, TextPart("hi")),
        ({"type": "text-plain", "text": "hi", "mime_type": "text/plain"}, TextPart("hi")),
        (
            {"type": "document", "source": {"type": "text", "media_type": "x", "data": "hi"}},
            TextPart("hi"),
        ),
    ],
)
def test_reads_every_form_of_text(block, part):
    assert from_langchain([HumanMessage([block])])[0].parts == (part,)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"},
        {"type": "image", "base64": PNG, "mime_type": "image/png"},
        {"type": "image", "base64": PNG},
        {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"},
        {"type": "image", "url": f"data:image/png;base64,{PNG}"},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": PNG},
        },
    ],
)
def test_reads_every_form_of_inline_image(block):
    (part,) = from_langchain([HumanMessage([block])])[0].parts

    assert isinstance(part, MediaPart)
    assert (part.kind, part.mime, part.data, part.url) == ("image", "image/png", PNG, None)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
        {"type": "image_url", "image_url": "https://x.example/a.png"},
        {"type": "image", "url": "https://x.example/a.png"},
        {"type": "image", "source_type": "url", "url": "https://x.example/a.png"},
        {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}},
    ],
)
def test_reads_every_form_of_image_by_address(block):
    (part,) = from_langchain([HumanMessage([block])])[0].parts

    assert isinstance(part, MediaPart)
    assert (part.kind, part.url, part.data) == ("image", "https://x.example/a.png", None)


@pytest.mark.parametrize("kind", ["reasoning", "thinking", "redacted_thinking", "server_tool_use"])
def test_reasoning_and_raw_calls_of_older_turns_are_left_out(kind):
    turn = from_langchain([AIMessage([{"type": kind, kind: "x"}, {"type": "text", "text": "hi"}])])[
        0
    ]

    assert turn.parts == (TextPart("hi"),)


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
        ([HumanMessage([{"type": "image"}])], ["message 0, block 0", "base64", "url"]),
        ([HumanMessage([{"type": "image", "file_id": "f"}])], ["block 0", "keeps no files"]),
        ([HumanMessage([{"type": "image", "base64": "AAAA"}])], ["block 0", "mime_type"]),
        ([HumanMessage([{"type": "image", "base64": b"AAAA"}])], ["block 0", "bytes"]),
        ([HumanMessage([{"type": "image_url", "image_url": {"url": "data:x"}}])], ["data URI"]),
        ([HumanMessage([{"type": "image_url", "image_url": 7}])], ["block 0", "form"]),
        (
            [AIMessage("", tool_calls=[{"name": "f", "args": {"a": "\ud800"}, "id": "1"}])],
            ["message 0", "'f'", "surrogate"],
        ),
        (
            [AIMessage("", tool_calls=[{"name": "f", "args": {"a": {1}}, "id": "1"}])],
            ["message 0", "set"],
        ),
        ([AIMessage([{"type": "image", "base64": PNG}])], ["message 0, block 0", "human message"]),
    ],
)
def test_refuses_what_cannot_be_said_and_names_the_place(messages, words):
    with pytest.raises(SegmindInvalidRequestError) as caught:
        from_langchain(messages)

    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert (caught.value.outcome, caught.value.billed) == ("not_sent", False)


def test_a_call_that_only_the_content_holds_is_read():
    block = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}
    message = AIMessage([{"type": "text", "text": "hi"}, block])

    assert from_langchain([message])[0].parts == (TextPart("hi"), ToolCall("f", {"a": 1}, "c1"))
    known = AIMessage([block], tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c1"}])
    assert from_langchain([known])[0].parts == (ToolCall("f", {"a": 1}, "c1"),)


def test_what_a_model_said_in_pieces_is_one_text():
    assert from_langchain([AIMessage(["Hel", {"type": "text", "text": "lo"}])])[0].parts == (
        TextPart("Hello"),
    )


def test_leaves_the_messages_as_they_were():
    messages = [
        SystemMessage("s"),
        HumanMessage([{"type": "text", "text": "t"}, {"type": "image", "base64": PNG}]),
        AIMessage("", tool_calls=[{"name": "f", "args": {"a": [1]}, "id": "1"}]),
    ]
    before = copy.deepcopy(messages)

    from_langchain(messages)

    assert messages == before


def test_writes_a_message_with_all_that_was_answered():
    choice = Choice(
        text="hi",
        reasoning="hm",
        calls=(ToolCall("f", {"a": 1}, "c1"), ToolCall("g", '{"b": ', "c2", error="cut")),
        finish_reason="stop",
        native_finish_reason="end_turn",
    )

    message = to_ai_message(choice, Usage(3, 4), {"model_name": "m"})

    assert message.content == "hi"
    assert message.additional_kwargs == {"reasoning_content": "hm"}
    assert message.tool_calls == [{"name": "f", "args": {"a": 1}, "id": "c1", "type": "tool_call"}]
    assert [bad["args"] for bad in message.invalid_tool_calls] == ['{"b": ']
    assert message.usage_metadata == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    assert message.response_metadata == {
        "model_name": "m",
        "finish_reason": "stop",
        "native_finish_reason": "end_turn",
    }


def test_usage_details_are_kept_where_they_are_known():
    usage = Usage(9, 5, total=20, cache_read=4, cache_creation=1, reasoning=2)

    assert to_ai_message(Choice(), usage, {}).usage_metadata == {
        "input_tokens": 9,
        "output_tokens": 5,
        "total_tokens": 20,
        "input_token_details": {"cache_read": 4, "cache_creation": 1},
        "output_token_details": {"reasoning": 2},
    }


def test_a_call_that_was_cut_short_never_becomes_one_that_can_be_run():
    cut = Choice(calls=(ToolCall("rm", '{"path": "/tm', "c1", error="cut"),))
    empty = AIMessageChunk(content="")

    merged = empty + to_ai_message_chunk(cut, None, {}) + empty

    assert merged.tool_calls == []
    assert merged.invalid_tool_calls[0]["name"] == "rm"


def test_a_chunk_carries_what_a_message_does():
    choice = Choice(text="hi", reasoning="hm", calls=(ToolCall("f", {"a": "ü"}, "c1"),))

    chunk = to_ai_message_chunk(choice, Usage(1, 2), {"model_name": "m"})
    message = to_ai_message(choice, Usage(1, 2), {"model_name": "m"})

    assert chunk.chunk_position == "last"
    for name in ("content", "additional_kwargs", "response_metadata", "usage_metadata"):
        assert getattr(chunk, name) == getattr(message, name)
    assert chunk.tool_calls == message.tool_calls
