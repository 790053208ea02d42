"""SegmindEmbeddings: texts as vectors, for search and RAG.

The gateway takes one text a call, so many texts are many calls at once. Here sync and async differ
in one word; what is said to the gateway is decided in `_flow`, how many at once in `_http`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any, Final, Literal

from langchain_core.embeddings import Embeddings
from pydantic import AliasChoices, ConfigDict, Field, field_validator, model_validator
from typing_extensions import Self, override

from langchain_segmind import models as _catalogue
from langchain_segmind._accounting.recorder import UsageRecorder
from langchain_segmind._client.connection import GatewayClient, retry_policy_of
from langchain_segmind._flows import chat as _flow
from langchain_segmind._flows.chat import Endpoint
from langchain_segmind._flows.types import Flow, Outcome, Receipt
from langchain_segmind._http.batch import (
    AsyncCancelToken,
    BatchResult,
    CancelToken,
    arun_many,
    run_many,
)
from langchain_segmind._messages.text import check_text
from langchain_segmind._messages.types import invalid_request
from langchain_segmind._value import value
from langchain_segmind.errors import (
    SegmindContextOverflowError,
    SegmindError,
    SegmindResponseError,
)
from langchain_segmind.models import ModelInfo

__all__ = ["SegmindEmbeddings"]

_Found = tuple[list[float], Receipt]

_TASKS: Final = {"query": "RETRIEVAL_QUERY", "document": "RETRIEVAL_DOCUMENT"}


class SegmindEmbeddings(GatewayClient, Embeddings):
    """An embedding model behind Segmind's gateway.

    **Set up** as a chat model, with `SEGMIND_API_KEY` set or `api_key=...`. Building one opens no
    connection and sends nothing.

    ```python
    from langchain_segmind import SegmindEmbeddings

    embeddings = SegmindEmbeddings(model="text-embedding-3-small")
    ```

    **Embed.** The gateway takes one text a call, so documents go out `max_concurrency` at a time;
    the vectors come back in the order of the texts.

    ```python
    query = embeddings.embed_query("How tall is the lighthouse?")
    vectors = embeddings.embed_documents(["It is 100 metres tall.", "Bees make honey."])
    ```

    **Search** with any vector store of LangChain's.

    ```python
    from langchain_core.vectorstores import InMemoryVectorStore  # pip install numpy

    store = InMemoryVectorStore(embeddings)
    store.add_texts(["It is 100 metres tall.", "Bees make honey."])
    print(store.similarity_search("Who makes honey?", k=1)[0].page_content)
    ```

    **Shorten** Gemini's vectors, and say what they are for; by default queries are embedded as
    `RETRIEVAL_QUERY` and documents as `RETRIEVAL_DOCUMENT`.

    ```python
    SegmindEmbeddings(model="gemini-embedding-001", dimensions=768, task_type="CLUSTERING")
    ```

    **Handle failure.** Each text is repeated by itself, only if it surely was not embedded. When
    one fails for good, nothing more is sent, what is under way is waited for, and the error of the
    text that failed first tells its `index`, how many were `paid`, and their `vectors`.

    ```python
    from langchain_segmind import SegmindError

    try:
        embeddings.embed_documents(["One.", "Two."])
    except SegmindError as error:
        print(error.index, error.outcome, error.paid, sorted(error.vectors))
    ```

    **Close.** Connections are shared by all threads and tasks, and closed with the model.

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
        job = self._job("query")
        _check(text, "the text", job.target.model_info)
        return self._embed(text, job)[0]

    @override
    async def aembed_query(self, text: str) -> list[float]:
        """Embed a question to search with, as `embed_query` does."""
        job = self._job("query")
        _check(text, "the text", job.target.model_info)
        return (await self._aembed(text, job))[0]

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed texts to be searched, `max_concurrency` at a time on threads.

        Args:
            texts: The texts; none means that nothing is sent.

        Returns:
            Their vectors, in the order of the texts and all of one length.

        Raises:
            SegmindError: If one could not be embedded: the error of the first that failed, with
                its `index`, the `vectors` of those that were embedded, and how many were `paid`.
        """
        job = self._job("document")
        many = _checked(texts, job.target.model_info)
        with self._progress(len(many)) as tell:
            ends = run_many(
                lambda place, cancel_token: self._embed(many[place], job, cancel_token),
                len(many),
                self.max_concurrency,
                tell,
            )
        return _in_order(ends, len(many))

    @override
    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed texts to be searched, as `embed_documents` does, on tasks."""
        job = self._job("document")
        many = _checked(texts, job.target.model_info)
        with self._progress(len(many)) as tell:
            ends = await arun_many(
                lambda place, cancel_token: self._aembed(many[place], job, cancel_token),
                len(many),
                self.max_concurrency,
                tell,
            )
        return _in_order(ends, len(many))

    # --- one text ------------------------------------------------------------------------------

    def _embed(self, text: str, job: _Job, cancel_token: CancelToken | None = None) -> _Found:
        to = job.target.destination
        with UsageRecorder(job.target.model_info.slug) as recorder:
            vector, receipt = self._transport(to).run(
                job.flow(text),
                to.api_key,
                observer=_Gate(recorder, cancel_token) if cancel_token else recorder,
                pause=cancel_token.pause if cancel_token else None,
            )
            recorder.finish(receipt)
        return vector, receipt

    async def _aembed(
        self, text: str, job: _Job, cancel_token: AsyncCancelToken | None = None
    ) -> _Found:
        to = job.target.destination
        with UsageRecorder(job.target.model_info.slug) as recorder:
            vector, receipt = await self._transport(to).arun(
                job.flow(text),
                to.api_key,
                observer=_Gate(recorder, cancel_token) if cancel_token else recorder,
                pause=cancel_token.pause if cancel_token else None,
            )
            recorder.finish(receipt)
        return vector, receipt

    # --- prepared once for many texts ----------------------------------------------------------

    def _model_info(self) -> ModelInfo:
        model_info = _catalogue.embedding_model_info_for(self.model)
        return model_info if self.family == "auto" else replace(model_info, family=self.family)

    def _job(self, kind: Literal["query", "document"]) -> _Job:
        model_info, to = self._model_info(), self._destination()
        target = Endpoint(to, model_info, retry_policy_of(self), self.default_headers or {})
        check = partial(self._check_size, to.base_url)
        return _Job(target, self._settings(model_info, _TASKS[kind]), check)

    def _settings(self, model_info: ModelInfo, task: str) -> dict[str, Any]:
        told = {"task_type": self.task_type, "output_dimensionality": self.dimensions}
        settings = {name: value for name, value in told.items() if value is not None}
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
        """Hold a vector to the length asked for, or that of this model's first."""
        kind = (base_url, self.model, self.dimensions)
        sizes: dict[object, int] = self.__dict__.setdefault("_segmind_sizes", {})
        size = self.dimensions or sizes.setdefault(kind, len(vector))
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
class _Job:
    """What is the same for every text of a call."""

    target: Endpoint
    settings: Mapping[str, Any]
    check: Callable[[list[float]], None]

    def flow(self, text: str) -> Flow[_Found]:
        """The conversation about one text."""
        return _flow.embed(text, self.target, self.settings, self.check)


