"""The streaming methods of a chat model: the gateway cannot stream, so they yield one chunk.

LangChain (up to 1.x) calls `_stream` and `_astream` without the run's manager, which the events of
a job need. So the manager is kept in a context variable just before, and taken out again there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from typing import Any, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessageChunk
from langchain_core.runnables import RunnableConfig
from typing_extensions import override

from langchain_segmind._client.callbacks import (
    AsyncManager,
    Manager,
    amanager_of,
    manager_of,
    with_run_id,
)
from langchain_segmind._client.chat_base import ChatBase

_kept: Final[ContextVar[Any]] = ContextVar("langchain_segmind_run_manager", default=None)


class StreamingMethods(ChatBase):
    """A chat model's streaming methods."""

    @override
    def stream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        """Yield the whole answer of `invoke` as one chunk: the gateway cannot stream.

        Args:
            input: What `invoke` takes.
            config: Callbacks and the like.
            stop: Texts before which the answer ends.
            **kwargs: Settings for this call.

        Yields:
            The whole answer, once.

        Raises:
            SegmindError: If there is none; see `outcome`, `billed`.
        """
        config = with_run_id(config)
        chunks = super().stream(input, config, stop=stop, **kwargs)
        with _keep_run_manager(manager_of(self, config)):
            first = next(chunks, None)
        if first is not None:
            yield first
            yield from chunks

    @override
    async def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """Async version of `stream`."""
        config = with_run_id(config)
        stream: Any = super().astream(input, config, stop=stop, **kwargs)
        async with aclosing(stream) as chunks:
            with _keep_run_manager(amanager_of(self, config)):
                first = await anext(chunks, None)
            if first is not None:
                yield first
                async for chunk in chunks:
                    yield chunk

    @override
    def _should_stream(
        self,
        *,
        async_api: bool,
        run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> bool:
        should = super()._should_stream(async_api=async_api, run_manager=run_manager, **kwargs)
        if should and run_manager is not None:
            _kept.set(run_manager)  # `_stream` or `_astream` comes next
        return should


def take_run_manager() -> Any:
    """Return the manager that was kept for `_stream` or `_astream`, if one was, only once."""
    manager = _kept.get()
    _kept.set(None)
    return manager


@contextmanager
def _keep_run_manager(manager: Manager | AsyncManager) -> Iterator[None]:
    token = _kept.set(manager)
    try:
        yield
    finally:
        _kept.reset(token)
