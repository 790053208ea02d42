"""A chat model with what is bound to it: arguments, config, listeners, retries, fields of a config.

`bind_tools` and `with_structured_output` keep all of it, whatever is called first. LangChain's own
bindings hand these two to the model inside, and lose what is bound around it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

# Annotations name what takes long to import through its package, which imports it then.
from langchain_core import runnables as lc_runnables
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import (
    ConfigurableField,
    Runnable,
    RunnableBinding,
    RunnableConfig,
    RunnableSerializable,
)
from langchain_core.runnables.base import RunnableBindingBase
from pydantic import BaseModel, ConfigDict, field_serializer, field_validator

from langchain_segmind._client.validation import mask_headers
from langchain_segmind._messages.types import Method
from langchain_segmind.jobs import QueueMethods, SegmindJob

# `BaseChatModel.bind` (langchain-core 1.6 to 1.8) is declared to return the private
# `_ChatModelBinding`, which exists for type checkers only. `SegmindBinding` must be one to override
# `bind`.
if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import _ChatModelBinding as _Binding
else:
    _Binding = RunnableBinding[LanguageModelInput, AIMessage]

Chat = Runnable[LanguageModelInput, AIMessage]


class SegmindBinding(_Binding):  # type: ignore[no-redef]
    """A chat model with bound arguments, which its jobs use, too.

    With LangChain's own binding, `submit` would call the model without these arguments.
    """

    model_config = ConfigDict(defer_build=True)  # building it takes 5 ms of importing the package

    # The values of extra headers may be secret, as those of `default_headers`: they are masked in a
    # `repr` and in tracebacks, and left out of what is serialized.

    @field_validator("kwargs", mode="before")
    @classmethod
    def _segmind_mask_headers(cls, kwargs: Any) -> Any:
        headers = kwargs.get("extra_headers") if isinstance(kwargs, dict) else None
        return {**kwargs, "extra_headers": mask_headers(headers)} if headers else kwargs

    @field_serializer("kwargs")
    def _segmind_kwargs_without_headers(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in kwargs.items() if name != "extra_headers"}

    def to_json(self) -> Any:
        """Serialize for LangChain's `dumps`, without the extra headers."""
        serialized: Any = super().to_json()
        kwargs = self._kwargs_without({"extra_headers"})
        return {**serialized, "kwargs": {**serialized["kwargs"], "kwargs": kwargs}}

    @classmethod
    def lc_id(cls) -> list[str]:
        """Return the id of LangChain's own binding, so that this one is serialized the same way."""
        return RunnableBinding.lc_id()

    def submit(
        self, messages: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> SegmindJob:
        """Submit a request to the queue; see `ChatSegmind.submit`."""
        # Private in langchain-core (1.6 to 1.8), and what a binding's `invoke` calls: without it,
        # a job would lack the callbacks and trackers of `with_config`.
        merged = self._merge_configs(config)
        return self._queue().submit(messages, merged, **{**self.kwargs, **kwargs})

    async def asubmit(
        self, messages: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> SegmindJob:
        """Async version of `submit`."""
        merged = self._merge_configs(config)
        return await self._queue().asubmit(messages, merged, **{**self.kwargs, **kwargs})

    def get_job(self, request_id: str, /, **kwargs: Any) -> SegmindJob:
        """Return the job of an id; see `ChatSegmind.get_job`."""
        return self._queue().get_job(request_id, **{**self.kwargs, **kwargs})

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Chat:
        """Offer these tools in place of those that are bound; other settings stay bound."""
        replaced = {"tools", *kwargs}
        # A choice names a tool; one that names none of the new tools is for the old ones.
        if self.kwargs.get("tools"):
            replaced.add("tool_choice")
        kept = self._kwargs_without(replaced)
        model = _single_model(self.bound)
        if model is None:
            bound = _each(self.bound, lambda each: each.bind_tools(tools, **kwargs))
            return self._with(bound=bound, kwargs=kept)
        added = cast("SegmindBinding", model.bind_tools(tools, **kwargs))
        return self._with(kwargs={**kept, **added.kwargs})

    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Answer with an object, with what is bound; see `ChatSegmind.with_structured_output`."""
        if method == "function_calling" and self.kwargs.get("tools"):
            raise ValueError(
                "method='function_calling' asks for a call of the schema, so the bound tools could "
                "not be called. Use method='json_schema'."
            )
        options: dict[str, Any] = {"method": method, "include_raw": include_raw, "strict": strict}
        options |= kwargs
        if _single_model(self.bound) is None:
            bound = _each(self.bound, lambda each: each.with_structured_output(schema, **options))
            replaced = {"response_format", *kwargs}
            if method == "function_calling":
                replaced.add("tool_choice")
            return RunnableBinding(
                bound=bound,
                kwargs=self._kwargs_without(replaced),
                config=self.config,
                config_factories=self.config_factories,
            )
        from langchain_segmind._messages.structured_output import structured_output_chain  # noqa: PLC0415

        return structured_output_chain(self, schema, **options)

    def with_alisteners(self, **listeners: Any) -> SegmindBinding:
        """Call async listeners; see `langchain_core.runnables.Runnable.with_alisteners`."""
        added = cast("RunnableBinding[Any, Any]", super().with_alisteners(**listeners))
        return self._with(config_factories=[*added.config_factories, *self.config_factories])

    def with_retry(self, **kwargs: Any) -> SegmindBinding:
        """Retry; see `langchain_core.runnables.Runnable.with_retry`."""
        return self._with(bound=Runnable.with_retry(self.bound, **kwargs))

    def with_fallbacks(
        self,
        fallbacks: Sequence[Chat],
        *,
        exceptions_to_handle: tuple[type[BaseException], ...] = (Exception,),
        exception_key: str | None = None,
    ) -> lc_runnables.RunnableWithFallbacks[LanguageModelInput, AIMessage]:
        """Call others after an error; see `langchain_core.runnables.Runnable.with_fallbacks`."""
        from langchain_segmind.fallbacks import SegmindFallbacks  # noqa: PLC0415

        return SegmindFallbacks(
            runnable=self,
            fallbacks=fallbacks,
            exceptions_to_handle=exceptions_to_handle,
            exception_key=exception_key,
        )

    def configurable_fields(self, **fields: Any) -> SegmindBinding:
        """Let a call's config set the model's fields; see LangChain's `configurable_fields`."""
        if _single_model(self.bound) is None:
            raise ValueError(
                "configurable_fields is for one model. Call it before with_fallbacks and "
                "configurable_alternatives."
            )
        return self._with(bound=_each(self.bound, lambda each: _configurable(each, fields)))

    def configurable_alternatives(
        self,
        which: ConfigurableField,
        *,
        default_key: str = "default",
        prefix_keys: bool = False,
        **kwargs: Chat | Callable[[], Chat],
    ) -> SegmindBinding:
        """Let a call's config choose the model; see LangChain's `configurable_alternatives`."""
        choices = super().configurable_alternatives(
            which, default_key=default_key, prefix_keys=prefix_keys, **kwargs
        )
        return SegmindBinding(bound=choices)

    def _queue(self) -> QueueMethods:
        if isinstance(self.bound, RunnableBindingBase):
            raise ValueError(
                "with_retry has no effect on jobs. Submit the job with the model without it."
            )
        return cast("QueueMethods", self.bound)

    def _kwargs_without(self, replaced: set[str]) -> dict[str, Any]:
        return {name: value for name, value in self.kwargs.items() if name not in replaced}

    def _with(self, **changed: Any) -> SegmindBinding:
        return type(self)(**{**vars(self), **changed})


def _single_model(runnable: Runnable[Any, Any]) -> BaseChatModel | None:
    """Return the only chat model inside; None if there are others beside it."""
    if isinstance(runnable, BaseChatModel):
        return runnable
    if isinstance(runnable, RunnableBindingBase):
        return _single_model(runnable.bound)
    from langchain_core.runnables.configurable import RunnableConfigurableFields  # noqa: PLC0415

    if isinstance(runnable, RunnableConfigurableFields):
        return _single_model(runnable.default)
    return None


def _each(runnable: Any, change: Callable[[Any], Any]) -> Any:
    """Change each model inside retries and alternatives; fallbacks change each of theirs."""
    if isinstance(runnable, BaseChatModel | SegmindBinding):
        return change(runnable)
    if isinstance(runnable, RunnableBindingBase):
        return runnable.model_copy(update={"bound": _each(runnable.bound, change)})
    from langchain_core.runnables.configurable import RunnableConfigurableAlternatives  # noqa: PLC0415

    if not isinstance(runnable, RunnableConfigurableAlternatives):
        return change(runnable)
    alternatives = {
        key: _each(each, change) if isinstance(each, Runnable) else _later(each, change)
        for key, each in runnable.alternatives.items()
    }
    changed = {"default": _each(runnable.default, change), "alternatives": alternatives}
    return runnable.model_copy(update=changed)


def _later(build: Callable[[], Any], change: Callable[[Any], Any]) -> Callable[[], Any]:
    return lambda: _each(build(), change)


def _configurable(runnable: Any, fields: dict[str, Any]) -> Any:
    from langchain_core.runnables.configurable import RunnableConfigurableFields  # noqa: PLC0415

    if isinstance(runnable, RunnableConfigurableFields):
        runnable, fields = runnable.default, {**runnable.fields, **fields}
    return RunnableSerializable.configurable_fields(runnable, **fields)
