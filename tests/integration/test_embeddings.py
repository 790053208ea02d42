"""Embeddings over real HTTP: most tests run with threads and with tasks."""

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
from tests.faults.server import FaultServer, gathers, in_turn, reply, waits
from tests.integration.call_styles import build_embeddings

KEY = "SG_0123456789abcdef"
SMALL, GEMINI = "text-embedding-3-small", "gemini-embedding-001"
LIMITED = reply(429, {"error": "slow down"}, {"Retry-After": "999"})
BUSY = reply(500, {"error": "busy"}, {"Retry-After": "0"})


@pytest.fixture(params=["threads", "tasks"])
def embed(request):
    """Embed a list of texts, or one text as a query, with a model that is closed afterwards."""

    def in_threads(embeddings, method, texts):
        with embeddings:
            return getattr(embeddings, method)(texts)

    async def in_tasks(embeddings, method, texts):
        async with embeddings:
            return await getattr(embeddings, f"a{method}")(texts)

    def embed(embeddings, texts):
        method = "embed_query" if isinstance(texts, str) else "embed_documents"
        if request.param == "threads":
            return in_threads(embeddings, method, texts)
        return asyncio.run(in_tasks(embeddings, method, texts))

    return embed


def numbered(count):
    return [f"Document {n} speaks of topic T{n}." for n in range(count)]


# --- against the local gateway -----------------------------------------------------------------


def test_hundreds_of_texts_keep_their_order_on_sixteen_connections(embed):
    texts = numbered(300)
    with LocalGateway(latency=0.01) as gateway:
        vectors = embed(build_embeddings(gateway), texts)

        assert [request.executed for request in gateway.requests] == [True] * 300
        assert len({request.connection for request in gateway.requests}) <= 16
        for n in (0, 1, 149, 298, 299):
            assert vectors[n] == embed(build_embeddings(gateway), texts[n])
    assert len(vectors) == 300


@pytest.mark.parametrize(
    ("setting", "limit"), [("max_concurrency", 1), ("max_concurrency", 3), ("max_connections", 2)]
)
def test_texts_use_no_more_connections_than_allowed(embed, setting, limit):
    with FaultServer({SMALL: [in_turn(gathers(limit), waits(0.02), vector(1.0))]}) as server:
        settings = {"base_url": server.url, "api_key": KEY, setting: limit}
        embed(SegmindEmbeddings(model=SMALL, **settings), numbered(12))

        assert server.connections == limit
        assert server.executions[SMALL] == 12


def test_openai_embeddings_send_only_the_text(embed, gateway):
    embed(build_embeddings(gateway), "Hi")
    embed(build_embeddings(gateway), ["Hi"])

    assert [request.body for request in gateway.requests] == [{"prompt": "Hi"}] * 2


def test_gemini_embeddings_send_the_task_type_and_dimensions(embed, gateway):
    embed(build_embeddings(gateway, GEMINI), "Hi")
    embed(build_embeddings(gateway, GEMINI), ["Hi"])
    alike = {"dimensions": 768, "task_type": "SEMANTIC_SIMILARITY"}
    assert len(embed(build_embeddings(gateway, GEMINI, **alike), "Hi")) == 768
    embed(build_embeddings(gateway, GEMINI, **alike), ["Hi"])

    own = {"input": "Hi", "output_dimensionality": 768, "task_type": "SEMANTIC_SIMILARITY"}
    assert [request.body for request in gateway.requests] == [
        {"input": "Hi", "task_type": "RETRIEVAL_QUERY"},
        {"input": "Hi", "task_type": "RETRIEVAL_DOCUMENT"},
        own,
        own,
    ]


def test_family_of_an_unknown_slug_can_be_set(embed):
    with LocalGateway(models={"acme-embedding": "gemini"}) as gateway:
        embeddings = build_embeddings(gateway, "acme-embedding", family="gemini", dimensions=512)
        assert len(embed(embeddings, "Hi")) == 512


def test_text_of_too_many_tokens_is_a_context_overflow_from_the_gateway(embed, gateway):
    long = "word-" * 9000  # one word by our count

    with pytest.raises(SegmindBatchError) as caught:
        embed(build_embeddings(gateway, max_concurrency=1), ["good", long, "never sent"])

    error = caught.value
    assert type(error.error) is SegmindContextOverflowError
    assert (error.index, error.status_code, error.outcome) == (1, 400, "rejected")
    assert "split the text" in str(error)
    assert len(gateway.requests) == 2


