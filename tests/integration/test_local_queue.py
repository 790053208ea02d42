"""The local gateway's job queue over real HTTP, asked by clients that know nothing of ours."""

import asyncio
import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import pytest
import requests

from langchain_segmind.testing import LocalGateway, Queue, Reply
from tests.integration import local_clients
from tests.integration.local_clients import BODIES, HELLO, request, text_in, user, vendors_client

METRICS = {"cost", "remaining_credits", "inference_time", "queue_time", "total_time"}
OUTPUTS = ["string", "object", "text", "missing"]


def root(gateway: LocalGateway) -> str:
    return f"{local_clients.root(gateway)}/v2"


def post(gateway: LocalGateway, body: Any = None, slug: str = "gpt-4o") -> requests.Response:
    return local_clients.post(gateway, body, slug, version=2)


def submit(gateway: LocalGateway, body: Any = None, slug: str = "gpt-4o") -> str:
    response = post(gateway, body, slug)
    assert response.status_code == 200, response.text
    request_id: str = response.json()["request_id"]
    return request_id


def get(gateway: LocalGateway, path: str) -> requests.Response:
    return request(gateway, "GET", f"/v2/requests/{path}")


def status(gateway: LocalGateway, request_id: str) -> requests.Response:
    return get(gateway, f"{request_id}/status")


def test_submit_answers_with_the_id_and_where_to_poll(gateway: LocalGateway) -> None:
    response = post(gateway)
    body = response.json()
    place = f"{root(gateway)}/requests/{body['request_id']}"
    assert uuid.UUID(body["request_id"])
    assert body == {
        "request_id": body["request_id"],
        "status": "QUEUED",
        "status_url": f"{place}/status",
        "response_url": place,
        "poll_url": f"{place}/status",
    }
    assert not {"x-cost", "x-remaining-credits"} & {name.lower() for name in response.headers}


@pytest.mark.parametrize("slug", BODIES)
def test_result_holds_the_familys_reply_as_a_string(gateway: LocalGateway, slug: str) -> None:
    job = submit(gateway, BODIES[slug], slug)
    assert status(gateway, job).json()["status"] == "COMPLETED"
    response = get(gateway, job)
    body = response.json()
    assert (body["status"], body["error"]) == ("COMPLETED", None)
    assert text_in(json.loads(body["output"])).endswith("Hello")
    assert "x-cost" not in response.headers


def test_metrics_show_what_a_job_cost(gateway: LocalGateway) -> None:
    job = submit(gateway)
    metrics = get(gateway, job).json()["metrics"]
    assert set(metrics) == METRICS
    assert 0 < metrics["cost"] < 0.01
    assert metrics["remaining_credits"] == pytest.approx(10 - metrics["cost"]) == gateway.credits
    assert status(gateway, job).json()["metrics"] == metrics
    assert gateway.jobs[0].cost == metrics["cost"]


def test_job_runs_once_and_is_billed_whether_or_not_it_is_polled(gateway: LocalGateway) -> None:
    job = submit(gateway)
    assert gateway.executions == 1
    left = gateway.credits
    for _ in range(3):
        status(gateway, job)
        get(gateway, job)
    assert (gateway.executions, gateway.credits) == (1, left)


def test_states_follow_the_polls() -> None:
    with LocalGateway(queue=Queue(polls=2)) as gateway:
        job = submit(gateway)
        early = get(gateway, job)
        assert (early.status_code, early.json()["status"]) == (200, "QUEUED")
        assert (early.json()["output"], early.json()["error"]) == (None, None)
        states = [status(gateway, job).json()["status"] for _ in range(4)]
        assert states == ["QUEUED", "PROCESSING", "COMPLETED", "COMPLETED"]
        assert "Hello" in get(gateway, job).json()["output"]
        assert gateway.jobs[0].polls == 4


def test_states_follow_the_clock() -> None:
    with LocalGateway() as gateway:
        gateway.reply(Reply("Late", delay=3600), "Now")
        slow, quick = submit(gateway), submit(gateway)
        assert status(gateway, slow).json()["status"] == "QUEUED"
        assert status(gateway, quick).json()["status"] == "COMPLETED"
        assert [job.state for job in gateway.jobs] == ["QUEUED", "COMPLETED"]
        assert [job.executed for job in gateway.jobs] == [True, True]


