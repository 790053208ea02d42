"""News of jobs for LangChain's callbacks, as custom events named `segmind_job`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from uuid import uuid4

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForLLMRun,
    CallbackManager,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig, ensure_config

from langchain_segmind._accounting.recorder import UsageRecorder
from langchain_segmind._flows.types import JobEvent

EVENT: Final = "segmind_job"


Manager = CallbackManagerForLLMRun | CallbackManager | None
AsyncManager = AsyncCallbackManagerForLLMRun | AsyncCallbackManager | None


_handed_over: Final[ContextVar[Any]] = ContextVar("langchain_segmind_handed_over", default=None)


@contextmanager
def keep_run_manager(manager: Manager | AsyncManager) -> Iterator[None]:
    """Keep a run's manager for `_stream` or `_astream`, which LangChain calls without it."""
    token = _handed_over.set(manager)
    try:
        yield
    finally:
        _handed_over.reset(token)


def set_run_manager(manager: Manager | AsyncManager) -> None:
    """Keep a run's manager for the `_stream` or `_astream` that comes at once."""
    _handed_over.set(manager)


def take_run_manager() -> Any:
    """Take the manager that was handed over, if one was."""
    manager = _handed_over.get()
    _handed_over.set(None)
    return manager


def with_run_id(config: RunnableConfig | None) -> RunnableConfig:
    """Settle the id of the run that a config will begin, so that its events can carry it."""
    whole = ensure_config(config)
    return {**whole, "run_id": whole.get("run_id") or uuid4()}


def job_event_sender(manager: Manager, recorder: UsageRecorder) -> Callable[[JobEvent], None]:
    """Make what tells callbacks, and the bill of a call, of its job."""

    def tell(news: JobEvent) -> None:
        recorder.note(None if news.state == "FAILED" else news.request_id)
        if manager is not None:
            dispatcher = manager
            if not isinstance(dispatcher, CallbackManager):
                dispatcher = CallbackManager(**_of_run(dispatcher))
            dispatcher.on_custom_event(EVENT, _data(news), run_id=dispatcher.parent_run_id)

    return tell


def ajob_event_sender(
    manager: AsyncManager, recorder: UsageRecorder
) -> Callable[[JobEvent], Awaitable[None]]:
    """Make the same for async callbacks."""

    async def tell(news: JobEvent) -> None:
        recorder.note(None if news.state == "FAILED" else news.request_id)
        if manager is not None:
            dispatcher = manager
            if not isinstance(dispatcher, AsyncCallbackManager):
                dispatcher = AsyncCallbackManager(**_of_run(dispatcher))
            await dispatcher.on_custom_event(EVENT, _data(news), run_id=dispatcher.parent_run_id)

    return tell


def of_config(model: BaseChatModel, config: RunnableConfig | None) -> CallbackManager:
    """Give what dispatches events where the run is not at hand: to the handlers of its config."""
    whole = ensure_config(config)
    manager = CallbackManager.configure(**_as_configured(model, whole))
    manager.parent_run_id = whole.get("run_id") or manager.parent_run_id or uuid4()
    return manager


def aof_config(model: BaseChatModel, config: RunnableConfig | None) -> AsyncCallbackManager:
    """Give the same for async callbacks."""
    whole = ensure_config(config)
    manager = AsyncCallbackManager.configure(**_as_configured(model, whole))
    manager.parent_run_id = whole.get("run_id") or manager.parent_run_id or uuid4()
    return manager


def _of_run(run: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun) -> dict[str, Any]:
    told: dict[str, Any] = {"handlers": run.handlers, "parent_run_id": run.run_id}
    return {**told, "tags": run.tags, "metadata": run.metadata}


def _as_configured(model: BaseChatModel, config: RunnableConfig) -> dict[str, Any]:
    return {
        "inheritable_callbacks": config.get("callbacks"),
        "local_callbacks": model.callbacks,
        "inheritable_tags": config.get("tags"),
        "local_tags": model.tags,
        "inheritable_metadata": config.get("metadata"),
        "local_metadata": model.metadata,
    }


def _data(news: JobEvent) -> dict[str, Any]:
    return {
        "id": news.request_id,
        "state": news.state,
        "seconds": news.seconds,
        "model": news.model,
    }
