"""The errors: their classes, what they hold, and whether a call may be repeated."""

import copy
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core import exceptions as core

import langchain_segmind
from langchain_segmind import SegmindError, SegmindServerError, errors

ALL = [
    cls
    for name, cls in vars(langchain_segmind).items()
    if name.startswith("Segmind") and issubclass(cls, SegmindError)
]


@pytest.mark.parametrize("cls", ALL)
def test_class_is_in_the_docstring_tree_and_derives_from_langchains_error(cls):
    line = re.search(rf"\b{cls.__name__} +(Model\w+|Context\w+)?", errors.__doc__)

    assert line
    assert issubclass(cls, getattr(core, line[1] or "ModelError"))


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_error_survives_pickle_and_copy(cls, copied):
    error = cls(
        "went wrong",
        status_code=503,
        request_id="r1",
        outcome="rejected",
        attempts=3,
        body="{}",
        headers={"date": "today"},
        remaining_credits=1.5,
        retry_after=2.0,
        model="gpt-4o",
        is_retryable=True,
    )

    again = copied(error)

    assert type(again) is cls
    assert vars(again) == vars(error)
    assert str(again) == "went wrong"


def test_error_keeps_only_allowed_headers_and_the_start_of_the_body():
    error = SegmindError("x", body="b" * 100_000, headers={"set-cookie": "secret", "date": "now"})

    assert error.headers == {"date": "now"}
    assert error.body == "b" * 16 * 1024


@given(st.text())
def test_message_is_one_printable_line(text):
    message = str(SegmindError(text))

    assert len(message) <= 2_000
    assert message.isprintable() or message == ""


def test_hide_removes_the_secret_from_every_field():
    key = "SG_0123456789"
    error = SegmindError(f"key {key} is bad", body=f"{key}!", headers={"server": key})

    error.hide(key)

    assert key not in repr(error) + str(vars(error)) + repr(pickle.dumps(error))


@pytest.mark.parametrize("key", ["k", "e", "test", "unknown"])
def test_hide_keeps_the_text_when_the_key_is_a_common_word(key):
    error = SegmindError("not sent", outcome="unknown", model="test-model", body="test")

    error.hide(key)

    assert (str(error), error.outcome, error.model) == ("not sent", "unknown", "test-model")


@pytest.mark.parametrize(
    ("outcome", "billed"),
    [("not_sent", False), ("rejected", False), ("executed", True), ("unknown", None), (None, None)],
)
def test_billed_follows_from_the_outcome(outcome, billed):
    assert SegmindError("x", outcome=outcome).billed is billed


def test_is_retryable_is_kept_and_false_by_default():
    assert SegmindServerError("x", outcome="rejected", is_retryable=True).is_retryable
    assert not SegmindServerError("x", outcome="unknown").is_retryable


@pytest.mark.parametrize(
    "text",
    [
        "",
        "406",
        "Not Acceptable",
        "406 Not Acceptable nginx/1.24.0",
        "Error 406",
        "not_acceptable.",
    ],
)
def test_406_without_a_reason_points_at_the_credits_first(text):
    cls, advice = errors.error_class_for(406, text)

    assert cls is errors.SegmindInvalidRequestError
    assert advice.startswith("Check the credits first")


@pytest.mark.parametrize("text", ["Invalid content type", "seed is not acceptable", "error: top_k"])
def test_406_with_a_reason_asks_to_correct_the_request(text):
    assert errors.error_class_for(406, text)[1].startswith("Correct the request")
