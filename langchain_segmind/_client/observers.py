"""Watch a call: record its cost, report its job to callbacks, obey a batch's cancellation.

The events of a job are LangChain's custom events, named `segmind_job`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForLLMRun,
    CallbackManager,
    CallbackManagerForLLMRun,
)

from langchain_segmind._accounting.recorder import UsageRecorder
from langchain_segmind._client.callbacks import AsyncManager, Manager
from langchain_segmind._flows.types import JobEvent, Outcome
from langchain_segmind._http.batch import AsyncCancelToken, CancelToken
from langchain_segmind.errors import SegmindError

EVENT: Final = "segmind_job"


def job_reporter(recorder: UsageRecorder, manager: Manager) -> Callable[[JobEvent], None]:
    """Make what records the states of a call's job, and reports them to callbacks."""

    def on_job(event: JobEvent) -> None:
        recorder.on_job(event)
        if manager is not None:
            dispatcher = manager
            if not isinstance(dispatcher, CallbackManager):
                dispatcher = CallbackManager(**_fields_of(dispatcher))
            dispatcher.on_custom_event(EVENT, _data(event), run_id=dispatcher.parent_run_id)

    return on_job


def async_job_reporter(
    recorder: UsageRecorder, manager: AsyncManager
) -> Callable[[JobEvent], Awaitable[None]]:
    """Async version of `job_reporter`."""

    async def on_job(event: JobEvent) -> None:
        recorder.on_job(event)
        if manager is not None:
            dispatcher = manager
            if not isinstance(dispatcher, AsyncCallbackManager):
                dispatcher = AsyncCallbackManager(**_fields_of(dispatcher))
            await dispatcher.on_custom_event(EVENT, _data(event), run_id=dispatcher.parent_run_id)

    return on_job


class BatchObserver:
    """Records the request for one of many texts; it is not sent once another has failed."""

    def __init__(
        self, recorder: UsageRecorder, cancel_token: CancelToken | AsyncCancelToken
    ) -> None:
        self._recorder = recorder
        self._cancel_token = cancel_token
        self._ambiguous = 0

    def before_send(self) -> None:
        """Let the request be sent.

        Raises:
            SegmindError: If another text failed, or a budget is used up.
        """
        if self._cancel_token.is_set():
            raise SegmindError(
                "Not sent, because another text failed.",
                outcome="not_sent",
                ambiguous_attempts=self._ambiguous,
            )
        self._recorder.before_send()

    def after_reply(self, outcome: Outcome) -> None:
        """Record its outcome."""
        self._recorder.after_reply(outcome)
        self._ambiguous += outcome == "unknown"


def _fields_of(run: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun) -> dict[str, Any]:
    fields: dict[str, Any] = {"handlers": run.handlers, "parent_run_id": run.run_id}
    return {**fields, "tags": run.tags, "metadata": run.metadata}


def _data(event: JobEvent) -> dict[str, Any]:
    return {
        "id": event.request_id,
        "state": event.state,
        "seconds": event.seconds,
        "model": event.model,
    }
