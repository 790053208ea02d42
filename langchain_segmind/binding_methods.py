"""The methods of LangChain that wrap a chat model: each goes through the model's own binding.

`bindings` is imported by the first of them: building its class would be 7 % of importing this
package, and many programs wrap nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from langchain_core.language_models import BaseChatModel

F = TypeVar("F", bound=Callable[..., Any])


def of_binding(method: F) -> F:
    """Replace a method of a model by that of its binding; signature and docstring stay."""

    @wraps(method)
    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        from langchain_segmind.bindings import SegmindBinding  # noqa: PLC0415 - see above

        return getattr(SegmindBinding(bound=self), method.__name__)(*args, **kwargs)

    return cast("F", call)


class BindingMethods:
    """The methods of LangChain that wrap a model, so that what they add is kept."""

    with_config = of_binding(BaseChatModel.with_config)
    with_listeners = of_binding(BaseChatModel.with_listeners)
    with_alisteners = of_binding(BaseChatModel.with_alisteners)
    with_types = of_binding(BaseChatModel.with_types)
    with_retry = of_binding(BaseChatModel.with_retry)
    with_fallbacks = of_binding(BaseChatModel.with_fallbacks)
    configurable_fields = of_binding(BaseChatModel.configurable_fields)
    configurable_alternatives = of_binding(BaseChatModel.configurable_alternatives)
