"""What LangChain's cache of answers stores, and what a cached answer says.

A cached answer was not paid for again, so it must not have the cost or the balance of its first
run. langchain-core (1.6 to 1.8) returns it as it was, and the very object that it cached.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, Generation
from typing_extensions import override

from langchain_segmind._messages.cache_key import cache_prompt
from langchain_segmind._messages.to_langchain import chunk_from_message

__all__ = ["AnswerCache", "StreamCache", "cache_prompt"]

_OF_ONE_RUN: Final = frozenset(
    {"remaining_credits", "generation_time", "queue_time", "ambiguous_attempts", "headers"}
    | {"token_usage"}
)
"""Metadata that are true of an answer's own run only."""

_log: Final = logging.getLogger(__name__)


class AnswerCache(BaseCache):
    """The cache in use, as one call sees it."""

    def __init__(self, cache: BaseCache, prompt: str, run_id: str | None = None) -> None:
        """Set the key.

        Args:
            cache: The cache in use.
            prompt: The conversation's part of the key; that of the caller is not used.
            run_id: The id of the answer's message, without its number.
        """
        self._cache = cache
        self._prompt = prompt
        self._run_id = run_id

    @override
    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        return self._reused(self._cache.lookup(self._prompt, llm_string))

    @override
    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        with _logged_errors():
            self._cache.update(self._prompt, llm_string, _copies(return_val))

    @override
    def clear(self, **kwargs: Any) -> None:
        self._cache.clear(**kwargs)

    @override
    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        return self._reused(await self._cache.alookup(self._prompt, llm_string))

    @override
    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        with _logged_errors():
            await self._cache.aupdate(self._prompt, llm_string, _copies(return_val))

    def _reused(self, found: RETURN_VAL_TYPE | None) -> RETURN_VAL_TYPE | None:
        if not isinstance(found, list):
            return found
        copies = _copies(found)
        for n, generation in enumerate(copies):
            message = generation.message if isinstance(generation, ChatGeneration) else None
            if isinstance(message, AIMessage):
                # With the id of the first run, a list of messages would replace its answer.
                message.id = self._run_id and f"{self._run_id}-{n}"
                kept = {k: v for k, v in message.response_metadata.items() if k not in _OF_ONE_RUN}
                message.response_metadata = {**kept, "cost": 0.0, "cached": True}
                if message.usage_metadata:  # langchain-core does this for all but streams
                    usage: Any = {**message.usage_metadata, "total_cost": 0}
                    message.usage_metadata = usage
        return copies


@contextmanager
def _logged_errors() -> Iterator[None]:
    """Log that an answer could not be cached. It was paid for, so it is returned all the same."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a cache may raise anything
        _log.warning("The answer could not be cached: %s", error)


def _copies(generations: RETURN_VAL_TYPE) -> list[Generation]:
    """Copy answers whole: what a program does to its messages must not change the cache."""
    return [generation.model_copy(deep=True) for generation in generations]


class StreamCache:
    """The cache in use, as one call of `_stream` sees it: LangChain caches no streams."""

    def __init__(self, cache: AnswerCache, llm_string: str) -> None:
        """Set the key; `llm_string` is the settings' part of it."""
        self._cache = cache
        self._llm_string = llm_string

    def lookup(self) -> ChatGenerationChunk | None:
        """Return the cached answer, if there is one."""
        return _chunk(self._cache.lookup("", self._llm_string))

    async def alookup(self) -> ChatGenerationChunk | None:
        """Async version of `lookup`."""
        return _chunk(await self._cache.alookup("", self._llm_string))

    def update(self, result: ChatResult) -> None:
        """Cache an answer."""
        self._cache.update("", self._llm_string, [*result.generations])

    async def aupdate(self, result: ChatResult) -> None:
        """Async version of `update`."""
        await self._cache.aupdate("", self._llm_string, [*result.generations])


def _chunk(found: RETURN_VAL_TYPE | None) -> ChatGenerationChunk | None:
    match found:
        case [ChatGeneration(message=AIMessage() as message), *_]:
            return ChatGenerationChunk(message=chunk_from_message(message))
        case _:
            return None
