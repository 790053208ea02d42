"""A question of any family becomes one request for a chat completion, and its answer a reply."""

import base64
from typing import Any

import pytest

from langchain_segmind.testing import (
    Call,
    Media,
    ModelRequest,
    Offer,
    Reply,
    Result,
    Tool,
    Turn,
    Usage,
)
from langchain_segmind.testing.openai_compatible import (
    UnreadableError,
    UnsupportedError,
    completion_body,
    read_completion,
)

PNG = b"\x89PNG\r\n\x1a\n"


def body_of(*turns: Turn, system: str = "", **more: Any) -> dict[str, Any]:
    return completion_body(ModelRequest("gpt-4o", "openai", system, turns, **more), "real")


def messages(*turns: Turn, system: str = "", **more: Any) -> Any:
    return body_of(*turns, system=system, **more)["messages"]


def answered(**message: Any) -> Reply:
    return read_completion({"choices": [{"message": message, "finish_reason": "stop"}]})


def test_body_holds_the_conversation_in_order() -> None:
    turns = (
        Turn("user", "Hi", name="Ada"),
        Turn("assistant", "Hello"),
        Turn("system", "Be brief."),
        Turn("user", "Bye"),
    )
    assert body_of(*turns, system="Be kind.") == {
        "model": "real",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hi", "name": "Ada"},
            {"role": "assistant", "content": "Hello"},
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Bye"},
        ],
    }


def test_body_holds_pictures_sound_and_documents() -> None:
    media = (
        Media("image", "image/png", PNG),
        Media("image", url="https://example.com/a.png"),
        Media("audio", "audio/mp3", b"ID3"),
        Media("file", "application/pdf", b"%PDF-1"),
    )
    (message,) = messages(Turn("user", "What is this?", media))
    png, pdf = base64.b64encode(PNG).decode(), base64.b64encode(b"%PDF-1").decode()
    assert message["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
        {
            "type": "file",
            "file": {
                "filename": "document.pdf",
                "file_data": f"data:application/pdf;base64,{pdf}",
            },
        },
    ]


@pytest.mark.parametrize(
    "media", [Media("video", "video/mp4", b"x"), Media("audio", "audio/ogg", b"x")]
)
def test_unsupported_media_is_an_error_that_names_it(media: Media) -> None:
    with pytest.raises(UnsupportedError, match=str(media.mime)):
        messages(Turn("user", "Look", (media,)))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"temperature": 0.5, "seed": 7, "top_k": 3}, {"temperature": 0.5, "seed": 7, "top_k": 3}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5, "max_tokens": 6}, {"max_tokens": 6}),
        ({"stop": "END"}, {"stop": ["END"]}),
        ({"stop_sequences": ["a", "b"]}, {"stop": ["a", "b"]}),
        ({"stopSequences": ["a"]}, {"stop": ["a"]}),
        ({"n": 3}, {}),
        ({"brand_new": {"x": 1}}, {"brand_new": {"x": 1}}),
    ],
)
def test_body_holds_settings_under_openais_names(settings: Any, expected: Any) -> None:
    body = body_of(Turn("user", "Hi"), settings=settings)
    assert {k: v for k, v in body.items() if k not in {"model", "messages"}} == expected


def test_body_holds_the_response_format_unchanged() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    assert body_of(Turn("user", "Hi"), response_format=wanted)["response_format"] == wanted


def test_body_holds_tools_calls_and_results_natively() -> None:
    offer = Offer((Tool("add", "Adds.", {"type": "object"}), Tool("now")), forced=True, most=1)
    turns = (
        Turn("user", "Add"),
        Turn("assistant", "", calls=(Call("add", {"a": 1}, "c1"), Call("now"))),
        Turn(
            "user", "And?", results=(Result("1", "c1"), Result("broken", name="now", failed=True))
        ),
    )
    body = body_of(*turns, offer=offer)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["add", "now"]
    assert body["tools"][1]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)
    assert body["messages"][1]["tool_calls"][0] == {
        "id": "c1",
        "type": "function",
        "function": {"name": "add", "arguments": '{"a": 1}'},
    }
    assert body["messages"][2:] == [
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "tool", "tool_call_id": "now", "content": "Error: broken"},
        {"role": "user", "content": "And?"},
    ]


def test_completion_is_read() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    message = {"content": "Yes.", "reasoning_content": "Hm.", "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "length"}
    assert read_completion({"choices": [choice], "usage": usage}) == Reply(
        "Yes.", finish_reason="length", reasoning="Hm.", usage=Usage(5, 2)
    )


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ({"content": None}, Reply("")),
        ({}, Reply("")),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, Reply("ab")),
        ({"content": "a", "reasoning": "why"}, Reply("a", reasoning="why")),
        ({"content": "", "refusal": "No."}, Reply("", refusal="No.")),
        (
            {"tool_calls": [{"function": {"name": "add", "arguments": '{"a": 1}'}, "id": "c"}]},
            Reply(calls=(Call("add", {"a": 1}, "c"),)),
        ),
        (
            {"tool_calls": [{"function": {"name": "now", "arguments": {}}}]},
            Reply(calls=(Call("now"),)),
        ),
    ],
)
def test_completion_is_read_when_a_server_differs(message: Any, reply: Reply) -> None:
    assert answered(**message) == reply


@pytest.mark.parametrize("usage", [None, "many", {}, {"prompt_tokens": 1.5}, {"prompt_tokens": -1}])
def test_usage_is_left_out_when_malformed(usage: Any) -> None:
    body = {"choices": [{"message": {"content": "Hi"}}], "usage": usage}
    assert read_completion(body) == Reply("Hi")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"choices": []},
        {"choices": [{}]},
        {"choices": ["Hi"]},
        {"choices": [{"message": "Hi"}]},
        {"choices": [{"message": {"tool_calls": [{}]}}]},
        {"choices": [{"message": {"tool_calls": [{"function": {"name": "a", "arguments": "{"}}]}}]},
        {"choices": [{"message": {"tool_calls": [{"function": {"name": "a", "arguments": "1"}}]}}]},
    ],
)
def test_completion_is_unreadable_when_malformed(body: Any) -> None:
    with pytest.raises(UnreadableError):
        read_completion(body)
