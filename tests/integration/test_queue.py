"""Jobs in the queue over HTTP: what was submitted runs once, and its answer can be collected.

What becomes of each fault of the queue is in the catalog of `tests/faults`.
"""

import asyncio
import logging
import pickle
import subprocess
import sys
import threading
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableBinding
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import RetryPolicy
from pydantic import BaseModel

from langchain_segmind import (
    ChatSegmind,
    SegmindError,
    SegmindJob,
    SegmindJobFailedError,
    SegmindJobNotFoundError,
    SegmindResponseError,
)
from langchain_segmind.testing import FunctionModel, LocalGateway, Queue, Reply
from tests.faults import checks
from tests.faults.checks import both_drivers, call
from tests.faults.server import JOB, FaultServer, reply
from tests.integration.processes import wait_until

every_family = pytest.mark.parametrize("slug", ["gpt-5", "claude-opus-4.7", "gemini-3-pro"])
FAST = {"poll_interval": 0.002, "max_retries": 0}


def build(gateway, slug="gpt-5", **kwargs):
    address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    return ChatSegmind(model=slug, **address, **{"queue": True, **FAST, **kwargs})


def submissions(gateway):
    return [r.path for r in gateway.requests if r.method == "POST"]


def polls(gateway):
    return [r.path for r in gateway.requests if r.method == "GET"]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


# --- one call --------------------------------------------------------------------------------


@both_drivers
@every_family
def test_job_is_submitted_polled_and_collected(driver, slug):
    with LocalGateway(queue=Queue(polls=2)) as gateway:
        gateway.reply("Paris.")
        message = call(driver, build(gateway, slug), "What is the capital of France?")

        (job,) = gateway.jobs
        metadata = message.response_metadata
        assert message.text == "Paris."
        assert (metadata["request_id"], metadata["model_name"]) == (job.id, slug)
        assert metadata["cost"] == pytest.approx(job.cost)
        assert metadata["remaining_credits"] == pytest.approx(gateway.credits)
        assert message.usage_metadata["total_tokens"] > 0
        assert submissions(gateway) == [f"/v2/{slug}"]
        path = f"/v2/requests/{job.id}"
        assert polls(gateway) == [*[f"{path}/status"] * 3, path]


@pytest.mark.parametrize("output", ["string", "object", "text", "missing"])
@every_family
def test_every_form_of_output_is_read(slug, output):
    with LocalGateway(queue=Queue(output=output, bare=True)) as gateway:
        gateway.reply("Paris.")

        assert build(gateway, slug).invoke("Hello").text == "Paris."


@both_drivers
@pytest.mark.parametrize(
    ("slug", "queue", "version"),
    [
        ("gpt-5", None, "v2"),
        ("deepseek-reasoner", None, "v2"),
        ("claude-4.5-sonnet", None, "v2"),
        ("gemini-3-flash", None, "v2"),
        ("gpt-5.2", None, "v2"),
        ("gpt-5.1", None, "v1"),
        ("gpt-4o", None, "v1"),
        ("new-model", None, "v1"),
        ("gpt-5", False, "v1"),
        ("gpt-4o", True, "v2"),
    ],
)
def test_slow_models_use_the_queue_automatically(driver, slug, queue, version):
    with LocalGateway(models=["new-model"]) as gateway:
        call(driver, build(gateway, slug, queue=queue), "Hello")

        assert submissions(gateway) == [f"/{version}/{slug}"]


def test_model_of_one_call_decides_about_the_queue(gateway):
    with build(gateway, "gpt-4o", queue=None) as model:
        model.invoke("Hello")
        model.invoke("Hello", model="gpt-5")

    assert submissions(gateway) == ["/v1/gpt-4o", "/v2/gpt-5"]


def test_streams_batches_and_structured_output_use_the_queue(gateway):
    class City(BaseModel):
        name: str

    with build(gateway) as model:
        assert list(model.stream("Hello"))[-1].chunk_position == "last"
        gateway.reply('{"name": "Paris"}')
        assert model.with_structured_output(City).invoke("Where?") == City(name="Paris")
        assert len(model.batch(["a", "b", "c"])) == 3

    assert submissions(gateway) == ["/v2/gpt-5"] * 5


