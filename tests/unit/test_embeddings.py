"""What a user may set of embeddings, and what is refused before anything is sent."""

import copy
import pickle
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from langchain_segmind import (
    SegmindBatchError,
    SegmindContextOverflowError,
    SegmindEmbeddings,
    SegmindInvalidRequestError,
    SegmindRateLimitError,
    progress_bar,
)
from langchain_segmind.models import embedding_model_info_for

KEY = "SG_0123456789abcdef"
SMALL, LARGE = "text-embedding-3-small", "text-embedding-3-large"
GEMINI, GEMINI_2 = "gemini-embedding-001", "gemini-embedding-2"


def build(model=SMALL, **kwargs):
    address = {"api_key": KEY, "base_url": "https://gateway.invalid"}
    return SegmindEmbeddings(model=model, **{**address, **kwargs})


@pytest.mark.parametrize(
    ("slug", "family", "tokens"),
    [
        (SMALL, "openai", 8192),
        (LARGE, "openai", 8192),
        (GEMINI, "gemini", 2048),
        (GEMINI_2, "gemini", 8192),
        ("gemini-embedding-9", "gemini", None),
        ("text-embedding-4", "openai", None),
        ("claude-embedding-1", "openai", None),
        ("bge-m3", "openai", None),
    ],
)
def test_family_follows_from_the_slug(slug, family, tokens):
    model_info = embedding_model_info_for(slug)

    assert (model_info.family, model_info.context) == (family, tokens)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dimensions": 256}, "dimensions is not a setting of text-embedding-3-small"),
        ({"output_dimensionality": 256}, "dimensions is not a setting of text-embedding-3-small"),
        ({"task_type": "CLUSTERING"}, "task_type is not a setting of text-embedding-3-small"),
        ({"dimensions": 0}, "dimensions"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"chunk_size": 5}, "unknown arguments: chunk_size"),
        ({"temperature": 1}, "unknown arguments: temperature"),
        ({"family": "anthropic"}, "family"),
        ({"timeout": 0}, "timeout"),
        *(({"model": slug}, "slug") for slug in ("../v2/x", "", "a b", "text/embedding")),
        # A chat model would answer, and be billed.
        *(
            ({"model": slug}, f"model='{slug}' is a chat model. Use ChatSegmind")
            for slug in ("gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash")
        ),
    ],
)
def test_constructor_rejects_invalid_settings(settings, words):
    with pytest.raises(ValidationError, match=words) as caught:
        build(**settings)

    assert KEY not in str(caught.value)


def test_call_rejects_a_setting_that_was_assigned():
    embeddings = build(GEMINI, dimensions=768).model_copy(update={"model": SMALL})

    with pytest.raises(ValueError, match="dimensions"):
        embeddings.embed_query("Hi")


def test_none_means_the_default():
    embeddings = build(
        max_concurrency=None, show_progress_bar=None, max_retries=None, base_url=None
    )

    assert (embeddings.max_concurrency, embeddings.show_progress_bar) == (16, False)
    assert embeddings.max_retries == 2


def test_fields_accept_their_aliases():
    embeddings = SegmindEmbeddings(
        model_name=GEMINI, segmind_api_key=KEY, output_dimensionality=768, request_timeout=5
    )

    assert (embeddings.model, embeddings.dimensions, embeddings.timeout) == (GEMINI, 768, 5)


def test_key_is_not_shown():
    assert KEY not in repr(build()) + str(build().model_dump())


def test_copy_has_the_settings_without_the_connections():
    embeddings = build(GEMINI, dimensions=768, max_concurrency=3)
    transport = embeddings._transport(embeddings._destination())

    for twin in (copy.deepcopy(embeddings), pickle.loads(pickle.dumps(embeddings))):
        assert twin == embeddings
        assert twin.model_dump() == embeddings.model_dump()
        assert twin._transport(twin._destination()) is not transport


BAD_TEXTS = {
    "blank": (["good", " \n\t"], "texts[1] is blank"),
    "empty": ([""], "texts[0] is blank"),
    "None": (["good", "good", None], "texts[2]: expected text, got NoneType"),
    "a document": (["good", {"page_content": "x"}], "texts[1]: expected text, got dict"),
    "half a character": (["good", "\ud800"], "texts[1]: character 0 is half"),
    "one text": ("good", "expected a list of texts"),
}


@pytest.mark.parametrize("case", BAD_TEXTS)
async def test_invalid_text_is_rejected_before_anything_is_sent(case):
    texts, words = BAD_TEXTS[case]
    embeddings = build()  # its host does not exist

    with pytest.raises(SegmindInvalidRequestError) as caught:
        embeddings.embed_documents(texts)
    with pytest.raises(SegmindInvalidRequestError) as acaught:
        await embeddings.aembed_documents(texts)

    for error in (caught.value, acaught.value):
        assert words in str(error)
        assert (error.outcome, error.billed) == ("not_sent", False)


@pytest.mark.parametrize("query", ["", "  ", None, 7])
async def test_invalid_query_is_rejected(query):
    with pytest.raises(SegmindInvalidRequestError, match="text"):
        build().embed_query(query)
    with pytest.raises(SegmindInvalidRequestError, match="text"):
        await build().aembed_query(query)


@pytest.mark.parametrize(("slug", "tokens"), [(SMALL, 8192), (GEMINI, 2048)])
async def test_text_of_more_words_than_tokens_is_rejected(slug, tokens):
    texts = ["good", "word " * (tokens + 1)]

    words = f"has {tokens + 1} words, and {slug} reads {tokens} tokens"
    with pytest.raises(SegmindContextOverflowError, match=words) as caught:
        build(slug).embed_documents(texts)
    assert str(caught.value).startswith("texts[1] ")
    assert caught.value.outcome == "not_sent"
    with pytest.raises(SegmindContextOverflowError, match=words):
        build(slug).embed_query(texts[1])
    with pytest.raises(SegmindContextOverflowError, match=words):
        await build(slug).aembed_documents(texts)


async def test_no_texts_make_no_call():
    assert build().embed_documents([]) == []
    assert await build().aembed_documents([]) == []


def test_progress_bar_raises_an_error_without_tqdm(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    embeddings = {"model": "m", "api_key": "k"}
    SegmindEmbeddings(**embeddings)

    with pytest.raises(ValidationError, match="show_progress_bar needs tqdm: pip install tqdm"):
        SegmindEmbeddings(**embeddings, show_progress_bar=True)
    with pytest.raises(ImportError, match="progress_bar needs tqdm: pip install tqdm"):
        progress_bar(3)


def test_batch_error_keeps_its_vectors_when_pickled():
    first = SegmindRateLimitError("slow down", outcome="rejected", is_retryable=True)

    fields: dict[str, Any] = {"index": 3, "vectors": {0: [1.0]}, "paid": 2, "perhaps_paid": 1}
    twin = pickle.loads(pickle.dumps(SegmindBatchError("no", error=first, **fields)))

    assert str(twin) == "no"
    assert {name: getattr(twin, name) for name in fields} == fields
    assert (type(twin.error), str(twin.error)) == (SegmindRateLimitError, "slow down")
