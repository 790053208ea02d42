"""Draw a progress bar in its own thread, so that no terminal can delay or fail a call.

It must not use tqdm's class-wide lock. tqdm (4.66 to 4.70, `std.py`) holds that lock while it
writes, and `refresh` does not release it when the write raises. So a bar on a terminal that blocks
or is gone would stop every other bar of the process, also those of other libraries.
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
_CLOSE_TIMEOUT: Final = 5.0  # seconds that `close` waits for a terminal that may be blocked

_log: Final = logging.getLogger(__name__)
_lock: Final = threading.Lock()  # guards `_active_bars`; never held while writing or waiting
_active_bars: Final[WeakSet[Bar]] = WeakSet()


class Bar:
    """Draw a bar a few times a second until `close`.

    Args:
        read: Returns the count and the text after the bar; called in the drawing thread.
        file: Where to draw; None for the standard error output.
        style: More arguments for tqdm.
    """

    def __init__(
        self, read: Callable[[], tuple[int, str]], *, file: TextIO | None, **style: Any
    ) -> None:
        from tqdm.auto import tqdm  # noqa: PLC0415 - an extra

        self._read = read
        self._file = _SafeFile(file)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_drawing, daemon=True)
        # tqdm (4.66 to 4.70) looks up its private `_lock` and `_instances` on the class, so this
        # bar gets a class of its own. With the shared ones, a write that blocks or raises here
        # stops other bars. Without the interval of 0, tqdm starts a monitor thread.
        own = {"_lock": threading.RLock(), "_instances": WeakSet(), "monitor_interval": 0}
        isolated: Any = type("_IsolatedBar", (tqdm,), own)
        with _lock:
            self.row = _free_row(tqdm)
            _active_bars.add(self)
        position = self.row or None
        self._bar = isolated(**style, file=self._file, position=position, dynamic_ncols=True)
        if self._bar.disable:
            self._release_row()
            return
        try:
            self._thread.start()
        except RuntimeError:  # there are too many threads, or the interpreter is shutting down
            self._release_row()
            self._stop_drawing()

    def close(self) -> None:
        """Draw the bar one last time, without waiting long for a terminal that blocks."""
        self._ended.set()
        self._release_row()
        if self._thread.ident is None:
            return
        self._thread.join(_CLOSE_TIMEOUT)
        if self._thread.is_alive():
            # Not logged: a log usually goes to the terminal that blocks.
            self._stop_drawing()

    def _release_row(self) -> None:
        with _lock:
            _active_bars.discard(self)

    def _stop_drawing(self) -> None:
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
        except Exception as error:  # noqa: BLE001 - no error of a terminal may fail a call
            self._file.error = self._file.error or error
        finally:
            # Otherwise tqdm's `__del__` may wait for the lock that tqdm itself still holds.
            self._bar.disable = True
        if self._file.error is not None:
            _log.error(
                "The progress bar cannot be shown anymore: writing to its file failed. Calls are "
                "not affected, and the counts stay correct.",
                exc_info=self._file.error,
            )

    def _draw(self) -> None:
        self._bar.n, text = self._read()
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.refresh()


def _free_row(tqdm: Any) -> int:
    """Return the first row of the terminal without a bar; row 0 is the cursor's."""
    try:
        # `_instances` (tqdm 4.66 to 4.70) is private; without it, bars would share a row. It is
        # read without tqdm's lock, which may be held forever; see the top of this file.
        bars = list(tqdm._instances)  # noqa: SLF001 - see above
    except (AttributeError, RuntimeError):  # another thread has just started a bar
        bars = []
    taken = {abs(bar.pos) for bar in bars if hasattr(bar, "pos")}
    taken |= {bar.row for bar in _active_bars}
    return min(set(range(len(taken) + 1)) - taken)


class _SafeFile:
    """Write to a file without ever raising, and only while it is open and has not failed.

    tqdm first draws while a bar is built, in the thread that makes the calls. So the file opens
    only in the drawing thread, where it may block.
    """

    def __init__(self, file: TextIO | None) -> None:
        self._file = sys.stderr if file is None else file
        self.is_open = False
        self.error: Exception | None = None

    def write(self, text: str) -> int:
        """Write, unless the file is closed or has failed."""
        self._call("write", text)
        return len(text)

    def flush(self) -> None:
        """Flush, unless the file is closed or has failed."""
        self._call("flush")

    def isatty(self) -> bool:
        """Return whether the file is a terminal."""
        try:
            return self._file.isatty()
        except Exception:  # noqa: BLE001 - a file may be closed, or an incomplete imitation
            return False

    def _call(self, method: str, *args: str) -> None:
        if not self.is_open or self.error is not None:
            return
        try:
            # `_file` is None if `sys.stderr` is, as in a service: that is an AttributeError here.
            getattr(self._file, method)(*args)
        except Exception as error:  # noqa: BLE001 - files raise OSError, ValueError or their own
            self.error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