def test_refused_setting_is_the_error_of_the_first_text(embed, gateway):
    with pytest.raises(SegmindBatchError, match="output_dimensionality") as caught:
        embed(build_embeddings(gateway, GEMINI, dimensions=100, max_concurrency=1), ["a", "b"])

    assert type(caught.value.error) is SegmindInvalidRequestError
    assert (caught.value.index, caught.value.paid, len(gateway.requests)) == (0, 0, 1)


# --- faults in the middle ----------------------------------------------------------------------


def vector(*numbers):
    return reply(200, {"embedding": list(numbers)}, runs=True)


def number(request):
    """Reply to `text 7` with the vector 7, 1."""
    vector(float(json.loads(request.body)["prompt"].split()[1]), 1.0)(request)


class TextScenario:
    """Acts that reply to each text with a vector of its own number, but for some texts."""

    def __init__(self, **odd):
        self.odd = {text.replace("_", " "): acts for text, acts in odd.items()}
        self.requests: Counter[str] = Counter()
        self.executions: Mapping[str, int] = {}

    def __call__(self, request):
        self.executions = request.server.executions
        text = json.loads(request.body)["prompt"]
        acts = self.odd.get(text, [number])
        act = acts[min(self.requests[text], len(acts) - 1)]
        self.requests[text] += 1
        act(replace(request, slug=text))  # runs are counted by slug


def served(embed, scenario, count=40, **kwargs):
    """Embed `text 0`, `text 1`, ... on a server that plays a scenario."""
    with FaultServer({"m": [scenario]}) as server:
        settings = {"base_url": server.url, "api_key": KEY, "timeout": 60, **kwargs}
        return embed(SegmindEmbeddings(model="m", **settings), [f"text {n}" for n in range(count)])


def batch_error(embed, scenario, cls, count=40, **kwargs):
    """Return the error of a text, of this class, that ends a call."""
    with pytest.raises(SegmindBatchError) as caught:
        served(embed, scenario, count, **kwargs)
    assert type(caught.value.error) is cls
    return caught.value


def in_order(count):
    return [[float(n), 1.0] for n in range(count)]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_only_a_refused_text_is_sent_again(embed, status):
    hiccup = reply(status, {"error": "busy"}, {"Retry-After": "0"})
    scenario = TextScenario(text_7=[hiccup, number], text_20=[hiccup, hiccup, number])

    assert served(embed, scenario) == in_order(40)
    assert scenario.requests.pop("text 7") == 2
    assert scenario.requests.pop("text 20") == 3
    assert set(scenario.requests.values()) == {1}
    assert sum(scenario.executions.values()) == 40


def test_error_names_the_text_that_fails_for_good_and_keeps_the_vectors(embed):
    def last(request):
        BUSY(request)
        refused.set()

    def late(request):
        refused.wait(60)
        request.server.wait(0.1)  # by then, the client should know, too
        number(request)

    refused = threading.Event()
    lates = {f"text_{n}": [late] for n in range(100, 200)}
    scenario = TextScenario(text_7=[BUSY, BUSY, last], **lates)

    error = batch_error(embed, scenario, SegmindServerError, 200, max_concurrency=4)

    assert "texts[7] of 200 failed" in str(error)
    assert f"{sum(scenario.executions.values())} were billed." in str(error)
    assert (error.index, error.outcome, error.attempts) == (7, "rejected", 3)
    assert error.paid == sum(scenario.executions.values()) == len(error.vectors)
    assert error.perhaps_paid == 0
    assert error.vectors == {n: [float(n), 1.0] for n in error.vectors}
    assert scenario.requests.pop("text 7") == 3
    assert set(scenario.requests.values()) == {1}  # nothing was paid for twice
    assert len(scenario.requests) < 199  # and not everything was sent
    assert not error.is_retryable


