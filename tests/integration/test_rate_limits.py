"""Many calls meet the gateway's rate limit: they wait for it together, and all are answered."""

import asyncio
import gc
import logging
import os
import signal
import threading
import time
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from langchain_segmind import (
    SegmindBatchError,
    SegmindEmbeddings,
    SegmindRateLimitError,
    track_usage,
)
from langchain_segmind.testing import LocalGateway, RateLimit
from tests.faults import server as faults
from tests.faults.checks import both_drivers, call
from tests.faults.checks import build as build_on
from tests.faults.server import FaultServer, answer, reply
from tests.integration.call_styles import build, build_embeddings, model_requests

CALLS = 60
QUESTIONS = [f"Say w{n}." for n in range(CALLS)]
LIMIT = {"requests": 20, "seconds": 0.4}


@contextmanager
def limited(**limit):
    with LocalGateway(rate_limit=RateLimit(**{**LIMIT, **limit}), latency=0.02) as gateway:
        yield gateway


def assert_answered(gateway, count=CALLS):
    assert gateway.executions == count
    assert len(model_requests(gateway)) <= 1.2 * count


async def gathered(model):
    return await asyncio.gather(*map(model.ainvoke, QUESTIONS))


def in_threads(model):
    with ThreadPoolExecutor(40) as pool:
        return list(pool.map(model.invoke, QUESTIONS))


FLOODS = {
    "gather": lambda model: asyncio.run(gathered(model)),
    "abatch": lambda model: asyncio.run(model.abatch(QUESTIONS)),
    "batch": lambda model: model.batch(QUESTIONS, {"max_concurrency": 32}),
    "threads": in_threads,
}
LIMITS: dict[str, dict[str, Any]] = {
    "fixed": {},
    "sliding": {"sliding": True, "hint": "retry-after-ms"},
    "fixed, no hint": {"hint": None},
    "sliding, no hint": {"sliding": True, "hint": None},
}


@pytest.mark.parametrize(("limit", "flood"), [*zip(LIMITS, FLOODS, strict=True)])
def test_flood_of_calls_is_answered_with_few_requests_more(limit, flood):
    with limited(**LIMITS[limit]) as gateway:
        messages = FLOODS[flood](build(gateway))

        assert [f"w{n}" in message.text for n, message in enumerate(messages)] == [True] * CALLS
        assert_answered(gateway)


@pytest.mark.parametrize("hint", ["x-rate-limit-reset-at-utc", None])
async def test_many_texts_wait_together_for_a_rate_limit(call, hint):
    with limited(hint=hint) as gateway:
        vectors = await call(build_embeddings(gateway), "embed_documents", QUESTIONS)

        assert len(vectors) == CALLS
        assert_answered(gateway)


def test_loops_and_threads_share_the_wait():
    with limited() as gateway:
        model = build(gateway)

        async def some():
            await asyncio.gather(*map(model.ainvoke, QUESTIONS[:20]))

        work = [lambda: asyncio.run(some())] * 2 + [lambda: model.batch(QUESTIONS[:20])]
        with ThreadPoolExecutor(3) as pool:
            for done in [pool.submit(part) for part in work]:
                done.result()

        assert_answered(gateway)


def test_jobs_are_submitted_within_the_limit_and_polled_at_any_time():
    with limited(requests=5) as gateway:
        model = build(gateway, queue=True, poll_interval=0.01)
        messages = model.batch(QUESTIONS[:15], {"max_concurrency": 15})

        assert len(messages) == 15
        assert len(model_requests(gateway)) <= 15 + 15
        assert gateway.executions == 15


# --- what a call that waits does otherwise ------------------------------------------------------


REFUSED = reply(429, {"error": "Rate limit"}, {"Retry-After": "30"})


@contextmanager
def closed(**settings):
    """Serve a model whose rate limit was reached: it is 30 s until more requests may leave."""
    with FaultServer({"m": [REFUSED, answer()]}) as server:
        model = build_on(server.url, **settings)
        with pytest.raises(SegmindRateLimitError):
            build_refused(model).invoke("Hello")
        yield server, model


def build_refused(model):
    """Copy a model, so that it shares connections and limits, but does not wait after a 429."""
    return model.model_copy(update={"max_retries": 0})


@both_drivers
def test_call_that_cannot_wait_so_long_raises_without_sending(driver):
    with closed(total_timeout=5) as (server, model):
        with pytest.raises(SegmindRateLimitError, match="total_timeout ends before it") as caught:
            call(driver, model, "Hello")

        error = caught.value
        assert (error.outcome, error.billed, error.status_code) == ("not_sent", False, None)
        assert 20 < (error.retry_after or 0) <= 30
        assert server.requests["m"] == 1


