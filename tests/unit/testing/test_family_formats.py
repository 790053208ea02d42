"""Every family's reader and writer, without a server."""

import base64
from typing import Any

import pytest

from langchain_segmind.testing import ModelRequest, Reply, Turn
from langchain_segmind.testing.directory import Family, build_directory
from tests.unit.testing.bodies import (
    DIRECTORY,
    SLUGS,
    assistant,
    gemini,
    json_schema,
    openai,
    read,
    refusal,
    turn,
    user,
    written,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8) + (2).to_bytes(4, "big") + (3).to_bytes(4, "big")
PNG64 = base64.b64encode(PNG).decode()
PNG_URI = f"data:image/png;base64,{PNG64}"
PDF64 = base64.b64encode(b"%PDF-1.7 hello").decode()
GIF64 = base64.b64encode(b"GIF89a").decode()
NOT64 = "@@@"
TEXT64 = base64.b64encode(b"hello").decode()

BODIES: dict[Family, dict[str, Any]] = {
    "openai": openai(
        {"role": "system", "content": "Be brief."}, user("A"), assistant("B"), user("C")
    ),
    "anthropic": openai(user("A"), assistant("B"), user("C"), instruction="Be brief."),
    "gemini": gemini(
        turn({"text": "A"}),
        turn({"text": "B"}, role="model"),
        turn({"text": "C"}),
        system_instruction={"parts": {"text": "Be brief."}},
    ),
}


@pytest.mark.parametrize("family", SLUGS)
def test_family_reads_the_same_conversation(family: Family) -> None:
    request = read(SLUGS[family], {**BODIES[family], "temperature": 0.5, "max_tokens": 9})
    assert request == ModelRequest(
        slug=SLUGS[family],
        family=family,
        system="Be brief.",
        turns=(Turn("user", "A"), Turn("assistant", "B"), Turn("user", "C")),
        settings={"temperature": 0.5, "max_tokens": 9},
    )


@pytest.mark.parametrize("family", SLUGS)
def test_family_reads_a_flat_prompt(family: Family) -> None:
    assert read(SLUGS[family], {"prompt": "Hi"}).turns == (Turn("user", "Hi"),)


@pytest.mark.parametrize("family", SLUGS)
def test_family_drops_tools_and_stream(family: Family) -> None:
    body = BODIES[family] | {"tools": [{}], "tool_choice": "any", "stream": True}
    assert read(SLUGS[family], body).settings == {}


@pytest.mark.parametrize("family", SLUGS)
def test_family_accepts_a_json_schema(family: Family) -> None:
    wanted = json_schema({"type": "object"})
    assert read(SLUGS[family], BODIES[family] | wanted).response_format == wanted["response_format"]


@pytest.mark.parametrize("family", SLUGS)
@pytest.mark.parametrize(
    "bad",
    [
        None,
        "json_object",
        {},
        {"type": "xml"},
        {"type": "text", "more": 1},
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"name": "x"}},
        {"type": "json_schema", "json_schema": {"schema": {}}},
        {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": []}},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {}, "strict": "yes"}},
    ],
)
def test_family_refuses_a_malformed_response_format(family: Family, bad: Any) -> None:
    status, text = refusal(SLUGS[family], BODIES[family] | {"response_format": bad})
    assert status == 400
    assert "response_format" in text


@pytest.mark.parametrize(
    ("slug", "name", "value"),
    [
        ("gpt-4o", "temperature", 2.1),
        ("gpt-4o", "temperature", -0.1),
        ("gpt-4o", "temperature", "hot"),
        ("gpt-4o", "temperature", True),
        ("gpt-4o", "temperature", None),
        ("gpt-4o", "top_p", 1.5),
        ("gpt-4o", "max_tokens", 0),
        ("gpt-4o", "max_tokens", 1.5),
        ("gpt-4o", "n", 9),
        ("gpt-4o", "seed", "7"),
        ("gpt-4o", "presence_penalty", 3),
        ("gpt-4o", "frequency_penalty", -3),
        ("gpt-4o", "stop", ""),
        ("gpt-4o", "stop", []),
        ("gpt-4o", "stop", ["a", "b", "c", "d", "e"]),
        ("gpt-4o", "reasoning_effort", "huge"),
        ("claude-4.5-sonnet", "temperature", 1.5),
        ("claude-4.5-sonnet", "stop_sequences", "END"),
        ("gemini-2.5-flash", "temperature", 2.5),
        ("gemini-2.5-flash", "top_k", 0),
    ],
)
def test_setting_is_refused_by_name_when_out_of_range(slug: str, name: str, value: Any) -> None:
    body = BODIES[DIRECTORY[slug].family] | {name: value}
    status, text = refusal(slug, body)
    assert status == 406
    assert f"'{name}'" in text


