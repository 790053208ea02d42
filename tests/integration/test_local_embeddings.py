"""The local gateway's embedding models over real HTTP, asked by plain clients."""

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from langchain_segmind.testing import LocalGateway

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


@pytest.fixture
def gateway() -> Iterator[LocalGateway]:
    with LocalGateway() as running:
        yield running


def post(
    gateway: LocalGateway, body: Any, slug: str = SMALL, version: int = 1
) -> requests.Response:
    url = gateway.base_url.removesuffix("v1") + f"v{version}/{slug}"
    headers = {"x-api-key": gateway.api_key}
    return requests.post(url, json=body, headers=headers, timeout=10)


def vector(gateway: LocalGateway, text: str, slug: str = SMALL, **more: Any) -> list[float]:
    response = post(gateway, {PLACES[slug]: text, **more}, slug)
    assert response.status_code == 200, response.text
    told = response.json()["embedding"]
    found: list[float] = told["values"] if slug.startswith("gemini") else told
    return found


@pytest.mark.parametrize("slug", SIZES)
def test_each_model_has_its_form_and_its_size(gateway: LocalGateway, slug: str) -> None:
    numbers = vector(gateway, "The cat sat on the mat.", slug)
    assert len(numbers) == SIZES[slug]
    assert math.hypot(*numbers) == pytest.approx(1, abs=1e-4)
    assert gateway.executions == 1


def test_the_same_text_has_the_same_vector_at_every_gateway(gateway: LocalGateway) -> None:
    with LocalGateway() as other:
        assert vector(gateway, "The cat sat.") == vector(other, "The cat sat.")


@pytest.mark.parametrize(
    ("slug", "size"),
    [(GEMINI, 768), (GEMINI, 1536), (GEMINI, 3072), (GEMINI_2, 256), (GEMINI_2, 500)],
)
def test_gemini_cuts_vectors_down_to_unit_length(
    gateway: LocalGateway, slug: str, size: int
) -> None:
    numbers = vector(gateway, "The cat sat.", slug, output_dimensionality=size)
    assert len(numbers) == size
    assert math.hypot(*numbers) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("slug", [GEMINI, GEMINI_2])
def test_gemini_takes_the_tasks_of_its_api(gateway: LocalGateway, slug: str, task: str) -> None:
    assert vector(gateway, "Cats", slug, task_type=task) == vector(gateway, "cat", slug)


def test_what_is_near_is_found(gateway: LocalGateway) -> None:
    documents = ["The tower is 330 metres tall.", "Bees make honey.", "Refunds take thirty days."]
    stored = [vector(gateway, text) for text in documents]
    asked = vector(gateway, "How long does a refund take?")
    near = [sum(a * b for a, b in zip(asked, one, strict=True)) for one in stored]
    assert near.index(max(near)) == 2


def test_a_run_is_billed_and_says_what_it_cost(gateway: LocalGateway) -> None:
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
    """What is no single text in the model's own form is refused, and costs nothing."""

    @pytest.fixture(autouse=True)
    def _nothing_is_billed(self, gateway: LocalGateway) -> Iterator[None]:
        yield
        assert (gateway.executions, gateway.credits) == (0, 10.0)

    @pytest.mark.parametrize("slug", SIZES)
    @pytest.mark.parametrize("bad", [["one"], [], "", " \n", None, 7, {"text": "x"}, True])
    def test_of_anything_but_a_text(self, gateway: LocalGateway, slug: str, bad: Any) -> None:
        response = post(gateway, {PLACES[slug]: bad}, slug)
        assert response.status_code == 400
        assert PLACES[slug] in response.json()["error"]

    @pytest.mark.parametrize("slug", SIZES)
    @pytest.mark.parametrize("field", ["model", "encoding_format", "dimensions", "user"])
    def test_of_unknown_fields(self, gateway: LocalGateway, slug: str, field: str) -> None:
        response = post(gateway, {PLACES[slug]: "x", field: "y"}, slug)
        assert response.status_code == 400
        assert field in response.json()["error"]

    @pytest.mark.parametrize(
        ("slug", "body"),
        [
            (SMALL, {"input": "x"}),
            (LARGE, {"prompt": "x", "task_type": "CLUSTERING"}),
            (SMALL, {"prompt": "x", "output_dimensionality": 768}),
            (GEMINI, {"prompt": "x"}),
            (GEMINI_2, {"input": "x", "prompt": "x"}),
            (SMALL, {}),
            (GEMINI, {}),
        ],
    )
    def test_of_the_other_familys_form(self, gateway: LocalGateway, slug: str, body: Any) -> None:
        assert post(gateway, body, slug).status_code == 400

    @pytest.mark.parametrize(
        ("slug", "size"),
        [
            *[(GEMINI, size) for size in (0, 256, 767, 3073, "768", 768.0, None, True, [768])],
            *[(GEMINI_2, size) for size in (255, 769, 1536, "256", 256.0, None, True)],
        ],
    )
    def test_of_sizes_it_has_not(self, gateway: LocalGateway, slug: str, size: Any) -> None:
        response = post(gateway, {"input": "x", "output_dimensionality": size}, slug)
        assert response.status_code == 400
        assert "output_dimensionality" in response.json()["error"]
        assert "768" in response.json()["error"]

    @pytest.mark.parametrize("task", ["retrieval_query", "SEARCH", "", None, 1, ["CLUSTERING"]])
    def test_of_tasks_it_does_not_know(self, gateway: LocalGateway, task: Any) -> None:
        response = post(gateway, {"input": "x", "task_type": task}, GEMINI)
        assert response.status_code == 400
        assert "task_type" in response.json()["error"]

    @pytest.mark.parametrize(
        ("slug", "tokens"), [(SMALL, 8192), (LARGE, 8192), (GEMINI, 2048), (GEMINI_2, 8192)]
    )
    def test_of_texts_that_are_too_long(
        self, gateway: LocalGateway, slug: str, tokens: int
    ) -> None:
        response = post(gateway, {PLACES[slug]: "word " * (tokens + 1)}, slug)
        assert response.status_code == 400
        assert f"{tokens + 1} tokens, the maximum is {tokens}" in response.json()["error"]

    @pytest.mark.parametrize("slug", SIZES)
    def test_of_chats(self, gateway: LocalGateway, slug: str) -> None:
        chat = [{"role": "user", "content": "Hello"}]
        response = post(gateway, {"messages": chat}, slug)
        assert response.status_code == 400
        assert "embedding model" in response.json()["error"]

    @pytest.mark.parametrize("slug", ["gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"])
    def test_of_embeddings_by_chat_models(self, gateway: LocalGateway, slug: str) -> None:
        response = post(gateway, {"input": "x", "task_type": "CLUSTERING"}, slug)
        assert response.status_code == 400
        assert "messages" in response.json()["error"]