@pytest.mark.parametrize(
    ("settings", "states"),
    [
        ({}, ["COMPLETED"] * 2),
        (
            {"refuses_format": ["gpt-5"], "queue": Queue(refuse_late=True)},
            ["FAILED", "COMPLETED", "COMPLETED"],
        ),
    ],
    ids=["plain", "response_format is refused"],
)
def test_agent_works_in_the_queue(settings, states):
    with LocalGateway(**settings) as gateway:
        agent: Any = create_agent(build(gateway), [add])

        messages = agent.invoke({"messages": [("user", "Add 17 and 25.")]})["messages"]

        assert "42" in messages[-1].text
        assert len({message.id for message in messages}) == 4
        assert [job.state for job in gateway.jobs] == states


# --- faults after the submission -------------------------------------------------------------


@both_drivers
@pytest.mark.parametrize(("on", "outcome"), [("status", "unknown"), ("result", "executed")])
def test_answer_can_be_fetched_after_polls_stayed_bad(driver, gateway, on, outcome):
    gateway.reply("Paris.")
    gateway.fail(429, times=7, on=on, headers={})

    with pytest.raises(SegmindError) as caught:
        call(driver, build(gateway), "Hello")

    (job,) = gateway.jobs
    assert (caught.value.request_id, caught.value.outcome) == (job.id, outcome)
    assert build(gateway).get_job(job.id).result().text == "Paris."
    assert (len(submissions(gateway)), gateway.executions) == (1, 1)


def test_job_left_by_a_cancelled_task_can_be_fetched(caplog):
    caplog.set_level(logging.INFO, "langchain_segmind")

    async def leave(gateway):
        async with build(gateway) as model:
            task = asyncio.create_task(model.ainvoke("Hello"))
            await asyncio.to_thread(wait_until, lambda: polls(gateway))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    cancelled = threading.Event()
    responder = FunctionModel(lambda _: "Paris." if cancelled.wait(60) else "Too late.")
    with LocalGateway(responder=responder) as gateway:
        asyncio.run(leave(gateway))
        cancelled.set()

        (job,) = gateway.jobs
        levels = [r.levelname for r in caplog.records if job.id in r.getMessage()]
        assert levels == ["INFO", "WARNING"]
        assert build(gateway).get_job(job.id).result().text == "Paris."
        assert (len(submissions(gateway)), gateway.executions) == (1, 1)


class Refuse(BaseCallbackHandler):
    raise_error = True

    def on_custom_event(self, name, data, **kwargs):
        raise RuntimeError(f"no {data['state']}")


@both_drivers
def test_job_whose_callback_fails_leaves_its_id_in_the_log(caplog, driver, gateway):
    with pytest.raises(RuntimeError, match="no QUEUED"):
        call(driver, build(gateway), "Hello", {"callbacks": [Refuse()]}, method="submit")

    (job,) = gateway.jobs
    records = [r.getMessage() for r in caplog.records if r.name.startswith("langchain_segmind")]
    assert [f"get_job('{job.id}')" in message for message in records] == [True]


CRASHING = """
import logging, os, sys
from langchain_core.callbacks import BaseCallbackHandler
from langchain_segmind import ChatSegmind

class Crash(BaseCallbackHandler):
    def on_custom_event(self, name, data, **kwargs):
        if data["state"] == "PROCESSING":
            os._exit(9)

logging.basicConfig(level=logging.INFO, format="%(message)s")
model = ChatSegmind(model="gpt-5", base_url=sys.argv[1], api_key=sys.argv[2], poll_interval=0.01)
model.invoke("Hello", config={"callbacks": [Crash()]})
"""


def test_job_left_by_a_crash_can_be_fetched_by_the_id_in_the_log():
    with LocalGateway(queue=Queue(polls=3)) as gateway:
        gateway.reply("Paris.")
        command = [sys.executable, "-c", CRASHING, gateway.base_url, gateway.api_key]
        crashed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)

        assert crashed.returncode == 9
        logged = crashed.stderr.split("job ")[1].split()[0]
        assert build(gateway).get_job(logged).result().text == "Paris."
        assert (len(submissions(gateway)), gateway.executions) == (1, 1)


