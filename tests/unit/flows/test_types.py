"""The values of an exchange keep their secrets to themselves."""

from langchain_segmind._flows.types import Request, Step


def test_a_request_does_not_show_its_headers_or_body():
    step = Step(Request("POST", "https://gw.example/v1/m", b"private", {"authorization": "secret"}))

    assert "private" not in repr(step)
    assert "secret" not in repr(step)
