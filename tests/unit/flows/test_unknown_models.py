"""Which slug a name may mean that the gateway does not know."""

import pytest

from langchain_segmind._flows.unknown_models import advice_after_404, similar_slugs
from langchain_segmind.models import chat_models

MEANT = {
    "gpt4o": "gpt-4o",
    "GPT-4o": "gpt-4o",
    "gpt-4o-2024-08-06": "gpt-4o",
    "chatgpt-4o-latest": "gpt-4o",
    "gpt_5_mini": "gpt-5-mini",
    "claude-sonnet-4-5": "claude-4.5-sonnet",
    "claude-sonnet-4-5-20250929": "claude-4.5-sonnet",
    "claude-4-5-sonnet": "claude-4.5-sonnet",
    "claude-sonnet-4-0": "claude-4-sonnet",
    "claude-sonnet-4-20250514": "claude-4-sonnet",
    "claude-opus-4-7": "claude-opus-4.7",
    "gemini-3-pro-preview": "gemini-3-pro",
    "llama-3.1-70b-instruct": "llama-v3p1-70b-instruct",
    "kimi-k2": "kimi-k2-instruct-0905",
    "deepseek-r1": "deepseek-reasoner",
    "o4mini": "o4-mini",
}
NEAR = {
    "gpt-4o-mini": "gpt-4o",
    "gpt-3.5-turbo": "gpt-4-turbo",
    "claude-3-5-sonnet-20241022": "claude-4.5-sonnet",
    "claude-haiku-4-5": "claude-4.5-sonnet",
    "gemini-2.0-flash": "gemini-2.5-flash",
}


@pytest.mark.parametrize("name", MEANT)
def test_other_spelling_of_a_slug_names_that_slug_alone(name):
    assert similar_slugs(name) == [MEANT[name]]


@pytest.mark.parametrize("name", NEAR)
def test_model_that_the_gateway_lacks_names_the_nearest_first(name):
    found = similar_slugs(name)

    assert found[0] == NEAR[name]
    assert len(found) <= 3


@pytest.mark.parametrize("slug", chat_models())
def test_slug_in_other_letters_names_itself(slug):
    assert similar_slugs(slug.upper())[0] == slug


@pytest.mark.parametrize("name", ["zzzz", "mistral-large", "-", "..."])
def test_name_unlike_any_slug_has_no_suggestion(name):
    assert similar_slugs(name) == []
    assert "Did you mean" not in advice_after_404(name, f"https://api.segmind.com/v1/{name}")
