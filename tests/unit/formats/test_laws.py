"""Laws that hold for every family."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_segmind import SegmindInvalidRequestError, SegmindResponseError
from langchain_segmind._formats import FAMILIES, FORMATS, SETTINGS, decode
from langchain_segmind._messages.from_langchain import from_langchain
from langchain_segmind._messages.types import ChatRequest, MediaPart, Message, TextPart
from langchain_segmind._tool_emulation.prompt import render_tools
from tests.unit.properties import nested_json

PNG = "iVBORw0KGgoAAAANSUhEUg=="
letters = st.characters(exclude_categories=["Cs"])
# Blank human messages are refused, see `test_turns`.
words = st.text(alphabet=letters, min_size=1, max_size=20).filter(str.strip)
image = st.just({"type": "image", "base64": PNG, "mime_type": "image/png"})
text = st.builds(lambda t: {"type": "text", "text": t}, words)
content = words | st.lists(text | image, min_size=1, max_size=3)
call = st.builds(lambda n, a: {"name": n, "args": {"x": a}, "id": "c1"}, words, words)
messages = st.lists(
    st.builds(HumanMessage, content)
    | st.builds(AIMessage, words, tool_calls=st.lists(call, max_size=2))
    | st.builds(SystemMessage, words)
    | st.builds(lambda c: ToolMessage(c, tool_call_id="c1"), content),
    min_size=1,
    max_size=6,
)
families = st.sampled_from(FAMILIES)


def strings(value):
    """All strings in a JSON value, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)


def ask(*parts, **fields):
    return ChatRequest((Message("user", parts),), **fields)


def encode(family, conversation):
    return FORMATS[family].encode(render_tools(ChatRequest(from_langchain(conversation))))


def messages_of(family, body):
    """Return (role, parts) for each message of a body whose roles alternate."""
    if family == "anthropic":
        return [(m["role"], m["content"]) for m in body["messages"]]
    return [(c["role"], c["parts"]) for c in body["messages"]["contents"]]


@given(families, messages)
def test_every_word_is_in_the_body_in_order(family, conversation):
    request = render_tools(ChatRequest(from_langchain(conversation)))
    parts = [p for m in request.messages for p in m.parts]
    texts = [p.text for p in parts if isinstance(p, TextPart) and p.text.strip()]

    body = FORMATS[family].encode(request)

    assert json.loads(json.dumps(body)) == body
    joined, at = "\0".join(strings(body)), 0
    for text in texts:
        at = joined.find(text, at)
        assert at >= 0, (text, joined)
        at += len(text)


@given(families, messages)
def test_messages_are_not_changed(family, conversation):
    before = copy.deepcopy(conversation)

    encode(family, conversation)

    assert conversation == before


@given(st.sampled_from(["anthropic", "gemini"]), messages)
def test_roles_alternate_from_the_user_on_and_no_message_is_empty(family, conversation):
    sent = messages_of(family, encode(family, conversation))

    assistant = "assistant" if family == "anthropic" else "model"
    assert [role for role, _ in sent] == [("user", assistant)[n % 2] for n in range(len(sent))]
    for _, parts in sent:
        assert parts
        assert all(part["text"].strip() for part in parts if "text" in part)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_sent_under_one_name(family, name):
    plain = FORMATS[family].encode(ask(TextPart("a")))

    body = FORMATS[family].encode(ask(TextPart("a"), settings={name: "value"}))

    assert {k: v for k, v in body.items() if k not in plain} == {
        FORMATS[family].SETTING_NAMES.get(name, name): "value"
    }


UNACCEPTED = [
    ("openai", "video", {"data": "A", "mime": "video/mp4"}),
    ("openai", "audio", {"data": "A", "mime": "audio/flac"}),
    ("openai", "file", {"data": "A", "mime": "text/csv"}),
    ("openai", "file", {"url": "https://x.example/a.pdf"}),
    ("anthropic", "video", {"data": "A", "mime": "video/mp4"}),
    ("anthropic", "audio", {"data": "A", "mime": "audio/wav"}),
    ("anthropic", "image", {"data": "A", "mime": "image/bmp"}),
    ("anthropic", "image", {"url": "https://x.example/a.png"}),
    ("gemini", "image", {"url": "https://x.example/a.png"}),
]


