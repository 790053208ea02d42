"""SegmindEmbeddings: texts as vectors, for search and RAG.

Each async method repeats its sync twin with `await`. What is sent is decided in `_flows`; how calls
run at the same time is decided in `_http`.
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

    Set `SEGMIND_API_KEY`, or pass `api_key=...`. Building a model does not open a connection.

    ```python
    from langchain_segmind import SegmindEmbeddings

    embeddings = SegmindEmbeddings(model="text-embedding-3-small")
    query = embeddings.embed_query("How tall is the lighthouse?")
    vectors = embeddings.embed_documents(["It is 100 meters tall.", "Bees make honey."])
    ```

    The gateway takes one text per call, so `embed_documents` sends up to `max_concurrency` calls at
    the same time. It returns the vectors in the order of the texts. LangChain's vector stores can
    use these embeddings:

    ```python
    from langchain_core.vectorstores import InMemoryVectorStore  # pip install numpy

    store = InMemoryVectorStore(embeddings)
    store.add_texts(["It is 100 meters tall.", "Bees make honey."])
    print(store.similarity_search("Who makes honey?", k=1)[0].page_content)
    ```

    Gemini's models can shorten their vectors and fit them to a task. By default they embed queries
    as `RETRIEVAL_QUERY` and documents as `RETRIEVAL_DOCUMENT`.

    ```python
    SegmindEmbeddings(model="gemini-embedding-001", dimensions=768, task_type="CLUSTERING")
    ```

    A text is only retried if it surely was not embedded, or if `retry_ambiguous=True`. If a text
    still fails, no more texts are sent. After the calls in flight have ended, a `SegmindBatchError`
    is raised. It has the index of the first text that failed, and holds the vectors that were
    computed.

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

    _how_to_choose = (
        "Pass a slug, e.g. model='text-embedding-3-small', 'text-embedding-3-large', "
        "'gemini-embedding-001' or 'gemini-embedding-2'."
    )

    family: Literal["auto", "openai", "gemini"] = "auto"
    """The request format; `"auto"` selects it by the start of the slug."""

    dimensions: int | None = Field(
        default=None, ge=1, validation_alias=AliasChoices("dimensions", "output_dimensionality")
    )
    """Length of the vectors, for Gemini's models only; by default the model's own."""

    task_type: str | None = None
    """The task the vectors are for, such as `"CLUSTERING"`, for Gemini's models only. By default
    `"RETRIEVAL_QUERY"` for queries and `"RETRIEVAL_DOCUMENT"` for documents."""

    max_concurrency: int = Field(default=16, ge=1)
    """Texts that are embedded at the same time."""

    show_progress_bar: bool = False
    """Whether `embed_documents` shows a progress bar, with tqdm (`langchain-segmind[progress]`)."""

    @field_validator("show_progress_bar", mode="after")
    @classmethod
    def _segmind_check_progress(cls, value: bool) -> bool:
        if value and find_spec("tqdm") is None:
            raise ValueError(
                "show_progress_bar needs tqdm: pip install tqdm, or langchain-segmind[progress]."
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
            text: The question. It must not be blank.

        Returns:
            Its vector.

        Raises:
            SegmindError: If it was not embedded; `outcome` and `billed` say whether it was charged.
        """
        task = self._task("query")
        check_text(text, "text", task.endpoint.model_info)
        return self._embed(text, task)[0]

    @override
    async def aembed_query(self, text: str) -> list[float]:
        """Async version of `embed_query`."""
        task = self._task("query")
        check_text(text, "text", task.endpoint.model_info)
        return (await self._aembed(text, task))[0]

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed texts to be searched, `max_concurrency` at a time, in threads.

        Args:
            texts: The texts. Equal texts are sent, and billed, once. For an empty list, nothing is
                sent.

        Returns:
            Their vectors, in the order of the texts. All have the same length.

        Raises:
            SegmindInvalidRequestError: If a text is blank or not a string. Nothing was sent then.
            SegmindBatchError: If a text failed. It holds the error of the first one that did, its
                `index`, the `vectors` of the texts that were embedded, and how many were `paid`.
        """
        task = self._task("document")
        many = checked_texts(texts, task.endpoint.model_info)
        sent = [*dict.fromkeys(many)]
        with self._progress(len(sent)) as report:
            batch = run_many(
                lambda index, cancel_token: self._embed(sent[index], task, cancel_token),
                len(sent),
                self.max_concurrency,
                report,
            )
        return vectors_in_order(batch, sent, many)

    @override
    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Async version of `embed_documents`, in tasks."""
        task = self._task("document")
        many = checked_texts(texts, task.endpoint.model_info)
        sent = [*dict.fromkeys(many)]
        with self._progress(len(sent)) as report:
            batch = await arun_many(
                lambda index, cancel_token: self._aembed(sent[index], task, cancel_token),
                len(sent),
                self.max_concurrency,
                report,
            )
        return vectors_in_order(batch, sent, many)

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

    # --- what the texts of a call share --------------------------------------------------------

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
        if settings:
            name = "task_type" if "task_type" in settings else "dimensions"
            raise ValueError(
                f"{name} is not a setting of {model_info.slug}: only Gemini's embedding models "
                "have it. Leave it out, or set family='gemini' if this is one of them."
            )
        return {}

    def _check_size(self, base_url: str, vector: list[float]) -> None:
        """Check that a vector is as long as `dimensions`, or else as the model's first vector."""
        kind = (base_url, self.model, self.dimensions)
        size = self.dimensions or self._state.vector_sizes.setdefault(kind, len(vector))
        if len(vector) != size:
            expected = "dimensions is" if self.dimensions else "the model's first vector had"
            raise SegmindResponseError(
                f"its vector has {len(vector)} numbers, but {expected} {size}"
            )

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
    """What all texts of a call share."""

    endpoint: Endpoint
    settings: Mapping[str, Any]
    check: Callable[[list[float]], None]

    def flow(self, text: str) -> Flow[Found]:
        return embed(text, self.endpoint, self.settings, self.check)
