"""Every family over HTTP: one history through all, media, refusals, the catalogue."""

import asyncio
import base64
from typing import Any

import pytest
from langchain_core import exceptions
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from langchain_segmind import ChatSegmind, SegmindInvalidRequestError, content_block_from_file
from langchain_segmind.models import model_info_for
from langchain_segmind.testing import LocalGateway, Reply
from tests.integration.call_styles import build, in_both_styles, model_requests

pytestmark = in_both_styles

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TOUR = ("gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash")
FAMILIES = pytest.mark.parametrize("slug", TOUR)


def last_body(gateway):
    return model_requests(gateway)[-1].body


def test_one_history_goes_through_every_family(gateway):
    gateway.reply(
        Reply("Nice to meet you, Ada.", reasoning="secret thoughts of one"),
        Reply("It is one red pixel.", reasoning="secret thoughts of another"),
        "Your name is Ada.",
    )
    history = [SystemMessage("Be brief."), HumanMessage("My name is Ada.")]
    picture = HumanMessage(
        [{"type": "text", "text": "What is this?"}, content_block_from_file(PNG)]
    )
    question = HumanMessage("What is my name?")
    for slug, says in zip(TOUR, ([picture], [question], []), strict=True):
        with build(gateway, slug) as model:
            history += [model.invoke(history), *says]

    assert history[-1].text == "Your name is Ada."
    assert "My name is Ada." in str(model_requests(gateway)[-1].body)
    assert [request.status for request in model_requests(gateway)] == [200, 200, 200]
    assert "secret" not in str([request.body for request in model_requests(gateway)])
    for message, slug in zip([m for m in history if isinstance(m, AIMessage)], TOUR, strict=True):
        assert message.response_metadata["model_name"] == slug
        assert message.response_metadata["finish_reason"] == "stop"


@FAMILIES
def test_histories_of_other_providers_are_told_without_their_private_blocks(gateway, slug):
    claude: list[str | dict[Any, Any]] = [
        {"type": "thinking", "thinking": "private", "signature": "private"},
        {"type": "text", "text": "Let me look."},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": "private"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": "private"},
    ]
    openai: list[str | dict[Any, Any]] = [
        {"type": "reasoning", "id": "r1", "summary": [{"text": "private"}]},
        {"type": "text", "text": "Found.", "annotations": [{"type": "citation", "url": "private"}]},
        {"type": "web_search_call", "id": "private"},
    ]
    gemini: list[str | dict[Any, Any]] = [
        {"type": "executable_code", "executable_code": "private"},
        {"type": "text", "text": "Done.", "extras": {"signature": "private"}},
        {"type": "non_standard", "value": {"x": "private"}},
    ]
    with build(gateway, slug) as model:
        model.invoke(
            [
                "Hello",
                *(AIMessage(content) for content in (claude, openai, gemini)),
                ("human", "Go on."),
            ]
        )

    sent = str(last_body(gateway))
    assert all(words in sent for words in ("Let me look.", "Found.", "Done."))
    assert "private" not in sent


