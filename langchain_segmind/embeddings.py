"""SegmindEmbeddings: texts as vectors, for search and RAG.

The gateway takes one text a call, so many texts are many calls at once. Here sync and async differ
in one word; what is sent is decided in `_flows`, how many calls run at once in `_http`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any, Final, Literal

from langchain_core.embeddings import Embeddings
from pydantic import AliasChoices, ConfigDict, Field, field_validator, model_validator
from typing_extensions import Self, override

from langchain_segmind._accounting.recorder import UsageRecorder
from langchain_segmind._client.connection import GatewayClient
from langchain_segmind._client.observers import BatchObserver
from langchain_segmind._client.texts import Found, check_text, checked_texts, vectors_in_order
from langchain_segmind._flows.chat import Endpoint
from langchain_segmind._flows.embed import embed
from langchain_segmind._flows.types import Flow
from langchain_segmind._http.batch import AsyncCancelToken, CancelToken, arun_many, run_many
from langchain_segmind._value import value
from langchain_segmind.errors import SegmindResponseError
from langchain_segmind.models import ModelInfo, embedding_model_info_for

__all__ = ["SegmindEmbeddings"]

_TASKS: Final = {"query": "RETRIEVAL_QUERY", "document": "RETRIEVAL_DOCUMENT"}


class SegmindEmbeddings(GatewayClient, Embeddings):
    """An embedding model behind Segmind's gateway.

    Set `SEGMIND_API_KEY`, or pass `api_key=...`. Building a model opens no connection and sends
    nothing.

    ```python
    from langchain_segmind import SegmindEmbeddings

    embeddings = SegmindEmbeddings(model="text-embedding-3-small")
    query = embeddings.embed_query("How tall is the lighthouse?")
    vectors = embeddings.embed_documents(["It is 100 meters tall.", "Bees make honey."])
    ```

    The gateway takes one text a call, so `embed_documents` sends `max_concurrency` texts at a time;
    the vectors are returned in the order of the texts. Any vector store of LangChain's works:

    ```python
    from langchain_core.vectorstores import InMemoryVectorStore  # pip install numpy

    store = InMemoryVectorStore(embeddings)
    store.add_texts(["It is 100 meters tall.", "Bees make honey."])
    print(store.similarity_search("Who makes honey?", k=1)[0].page_content)
    ```

    Gemini's vectors can be shortened and made for a purpose; by default queries are embedded as
    `RETRIEVAL_QUERY` and documents as `RETRIEVAL_DOCUMENT`.

    ```python
    SegmindEmbeddings(model="gemini-embedding-001", dimensions=768, task_type="CLUSTERING")
    ```

    Each text is retried by itself, and only if it surely was not embedded. When one fails for good,
    no more are sent, those under way are waited for, and a `SegmindBatchError` says which text
    failed and holds the vectors of the others.

    ```python
    from langchain_segmind import SegmindBatchError

    try:
        embeddings.embed_documents(["One.", "Two."])
    except SegmindBatchError as error:
        print(error.index, error.error, error.paid, sorted(error.vectors))
    ```

    Connections are shared by all threads and tasks, and closed with the model.

    ```python
    embeddings.close()  # or: with SegmindEmbeddings(...) as embeddings, async with, aclose()
    ```
    """

    model_config = ConfigDict(defer_build=False)

    family: Literal["auto", "openai", "gemini"] = "auto"
    """How the model's request bodies look; `"auto"` goes by the slug."""

    dimensions: int | None = Field(
        default=None, ge=1, validation_alias=AliasChoices("dimensions", "output_dimensionality")
    )
    """Numbers a vector is to have, for Gemini's models; by default the model's own."""

    task_type: str | None = None
    """What the vectors are for, for Gemini's models: `"SEMANTIC_SIMILARITY"`, `"CLUSTERING"`, ...
    By default `"RETRIEVAL_QUERY"` for queries and `"RETRIEVAL_DOCUMENT"` for documents."""

    max_concurrency: int = Field(default=16, ge=1)
    """Texts that are embedded at once."""

    show_progress_bar: bool = False
    """Whether `embed_documents` shows a progress bar, with tqdm (`langchain-segmind[progress]`)."""

    @field_validator("show_progress_bar", mode="after")
    @classmethod
    def _segmind_check_progress(cls, value: bool) -> bool:
        if value and find_spec("tqdm") is None:
            raise ValueError(
                "show_progress_bar needs tqdm: pip install tqdm, or langchain-segmind[progress]"
            )
        return value

    @model_validator(mode="after")
    def _segmind_check_together(self) -> Self:
        self._settings(self._model_info(), _TASKS["query"])
        return self

    # --- LangChain's hooks ---------------------------------------------------------------------

    @override
    def embed_query(self, text: str) -> list[float]:
        """Embed a question to search with.

        Args:
            text: The question; not blank.

        Returns:
            Its vector.

        Raises:
            SegmindError: If it could not be embedded; see `outcome`, `billed`.
        """
        task = self._task("query")
        check_text(text, "the text", task.endpoint.model_info)
        return self._embed(text, task)[0]

    @override
    async def aembed_query(self, text: str) -> list[float]:
        """Async version of `embed_query`."""
        task = self._task("query")
        check_text(text, "the text", task.endpoint.model_info)
        return (await self._aembed(text, task))[0]

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed texts to be searched, `max_concurrency` at a time on threads.

        Args:
            texts: The texts; for an empty list nothing is sent.

        Returns:
            Their vectors, in the order of the texts and all of one length.

        Raises:
            SegmindInvalidRequestError: If a text is blank or not a text; then nothing was sent.
            SegmindBatchError: If one could not be embedded. It holds the error of the first that
                failed, its `index`, the `vectors` of those that were embedded, and how many were
                `paid`.
        """
        task = self._task("document")
        many = checked_texts(texts, task.endpoint.model_info)
        with self._progress(len(many)) as report:
            batch = run_many(
                lambda place, cancel_token: self._embed(many[place], task, cancel_token),
                len(many),
                self.max_concurrency,
                report,
            )
        return vectors_in_order(batch, len(many))

    @override
    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Async version of `embed_documents`, on tasks."""
        task = self._task("document")
        many = checked_texts(texts, task.endpoint.model_info)
        with self._progress(len(many)) as report:
            batch = await arun_many(
                lambda place, cancel_token: self._aembed(many[place], task, cancel_token),
                len(many),
                self.max_concurrency,
                report,
            )
        return vectors_in_order(batch, len(many))

    # --- one text ------------------------------------------------------------------------------

    def _embed(self, text: str, task: _Task, cancel_token: CancelToken | None = None) -> Found:
        to = task.endpoint.destination
        with UsageRecorder(task.endpoint.model_info.slug) as recorder:
            observer = BatchObserver(recorder, cancel_token) if cancel_token else recorder
            found = self._transport(to).run(
                task.flow(text), to.api_key, observer=observer, cancel_token=cancel_token
            )
            recorder.finish(found[1])
        return found

    async def _aembed(
        self, text: str, task: _Task, cancel_token: AsyncCancelToken | None = None
    ) -> Found:
        to = task.endpoint.destination
        with UsageRecorder(task.endpoint.model_info.slug) as recorder:
            observer = BatchObserver(recorder, cancel_token) if cancel_token else recorder
            found = await self._transport(to).arun(
                task.flow(text), to.api_key, observer=observer, cancel_token=cancel_token
            )
            recorder.finish(found[1])
        return found

    # --- prepared once for many texts ----------------------------------------------------------

    def _model_info(self) -> ModelInfo:
        model_info = embedding_model_info_for(self.model)
        return model_info if self.family == "auto" else replace(model_info, family=self.family)

    def _task(self, kind: Literal["query", "document"]) -> _Task:
        model_info, to = self._model_info(), self._destination()
        endpoint = Endpoint(to, model_info, self._retry_policy(), self.default_headers or {})
        check = partial(self._check_size, to.base_url)
        return _Task(endpoint, self._settings(model_info, _TASKS[kind]), check)

    def _settings(self, model_info: ModelInfo, task: str) -> dict[str, Any]:
        given = {"task_type": self.task_type, "output_dimensionality": self.dimensions}
        settings = {name: value for name, value in given.items() if value is not None}
        if model_info.family == "gemini":
            return {"task_type": task, **settings}
        for name in settings:
            field = "dimensions" if name == "output_dimensionality" else name
            raise ValueError(
                f"{field}: {model_info.slug} takes none, only Gemini's embedding models do; leave "
                "it out, or set family='gemini' for one whose slug does not say so"
            )
        return {}

    def _check_size(self, base_url: str, vector: list[float]) -> None:
        """Check that a vector has the length asked for, or that of this model's first."""
        kind = (base_url, self.model, self.dimensions)
        size = self.dimensions or self._state.vector_sizes.setdefault(kind, len(vector))
        if len(vector) != size:
            had = "dimensions asked for" if self.dimensions else "the model's first vector had"
            raise SegmindResponseError(f"its vector has {len(vector)} numbers, where {had} {size}")

    @contextlib.contextmanager
    def _progress(self, count: int) -> Iterator[Callable[[], object]]:
        if not self.show_progress_bar or not count:
            yield lambda: None
            return
        from langchain_segmind._client.terminal_bar import Bar  # noqa: PLC0415 - most users do not need it

        done: list[None] = []
        bar = Bar(lambda: (len(done), ""), file=None, total=count, desc=self.model, unit="text")
        try:
            yield lambda: done.append(None)  # safe from any thread, and never waits for a terminal
        finally:
            bar.close()


@value
class _Task:
    """What is the same for every text of a call."""

    endpoint: Endpoint
    settings: Mapping[str, Any]
    check: Callable[[list[float]], None]

    def flow(self, text: str) -> Flow[Found]:
        return embed(text, self.endpoint, self.settings, self.check)
