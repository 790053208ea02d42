"""A question in the gateway's queue, to be answered while nobody waits."""

from __future__ import annotations

from typing import Any, Protocol

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig


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

    def __init__(self, model: JobModel, request_id: str, /, **kwargs: Any) -> None:
        """Make a handle; see `ChatSegmind.submit` and `ChatSegmind.job`."""
        self.id = request_id
        self._model = model
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

        Args:
            config: Its callbacks are told of the job's states.

        Raises:
            SegmindJobFailedError: If the job failed.
            SegmindJobTimeoutError: If it is not done within `queue_timeout` from now on.
            SegmindJobNotFoundError: If the gateway does not know it, or not any more.
            SegmindError: For any other failure, with the job's id.
        """
        return self._model.fetch(self.id, config, **self._kwargs)

    async def aresult(self, config: RunnableConfig | None = None) -> AIMessage:
        """Wait for the answer, as `result` does."""
        return await self._model.afetch(self.id, config, **self._kwargs)

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"
