"""A chat model with others behind it, as `with_fallbacks` returns it.

Only `bindings` imports this module, and only when it is needed: LangChain's class takes 3 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables.fallbacks import RunnableWithFallbacks

from langchain_segmind.binding_methods import BindingMethods
from langchain_segmind.bindings import SegmindBinding


class SegmindFallbacks(BindingMethods, RunnableWithFallbacks[LanguageModelInput, AIMessage]):
    """LangChain's fallbacks, which keep what is bound to them when tools are."""

    def bind(self, **kwargs: Any) -> SegmindBinding:
        """Bind arguments to every call, whichever model answers it."""
        return SegmindBinding(bound=self, kwargs=kwargs)

    # LangChain's own way to these two dumps every model, which is slow and warns of what is cached.
    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> SegmindFallbacks:
        """Offer these tools to every model."""
        return self._each(lambda model: model.bind_tools(tools, **kwargs))

    def with_structured_output(self, schema: Any = None, **kwargs: Any) -> SegmindFallbacks:
        """Answer with an object, whichever model answers."""
        return self._each(lambda model: model.with_structured_output(schema, **kwargs))

    def _each(self, change: Callable[[Any], Any]) -> SegmindFallbacks:
        changed = {
            "runnable": change(self.runnable),
            "fallbacks": [change(fallback) for fallback in self.fallbacks],
        }
        return self.model_copy(update=changed)

    @classmethod
    def lc_id(cls) -> list[str]:
        """Return the id of LangChain's own fallbacks, so that these are serialized as they are."""
        return RunnableWithFallbacks.lc_id()
