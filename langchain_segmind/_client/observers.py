"""Watch a call: record its cost, report its job to callbacks, obey a batch's cancellation.

The events of a job are LangChain's custom events, named `segmind_job`.
"""

from __future__ import annotations

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


class ChatObserver:
    """Watches one call of a chat model."""

    cancel_token = None

    def __init__(self, recorder: UsageRecorder, manager: Manager) -> None:
        self._recorder = recorder
        self._manager = manager
        self.before_send = recorder.before_send
        self.after_reply = recorder.after_reply

    def on_job(self, event: JobEvent) -> None:
        """Record the job and report it."""
        self._recorder.on_job(event)
        if self._manager is not None:
            dispatcher = self._manager
            if not isinstance(dispatcher, CallbackManager):
                dispatcher = CallbackManager(**_fields_of(dispatcher))
            dispatcher.on_custom_event(EVENT, _data(event), run_id=dispatcher.parent_run_id)


class AsyncChatObserver:
    """Async version of `ChatObserver`."""

    cancel_token = None

    def __init__(self, recorder: UsageRecorder, manager: AsyncManager) -> None:
        self._recorder = recorder
        self._manager = manager
        self.before_send = recorder.before_send
        self.after_reply = recorder.after_reply

    async def on_job(self, event: JobEvent) -> None:
        """Record the job and report it."""
        self._recorder.on_job(event)
        if self._manager is not None:
            dispatcher = self._manager
            if not isinstance(dispatcher, AsyncCallbackManager):
                dispatcher = AsyncCallbackManager(**_fields_of(dispatcher))
            await dispatcher.on_custom_event(EVENT, _data(event), run_id=dispatcher.parent_run_id)


class TextObserver:
    """Watches the request for one text; one of many is not sent once another has failed."""

    def __init__(self, recorder: UsageRecorder, cancel_token: CancelToken | None = None) -> None:
        watcher = recorder if cancel_token is None else _Guard(recorder, cancel_token)
        self.cancel_token = cancel_token
        self.before_send = watcher.before_send
        self.after_reply = watcher.after_reply

    def on_job(self, event: JobEvent) -> None:
        """Do nothing: embeddings do not go through the queue."""


class AsyncTextObserver:
    """Async version of `TextObserver`."""

    def __init__(
        self, recorder: UsageRecorder, cancel_token: AsyncCancelToken | None = None
    ) -> None:
        watcher = recorder if cancel_token is None else _Guard(recorder, cancel_token)
        self.cancel_token = cancel_token
        self.before_send = watcher.before_send
        self.after_reply = watcher.after_reply

    async def on_job(self, event: JobEvent) -> None:
        """Do nothing: embeddings do not go through the queue."""


class _Guard:
    def __init__(
        self, recorder: UsageRecorder, cancel_token: CancelToken | AsyncCancelToken
    ) -> None:
        self._recorder = recorder
        self._cancel_token = cancel_token
        self._ambiguous = 0

    def before_send(self) -> None:
        if self._cancel_token.is_cancelled:
            raise SegmindError(
                "Not sent, because another text failed.",
                outcome="not_sent",
                ambiguous_attempts=self._ambiguous,
            )
        self._recorder.before_send()

    def after_reply(self, outcome: Outcome) -> None:
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