def test_setting_is_passed_on_when_unknown() -> None:
    assert read("gpt-4o", openai(user("Hi"), web_search=True)).settings == {"web_search": True}


def document(data: str, media_type: str = "application/pdf") -> dict[str, Any]:
    return source("document", data, media_type)


def source(kind: str, data: str, media_type: str) -> dict[str, Any]:
    return {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}}


def data_url(data: str, mime: str = "image/png") -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:{mime};base64,{data}"}}


def file_part(data: str) -> dict[str, Any]:
    return {"type": "file", "file": {"file_data": data}}


def inline(mime: str, data: str) -> dict[str, Any]:
    return gemini(turn({"inlineData": {"mimeType": mime, "data": data}}))


MALFORMED: dict[str, list[tuple[Any, str]]] = {
    "openai": [
        *[
            ({"messages": messages}, where)
            for messages, where in [
                ([], "messages"),
                ({}, "messages"),
                ("Hi", "messages"),
                (["Hi"], "messages[0]"),
                ([{"role": "user"}], "'content'"),
                ([{"content": "Hi"}], "'role'"),
                ([user("Hi"), {"role": "tool", "content": "x"}], "messages[1].role"),
                ([{"role": "developer", "content": "x"}], "messages[0].role"),
                ([{"role": "user", "content": "x", "tool_calls": []}], "'tool_calls'"),
                ([{"role": "user", "content": "x", "name": "no spaces"}], "messages[0].name"),
                ([{"role": "user", "content": "x", "name": None}], "messages[0].name"),
                ([user(None)], "messages[0].content"),
                ([user([])], "messages[0].content"),
                ([user([{"type": "poem"}])], "messages[0].content[0].type"),
                ([user([{"type": "text", "text": None}])], "messages[0].content[0].text"),
                ([user([{"type": "text", "text": "x", "cache": 1}])], "'cache'"),
                ([user([{"type": "image_url", "image_url": PNG_URI}])], "image_url"),
                ([user([{"type": "image_url", "image_url": {"url": "ftp://a/b"}}])], "http(s)"),
                ([user([{"type": "image_url", "image_url": {"url": "file:///etc"}}])], "http(s)"),
                (
                    [user([{"type": "image_url", "image_url": {"url": PNG_URI, "detail": "x"}}])],
                    "detail",
                ),
                ([user([data_url(NOT64)])], "base64"),
                ([user([data_url(TEXT64)])], "not a PNG"),
                (
                    [
                        user(
                            [
                                {
                                    "type": "input_audio",
                                    "input_audio": {"data": TEXT64, "format": "x"},
                                }
                            ]
                        )
                    ],
                    "format",
                ),
                ([user([{"type": "file", "file": {"file_id": "f"}}])], "file_data"),
                ([user([file_part(f"data:text/csv;base64,{TEXT64}")])], "application/pdf"),
                ([user([file_part(f"data:application/pdf;base64,{TEXT64}")])], "not a PDF"),
                ([user([file_part(PDF64)])], "data URI"),
                ([user([data_url(PNG64, "application/pdf")])], "only image types"),
                ([user([data_url(f"{PNG64[:8]}\n{PNG64[8:]}")])], "base64"),
                ([{"role": "system", "content": [data_url(PNG64)]}, user("Hi")], "role 'user'"),
                ([user("Hi"), assistant([data_url(PNG64)]), user("Hi")], "role 'user'"),
            ]
        ]
    ],
    "anthropic": [
        (openai(), "messages"),
        (openai({"role": "system", "content": "x"}, user("Hi")), "messages.0.role"),
        (openai(assistant("Hi")), "alternate"),
        (openai(user("Hi"), user("Hi")), "messages.1"),
        (openai({"role": "user", "content": "Hi", "name": "ada"}), "'name'"),
        (openai(user("")), "non-empty"),
        (openai(user(" \n")), "non-empty"),
        (openai(user([])), "messages.0.content"),
        (openai(user([{"type": "text", "text": ""}])), "messages.0.content.0"),
        (openai(user([{"type": "image_url", "image_url": {"url": PNG_URI}}])), "type"),
        (
            openai(user([{"type": "image", "source": {"type": "url", "url": "https://a"}}])),
            "source",
        ),
        (openai(user([source("image", NOT64, "image/png")])), "base64"),
        (openai(user([source("image", PNG64, "image/jpeg")])), "declared image/jpeg"),
        (openai(user([document(PNG64)])), "PDF"),
        (openai(user([document(PDF64, "text/plain")])), "media_type"),
        (openai(user([source("image", PNG64, "image/jpg")])), "media_type"),
        (openai(user([{**document(PDF64), "title": ""}])), "title"),
        (openai(user("Hi"), assistant([source("image", PNG64, "image/png")])), "must be text"),
        (openai(user("Hi"), instruction=""), "instruction"),
        (openai(user("Hi"), instruction=["x"]), "instruction"),
        (openai(user("Hi json"), response_format={"type": "json_object"}), "json_object"),
    ],
    "gemini": [
        (openai(user("Hi")), "messages: expected an object"),
        (gemini(), "messages.contents"),
        ({"messages": {}}, "'contents'"),
        (gemini(turn({"text": "x"}), model="x"), "'model'"),
        (gemini(turn({"text": "x"}, role="assistant")), "role"),
        (gemini(turn()), "parts"),
        (gemini(turn({"text": ""})), "parts[0].text"),
        (gemini(turn({"text": "x", "thought": True})), "'thought'"),
        (gemini(turn({"inline_data": {}})), "'text'"),
        (inline("image/png", NOT64), "base64"),
        (inline("image/png", TEXT64), "not a PNG"),
        (inline("image/png", GIF64), "image/gif"),
        (inline("image/gif", GIF64), "mimeType"),
        (inline("image/jpg", PNG64), "mimeType"),
        (inline("text/plain", TEXT64), "mimeType"),
        (inline("application/zip", TEXT64), "mimeType"),
        (inline("audio/midi", TEXT64), "mimeType"),
        (inline("application/pdf", TEXT64), "not a PDF"),
        (gemini(turn({"text": "x"}), system_instruction="Be brief."), "system_instruction"),
        (
            gemini(turn({"text": "x"}), system_instruction={"parts": [{"text": "x"}]}),
            "system_instruction.parts",
        ),
    ],
}


