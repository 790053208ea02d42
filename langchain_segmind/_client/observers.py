"""Watch a call: report its job to callbacks, send no more texts once one has failed.

The events of a job are LangChain's custom events, named `segmind_job`. Nothing here sends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    BaseRunManager,
    CallbackManager,
)
from langchain_core.callbacks.manager import ahandle_event, handle_event
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig, ensure_config

from langchain_segmind._accounting.recorder import UsageRecorder
from langchain_segmind._flows.types import JobEvent, Outcome
from langchain_segmind._http.event_loops import done_future
from langchain_segmind.errors import SegmindError

if TYPE_CHECKING:
    from langchain_segmind._http.batch import AsyncCancelToken, CancelToken

EVENT: Final = "segmind_job"


def event_manager(model: BaseChatModel, config: RunnableConfig | None) -> BaseRunManager:
    """Return the callbacks of a config, for events outside of a run that LangChain manages."""
    whole = ensure_config(config)
    manager = CallbackManager.configure(
        inheritable_callbacks=whole.get("callbacks"),
        local_callbacks=model.callbacks,
        inheritable_tags=whole.get("tags"),
        local_tags=model.tags,
        inheritable_metadata=whole.get("metadata"),
        local_metadata=model.metadata,
    )
    return BaseRunManager(
        run_id=whole.get("run_id") or manager.parent_run_id or uuid4(),
        handlers=manager.handlers,
        inheritable_handlers=manager.inheritable_handlers,
        tags=manager.tags,
        metadata=manager.metadata,
    )


def skip_empty_end(manager: AsyncCallbackManagerForLLMRun) -> None:
    """Let a run that has no handlers at its end finish at once.

    langchain-core (1.6 to 1.8) starts two tasks to report the end of a run to its handlers,
    also where there are none. They take 6 % of an `ainvoke`, and more of one among a thousand.
    """

    def on_llm_end(*args: Any, **kwargs: Any) -> Any:
        vars(manager).pop("on_llm_end", None)  # the two refer to each other
        return manager.on_llm_end(*args, **kwargs) if manager.handlers else done_future()

    manager.on_llm_end = on_llm_end  # type: ignore[method-assign]


# `handle_event` and `ahandle_event` (langchain-core 1.6 to 1.8) are what `on_custom_event` of a
# `CallbackManager` calls. The managers that LangChain gives to a model have no such method.


def job_reporter(
    recorder: UsageRecorder, manager: BaseRunManager | None
) -> Callable[[JobEvent], None]:
    """Return a function that records each state of a call's job, and reports it to callbacks."""

    def on_job(event: JobEvent) -> None:
        recorder.on_job(event)
        if manager is not None:
            handle_event(manager.handlers, *_EVENT, _data(event), **_run(manager))

    return on_job


def async_job_reporter(
    recorder: UsageRecorder, manager: BaseRunManager | None
) -> Callable[[JobEvent], Awaitable[None]]:
    """Async version of `job_reporter`."""

    async def on_job(event: JobEvent) -> None:
        recorder.on_job(event)
        if manager is not None:
            await ahandle_event(manager.handlers, *_EVENT, _data(event), **_run(manager))

    return on_job


_EVENT: Final = ("on_custom_event", "ignore_custom_event", EVENT)


def _data(event: JobEvent) -> dict[str, Any]:
    return {
        "id": event.request_id,
        "state": event.state,
        "seconds": event.seconds,
        "model": event.model,
    }


def _run(manager: BaseRunManager) -> dict[str, Any]:
    return {"run_id": manager.run_id, "tags": manager.tags, "metadata": manager.metadata}


class BatchObserver:
    """Record the request for one of many texts; it is not sent once another has failed."""

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
