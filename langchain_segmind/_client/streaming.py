"""The streaming methods of a chat model: the gateway cannot stream, so they yield one chunk.

langchain-core (1.6 to 1.8) often calls `_stream` and `_astream` without the run's manager, which is
needed to report a job to callbacks. So a context variable holds a manager for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from typing import Any, Final
from uuid import uuid4

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    BaseRunManager,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessageChunk
from langchain_core.runnables import RunnableConfig, ensure_config
from typing_extensions import override

from langchain_segmind._client.chat_base import ChatBase
from langchain_segmind._client.observers import event_manager

_next_manager: Final[ContextVar[BaseRunManager | None]] = ContextVar(
    "langchain_segmind_run_manager", default=None
)


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
            SegmindError: If the call fails; `outcome` and `billed` say whether it was charged.
        """
        config = _with_run_id(config)
        chunks = super().stream(input, config, stop=stop, **kwargs)
        with _manager_for_next_call(event_manager(self, config)):
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
        config = _with_run_id(config)
        stream: Any = super().astream(input, config, stop=stop, **kwargs)
        async with aclosing(stream) as chunks:
            with _manager_for_next_call(event_manager(self, config)):
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
            _next_manager.set(run_manager)  # LangChain calls `_stream` or `_astream` next
        return should


def take_run_manager() -> BaseRunManager | None:
    """Return the manager that is meant for this call of `_stream` or `_astream`, and forget it."""
    manager = _next_manager.get()
    _next_manager.set(None)
    return manager


def _with_run_id(config: RunnableConfig | None) -> RunnableConfig:
    """Choose the id of the run that LangChain will begin, so that its job's events can have it."""
    whole = ensure_config(config)
    return {**whole, "run_id": whole.get("run_id") or uuid4()}


@contextmanager
def _manager_for_next_call(manager: BaseRunManager) -> Iterator[None]:
    token = _next_manager.set(manager)
    try:
        yield
    finally:
        _next_manager.reset(token)
