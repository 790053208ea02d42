"""Embeddings over real HTTP: each test through threads and through tasks."""

import asyncio
import json
import os
import pickle
import signal
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from langchain_segmind import (
    SegmindAuthenticationError,
    SegmindBatchError,
    SegmindBudgetExceededError,
    SegmindConnectionError,
    SegmindContextOverflowError,
    SegmindEmbeddings,
    SegmindInvalidRequestError,
    SegmindRateLimitError,
    SegmindResponseError,
    SegmindServerError,
    track_usage,
)
from langchain_segmind.testing import LocalGateway
from tests.faults import server as faults
from tests.faults.server import FaultServer, reply

KEY = "SG_0123456789abcdef"
SMALL, GEMINI = "text-embedding-3-small", "gemini-embedding-001"
BUSY = reply(500, {"error": "busy"}, {"Retry-After": "0"})
SLOW_DOWN = reply(429, {"error": "slow down"}, {"Retry-After": "0"})


class Threads:
    """Embeds the sync way."""

    def documents(self, embeddings, texts):
        with embeddings:
            return embeddings.embed_documents(texts)

    def query(self, embeddings, text):
        with embeddings:
            return embeddings.embed_query(text)


class Tasks:
    """Embeds the async way."""

    def documents(self, embeddings, texts):
        async def embed():
            async with embeddings:
                return await embeddings.aembed_documents(texts)

        return asyncio.run(embed())

    def query(self, embeddings, text):
        async def embed():
            async with embeddings:
                return await embeddings.aembed_query(text)

        return asyncio.run(embed())


@pytest.fixture(params=[Threads, Tasks])
def do(request):
    return request.param()


def build(gateway, model=SMALL, **kwargs):
    address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    return SegmindEmbeddings(model=model, **address, **kwargs)


def numbered(count):
    return [f"Document {n} speaks of topic T{n}." for n in range(count)]


# --- against the local gateway -----------------------------------------------------------------


def test_a_thousand_texts_keep_their_order_on_sixteen_connections(do):
    texts = numbered(1000)
    with LocalGateway(latency=0.01) as gateway:
        vectors = do.documents(build(gateway), texts)

        assert [request.executed for request in gateway.requests] == [True] * 1000
        assert len({request.connection for request in gateway.requests}) <= 16
        for n in (0, 1, 499, 998, 999):
            assert vectors[n] == do.query(build(gateway), texts[n])
    assert len(vectors) == 1000


@pytest.mark.parametrize(("limit", "most"), [(1, 1), (3, 3)])
def test_no_more_are_under_way_than_allowed(do, limit, most):
    with LocalGateway(latency=0.02) as gateway:
        do.documents(build(gateway, max_concurrency=limit), numbered(12))

        assert len({request.connection for request in gateway.requests}) == most


def test_connections_may_be_fewer_than_texts_under_way(do):
    with LocalGateway(latency=0.01) as gateway:
        do.documents(build(gateway, max_connections=2), numbered(12))

        assert len({request.connection for request in gateway.requests}) == 2
        assert gateway.executions == 12


@pytest.mark.parametrize(
    "form", ["embedding", "values", "data", "embeddings", "embeddings_values", "list"]
)
@pytest.mark.parametrize("slug", [SMALL, GEMINI])
def test_a_vector_is_read_however_the_gateway_tells_it(do, slug, form):
    with LocalGateway() as plain, LocalGateway(embedding_reply=form) as gateway:
        texts = ["The cat sat.", "Bees make honey."]
        assert do.documents(build(gateway, slug), texts) == do.documents(build(plain, slug), texts)


def test_the_openai_form_sends_the_text_and_nothing_else(do, gateway):
    do.query(build(gateway), "Hi")
    do.documents(build(gateway), ["Hi"])

    assert [request.body for request in gateway.requests] == [{"prompt": "Hi"}] * 2


def test_gemini_is_told_what_a_vector_is_for(do, gateway):
    do.query(build(gateway, GEMINI), "Hi")
    do.documents(build(gateway, GEMINI), ["Hi"])
    alike = {"dimensions": 768, "task_type": "SEMANTIC_SIMILARITY"}
    assert len(do.query(build(gateway, GEMINI, **alike), "Hi")) == 768
    do.documents(build(gateway, GEMINI, **alike), ["Hi"])

    own = {"input": "Hi", "output_dimensionality": 768, "task_type": "SEMANTIC_SIMILARITY"}
    assert [request.body for request in gateway.requests] == [
        {"input": "Hi", "task_type": "RETRIEVAL_QUERY"},
        {"input": "Hi", "task_type": "RETRIEVAL_DOCUMENT"},
        own,
        own,
    ]