def test_latency_is_spent_in_the_queue_not_in_the_submit() -> None:
    with LocalGateway(latency=3600) as gateway:
        assert status(gateway, submit(gateway)).json()["status"] == "QUEUED"


@pytest.mark.parametrize("output", OUTPUTS)
def test_output_takes_the_form_that_the_queue_is_set_to(output: Any) -> None:
    with LocalGateway(queue=Queue(output=output)) as gateway:
        gateway.reply("Hi there")
        body = get(gateway, submit(gateway)).json()
    assert body["status"] == "COMPLETED"
    assert set(body["metrics"]) == METRICS
    found = {
        "string": lambda: text_in(json.loads(body["output"])),
        "object": lambda: text_in(body["output"]),
        "text": lambda: body["output"],
        "missing": lambda: text_in(body),
    }[output]
    assert found() == "Hi there"
    assert ("output" in body) is (output != "missing")


@pytest.mark.parametrize("output", OUTPUTS)
def test_scripted_body_is_passed_on_in_every_form(output: Any) -> None:
    with LocalGateway(queue=Queue(output=output)) as gateway:
        gateway.reply(Reply(body=b"\xffnot JSON", headers={"x-more": "1"}), Reply(body=[1]))
        response = get(gateway, submit(gateway))
        assert response.json()["output"] == "\ufffdnot JSON"
        assert response.headers["x-more"] == "1"
        listed = get(gateway, submit(gateway)).json()["output"]
        assert listed == ([1] if output == "object" else "[1]")


def test_metrics_are_missing_or_a_status_bare_on_request() -> None:
    with LocalGateway(queue=Queue(metrics=False, polls=1)) as gateway:
        gateway.fail_job("broken")
        failing, good = submit(gateway), submit(gateway)
        assert status(gateway, good).json() == {"status": "QUEUED"}
        status(gateway, failing)
        assert status(gateway, failing).json() == {"status": "FAILED", "error": "broken"}
        assert set(get(gateway, good).json()) == {"status", "error", "output"}
    with LocalGateway(queue=Queue(bare=True, polls=1)) as gateway:
        job = submit(gateway)
        assert set(status(gateway, job).json()) == {"status", "metrics"}
        assert status(gateway, job).json() == {"status": "COMPLETED"}
        assert "metrics" in get(gateway, job).json()


class TestFailedJobs:
    """Jobs that end as FAILED: reported late, and never billed."""

    @pytest.mark.parametrize("failed_status", [422, 200])
    def test_failed_job_is_reported_by_both_polls(self, failed_status: Any) -> None:
        with LocalGateway(queue=Queue(failed_status=failed_status)) as gateway:
            gateway.fail_job("Out of memory")
            job = submit(gateway)
            for response in (status(gateway, job), get(gateway, job)):
                assert response.status_code == failed_status
                body = response.json()
                assert (body["status"], body["error"]) == ("FAILED", "Out of memory")
                assert body["metrics"]["cost"] == 0
            assert (gateway.executions, gateway.credits) == (0, 10.0)
            assert not gateway.requests[0].executed
            assert not gateway.jobs[0].executed

    def test_failed_jobs_are_as_many_as_ordered_of_one_model(self, gateway: LocalGateway) -> None:
        gateway.fail_job(times=2, slug="o3")
        slugs = ["o3", "gpt-4o", "o3", "o3"]
        for slug in slugs:
            submit(gateway, slug=slug)
        states = [(job.slug, job.state) for job in gateway.jobs]
        ends = ["FAILED", "COMPLETED", "FAILED", "COMPLETED"]
        assert states == list(zip(slugs, ends, strict=True))

    def test_failed_job_does_not_hit_calls_that_wait(self, gateway: LocalGateway) -> None:
        gateway.fail_job()
        assert local_clients.post(gateway).status_code == 200
        assert submit(gateway)
        assert gateway.jobs[0].state == "FAILED"

    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (Reply(status=400, body={"error": "bad picture"}), "bad picture"),
            (Reply(status=500, body="plain words"), "plain words"),
            (Reply(status=503), "Error 503"),
            (Reply(status=429), "Rate limit exceeded"),
            (Reply(status=400, body={"detail": "odd"}), '{"detail": "odd"}'),
        ],
    )
    def test_job_fails_when_the_reply_is_an_error(
        self, gateway: LocalGateway, reply: Reply, error: str
    ) -> None:
        gateway.reply(reply)
        response = get(gateway, submit(gateway))
        assert (response.status_code, response.json()["error"]) == (422, error)
        assert gateway.executions == 0

    def test_failed_job_takes_as_long_as_others(self) -> None:
        with LocalGateway(latency=3600) as gateway:
            gateway.fail_job()
            gateway.reply(Reply(status=500, delay=60))
            states = [status(gateway, submit(gateway)).json()["status"] for _ in range(2)]
            assert states == ["QUEUED", "QUEUED"]


