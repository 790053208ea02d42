"""Jobs in the queue over HTTP: what was submitted runs once, and its answer can be collected."""

import asyncio
import logging
import pickle
import subprocess
import sys
import time
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.messages import HumanMessage
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
    SegmindJobTimeoutError,
    SegmindResponseError,
)
from langchain_segmind.testing import LocalGateway, Queue, Reply
from tests.faults.checks import KEY
from tests.faults.server import JOB, FaultServer, reply

FAMILIES = pytest.mark.parametrize("slug", ["gpt-5", "claude-opus-4.7", "gemini-3-pro"])


FAST = {"poll_interval": 0.002, "max_retries": 0}


def build(gateway, slug="gpt-5", **kwargs):
    settings = {"queue": True, **FAST, **kwargs}
    address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    return ChatSegmind(model=slug, **address, **settings)


@pytest.fixture(params=["sync", "async"])
def ask(request):
    """Ask a model the one way or the other."""

    def in_sync(model, *args, **kwargs):
        return model.invoke(*args, **kwargs)

    def in_async(model, *args, **kwargs):
        async def call():
            async with model:
                return await model.ainvoke(*args, **kwargs)

        return asyncio.run(call())

    return in_sync if request.param == "sync" else in_async


def submits(gateway):
    return [r.path for r in gateway.requests if r.method == "POST"]


def polls(gateway):
    return [r.path for r in gateway.requests if r.method == "GET"]


def wait_for(condition):
    while not condition():
        time.sleep(0.005)


# --- the way ---------------------------------------------------------------------------------


@FAMILIES
def test_a_job_is_submitted_polled_and_collected(ask, slug):
    with LocalGateway(queue=Queue(polls=2)) as gateway:
        gateway.reply("Paris.")
        message = ask(build(gateway, slug), "What is the capital of France?")

        (job,) = gateway.jobs
        told = message.response_metadata
        assert message.text == "Paris."
        assert (told["request_id"], told["model_name"]) == (job.id, slug)
        assert told["cost"] == pytest.approx(job.cost)
        assert told["remaining_credits"] == pytest.approx(gateway.credits)
        assert message.usage_metadata["total_tokens"] > 0
        assert submits(gateway) == [f"/v2/{slug}"]
        assert polls(gateway) == [
            *[f"/v2/requests/{job.id}/status"] * 3,
            f"/v2/requests/{job.id}",
        ]


@pytest.mark.parametrize("output", ["string", "object", "text", "missing"])
@FAMILIES
def test_every_form_of_output_is_read(ask, slug, output):
    with LocalGateway(queue=Queue(output=output, bare=True)) as gateway:
        gateway.reply("Paris.")

        assert ask(build(gateway, slug), "Hello").text == "Paris."


@pytest.mark.parametrize(
    ("slug", "queue", "version"),
    [
        ("gpt-5", None, "v2"),
        ("deepseek-reasoner", None, "v2"),
        ("gpt-4o", None, "v1"),
        ("new-model", None, "v1"),
        ("gpt-5", False, "v1"),
        ("gpt-4o", True, "v2"),
    ],
)
def test_slow_models_go_through_the_queue_by_themselves(ask, slug, queue, version):
    with LocalGateway(models=["new-model"]) as gateway:
        ask(build(gateway, slug, queue=queue), "Hello")

        assert submits(gateway) == [f"/{version}/{slug}"]


def test_the_model_of_one_call_decides(gateway):
    with build(gateway, "gpt-4o", queue=None) as model:
        model.invoke("Hello")
        model.invoke("Hello", model="gpt-5")

    assert submits(gateway) == ["/v1/gpt-4o", "/v2/gpt-5"]


def test_streams_batches_and_structured_output_go_through_the_queue(gateway):
    class City(BaseModel):
        name: str

    with build(gateway) as model:
        assert list(model.stream("Hello"))[-1].chunk_position == "last"
        gateway.reply('{"name": "Paris"}')
        assert model.with_structured_output(City).invoke("Where?") == City(name="Paris")
        assert len(model.batch(["a", "b", "c"])) == 3

    assert submits(gateway) == ["/v2/gpt-5"] * 5


