"""Jobs in the gateway's queue: submit them now, fetch their answers later or in another process.

When to poll and when to give up is decided in `_flows.jobs`.
"""

# ruff: noqa: SLF001 - a job calls its model's private methods, as the model's own methods do

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableBinding, RunnableConfig, ensure_config
from langchain_core.runnables.config import merge_configs
from pydantic import BaseModel, ConfigDict

from langchain_segmind._accounting.recorder import UsageRecorder
from langchain_segmind._client.chat_base import ChatBase
from langchain_segmind._client.observers import async_job_reporter, event_manager, job_reporter
from langchain_segmind._client.results import first_message
from langchain_segmind._flows.chat import ModelCall, fetch, state, submit
from langchain_segmind._flows.jobs import log_abandoned
from langchain_segmind._messages.types import Method

__all__ = ["SegmindJob"]

# `BaseChatModel.bind` (langchain-core 1.6 to 1.8) is declared to return the private
# `_ChatModelBinding`, which exists for type checkers only. `SegmindBinding` must be one to override
# `bind`.
if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import _ChatModelBinding as _Binding
else:
    _Binding = RunnableBinding[LanguageModelInput, AIMessage]


class QueueMethods(ChatBase):
    """The methods of `ChatSegmind` for jobs."""

    def submit(
        self,
        messages: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> SegmindJob:
        """Submit a request to the gateway's queue, to fetch the answer later.

        Args:
            messages: The input, as for `invoke`.
            config: Its callbacks receive the job's state; trackers among them record its cost.
            stop: Texts before which the answer ends.
            **kwargs: Settings of this call, as for `invoke`, or `tools=[...]`.

        Returns:
            The job. Submitting starts the run; its cost does not depend on whether you fetch the
            answer.

        Raises:
            SegmindError: If the gateway rejected the job, or its reply was lost. After a lost
                reply, it is unknown whether the job runs, so by default it is not submitted again.
        """
        call = self._model_call(self._convert_input(messages).to_messages(), stop, kwargs)
        manager = event_manager(self, config)
        if self.rate_limiter is not None:
            self.rate_limiter.acquire(blocking=True)
        to = call.endpoint.destination
        with UsageRecorder(call.endpoint.model_info.slug, manager.handlers) as recorder:
            on_job = job_reporter(recorder, manager)
            job = self._transport(to).run(
                submit(call), to.api_key, observer=recorder, on_job=on_job
            )
            try:
                on_job(job.event(job.since))
            except BaseException:
                log_abandoned(job)
                raise
            recorder.mark_pending()
        return SegmindJob(self, job.id, recorder.trackers, stop=stop, **kwargs)

    async def asubmit(
        self,
        messages: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> SegmindJob:
        """Async version of `submit`."""
        call = self._model_call(self._convert_input(messages).to_messages(), stop, kwargs)
        manager = event_manager(self, config)
        if self.rate_limiter is not None:
            await self.rate_limiter.aacquire(blocking=True)
        to = call.endpoint.destination
        with UsageRecorder(call.endpoint.model_info.slug, manager.handlers) as recorder:
            on_job = async_job_reporter(recorder, manager)
            job = await self._transport(to).arun(
                submit(call), to.api_key, observer=recorder, on_job=on_job
            )
            try:
                await on_job(job.event(job.since))
            except BaseException:
                log_abandoned(job)
                raise
            recorder.mark_pending()
        return SegmindJob(self, job.id, recorder.trackers, stop=stop, **kwargs)

    def get_job(self, request_id: str, /, **kwargs: Any) -> SegmindJob:
        """Return the job of an id; nothing is sent.

        Args:
            request_id: The job's id: `str(job)`, an error's `request_id`, or from the log.
            **kwargs: Arguments of the submission that are needed to parse the answer: `tools`,
                `tool_choice`, `response_format`, `stop`, `model`.

        Returns:
            The job. Any model with the same key can fetch its answer.
        """
        return SegmindJob(self, request_id, **kwargs)


class SegmindJob:
    """A job in the gateway's queue, made by `ChatSegmind.submit` or `ChatSegmind.get_job`.

    `str(job)` is its id. Store it, and another process can fetch the answer with
    `model.get_job(id).result()`. The gateway keeps answers for about an hour.

    Attributes:
        id: The gateway's id of the job.
    """

    def __init__(
        self,
        model: ChatBase,
        request_id: str,
        /,
        trackers: Sequence[BaseCallbackHandler] = (),
        **kwargs: Any,
    ) -> None:
        """Build a handle; see `ChatSegmind.submit` and `ChatSegmind.get_job`."""
        self.id = request_id
        self._model = model
        self._trackers = list(trackers)
        self._kwargs = kwargs

    def status(self) -> str:
        """Return the job's state: "QUEUED", "PROCESSING", "COMPLETED" or "FAILED".

        Polling is assumed to be free.

        Raises:
            SegmindJobNotFoundError: If the gateway does not know the job, or has deleted it.
            SegmindError: If the state cannot be read.
        """
        endpoint = self._call().endpoint
        to = endpoint.destination
        return self._model._transport(to).run(state(self.id, endpoint), to.api_key)

    async def astatus(self) -> str:
        """Async version of `status`."""
        endpoint = self._call().endpoint
        to = endpoint.destination
        return await self._model._transport(to).arun(state(self.id, endpoint), to.api_key)

    def result(self, config: RunnableConfig | None = None) -> AIMessage:
        """Wait for the answer, for at most `queue_timeout` seconds.

        This can be repeated, and is assumed to be free. The job's cost is recorded by the trackers
        of its submission and by those that are active now.

        Args:
            config: Its callbacks receive the job's states.

        Returns:
            The answer, as `invoke` would have returned it.

        Raises:
            SegmindJobFailedError: If the job failed.
            SegmindJobTimeoutError: If the job does not end in time.
            SegmindJobNotFoundError: If the gateway does not know the job, or has deleted it.
            SegmindError: For any other failure; its `request_id` is the job's id.
        """
        call, model = self._call(), self._model
        manager = event_manager(model, self._with_trackers(config))
        return first_message(
            *model._complete(fetch(self.id, call), call.endpoint, manager, self.id)
        )

    async def aresult(self, config: RunnableConfig | None = None) -> AIMessage:
        """Async version of `result`."""
        call, model = self._call(), self._model
        manager = event_manager(model, self._with_trackers(config))
        return first_message(
            *await model._acomplete(fetch(self.id, call), call.endpoint, manager, self.id)
        )

    def _call(self) -> ModelCall:
        kwargs = {name: given for name, given in self._kwargs.items() if name != "stop"}
        call = self._model._model_call(None, self._kwargs.get("stop"), kwargs)
        wait_policy = self._model._wait_policy()
        return ModelCall(call.request, replace(call.endpoint, wait_policy=wait_policy))

    def _with_trackers(self, config: RunnableConfig | None) -> RunnableConfig:
        return merge_configs(ensure_config(config), {"callbacks": self._trackers})

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_trackers": []}  # their ledgers stay in this process

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"


class SegmindBinding(_Binding):  # type: ignore[no-redef]
    """A chat model with bound arguments, which its jobs use, too.

    With LangChain's own binding, `submit` would call the model without these arguments.
    """

    model_config = ConfigDict(defer_build=True)  # building it takes 5 ms of importing the package

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
        return self._model.submit(messages, merged, **{**self.kwargs, **kwargs})

    async def asubmit(
        self, messages: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> SegmindJob:
        """Async version of `submit`."""
        merged = self._merge_configs(config)
        return await self._model.asubmit(messages, merged, **{**self.kwargs, **kwargs})

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer these tools in place of those that are bound; other settings stay bound."""
        added = cast("SegmindBinding", self._model.bind_tools(tools, **kwargs))
        replaced = {"tools", "parallel_tool_calls"}
        # A choice names a tool; one that names none of the new tools is for the old ones.
        if self.kwargs.get("tools"):
            replaced.add("tool_choice")
        kept = {name: value for name, value in self.kwargs.items() if name not in replaced}
        return type(self)(bound=self.bound, kwargs={**kept, **added.kwargs}, config=self.config)

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
        from langchain_segmind._messages.structured_output import structured_output_chain  # noqa: PLC0415

        return structured_output_chain(
            self, schema, method=method, include_raw=include_raw, strict=strict, **kwargs
        )

    def get_job(self, request_id: str, /, **kwargs: Any) -> SegmindJob:
        """Return the job of an id; see `ChatSegmind.get_job`."""
        return SegmindJob(self._model, request_id, **{**self.kwargs, **kwargs})

    @property
    def _model(self) -> QueueMethods:
        return cast("QueueMethods", self.bound)