async def test_canceled_task_stops_waiting_and_the_next_is_sent():
    with closed() as (server, model):
        tasks = [asyncio.create_task(model.ainvoke("Hello")) for _ in range(3)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)

        assert [type(result) for result in results] == [asyncio.CancelledError] * 3
        assert server.requests["m"] == 1


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system cannot signal threads")
def test_ctrl_c_ends_the_wait():
    with closed() as (server, model):
        main = threading.main_thread().ident or 0
        timer = threading.Timer(0.2, lambda: signal.pthread_kill(main, signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            model.invoke("Hello")

        assert server.requests["m"] == 1


async def test_text_that_waits_is_not_sent_after_another_failed(call):
    """The first text is refused, the second fails, and the third waits for the limit to end."""

    def fail(request):
        request.server.wait_until(lambda: request.server.ended == 1)
        request.server.wait(0.2)
        reply(400, {"error": "no"})(request)

    acts = {b"one": reply(429, {"error": "x"}, {"Retry-After": "50"}), b"two": fail}

    def act(request):
        faults.gathers(2)(request)
        next(act for text, act in acts.items() if text in request.body)(request)

    with FaultServer({"m": [act]}) as server:
        embeddings = build_on_embeddings(server, max_concurrency=2)
        with pytest.raises(SegmindBatchError) as caught:
            await call(embeddings, "embed_documents", ["one", "two", "three"])

        assert caught.value.index == 1
        assert server.requests["m"] == 2


def build_on_embeddings(server, **settings):
    return SegmindEmbeddings(model="m", base_url=server.url, api_key="k", **settings)


def test_max_retries_counts_each_refusal_of_a_call():
    with LocalGateway() as gateway:
        gateway.fail(429, times=100, headers={"retry-after-ms": "10"})
        with pytest.raises(SegmindRateLimitError) as caught:
            build(gateway, max_retries=2).invoke("Hello")
        assert (caught.value.attempts, len(gateway.requests)) == (3, 3)

        with pytest.raises(SegmindRateLimitError) as caught:
            build(gateway, max_retries=0).invoke("Hello")
        assert (caught.value.attempts, len(gateway.requests)) == (1, 4)


def test_other_calls_are_sent_when_a_limit_lasts_longer_than_max_retry_wait():
    with LocalGateway() as gateway:
        gateway.fail(429, headers={"Retry-After": "3600"})
        model = build(gateway)
        with pytest.raises(SegmindRateLimitError):
            model.invoke("Hello")

        assert model.invoke("Hello").text
        assert len(gateway.requests) == 2


def test_other_models_and_other_keys_do_not_wait():
    with FaultServer({"m": [REFUSED, answer()], "other": [answer()]}) as server:
        model = build_on(server.url, max_retries=0)
        with pytest.raises(SegmindRateLimitError):
            model.invoke("Hello")

        assert model.invoke("Hello", model="other").text == "fine"
        assert (
            model.model_copy(update={"api_key": SecretStr("SG_another")}).invoke("Hello").text
            == "fine"
        )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_child_does_not_wait_for_its_parents_limit():
    with closed() as (server, model):
        child = os.fork()
        if child == 0:
            os._exit(0 if model.invoke("Hello").text == "fine" else 1)
        _, status = os.waitpid(child, 0)

        assert (os.waitstatus_to_exitcode(status), server.requests["m"]) == (0, 2)


def test_calls_that_were_refused_come_back_spread_over_time():
    opening, arrivals = [], []

    def act(request):
        opening.append(time.time() + 0.6)
        opens = opening[0]
        if time.time() < opens:
            milliseconds = {"retry-after-ms": f"{1000 * (opens - time.time()):.0f}"}
            reply(429, {"error": "Rate limit"}, milliseconds)(request)
            return
        arrivals.append(time.time())
        answer()(request)

    with FaultServer({"m": [act]}) as server:
        model = build_on(server.url)
        asyncio.run(model.abatch([*QUESTIONS[:20]]))

    tenths = Counter(int(10 * (moment - arrivals[0])) for moment in arrivals)
    assert sum(tenths.values()) == 20
    assert max(tenths.values()) <= 16


def test_reaching_a_limit_is_logged_once(caplog):
    with caplog.at_level(logging.INFO, "langchain_segmind"), limited() as gateway:
        build(gateway).batch(QUESTIONS[:50], {"max_concurrency": 50})

    reached = [record for record in caplog.records if "rate limit is reached" in record.message]
    assert [record.levelname for record in reached] == ["INFO"]
    assert reached[0].message.startswith("gpt-4o: ")


def test_what_a_call_used_is_not_kept_after_it(gateway):
    model = build(gateway)
    with track_usage() as usage:
        model.invoke("Hello")
    reference = weakref.ref(usage)
    del usage
    gc.collect()

    assert reference() is None
