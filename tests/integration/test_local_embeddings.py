"""The local gateway's embedding models over real HTTP, asked by plain clients."""

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from langchain_segmind.testing import LocalGateway
from tests.integration import local_clients
from tests.integration.local_clients import HELLO, request, root, vendors_client

SMALL, LARGE = "text-embedding-3-small", "text-embedding-3-large"
GEMINI, GEMINI_2 = "gemini-embedding-001", "gemini-embedding-2"
SIZES = {SMALL: 1536, LARGE: 3072, GEMINI: 3072, GEMINI_2: 768}
PLACES = {SMALL: "prompt", LARGE: "prompt", GEMINI: "input", GEMINI_2: "input"}
TASKS = [
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
]


def post(
    gateway: LocalGateway, body: Any, slug: str = SMALL, version: int = 1
) -> requests.Response:
    return local_clients.post(gateway, body, slug, version=version)


def vector(gateway: LocalGateway, text: str, slug: str = SMALL, **more: Any) -> list[float]:
    response = post(gateway, {PLACES[slug]: text, **more}, slug)
    assert response.status_code == 200, response.text
    held = response.json()["embedding"]
    found: list[float] = held["values"] if slug.startswith("gemini") else held
    return found


def nearest(asked: list[float], vectors: list[list[float]]) -> int:
    near = [sum(a * b for a, b in zip(asked, one, strict=True)) for one in vectors]
    return near.index(max(near))


@pytest.mark.parametrize(
    ("slug", "cut"),
    [(slug, None) for slug in SIZES]
    + [(GEMINI, 768), (GEMINI, 1536), (GEMINI, 3072), (GEMINI_2, 256), (GEMINI_2, 500)],
)
def test_vector_has_the_models_size_or_the_one_asked_for(
    gateway: LocalGateway, slug: str, cut: int | None
) -> None:
    more = {"output_dimensionality": cut} if cut else {}
    numbers = vector(gateway, "The cat sat on the mat.", slug, **more)
    assert len(numbers) == (cut or SIZES[slug])
    assert math.hypot(*numbers) == pytest.approx(1, abs=1e-4)
    assert gateway.executions == 1


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("slug", [GEMINI, GEMINI_2])
def test_gemini_accepts_the_tasks_of_its_api(gateway: LocalGateway, slug: str, task: str) -> None:
    assert vector(gateway, "Cats", slug, task_type=task) == vector(gateway, "cat", slug)


def test_run_is_billed_and_its_cost_is_in_the_headers(gateway: LocalGateway) -> None:
    short = post(gateway, {"prompt": "One word"})
    long = post(gateway, {"prompt": "One word " * 100})
    first, second = (float(response.headers["x-cost"]) for response in (short, long))
    assert 0 < first < second < 0.0001
    assert gateway.credits == pytest.approx(10 - first - second)
    assert float(long.headers["x-remaining-credits"]) == pytest.approx(gateway.credits)
    assert short.headers["x-request-id"] != long.headers["x-request-id"]
    assert [request.executed for request in gateway.requests] == [True, True]
    assert {request.slug for request in gateway.requests} == {SMALL}


class TestRefusals:
    """What is not a single text in the model's own form is refused, and costs nothing."""

    @pytest.fixture(autouse=True)
    def _nothing_is_billed(self, gateway: LocalGateway) -> Iterator[None]:
        yield
        assert (gateway.executions, gateway.credits) == (0, 10.0)

    @pytest.mark.parametrize("slug", SIZES)
    @pytest.mark.parametrize("bad", [["one"], [], "", " \n", None, 7, {"text": "x"}, True])
    def test_prompt_is_refused_when_it_is_not_a_text(
        self, gateway: LocalGateway, slug: str, bad: Any
    ) -> None:
        response = post(gateway, {PLACES[slug]: bad}, slug)
        assert response.status_code == 400
        assert PLACES[slug] in response.json()["error"]

    @pytest.mark.parametrize(
        ("slug", "body", "where"),
        [
            *[
                (slug, {PLACES[slug]: "x", field: "y"}, field)
                for slug in SIZES
                for field in ("model", "encoding_format", "dimensions", "user")
            ],
            *[(slug, HELLO, "embedding model") for slug in SIZES],
            (SMALL, {"input": "x"}, "prompt"),
            (LARGE, {"prompt": "x", "task_type": "CLUSTERING"}, "task_type"),
            (SMALL, {"prompt": "x", "output_dimensionality": 768}, "output_dimensionality"),
            (GEMINI, {"prompt": "x"}, "input"),
            (GEMINI_2, {"input": "x", "prompt": "x"}, "prompt"),
            (SMALL, {}, "prompt"),
            (GEMINI, {}, "input"),
            *[
                (GEMINI, {"input": "x", "task_type": task}, "task_type")
                for task in ("retrieval_query", "SEARCH", "", None, 1, ["CLUSTERING"])
            ],
            *[
                (slug, {"input": "x", "task_type": "CLUSTERING"}, "messages")
                for slug in ("gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash")
            ],
        ],
    )
    def test_body_is_refused_when_it_does_not_have_the_models_form(
        self, gateway: LocalGateway, slug: str, body: Any, where: str
    ) -> None:
        response = post(gateway, body, slug)
        assert response.status_code == 400
        assert where in response.json()["error"]

    @pytest.mark.parametrize(
        ("slug", "size"),
        [
            *[(GEMINI, size) for size in (0, 256, 767, 3073, "768", 768.0, None, True, [768])],
            *[(GEMINI_2, size) for size in (255, 769, 1536, "256", 256.0, None, True)],
        ],
    )
    def test_size_is_refused_when_the_model_does_not_have_it(
        self, gateway: LocalGateway, slug: str, size: Any
    ) -> None:
        response = post(gateway, {"input": "x", "output_dimensionality": size}, slug)
        assert response.status_code == 400
        assert "output_dimensionality" in response.json()["error"]
        assert "768" in response.json()["error"]