@pytest.mark.parametrize(
    ("act", "cls", "outcome", "counts"),
    [
        (faults.reset, SegmindConnectionError, "unknown", (0, 1)),
        (reply(504, {"error": "x"}), SegmindServerError, "unknown", (0, 1)),
        (faults.cut, SegmindResponseError, "executed", (1, 0)),
        (reply(200, {"embedding": []}, runs=True), SegmindResponseError, "executed", (1, 0)),
        (reply(401, {"error": "Unauthorized"}), SegmindAuthenticationError, "rejected", (0, 0)),
        (LIMITED, SegmindRateLimitError, "rejected", (0, 0)),
    ],
)
def test_text_that_may_have_run_is_not_sent_again_and_counts(embed, act, cls, outcome, counts):
    scenario = TextScenario(text_3=[act])

    error = batch_error(embed, scenario, cls, max_concurrency=1)

    assert (error.index, error.outcome) == (3, outcome)
    assert error.vectors == dict(enumerate(in_order(3)))
    assert (error.paid - 3, error.perhaps_paid) == counts
    assert scenario.requests == {f"text {n}": 1 for n in range(4)}
    assert KEY not in repr(vars(error))
    assert pickle.loads(pickle.dumps(error)).vectors == error.vectors


def test_error_keeps_the_vectors_of_texts_that_were_running(embed):
    late = in_turn(gathers(3), waits(0.1), number)
    fail = in_turn(gathers(3), reply(400, {"error": "no"}))
    scenario = TextScenario(text_0=[late], text_1=[late], text_2=[fail])

    error = batch_error(embed, scenario, SegmindInvalidRequestError, 3, max_concurrency=3)

    assert (error.index, error.paid) == (2, 2)
    assert error.vectors == {0: [0.0, 1.0], 1: [1.0, 1.0]}
    assert scenario.requests == {"text 0": 1, "text 1": 1, "text 2": 1}


@pytest.mark.parametrize(("status", "perhaps_paid"), [(429, 0), (504, 1)], ids=["refused", "lost"])
def test_text_that_waits_for_its_retry_is_not_sent_again_after_another_failed(
    embed, status, perhaps_paid
):
    first_ended = threading.Event()

    def first(request):
        gathers(2)(request)  # after a 429, nothing would be sent
        reply(status, {"error": "not now"}, {"Retry-After": "50"})(request)
        first_ended.set()

    def fail(request):
        first_ended.wait(60)
        request.server.wait(0.1)
        reply(400, {"error": "no"})(request)

    scenario = TextScenario(text_0=[first], text_1=[fail])
    settings = {"max_concurrency": 2, "retry_ambiguous": True}

    with track_usage() as spent:
        error = batch_error(embed, scenario, SegmindInvalidRequestError, **settings)

    assert (error.index, error.paid, error.perhaps_paid) == (1, 0, perhaps_paid)
    assert scenario.requests == {"text 0": 1, "text 1": 1}
    assert (spent.calls, spent.unpriced_calls) == (perhaps_paid, perhaps_paid)


def test_retry_ambiguous_sends_a_lost_text_again_and_counts_both(embed):
    scenario = TextScenario(text_1=[faults.reset, number], text_2=[reply(400, {"error": "no"})])

    settings = {"max_concurrency": 1, "retry_ambiguous": True}

    error = batch_error(embed, scenario, SegmindInvalidRequestError, **settings)

    assert error.vectors == {0: [0.0, 1.0], 1: [1.0, 1.0]}
    assert (error.paid, error.perhaps_paid) == (2, 1)


def test_vector_is_an_error_when_its_length_differs_from_the_first(embed):
    scenario = TextScenario(text_2=[vector(1.0, 2.0, 3.0)])

    with pytest.raises(SegmindBatchError, match="3 numbers, but the model's first vector had 2"):
        served(embed, scenario, max_concurrency=1)
    assert sum(scenario.executions.values()) == 3


def test_vector_is_an_error_when_its_length_differs_from_dimensions(embed):
    with FaultServer({"gemini-embedding-2": [vector(1.0, 2.0)]}) as server:
        embeddings = SegmindEmbeddings(
            model="gemini-embedding-2", base_url=server.url, api_key=KEY, dimensions=256
        )
        with pytest.raises(SegmindResponseError, match="2 numbers, but dimensions is 256"):
            embed(embeddings, "Hi")


# --- money -------------------------------------------------------------------------------------