@pytest.mark.parametrize(("family", "kind", "fields"), UNACCEPTED)
def test_media_raise_an_error_with_their_place_when_not_accepted(family, kind, fields):
    media = MediaPart(kind, f"message 3, block 1 ({kind})", **fields)

    with pytest.raises(SegmindInvalidRequestError, match="message 3, block 1") as caught:
        FORMATS[family].encode(ask(TextPart("see"), media))

    assert f"({kind})" in str(caught.value)
    assert caught.value.outcome == "not_sent"
    if media.url and family != "openai":
        assert "base64" in str(caught.value)


@pytest.mark.parametrize("family", ["anthropic", "gemini"])
def test_picture_in_a_system_prompt_is_an_error(family):
    picture = MediaPart("image", "message 0, block 0 (image)", data=PNG, mime="image/png")

    with pytest.raises(SegmindInvalidRequestError, match="message 0, block 0"):
        FORMATS[family].encode(
            ChatRequest((Message("system", (picture,)), Message("user", (TextPart("a"),))))
        )


def test_claude_refuses_json_mode():
    with pytest.raises(SegmindInvalidRequestError, match="json_schema"):
        FORMATS["anthropic"].encode(ask(TextPart("JSON"), response_format={"type": "json_object"}))


KEYS = {
    "openai": [
        *("choices", "message", "content", "text", "tool_calls", "function", "name", "arguments"),
        *("refusal", "reasoning_content", "finish_reason", "usage", "prompt_tokens", "id", "error"),
    ],
    "anthropic": [
        *("content", "type", "text", "thinking", "name", "input", "id", "stop_reason", "usage"),
        *("input_tokens", "error"),
    ],
    "gemini": [
        *("candidates", "content", "parts", "text", "thought", "functionCall", "name", "args"),
        *("finishReason", "promptFeedback", "blockReason", "usageMetadata", "promptTokenCount"),
    ],
}
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
words_of_formats = st.sampled_from(["text", "thinking", "tool_use", "STOP"])
any_json = nested_json(scalars, st.text(max_size=5))
openai, anthropic, gemini = (
    nested_json(scalars | words_of_formats, st.sampled_from(keys)) for keys in KEYS.values()
)
function = st.fixed_dictionaries({"function": openai})
message = st.fixed_dictionaries(
    {"content": openai | st.lists(openai)}, optional={"tool_calls": st.lists(openai | function)}
)
choice = st.fixed_dictionaries({"message": openai | message})
candidate = st.fixed_dictionaries(
    {"content": gemini | st.fixed_dictionaries({"parts": gemini | st.lists(gemini)})}
)
shaped = (
    st.fixed_dictionaries({"choices": st.lists(openai | choice)}, optional={"usage": openai})
    | st.fixed_dictionaries({"content": st.lists(anthropic)}, optional={"stop_reason": anthropic})
    | st.fixed_dictionaries(
        {"candidates": st.lists(gemini | candidate)}, optional={"usageMetadata": gemini}
    )
    | st.fixed_dictionaries({"promptFeedback": gemini})
)


@given(any_json | openai | anthropic | gemini | shaped)
def test_any_json_is_decoded_or_raises_a_response_error(value):
    try:
        answer = decode(json.dumps(value).encode())
    except SegmindResponseError:
        return
    assert answer.choices
    for choice in answer.choices:
        (choice.text + choice.reasoning + (choice.refusal or "")).encode()


@given(st.binary())
def test_any_bytes_raise_a_response_error(body):
    with pytest.raises(SegmindResponseError):
        decode(body)