class _Gate:
    """Pays for one of many texts, unless another has failed."""

    def __init__(
        self, recorder: UsageRecorder, cancel_token: CancelToken | AsyncCancelToken
    ) -> None:
        self._recorder = recorder
        self._cancel_token = cancel_token
        self._lost = 0

    def before_send(self) -> None:
        if self._cancel_token.is_cancelled:
            raise SegmindError(
                "Not sent, as another text failed.",
                outcome="not_sent",
                ambiguous_attempts=self._lost,
            )
        self._recorder.before_send()

    def after_reply(self, outcome: Outcome) -> None:
        self._recorder.after_reply(outcome)
        self._lost += outcome == "unknown"


def _checked(texts: Sequence[str], model_info: ModelInfo) -> list[str]:
    """Check all texts before any is sent."""
    if isinstance(texts, str | bytes):
        raise invalid_request("texts: expected a list of texts, got one; put it into a list")
    many = list(texts)
    for place, text in enumerate(many):
        _check(text, f"texts[{place}]", model_info, place)
    return many


def _check(text: str, where: str, model_info: ModelInfo, place: int | None = None) -> None:
    """Refuse what surely cannot be embedded; where in doubt, the gateway says."""
    try:
        _check_text(text, where, model_info)
    except SegmindError as error:
        error.index = place
        raise


def _check_text(text: str, where: str, model_info: ModelInfo) -> None:
    if not check_text(text, where).strip():
        raise invalid_request(f"{where} is blank; there is nothing to embed")
    most = model_info.context
    if most is None or len(text) <= 2 * most:
        return
    words = len(text.split())  # each is one token at least
    if words > most:
        raise SegmindContextOverflowError(
            f"{where} is too long: it has {words} words, and {model_info.slug} reads {most} "
            "tokens; split it. Nothing was sent.",
            outcome="not_sent",
            model=model_info.slug,
        )


def _in_order(ends: BatchResult[_Found], count: int) -> list[list[float]]:
    """Give all vectors, or raise the first error with what became of all the texts."""
    if not ends.failed:
        return [ends.done[place][0] for place in range(count)]
    errors = [error for error in ends.failed.values() if isinstance(error, SegmindError)]
    again = sum(error.ambiguous_attempts for error in errors)
    again += sum(receipt.ambiguous_attempts for _, receipt in ends.done.values())
    place, first = next(iter(ends.failed.items()))
    if isinstance(first, SegmindError):
        first.add_batch_result(
            place,
            count,
            vectors={at: ends.done[at][0] for at in sorted(ends.done)},
            paid=len(ends.done) + sum(error.billed is True for error in errors),
            perhaps_paid=again + sum(error.billed is None for error in errors),
        )
    raise first
