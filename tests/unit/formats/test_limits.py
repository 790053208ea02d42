"""Replies of more choices, calls or values than a model writes cost little and are not silent."""

import json

import pytest

from langchain_segmind._formats import decode, decode_job
from langchain_segmind._messages.limits import MOST, MOST_VALUES
from langchain_segmind.errors import SegmindResponseError

CHOICE = {"message": {"content": "fine"}}
CALLS = {
    "openai": lambda calls: {
        "choices": [
            {"message": {"content": "fine", "tool_calls": [{"function": call} for call in calls]}}
        ]
    },
    "anthropic": lambda calls: {
        "content": [{"type": "text", "text": "fine"}, *({"type": "tool_use", **c} for c in calls)]
    },
    "gemini": lambda calls: {
        "candidates": [
            {"content": {"parts": [{"text": "fine"}, *({"functionCall": c} for c in calls)]}}
        ]
    },
}
FLOODS = {
    "empty choices": b'{"choices":[' + b"{}," * MOST_VALUES + b"{}]}",
    "choices": b'{"choices":[' + b'{"message":{"content":""}},' * MOST_VALUES + b"{}]}",
    "candidates": b'{"candidates":[' + b'{"content":{"parts":[{}]}},' * MOST_VALUES + b"{}]}",
    "parts": b'{"content":[' + b'{"text":"a"},' * MOST_VALUES + b"{}]}",
    "numbers": b'{"content":[' + b"0," * MOST_VALUES + b"0]}",
    "lists": b'{"content":[' + b"[]," * MOST_VALUES + b"0]}",
    "texts": b'{"choices":["' + b'","' * MOST_VALUES + b'"]}',
    "keys": b'{"choices":[], "' + b'":1,"' * MOST_VALUES + b'":1}',
}


def encoded(value):
    return json.dumps(value).encode()


@pytest.mark.parametrize("flood", FLOODS)
def test_reply_of_too_many_values_is_an_error_that_gives_the_reason(flood):
    with pytest.raises(SegmindResponseError, match="more than 500,000 JSON values"):
        decode(FLOODS[flood])


def test_job_output_of_too_many_values_is_an_error():
    with pytest.raises(SegmindResponseError, match="more than 500,000 JSON values"):
        decode_job({"output": FLOODS["choices"].decode()})


@pytest.mark.parametrize("text", ["{[,", '"', '\\"', "\\", '\\\\",{'])
def test_what_stands_in_a_text_is_no_value(text):
    long = text * MOST_VALUES

    assert decode(encoded({"choices": [{"message": {"content": long}}]})).choices[0].text == long


def test_reply_has_as_many_choices_as_are_read(caplog):
    assert len(decode(encoded({"choices": [CHOICE] * MOST})).choices) == MOST
    assert caplog.messages == []


def test_choices_over_the_limit_are_ignored_with_a_warning(caplog):
    unreadable: list[object] = [{}] * MOST

    found = decode(encoded({"choices": [*unreadable, CHOICE, *unreadable, *[CHOICE] * MOST, {}]}))

    assert [choice.text for choice in found.choices] == ["fine"] * MOST
    assert caplog.messages == ["A reply has more than 1000 choices; the others are ignored."]


@pytest.mark.parametrize("family", CALLS)
def test_calls_over_the_limit_are_ignored_with_a_warning(family, caplog):
    arguments = {"openai": "arguments", "anthropic": "input", "gemini": "args"}[family]
    calls = [{"name": "search", arguments: {"q": n}} for n in range(MOST + 1)]

    few = decode(encoded(CALLS[family](calls[:-1]))).choices[0]
    many = decode(encoded(CALLS[family](calls))).choices[0]

    assert (few.text, few.calls) == (many.text, many.calls)
    assert [call.arguments for call in many.calls] == [{"q": n} for n in range(MOST)]
    assert caplog.messages == ["A reply has more than 1000 tool calls; the others are ignored."]
