"""Replies outside the three formats: a text alone, half a reply, and what does not chat."""

import base64
import json

import pytest

from langchain_segmind import SegmindResponseError
from langchain_segmind._formats import decode, decode_job

OPENAI = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 0}},
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}}],
}
ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "usage": {"input_tokens": 1, "server_tool_use": {}},
    "content": [{"type": "text", "text": "Hello"}],
}
GEMINI = {"usageMetadata": {"x": {}}, "candidates": [{"content": {"parts": [{"text": "Hello"}]}}]}


@pytest.mark.parametrize(
    "body",
    [
        {"output": "Hello"},
        {"response": "Hello"},
        {"generated_text": "Hello"},
        {"text": "Hello"},
        {"output": ["Hel", "lo"]},
        {"output": {"text": "Hello"}},
        {"output": "Hello", "status": "success", "message": "ok", "error": None},
        {"output": OPENAI},
        {"response": ANTHROPIC},
        {"result": json.dumps(GEMINI)},
        {"message": {"role": "assistant", "content": "Hello"}, "done": True},
        {"choices": [{"index": 0, "text": "Hello", "finish_reason": "length"}]},
        {"output": [{"generated_text": "Hello"}]},
        {"output": [OPENAI]},
        {"output": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]},
        {
            "output": [
                {"type": "reasoning", "summary": []},
                {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]},
            ]
        },
        {"code": 0, "data": OPENAI},
    ],
    ids=str,
)
def test_text_alone_is_the_answer(body):
    assert decode(json.dumps(body).encode()).choices[0].text == "Hello"
    assert decode_job({"status": "COMPLETED", **body}).choices[0].text == "Hello"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"output": "Hello", "error": "overloaded"}, "overloaded"),
        ({"output": " "}, "no answer"),
        ({"output": 5}, "no answer"),
        ({"output": ["a", 5]}, "no answer"),
        ({"output": {"output": {"output": {"output": "deep"}}}}, "no answer"),
        ({"message": "Hello"}, "it is an error: Hello"),
        ({"base_resp": {"status_code": 1, "status_msg": "busy"}}, "it is an error: busy"),
        ({"output": [{"id": 1}]}, "no answer"),
        ({"content": "Hello"}, "no answer"),
    ],
    ids=str,
)
def test_object_without_a_text_is_not_an_answer(body, why):
    with pytest.raises(SegmindResponseError, match=why):
        decode(json.dumps(body).encode())


@pytest.mark.parametrize("whole", [OPENAI, ANTHROPIC, GEMINI], ids=lambda whole: next(iter(whole)))
@pytest.mark.parametrize("written", [json.dumps, lambda whole: json.dumps(json.dumps(whole))])
def test_half_of_a_jobs_reply_is_an_error_that_has_its_text(whole, written):
    output = written(whole)

    for end in range(22, len(output) - 1, 7):
        with pytest.raises(SegmindResponseError, match="cut short") as caught:
            decode_job({"output": output[:end]})
        assert output[:end].strip() in caught.value.message


@pytest.mark.parametrize(
    "output",
    [
        '{"id": 5, "name": "Wid',
        '{"content": "Ada',
        '{"type": "message", "text": "x',
        "{braces} are fun",
        '[{"a": 1},',
        '"quoted',
    ],
)
def test_half_of_the_models_own_json_is_its_answer(output):
    assert decode_job({"output": output}).choices[0].text == output


PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)
MADE = [
    (b"\xff\xd8", "image/jpeg", "pictures"),
    (b"\xff\xd8\xff\xe0", "", "pictures"),
    (PNG, "application/octet-stream", "pictures"),
    (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "", "pictures"),
    (b"anything", "IMAGE/AVIF; q=1", "pictures"),
    (b"", "image/png", "pictures"),
    (b"ID3", "audio/mpeg", "sound"),
    (b"ID3\x04", "", "sound"),
    (b"RIFF\x00\x00\x00\x00WAVEfmt ", "application/json", "sound"),
    (b"\xff\xfb\x90", "", "sound"),
    (b"\x00\x00\x00\x20ftypisom", "", "videos"),
    (b"x", "video/mp4", "videos"),
]


@pytest.mark.parametrize(("body", "content_type", "made"), MADE)
def test_picture_sound_or_video_raises_an_error_about_the_model(body, content_type, made):
    with pytest.raises(SegmindResponseError, match=f"makes {made} and does not chat"):
        decode(body, content_type)


@pytest.mark.parametrize(
    ("body", "made"),
    [
        ({"image": "aGVsbG8="}, "pictures"),
        ({"images": ["https://x.example/1"]}, "pictures"),
        ({"audio": "aGVsbG8="}, "sound"),
        ({"video_url": "https://x.example/1"}, "videos"),
        ({"output": {"video_url": "https://x.example/1"}}, "videos"),
        ({"output": "https://x.example/a.png?sig=1"}, "pictures"),
        ({"output": ["https://x.example/a.mp3"]}, "sound"),
        ({"output": "data:video/mp4;base64,AAAA"}, "videos"),
        ({"output": base64.b64encode(PNG).decode()}, "pictures"),
    ],
    ids=str,
)
def test_json_of_a_picture_sound_or_video_is_the_same_error(body, made):
    for read in (lambda: decode(json.dumps(body).encode()), lambda: decode_job(body)):
        with pytest.raises(SegmindResponseError, match=f"makes {made} and does not chat"):
            read()


@pytest.mark.parametrize(
    "text", ["See https://x.example/a.png", "https://x.example/page.html", "/9j/ is a path", "ID3"]
)
def test_text_about_a_file_is_an_answer(text):
    assert decode(json.dumps({"output": text}).encode()).choices[0].text == text
    assert decode_job({"output": text}).choices[0].text == text


def test_chat_reply_is_read_whatever_its_content_type_is():
    assert decode(json.dumps(OPENAI).encode(), "image/png").choices[0].text == "Hello"
