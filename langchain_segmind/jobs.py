"""Jobs in the gateway's queue: submit them now, fetch their answers later or in another process.

When to poll and when to give up is decided in `_flows.jobs`.
"""

# ruff: noqa: SLF001 - a job calls its model's private methods, as the model's own methods do

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.runnables.config import merge_configs

from langchain_segmind._accounting.recorder import UsageRecorder
from langchain_segmind._client.chat_base import ChatBase
from langchain_segmind._client.observers import async_job_reporter, event_manager, job_reporter
from langchain_segmind._client.results import first_message
from langchain_segmind._flows.chat import ModelCall, fetch, state, submit
from langchain_segmind._flows.jobs import log_abandoned

__all__ = ["SegmindJob"]


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
        to, slug = call.endpoint.destination, call.endpoint.model_info.slug
        with UsageRecorder(slug, manager.handlers) as recorder:
            on_job = job_reporter(recorder, manager)
            submission = self._transport(to).run(
                submit(call), to.api_key, observer=recorder, on_job=on_job
            )
            self._remember_refusals(submission, slug)
            job = submission.job
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
        to, slug = call.endpoint.destination, call.endpoint.model_info.slug
        with UsageRecorder(slug, manager.handlers) as recorder:
            on_job = async_job_reporter(recorder, manager)
            submission = await self._transport(to).arun(
                submit(call), to.api_key, observer=recorder, on_job=on_job
            )
            self._remember_refusals(submission, slug)
            job = submission.job
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