@both_drivers
@pytest.mark.parametrize("queue", [Queue(failed_status=422), Queue(failed_status=200, polls=2)])
def test_failed_job_raises_its_error_once_and_costs_nothing(driver, queue):
    listener = Listener()
    with LocalGateway(queue=queue) as gateway:
        before = gateway.credits
        gateway.fail_job("The model ran out of memory")

        with pytest.raises(SegmindJobFailedError, match="out of memory") as caught:
            call(driver, build(gateway, max_retries=3), "Hello", {"callbacks": [listener]})

        assert (caught.value.request_id, caught.value.billed) == (gateway.jobs[0].id, False)
        assert (len(submissions(gateway)), gateway.credits) == (1, before)
    assert (listener.states[0], listener.states[-1]) == ("QUEUED", "FAILED")
    assert listener.states.count("FAILED") == 1


@both_drivers
def test_error_of_an_unreadable_answer_has_id_and_cost(driver, gateway):
    gateway.reply(Reply(body=b'{"choices": [{"mess'))

    with pytest.raises(SegmindResponseError) as caught:
        call(driver, build(gateway), "Hello")

    assert (caught.value.request_id, caught.value.billed) == (gateway.jobs[0].id, True)
    assert caught.value.cost == pytest.approx(gateway.jobs[0].cost)
    assert gateway.executions == 1


def test_langgraph_does_not_repeat_a_job(gateway):
    gateway.fail(429, times=7, on="poll", headers={})
    model = build(gateway)
    graph: Any = StateGraph(MessagesState)
    graph.add_node(
        "ask",
        lambda state: {"messages": [model.invoke(state["messages"])]},
        retry_policy=RetryPolicy(initial_interval=0.01, max_attempts=3),
    )
    graph.add_edge(START, "ask")

    with pytest.raises(SegmindError):
        graph.compile().invoke({"messages": [("user", "Hello")]})

    assert (len(submissions(gateway)), gateway.executions) == (1, 1)


# --- submit now, collect later ---------------------------------------------------------------


@every_family
async def test_jobs_are_submitted_now_and_collected_later(slug):
    with LocalGateway(queue=Queue(polls=1)) as gateway:
        async with build(gateway, slug) as model:
            gateway.reply("one", "two", "three", "four")
            jobs = [model.submit("a"), await model.asubmit([("user", "b")]), model.submit("c")]

            assert [str(job) for job in jobs] == [job.id for job in gateway.jobs]
            assert jobs[0].status() in ("QUEUED", "PROCESSING")
            assert await jobs[0].astatus() == "COMPLETED"
            assert [job.result().text for job in jobs] == ["one", "two", "three"]
            assert (await jobs[1].aresult()).text == "two"
            again = model.get_job(str(jobs[2]))
            assert isinstance(again, SegmindJob)
            assert again.result().text == "three"
            message = await model.get_job(jobs[0].id).aresult()
            assert (message.text, message.response_metadata["request_id"]) == ("one", jobs[0].id)
            assert gateway.executions == 3


def test_job_survives_pickle(gateway):
    gateway.reply("Paris.")
    job = build(gateway).submit("Hello")

    assert pickle.loads(pickle.dumps(job)).result().text == "Paris."
    assert repr(job) == f"SegmindJob('{job.id}')"


def test_tool_calls_are_collected(gateway):
    model = build(gateway)
    job = model.submit("Add 17 and 25.", tools=[add], tool_choice="any")

    for same in (job, model.get_job(job.id), model.get_job(job.id, tools=[add])):
        (tool_call,) = same.result().tool_calls
        assert (tool_call["name"], tool_call["args"]) == ("add", {"a": 17, "b": 25})