def test_a_family_may_be_said(do):
    with LocalGateway(models={"acme-embedding": "gemini"}) as gateway:
        embeddings = build(gateway, "acme-embedding", family="gemini", dimensions=512)
        assert len(do.query(embeddings, "Hi")) == 512


def test_a_text_that_is_long_in_tokens_only_is_the_gateways_to_refuse(do, gateway):
    long = "word-" * 9000  # one word, as far as we can tell

    with pytest.raises(SegmindBatchError) as caught:
        do.documents(build(gateway, max_concurrency=1), ["good", long, "never sent"])

    error = caught.value
    assert type(caught.value.error) is SegmindContextOverflowError
    assert (error.index, error.status_code, error.outcome) == (1, 400, "rejected")
    assert "split the text" in str(error)
    assert len(gateway.requests) == 2


def test_a_refused_setting_is_the_first_texts_error(do, gateway):
    with pytest.raises(SegmindBatchError, match="output_dimensionality") as caught:
        do.documents(build(gateway, GEMINI, dimensions=100, max_concurrency=1), ["a", "b"])

    assert type(caught.value.error) is SegmindInvalidRequestError
    assert (caught.value.index, caught.value.paid, len(gateway.requests)) == (0, 0, 1)


# --- faults in the middle ----------------------------------------------------------------------


def vector(*numbers):
    return reply(200, {"embedding": list(numbers)}, runs=True)


def number(request):
    """Answer `text 7` with the vector 7, 1."""
    vector(float(json.loads(request.body)["prompt"].split()[1]), 1.0)(request)


class Desk:
    """A server that answers each text with a vector of its own number, but for some texts."""

    def __init__(self, **odd):
        self.odd = {text.replace("_", " "): acts for text, acts in odd.items()}
        self.asked: Counter[str] = Counter()
        self.paid: Mapping[str, int] = {}

    def __call__(self, request):
        self.paid = request.server.executions
        text = json.loads(request.body)["prompt"]
        acts = self.odd.get(text, [number])
        act = acts[min(self.asked[text], len(acts) - 1)]
        self.asked[text] += 1
        act(replace(request, slug=text))  # runs are counted by slug


def served(do, desk, count=40, **kwargs):
    """Embed `text 0`, `text 1`, ... at a desk."""
    with FaultServer({"m": [desk]}) as server:
        settings = {"base_url": server.url, "api_key": KEY, "timeout": 5, **kwargs}
        return do.documents(
            SegmindEmbeddings(model="m", **settings), [f"text {n}" for n in range(count)]
        )


def in_order(count):
    return [[float(n), 1.0] for n in range(count)]


@pytest.mark.parametrize(
    "hiccup", [SLOW_DOWN, BUSY, reply(503, {"error": "x"}, {"Retry-After": "0"})]
)
def test_a_text_that_was_refused_is_asked_again_and_no_other(do, hiccup):
    desk = Desk(text_7=[hiccup, number], text_20=[hiccup, hiccup, number])

    assert served(do, desk) == in_order(40)
    assert desk.asked.pop("text 7") == 2
    assert desk.asked.pop("text 20") == 3
    assert set(desk.asked.values()) == {1}
    assert sum(desk.paid.values()) == 40


def test_a_text_that_fails_for_good_ends_the_call_and_is_named(do):
    def late(request):
        for _ in range(100):
            if desk.asked["text 7"] < 3:
                request.server.wait(0.05)
        number(request)

    desk = Desk(text_7=[BUSY], **{f"text_{n}": [late] for n in range(500, 1000)})

    with pytest.raises(SegmindBatchError) as caught:
        served(do, desk, 1000, max_concurrency=4)

    error = caught.value
    assert type(caught.value.error) is SegmindServerError
    assert "texts[7] of 1000 failed" in str(error)
    assert f"{sum(desk.paid.values())} were billed." in str(error)
    assert (error.index, error.outcome, error.attempts) == (7, "rejected", 3)
    assert error.paid == sum(desk.paid.values()) == len(error.vectors)
    assert error.perhaps_paid == 0
    assert error.vectors == {n: [float(n), 1.0] for n in error.vectors}
    assert desk.asked.pop("text 7") == 3
    assert set(desk.asked.values()) == {1}  # nothing was paid for twice
    assert len(desk.asked) < 999  # and not everything was sent
    assert not error.is_retryable