class TestRefusals:
    """Keys, verbs and ids are checked; no job comes of it."""

    @pytest.fixture(autouse=True)
    def _no_job_and_no_charge(self, gateway: LocalGateway) -> Iterator[None]:
        yield
        assert gateway.jobs == []
        assert (gateway.executions, gateway.credits) == (0, 10.0)

    @pytest.mark.parametrize("verb", ["POST", "GET"])
    @pytest.mark.parametrize("path", ["gpt-4o", "requests/x/status", "requests/x"])
    def test_request_is_refused_for_its_key_or_verb(
        self, gateway: LocalGateway, verb: str, path: str
    ) -> None:
        right = verb == ("POST" if path == "gpt-4o" else "GET")
        url = f"{root(gateway)}/{path}"
        for key in ({}, {"x-api-key": "wrong"}, {"Authorization": f"Bearer {gateway.api_key}"}):
            response = requests.request(verb, url, headers=key, timeout=60)
            assert response.status_code == (401 if right else 405)
            assert response.headers["Content-Type"].startswith(
                "application/json" if right else "text/html"
            )

    @pytest.mark.parametrize("path", ["x", "x/status", "%00/status"])
    def test_poll_is_refused_for_an_unknown_id(self, gateway: LocalGateway, path: str) -> None:
        request_id = path.removesuffix("/status").replace("%00", "\x00")
        response = get(gateway, path)
        assert response.status_code == 404
        assert response.json() == {"error": f"Request {request_id} not found"}


def test_model_refuses_at_once_or_late() -> None:
    body = HELLO | {"response_format": {"type": "text"}}
    with LocalGateway(refuses_format=["gpt-4"]) as gateway:
        response = post(gateway, body, "gpt-4")
        assert (response.status_code, gateway.jobs) == (400, [])
    with LocalGateway(refuses_format=["gpt-4"], queue=Queue(refuse_late=True)) as gateway:
        late = get(gateway, submit(gateway, body, "gpt-4"))
        assert late.status_code == 422
        assert late.json()["error"] == response.json()["error"]
        assert post(gateway, b"[]", "gpt-4").status_code == 400
        assert post(gateway, body, "gpt-99").status_code == 404
        assert gateway.executions == 0


def test_id_expires_on_request(gateway: LocalGateway) -> None:
    first, second, third = (submit(gateway) for _ in range(3))
    gateway.expire(second)
    assert [status(gateway, job).status_code for job in (first, second, third)] == [200, 404, 200]
    with pytest.raises(KeyError):
        gateway.expire(second)
    gateway.expire()
    assert get(gateway, first).json() == {"error": f"Request {first} not found"}
    assert gateway.jobs == []
    assert gateway.executions == 3


def test_id_expires_after_its_time() -> None:
    with LocalGateway(queue=Queue(keep_seconds=0)) as gateway:
        assert get(gateway, submit(gateway)).status_code == 404


def test_clear_forgets_jobs(gateway: LocalGateway) -> None:
    job = submit(gateway)
    gateway.fail(500, on="poll")
    gateway.clear()
    assert gateway.jobs == []
    assert status(gateway, job).status_code == 404


