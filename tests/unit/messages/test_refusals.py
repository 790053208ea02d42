"""A refusal as LangChain's content block; these tests run on the oldest langchain-core, too."""

import pickle

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    message_chunk_to_message,
)

from langchain_segmind._messages.from_langchain import from_langchain
from langchain_segmind._messages.to_langchain import to_ai_message, to_ai_message_chunk
from langchain_segmind._messages.types import Choice, TextPart, ToolCall, Usage

METADATA = {"model_name": "gpt-4o", "model_provider": "segmind"}
NO = {"type": "refusal", "refusal": "I will not."}

both_kinds = pytest.mark.parametrize("write", [to_ai_message, to_ai_message_chunk])


@both_kinds
def test_refusal_is_a_content_block(write):
    message = write(Choice(refusal="I will not."), None, METADATA)

    assert message.content_blocks == [NO]
    assert message.text == ""


@both_kinds
def test_refusal_follows_reasoning_text_and_calls(write):
    call = ToolCall("add", {"a": 1}, "call_1")
    choice = Choice("Well,", reasoning="Hm.", refusal="I will not.", calls=(call,))
    message = write(choice, Usage(1, 2), METADATA)

    assert [block["type"] for block in message.content_blocks] == (
        ["reasoning", "text", "tool_call", "refusal"]
    )
    assert message.content_blocks[-1] == NO


IMAGE = {"type": "image", "base64": "AAAA", "mime_type": "image/png"}
TOOL_USE = {"type": "tool_use", "id": "call_1", "name": "add", "input": {}}
CHOICES = [
    Choice(),
    Choice("Hello"),
    Choice("Hello", reasoning="Hm."),
    Choice("Hello", calls=(ToolCall("add", {"a": 1}, "call_1"),)),
    Choice(calls=(ToolCall("add", '{"a": ', "call_1", "cut short"),)),
]


@pytest.mark.parametrize(
    "message",
    [
        *(to_ai_message(choice, None, METADATA) for choice in CHOICES),
        *(to_ai_message_chunk(choice, None, METADATA) for choice in CHOICES),
        AIMessage(["Look:", IMAGE, TOOL_USE], response_metadata=METADATA),
    ],
)
def test_message_without_a_refusal_has_langchains_own_blocks(message):
    unknown = message.model_copy(update={"response_metadata": {"model_provider": "nobody"}})

    assert message.content_blocks == unknown.content_blocks


def test_message_of_another_provider_is_not_changed():
    message = AIMessage("Hi", additional_kwargs={"refusal": "no"})

    assert message.content_blocks == [{"type": "text", "text": "Hi"}]


def test_refusal_in_the_content_is_given_once():
    message = AIMessage(
        ["Well,", NO], response_metadata=METADATA, additional_kwargs={"refusal": "I will not."}
    )

    assert message.content_blocks == [{"type": "text", "text": "Well,"}, NO]


def test_refusal_survives_merging_pickling_and_serializing():
    chunk = to_ai_message_chunk(Choice(refusal="I will not."), None, METADATA)
    merged = chunk + AIMessageChunk(content="")
    stored = pickle.loads(pickle.dumps(chunk))

    whole = message_chunk_to_message(merged)
    loaded = AIMessage.model_validate(whole.model_dump())
    messages: list[BaseMessage] = [merged, whole, stored, loaded]
    for message in messages:
        assert message.content_blocks == [NO]


@pytest.mark.parametrize(
    "message",
    [
        to_ai_message(Choice(refusal="I will not."), None, METADATA),
        AIMessage([NO], additional_kwargs={"refusal": "I will not."}),
        AIMessage([{"type": "non_standard", "value": {}}, NO]),
        AIMessage([NO], response_metadata={"output_version": "v1"}),
    ],
)
def test_refusal_in_the_history_is_sent_as_the_models_text(message):
    messages = from_langchain([HumanMessage("Do it."), message, HumanMessage("Why?")])

    assert messages[1].parts == (TextPart("I will not."),)


def test_null_refusal_is_ignored():
    messages = from_langchain(
        [HumanMessage("Hi"), AIMessage("", additional_kwargs={"refusal": None})]
    )

    assert messages[1].parts == ()