@pytest.mark.parametrize(
    ("act", "cls", "outcome", "counts"),
    [
        (faults.reset, SegmindConnectionError, "unknown", (0, 1)),
        (reply(504, {"error": "x"}), SegmindServerError, "unknown", (0, 1)),
        (faults.cut, SegmindResponseError, "executed", (1, 0)),
        (reply(200, {"embedding": []}, runs=True), SegmindResponseError, "executed", (1, 0)),
        (reply(401, {"error": "Unauthorized"}), SegmindAuthenticationError, "rejected", (0, 0)),
        (
            reply(429, {"error": "x"}, {"Retry-After": "999"}),
            SegmindRateLimitError,
            "rejected",
            (0, 0),
        ),
    ],
)
def test_what_may_have_been_paid_for_is_not_asked_again_but_told(do, act, cls, outcome, counts):
    desk = Desk(text_3=[act])

    with pytest.raises(SegmindBatchError) as caught:
        served(do, desk, max_concurrency=1)

    error = caught.value
    assert type(error.error) is cls
    assert (error.index, error.outcome) == (3, outcome)
    assert error.vectors == dict(enumerate(in_order(3)))
    assert (error.paid - 3, error.perhaps_paid) == counts
    assert desk.asked == {f"text {n}": 1 for n in range(4)}
    assert KEY not in repr(vars(error))
    assert pickle.loads(pickle.dumps(error)).vectors == error.vectors


def test_what_is_under_way_when_one_fails_is_waited_for_and_kept(do):
    arrived = threading.Barrier(3)

    def late(request):
        arrived.wait(5)
        request.server.wait(0.1)
        number(request)

    def fail(request):
        arrived.wait(5)
        reply(400, {"error": "no"})(request)

    desk = Desk(text_0=[late], text_1=[late], text_2=[fail])

    with pytest.raises(SegmindBatchError) as caught:
        served(do, desk, max_concurrency=3)

    assert type(caught.value.error) is SegmindInvalidRequestError
    assert caught.value.index == 2
    assert caught.value.vectors == {0: [0.0, 1.0], 1: [1.0, 1.0]}
    assert caught.value.paid == 2
    assert desk.asked == {"text 0": 1, "text 1": 1, "text 2": 1}


def test_a_text_that_waits_for_its_next_attempt_is_not_sent_again_once_another_failed(do):
    refused = threading.Event()

    def later(request):
        reply(429, {"error": "x"}, {"Retry-After": "50"})(request)
        refused.set()

    def fail(request):
        refused.wait(5)
        request.server.wait(0.1)
        reply(400, {"error": "no"})(request)

    desk = Desk(text_0=[later], text_1=[fail])

    with pytest.raises(SegmindBatchError) as caught:
        served(do, desk, max_concurrency=2)

    assert type(caught.value.error) is SegmindInvalidRequestError
    assert (caught.value.index, caught.value.paid, caught.value.perhaps_paid) == (1, 0, 0)
    assert desk.asked == {"text 0": 1, "text 1": 1}


def test_a_lost_answer_counts_although_its_text_was_not_sent_again(do):
    lost = threading.Event()

    def lose(request):
        faults.reset(request)
        lost.set()

    def fail(request):
        lost.wait(5)
        request.server.wait(0.1)
        reply(400, {"error": "no"})(request)

    desk = Desk(text_0=[lose], text_1=[fail])

    with pytest.raises(SegmindBatchError) as caught, track_usage() as spent:
        served(do, desk, max_concurrency=2, retry_ambiguous=True)

    assert type(caught.value.error) is SegmindInvalidRequestError
    assert (caught.value.index, caught.value.paid, caught.value.perhaps_paid) == (1, 0, 1)
    assert desk.asked == {"text 0": 1, "text 1": 1}
    assert (spent.calls, spent.unpriced_calls) == (1, 1)


