"""Long work shown while it goes on: a bar of calls and jobs, and what they cost so far.

    with progress_bar(len(questions)) as bar:
        answers = chain.batch(questions)
    print(bar.done, bar.failed, bar.cost)

LangChain's callbacks tell of the calls, the books of a `UsageTracker` of the money. The drawing is
a thread's of its own: no call ever waits for a terminal, or fails by one.
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

from langchain_segmind._client.events import EVENT
from langchain_segmind._client.terminal_bar import Bar
from langchain_segmind.usage import UsageTracker

__all__ = ["Progress", "progress_bar"]

_OF_MANY: Final = "{desc}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
_OF_UNKNOWN: Final = "{desc}{n_fmt} done [{elapsed}{postfix}]"


def progress_bar(
    total: int | None = None,
    *,
    label: str | None = None,
    file: TextIO | None = None,
    disable: bool | None = None,
) -> Progress:
    """Show how many calls of chat models are done, how many go on, and what they cost so far.

    As a context manager, it draws a bar while the block lasts, and counts the calls made in it,
    also inside chains and agents, in tasks begun there and in the threads of LangChain and
    LangGraph. Passed as a callback handler too, `config={"callbacks": [bar]}`, it counts calls made
    elsewhere, as in threads begun by hand. A job counts from its submit until somebody has heard
    that it ended. Tokens and money are those that `track_usage` counts, embeddings included.

    Needs tqdm (`langchain-segmind[progress]`).

    Args:
        total: How many calls there will be, if that is known: as many as questions, where a chain
            asks once for each.
        label: What stands before the bar.
        file: Where to draw; by default the standard error output.
        disable: Whether to count only, and draw nothing. By default, whether the file is no
            terminal; notebooks always show the bar.

    Returns:
        The bar, which is a `UsageTracker` too.

    Raises:
        ImportError: If tqdm is not installed.
        ValueError: If the total is no number of calls.
    """
    return Progress(total, label=label, file=file, disable=disable)


class Progress(UsageTracker):
    """Counts calls and what they cost, and draws them; made by `progress_bar`.

    Its counts may be read at any time, from any thread, drawn or not.
    """

    ignore_llm = ignore_chat_model = ignore_custom_event = False
    run_inline = True  # counting is quicker than changing the thread

    def __init__(
        self,
        total: int | None = None,
        *,
        label: str | None = None,
        file: TextIO | None = None,
        disable: bool | None = None,
    ) -> None:
        """Make a bar; see `progress_bar`."""
        super().__init__()
        if find_spec("tqdm") is None:
            raise ImportError(
                "progress_bar needs tqdm: pip install tqdm, or langchain-segmind[progress]"
            )
        if total is not None and (type(total) is not int or total < 0):
            raise ValueError(f"total must be a number of calls or None, not {total!r}")
        desc = f"{label}: " if label else None
        self._style: dict[str, Any] = {
            "total": total,
            "desc": desc,
            "file": file,
            "disable": disable,
        }
        self._lock = threading.RLock()  # a collected generator may tell of its end at any place
        self._open: dict[UUID | str, str] = {}  # runs by LangChain's ids, jobs by the gateway's
        self._ended_jobs: set[str] = set()
        self._done = self._failed = self._cancelled = 0
        self._bar: Bar | None = None
        self._outer: Progress | None = None

    @property
    def done(self) -> int:
        """Calls and jobs that were answered."""
        return self._done

    @property
    def failed(self) -> int:
        """Those that ended with an error."""
        return self._failed

    @property
    def cancelled(self) -> int:
        """Those that were given up, by a cancelled task, an interrupt or a reader that left."""
        return self._cancelled

    @property
    def queued(self) -> int:
        """Those that wait in the gateway's queue."""
        with self._lock:
            return sum(state == "QUEUED" for state in self._open.values())

    @property
    def running(self) -> int:
        """All others that were begun."""
        with self._lock:
            return len(self._open) - self.queued

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
            self._open[run_id] = "RUNNING"

    @override
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        with self._lock:
            self._done += self._closes(run_id)

    @override
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        with self._lock:
            if isinstance(error, Exception):
                self._failed += self._closes(run_id)
            else:
                self._cancelled += self._closes(run_id)

    @override
    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:
        if name != EVENT:
            return
        with self._lock:
            if run_id in self._open:
                self._open[run_id] = data["state"]
            elif data["id"] not in self._ended_jobs:
                self._see_job(data["id"], data["state"])

    def _see_job(self, job: str, state: str) -> None:
        """Count a job that is no call's, but was submitted or fetched by itself."""
        self._open[job] = state
        if state in ("COMPLETED", "FAILED"):
            self._ended_jobs.add(job)
            self._done += state == "COMPLETED"
            self._failed += state == "FAILED"
            self._closes(job)

    def _closes(self, key: UUID | str) -> bool:
        return self._open.pop(key, None) is not None

    # --- the block -------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._bar is not None:
            raise RuntimeError("this bar is drawn already; make another one for another block")
        shape = _OF_UNKNOWN if self._style["total"] is None else _OF_MANY
        self._bar = Bar(self._shown_now, **self._style, unit="call", bar_format=shape)
        self._outer = _shown().get()
        _shown().set(self)
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, at)
        _shown().set(self._outer)
        with self._lock:
            # LangChain does not tell of every call that is cancelled. Jobs run on in the queue.
            for run in [key for key in self._open if isinstance(key, UUID)]:
                self._cancelled += self._closes(run)
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _shown_now(self) -> tuple[int, str]:
        return self._done, str(self)

    def __str__(self) -> str:
        """Say what stands behind the bar."""
        with self._lock:
            counts = {"queued": self.queued, "running": self.running}
            counts |= {"failed": self._failed, "cancelled": self._cancelled}
        told = [f"{count} {what}" for what, count in counts.items() if count]
        spent = self.total
        if spent.calls:
            told += [f"{spent.total_tokens} tokens", f"{spent.cost:.4f} USD"]
        if spent.unpriced_calls:
            told.append(f"{spent.unpriced_calls} of unknown cost")
        if spent.remaining_credits is not None:
            told.append(f"{spent.remaining_credits:.2f} left")
        return ", ".join(told)


@cache
def _shown() -> ContextVar[Progress | None]:
    """The bar in whose block the running code is; LangChain adds it to the handlers of calls."""
    from langchain_core.tracers.context import register_configure_hook  # noqa: PLC0415 - it is slow

    shown: ContextVar[Progress | None] = ContextVar("langchain_segmind_progress", default=None)
    register_configure_hook(shown, inheritable=True)
    return shown