@FAMILIES
def test_pictures_from_files_and_bytes_arrive(gateway, slug, tmp_path):
    path = tmp_path / "pixel.png"
    path.write_bytes(PNG)

    with build(gateway, slug) as model:
        for picture in (path, str(path), PNG):
            text = {"type": "text", "text": "What is this?"}
            assert model.invoke([HumanMessage([text, content_block_from_file(picture)])]).text

    assert base64.b64encode(PNG).decode() in str(last_body(gateway))


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_an_image_block_knows_its_kind(data, mime):
    block = content_block_from_file(data)

    assert block == {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": mime}


def test_a_content_block_is_refused_unless_the_file_is_an_image(tmp_path):
    for data in (b"", b"hello", b"RIFF\x00\x00\x00\x00WAVE"):
        with pytest.raises(ValueError, match="image is"):
            content_block_from_file(data)
    with pytest.raises(FileNotFoundError):
        content_block_from_file(tmp_path / "missing.png")
    assert content_block_from_file(b"BM", mime_type="image/bmp")["mime_type"] == "image/bmp"


@pytest.mark.parametrize("slug", TOUR[1:])
def test_an_address_of_an_image_is_refused_with_advice_where_only_inline_data_goes(gateway, slug):
    message = HumanMessage([{"type": "image", "url": "https://x.example/a.png"}])

    with build(gateway, slug) as model, pytest.raises(SegmindInvalidRequestError) as caught:
        model.invoke(["Hello", message])

    assert "message 1, block 0" in str(caught.value)
    assert "content_block_from_file" in str(caught.value)
    assert model_requests(gateway) == []


def test_a_file_named_in_a_message_is_never_opened(gateway, tmp_path):
    (tmp_path / "secret.png").write_bytes(PNG)
    message = HumanMessage([{"type": "image", "url": f"file://{tmp_path}/secret.png"}])

    with build(gateway, "gpt-4o") as model, pytest.raises(SegmindInvalidRequestError):
        model.invoke([message])

    assert base64.b64encode(PNG).decode() not in str([r.body for r in model_requests(gateway)])


@pytest.mark.parametrize(
    ("slug", "reason", "native"),
    [
        ("gpt-4o", "length", None),
        ("claude-4.5-sonnet", "length", "max_tokens"),
        ("gemini-2.5-flash", "length", "MAX_TOKENS"),
        ("gpt-4o", "content_filter", None),
        ("claude-4.5-sonnet", "content_filter", "refusal"),
        ("gemini-2.5-flash", "content_filter", "SAFETY"),
    ],
)
def test_finish_reasons_are_in_openais_words_and_the_familys(gateway, slug, reason, native):
    gateway.reply(Reply("Once", finish_reason=reason))

    with build(gateway, slug) as model:
        told = model.invoke("Tell me").response_metadata

    assert told["finish_reason"] == reason
    assert told.get("native_finish_reason") == native


@FAMILIES
def test_a_refusal_is_an_empty_answer_that_says_so(gateway, slug):
    gateway.reply(Reply(refusal="I will not."))

    with build(gateway, slug) as model:
        message = model.invoke("Do something bad")

    assert message.text == ""
    assert message.additional_kwargs["refusal"] == "I will not."


@FAMILIES
def test_a_refusal_of_structured_output_says_so_instead_of_failing_to_parse(gateway, slug):
    gateway.reply(*[Reply(refusal="I will not.")] * 3)
    expected = getattr(exceptions, "ModelRefusalError", exceptions.OutputParserException)

    with build(gateway, slug) as model:
        structured = model.with_structured_output({"title": "x", "type": "object"})
        for ask in (structured.invoke, lambda text: list(structured.stream(text))):
            with pytest.raises(expected, match="I will not"):
                ask("Do something bad")
        raw = model.with_structured_output({"title": "x", "type": "object"}, include_raw=True)
        assert isinstance(raw.invoke("Do something bad")["parsing_error"], expected)


@pytest.mark.parametrize("slug", TOUR)
def test_stop_sequences_go_by_the_familys_own_name_and_are_kept(gateway, slug):
    gateway.reply("one two three")

    with build(gateway, slug, stop=["two"]) as model:
        assert model.invoke("Count").text == "one "

    name = {"gpt-4o": "stop", "claude-4.5-sonnet": "stop_sequences"}.get(slug, "stopSequences")
    assert last_body(gateway)[name] == ["two"]


def test_json_mode_is_refused_for_claude_before_anything_is_sent(gateway):
    with build(gateway, "claude-4.5-sonnet") as model:
        structured = model.with_structured_output(None, method="json_mode")
        with pytest.raises(SegmindInvalidRequestError, match="json_schema"):
            structured.invoke("Hello")

    assert model_requests(gateway) == []


@pytest.mark.parametrize(("slug", "family"), [("house-llm", "anthropic"), ("my-model", "gemini")])
def test_the_family_of_an_odd_slug_can_be_set(slug, family):
    with (
        LocalGateway(models={slug: family}) as gateway,
        build(gateway, slug, family=family) as model,
    ):
        assert model.invoke("Hello").text


def test_tomorrows_slugs_work_by_the_rule():
    slugs = ("claude-9-haiku", "gemini-5-ultra", "gpt-7", "claudette-7b")

    with LocalGateway(models=slugs) as gateway:
        for slug in slugs:
            with build(gateway, slug) as model:
                assert model.invoke("Hello").text


def test_every_model_of_the_directory_answers(gateway):
    async def ask_all():
        entries = await model.alist_models()
        messages = await asyncio.gather(*(model.ainvoke("Hello", model=e.slug) for e in entries))
        await model.aclose()
        return entries, messages

    model = build(gateway, "gpt-4o")
    entries, messages = asyncio.run(ask_all())

    assert len(entries) >= 50
    assert {m.response_metadata["model_name"] for m in messages} == {e.slug for e in entries}


def test_the_catalogue_is_read_without_the_key():
    with LocalGateway(retired=["old-model"]) as gateway:
        with build(gateway, "gpt-4o", default_headers={"X-Secret": "s"}) as model:
            entries = {entry.slug: entry for entry in model.list_models()}
        of_the_class = ChatSegmind.list_models(base_url=gateway.base_url)

    assert entries["old-model"].is_deprecated
    assert not entries["gpt-4o"].is_deprecated
    assert entries["gpt-5.5"].context == model_info_for("gpt-5.5").context
    assert entries["gpt-4o"].title
    assert "stable-diffusion" not in str(sorted(entries))
    assert {entry.slug for entry in of_the_class} == set(entries)
    for request in model_requests(gateway):
        assert "x-api-key" not in request.headers
        assert "x-secret" not in request.headers


def test_the_class_reads_the_address_of_the_catalogue_from_the_environment(gateway, monkeypatch):
    monkeypatch.setenv("SEGMIND_API_BASE", gateway.base_url)

    assert len(ChatSegmind.list_models()) >= 50
    assert len(asyncio.run(ChatSegmind.alist_models())) >= 50
