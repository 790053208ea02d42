"""What the gateway writes on the terminal when it runs as a process."""

from langchain_segmind.testing import LoggedRequest
from langchain_segmind.testing.__main__ import LiveLog

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


def test_calls_are_shown_each() -> None:
    calls = request("/v1/gpt-4o", executed=True), request("/v1/gpt-4o", None)
    assert shown(*calls) == [
        "POST /v1/gpt-4o -> 200, billed",
        "POST /v1/gpt-4o -> connection dropped",
    ]


def test_polls_are_counted_until_the_result_is_fetched() -> None:
    polls = [request(f"{JOB}/status")] * 40
    lines = shown(request("/v2/gpt-4o", executed=True), *polls, request(JOB))
    assert lines == ["POST /v2/gpt-4o -> 200, billed", f"GET {JOB} -> 200, after 40 status polls"]


def test_polls_that_go_wrong_are_shown() -> None:
    lines = shown(request(f"{JOB}/status"), request(f"{JOB}/status", 422), request(JOB, 404))
    assert lines == [f"GET {JOB}/status -> 422, after 1 status poll", f"GET {JOB} -> 404"]


def test_jobs_nobody_fetches_take_no_room() -> None:
    log = LiveLog(lambda _line: None)
    for number in range(3000):
        log.show(request(f"{JOB}{number}/status"))
    assert len(vars(log)["_polls"]) == 1000
