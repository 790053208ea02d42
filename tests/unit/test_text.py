"""Texts that go into messages of errors: extracted from bodies, cleaned and redacted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_segmind._text import message_from_body


@pytest.mark.parametrize(
    ("body", "message"),
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
        ('{"error": "{\\"error\\": {\\"message\\": \\"bad\\"}}"}', "bad"),
        ('{"error": {"metadata": {"raw": "{\\"message\\": \\"bad\\"}"}}}', "bad"),
        ('{"error": {"error": {"error": {"message": "bad"}}}}', "bad"),
        ('{"error": "[not JSON"}', "[not JSON"),
        ('{"error": "{}"}', "{}"),
        ("[]", ""),
        ("", ""),
        ("plain words", "plain words"),
        (
            "<html><head><title>x</title></head><body><h1>405</h1>Not&nbsp;Allowed</body>",
            "405 Not Allowed",
        ),
    ],
)
def test_message_from_body_reads_json_html_and_plain_text(body, message):
    assert message_from_body(body) == message


@given(st.text())
def test_message_from_body_accepts_any_text(body):
    assert message_from_body(body).isprintable()
