"""Which trackers a call is recorded by: those whose block it runs in, and its callback handlers."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any, Final

from langchain_core.callbacks import BaseCallbackHandler
from typing_extensions import Self

from langchain_segmind._accounting.ledger import Ledger


class LedgerHandler(BaseCallbackHandler):
    """What owns a ledger, found by its block or among a call's handlers.

    Args:
        ledger: The ledger.
    """

    # LangChain's own events have no costs.
    ignore_llm = ignore_chain = ignore_agent = ignore_retriever = True
    ignore_retry = ignore_chat_model = ignore_custom_event = True

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def __enter__(self) -> Self:
        _entered.set((*active_trackers(), self))
        if _is_main():
            _of_main.append(self)
        return self

    def __exit__(self, *raised: object) -> None:
        left = list(active_trackers())
        if self in left:
            left.remove(self)
        _entered.set(tuple(left))
        if self in _of_main and _is_main():
            _of_main.remove(self)

    def __copy__(self) -> Self:
        return self  # configurations are copied; ledgers are not

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


_entered: Final[ContextVar[tuple[LedgerHandler, ...]]] = ContextVar("langchain_segmind_trackers")

# A thread that is begun by hand starts with an empty context, so it is tracked by the trackers of
# the main thread. This list is the one piece of state this package shares.
_of_main: Final[list[LedgerHandler]] = []


def active_trackers() -> tuple[LedgerHandler, ...]:
    """Return the trackers in whose block the running code is."""
    found = _entered.get(None)
    if found is None and _of_main and threading.current_thread() is not threading.main_thread():
        return tuple(_of_main)
    return found or ()


def _is_main() -> bool:
    """Return whether this is the main thread, outside an event loop: its tasks have own blocks."""
    if threading.current_thread() is not threading.main_thread():
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    return False
