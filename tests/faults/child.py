"""Call a model in a process of its own, and print what that took.

`python -m tests.faults.child memory|descriptors|growth URL sync|async`
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import sys
from collections.abc import Callable
from pathlib import Path

from langchain_segmind import ChatSegmind, SegmindError


def status(field: str) -> int:
    """Read a number of bytes from /proc/self/status."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def descriptors() -> int:
    """Count the files and sockets this process has open."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


class Caller:
    """Calls a model by one driver, on one event loop, and ignores its errors."""

    def __init__(self, url: str, driver: str) -> None:
        self._model = ChatSegmind(model="m", api_key="k", base_url=url, max_retries=0, timeout=60)
        self._driver = driver
        self._loop = asyncio.new_event_loop()

    def call(self, times: int, slug: str = "m") -> None:
        """Call a model some times."""
        for _ in range(times):
            with contextlib.suppress(SegmindError):
                if self._driver == "async":
                    self._loop.run_until_complete(self._model.ainvoke("hi", model=slug))
                else:
                    self._model.invoke("hi", model=slug)

    def close(self) -> None:
        """Close the connections and the loop."""
        self._loop.run_until_complete(self._model.aclose())
        self._loop.close()


def memory(caller: Caller) -> int:
    """Return by how many bytes one call raises the peak."""
    caller.call(3, "fine")
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    before = status("VmRSS")
    caller.call(1)
    return status("VmHWM") - before


def open_files(caller: Caller) -> int:
    """Return how many descriptors 50 calls leave open."""
    caller.call(20)
    before = descriptors()
    caller.call(50)
    return descriptors() - before


def growth(caller: Caller) -> int:
    """Return by how many bytes 5,000 calls grow the process."""
    caller.call(1_000)
    gc.collect()
    before = status("VmRSS")
    caller.call(5_000)
    gc.collect()
    return status("VmRSS") - before


MEASURES: dict[str, Callable[[Caller], int]] = {
    "memory": memory,
    "descriptors": open_files,
    "growth": growth,
}

if __name__ == "__main__":
    what, url, driver = sys.argv[1:]
    caller = Caller(url, driver)
    print(MEASURES[what](caller))  # noqa: T201
    caller.close()