def test_jobs_outlive_a_restart(gateway: LocalGateway) -> None:
    job = submit(gateway)
    gateway.stop()
    gateway.start()
    assert status(gateway, job).json()["status"] == "COMPLETED"


def test_log_distinguishes_submits_from_polls(gateway: LocalGateway) -> None:
    job = submit(gateway)
    status(gateway, job)
    get(gateway, job)
    submitted, asked, fetched = gateway.requests
    assert (submitted.slug, submitted.executed, submitted.body) == ("gpt-4o", True, HELLO)
    assert (asked.slug, asked.executed, asked.body) == (None, False, None)
    assert (fetched.path, fetched.slug) == (f"/v2/requests/{job}", None)


class TestFailures:
    """Errors on demand, on submits and on polls."""

    def test_failure_hits_submits_only_on_request(self, gateway: LocalGateway) -> None:
        gateway.fail(429, on="submit")
        assert local_clients.post(gateway).status_code == 200
        assert post(gateway).status_code == 429
        assert gateway.jobs == []

    @pytest.mark.parametrize("lost", [{"drop": "after_run"}, {"drop": "mid_reply"}])
    def test_lost_submit_leaves_a_job_that_ran(self, gateway: LocalGateway, lost: Any) -> None:
        gateway.fail(**lost)
        with pytest.raises(requests.RequestException):
            post(gateway)
        assert gateway.requests[0].executed
        (job,) = gateway.jobs
        assert (job.executed, job.polls, job.state) == (True, 0, "COMPLETED")
        assert "Hello" in get(gateway, job.id).json()["output"]

    def test_submit_leaves_a_job_only_when_it_fails_after_the_run(
        self, gateway: LocalGateway
    ) -> None:
        gateway.fail(drop="before_run")
        with pytest.raises(requests.ConnectionError):
            post(gateway)
        assert (gateway.executions, gateway.jobs) == (0, [])
        gateway.fail(502, after_run=True)
        assert post(gateway).status_code == 502
        assert (gateway.executions, len(gateway.jobs)) == (1, 1)

    @pytest.mark.parametrize("how", [404, 408, 425, 429, 500, 502, 503])
    def test_failure_hits_polls_on_request(self, gateway: LocalGateway, how: int) -> None:
        gateway.fail(how, on="poll", times=2)
        job = submit(gateway)
        assert status(gateway, job).status_code == how
        assert get(gateway, job).status_code == how
        assert status(gateway, job).status_code == 200
        assert gateway.jobs[0].polls == 1

    def test_failure_hits_one_kind_of_poll_or_one_model_only(self, gateway: LocalGateway) -> None:
        gateway.fail(500, on="result")
        gateway.fail(503, on="status")
        job = submit(gateway)
        codes = [status(gateway, job), status(gateway, job), get(gateway, job), get(gateway, job)]
        assert [response.status_code for response in codes] == [503, 200, 500, 200]
        gateway.fail(500, on="poll", slug="o3")
        other = submit(gateway, slug="o3")
        assert status(gateway, "unknown").status_code == 404
        assert [status(gateway, polled).status_code for polled in (job, other)] == [200, 500]

    def test_failure_spares_polls_without_the_key(self, gateway: LocalGateway) -> None:
        gateway.fail(500, on="poll")
        url = f"{root(gateway)}/requests/x"
        assert requests.get(url, timeout=60).status_code == 401
        assert get(gateway, "x").status_code == 500

    def test_poll_is_dropped_or_cut_short_on_request(self, gateway: LocalGateway) -> None:
        job = submit(gateway)
        gateway.fail(on="poll", drop="before_run")
        with pytest.raises(requests.ConnectionError):
            status(gateway, job)
        gateway.fail(on="result", drop="mid_reply")
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            get(gateway, job)
        assert [request.status for request in gateway.requests] == [200, None, 200]
        assert not any(request.executed for request in gateway.requests[1:])
        assert "Hello" in get(gateway, job).json()["output"]

    def test_poll_is_answered_with_a_web_page_on_request(self, gateway: LocalGateway) -> None:
        gateway.fail(200, body="<h1>Soon</h1>", on="status")
        assert status(gateway, submit(gateway)).text == "<h1>Soon</h1>"

    @pytest.mark.parametrize(
        "bad",
        [
            {"on": "moon"},
            {"on": "job"},
            {"on": "poll", "after_run": True},
            {"on": "status", "drop": "after_run"},
        ],
    )
    def test_failure_is_refused_when_it_makes_no_sense(
        self, gateway: LocalGateway, bad: Any
    ) -> None:
        with pytest.raises(ValueError, match="on="):
            gateway.fail(**bad)
        with pytest.raises(ValueError, match="times"):
            gateway.fail_job(times=0)


