"""Show the progress of many calls and jobs, and what they cost so far.

    with progress_bar(len(questions)) as bar:
        answers = chain.batch(questions)
    print(bar.done, bar.failed, bar.cost)

LangChain's callbacks report the calls; `UsageTracker` counts tokens and cost. It must not draw in
the thread of a call: no call may wait for a terminal, or fail because of one.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextvars import ContextVar
from functools import cache
from importlib.util import find_spec
from typing import Any, Final, TextIO
from uuid import UUID

from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from typing_extensions import Self, override

from langchain_segmind._client.observers import EVENT
from langchain_segmind._client.terminal_bar import Bar
from langchain_segmind._text import dollars
from langchain_segmind.usage import UsageTracker

__all__ = ["Progress", "progress_bar"]

_ENDS: Final = {"COMPLETED": "done", "FAILED": "failed"}
_FORMAT_WITH_TOTAL: Final = "{desc}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
_FORMAT: Final = "{desc}{n_fmt} done [{elapsed}{postfix}]"


def progress_bar(
    total: int | None = None,
    *,
    label: str | None = None,
    file: TextIO | None = None,
    disable: bool | None = None,
) -> Progress:
    """Show how many calls of chat models are done and running, and what they cost so far.

    As a context manager, it draws a bar during the block. It counts the calls made there, also in
    chains and agents, in tasks, and in the threads of LangChain and LangGraph. To count calls made
    elsewhere, e.g. in threads of your own, pass it as a callback handler:
    `config={"callbacks": [bar]}`. A job is counted as queued or running from its submission
    until a poll finds that it has ended. Tokens and cost are those of `track_usage`, which include
    embeddings.

    Needs tqdm (`langchain-segmind[progress]`).

    Args:
        total: How many calls there will be, if known.
        label: The text before the bar.
        file: Where to draw; by default the standard error output.
        disable: True to count without drawing. By default, the bar is drawn on terminals and in
            notebooks.

    Returns:
        The bar, which is also a `UsageTracker`.

    Raises:
        ImportError: If tqdm is not installed.
        ValueError: If `total` is not a number of calls.
    """
    return Progress(total, label=label, file=file, disable=disable)


class Progress(UsageTracker):
    """Count calls and what they cost, and draw a bar; built by `progress_bar`.

    The counts can be read at any time, from any thread, also when no bar is drawn.
    """

    ignore_llm = ignore_chat_model = ignore_custom_event = False
    run_inline = True  # counting is faster than switching threads

    def __init__(
        self,
        total: int | None = None,
        *,
        label: str | None = None,
        file: TextIO | None = None,
        disable: bool | None = None,
    ) -> None:
        """Build a bar; see `progress_bar`."""
        super().__init__()
        if find_spec("tqdm") is None:
            raise ImportError(
                "progress_bar needs tqdm: pip install tqdm, or langchain-segmind[progress]."
            )
        if total is not None and (type(total) is not int or total < 0):
            raise ValueError(f"total must be a number of calls or None, not {total!r}.")
        desc = f"{label}: " if label else None
        bar_format = _FORMAT if total is None else _FORMAT_WITH_TOTAL
        self._style: dict[str, Any] = {"total": total, "desc": desc, "bar_format": bar_format}
        self._style |= {"file": file, "disable": disable, "unit": "call"}
        # Reentrant: the garbage collector may end a stream, and report it, while the lock is held.
        self._lock = threading.RLock()
        self._active: dict[UUID | str, str] = {}  # states by LangChain's run id, or by job id
        self._ended_jobs: set[str] = set()
        self._ended_calls: Counter[str] = Counter()
        self._bar: Bar | None = None
        self._outer: Progress | None = None

    @property
    def done(self) -> int:
        """Calls and jobs that succeeded."""
        return self._ended_calls["done"]

    @property
    def failed(self) -> int:
        """Calls and jobs that ended with an error."""
        return self._ended_calls["failed"]

    @property
    def cancelled(self) -> int:
        """Calls that ended early: a canceled task, an interrupt or an abandoned stream."""
        return self._ended_calls["cancelled"]

    @property
    def queued(self) -> int:
        """Jobs that wait in the gateway's queue."""
        with self._lock:
            return sum(state == "QUEUED" for state in self._active.values())

    @property
    def running(self) -> int:
        """All other calls and jobs that have started."""
        with self._lock:
            return len(self._active) - self.queued

    # --- LangChain's events ----------------------------------------------------------------------

    @override
    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        **kwargs: Any,
    ) -> None:
        with self._lock:
            self._active[run_id] = "RUNNING"

    @override
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        with self._lock:
            self._end(run_id, "done")

    @override
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        with self._lock:
            self._end(run_id, "failed" if isinstance(error, Exception) else "cancelled")

    @override
    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:
        if name != EVENT:
            return
        with self._lock:
            if run_id in self._active:
                self._active[run_id] = data["state"]
            elif data["id"] not in self._ended_jobs:
                self._count_job(data["id"], data["state"])

    def _count_job(self, job: str, state: str) -> None:
        """Count a job that was submitted or fetched outside of a LangChain run."""
        self._active[job] = state
        if state in _ENDS:
            self._ended_jobs.add(job)
            self._end(job, _ENDS[state])

    def _end(self, key: UUID | str, how: str) -> None:
        if self._active.pop(key, None) is not None:
            self._ended_calls[how] += 1

    # --- the block -------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._bar is not None:
            raise RuntimeError("This bar is already in use by another block. Build a new one.")
        self._bar = Bar(lambda: (self.done, str(self)), **self._style)
        self._outer = _current_bar().get()
        _current_bar().set(self)
        return super().__enter__()

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        _current_bar().set(self._outer)
        with self._lock:
            # LangChain does not report every canceled call. Jobs keep running in the queue.
            for run in [key for key in self._active if isinstance(key, UUID)]:
                self._end(run, "cancelled")
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __str__(self) -> str:
        """Return the text after the bar."""
        with self._lock:
            counts = {"queued": self.queued, "running": self.running}
            counts |= {"failed": self.failed, "cancelled": self.cancelled}
        parts = [f"{count} {name}" for name, count in counts.items() if count]
        usage = self.total
        if usage.calls:
            parts += [f"{usage.total_tokens} tokens", dollars(usage.cost)]
        if usage.unpriced_calls:
            parts.append(f"{usage.unpriced_calls} of unknown cost")
        if usage.credit_balance is not None:
            parts.append(f"{dollars(usage.credit_balance)} left")
        return ", ".join(parts)


@cache
def _current_bar() -> ContextVar[Progress | None]:
    """Return the variable of the innermost bar. LangChain adds that bar to each call's handlers."""
    from langchain_core.tracers.context import register_configure_hook  # noqa: PLC0415 - it is slow

    current: ContextVar[Progress | None] = ContextVar("langchain_segmind_progress", default=None)
    register_configure_hook(current, inheritable=True)
    return current
