"""Draw a progress bar in a thread of its own, whatever becomes of the terminal.

It must not touch tqdm's class-wide lock. tqdm (4.66 to 4.70, `std.py`) holds that lock while it
writes, and `refresh` does not release it when the write raises. A bar of ours on a terminal that
went away, or that blocks, would stop every other bar of the process, also those of other libraries.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any, Final, TextIO
from weakref import WeakSet

__all__ = ["Bar"]

_INTERVAL: Final = 0.2  # seconds between two drawings
_LONGEST_CLOSE: Final = 5.0  # seconds that closing waits for a terminal that may be blocked

_log: Final = logging.getLogger(__name__)

_lock: Final = threading.Lock()  # guards `_drawn`; nobody writes or waits while holding it
_drawn: Final[WeakSet[Bar]] = WeakSet()


class Bar:
    """A bar that is drawn a few times a second until it is closed.

    Args:
        read: Returns how many are done and what stands behind the bar; called in another thread.
        file: Where to draw; None for the standard error output.
        style: What tqdm takes beside it.
    """

    def __init__(
        self, read: Callable[[], tuple[int, str]], *, file: TextIO | None, **style: Any
    ) -> None:
        from tqdm.auto import tqdm  # noqa: PLC0415 - an extra

        self._read = read
        self._file = _SafeFile(file)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_drawing, daemon=True)
        # A lock, and a set of bars, for this bar alone: tqdm looks both up on the class. Without
        # them, a write of ours that blocks or raises stops the bars of others; without the
        # interval of 0, tqdm's monitor thread would be started for ours.
        own = {"_lock": threading.RLock(), "_instances": WeakSet(), "monitor_interval": 0}
        alone: Any = type("_AloneBar", (tqdm,), own)
        with _lock:
            self.row = _free_row(tqdm)
            _drawn.add(self)
        self._bar = alone(**style, file=self._file, position=self.row or None, dynamic_ncols=True)
        if self._bar.disable:
            self._leave_row()
        else:
            self._start()

    def _start(self) -> None:
        try:
            self._thread.start()
        except RuntimeError:  # there are too many threads, or the interpreter is about to end
            self._leave_row()
            self._give_up()

    def close(self) -> None:
        """Draw the bar for the last time. A terminal that blocks is left behind."""
        self._ended.set()
        self._leave_row()
        if self._thread.ident is None:
            return
        self._thread.join(_LONGEST_CLOSE)
        if self._thread.is_alive():
            # Not logged: a log most often goes to the terminal that blocks.
            self._give_up()

    def _leave_row(self) -> None:
        with _lock:
            _drawn.discard(self)

    def _give_up(self) -> None:
        self._file.is_open = False
        self._bar.disable = True

    def _keep_drawing(self) -> None:
        self._file.is_open = True
        try:
            while self._file.error is None:
                self._draw()
                if self._ended.wait(_INTERVAL):
                    self._draw()
                    break
            self._bar.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, the calls go on
            self._file.fail(error)
        finally:
            self._bar.disable = True  # it may hold its lock, for which its collector would wait
        if self._file.error is not None:
            _log.error(
                "The progress is counted, but cannot be shown anymore.", exc_info=self._file.error
            )

    def _draw(self) -> None:
        self._bar.n, text = self._read()
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.refresh()


def _free_row(tqdm: Any) -> int:
    """Return the first row of the terminal on which no bar stands, 0 for the cursor's own."""
    try:
        # Read without tqdm's lock, which may be held forever; see above.
        bars = list(tqdm._instances)  # noqa: SLF001 - tqdm 4.66 to 4.70; else bars share a row
    except (AttributeError, RuntimeError):  # another thread began a bar just now
        bars = []
    taken = {abs(bar.pos) for bar in bars if hasattr(bar, "pos")} | {bar.row for bar in _drawn}
    return min(set(range(len(taken) + 1)) - taken)


class _SafeFile:
    """A file that never raises, and is not written to before it is open or after it failed.

    tqdm draws for the first time while it builds a bar, in the thread that makes the calls; so the
    file opens when the drawing thread runs, where it may block.
    """

    def __init__(self, file: TextIO | None) -> None:
        self._file = sys.stderr if file is None else file
        self.is_open = False
        self.error: Exception | None = None

    def write(self, text: str) -> int:
        """Write, unless it failed before."""
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        """Flush, unless it failed before."""
        self._try("flush")

    def isatty(self) -> bool:
        """Return whether it is a terminal that can still be written to."""
        try:
            return self._file.isatty()
        except Exception:  # noqa: BLE001 - a file that was closed, or is not quite a file
            return False

    def fail(self, error: Exception) -> None:
        """Write nothing from now on, because of this error."""
        self.error = self.error or error

    def _try(self, method: str, *args: str) -> None:
        if not self.is_open or self.error is not None:
            return
        try:
            getattr(self._file, method)(*args)  # the file may be None, as a service's stderr is
        except Exception as error:  # noqa: BLE001 - files raise OSError, ValueError and their own
            self.fail(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