@pytest.mark.parametrize("bind", ["bind_tools", "bind"])
async def test_bound_settings_are_submitted(gateway, bind):
    model = build(gateway)
    bound: Any = model.bind_tools([add]) if bind == "bind_tools" else model.bind(tools=[add])
    jobs = [
        bound.bind(temperature=0.5).submit("Add 17 and 25."),
        await bound.with_config(tags=["x"]).asubmit("Add 17 and 25.", seed=7),
    ]

    for job in (*jobs, bound.get_job(str(jobs[0]))):
        assert job.result().tool_calls[0]["args"] == {"a": 17, "b": 25}
    assert bound.get_job(jobs[0].id).result().tool_calls[0]["name"] == "add"
    assert (await bound.get_job(jobs[0].id).aresult()).tool_calls[0]["name"] == "add"
    first, second = (r.body.keys() & {"temperature", "seed"} for r in gateway.requests[:2])
    assert (first, second) == ({"temperature"}, {"seed"})
    await model.aclose()


def test_binding_is_a_runnable_binding(gateway):
    bound = build(gateway).bind(stop=["x"])

    assert isinstance(bound, RunnableBinding)
    assert bound.lc_id() == RunnableBinding.lc_id()
    assert bound.with_retry().invoke("Hello").text


def test_settings_of_one_call_are_submitted(gateway):
    build(gateway, temperature=0.5).submit("Hello", model="gpt-4o", seed=7, stop=["x"])

    (request,) = gateway.requests
    body = request.body
    assert request.path == "/v2/gpt-4o"
    assert (body["seed"], body["temperature"], body["stop"]) == (7, 0.5, ["x"])


def test_stop_sequences_end_a_fetched_answer(gateway):
    gateway.reply("one two three")
    job = build(gateway).submit("Count.", stop=[" three"])

    assert job.result().text == "one two"


async def test_expired_job_raises_not_found(gateway):
    async with build(gateway) as model:
        job = model.submit("Hello")
        gateway.expire()

        for collect in (job.result, job.status):
            with pytest.raises(SegmindJobNotFoundError, match="expired") as caught:
                collect()
            assert caught.value.request_id == job.id
        with pytest.raises(SegmindJobNotFoundError, match="expired"):
            await job.aresult()


@pytest.mark.parametrize("job_id", ["", "../v1/gpt-4o", "a b", "ä"])
def test_invalid_job_id_is_refused_before_anything_is_sent(gateway, job_id):
    job = build(gateway).get_job(job_id)

    for read in (job.result, job.status):
        with pytest.raises(ValueError, match="request_id"):
            read()

    assert gateway.requests == []


# --- events ----------------------------------------------------------------------------------


class Listener(BaseCallbackHandler):
    def __init__(self):
        self.events = []
        self.runs, self.runs_of_events = set(), set()

    def on_chat_model_start(self, *args, run_id, **kwargs):
        self.runs.add(run_id)

    def on_custom_event(self, name, data, *, run_id, **kwargs):
        assert name == "segmind_job"
        self.events.append(data)
        self.runs_of_events.add(run_id)

    @property
    def states(self):
        return [event["state"] for event in self.events]


class AsyncListener(AsyncCallbackHandler):
    def __init__(self):
        self.states = []

    async def on_custom_event(self, name, data, **kwargs):
        self.states.append(data["state"])


WHOLE = ["QUEUED", "PROCESSING", "COMPLETED"]


@both_drivers
def test_callbacks_get_every_state_once(driver):
    listener = Listener()
    with LocalGateway(queue=Queue(polls=3)) as gateway:
        call(driver, build(gateway), "Hello", {"callbacks": [listener]})

        assert listener.states == WHOLE
        names = {(event["id"], event["model"]) for event in listener.events}
        assert names == {(gateway.jobs[0].id, "gpt-5")}
        seconds = [event["seconds"] for event in listener.events]
        assert seconds == sorted(seconds)


@both_drivers
@pytest.mark.parametrize(
    ("replies", "settings", "states"),
    [
        # The poll at 0.1 s is the last before the deadline.
        (["working"], {"poll_interval": 0.1, "queue_timeout": 0.1}, ["QUEUED", "PROCESSING"]),
        (["refused"], {}, ["QUEUED"]),
        (["working", "failed"], {}, ["QUEUED", "PROCESSING", "FAILED"]),
    ],
)
def test_state_that_ends_the_call_is_reported_once(driver, replies, settings, states):
    acts = {
        "working": reply(200, {"status": "PROCESSING"}),
        "refused": reply(401, {"error": "Unauthorized"}),
        "failed": reply(422, {"status": "FAILED", "error": "broke"}),
    }
    submitted = reply(200, {"request_id": JOB, "status": "QUEUED"})
    listener = Listener()
    with FaultServer({"m": [submitted], "status": [acts[name] for name in replies]}) as server:
        model = checks.build(server.url, queue=True, **{**FAST, **settings})
        with pytest.raises(SegmindError):
            call(driver, model, "Hello", {"callbacks": [listener]})

    assert listener.states == states


