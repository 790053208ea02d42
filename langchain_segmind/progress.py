"""Show the progress of many calls and jobs, and what they cost so far.

    with progress_bar(len(questions)) as bar:
        answers = chain.batch(questions)
    print(bar.done, bar.failed, bar.cost)

LangChain's callbacks report the calls, and `UsageTracker` counts tokens and money. It must not draw
in the thread of a call: no call waits for a terminal, or fails because of one.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from functools import cache
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Final, TextIO
from uuid import UUID

from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from typing_extensions import Self, override

from langchain_segmind._client.observers import EVENT
from langchain_segmind._client.terminal_bar import Bar
from langchain_segmind.usage import UsageTracker

__all__ = ["Progress", "progress_bar"]

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

    As a context manager, it draws a bar during the block and counts the calls made in it, also
    inside chains and agents, in tasks started there and in the threads of LangChain and LangGraph.
    Passed as a callback handler too, `config={"callbacks": [bar]}`, it counts calls made elsewhere,
    such as in threads you start. A job counts from its submission until a call learns that it
    ended. Tokens and money are those that `track_usage` counts, embeddings included.

    Needs tqdm (`langchain-segmind[progress]`).

    Args:
        total: How many calls there will be, if known.
        label: The text before the bar.
        file: Where to draw; by default the standard error output.
        disable: Whether to count only, and draw nothing. By default, the bar is drawn on terminals
            and in notebooks.

    Returns:
        The bar, which is a `UsageTracker` too.

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
    run_inline = True  # counting is quicker than switching threads

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
        self._style: dict[str, Any] = {
            "total": total,
            "desc": desc,
            "file": file,
            "disable": disable,
        }
        self._lock = (
            threading.RLock()
        )  # the end of a garbage-collected generator may be reported anywhere
        self._active: dict[UUID | str, str] = {}  # states, by LangChain's run ids and by job ids
        self._ended_jobs: set[str] = set()
        self._done = self._failed = self._cancelled = 0
        self._bar: Bar | None = None
        self._outer: Progress | None = None

    @property
    def done(self) -> int:
        """Calls and jobs that succeeded."""
        return self._done

    @property
    def failed(self) -> int:
        """Calls and jobs that ended with an error."""
        return self._failed

    @property
    def cancelled(self) -> int:
        """Calls that ended early: a cancelled task, an interrupt or an abandoned stream."""
        return self._cancelled

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
            self._done += self._remove(run_id)

    @override
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        with self._lock:
            if isinstance(error, Exception):
                self._failed += self._remove(run_id)
            else:
                self._cancelled += self._remove(run_id)

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
        if state in ("COMPLETED", "FAILED"):
            self._ended_jobs.add(job)
            self._done += state == "COMPLETED"
            self._failed += state == "FAILED"
            self._remove(job)

    def _remove(self, key: UUID | str) -> bool:
        return self._active.pop(key, None) is not None

    # --- the block -------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._bar is not None:
            raise RuntimeError(
                "This bar is already in use by another block. Make another one for this."
            )
        bar_format = _FORMAT if self._style["total"] is None else _FORMAT_WITH_TOTAL
        self._bar = Bar(self._read, **self._style, unit="call", bar_format=bar_format)
        self._outer = _current_bar().get()
        _current_bar().set(self)
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, at)
        _current_bar().set(self._outer)
        with self._lock:
            # LangChain does not report every cancelled call. Jobs keep running in the queue.
            for run in [key for key in self._active if isinstance(key, UUID)]:
                self._cancelled += self._remove(run)
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _read(self) -> tuple[int, str]:
        return self._done, str(self)

    def __str__(self) -> str:
        """Return the text after the bar."""
        with self._lock:
            counts = {"queued": self.queued, "running": self.running}
            counts |= {"failed": self._failed, "cancelled": self._cancelled}
        parts = [f"{count} {name}" for name, count in counts.items() if count]
        usage = self.total
        if usage.calls:
            parts += [f"{usage.total_tokens} tokens", f"{usage.cost:.4f} USD"]
        if usage.unpriced_calls:
            parts.append(f"{usage.unpriced_calls} of unknown cost")
        if usage.credit_balance is not None:
            parts.append(f"{usage.credit_balance:.2f} left")
        return ", ".join(parts)


@cache
def _current_bar() -> ContextVar[Progress | None]:
    """Return the variable of the innermost bar; LangChain adds the bar to each call's handlers."""
    from langchain_core.tracers.context import register_configure_hook  # noqa: PLC0415 - it is slow

    current: ContextVar[Progress | None] = ContextVar("langchain_segmind_progress", default=None)
    register_configure_hook(current, inheritable=True)
    return current
