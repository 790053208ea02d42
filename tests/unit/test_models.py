"""What is known of the models."""

import pytest

from langchain_segmind import ChatSegmind
from langchain_segmind.models import model_info_for


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
def test_a_family_follows_from_the_name(slug, family):
    assert model_info_for(slug).family == family


def test_a_profile_holds_what_is_known_and_no_more():
    known = ChatSegmind(model="gpt-5.5", api_key="k").profile or {}
    unknown = ChatSegmind(model="gpt-9", api_key="k").profile or {}

    assert known["max_input_tokens"] == 1_000_000
    assert known["image_inputs"] is True
    assert "max_input_tokens" not in unknown
    assert "image_inputs" not in unknown