async def test_every_kind_of_call_reports_events():
    with LocalGateway(queue=Queue(polls=3)) as gateway:
        async with build(gateway) as model:
            chain = model | StrOutputParser()
            listener, other = Listener(), AsyncListener()
            config = {"callbacks": [listener]}
            async_config = {"callbacks": [listener, other]}
            list(model.stream("Hello", config))
            list(chain.stream("Hello", config))
            chain.invoke("Hello", config)
            build(gateway, streaming=True).invoke("Hello", config)
            build(gateway, callbacks=[listener]).invoke("Hello")
            for runnable in (model, chain):
                async for _ in runnable.astream("Hello", async_config):
                    pass
            await chain.ainvoke("Hello", async_config)
            await (await model.asubmit("Hello", async_config)).aresult()

    assert listener.states == WHOLE * 8 + ["QUEUED"]
    assert other.states == WHOLE * 3 + ["QUEUED"]


async def test_astream_events_has_the_events_of_a_job():
    with LocalGateway(queue=Queue(polls=3)) as gateway:
        async with build(gateway) as model:
            for runnable in (model, model | StrOutputParser()):
                events = [e async for e in runnable.astream_events("Hello", version="v2")]

                custom = [e["data"]["state"] for e in events if e["event"] == "on_custom_event"]
                assert custom == WHOLE
                started = next(e for e in events if e["event"] == "on_chat_model_start")
                assert any(e["event"] == "on_chat_model_stream" for e in events)
                assert started["name"] == "ChatSegmind"


async def test_events_have_the_run_id_of_their_call(gateway):
    async with build(gateway) as model:
        for runnable in (model, model | StrOutputParser()):
            listener = Listener()
            config: Any = {"callbacks": [listener]}
            runnable.invoke("Hello", config)
            list(runnable.stream("Hello", config))
            await runnable.ainvoke("Hello", config)
            [chunk async for chunk in runnable.astream("Hello", config)]

            assert len(listener.runs_of_events) == 4
            assert listener.runs_of_events == listener.runs


class Nested(BaseCallbackHandler):
    """Calls another model while a stream begins."""

    run_inline = True

    def __init__(self, model):
        self.model = model

    def on_chat_model_start(self, *args, **kwargs):
        list(self.model.stream("Inner"))


async def test_stream_inside_the_beginning_of_another_takes_no_events_from_it(gateway):
    listener = Listener()
    async with build(gateway) as model:
        nested = Nested(build(gateway))
        list(model.stream("Hello", {"callbacks": [nested, listener]}))
        async for _ in model.astream("Hello", {"callbacks": [nested, listener]}):
            pass

    assert listener.states[0] == "QUEUED"
    assert listener.states.count("COMPLETED") == 2


# --- many ------------------------------------------------------------------------------------


async def test_hundreds_of_jobs_are_polled_by_the_schedule():
    with LocalGateway(latency=2.0) as gateway:
        async with build(gateway, poll_interval=0.5, timeout=60) as model:
            answers = await model.abatch([f"Say {n}" for n in range(300)])

        assert len(answers) == 300
        assert gateway.executions == len(submissions(gateway)) == 300
        # Within the job's own time 0.5, 1.25 and 2.375 s fit; the machine may be slow, never fast.
        assert max(job.polls for job in gateway.jobs) <= 3
        assert len(polls(gateway)) <= 300 * (3 + 1)


def test_threads_share_the_queue(gateway):
    questions = [f"What is {n} + 1?" for n in range(60)]

    answers = build(gateway).batch(questions, {"max_concurrency": 20})

    assert all(q in answer.text for q, answer in zip(questions, answers, strict=True))
    assert gateway.executions == 60
