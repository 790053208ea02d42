"""What the gateway writes on the terminal when it runs as a process."""

from typing import Any

import pytest

from langchain_segmind.testing import LoggedRequest
from langchain_segmind.testing.live_log import LiveLog, describe, last_text

JOB = "/v2/requests/0b5f"


def request(path: str, status: int | None = 200, *, executed: bool = False) -> LoggedRequest:
    method = "GET" if path.startswith(JOB) else "POST"
    return LoggedRequest(method, path, None, {}, None, b"", status, executed)


def shown(*requests: LoggedRequest) -> list[str]:
    lines: list[str] = []
    log = LiveLog(lines.append)
    for each in requests:
        log.show(each)
    return lines


def test_log_shows_each_call() -> None:
    calls = request("/v1/gpt-4o", executed=True), request("/v1/gpt-4o", None)
    assert shown(*calls) == [
        "POST /v1/gpt-4o -> 200, billed",
        "POST /v1/gpt-4o -> connection dropped",
    ]


def test_log_counts_polls_until_the_result_is_fetched() -> None:
    polls = [request(f"{JOB}/status")] * 40
    lines = shown(request("/v2/gpt-4o", executed=True), *polls, request(JOB))
    assert lines == ["POST /v2/gpt-4o -> 200, billed", f"GET {JOB} -> 200, after 40 status polls"]


def test_log_shows_polls_that_fail() -> None:
    lines = shown(request(f"{JOB}/status"), request(f"{JOB}/status", 422), request(JOB, 404))
    assert lines == [f"GET {JOB}/status -> 422, after 1 status poll", f"GET {JOB} -> 404"]


def test_log_forgets_jobs_that_nobody_fetches() -> None:
    log = LiveLog(lambda _line: None)
    for number in range(3000):
        log.show(request(f"{JOB}{number}/status"))
    assert len(vars(log)["_polls"]) == 1000


def test_line_shows_what_was_asked_and_what_went_wrong() -> None:
    body = {"messages": [{"role": "user", "content": "Why is\nthe sky blue?"}]}
    asked = LoggedRequest("POST", "/v1/gpt-4o", None, {}, body, b"", 406, error="No credits")
    assert describe(asked) == 'POST /v1/gpt-4o "Why is the sky blue?" -> 406: "No credits"'


def test_line_stays_one_and_short() -> None:
    asked = LoggedRequest("POST", "/v1/gpt-4o", None, {}, {"prompt": "a\x1b[2J" * 500}, b"", 200)
    assert len(describe(asked)) < 200
    assert "\x1b" not in describe(asked)


def test_line_has_no_text_when_the_body_is_nested_too_deeply() -> None:
    body: Any = "deep"
    for _ in range(5000):
        body = [body]
    asked = LoggedRequest("POST", "/v1/gpt-4o", None, {}, {"messages": body}, b"", 400)
    assert describe(asked) == "POST /v1/gpt-4o -> 400"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"messages": [{"content": "a"}, {"content": "b"}]}, "b"),
        ({"messages": [{"content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}]}, "a"),
        ({"messages": {"contents": [{"parts": [{"text": "a"}, {"inlineData": {}}]}]}}, "a"),
        ({"prompt": "a"}, "a"),
        ({"input": "a", "task_type": "CLUSTERING"}, "a"),
        ({"messages": 5, "temperature": 1}, ""),
        ({"messages": [None, {"content": {"text": 7}}]}, ""),
        (None, ""),
    ],
)
def test_last_text_is_found_in_every_format(body: Any, words: str) -> None:
    assert last_text(body) == words