@pytest.mark.parametrize("slug", SIZES)
def test_text_is_refused_when_it_is_longer_than_the_model_reads(
    gateway: LocalGateway, slug: str
) -> None:
    most = 2048 if slug == GEMINI else 8192
    assert len(vector(gateway, "word " * most, slug)) == SIZES[slug]
    response = post(gateway, {PLACES[slug]: "word " * (most + 1)}, slug)
    assert response.status_code == 400
    assert f"{most + 1} tokens, the maximum is {most}" in response.json()["error"]
    assert gateway.executions == 1


@pytest.mark.parametrize("slug", [SMALL, GEMINI])
@pytest.mark.parametrize(
    ("form", "path"),
    [
        ("embedding", ["embedding"]),
        ("values", ["embedding", "values"]),
        ("data", ["data", 0, "embedding"]),
        ("embeddings", ["embeddings", 0]),
        ("embeddings_values", ["embeddings", 0, "values"]),
        ("list", []),
    ],
)
def test_vector_stands_where_embedding_reply_sets_it(form: Any, path: list[Any], slug: str) -> None:
    with LocalGateway(embedding_reply=form) as gateway:
        held = post(gateway, {PLACES[slug]: "Hello"}, slug).json()
    for step in path:
        assert len(held) == 1
        held = held[step]
    assert len(held) == SIZES[slug]


def test_embedding_reply_is_refused_when_unknown() -> None:
    form: Any = "csv"
    with pytest.raises(ValueError, match="embedding_reply"):
        LocalGateway(embedding_reply=form)


def test_form_of_an_unlisted_model_follows_its_name_or_the_family_given() -> None:
    with LocalGateway(models=["gemini-embedding-3", "qwen3-embedding-8b"]) as gateway:
        held = post(gateway, {"input": "x"}, "gemini-embedding-3").json()
        assert len(held["embedding"]["values"]) == 3072
        held = post(gateway, {"prompt": "x"}, "qwen3-embedding-8b").json()
        assert len(held["embedding"]) == 1536
    with LocalGateway(models={"acme-embedding": "gemini"}) as gateway:
        assert post(gateway, {"input": "x"}, "acme-embedding").status_code == 200
        assert post(gateway, {"prompt": "x"}, "acme-embedding").status_code == 400


def test_catalog_distinguishes_them_from_chat_models() -> None:
    with LocalGateway(models=["my-embedding"], retired=[LARGE]) as gateway:
        url = f"{root(gateway)}/inference-model-information/list"
        (entries,) = requests.get(url, timeout=60).json().values()
        by_slug = {entry["slug"]: entry for entry in entries}
        assert len(by_slug) == len(entries)
        assert {by_slug[slug]["type"] for slug in [*SIZES, "my-embedding"]} == {"textToEmbedding"}
        assert by_slug["gpt-4o"]["type"] == "textToText"
        assert by_slug[LARGE]["is_depreciated"]
        assert post(gateway, {"prompt": "x"}, LARGE).status_code == 410


def test_failures_hit_embedding_runs_too(gateway: LocalGateway) -> None:
    gateway.fail(429)
    gateway.fail(500, slug=LARGE)
    gateway.fail(200, body={"embedding": []}, after_run=True)
    assert post(gateway, {"prompt": "x"}).status_code == 429
    assert post(gateway, {"prompt": "x"}).json() == {"embedding": []}
    assert post(gateway, {"prompt": "x"}, LARGE).status_code == 500
    assert gateway.executions == 1


def test_replies_are_kept_for_chats(gateway: LocalGateway) -> None:
    gateway.reply("For a chat")
    assert len(vector(gateway, "x")) == 1536
    assert "For a chat" in post(gateway, {"prompt": "Hi"}, "gpt-4o").text


@pytest.mark.parametrize("slug", SIZES)
def test_embeddings_work_as_jobs(gateway: LocalGateway, slug: str) -> None:
    job = post(gateway, {PLACES[slug]: "Hello"}, slug, version=2).json()
    result = request(gateway, "GET", f"/v2/requests/{job['request_id']}").json()
    direct = post(gateway, {PLACES[slug]: "Hello"}, slug).json()
    assert json.loads(result["output"]) == direct
    assert result["metrics"]["cost"] > 0


def test_vendors_client_gets_its_vector(gateway: LocalGateway) -> None:
    with vendors_client(gateway) as client:
        response = client.run_sync(SMALL, prompt="Hello")
        assert len(response.json()["embedding"]) == 1536
        assert client.run(GEMINI, input="Hello")["status"] == "COMPLETED"


def test_many_threads_get_their_own_vectors(gateway: LocalGateway) -> None:
    texts = [f"Document number {number} speaks of topic T{number}." for number in range(200)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda text: vector(gateway, text), texts))
    assert gateway.executions == 200
    assert nearest(vector(gateway, "Which document is about T117?"), found) == 117
