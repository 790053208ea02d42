"""The values of an exchange."""

from langchain_segmind._flows.types import Request, Step


def test_repr_of_a_request_hides_headers_and_body():
    step = Step(Request("POST", "https://gw.example/v1/m", b"private", {"authorization": "secret"}))

    assert "private" not in repr(step)
    assert "secret" not in repr(step)
