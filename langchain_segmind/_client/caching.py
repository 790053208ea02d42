"""LangChain's cache of answers: which of a chat model's methods use it, and by which key.

langchain-core (1.6 to 1.8) uses whole messages as the key, with the ids, usage and cost of earlier
answers, so no second turn of a conversation is ever found. Here the key is what is sent. Without a
cache, nothing here may take time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_core.caches import BaseCache
from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    BaseRunManager,
    CallbackManagerForLLMRun,
)
from langchain_core.globals import get_llm_cache
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult, LLMResult
from langchain_core.utils.utils import LC_ID_PREFIX
from typing_extensions import Self, override

from langchain_segmind._client.batching import BatchMethods

if TYPE_CHECKING:
    from langchain_segmind._client.answer_cache import StreamCache
else:
    StreamCache = object  # LangChain evaluates annotations

# `answer_cache` is imported by the first call with a cache: most programs use none, and it would be
# a twentieth of this package's import time.


class CachingMethods(BatchMethods):
    """A chat model's methods that use LangChain's cache of answers."""

    @override
    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        """Return the settings' part of the key of a cached answer."""
        return self._settings_key(stop, kwargs, self.output_version)

    @override
    def _generate_with_cache(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        keyed = self._with_own_key(messages, run_manager)
        if keyed is None:
            return super()._generate_with_cache(messages, stop, run_manager, **kwargs)
        result = keyed._generate_with_cache(messages, stop, run_manager, **kwargs)  # noqa: SLF001 - a copy of self
        return _completed(result)

    @override
    async def _agenerate_with_cache(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        keyed = self._with_own_key(messages, run_manager)
        if keyed is not None:
            result = await keyed._agenerate_with_cache(messages, stop, run_manager, **kwargs)  # noqa: SLF001 - a copy of self
            return _completed(result)
        try:
            return await super()._agenerate_with_cache(messages, stop, run_manager, **kwargs)
        except BaseException as error:
            # langchain-core (1.6 to 1.8) reports errors to callbacks, but not that a call was
            # canceled. A call that is closed with its event loop must not wait for callbacks.
            if run_manager is not None and not isinstance(error, Exception | GeneratorExit):
                await run_manager.on_llm_error(error, response=LLMResult(generations=[]))
            raise

    def _cache_in_use(self) -> BaseCache | None:
        if self.cache is False:
            return None
        return self.cache if isinstance(self.cache, BaseCache) else get_llm_cache()

    def _with_own_key(
        self, messages: Sequence[BaseMessage], run_manager: BaseRunManager | None
    ) -> Self | None:
        """Return a copy whose cache has the key of this call.

        Returns:
            None if no cache is in use, or if this is such a copy.
        """
        cache = self._cache_in_use()
        if cache is None:
            return None
        from langchain_segmind._client.answer_cache import AnswerCache, cache_prompt  # noqa: PLC0415 - see above

        if isinstance(cache, AnswerCache):
            return None
        run_id = f"{LC_ID_PREFIX}-{run_manager.run_id}" if run_manager else None
        return self.model_copy(update={"cache": AnswerCache(cache, cache_prompt(messages), run_id)})

    def _stream_cache(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: Mapping[str, Any]
    ) -> StreamCache | None:
        """Return the cache of a stream; None if there is none, or LangChain uses it already."""
        cache = self._cache_in_use()
        if cache is None:
            return None
        from langchain_segmind._client.answer_cache import (  # noqa: PLC0415 - see above
            AnswerCache,
            StreamCache,
            cache_prompt,
        )

        if isinstance(cache, AnswerCache):
            return None
        # LangChain converts the content of an answer before it is cached, but of a chunk later.
        settings = self._settings_key(stop, kwargs, output_version=None)
        return StreamCache(AnswerCache(cache, cache_prompt(messages)), settings)

    def _settings_key(
        self, stop: list[str] | None, kwargs: Mapping[str, Any], output_version: str | None
    ) -> str:
        """Write all settings that change an answer, however they were given.

        Headers are not among them: they may be secret.
        """
        given = kwargs if stop is None else {**kwargs, "stop": stop}
        model_info, request = self._request((), given)
        request = replace(
            request,
            settings=dict(sorted(request.settings.items())),
            extras=dict(sorted(request.extras.items())),
        )
        version = "v1" if output_version == "v1" else None
        address = (self._llm_type, self._address(), model_info.slug, model_info.family)
        return repr((*address, self.tool_calling, version, request))


def _completed(result: ChatResult) -> ChatResult:
    """Name the model of a cached answer, and undo what langchain-core makes of unknown usage.

    It adds a cost of zero to the usage of a cached answer, also where there is none.
    """
    for generation in result.generations:
        message = generation.message
        if isinstance(message, AIMessage) and message.response_metadata.get("cached"):
            if (message.usage_metadata or {}).keys() == {"total_cost"}:
                message.usage_metadata = None
            result.llm_output = {"model_name": message.response_metadata.get("model_name")}
    return result
