"""Every family over HTTP: one history through all, media, refusals, the catalog."""

import asyncio
import base64
from typing import Any

import pytest
from langchain_core import exceptions
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from langchain_segmind import ChatSegmind, SegmindInvalidRequestError, content_block_from_file
from langchain_segmind.models import model_info_for
from langchain_segmind.testing import LocalGateway, Reply
from tests.integration.call_styles import build, model_requests
from tests.integration.samples import PNG, PNG_BASE64, SLUGS, each_family


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
    for slug, added in zip(SLUGS, ([picture], [question], []), strict=True):
        with build(gateway, slug) as model:
            history += [model.invoke(history), *added]

    assert history[-1].text == "Your name is Ada."
    assert "My name is Ada." in str(last_body(gateway))
    assert all(PNG_BASE64 in str(request.body) for request in model_requests(gateway)[1:])
    assert [request.status for request in model_requests(gateway)] == [200, 200, 200]
    assert "secret" not in str([request.body for request in model_requests(gateway)])
    for message, slug in zip([m for m in history if isinstance(m, AIMessage)], SLUGS, strict=True):
        assert message.response_metadata["model_name"] == slug
        assert message.response_metadata["finish_reason"] == "stop"


@each_family
def test_history_of_another_provider_is_sent_without_its_private_blocks(gateway, slug):
    blocks: list[str | dict[Any, Any]] = [
        {"type": "thinking", "thinking": "private", "signature": "private"},
        {"type": "text", "text": "Let me look."},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": "private"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": "private"},
        {"type": "reasoning", "id": "r1", "summary": [{"text": "private"}]},
        {"type": "text", "text": "Found.", "annotations": [{"type": "citation", "url": "private"}]},
        {"type": "web_search_call", "id": "private"},
        {"type": "executable_code", "executable_code": "private"},
        {"type": "text", "text": "Done.", "extras": {"signature": "private"}},
        {"type": "non_standard", "value": {"x": "private"}},
    ]
    with build(gateway, slug) as model:
        model.invoke(["Hello", AIMessage(blocks), ("human", "Go on.")])

    sent = str(last_body(gateway))
    assert all(text in sent for text in ("Let me look.", "Found.", "Done."))
    assert "private" not in sent


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_content_block_has_the_mime_type_of_the_image(data, mime, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(data)
    block = {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": mime}

    assert [content_block_from_file(file) for file in (data, path, str(path))] == [block] * 3


def test_content_block_is_refused_unless_the_file_is_an_image(tmp_path):
    for data in (b"", b"hello", b"RIFF\x00\x00\x00\x00WAVE"):
        with pytest.raises(ValueError, match="image is"):
            content_block_from_file(data)
    with pytest.raises(FileNotFoundError):
        content_block_from_file(tmp_path / "missing.png")
    assert content_block_from_file(b"BM", mime_type="image/bmp")["mime_type"] == "image/bmp"


@pytest.mark.parametrize("slug", SLUGS[1:])
def test_image_url_is_refused_with_advice_when_only_inline_data_goes(gateway, slug):
    message = HumanMessage([{"type": "image", "url": "https://x.example/a.png"}])

    with build(gateway, slug) as model, pytest.raises(SegmindInvalidRequestError) as caught:
        model.invoke(["Hello", message])

    assert "message 1, block 0" in str(caught.value)
    assert "content_block_from_file" in str(caught.value)
    assert model_requests(gateway) == []


def test_file_that_a_message_names_is_never_opened(gateway, tmp_path):
    (tmp_path / "secret.png").write_bytes(PNG)
    message = HumanMessage([{"type": "image", "url": f"file://{tmp_path}/secret.png"}])

    with build(gateway) as model, pytest.raises(SegmindInvalidRequestError):
        model.invoke([message])

    assert PNG_BASE64 not in str([r.body for r in model_requests(gateway)])


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
def test_finish_reason_is_openais_beside_the_native_one(gateway, slug, reason, native):
    gateway.reply(Reply("Once", finish_reason=reason))

    with build(gateway, slug) as model:
        metadata = model.invoke("Tell me").response_metadata

    assert metadata["finish_reason"] == reason
    assert metadata.get("native_finish_reason") == native


@each_family
def test_refusal_is_an_empty_text_and_an_error_of_structured_output(gateway, slug):
    gateway.reply(*[Reply(refusal="I will not.")] * 4)
    expected = getattr(exceptions, "ModelRefusalError", exceptions.OutputParserException)
    schema = {"title": "x", "type": "object"}

    with build(gateway, slug) as model:
        message = model.invoke("Do something bad")
        assert message.text == ""
        assert message.additional_kwargs["refusal"] == "I will not."
        structured = model.with_structured_output(schema)
        for ask in (structured.invoke, lambda text: list(structured.stream(text))):
            with pytest.raises(expected, match="I will not"):
                ask("Do something bad")
        raw = model.with_structured_output(schema, include_raw=True)
        assert isinstance(raw.invoke("Do something bad")["parsing_error"], expected)


@pytest.mark.parametrize(
    ("slug", "family"),
    [
        ("house-llm", "anthropic"),
        ("my-model", "gemini"),
        ("claude-9-haiku", None),
        ("gemini-5-ultra", None),
        ("gpt-7", None),
        ("claudette-7b", None),
    ],
)
def test_unknown_slug_works_by_the_family_of_its_name_or_the_given_one(slug, family):
    models = {slug: family} if family else [slug]
    with LocalGateway(models=models) as gateway, build(gateway, slug, family=family) as model:
        assert model.invoke("Hello").text


def test_every_model_of_the_catalog_answers(gateway):
    async def ask_all():
        entries = await model.alist_models()
        messages = await asyncio.gather(*(model.ainvoke("Hello", model=e.slug) for e in entries))
        await model.aclose()
        return entries, messages

    model = build(gateway, "gpt-4o")
    entries, messages = asyncio.run(ask_all())

    assert len(entries) >= 50
    assert {m.response_metadata["model_name"] for m in messages} == {e.slug for e in entries}


def test_catalog_is_read_without_the_key_and_headers():
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


def test_list_models_of_the_class_uses_the_address_of_the_environment(gateway, monkeypatch):
    monkeypatch.setenv("SEGMIND_API_BASE", gateway.base_url)

    assert len(ChatSegmind.list_models()) >= 50
    assert len(asyncio.run(ChatSegmind.alist_models())) >= 50