def test_an_agent_works_in_the_queue(ask, gateway):
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    agent: Any = create_agent(build(gateway), [add])

    state = agent.invoke({"messages": [("user", "Add 17 and 25.")]})

    assert "42" in state["messages"][-1].text
    assert len({m.id for m in state["messages"]}) == 4
    assert len(gateway.jobs) == gateway.executions == 2


# --- what may happen after the submit --------------------------------------------------------

FAULTS: dict[str, dict[str, Any]] = {
    "reset": {"drop": "before_run"},
    "cut": {"drop": "mid_reply"},
    "404 too early": {"status": 404},
    "429": {"status": 429, "headers": {}},
    "500": {"status": 500},
    "502 in HTML": {"status": 502, "body": "<html>bad gateway</html>"},
    "503": {"status": 503},
    "HTML": {"status": 200, "body": "<html>hello</html>"},
    "nothing": {"status": 200, "body": b""},
}


@pytest.mark.parametrize("on", ["status", "result"])
@pytest.mark.parametrize("fault", FAULTS)
def test_bad_polls_are_survived(ask, gateway, on, fault):
    gateway.fail(times=6, on=on, **FAULTS[fault])

    message = ask(build(gateway), "Hello")

    assert message.text
    assert (len(submits(gateway)), gateway.executions) == (1, 1)
    assert len(polls(gateway)) == 2 + 6


@pytest.mark.parametrize("on", ["status", "result"])
@pytest.mark.parametrize("fault", FAULTS)
def test_polls_that_stay_bad_give_the_id_and_the_answer_can_be_fetched(ask, gateway, on, fault):
    gateway.reply("Paris.")
    gateway.fail(times=7, on=on, **FAULTS[fault])

    with pytest.raises(SegmindError) as caught:
        ask(build(gateway), "Hello")

    (job,) = gateway.jobs
    assert caught.value.request_id == job.id
    assert caught.value.outcome == ("unknown" if on == "status" else "executed")
    assert not caught.value.is_retryable
    assert build(gateway).get_job(job.id).result().text == "Paris."
    assert (len(submits(gateway)), gateway.executions) == (1, 1)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_poll_gives_the_id(ask, gateway, status):
    gateway.fail(status, on="poll")

    with pytest.raises(SegmindError) as caught:
        ask(build(gateway), "Hello")

    assert (caught.value.request_id, caught.value.status_code) == (gateway.jobs[0].id, status)
    assert len(polls(gateway)) == 1


@pytest.mark.parametrize("lost", [{"drop": "after_run"}, {"drop": "mid_reply"}])
def test_a_lost_submit_is_not_repeated(ask, gateway, lost):
    gateway.fail(on="submit", **lost)

    with pytest.raises(SegmindError) as caught:
        ask(build(gateway, max_retries=5), "Hello")

    assert caught.value.outcome in ("unknown", "executed")
    assert (len(gateway.requests), gateway.executions) == (1, 1)


def test_a_job_that_takes_too_long_is_fetched_later(ask):
    with LocalGateway(queue=Queue(polls=10_000)) as gateway:
        gateway.reply("Paris.")
        with pytest.raises(SegmindJobTimeoutError) as caught:
            ask(build(gateway, queue_timeout=0.3), "Hello")

        error = pickle.loads(pickle.dumps(caught.value))
        (job,) = gateway.jobs
        assert error.request_id == job.id
        assert gateway.executions == 1


def test_a_job_left_by_a_cancelled_task_is_fetched_later(caplog):
    caplog.set_level(logging.INFO, "langchain_segmind")

    async def leave(gateway):
        async with build(gateway) as model:
            task = asyncio.create_task(model.ainvoke("Hello"))
            await asyncio.to_thread(wait_for, lambda: polls(gateway))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with LocalGateway(latency=0.5) as gateway:
        gateway.reply("Paris.")
        asyncio.run(leave(gateway))

        (job,) = gateway.jobs
        levels = [r.levelname for r in caplog.records if job.id in r.getMessage()]
        assert levels == ["INFO", "WARNING"]
        assert build(gateway).get_job(job.id).result().text == "Paris."
        assert (len(submits(gateway)), gateway.executions) == (1, 1)


