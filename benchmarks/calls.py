"""Count the Python and C functions, or the lines, that one call runs: without a clock, for CI."""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
from types import FrameType
from typing import Any, Final

from benchmarks.subjects import AsyncCall, Call

_WARM: Final = 5


class _Counter:
    """A profiler that counts function calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, _frame: FrameType, event: str, _arg: Any) -> None:
        self.calls += event in ("call", "c_call")


def count(call: Call) -> int:
    """Count the function calls of a warm call: the minimum of several."""
    for _ in range(_WARM):
        call()
    return min(_counted(call) for _ in range(_WARM))


def _counted(call: Call) -> int:
    counter = _Counter()
    sys.setprofile(counter)
    try:
        call()
    finally:
        sys.setprofile(None)
    return counter.calls


def acount(call: AsyncCall) -> int:
    """Async version of `count`; a coroutine counts each time it is resumed."""

    async def counted() -> int:
        counter = _Counter()
        sys.setprofile(counter)
        try:
            await call()
        finally:
            sys.setprofile(None)
        return counter.calls

    async def fewest() -> int:
        for _ in range(_WARM):
            await call()
        return min([await counted() for _ in range(_WARM)])

    return asyncio.run(fewest())


def lines(call: Call) -> int:
    """Count the lines of Python that a call runs, in all threads that it starts."""
    numbers = itertools.count()

    def trace(_frame: FrameType, event: str, _arg: Any) -> Any:
        if event == "line":
            next(numbers)
        return trace

    before = sys.gettrace()
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
        threading.settrace(before)
    return next(numbers)
