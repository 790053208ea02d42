"""Texts that go into messages of errors: extracted from bodies, cleaned and redacted."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_segmind._text import dollars, message_from_body


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (0.0000002, "$0.0000002"),
        (2.5e-05, "$0.000025"),
        (0.00123456, "$0.001235"),
        (0.1 + 0.2, "$0.30"),
        (Decimal("0.25"), "$0.25"),
        (9.999744, "$9.9997"),
        (9.99999, "$10.00"),
        (1234.5, "$1,234.50"),
        (-0.5, "-$0.50"),
    ],
)
def test_dollars_are_written_as_people_do(amount, text):
    assert dollars(amount) == text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"error": "No such model"}', "No such model"),
        ('{"error": {"message": "bad", "code": "E1"}}', "bad; E1"),
        (
            '{"error": "unauthorized", "error_description": "expired", "status_code": 401}',
            "unauthorized; expired",
        ),
        ('{"error": "Unauthorized", "message": "Unauthorized. No key."}', "Unauthorized. No key."),
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