class Refuse(BaseCallbackHandler):
    raise_error = True

    def on_custom_event(self, name, data, **kwargs):
        raise RuntimeError(f"no {data['state']}")


@pytest.mark.parametrize("way", ["submit", "asubmit"])
def test_a_job_whose_callback_fails_leaves_its_id_in_the_log(caplog, way):
    def submit(model):
        config = {"callbacks": [Refuse()]}
        return (
            model.submit("Hello", config)
            if way == "submit"
            else asyncio.run(model.asubmit("Hello", config))
        )

    with LocalGateway() as gateway:
        with pytest.raises(RuntimeError, match="no QUEUED"):
            submit(build(gateway))

        (job,) = gateway.jobs
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("langchain_segmind")]
    assert [f"get_job('{job.id}')" in message for message in ours] == [True]


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


def test_a_job_left_by_a_crash_is_fetched_by_the_id_in_the_log():
    with LocalGateway(queue=Queue(polls=3)) as gateway:
        gateway.reply("Paris.")
        command = [sys.executable, "-c", CRASHING, gateway.base_url, gateway.api_key]
        crashed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

        assert crashed.returncode == 9
        logged = crashed.stderr.split("job ")[1].split()[0]
        assert build(gateway).get_job(logged).result().text == "Paris."
        assert (len(submits(gateway)), gateway.executions) == (1, 1)


@pytest.mark.parametrize("status", [422, 200])
@pytest.mark.parametrize("polls_first", [0, 2])
def test_a_failed_job_says_why_and_that_it_cost_nothing(ask, status, polls_first):
    with LocalGateway(queue=Queue(failed_status=status, polls=polls_first)) as gateway:
        before = gateway.credits
        gateway.fail_job("The model ran out of memory")

        with pytest.raises(SegmindJobFailedError, match="out of memory") as caught:
            ask(build(gateway, max_retries=3), "Hello")

        assert (caught.value.request_id, caught.value.billed) == (gateway.jobs[0].id, False)
        assert (len(submits(gateway)), gateway.credits) == (1, before)


def test_a_form_that_makes_the_job_fail_is_asked_for_in_words(ask):
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    with LocalGateway(refuses_format=["gpt-5"], queue=Queue(refuse_late=True)) as gateway:
        model = build(gateway)
        agent: Any = create_agent(model, [add])

        state = agent.invoke({"messages": [("user", "Add 17 and 25.")]})

        assert "42" in state["messages"][-1].text
        assert [job.state for job in gateway.jobs] == ["FAILED", "COMPLETED", "COMPLETED"]


def test_the_key_goes_to_no_host_that_a_reply_names(ask, gateway):
    with LocalGateway(api_key=gateway.api_key) as canary:
        urls = {f"{name}_url": f"{canary.base_url}/x" for name in ("status", "response", "poll")}
        lure = {"request_id": "lure", "status": "QUEUED", **urls}
        gateway.fail(200, body=lure, on="submit", after_run=True)

        with pytest.raises(SegmindJobNotFoundError):
            ask(build(gateway), "Hello")

        assert canary.requests == []
        assert set(polls(gateway)) == {"/v2/requests/lure/status"}


def test_an_unreadable_answer_gives_the_id(ask, gateway):
    gateway.reply(Reply(body=b'{"choices": [{"mess'))

    with pytest.raises(SegmindResponseError) as caught:
        ask(build(gateway), "Hello")

    assert (caught.value.request_id, caught.value.billed) == (gateway.jobs[0].id, True)
    assert caught.value.cost == pytest.approx(gateway.jobs[0].cost)
    assert gateway.executions == 1


def test_langgraph_runs_no_job_twice(gateway):
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

    assert (len(submits(gateway)), gateway.executions) == (1, 1)


# --- submit now, collect later ---------------------------------------------------------------


@FAMILIES
async def test_many_are_submitted_and_collected_later(slug):
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


def test_a_handle_survives_pickle(gateway):
    gateway.reply("Paris.")
    job = build(gateway).submit("Hello")

    assert pickle.loads(pickle.dumps(job)).result().text == "Paris."
    assert repr(job) == f"SegmindJob('{job.id}')"


