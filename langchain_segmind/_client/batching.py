"""Limit how many calls of an async batch run at once to the connections that they can have.

LangChain starts them all. Those that then wait for a connection have been traced, checked and
written as JSON already: for 10,000 inputs this takes twice the memory, and the first result comes
three times as late.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from typing_extensions import override

from langchain_segmind._client.streaming import StreamingMethods
from langchain_segmind._http.environment import connection_limit

Configs = RunnableConfig | Sequence[RunnableConfig] | None


class BatchMethods(StreamingMethods):
    """A chat model's async batches."""

    @override
    async def abatch(
        self,
        inputs: list[LanguageModelInput],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[AIMessage]:
        """Call the model for each input, by default as many at once as there may be connections.

        Jobs in the gateway's queue hold no connection while they run, so all are submitted at once.

        Args:
            inputs: The inputs, each as for `ainvoke`.
            config: A config for all calls, or one for each. `max_concurrency` in it sets how many
                calls run at once.
            return_exceptions: Whether to return an exception in place of an answer.
            **kwargs: Settings for these calls.

        Returns:
            The answers, in the order of the inputs.
        """
        limited: Any = self._limited(config, len(inputs), kwargs)
        return await super().abatch(inputs, limited, return_exceptions=return_exceptions, **kwargs)

    if not TYPE_CHECKING:  # type checkers know LangChain's own, which has overloads

        @override
        async def abatch_as_completed(
            self,
            inputs: Sequence[LanguageModelInput],
            config: Configs = None,
            *,
            return_exceptions: bool = False,
            **kwargs: Any,
        ) -> AsyncIterator[tuple[int, AIMessage | Exception]]:
            """Call the model as in `abatch`, and yield each answer once it is there.

            Args:
                inputs: The inputs, each as for `ainvoke`.
                config: As for `abatch`.
                return_exceptions: Whether to yield an exception in place of an answer.
                **kwargs: Settings for these calls.

            Yields:
                The index of an input, and its answer.
            """
            limited = self._limited(config, len(inputs), kwargs)
            answers = super().abatch_as_completed(
                inputs, limited, return_exceptions=return_exceptions, **kwargs
            )
            async for answer in answers:
                yield answer

    def _limited(self, config: Configs, calls: int, kwargs: Mapping[str, Any]) -> Configs:
        """Return the config, with a limit if it has none and there are more calls."""
        first = config[0] if isinstance(config, Sequence) and config else config
        limit = connection_limit(self.max_connections)
        if calls <= limit or (isinstance(first, dict) and first.get("max_concurrency")):
            return config
        slug = kwargs.get("model")
        is_slow = self._model_info(slug if isinstance(slug, str) else self.model).is_slow
        if is_slow if self.queue is None else self.queue:
            return config
        if isinstance(config, Sequence):
            return [{**each, "max_concurrency": limit} for each in config]
        return {**(config or {}), "max_concurrency": limit}