class TestVendorsClient:
    """Another reading of the same contract."""

    @pytest.mark.parametrize("output", OUTPUTS)
    @pytest.mark.parametrize("slug", BODIES)
    def test_vendors_client_gets_its_answer(self, slug: str, output: Any) -> None:
        with (
            LocalGateway(queue=Queue(output=output)) as gateway,
            vendors_client(gateway) as client,
        ):
            response = client.chat(slug, **BODIES[slug], max_tokens=50)
            assert response.text.endswith("Hello")
            if output != "text":
                assert response.usage
                assert response.finish_reason in {"stop", "end_turn", "STOP"}
            assert gateway.executions == 1

    @pytest.mark.parametrize("bare", [False, True])
    @pytest.mark.parametrize("slug", BODIES)
    def test_vendors_client_polls_until_the_end(self, slug: str, bare: bool) -> None:
        queue = Queue(polls=3, bare=bare, metrics=not bare)
        with LocalGateway(queue=queue) as gateway, vendors_client(gateway) as client:
            job = client.submit_chat(slug, **BODIES[slug])
            assert job.wait(timeout=60, interval=0).text.endswith("Hello")
            assert [job.polls for job in gateway.jobs] == [4]

    @pytest.mark.parametrize("failed_status", [422, 200])
    @pytest.mark.parametrize("slug", BODIES)
    def test_vendors_client_learns_that_a_job_failed(self, slug: str, failed_status: Any) -> None:
        segmind = pytest.importorskip("segmind")
        queue = Queue(polls=1, failed_status=failed_status)
        with LocalGateway(queue=queue) as gateway, vendors_client(gateway) as client:
            gateway.fail_job("Out of memory")
            job = client.submit_chat(slug, **BODIES[slug])
            with pytest.raises(segmind.v2.InferenceFailed, match="Out of memory"):
                job.wait(timeout=60, interval=0)
            assert (gateway.executions, gateway.credits) == (0, 10.0)


async def test_hundreds_of_jobs_run_at_once() -> None:
    async with LocalGateway(queue=Queue(polls=3)) as gateway:
        headers = {"x-api-key": gateway.api_key}
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(headers=headers, connector=connector) as session:

            async def ask(number: int) -> str:
                url = f"{root(gateway)}/gpt-4o"
                async with session.post(url, json=user(f"N{number}")) as response:
                    job = await response.json()
                state = job["status"]
                while state != "COMPLETED":
                    async with session.get(job["status_url"]) as response:
                        state = (await response.json())["status"]
                async with session.get(job["response_url"]) as response:
                    body = json.loads((await response.json())["output"])
                return str(text_in(body))

            answers = await asyncio.gather(*(ask(number) for number in range(300)))
        assert answers == [f"[local stand-in] N{number}" for number in range(300)]
        assert gateway.executions == len(gateway.jobs) == 300
        assert {job.polls for job in gateway.jobs} == {4}
        assert len(gateway.requests) == 300 * (1 + 4 + 1)


def test_many_threads_submit_and_poll_and_leave_none() -> None:
    before = set(threading.enumerate())
    with LocalGateway(queue=Queue(polls=1)) as gateway, ThreadPoolExecutor(16) as pool:
        jobs = list(pool.map(lambda _: submit(gateway), range(64)))
        for _ in range(2):
            list(pool.map(lambda job: status(gateway, job), jobs))
        results = list(pool.map(lambda job: get(gateway, job).json()["status"], jobs))
        assert results == ["COMPLETED"] * 64
        assert len(set(jobs)) == gateway.executions == 64
        assert {job.polls for job in gateway.jobs} == {2}
    assert set(threading.enumerate()) <= before