def test_calls_of_tools_are_collected_too(gateway):
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    model = build(gateway)
    job = model.submit("Add 17 and 25.", tools=[add], tool_choice="any")

    for message in (
        job.result(),
        model.get_job(job.id).result(),
        model.get_job(job.id, tools=[add]).result(),
    ):
        (call,) = message.tool_calls
        assert (call["name"], call["args"]) == ("add", {"a": 17, "b": 25})


@pytest.mark.parametrize("bind", ["bind_tools", "bind"])
async def test_what_is_bound_goes_with_a_submit(gateway, bind):
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

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
    bodies = [r.body for r in gateway.requests if r.method == "POST"]
    assert [("temperature" in body, "seed" in body) for body in bodies] == [
        (True, False),
        (False, True),
    ]
    await model.aclose()


def test_a_binding_is_still_langchains(gateway):
    bound = build(gateway).bind(stop=["x"])

    assert isinstance(bound, RunnableBinding)
    assert bound.lc_id() == RunnableBinding.lc_id()
    assert bound.with_retry().invoke("Hello").text


def test_settings_go_with_a_submit(gateway):
    build(gateway, temperature=0.5).submit("Hello", model="gpt-4o", seed=7, stop=["x"])

    (request,) = gateway.requests
    assert (request.path, request.body["seed"], request.body["temperature"]) == (
        "/v2/gpt-4o",
        7,
        0.5,
    )
    assert request.body["stop"] == ["x"]


def test_stop_sequences_end_a_fetched_answer(gateway):
    gateway.reply("one two three")
    job = build(gateway).submit("Count.", stop=[" three"])

    assert job.result().text == "one two"


async def test_what_expired_is_said_to_have(gateway):
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
def test_an_id_that_is_none_is_refused_before_anything_is_sent(gateway, job_id):
    job = build(gateway).get_job(job_id)

    for read in (job.result, job.status):
        with pytest.raises(ValueError, match="request_id"):
            read()

    assert gateway.requests == []


# --- news ------------------------------------------------------------------------------------


class Listener(BaseCallbackHandler):
    def __init__(self):
        self.completion = []

    def on_custom_event(self, name, data, **kwargs):
        assert name == "segmind_job"
        self.completion.append(data)


class AsyncListener(AsyncCallbackHandler):
    def __init__(self):
        self.completion = []

    async def on_custom_event(self, name, data, **kwargs):
        self.completion.append(data)


def states(listener):
    return [told["state"] for told in listener.completion]


WHOLE = ["QUEUED", "PROCESSING", "COMPLETED"]


def test_callbacks_are_told_of_every_state_once(ask):
    listener = Listener()
    with LocalGateway(queue=Queue(polls=3)) as gateway:
        ask(build(gateway), "Hello", {"callbacks": [listener]})

        assert states(listener) == WHOLE
        assert {told["id"] for told in listener.completion} == {gateway.jobs[0].id}
        assert {told["model"] for told in listener.completion} == {"gpt-5"}
        seconds = [told["seconds"] for told in listener.completion]
        assert seconds == sorted(seconds)


def test_a_state_that_ends_the_call_is_reported_once(ask):
    submitted = reply(200, {"request_id": JOB, "status": "QUEUED"})
    working = reply(200, {"status": "PROCESSING"})
    refused = reply(401, {"error": "Unauthorized"})
    failed = reply(422, {"status": "FAILED", "error": "broke"})
    listener = Listener()
    for polls_of in ([working], [refused], [working, failed]):
        with FaultServer({"m": [submitted], "status": polls_of}) as server:
            # The poll at 0.1 s is the last before the deadline.
            settings = {"poll_interval": 0.1, "queue_timeout": 0.1} if polls_of == [working] else {}
            model = ChatSegmind(
                model="m", base_url=server.url, api_key=KEY, queue=True, **{**FAST, **settings}
            )
            with pytest.raises(SegmindError):
                ask(model, "Hello", {"callbacks": [listener]})

    whole = ["QUEUED", "PROCESSING"]
    assert states(listener) == [*whole, "QUEUED", *whole, "FAILED"]


