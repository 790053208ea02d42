"""A question in the gateway's queue, to be answered while nobody waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableBinding, RunnableConfig, ensure_config
from langchain_core.runnables.config import merge_configs

__all__ = ["SegmindBinding", "SegmindJob"]

if TYPE_CHECKING:  # the one that `BaseChatModel.bind` gives differs for type checkers only
    from langchain_core.language_models.chat_models import _ChatModelBinding as _Binding
else:
    _Binding = RunnableBinding[LanguageModelInput, AIMessage]


class JobModel(Protocol):
    """What a job needs of the model it was submitted by; `ChatSegmind` has it."""

    def job_status(self, request_id: str) -> str:
        """Ask what became of a job."""

    async def ajob_status(self, request_id: str) -> str:
        """Ask what became of a job."""

    def fetch(
        self, request_id: str, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """Collect a job's answer."""

    async def afetch(
        self, request_id: str, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """Collect a job's answer."""


class SegmindJob:
    """A job that was submitted by `ChatSegmind.submit`.

    `str(job)` is its id. Stored, it is all that another process needs: `model.fetch(id)` collects
    the answer there, `model.job(id)` makes this handle again. The gateway keeps answers for about
    an hour.

    Attributes:
        id: The gateway's id of the job.
    """

    def __init__(
        self,
        model: JobModel,
        request_id: str,
        /,
        trackers: Sequence[BaseCallbackHandler] = (),
        **kwargs: Any,
    ) -> None:
        """Make a handle; see `ChatSegmind.submit` and `ChatSegmind.job`."""
        self.id = request_id
        self._model = model
        self._trackers = list(trackers)
        self._kwargs = kwargs

    def status(self) -> str:
        """Ask what became of it: "QUEUED", "PROCESSING", "COMPLETED" or "FAILED"; free of charge.

        Raises:
            SegmindJobNotFoundError: If the gateway does not know it, or not any more.
            SegmindError: If it cannot be asked.
        """
        return self._model.job_status(self.id)

    async def astatus(self) -> str:
        """Ask what became of it, as `status` does."""
        return await self._model.ajob_status(self.id)

    def result(self, config: RunnableConfig | None = None) -> AIMessage:
        """Wait for the answer; free of charge, and as often as one likes.

        Its cost is booked by the trackers that counted the submit, and by those of now.

        Args:
            config: Its callbacks are told of the job's states.

        Returns:
            The answer, as `invoke` would have given it.

        Raises:
            SegmindJobFailedError: If the job failed.
            SegmindJobTimeoutError: If it is not done within `queue_timeout` from now on.
            SegmindJobNotFoundError: If the gateway does not know it, or not any more.
            SegmindError: For any other failure, with the job's id.
        """
        return self._model.fetch(self.id, self._tracked(config), **self._kwargs)

    async def aresult(self, config: RunnableConfig | None = None) -> AIMessage:
        """Wait for the answer, as `result` does."""
        return await self._model.afetch(self.id, self._tracked(config), **self._kwargs)

    def _tracked(self, config: RunnableConfig | None) -> RunnableConfig:
        return merge_configs(ensure_config(config), {"callbacks": self._trackers})

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_trackers": []}  # their books stay in this process

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"


class SegmindBinding(_Binding):  # type: ignore[no-redef]
    """A chat model with arguments bound to it, which its jobs get as well.

    Without it, a binding would hand `submit` on to its model and forget what is bound.
    """

    @classmethod
    def lc_id(cls) -> list[str]:
        """Serialize as the binding that it is."""
        return RunnableBinding.lc_id()

    def submit(
        self, messages: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> SegmindJob:
        """Put a question into the queue; see `ChatSegmind.submit`."""
        job: SegmindJob = self._model.submit(
            messages, self._merge_configs(config), **self._merged(kwargs)
        )
        return job

    async def asubmit(
        self, messages: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> SegmindJob:
        """Put a question into the queue; see `ChatSegmind.submit`."""
        merged = self._merge_configs(config)
        job: SegmindJob = await self._model.asubmit(messages, merged, **self._merged(kwargs))
        return job

    def fetch(
        self, request_id: str, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """Collect the answer of a job; see `ChatSegmind.fetch`."""
        merged = self._merge_configs(config)
        message: AIMessage = self._model.fetch(request_id, merged, **self._merged(kwargs))
        return message

    async def afetch(
        self, request_id: str, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """Collect the answer of a job; see `ChatSegmind.fetch`."""
        merged = self._merge_configs(config)
        message: AIMessage = await self._model.afetch(request_id, merged, **self._merged(kwargs))
        return message

    def job(self, request_id: str, /, **kwargs: Any) -> SegmindJob:
        """Make a handle of a job from its id; see `ChatSegmind.job`."""
        return SegmindJob(self._model, request_id, **self._merged(kwargs))

    @property
    def _model(self) -> Any:
        return self.bound

    def _merged(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {**self.kwargs, **kwargs}