def test_opting_in_repeats_a_lost_answer_and_says_that_it_may_be_paid_twice(do):
    desk = Desk(text_1=[faults.reset, number], text_2=[reply(400, {"error": "no"})])

    with pytest.raises(SegmindBatchError) as caught:
        served(do, desk, max_concurrency=1, retry_ambiguous=True)

    assert type(caught.value.error) is SegmindInvalidRequestError
    assert caught.value.vectors == {0: [0.0, 1.0], 1: [1.0, 1.0]}
    assert (caught.value.paid, caught.value.perhaps_paid) == (2, 1)


def test_a_vector_of_another_length_than_the_first_is_an_error(do):
    desk = Desk(text_2=[vector(1.0, 2.0, 3.0)])

    with pytest.raises(SegmindBatchError, match="3 numbers, but the model's first vector had 2"):
        served(do, desk, max_concurrency=1)
    assert sum(desk.paid.values()) == 3


def test_a_vector_of_another_length_than_was_asked_for_is_an_error(do):
    with FaultServer({"gemini-embedding-2": [vector(1.0, 2.0)]}) as server:
        embeddings = SegmindEmbeddings(
            model="gemini-embedding-2", base_url=server.url, api_key=KEY, dimensions=256
        )
        with pytest.raises(SegmindResponseError, match="2 numbers, but dimensions is 256"):
            do.query(embeddings, "Hi")


# --- money -------------------------------------------------------------------------------------


def test_what_embeddings_cost_is_counted_in_threads_and_tasks(do, gateway):
    with track_usage() as spent:
        do.documents(build(gateway), numbered(30))
        do.query(build(gateway), "Hi")

    assert (spent.calls, spent.unpriced_calls) == (31, 0)
    assert spent.cost == pytest.approx(10 - gateway.credits)
    assert list(spent.by_model) == [SMALL]


def test_a_budget_ends_a_call_before_the_next_text_is_sent(do, gateway):
    with track_usage() as one:
        do.query(build(gateway), "Document 1 speaks of topic T1.")
    gateway.clear()

    with (
        track_usage(budget=10 * one.cost) as spent,
        pytest.raises(SegmindBatchError) as caught,
    ):
        do.documents(build(gateway, max_concurrency=1), numbered(100)[1:])

    assert type(caught.value.error) is SegmindBudgetExceededError
    assert gateway.executions == spent.calls == caught.value.paid == caught.value.index
    assert 5 < gateway.executions < 15
    assert caught.value.outcome == "not_sent"


def test_the_balance_can_be_read(gateway):
    with build(gateway) as embeddings:
        assert embeddings.get_credits().total == 10.0


# --- life --------------------------------------------------------------------------------------


def test_a_progress_bar_counts_the_texts(do, gateway, capfd):
    do.documents(build(gateway, show_progress_bar=True), numbered(25))

    shown = capfd.readouterr().err
    assert SMALL in shown
    assert "25/25" in shown


def test_one_model_serves_several_loops(gateway):
    embeddings = build(gateway)
    vectors = [asyncio.run(embeddings.aembed_documents(numbered(3))) for _ in range(3)]
    embeddings.close()

    assert vectors[0] == vectors[1] == vectors[2]


async def test_cancelling_ends_all_texts_and_sends_no_more():
    with FaultServer({"m": [faults.hang]}) as server:
        async with SegmindEmbeddings(model="m", base_url=server.url, api_key=KEY) as embeddings:
            task = asyncio.create_task(embeddings.aembed_documents(["text"] * 100))
            await asyncio.to_thread(server.arrived.wait)
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            sent = len(server.seen)
            server.wait(0.2)

        assert sent == len(server.seen) <= 16


@pytest.mark.parametrize("limit", [1, 4])
def test_ctrl_c_passes_at_once_and_sends_no_more(limit):
    def interrupt():
        server.arrived.wait()
        server.wait(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    def late(request):
        interrupted.wait(5)
        vector(1.0)(request)

    interrupted = threading.Event()
    with FaultServer({"m": [late]}) as server:
        settings = {"base_url": server.url, "api_key": KEY, "max_concurrency": limit}
        with SegmindEmbeddings(model="m", **settings) as embeddings:
            thread = threading.Thread(target=interrupt)
            thread.start()
            with pytest.raises(KeyboardInterrupt):
                embeddings.embed_documents(["text"] * 100)
            thread.join()
            interrupted.set()
            server.wait(0.3)

        assert len(server.seen) == limit
