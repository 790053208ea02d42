"""requests and aiohttp report the same outcome for the same behavior of the gateway."""

import asyncio
import gzip
import json
from dataclasses import dataclass

import pytest

from langchain_segmind import (
    ChatSegmind,
    SegmindAuthenticationError,
    SegmindConnectionError,
    SegmindError,
    SegmindInsufficientCreditsError,
    SegmindInvalidRequestError,
    SegmindModelNotFoundError,
    SegmindRateLimitError,
    SegmindResponseError,
    SegmindServerError,
    SegmindTimeoutError,
)
from tests.faults import server as faults
from tests.faults.server import Act, FaultServer, answer, reply

KEY = "SG_0123456789abcdef"
BUSY = {"error": "busy"}


@dataclass
class End:
    """The answer or the error of a call."""

    text: str | None = None
    error: SegmindError | None = None


def call(driver, url, slug="m", **kwargs):
    settings = {"timeout": 5, "base_url": url, "api_key": KEY, "model": slug, **kwargs}
    model = ChatSegmind(**settings)

    async def play():
        async with model:
            return (await model.ainvoke("hi")).text

    try:
        if driver == "async":
            return End(text=asyncio.run(play()))
        with model:
            return End(text=model.invoke("hi").text)
    except SegmindError as error:
        return End(error=error)


@pytest.fixture(params=["sync", "async"])
def driver(request):
    return request.param


def scenario(driver, *acts, **kwargs):
    with FaultServer({"m": list(acts)}) as server:
        end = call(driver, server.url, **kwargs)
    return end, server.requests["m"], server.executions["m"]


@dataclass
class Case:
    """What the gateway does, and the expected result."""

    acts: list[Act]
    error: type[SegmindError] | None = None
    outcome: str | None = None
    requests: int = 1
    runs: int = 0


def fine(*acts, requests=1):
    return Case([*acts], requests=requests, runs=1)


def rejected(error, *acts, requests=1):
    return Case([*acts], error, "rejected", requests)


def unknown(error, *acts, runs=0):
    return Case([*acts], error, "unknown", runs=runs)


def executed(error, *acts):
    return Case([*acts], error, "executed", runs=1)


