"""How many runs the gateway accepts in a time; knows nothing of requests, and is given the time."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal

from langchain_segmind.testing.answers import check_choice

Hint = Literal["x-rate-limit-reset-at-utc", "retry-after", "retry-after-ms"]


@dataclass(frozen=True)
class RateLimit:
    """The rate limit of a local gateway, for all models together.

    Attributes:
        requests: How many calls and submissions of jobs are accepted in a window. Others get a 429.
        seconds: The length of a window.
        sliding: Whether the window slides: there are never more than `requests` in any `seconds`.
            Otherwise, windows follow each other, beginning with the first request.
        hint: The header of a 429 that says when the next request is accepted; None for none. The
            real gateway is assumed to send ``x-rate-limit-reset-at-utc``. A ``retry-after`` is in
            whole seconds, rounded up.

    Raises:
        ValueError: If a value is out of range.
    """

    requests: int
    seconds: float
    sliding: bool = False
    hint: Hint | None = "x-rate-limit-reset-at-utc"

    def __post_init__(self) -> None:
        if self.requests < 1 or self.seconds <= 0:
            raise ValueError("a rate limit needs requests >= 1 and seconds > 0")
        if self.hint is not None:
            check_choice("hint", self.hint, Hint)


class RequestCounter:
    """Counts the requests of a rate limit. Thread-safe."""

    def __init__(self, limit: RateLimit | None) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._accepted: deque[float] = deque()

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._accepted.clear()

    def refusal(self, now: float) -> Mapping[str, str] | None:
        """Count a request; if it is one too many, return the headers of its 429."""
        limit = self._limit
        if limit is None:
            return None
        with self._lock:
            while self._accepted and self._accepted[0] <= now - limit.seconds:
                if limit.sliding:
                    self._accepted.popleft()
                else:
                    self._accepted.clear()
            if len(self._accepted) < limit.requests:
                self._accepted.append(now)
                return None
            reset = self._accepted[0] + limit.seconds
        return _headers(limit.hint, reset, now)


def _headers(hint: Hint | None, reset: float, now: float) -> Mapping[str, str]:
    match hint:
        case None:
            return {}
        case "retry-after":
            return {hint: f"{-(-(reset - now) // 1):.0f}"}
        case "retry-after-ms":
            return {hint: f"{1000 * (reset - now):.0f}"}
    moment = datetime.fromtimestamp(reset, timezone.utc)
    return {hint: moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
