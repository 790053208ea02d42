"""The error tree: what its members carry, and whom they keep from paying twice."""

import copy
import pickle

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
LANGCHAINS = {
    "SegmindAuthenticationError": core.ModelAuthenticationError,
    "SegmindPermissionDeniedError": core.ModelPermissionDeniedError,
    "SegmindModelNotFoundError": core.ModelNotFoundError,
    "SegmindInvalidRequestError": core.ModelInvalidRequestError,
    "SegmindContextOverflowError": core.ContextOverflowError,
    "SegmindRateLimitError": core.ModelRateLimitError,
    "SegmindServerError": core.ModelAPIError,
    "SegmindConnectionError": core.ModelConnectionError,
    "SegmindTimeoutError": core.ModelTimeoutError,
}


@pytest.mark.parametrize("cls", ALL)
def test_every_class_is_drawn_in_the_tree(cls):
    assert cls.__name__ in errors.__doc__


@pytest.mark.parametrize("cls", ALL)
def test_every_class_is_also_langchains(cls):
    assert issubclass(cls, LANGCHAINS.get(cls.__name__, core.ModelError))


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_survives_pickle_and_copy(cls, copied):
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


def test_keeps_only_listed_headers_and_a_part_of_the_body():
    error = SegmindError("x", body="b" * 100_000, headers={"set-cookie": "secret", "date": "now"})

    assert error.headers == {"date": "now"}
    assert error.body == "b" * 16 * 1024


@given(st.text())
def test_a_message_is_one_clean_line(text):
    message = str(SegmindError(text))

    assert len(message) <= 2_000
    assert message.isprintable() or message == ""


def test_hides_a_secret_wherever_it_was_echoed():
    key = "SG_0123456789"
    error = SegmindError(f"key {key} is bad", body=f"{key}!", headers={"server": key})

    error.hide(key)

    assert key not in repr(error) + str(vars(error)) + repr(pickle.dumps(error))


@pytest.mark.parametrize("key", ["k", "e", "test", "unknown"])
def test_a_key_that_is_a_common_word_spoils_no_verdict(key):
    error = SegmindError("not sent", outcome="unknown", model="test-model", body="test")

    error.hide(key)

    assert (str(error), error.outcome, error.model) == ("not sent", "unknown", "test-model")


@pytest.mark.parametrize(
    ("outcome", "billed"),
    [("not_sent", False), ("rejected", False), ("executed", True), ("unknown", None), (None, None)],
)
def test_tells_whether_it_was_billed(outcome, billed):
    assert SegmindError("x", outcome=outcome).billed is billed


def test_a_rejected_server_error_may_be_repeated_an_unknown_one_not():
    assert SegmindServerError("x", outcome="rejected", is_retryable=True).is_retryable
    assert not SegmindServerError("x", outcome="unknown").is_retryable


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": "No such model"}', "No such model"),
        ('{"error": {"message": "bad", "code": "E1"}}', "bad; E1"),
        (
            '{"error": "unauthorized", "error_description": "expired", "status_code": 401}',
            "unauthorized; expired",
        ),
        ('{"message": "m", "detail": "d"}', "m; d"),
        ('{"detail": [{"msg": "field required", "loc": ["body"]}]}', "field required"),
        ('{"error": null}', ""),
        ("[]", ""),
        ("", ""),
        ("plain words", "plain words"),
        (
            "<html><head><title>x</title></head><body><h1>405</h1>Not&nbsp;Allowed</body>",
            "405 Not Allowed",
        ),
    ],
)
def test_reads_what_an_error_body_means(body, said):
    assert errors.explain(body) == said


@given(st.text())
def test_no_error_body_can_break_the_reading(body):
    assert errors.explain(body).isprintable()
