"""The OpenAI format: requests written, replies read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_segmind import SegmindResponseError
from langchain_segmind._formats import SETTINGS, decode, openai
from langchain_segmind._messages.types import (
    ChatRequest,
    ChatResponse,
    Choice,
    MediaPart,
    Message,
    TextPart,
    ToolCall,
    Usage,
)

IMAGE = MediaPart("image", "message 0, block 1 (image)", data="AAAA", mime="image/png")


def encoded(*parts, role="user", name=None):
    return openai.encode(ChatRequest((Message(role, parts, name),)))["messages"][0]


def test_text_alone_is_a_plain_string():
    assert encoded(TextPart("a"), TextPart("b")) == {"role": "user", "content": "a\nb"}
    assert encoded(role="assistant") == {"role": "assistant", "content": ""}


def test_name_is_sent_along():
    assert encoded(TextPart("a"), name="ada") == {"role": "user", "content": "a", "name": "ada"}


def test_images_are_sent_inline_or_by_url():
    by_url = MediaPart("image", "", url="https://x.example/a.png", detail="low")

    assert encoded(TextPart("a"), IMAGE, by_url)["content"] == [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}},
    ]


def test_pdf_and_audio_are_openais_standard_parts():
    pdf = MediaPart("file", "", data="AAAA", mime="application/pdf", name="a.pdf")
    audio = MediaPart("audio", "", data="BBBB", mime="audio/mpeg")

    assert encoded(pdf, audio)["content"] == [
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
        },
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "mp3"}},
    ]


def test_settings_extras_and_format_are_top_level_fields():
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
    settings = {name: name for name in SETTINGS}

    asked = (Message("user", (TextPart("a"),)),)
    body = openai.encode(ChatRequest(asked, settings, {"extra": 1}, form))

    assert body.pop("messages") == [{"role": "user", "content": "a"}]
    assert body == {**settings, "extra": 1, "response_format": form}


@pytest.mark.parametrize(("text", "is_added"), [("Reply in JSON", False), ("Reply", True)])
def test_json_mode_adds_the_word_json_when_it_is_missing(text, is_added):
    asked = (Message("user", (TextPart(text),)),)

    form = {"type": "json_object"}
    messages = openai.encode(ChatRequest(asked, response_format=form))["messages"]

    assert ({"role": "system", "content": "Answer in JSON."} in messages) is is_added
    assert messages[-1] == {"role": "user", "content": text}


def answer(**message):
    return decode(json.dumps({"choices": [{"message": message}]}).encode()).choices[0]


def test_every_field_of_a_reply_is_read():
    first = {
        "role": "assistant",
        "content": "hi",
        "reasoning_content": "hm",
        "refusal": "no",
        "tool_calls": [
            {"id": "c1", "function": {"name": "f", "arguments": '{"a": 1}'}},
            {"id": "c2", "function": {"name": "g", "arguments": '{"a": '}},
        ],
    }
    body = {
        "id": "chatcmpl-1",
        "choices": [
            {"index": 0, "finish_reason": "tool_calls", "message": first},
            {"message": {"content": "second"}},
        ],
        "usage": {
            "prompt_tokens": 5,
            "completion_tokens": 7,
            "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    }

    calls = (
        ToolCall("f", {"a": 1}, "c1"),
        ToolCall("g", '{"a": ', "c2", "The arguments are not a JSON object."),
    )
    choices = (Choice("hi", "hm", "no", calls, "tool_calls"), Choice("second"))
    usage = Usage(5, 7, 12, cache_read=2, reasoning=3)
    assert decode(json.dumps(body).encode()) == ChatResponse(choices, usage, "chatcmpl-1")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("hi", "hi"),
        (None, ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
        (["a", {"text": 7}, 3, None], "a"),
    ],
)
def test_content_may_be_text_null_or_parts(content, text):
    assert answer(content=content, role="assistant").text == text


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        (None, None),
        (7, None),
        ("x", None),
        ([], None),
        ({"prompt_tokens": "many"}, None),
        ({"prompt_tokens": -1}, None),
        ({"prompt_tokens": 3.0}, Usage(3, 0)),
    ],
)
def test_usage_is_whole_numbers_or_left_out(reported, usage):
    body = {"choices": [{"message": {"content": "hi"}}], "usage": reported}

    assert decode(json.dumps(body).encode()).usage == usage


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + b'{"choices": [{"message": {"content": "hi"}}]}',
        b'{"choices": [{"message": {"content": "hi"}}], "x": NaN}',
        b'{"choices": [{"message": {"content": "hi"}}], "x": ' + b"9" * 5000 + b"}",
        b'{"choices": [{"message": {"content": "hi"}}], "error": null}',
        b'{"choices": [{"message": {"content": "hi"}}], "error": "late"}',
    ],
)
def test_answer_is_read_whatever_surrounds_it(body):
    assert decode(body).choices[0].text == "hi"


def test_choice_that_cannot_be_read_is_skipped():
    body = b'{"choices": [{"message": null}, 7, {"message": {"content": "paid"}}]}'

    assert [choice.text for choice in decode(body).choices] == ["paid"]


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        ('<think>hm {"a": 1}</think>\n{"b": 2}', '{"b": 2}', 'hm {"a": 1}'),
        ("<think>never ends", "", "never ends"),
        ("I <think> so.", "I <think> so.", ""),
    ],
)
def test_thoughts_before_an_answer_are_reasoning(content, text, reasoning):
    choice = answer(content=content)

    assert (choice.text, choice.reasoning) == (text, reasoning)


@pytest.mark.parametrize("content", [b'"a\\ud800b"', b'["a\\ud800b"]', b'[{"text": "a\\ud800b"}]'])
def test_half_a_surrogate_pair_becomes_a_replacement_character(content):
    body = b'{"choices": [{"message": {"content": %s}}]}' % content

    assert decode(body).choices[0].text == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b"  ", "empty"),
        (b"<!doctype html>", "HTML"),
        (b'{"choices": [{"mess', "cut short"),
        (b"null", "NoneType"),
        (b"[]", "list"),
        (b"{}", "no answer"),
        (b'{"choices": []}', "no answer"),
        (b'{"choices": [1]}', "no message"),
        (b'{"choices": [{}]}', "no message"),
        (b'{"choices": {"message": {}}}', "no message"),
        (b'{"choices": [{"message": {"content": 7}}]}', "no message"),
        (b'{"error": {"message": "overloaded"}}', "overloaded"),
        (b'{"status": "FAILED", "error": "oops"}', "oops"),
        (b"[" * 100_000, "nested"),
    ],
)
def test_unusable_reply_raises_an_error_with_the_reason(body, why):
    with pytest.raises(SegmindResponseError, match=why):
        decode(body)


words = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1)
parts = st.lists(st.builds(TextPart, words) | st.just(IMAGE), min_size=1).map(tuple)
messages = st.builds(Message, st.sampled_from(["system", "user", "assistant"]), parts)


@given(st.lists(messages, min_size=1).map(tuple))
def test_body_has_every_text_once_and_in_order(conversation):
    body = openai.encode(ChatRequest(conversation))

    sent = []
    for message in body["messages"]:
        content = message["content"]
        sent += [content] if isinstance(content, str) else [p.get("text") for p in content]
    texts = [part.text for m in conversation for part in m.parts if isinstance(part, TextPart)]
    assert json.loads(json.dumps(body)) == body
    assert "\n".join(text for text in sent if text is not None) == "\n".join(texts)