@pytest.mark.parametrize(
    ("family", "body", "where"),
    [(family, body, where) for family, rows in MALFORMED.items() for body, where in rows],
)
def test_family_refuses_a_malformed_body_and_names_the_place(
    family: Family, body: Any, where: str
) -> None:
    status, text = refusal(SLUGS[family], body)
    assert status == 400
    assert where in text


def test_openai_reads_every_kind_of_part() -> None:
    pdf = f"data:application/pdf;base64,{PDF64}"
    content = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": PNG_URI, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
        {"type": "input_audio", "input_audio": {"data": TEXT64, "format": "wav"}},
        {"type": "file", "file": {"file_data": pdf, "filename": "a.pdf"}},
    ]
    turn_read = read("gpt-4o", openai(user(content))).turns[0]
    assert turn_read.text == "Look:"
    assert [(media.kind, media.mime, media.url) for media in turn_read.media] == [
        ("image", "image/png", None),
        ("image", None, "https://example.com/cat.png"),
        ("audio", "audio/wav", None),
        ("file", "application/pdf", None),
    ]
    assert turn_read.media[0].data == PNG


def test_picture_is_refused_by_a_model_without_vision() -> None:
    part = {"type": "image_url", "image_url": {"url": PNG_URI}}
    assert "does not take images" in refusal("gpt-4", openai(user([part])))[1]


