"""Replies, written as LangChain's messages."""

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import invalid_tool_call, tool_call

from langchain_segmind._messages.to_langchain import to_ai_message, to_ai_message_chunk
from langchain_segmind._messages.types import Choice, ToolCall, Usage


def test_message_has_everything_in_the_choice():
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


def test_message_is_as_langchain_would_validate_it():
    choice = Choice("hi", reasoning="hm", finish_reason="stop")

    message = to_ai_message(choice, Usage(3, 4), {"model_name": "m"})
    validated = AIMessage(**message.model_dump(exclude={"type"}))

    assert message == validated
    assert message.model_dump_json() == validated.model_dump_json()
    assert repr(message) == repr(validated)


def test_messages_share_nothing_that_can_change():
    first, second = (to_ai_message(Choice("hi"), None, {}) for _ in range(2))
    first.tool_calls.append(tool_call(name="f", args={}, id="c1"))
    first.invalid_tool_calls.append(invalid_tool_call(name="f"))
    first.additional_kwargs["a"] = first.response_metadata["b"] = 1

    assert second == to_ai_message(Choice("hi"), None, {}) == AIMessage("hi")


def test_usage_details_are_kept_when_they_are_known():
    usage = Usage(9, 5, total=20, cache_read=4, cache_creation=1, reasoning=2)

    assert to_ai_message(Choice(), usage, {}).usage_metadata == {
        "input_tokens": 9,
        "output_tokens": 5,
        "total_tokens": 20,
        "input_token_details": {"cache_read": 4, "cache_creation": 1},
        "output_token_details": {"reasoning": 2},
    }


def test_truncated_call_stays_invalid_when_chunks_are_merged():
    cut = Choice(calls=(ToolCall("rm", '{"path": "/tm', "c1", error="cut"),))
    empty = AIMessageChunk(content="")

    merged = empty + to_ai_message_chunk(cut, None, {}) + empty

    assert merged.tool_calls == []
    assert merged.invalid_tool_calls[0]["name"] == "rm"


def test_chunk_has_what_a_message_has():
    choice = Choice(text="hi", reasoning="hm", calls=(ToolCall("f", {"a": "ü"}, "c1"),))

    chunk = to_ai_message_chunk(choice, Usage(1, 2), {"model_name": "m"})
    message = to_ai_message(choice, Usage(1, 2), {"model_name": "m"})

    assert chunk.chunk_position == "last"
    for name in ("content", "additional_kwargs", "response_metadata", "usage_metadata"):
        assert getattr(chunk, name) == getattr(message, name)
    assert chunk.tool_calls == message.tool_calls