RATE = {"error": "rate limit exceeded"}
NOON = "Sun, 22 Nov 2026 12:00:00 GMT"
PACKED = {"Content-Encoding": "gzip"}
CASES = {
    "success": fine(answer()),
    "reset_after_sending": unknown(SegmindConnectionError, faults.reset, runs=1),
    "closed_after_sending": unknown(SegmindConnectionError, faults.close, runs=1),
    "body_cut_short": executed(SegmindResponseError, faults.cut),
    "endless_body": executed(SegmindResponseError, faults.endless),
    "busy_then_fine": fine(reply(500, BUSY), answer(), requests=2),
    "busy_for_long": rejected(SegmindServerError, reply(500, BUSY), requests=3),
    "unavailable_in_html": fine(reply(503, b"<html>"), answer(), requests=2),
    "early": fine(reply(425, BUSY), answer(), requests=2),
    "500_not_from_the_gateway": unknown(SegmindServerError, reply(500, b"<h1>x</h1>")),
    "bad_gateway": unknown(SegmindServerError, reply(502, b"<html>")),
    "gateway_timeout": unknown(SegmindServerError, reply(504, BUSY)),
    "401": rejected(SegmindAuthenticationError, reply(401, {"error": "invalid"})),
    "404": rejected(SegmindModelNotFoundError, reply(404, {"error": "no such model"})),
    "405_in_html": rejected(SegmindInvalidRequestError, reply(405, b"<html>")),
    "410": rejected(SegmindModelNotFoundError, reply(410, {"error": "retired"})),
    "406_content_type": rejected(
        SegmindInvalidRequestError, reply(406, {"error": "Invalid content type"})
    ),
    "406_credits": rejected(
        SegmindInsufficientCreditsError, reply(406, {"error": "Insufficient credits"})
    ),
    "406_value": rejected(SegmindInvalidRequestError, reply(406, {"error": "top_p refused"})),
    "406_spend_limit": rejected(
        SegmindInsufficientCreditsError, reply(406, {"error": "team spend limit reached"})
    ),
    "empty_200": executed(SegmindResponseError, reply(200, b"", runs=True)),
    "html_200": executed(SegmindResponseError, reply(200, b"<html>", runs=True)),
    "error_under_200": executed(
        SegmindResponseError, reply(200, {"error": "overloaded"}, runs=True)
    ),
    "rate_limit": fine(reply(429, RATE), answer(), requests=2),
    "rate_limit_in_seconds": fine(reply(429, RATE, {"Retry-After": "0"}), answer(), requests=2),
    "rate_limit_in_milliseconds": fine(
        reply(429, RATE, {"Retry-After-Ms": "5"}), answer(), requests=2
    ),
    "rate_limit_by_date": fine(
        reply(429, RATE, {"Date": NOON, "Retry-After": NOON}), answer(), requests=2
    ),
    "rate_limit_in_garbage": fine(reply(429, RATE, {"Retry-After": "soon"}), answer(), requests=2),
    "rate_limit_too_long": rejected(
        SegmindRateLimitError, reply(429, RATE, {"Retry-After": "3600"})
    ),
    "rate_limit_reset_far_away": rejected(
        SegmindRateLimitError,
        reply(429, RATE, {"Date": NOON, "x-rate-limit-reset-at-utc": "2026-11-22 13:00:00"}),
    ),
    "redirect_on_the_host": rejected(
        SegmindInvalidRequestError, reply(302, b"", {"Location": "/v1/m"})
    ),
    "redirect_nowhere": rejected(
        SegmindInvalidRequestError, reply(308, b"", {"Location": "http://[broken"})
    ),
    "packed_although_not_asked": fine(
        reply(200, gzip.compress(json.dumps(faults.ANSWER).encode()), PACKED, runs=True)
    ),
    "packed_bomb": executed(
        SegmindResponseError, reply(200, gzip.compress(b" " * 40_000_000), PACKED, runs=True)
    ),
    "packed_strangely": executed(
        SegmindResponseError, reply(200, b"???", {"Content-Encoding": "br"}, runs=True)
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_both_drivers_report_the_same_outcome(driver, name):
    case = CASES[name]

    end, requests, runs = scenario(driver, *case.acts)

    assert type(end.error) is (case.error or type(None)), end
    assert end.text == (None if case.error else "fine")
    assert (requests, runs) == (case.requests, case.runs)
    if end.error:
        assert end.error.outcome == case.outcome
        assert end.error.attempts == requests
        assert KEY not in repr(end.error) + repr(vars(end.error))


@pytest.mark.parametrize(
    ("act", "outcome"),
    [(faults.hang, "unknown"), (faults.drip_head, "unknown"), (faults.drip_body, "executed")],
)
def test_timeout_ends_a_call_to_a_server_that_sends_slowly(driver, act, outcome):
    end, requests, runs = scenario(driver, act, timeout=0.4)

    assert isinstance(end.error, SegmindTimeoutError)
    assert isinstance(end.error, TimeoutError)
    assert (end.error.outcome, requests, runs) == (outcome, 1, 1)


def test_refused_connection_is_retried_and_not_sent(driver):
    with faults.refused() as url:
        end = call(driver, url)

    assert isinstance(end.error, SegmindConnectionError)
    assert (end.error.outcome, end.error.billed, end.error.attempts) == ("not_sent", False, 3)
    assert end.error.is_retryable


def test_unknown_host_is_not_sent(driver):
    end = call(driver, "https://gateway.invalid/v1", max_retries=0)

    assert isinstance(end.error, SegmindConnectionError)
    assert end.error.outcome == "not_sent"


def test_redirect_to_another_host_is_not_followed(driver):
    with FaultServer({"m": [answer()]}) as other:
        end, requests, _ = scenario(
            driver,
            reply(307, b"", {"Location": other.url.replace("127.0.0.1", "localhost") + "/m"}),
        )

    assert isinstance(end.error, SegmindInvalidRequestError)
    assert requests == 1
    assert other.requests == {}


def test_retry_ambiguous_retries_a_lost_reply(driver):
    end, requests, runs = scenario(driver, faults.reset, answer(), retry_ambiguous=True)

    assert (end.text, requests, runs) == ("fine", 2, 2)


def test_total_timeout_ends_retries(driver):
    end, requests, _ = scenario(
        driver, reply(503, BUSY, {"Retry-After": "30"}), total_timeout=5, max_retries=9
    )

    assert isinstance(end.error, SegmindServerError)
    assert (requests, end.error.retry_after) == (1, 30.0)


def test_echoed_key_is_redacted(driver):
    end, _, _ = scenario(driver, reply(400, {"error": f"bad key {KEY}"}, {"Server": KEY}))

    assert "bad key ***" in str(end.error)
    assert KEY not in repr(vars(end.error))


def test_request_has_exactly_the_expected_headers(driver):
    with FaultServer({"m": [answer()]}) as server:
        call(driver, server.url, default_headers={"X-Team": "blue"})

    (request,) = server.seen
    headers = {name: value for name, value in request.headers.items() if name != "host"}
    agent = headers.pop("user-agent")
    assert agent.startswith("langchain-segmind/")
    assert headers.pop("content-length") == str(len(request.body))
    assert headers.pop("connection", "keep-alive") == "keep-alive"
    assert headers == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "x-api-key": KEY,
        "x-team": "blue",
    }
    assert json.loads(request.body) == {"messages": [{"role": "user", "content": "hi"}]}


def test_cookies_are_neither_kept_nor_sent(driver):
    cookie = {"Set-Cookie": "a=b; Path=/"}
    end, requests, _ = scenario(driver, reply(503, BUSY, cookie), answer())
    assert (end.text, requests) == ("fine", 2)

    with FaultServer({"m": [reply(503, BUSY, cookie), answer()]}) as server:
        call(driver, server.url.replace("127.0.0.1", "localhost"))  # jars keep none of an address
    assert "cookie" not in server.seen[1].headers


def test_netrc_is_not_read(driver, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))

    with FaultServer({"m": [answer()]}) as server:
        call(driver, server.url)

    assert "authorization" not in server.seen[0].headers


