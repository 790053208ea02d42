"""A brain that takes its time does not keep the gateway from answering others."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from langchain_segmind.testing import LocalGateway, Question, Reply


class Pondering:
    """Ponders until it is told to answer, and counts who ponders beside it."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.pondering = 0
        self.most = 0
        self._lock = threading.Lock()

    def answer(self, question: Question) -> Reply:
        with self._lock:
            self.pondering += 1
            self.most = max(self.most, self.pondering)
        self.go.wait(10)
        with self._lock:
            self.pondering -= 1
        if question.turns[-1].text == "Fail":
            raise KeyError(question.slug)
        return Reply(text=f"At last, {question.slug}.")


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
    brain = Pondering()
    with LocalGateway(brain=brain) as gateway, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, gateway)
        wait_until(lambda: brain.pondering == 1)
        assert look(gateway, "/v1/get-user-credits").json()["credits"] == 10
        assert gateway.executions == 0
        brain.go.set()
        assert "At last" in asked.result().text
        assert gateway.executions == 1


@pytest.mark.parametrize(("brain", "most"), [(Pondering(), 1), (ThreeHeads(), 3)])
def test_it_is_asked_as_many_questions_at_a_time_as_it_can_answer(
    brain: Pondering, most: int
) -> None:
    with LocalGateway(brain=brain) as gateway, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, gateway) for _ in range(8)]
        wait_until(lambda: len(gateway.requests) == 8 and brain.pondering == most)
        brain.go.set()
        assert [one.result().status_code for one in asked] == [200] * 8
    assert brain.most == most


def test_scripted_replies_do_not_wait_for_it() -> None:
    brain = Pondering()
    with LocalGateway(brain=brain) as gateway:
        gateway.reply("From the script.")
        assert "From the script." in ask(gateway).text
    assert brain.most == 0


def test_what_it_raises_is_a_500_and_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    brain = Pondering()
    brain.go.set()
    with LocalGateway(brain=brain) as gateway:
        response = ask(gateway, said="Fail")
        assert (response.status_code, gateway.executions) == (500, 0)
        assert "KeyError" in response.json()["error"]
    assert "KeyError" in caplog.text


def test_the_gateway_stops_while_it_ponders() -> None:
    brain = Pondering()
    gateway = LocalGateway(brain=brain)
    gateway.start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, gateway)
        wait_until(lambda: brain.pondering == 1)
        gateway.stop()
        assert isinstance(asked.exception(), requests.ConnectionError)
    brain.go.set()
    wait_until(lambda: brain.pondering == 0)
    assert gateway.executions == 0


class TestJobs:
    def test_are_taken_in_while_it_ponders_and_told_when_it_is_done(self) -> None:
        brain = Pondering()
        with LocalGateway(brain=brain) as gateway:
            submitted = ask(gateway, "/v2/gpt-5").json()
            place = f"/v2/requests/{submitted['request_id']}"
            assert submitted["status"] == "QUEUED"
            assert look(gateway, f"{place}/status").json()["status"] == "PROCESSING"
            assert look(gateway, place).json()["output"] is None
            assert (gateway.executions, gateway.jobs[0].state) == (0, "PROCESSING")
            brain.go.set()
            wait_until(lambda: gateway.jobs[0].state == "COMPLETED")
            done = look(gateway, place).json()
            assert "At last, gpt-5." in done["output"]
            assert done["metrics"]["cost"] == gateway.jobs[0].cost > 0
            assert (gateway.executions, gateway.jobs[0].executed) == (1, True)

    def test_fail_when_it_does(self) -> None:
        brain = Pondering()
        with LocalGateway(brain=brain) as gateway:
            ask(gateway, "/v2/gpt-5", said="Fail")
            brain.go.set()
            wait_until(lambda: gateway.jobs[0].state == "FAILED")
            assert "KeyError" in str(gateway.jobs[0].error)
            assert gateway.executions == 0

    def test_are_known_although_the_answer_to_their_submit_was_lost(self) -> None:
        brain = Pondering()
        with LocalGateway(brain=brain) as gateway:
            gateway.fail(504, after_run=True)
            assert ask(gateway, "/v2/gpt-5").status_code == 504
            brain.go.set()
            wait_until(lambda: gateway.jobs[0].state == "COMPLETED")
            assert gateway.executions == 1

    def test_that_were_forgotten_meanwhile_stay_so(self) -> None:
        brain = Pondering()
        with LocalGateway(brain=brain) as gateway:
            ask(gateway, "/v2/gpt-5")
            gateway.expire()
            brain.go.set()
            wait_until(lambda: gateway.executions == 1)
            assert gateway.jobs == []