def test_picture_is_refused_on_an_unfetchable_host() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://shy.example/cat.png"}}
    status, text = refusal("gpt-4o", openai(user([part])), unfetchable=("shy.example",))
    assert (status, "failed to fetch" in text) == (400, True)


def test_openai_requires_the_word_json_for_a_json_object() -> None:
    wanted = {"type": "json_object"}
    assert "'json'" in refusal("gpt-4o", openai(user("Hi"), response_format=wanted))[1]
    assert read("gpt-4o", openai(user("As JSON please"), response_format=wanted))


def test_openai_keeps_a_later_system_message_in_its_place() -> None:
    system = {"role": "system", "content": "Now in French."}
    request = read("gpt-4o", openai(user("Hi"), system, user("Again")))
    assert [turn_read.role for turn_read in request.turns] == ["user", "system", "user"]


def test_claude_reads_pictures_and_documents() -> None:
    content = [source("image", PNG64, "image/png"), document(PDF64), {"type": "text", "text": "?"}]
    turn_read = read("claude-4.5-sonnet", openai(user(content))).turns[0]
    assert [media.mime for media in turn_read.media] == ["image/png", "application/pdf"]


def test_claude_never_gets_a_native_system_field() -> None:
    request = read("claude-4.5-sonnet", openai(user("Hi"), system="Be a pirate."))
    assert (request.system, request.settings) == ("", {})


def test_gemini_reads_pictures_sounds_films_and_documents() -> None:
    data = {
        "image/png": PNG64,
        "audio/wav": TEXT64,
        "video/mp4": TEXT64,
        "application/pdf": PDF64,
    }
    parts = [{"inlineData": {"mimeType": mime, "data": held}} for mime, held in data.items()]
    turn_read = read("gemini-2.5-flash", gemini(turn(*parts))).turns[0]
    assert [media.kind for media in turn_read.media] == ["image", "audio", "video", "file"]


THOUGHTFUL = Reply("Yes.", finish_reason="length", reasoning="Hm.")


def test_openai_writes_its_own_reply() -> None:
    body = written("openai", THOUGHTFUL, choices=2)
    message = {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}
    assert body["choices"] == [
        {"index": at, "message": message, "finish_reason": "length"} for at in (0, 1)
    ]
    assert body["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_anthropic_writes_its_own_reply() -> None:
    body = written("anthropic", THOUGHTFUL)
    assert [block["type"] for block in body["content"]] == ["thinking", "text"]
    assert body["content"][1] == {"type": "text", "text": "Yes."}
    assert body["stop_reason"] == "max_tokens"
    assert body["usage"] == {"input_tokens": 3, "output_tokens": 2}


def test_gemini_writes_its_own_reply() -> None:
    body = written("gemini", THOUGHTFUL)
    candidate = body["candidates"][0]
    assert candidate["content"]["parts"] == [{"text": "Hm.", "thought": True}, {"text": "Yes."}]
    assert candidate["finishReason"] == "MAX_TOKENS"
    assert body["usageMetadata"]["totalTokenCount"] == 5


def test_family_writes_a_refusal_in_its_own_way() -> None:
    no = Reply(refusal="I will not.")
    message = written("openai", no)["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "I will not.")
    assert written("anthropic", no)["stop_reason"] == "refusal"
    blocked = written("gemini", no)
    assert "candidates" not in blocked
    assert blocked["promptFeedback"]["blockReason"] == "SAFETY"


def test_family_follows_the_name_of_an_unlisted_slug() -> None:
    directory = build_directory(["claude-9", "gemini.x", "claudette-7b", "new-model"])
    families = [directory[slug].family for slug in ("claude-9", "gemini.x", "claudette-7b")]
    assert families == ["anthropic", "gemini", "openai"]
    assert directory["new-model"].family == "openai"


def test_family_of_an_extra_slug_can_be_given() -> None:
    assert build_directory({"house-model": "anthropic"})["house-model"].family == "anthropic"