INTERIM = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"


def test_interim_replies_are_skipped(driver):
    def hesitating(request):
        request.connection.sendall(INTERIM)
        answer()(request)

    end, requests, runs = scenario(driver, hesitating)

    assert (end.text, requests, runs) == ("fine", 1, 1)


def test_first_of_duplicate_headers_counts(driver):
    def twice(request):
        raw = b"HTTP/1.1 429 Slow\r\nRetry-After: 70\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
        request.connection.sendall(raw)

    end, requests, _ = scenario(driver, twice)

    assert isinstance(end.error, SegmindRateLimitError)
    assert (end.error.retry_after, requests) == (70.0, 1)


def test_big_body_is_sent_without_a_warning(driver):
    big = "x" * 3_000_000
    with FaultServer({"m": [answer()]}) as server:
        end = call(driver, server.url, model_kwargs={"big": big})

    assert end.text == "fine"
    assert json.loads(server.seen[0].body)["big"] == big


def test_waiting_for_a_connection_counts_toward_total_timeout(driver):
    def slow(request):
        request.run_model()
        request.server.wait(0.7)
        reply(200, faults.ANSWER)(request)

    settings = {"max_connections": 1, "total_timeout": 1.0, "max_retries": 0, "api_key": KEY}
    with FaultServer({"m": [slow]}) as server:
        model = ChatSegmind(model="m", base_url=server.url, **settings)
        if driver == "async":
            results = asyncio.run(model.abatch(["hi"] * 2, return_exceptions=True))
        else:
            results = model.batch(["hi"] * 2, return_exceptions=True)
        model.close()

    assert sorted(isinstance(result, SegmindTimeoutError) for result in results) == [False, True]


async def test_aclose_waits_for_active_calls():
    def slow(request):
        request.server.wait(0.3)
        answer()(request)

    with FaultServer({"m": [slow]}) as server:
        model = ChatSegmind(model="m", base_url=server.url, api_key=KEY)
        task = asyncio.create_task(model.ainvoke("hi"))
        await asyncio.to_thread(server.arrived.wait)
        await model.aclose()

        assert (await task).text == "fine"