def test_equal_texts_of_one_call_are_sent_and_billed_once(embed, gateway):
    before = gateway.credits
    with track_usage() as spent:
        vectors = embed(build_embeddings(gateway), ["a", "b", "a", "a", "B", "b "])

    sent = [request.body["prompt"] for request in gateway.requests]
    assert Counter(sent) == Counter(["a", "b", "B", "b "])
    assert spent.calls == gateway.executions == 4
    assert spent.cost == pytest.approx(before - gateway.credits)
    assert len(vectors) == 6
    assert vectors[0] == vectors[2] == vectors[3] != vectors[1]
    vectors[0].clear()
    assert vectors[2]


def test_error_has_the_vectors_of_equal_texts_by_their_own_indexes(embed, gateway):
    long = "word-" * 9000

    with pytest.raises(SegmindBatchError, match=r"texts\[3\] of 6") as caught:
        embed(build_embeddings(gateway, max_concurrency=1), ["a", "b", "a", long, long, "a"])

    assert caught.value.index == 3
    assert sorted(caught.value.vectors) == [0, 1, 2, 5]
    assert caught.value.vectors[0] == caught.value.vectors[5]
    assert caught.value.paid == 2


def test_tracker_counts_embeddings(embed, gateway):
    with track_usage() as spent:
        embed(build_embeddings(gateway), numbered(30))
        embed(build_embeddings(gateway), "Hi")

    assert (spent.calls, spent.unpriced_calls) == (31, 0)
    assert spent.cost == pytest.approx(10 - gateway.credits)
    assert list(spent.by_model) == [SMALL]


def test_budget_ends_a_call_before_the_next_text_is_sent(embed, gateway):
    with track_usage() as one:
        embed(build_embeddings(gateway), "Document 1 speaks of topic T1.")
    gateway.clear()

    with (
        track_usage(budget=10 * one.cost) as spent,
        pytest.raises(SegmindBatchError) as caught,
    ):
        embed(build_embeddings(gateway, max_concurrency=1), numbered(100)[1:])

    assert type(caught.value.error) is SegmindBudgetExceededError
    assert gateway.executions == spent.calls == caught.value.paid == caught.value.index
    assert 5 < gateway.executions < 15
    assert caught.value.outcome == "not_sent"


def test_embeddings_read_the_credit_balance(gateway):
    with build_embeddings(gateway) as embeddings:
        assert embeddings.get_credits().total == 10.0


# --- ending ------------------------------------------------------------------------------------


def test_progress_bar_counts_the_texts(embed, gateway, capfd):
    embed(build_embeddings(gateway, show_progress_bar=True), numbered(25))

    shown = capfd.readouterr().err
    assert SMALL in shown
    assert "25/25" in shown


async def test_cancellation_sends_no_more_texts():
    with FaultServer({"m": [faults.hang]}) as server:
        settings = {"base_url": server.url, "api_key": KEY, "max_concurrency": 4}
        async with SegmindEmbeddings(model="m", **settings) as embeddings:
            task = asyncio.create_task(embeddings.aembed_documents(numbered(100)))
            await asyncio.to_thread(server.wait_until, lambda: len(server.seen) == 4)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(server.wait_until, lambda: server.gone >= 4)
            await asyncio.to_thread(server.wait, 0.2)

        assert (len(server.seen), server.gone) == (4, 4)


@pytest.mark.parametrize("limit", [1, 4])
def test_ctrl_c_is_raised_at_once_and_sends_no_more_texts(limit):
    def interrupt():
        server.wait_until(lambda: len(server.seen) == limit)
        server.wait(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    def late(request):
        interrupted.wait(60)
        vector(1.0)(request)

    interrupted = threading.Event()
    with FaultServer({"m": [late]}) as server:
        settings = {"base_url": server.url, "api_key": KEY, "max_concurrency": limit}
        with SegmindEmbeddings(model="m", **settings) as embeddings:
            thread = threading.Thread(target=interrupt)
            thread.start()
            with pytest.raises(KeyboardInterrupt):
                embeddings.embed_documents(numbered(100))
            thread.join()
            assert server.ended == 0  # it was raised before any text was answered
            interrupted.set()
            server.wait(0.3)

        assert len(server.seen) == limit
