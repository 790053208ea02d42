"""A responder that takes its time does not keep the gateway from answering others."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from langchain_segmind.testing import LocalGateway, ModelRequest, Reply
from tests.integration.local_clients import post, request, user
from tests.integration.processes import wait_until


class SlowModel:
    """Waits until it may answer, and counts how many requests wait beside it."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.waiting = 0
        self.most = 0
        self._lock = threading.Lock()

    def respond(self, request: ModelRequest) -> Reply:
        with self._lock:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
        self.go.wait(60)
        with self._lock:
            self.waiting -= 1
        if request.turns[-1].text == "Fail":
            raise KeyError(request.slug)
        return Reply(text=f"At last, {request.slug}.")


class ThreeThreads(SlowModel):
    threads = 3


def ask(gateway: LocalGateway, version: int = 1, text: str = "Hello") -> requests.Response:
    return post(gateway, user(text), "gpt-5", version=version)


def get(gateway: LocalGateway, path: str) -> Any:
    return request(gateway, "GET", path).json()


def test_others_are_answered_while_the_responder_works() -> None:
    responder = SlowModel()
    with LocalGateway(responder=responder) as gateway, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, gateway)
        wait_until(lambda: responder.waiting == 1)
        assert get(gateway, "/v1/get-user-credits")["credits"] == 10
        assert gateway.executions == 0
        responder.go.set()
        assert "At last" in asked.result().text
        assert gateway.executions == 1


@pytest.mark.parametrize(("responder", "most"), [(SlowModel(), 1), (ThreeThreads(), 3)])
def test_responder_gets_as_many_requests_at_a_time_as_it_has_threads(
    responder: SlowModel, most: int
) -> None:
    with LocalGateway(responder=responder) as gateway, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, gateway) for _ in range(8)]
        wait_until(lambda: len(gateway.requests) == 8 and responder.waiting == most)
        responder.go.set()
        assert [one.result().status_code for one in asked] == [200] * 8
    assert responder.most == most


def test_scripted_replies_do_not_wait_for_the_responder() -> None:
    responder = SlowModel()
    with LocalGateway(responder=responder) as gateway:
        gateway.reply("From the script.")
        assert "From the script." in ask(gateway).text
    assert responder.most == 0


def test_responders_error_is_a_500_and_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    responder = SlowModel()
    responder.go.set()
    with LocalGateway(responder=responder) as gateway:
        response = ask(gateway, text="Fail")
        assert (response.status_code, gateway.executions) == (500, 0)
        assert "KeyError" in response.json()["error"]
    assert "KeyError" in caplog.text


def test_gateway_stops_while_the_responder_works() -> None:
    responder = SlowModel()
    gateway = LocalGateway(responder=responder)
    gateway.start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, gateway)
        wait_until(lambda: responder.waiting == 1)
        gateway.stop()
        assert isinstance(asked.exception(), requests.ConnectionError)
    responder.go.set()
    wait_until(lambda: responder.waiting == 0)
    assert gateway.executions == 0


class TestJobs:
    def test_job_is_accepted_while_the_responder_works_and_ends_with_it(self) -> None:
        responder = SlowModel()
        with LocalGateway(responder=responder) as gateway:
            submitted = ask(gateway, version=2).json()
            place = f"/v2/requests/{submitted['request_id']}"
            assert submitted["status"] == "QUEUED"
            assert get(gateway, f"{place}/status")["status"] == "PROCESSING"
            assert get(gateway, place)["output"] is None
            assert (gateway.executions, gateway.jobs[0].state) == (0, "PROCESSING")
            responder.go.set()
            wait_until(lambda: gateway.jobs[0].state == "COMPLETED")
            done = get(gateway, place)
            assert "At last, gpt-5." in done["output"]
            assert done["metrics"]["cost"] == gateway.jobs[0].cost > 0
            assert (gateway.executions, gateway.jobs[0].executed) == (1, True)

    def test_job_fails_when_the_responder_does(self) -> None:
        responder = SlowModel()
        with LocalGateway(responder=responder) as gateway:
            ask(gateway, version=2, text="Fail")
            responder.go.set()
            wait_until(lambda: gateway.jobs[0].state == "FAILED")
            assert "KeyError" in str(gateway.jobs[0].error)
            assert gateway.executions == 0

    def test_job_is_known_although_the_answer_to_its_submit_was_lost(self) -> None:
        responder = SlowModel()
        with LocalGateway(responder=responder) as gateway:
            gateway.fail(504, after_run=True)
            assert ask(gateway, version=2).status_code == 504
            responder.go.set()
            wait_until(lambda: gateway.jobs[0].state == "COMPLETED")
            assert gateway.executions == 1

    def test_job_stays_forgotten_when_it_expired_meanwhile(self) -> None:
        responder = SlowModel()
        with LocalGateway(responder=responder) as gateway:
            ask(gateway, version=2)
            gateway.expire()
            responder.go.set()
            wait_until(lambda: gateway.executions == 1)
            assert gateway.jobs == []
