"""A responder that takes its time does not keep the gateway from answering others."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from langchain_segmind.testing import LocalGateway, ModelRequest, Reply


class Pondering:
    """Ponders until it is told to answer, and counts who ponders beside it."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.pondering = 0
        self.most = 0
        self._lock = threading.Lock()

    def respond(self, request: ModelRequest) -> Reply:
        with self._lock:
            self.pondering += 1
            self.most = max(self.most, self.pondering)
        self.go.wait(10)
        with self._lock:
            self.pondering -= 1
        if request.turns[-1].text == "Fail":
            raise KeyError(request.slug)
        return Reply(text=f"At last, {request.slug}.")


class ThreeHeads(Pondering):
    threads = 3


def ask(gateway: LocalGateway, path: str = "/v1/gpt-4o", said: str = "Hello") -> requests.Response:
    url = gateway.base_url.removesuffix("/v1") + path
    key = {"x-api-key": gateway.api_key}
    body = {"messages": [{"role": "user", "content": said}]}
    return requests.post(url, json=body, headers=key, timeout=10)


def look(gateway: LocalGateway, path: str) -> requests.Response:
    url = gateway.base_url.removesuffix("/v1") + path
    return requests.get(url, headers={"x-api-key": gateway.api_key}, timeout=10)


def wait_until(true: Callable[[], bool]) -> None:
    late = time.monotonic() + 10
    while not true():
        assert time.monotonic() < late
        time.sleep(0.005)


def test_others_are_answered_while_it_ponders() -> None:
    responder = Pondering()
    with LocalGateway(responder=responder) as gateway, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, gateway)
        wait_until(lambda: responder.pondering == 1)
        assert look(gateway, "/v1/get-user-credits").json()["credits"] == 10
        assert gateway.executions == 0
        responder.go.set()
        assert "At last" in asked.result().text
        assert gateway.executions == 1


@pytest.mark.parametrize(("responder", "most"), [(Pondering(), 1), (ThreeHeads(), 3)])
def test_it_is_asked_as_many_questions_at_a_time_as_it_can_answer(
    responder: Pondering, most: int
) -> None:
    with LocalGateway(responder=responder) as gateway, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, gateway) for _ in range(8)]
        wait_until(lambda: len(gateway.requests) == 8 and responder.pondering == most)
        responder.go.set()
        assert [one.result().status_code for one in asked] == [200] * 8
    assert responder.most == most


def test_scripted_replies_do_not_wait_for_it() -> None:
    responder = Pondering()
    with LocalGateway(responder=responder) as gateway:
        gateway.reply("From the script.")
        assert "From the script." in ask(gateway).text
    assert responder.most == 0


def test_what_it_raises_is_a_500_and_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    responder = Pondering()
    responder.go.set()
    with LocalGateway(responder=responder) as gateway:
        response = ask(gateway, said="Fail")
        assert (response.status_code, gateway.executions) == (500, 0)
        assert "KeyError" in response.json()["error"]
    assert "KeyError" in caplog.text


def test_the_gateway_stops_while_it_ponders() -> None:
    responder = Pondering()
    gateway = LocalGateway(responder=responder)
    gateway.start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, gateway)
        wait_until(lambda: responder.pondering == 1)
        gateway.stop()
        assert isinstance(asked.exception(), requests.ConnectionError)
    responder.go.set()
    wait_until(lambda: responder.pondering == 0)
    assert gateway.executions == 0


class TestJobs:
    def test_are_taken_in_while_it_ponders_and_told_when_it_is_done(self) -> None:
        responder = Pondering()
        with LocalGateway(responder=responder) as gateway:
            submitted = ask(gateway, "/v2/gpt-5").json()
            place = f"/v2/requests/{submitted['request_id']}"
            assert submitted["status"] == "QUEUED"
            assert look(gateway, f"{place}/status").json()["status"] == "PROCESSING"
            assert look(gateway, place).json()["output"] is None
            assert (gateway.executions, gateway.jobs[0].state) == (0, "PROCESSING")
            responder.go.set()
            wait_until(lambda: gateway.jobs[0].state == "COMPLETED")
            done = look(gateway, place).json()
            assert "At last, gpt-5." in done["output"]
            assert done["metrics"]["cost"] == gateway.jobs[0].cost > 0
            assert (gateway.executions, gateway.jobs[0].executed) == (1, True)

    def test_fail_when_it_does(self) -> None:
        responder = Pondering()
        with LocalGateway(responder=responder) as gateway:
            ask(gateway, "/v2/gpt-5", said="Fail")
            responder.go.set()
            wait_until(lambda: gateway.jobs[0].state == "FAILED")
            assert "KeyError" in str(gateway.jobs[0].error)
            assert gateway.executions == 0

    def test_are_known_although_the_answer_to_their_submit_was_lost(self) -> None:
        responder = Pondering()
        with LocalGateway(responder=responder) as gateway:
            gateway.fail(504, after_run=True)
            assert ask(gateway, "/v2/gpt-5").status_code == 504
            responder.go.set()
            wait_until(lambda: gateway.jobs[0].state == "COMPLETED")
            assert gateway.executions == 1

    def test_that_were_forgotten_meanwhile_stay_so(self) -> None:
        responder = Pondering()
        with LocalGateway(responder=responder) as gateway:
            ask(gateway, "/v2/gpt-5")
            gateway.expire()
            responder.go.set()
            wait_until(lambda: gateway.executions == 1)
            assert gateway.jobs == []
