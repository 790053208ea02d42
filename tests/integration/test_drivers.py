"""requests and aiohttp send the same and read the same.

How each fault ends is in the catalog, which `tests/faults/test_catalog.py` plays on both.
"""

import asyncio
import json

import pytest

from langchain_segmind import SegmindConnectionError, SegmindRateLimitError
from tests.faults.catalog.scenario import BUSY
from tests.faults.checks import KEY, both_drivers, build, call, play
from tests.faults.server import FaultServer, answer, hang_up, reply, sends


@both_drivers
def test_request_has_exactly_the_expected_headers(driver):
    with FaultServer({"m": [answer()]}) as server:
        play(driver, server.url, default_headers={"X-Team": "blue"})

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


@both_drivers
def test_large_body_is_sent_whole(driver):
    large = "x" * 3_000_000
    with FaultServer({"m": [answer()]}) as server:
        end = play(driver, server.url, model_kwargs={"large": large})

    assert end.text == "fine"
    assert json.loads(server.seen[0].body)["large"] == large


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])  # cookie jars ignore bare addresses
@both_drivers
def test_cookies_are_neither_kept_nor_sent(driver, host):
    cookie = {"Set-Cookie": "a=b; Path=/"}
    with FaultServer({"m": [reply(503, BUSY, cookie), answer()]}) as server:
        end = play(driver, server.url.replace("127.0.0.1", host))

    assert (end.text, server.requests["m"]) == ("fine", 2)
    assert "cookie" not in server.seen[1].headers


@both_drivers
def test_netrc_is_not_read(driver, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))

    with FaultServer({"m": [answer()]}) as server:
        play(driver, server.url)

    assert "authorization" not in server.seen[0].headers


@both_drivers
def test_echoed_key_is_redacted(driver):
    echo = reply(400, {"error": f"bad key {KEY}"}, {"Server": KEY})
    with FaultServer({"m": [echo]}) as server:
        error = play(driver, server.url).error

    assert "bad key ***" in str(error)
    assert KEY not in repr(vars(error))


@both_drivers
def test_first_of_duplicate_headers_counts(driver):
    head = b"HTTP/1.1 429 Slow\r\nRetry-After: 70\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
    with FaultServer({"m": [sends(head, runs=False)]}) as server:
        error = play(driver, server.url).error

    assert isinstance(error, SegmindRateLimitError)
    assert (error.retry_after, server.requests["m"]) == (70.0, 1)


@both_drivers
def test_get_whose_connection_breaks_is_sent_once(driver):
    """aiohttp would send it again by itself."""
    with FaultServer({"*": [hang_up]}) as server, pytest.raises(SegmindConnectionError):
        call(driver, build(server.url, max_retries=0), method="get_credits")

    assert server.requests["*"] == 1


async def test_aclose_waits_for_active_calls():
    def slow(request):
        request.server.wait(0.3)
        answer()(request)

    with FaultServer({"m": [slow]}) as server:
        model = build(server.url)
        task = asyncio.create_task(model.ainvoke("hi"))
        await asyncio.to_thread(server.arrived.wait)
        await model.aclose()

        assert (await task).text == "fine"
