"""Which refusals say that the prompt is too long, in the words of every provider."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_segmind._context_overflow import is_context_overflow

SENTENCES = json.loads(Path(__file__).with_name("overflow_sentences.json").read_text())


@pytest.mark.parametrize("text", SENTENCES["too_long"])
def test_refusal_of_a_prompt_that_is_too_long_is_recognized(text):
    assert is_context_overflow(text)
    assert is_context_overflow(f"Error code: 400 - {{'error': {{'message': \"{text.upper()}\"}}}}")


@pytest.mark.parametrize("text", SENTENCES["other"])
def test_refusal_for_another_reason_is_not_taken_for_one(text):
    assert not is_context_overflow(text)


@given(st.text())
def test_any_text_is_accepted(text):
    assert is_context_overflow(text) in (True, False)
