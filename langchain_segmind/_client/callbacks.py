"""Find the callbacks that a call reports to."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForLLMRun,
    CallbackManager,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig, ensure_config

Manager = CallbackManagerForLLMRun | CallbackManager | None
AsyncManager = AsyncCallbackManagerForLLMRun | AsyncCallbackManager | None


def with_run_id(config: RunnableConfig | None) -> RunnableConfig:
    """Fix the id of the run that a config will begin, so that its events can carry it."""
    whole = ensure_config(config)
    return {**whole, "run_id": whole.get("run_id") or uuid4()}


def manager_of(model: BaseChatModel, config: RunnableConfig | None) -> CallbackManager:
    """Return what dispatches events to the handlers of a config, where there is no run yet."""
    whole = ensure_config(config)
    manager = CallbackManager.configure(**_as_configured(model, whole))
    manager.parent_run_id = whole.get("run_id") or manager.parent_run_id or uuid4()
    return manager


def amanager_of(model: BaseChatModel, config: RunnableConfig | None) -> AsyncCallbackManager:
    """Async version of `manager_of`."""
    whole = ensure_config(config)
    manager = AsyncCallbackManager.configure(**_as_configured(model, whole))
    manager.parent_run_id = whole.get("run_id") or manager.parent_run_id or uuid4()
    return manager


def _as_configured(model: BaseChatModel, config: RunnableConfig) -> dict[str, Any]:
    return {
        "inheritable_callbacks": config.get("callbacks"),
        "local_callbacks": model.callbacks,
        "inheritable_tags": config.get("tags"),
        "local_tags": model.tags,
        "inheritable_metadata": config.get("metadata"),
        "local_metadata": model.metadata,
    }
