"""Call a model by either driver, and what must hold of every error, whatever caused it."""

from __future__ import annotations

import asyncio
import copy
import pickle
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from langchain_segmind import ChatSegmind, SegmindError

KEY = "SG_0123456789abcdef"
DRIVERS = ("sync", "async")
BILLED = {"not_sent": False, "rejected": False, "unknown": None, "executed": True}

_ADVICE = re.compile(
    r"\b(check|set|pass|try|choose|correct|shorten|top up|send|ask|repeat|call)\b|\w=|get_job\(",
    re.IGNORECASE,
)

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


def build(url: str, **settings: Any) -> ChatSegmind:
    """Build a model for a `FaultServer`."""
    return ChatSegmind(**{"model": "m", "api_key": KEY, "base_url": url, "timeout": 60, **settings})


def call(
    driver: str,
    model: Any,
    /,
    *args: Any,
    method: str = "invoke",
    runnable: Any = None,
    **kwargs: Any,
) -> Any:
    """Call a model by a method or its async version, and close the model.

    Args:
        driver: "sync" for requests, "async" for aiohttp.
        model: The model.
        *args: Arguments of the method.
        method: The name of the sync method.
        runnable: What is called, where that is not the model itself.
        **kwargs: More arguments of the method.
    """
    target = model if runnable is None else runnable

    async def acall() -> Any:
        async with model:
            return await getattr(target, f"a{method}")(*args, **kwargs)

    if driver == "async":
        return asyncio.run(acall())
    with model:
        return getattr(target, method)(*args, **kwargs)


@dataclass
class End:
    """How a call ended: with a text or with an error."""

    text: str | None = None
    error: SegmindError | None = None


def play(
    driver: str,
    url: str,
    *,
    calls: int = 1,
    between: Callable[[], object] = lambda: None,
    **settings: object,
) -> End:
    """Make calls on one model, all but the last of which must succeed; do something in between."""
    model = build(url, **settings)

    async def acalls() -> str:
        async with model:
            for _ in range(calls - 1):
                await model.ainvoke("hi")
                await asyncio.to_thread(between)
            return (await model.ainvoke("hi")).text

    try:
        if driver == "async":
            return End(text=asyncio.run(acalls()))
        with model:
            for _ in range(calls - 1):
                model.invoke("hi")
                between()
            return End(text=model.invoke("hi").text)
    except SegmindError as error:
        return End(error=error)


def everything(error: BaseException | None) -> str:
    """All that tools show of an error: itself, its causes, their frames with their locals."""
    shown = ""
    while error is not None:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown += "".join(trace.format()) + repr(error) + str(error) + repr(error.args)
        shown += repr(vars(error)) if isinstance(error, SegmindError) else ""
        error = error.__cause__ or error.__context__
    return shown


def assert_fit_to_show(error: SegmindError, log: str) -> None:
    """An error is one clean line with a next step, survives pickling, and hides the key."""
    message = str(error)
    assert message.isprintable(), message
    assert 0 < len(message) <= 2_000
    assert _ADVICE.search(message.partition("It begins:")[0]), message
    assert error.billed is BILLED[error.outcome or ""]
    assert len(error.body or "") <= 16 * 1024
    for twin in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert vars(twin) == vars(error)
        assert str(twin) == message
    assert KEY not in everything(error) + repr(pickle.dumps(error)) + log