@pytest.mark.parametrize("slug", SIZES)
def test_the_longest_text_is_taken(gateway: LocalGateway, slug: str) -> None:
    most = 2048 if slug == GEMINI else 8192
    assert len(vector(gateway, "word " * most, slug)) == SIZES[slug]


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
def test_a_vector_may_be_told_in_several_ways(form: Any, path: list[Any], slug: str) -> None:
    with LocalGateway(embedding_reply=form) as gateway:
        told = post(gateway, {PLACES[slug]: "Hello"}, slug).json()
    for step in path:
        assert len(told) == 1
        told = told[step]
    assert len(told) == SIZES[slug]


def test_an_unknown_way_is_refused() -> None:
    form: Any = "csv"
    with pytest.raises(ValueError, match="embedding_reply"):
        LocalGateway(embedding_reply=form)


def test_later_models_go_by_their_names() -> None:
    with LocalGateway(models=["gemini-embedding-3", "qwen3-embedding-8b"]) as gateway:
        told = post(gateway, {"input": "x"}, "gemini-embedding-3").json()
        assert len(told["embedding"]["values"]) == 3072
        told = post(gateway, {"prompt": "x"}, "qwen3-embedding-8b").json()
        assert len(told["embedding"]) == 1536


def test_a_familys_form_may_be_said() -> None:
    with LocalGateway(models={"acme-embedding": "gemini"}) as gateway:
        assert post(gateway, {"input": "x"}, "acme-embedding").status_code == 200
        assert post(gateway, {"prompt": "x"}, "acme-embedding").status_code == 400


def test_the_catalogue_tells_them_from_chat_models() -> None:
    with LocalGateway(models=["my-embedding"], retired=[LARGE]) as gateway:
        root = gateway.base_url.removesuffix("/v1")
        url = f"{root}/inference-model-information/list"
        (entries,) = requests.get(url, timeout=10).json().values()
        by_slug = {entry["slug"]: entry for entry in entries}
        assert len(by_slug) == len(entries)
        assert {by_slug[slug]["type"] for slug in [*SIZES, "my-embedding"]} == {"textToEmbedding"}
        assert by_slug["gpt-4o"]["type"] == "textToText"
        assert by_slug[LARGE]["is_depreciated"]
        assert post(gateway, {"prompt": "x"}, LARGE).status_code == 410


def test_failures_hit_them_too(gateway: LocalGateway) -> None:
    gateway.fail(429)
    gateway.fail(500, slug=LARGE)
    gateway.fail(200, body={"embedding": []}, after_run=True)
    assert post(gateway, {"prompt": "x"}).status_code == 429
    assert post(gateway, {"prompt": "x"}).json() == {"embedding": []}
    assert post(gateway, {"prompt": "x"}, LARGE).status_code == 500
    assert gateway.executions == 1


def test_replies_to_chats_are_kept_for_chats(gateway: LocalGateway) -> None:
    gateway.reply("For a chat")
    assert len(vector(gateway, "x")) == 1536
    assert "For a chat" in post(gateway, {"prompt": "Hi"}, "gpt-4o").text


@pytest.mark.parametrize("slug", SIZES)
def test_they_work_as_jobs(gateway: LocalGateway, slug: str) -> None:
    job = post(gateway, {PLACES[slug]: "Hello"}, slug, version=2).json()
    headers = {"x-api-key": gateway.api_key}
    result = requests.get(job["response_url"], headers=headers, timeout=10).json()
    direct = post(gateway, {PLACES[slug]: "Hello"}, slug).json()
    assert json.loads(result["output"]) == direct
    assert result["metrics"]["cost"] > 0


def test_the_vendors_own_client_gets_its_vector(gateway: LocalGateway) -> None:
    segmind = pytest.importorskip("segmind")
    client = segmind.SegmindClient(api_key=gateway.api_key, base_url=gateway.base_url)
    with vars(client)["_client"]:  # the vendor's client has no close() of its own
        response = client.run_sync(SMALL, prompt="Hello")
        assert len(response.json()["embedding"]) == 1536
        assert client.run(GEMINI, input="Hello")["status"] == "COMPLETED"


def test_serves_many_texts_from_many_threads(gateway: LocalGateway) -> None:
    texts = [f"Document number {number} speaks of topic T{number}." for number in range(200)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda text: vector(gateway, text), texts))
    assert gateway.executions == 200
    asked = vector(gateway, "Which document is about T117?")
    near = [sum(a * b for a, b in zip(asked, one, strict=True)) for one in found]
    assert near.index(max(near)) == 117
