"""The same conversation through requests and through aiohttp comes to the same verdict."""

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
from tests.integration import faults
from tests.integration.faults import FaultServer, answer, reply

KEY = "SG_0123456789abcdef"
BUSY = {"error": "busy"}


@dataclass
class End:
    """How a call ended, and what it took."""

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


RATE = {"error": "rate limit exceeded"}
CASES = {
    # what the gateway does: (acts, class or None, outcome, requests, runs)
    "success": ([answer()], None, None, 1, 1),
    "reset_after_sending": ([faults.reset], SegmindConnectionError, "unknown", 1, 1),
    "closed_after_sending": ([faults.close], SegmindConnectionError, "unknown", 1, 1),
    "body_cut_short": ([faults.cut], SegmindResponseError, "executed", 1, 1),
    "busy_then_fine": ([reply(500, BUSY), answer()], None, None, 2, 1),
    "busy_for_long": ([reply(500, BUSY)], SegmindServerError, "rejected", 3, 0),
    "unavailable_in_html": ([reply(503, b"<html>"), answer()], None, None, 2, 1),
    "early": ([reply(425, BUSY), answer()], None, None, 2, 1),
    "500_not_from_the_gateway": ([reply(500, b"<h1>x</h1>")], SegmindServerError, "unknown", 1, 0),
    "bad_gateway": ([reply(502, b"<html>")], SegmindServerError, "unknown", 1, 0),
    "gateway_timeout": ([reply(504, BUSY)], SegmindServerError, "unknown", 1, 0),
    "401": ([reply(401, {"error": "invalid"})], SegmindAuthenticationError, "rejected", 1, 0),
    "404": ([reply(404, {"error": "no model"})], SegmindModelNotFoundError, "rejected", 1, 0),
    "405_in_html": ([reply(405, b"<html>")], SegmindInvalidRequestError, "rejected", 1, 0),
    "410": ([reply(410, {"error": "retired"})], SegmindModelNotFoundError, "rejected", 1, 0),
    "406_content_type": (
        [reply(406, {"error": "Invalid content type"})],
        *(SegmindInvalidRequestError, "rejected", 1, 0),
    ),
    "406_credits": (
        [reply(406, {"error": "Insufficient credits"})],
        *(SegmindInsufficientCreditsError, "rejected", 1, 0),
    ),
    "406_value": (
        [reply(406, {"error": "top_p: value refused"})],
        *(SegmindInvalidRequestError, "rejected", 1, 0),
    ),
    "406_spend_limit": (
        [reply(406, {"error": "team spend limit reached"})],
        *(SegmindInsufficientCreditsError, "rejected", 1, 0),
    ),
    "empty_200": ([reply(200, b"", runs=True)], SegmindResponseError, "executed", 1, 1),
    "html_200": ([reply(200, b"<html>", runs=True)], SegmindResponseError, "executed", 1, 1),
    "error_under_200": (
        [reply(200, {"error": "overloaded"}, runs=True)],
        *(SegmindResponseError, "executed", 1, 1),
    ),
    "rate_limit_then_fine": ([reply(429, RATE), answer()], None, None, 2, 1),
    "rate_limit_with_seconds": (
        [reply(429, RATE, {"Retry-After": "0"}), answer()],
        *(None, None, 2, 1),
    ),
    "rate_limit_with_milliseconds": (
        [reply(429, RATE, {"Retry-After-Ms": "5"}), answer()],
        *(None, None, 2, 1),
    ),
    "rate_limit_with_a_date": (
        [
            reply(
                429,
                RATE,
                {
                    "Date": "Sun, 22 Nov 2026 12:00:00 GMT",
                    "Retry-After": "Sun, 22 Nov 2026 12:00:00 GMT",
                },
            ),
            answer(),
        ],
        *(None, None, 2, 1),
    ),
    "rate_limit_with_garbage": (
        [reply(429, RATE, {"Retry-After": "soon"}), answer()],
        *(None, None, 2, 1),
    ),
    "rate_limit_too_long_to_wait": (
        [reply(429, RATE, {"Retry-After": "3600"})],
        *(SegmindRateLimitError, "rejected", 1, 0),
    ),
    "rate_limit_reset_far_away": (
        [
            reply(
                429,
                RATE,
                {
                    "Date": "Sun, 22 Nov 2026 12:00:00 GMT",
                    "x-rate-limit-reset-at-utc": "2026-11-22 13:00:00",
                },
            )
        ],
        *(SegmindRateLimitError, "rejected", 1, 0),
    ),
    "redirect_on_the_host": (
        [reply(302, b"", {"Location": "/v1/m"})],
        *(SegmindInvalidRequestError, "rejected", 1, 0),
    ),
    "redirect_nowhere": (
        [reply(308, b"", {"Location": "http://[broken"})],
        *(SegmindInvalidRequestError, "rejected", 1, 0),
    ),
    "packed_although_not_asked": (
        [
            reply(
                200,
                gzip.compress(json.dumps(faults.ANSWER).encode()),
                {"Content-Encoding": "gzip"},
                runs=True,
            )
        ],
        *(None, None, 1, 1),
    ),
    "packed_bomb": (
        [reply(200, gzip.compress(b" " * 40_000_000), {"Content-Encoding": "gzip"}, runs=True)],
        *(SegmindResponseError, "executed", 1, 1),
    ),
    "packed_strangely": (
        [reply(200, b"???", {"Content-Encoding": "br"}, runs=True)],
        *(SegmindResponseError, "executed", 1, 1),
    ),
    "endless_body": ([faults.endless], SegmindResponseError, "executed", 1, 1),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verdict_is_the_same(driver, case):
    acts, cls, outcome, requests, runs = CASES[case]

    end, seen, executed = scenario(driver, *acts)

    assert type(end.error) is (cls or type(None)), end
    assert end.text == (None if cls else "fine")
    assert (seen, executed) == (requests, runs)
    if end.error:
        assert end.error.outcome == outcome
        assert end.error.attempts == requests
        assert KEY not in repr(end.error) + repr(vars(end.error))


@pytest.mark.parametrize(
    ("act", "outcome"),
    [(faults.hang, "unknown"), (faults.drip_head, "unknown"), (faults.drip_body, "executed")],
)
def test_a_slow_server_cannot_outlast_the_deadline(driver, act, outcome):
    end, requests, runs = scenario(driver, act, timeout=0.4)

    assert isinstance(end.error, SegmindTimeoutError)
    assert isinstance(end.error, TimeoutError)
    assert (end.error.outcome, requests, runs) == (outcome, 1, 1)


def test_a_refused_connection_is_tried_again_and_was_never_sent(driver):
    with faults.refused() as url:
        end = call(driver, url)

    assert isinstance(end.error, SegmindConnectionError)
    assert (end.error.outcome, end.error.billed, end.error.attempts) == ("not_sent", False, 3)
    assert end.error.is_retryable


def test_a_host_that_does_not_exist_was_never_sent(driver):
    end = call(driver, "https://gateway.invalid/v1", max_retries=0)

    assert isinstance(end.error, SegmindConnectionError)
    assert end.error.outcome == "not_sent"


def test_a_redirect_to_another_host_shows_it_nothing(driver):
    with FaultServer({"m": [answer()]}) as other:
        end, requests, _ = scenario(
            driver, reply(307, b"", {"Location": other.url.replace("127.0.0.1", "localhost") + "/m"})
        )

    assert isinstance(end.error, SegmindInvalidRequestError)
    assert requests == 1
    assert other.requests == {}


def test_opting_in_repeats_a_lost_answer_and_pays_for_it(driver):
    end, requests, runs = scenario(driver, faults.reset, answer(), retry_ambiguous=True)

    assert (end.text, requests, runs) == ("fine", 2, 2)


def test_a_total_timeout_ends_the_retries(driver):
    end, requests, _ = scenario(
        driver, reply(503, BUSY, {"Retry-After": "30"}), total_timeout=5, max_retries=9
    )

    assert isinstance(end.error, SegmindServerError)
    assert (requests, end.error.retry_after) == (1, 30.0)


def test_an_echoed_key_is_blotted_out(driver):
    end, _, _ = scenario(driver, reply(400, {"error": f"bad key {KEY}"}, {"Server": KEY}))

    assert "bad key ***" in str(end.error)
    assert KEY not in repr(vars(end.error))


def test_sends_what_the_contract_asks_for_and_no_more(driver):
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
        call(driver, server.url)
    assert "cookie" not in server.seen[1].headers


def test_netrc_is_not_read(driver, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))

    with FaultServer({"m": [answer()]}) as server:
        call(driver, server.url)

    assert "authorization" not in server.seen[0].headers