async def test_every_kind_of_call_tells_them():
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
            async for _ in model.astream("Hello", async_config):
                pass
            async for _ in chain.astream("Hello", async_config):
                pass
            await chain.ainvoke("Hello", async_config)
            await (await model.asubmit("Hello", async_config)).aresult()

    assert states(listener) == WHOLE * 8 + ["QUEUED"]
    assert states(other) == WHOLE * 3 + ["QUEUED"]


async def test_an_interface_sees_them_among_the_events():
    with LocalGateway(queue=Queue(polls=3)) as gateway:
        async with build(gateway) as model:
            for runnable in (model, model | StrOutputParser()):
                events = [e async for e in runnable.astream_events("Hello", version="v2")]

                told = [e["data"]["state"] for e in events if e["event"] == "on_custom_event"]
                assert told == WHOLE
                started = next(e for e in events if e["event"] == "on_chat_model_start")
                assert any(e["event"] == "on_chat_model_stream" for e in events)
                assert started["name"] == "ChatSegmind"


class RunIds(BaseCallbackHandler):
    def __init__(self):
        self.begun, self.told = set(), set()

    def on_chat_model_start(self, *args, run_id, **kwargs):
        self.begun.add(run_id)

    def on_custom_event(self, name, data, *, run_id, **kwargs):
        self.told.add(run_id)


async def test_news_carry_the_id_of_the_run_they_are_of(gateway):
    async with build(gateway) as model:
        for runnable in (model, model | StrOutputParser()):
            runs = RunIds()
            config: Any = {"callbacks": [runs]}
            runnable.invoke("Hello", config)
            list(runnable.stream("Hello", config))
            await runnable.ainvoke("Hello", config)
            [chunk async for chunk in runnable.astream("Hello", config)]

            assert len(runs.told) == 4
            assert runs.told == runs.begun


def test_a_stream_that_is_refused_leaves_nothing_behind(gateway):
    listener = Listener()
    with build(gateway, streaming=True) as model:
        with pytest.raises(ValueError, match="n must be 1"):
            model.invoke("Hello", {"callbacks": [listener]}, n=2)
        next(build(gateway)._stream([HumanMessage("Hello")]))

    assert listener.completion == []


class Nested(BaseCallbackHandler):
    """Asks another model while a stream begins."""

    run_inline = True

    def __init__(self, model):
        self.model = model

    def on_chat_model_start(self, *args, **kwargs):
        list(self.model.stream("Inner"))


async def test_a_stream_inside_the_beginning_of_another_takes_nothing_from_it(gateway):
    listener = Listener()
    async with build(gateway) as model:
        nested = Nested(build(gateway))
        list(model.stream("Hello", {"callbacks": [nested, listener]}))
        async for _ in model.astream("Hello", {"callbacks": [nested, listener]}):
            pass

    assert states(listener)[0] == "QUEUED"
    assert states(listener).count("COMPLETED") == 2


def test_a_failed_job_is_news_too(ask, gateway):
    listener = Listener()
    gateway.fail_job("broke")

    with pytest.raises(SegmindJobFailedError):
        ask(build(gateway), "Hello", {"callbacks": [listener]})

    assert states(listener) == ["QUEUED", "FAILED"]


# --- many ------------------------------------------------------------------------------------


async def test_a_thousand_jobs_at_once_are_polled_by_the_schedule():
    listener = Listener()
    with LocalGateway(latency=2.0) as gateway:
        async with build(gateway, poll_interval=0.5, timeout=60) as model:
            answers = await model.abatch([f"Say {n}" for n in range(1000)])

        assert len(answers) == 1000
        assert gateway.executions == len(submits(gateway)) == 1000
        per_job = {job.id: job.polls for job in gateway.jobs}
        # Within the job's own time 0.5, 1.25 and 2.375 s fit; the machine may be slow, never fast.
        assert max(per_job.values()) <= 3
        assert len(polls(gateway)) <= 1000 * (3 + 1)
    assert listener.completion == []


def test_threads_share_the_queue(gateway):
    model = build(gateway)
    answers = model.batch([f"What is {n} + 1?" for n in range(60)], {"max_concurrency": 20})

    assert [f"What is {n} + 1?" in answer.text for n, answer in enumerate(answers)] == [True] * 60
    assert gateway.executions == 60
