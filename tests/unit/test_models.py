"""What is known of the models, and what the vendor's catalog adds."""

from typing import get_args

import pytest

from langchain_segmind import ChatSegmind, ModelInfo, SegmindResponseError
from langchain_segmind._client.profiles import published
from langchain_segmind._client.settings import ChatSettings
from langchain_segmind._formats import SETTINGS
from langchain_segmind.models import KnownModel, chat_models, model_info_for, parse_catalog
from langchain_segmind.testing.directory import build_directory

ENTRY = {
    "slug": "gpt-5.5",
    "title": "GPT-5.5",
    "type": "textToText",
    "description": "A model.",
    "is_depreciated": "True",
    "parameters_schema": {"temperature": {"type": "number"}},
}


@pytest.mark.parametrize(
    ("slug", "family"),
    [
        ("claude-4.5-sonnet", "anthropic"),
        ("claude-9-tomorrow", "anthropic"),
        ("claude", "anthropic"),
        ("claude4", "anthropic"),
        ("claudette-7b", "openai"),
        ("gemini-3-pro", "gemini"),
        ("gemini-4-ultra", "gemini"),
        ("gemini.x", "gemini"),
        ("geminino", "openai"),
        ("my-claude", "openai"),
        ("gpt-9", "openai"),
        ("o3", "openai"),
    ],
)
def test_family_follows_from_the_name(slug, family):
    assert model_info_for(slug).family == family


def test_profile_has_only_what_is_known():
    known = ChatSegmind(model="gpt-5.5", api_key="k").profile or {}
    unknown = ChatSegmind(model="gpt-9", api_key="k").profile or {}

    assert (known["max_input_tokens"], known["image_inputs"]) == (1_000_000, True)
    assert not {"max_input_tokens", "image_inputs"} & unknown.keys()


def test_profile_has_the_sizes_that_makers_publish():
    sizes = {
        slug: (profile["max_input_tokens"], profile["max_output_tokens"])
        for slug in ("gpt-4o", "gpt-4-turbo", "gpt-5", "gpt-5-mini", "o3", "o4-mini")
        if (profile := ChatSegmind(model=slug, api_key="k").profile or {})
    }

    assert sizes == {
        "gpt-4o": (128_000, 16_384),
        "gpt-4-turbo": (128_000, 4_096),
        "gpt-5": (272_000, 128_000),
        "gpt-5-mini": (272_000, 128_000),
        "o3": (200_000, 100_000),
        "o4-mini": (200_000, 100_000),
    }


def test_makers_sizes_are_those_of_listed_models():
    assert published().keys() <= chat_models().keys()


@pytest.mark.parametrize(
    ("slug", "pdf", "audio"),
    [("gpt-4o", None, None), ("claude-4.5-sonnet", True, False), ("gemini-3-pro", True, True)],
)
def test_profile_has_what_a_model_can_be_shown(slug, pdf, audio):
    profile = ChatSegmind(model=slug, api_key="k").profile or {}

    assert (profile["image_inputs"], profile["image_tool_message"]) == (True, True)
    assert (profile.get("pdf_inputs"), profile.get("pdf_tool_message")) == (pdf, pdf)
    assert profile.get("audio_inputs") is audio
    assert profile["tool_call_streaming"] is False
    assert profile["reasoning_output"] is (slug != "gpt-4o")


@pytest.mark.parametrize("slug", ["gpt-4o", "gpt-9"])
def test_given_profile_completes_the_known_one(slug):
    given = {"max_input_tokens": 64_000, "image_inputs": False}

    completed = ChatSegmind(model=slug, api_key="k", profile=given).profile

    assert completed == {**(ChatSegmind(model=slug, api_key="k").profile or {}), **given}
    assert completed["structured_output"] is True
    assert given == {"max_input_tokens": 64_000, "image_inputs": False}


def test_catalog_entry_adds_to_what_is_known():
    (model,) = parse_catalog([ENTRY])

    assert model == ModelInfo(
        slug="gpt-5.5",
        family="openai",
        images=True,
        context=1_000_000,
        seconds=17,
        title="GPT-5.5",
        description="A model.",
        is_deprecated=True,
        parameters={"temperature": {"type": "number"}},
    )
    known = model_info_for("gpt-5.5")
    assert (known.title, known.description, known.is_deprecated) == (None, None, None)


def test_catalog_entry_needs_only_a_slug():
    (model,) = parse_catalog({"models": [{"slug": "claude-9", "type": "textToText"}]})

    assert model == ModelInfo(
        "claude-9", "anthropic", title="claude-9", description="", is_deprecated=False
    )


@pytest.mark.parametrize(
    "entry", [None, 7, {}, {"slug": "x"}, {**ENTRY, "type": "textToImage"}, {**ENTRY, "slug": ""}]
)
def test_catalog_entry_is_skipped_unless_it_is_a_language_model(entry):
    assert [model.slug for model in parse_catalog([entry, ENTRY])] == ["gpt-5.5"]


@pytest.mark.parametrize("document", [None, 7, "x", {}, {"models": 3}])
def test_document_without_a_list_is_an_error(document):
    with pytest.raises(SegmindResponseError, match="does not contain a list of models"):
        parse_catalog(document)


def test_slugs_that_editors_complete_are_the_known_ones():
    assert list(get_args(KnownModel)) == list(chat_models())


def test_grade_is_that_of_the_contract():
    assumed = {slug for slug, info in chat_models().items() if info.grade == "assumed"}

    assert len(assumed) == 22
    assert {"gpt-5", "o3-mini", "claude-opus-4.7"} <= assumed
    assert model_info_for("a-new-model").grade == "assumed"


def test_local_gateway_lists_the_same_models():
    directory = build_directory().values()
    listed = {model.slug: model for model in directory if not (model.embeds or model.draws)}

    assert {slug: (model.family, model.images) for slug, model in listed.items()} == {
        slug: (info.family, info.images) for slug, info in chat_models().items()
    }


def test_every_generation_setting_is_sent():
    of_the_client = {"family", "model_kwargs", "streaming", "tool_calling", "queue"}
    of_the_client |= {"include_response_headers", "queue_timeout", "poll_interval"}
    fields = {name for name in ChatSettings.__annotations__ if not name.startswith("_")}

    assert fields - of_the_client - {"profile"} == set(SETTINGS)
