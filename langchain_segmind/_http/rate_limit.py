"""Learn the rate limit of one model from the gateway's replies, and say when a request may leave.

It has no clock, no lock and no wait: `rate_gate` passes the time in seconds, and waits. It never
decides whether a call is retried.

A limit is taken to be "so many requests in so many seconds". Both numbers are learned: from what
was accepted before a 429, and from when requests are accepted again. From then on, a request leaves
a whole window after the one that is that many requests before it, which keeps within fixed windows,
sliding windows and token buckets alike.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

FIRST: Final = 20
"""Requests that leave at once, if there was no 429: small batches never wait."""

FEWEST: Final = 8
SHARE: Final = 8
"""Of so many calls that arrived together, one may be under way before it is known whether there is
a limit, and at least FEWEST. That is how many requests of a flood are refused at most, while the
last of the calls leaves (SHARE - 1) * REPLY_TIME = 0.7 s after the first, however many they are."""

REPLY_TIME: Final = 0.1
"""Seconds after which a request that was not refused counts as accepted. A 429 comes back in a
round trip, but an answer takes seconds. If a 429 was seen to take longer, that counts instead."""

LONGEST_UNSENT: Final = 30.0
"""Seconds that a request may wait for a connection before others no longer wait for it."""

SHORTEST_HOLD: Final = 0.3
LONGEST_HOLD: Final = 8.0
"""Bounds of the seconds to wait after a 429 that does not say when the limit ends. Between them, a
third of the time that was waited in vain, so a window is found to be at most a third too long."""

SPREAD: Final = 0.25
"""The part of a window over which its requests are spread. They do not all leave at its start, for
servers that dislike bursts, and because the limit may be lower than it seemed."""

MARGIN: Final = 1.01
"""How much longer a window is kept than it seems, because requests do not travel equally fast."""

SHORTER: Final = 0.9
"""The part of a window that is tried after some windows without a 429: the limit may be higher."""

THIN_WINDOWS: Final = 8
"""How many windows in a row may each have room for few requests only, as a sliding window has that
began before a flood. After more, the limit is taken to be a token bucket's rate."""

FORGET: Final = 300.0
"""Seconds without a call after which a limit is forgotten."""

HISTORY: Final = 2048
"""Requests that are remembered. A higher limit is learned as so many in a part of its window."""


class Permit:
    """One request: when it was admitted and sent, and whether it may still be refused."""

    __slots__ = ("admitted_at", "is_uncertain", "sent_at")

    admitted_at: float
    sent_at: float
    is_uncertain: bool


class RateLimit:
    """What is known of one model's rate limit, and which of its requests are under way."""

    def __init__(self) -> None:
        self.waiting = 0  # calls that wait for their turn
        self._active = 0  # requests that have not ended
        self._arrived = self._left = 0  # calls and requests, since none was waiting or active
        self._uncertain = 0  # permits that were not sent yet or may still be refused
        self._recent: deque[Permit] = deque()  # the oldest first, until they are certain
        self._accepted: deque[Permit] = deque(maxlen=HISTORY)  # those that were not refused
        self._last_end = -math.inf
        self._reply_time = REPLY_TIME
        # How many requests left in this second, and in the best second without a 429.
        self._second, self._this_second, self._proven = -math.inf, 0, 0
        self._forget()

    def _forget(self) -> None:
        self._limit = 0  # requests in a window; 0 if no limit is known
        self._window = 0.0  # seconds; 0 while they are not known
        self._good_window = 0.0  # the last window that was long enough
        self._start = 0.0  # of the window that was full at the last 429
        self._is_counting = False  # whether the last 429 began to count them
        self._counted = 0  # requests since then that may have been accepted
        self._next = -math.inf  # when the next request may leave
        self._refused_at = -math.inf  # when the last 429 came that was not expected
        self._judged_from = -math.inf  # the first request from then on proves the window, or not
        self._closed_until = -math.inf
        self._refusing_since = math.inf  # when the first 429 since the last accepted request came
        self._is_searching = False  # whether the last 429 did not say when the limit ends
        self._allowed = math.inf  # requests that may be uncertain, besides the usual bounds
        self._windows_per_try = 1  # windows without a 429 before a shorter one is tried
        self._passed = 0  # requests since the last 429 or try
        self._shorter = SHORTER  # the part of the window that is tried next
        self._tried = 0.0  # seconds for which a request waited in vain
        self._thin_windows = 0
        self._thin_since = 0.0

    # --- when a request may leave --------------------------------------------------------------

    def enter(self, permit: Permit, now: float, *, may_pass: bool) -> bool:
        """Count a call that wants to send a request, and admit it at once if it need not wait."""
        if not self._active and not self.waiting:
            self._arrived = self._left = 0
            if now - self._last_end > FORGET:
                self._forget()
        self._arrived += 1
        is_free = self._left < FIRST and self._refused_at == -math.inf
        if not may_pass or not (is_free or self.wait(now) <= 0.0):
            return False
        self.admit(permit, now)
        return True

    def wait(self, now: float) -> float:
        """Return how many seconds the next request has to wait."""
        while self._recent and self._is_certain(self._recent[0], now):
            permit = self._recent.popleft()
            if permit.is_uncertain:
                self._accept(permit)
        until = max(self._closed_until, self._next)
        if self._limit and self._window:
            until = max(until, self._window_opens(now))
        if self._uncertain >= self._most_uncertain(now):
            oldest = self._recent[0].sent_at
            until = max(until, min(oldest, now) + self._reply_time)
        return max(0.0, until - now)

    def closed_for(self, now: float) -> float:
        """Return for how many seconds no request will leave, as far as that is known."""
        return max(0.0, self._closed_until - now)

    def refusing_for(self, now: float) -> float:
        """Return how many seconds ago the first 429 since the last accepted request came."""
        return max(0.0, now - self._refusing_since)

    def admit(self, permit: Permit, now: float) -> None:
        """Let a request leave, when `wait` is 0."""
        if now - self._second >= 1.0:
            self._proven = max(self._proven, self._this_second)
            self._second, self._this_second = now, 0
        self._this_second += 1
        self._left += 1
        self._active += 1
        self._uncertain += 1
        if self._limit and self._window:
            self._next = now + self._window * SPREAD / self._limit
            self._passed += 1
            if self._passed >= self._limit * self._windows_per_try and self._allowed == math.inf:
                self._window *= self._shorter
                self._allowed, self._passed, self._judged_from = 1, 0, now
        elif self._refused_at > -math.inf:
            self._next = now + self._reply_time / self._usual()
        permit.admitted_at = now
        permit.sent_at = math.inf  # it may have to wait for a connection
        permit.is_uncertain = True
        self._recent.append(permit)
        self._accepted.append(permit)

    def _is_certain(self, permit: Permit, now: float) -> bool:
        sent_at = min(permit.sent_at, permit.admitted_at + LONGEST_UNSENT)
        return not permit.is_uncertain or sent_at + self._reply_time <= now

    def _most_uncertain(self, now: float) -> float:
        """Return how many requests may be uncertain at a time."""
        usual = self._usual()
        if self._allowed < usual:
            return self._allowed
        is_proven = now - self._second < 1.0 and self._this_second < self._proven
        return math.inf if is_proven else usual

    def _usual(self) -> int:
        return max(FEWEST, self._arrived // SHARE)

    def _window_opens(self, now: float) -> float:
        """Return when the window has room for another request."""
        return min(self._sent_at(self._limit), now) + self._window * MARGIN

    def _sent_at(self, back: int) -> float:
        """Return when the request left that is so many before the next one."""
        return self._accepted[-back].sent_at if back <= len(self._accepted) else -math.inf

    # --- what became of a request --------------------------------------------------------------

    def withdraw(self, permit: Permit, now: float) -> None:
        """Note that a request ended before it reached the gateway."""
        self._active -= 1
        self._last_end = now
        self._uncertain -= permit.is_uncertain
        permit.is_uncertain = False
        if permit in self._accepted:
            self._accepted.remove(permit)

    def answer(self, permit: Permit, now: float) -> None:
        """Note that a request was answered with anything but a 429."""
        self._active -= 1
        self._last_end = now
        if permit.is_uncertain:
            self._accept(permit)
        recent = self._recent
        while recent and not recent[0].is_uncertain:
            recent.popleft()

    def refuse(self, permit: Permit, now: float, delay: float | None) -> bool:
        """Note that a request was refused, and for how many seconds all will be, if that is known.

        Returns:
            Whether this is the first sign of a limit.
        """
        self.withdraw(permit, now)
        if permit.admitted_at <= self._refused_at:  # it left before that 429 came
            if self._is_counting and permit.sent_at >= self._start:
                self._counted -= 1
                self._limit = min(self._limit, self._counted)
            if not self._limit and self._is_searching:
                self._try_all(now)
            return False
        is_first, self._is_counting = self._refused_at == -math.inf, False
        self._refused_at = self._judged_from = now
        self._refusing_since = min(self._refusing_since, now)
        self._this_second = self._proven = self._passed = 0
        self._reply_time = max(REPLY_TIME, min(1.0, 1.5 * (now - permit.sent_at)))
        is_try = self._window < self._good_window  # of a shorter one
        was_probing, self._allowed = self._allowed < math.inf, 1
        if is_try:
            self._window = self._good_window
            self._windows_per_try, self._shorter = 2 * self._windows_per_try, SHORTER
        self._is_searching = delay is None
        if delay is not None:
            if not is_try:
                self._learn(permit.sent_at, now + delay)
            self._closed_until = now + delay
        elif not is_try or self._window_opens(now) <= now:
            self._search(permit.sent_at, now, was_probing=was_probing)
        return is_first

    def _accept(self, permit: Permit) -> None:
        permit.is_uncertain = False
        self._uncertain -= 1
        if self._judged_from == -math.inf or permit.admitted_at <= self._judged_from:
            return
        if permit.sent_at == math.inf:
            return
        self._refusing_since = math.inf
        self._allowed += 1
        if self._window < self._good_window:  # a shorter one was long enough
            self._allowed, self._shorter = math.inf, SHORTER
        if self._limit and not self._window:
            self._window = permit.sent_at - self._start
            self._shorter = (self._tried + self._window) / 2 / self._window
        self._good_window = self._window
        if self._allowed > self._usual():
            self._allowed = math.inf

    # --- how a limit is learned ----------------------------------------------------------------

    def _learn(self, sent_at: float, reset: float) -> None:
        """Learn from a 429 that says when a request will be accepted again."""
        if not self._limit:
            self._windows_per_try = 4
            self._fill(self._densest_start(sent_at, reset), reset)
            return
        opened_at, limit = self._closed_until, self._limit
        in_window = self._count(reset - self._window, sent_at)
        since_opened = self._count(opened_at, sent_at)
        if 4 * in_window >= 3 * limit or since_opened > 2 * limit:
            self._fill(reset - self._window, reset)
            self._limit = max(1, min(limit, self._limit))  # others may use the same key
        elif 4 * since_opened >= 3 * limit:
            self._fill(opened_at, reset)  # a window that began before the first request
        elif self._thin_windows > THIN_WINDOWS:
            self._fill(self._thin_since, reset)  # a token bucket
        else:
            if not self._thin_windows:
                self._thin_since = opened_at
            self._thin_windows += 1
            self._fill(self._start, reset)  # a sliding window with earlier requests in it
            return
        self._thin_windows = 0

    def _search(self, sent_at: float, now: float, *, was_probing: bool) -> None:
        """Learn from a 429 that does not say when the limit ends: try single requests."""
        if not self._limit:
            self._windows_per_try = 1
            self._fill(self._densest_start(sent_at, now + SHORTEST_HOLD), now)
        elif self._window:
            if not was_probing:  # it was a little too short, or others use the same key
                self._window = self._good_window = self._window / SHORTER
                self._windows_per_try *= 2
                if self._window_opens(now) > now:
                    return
            self._start = max(self._sent_at(self._limit), self._refusing_since - self._window)
        self._window = self._good_window = 0.0
        if not self._limit:
            self._try_all(now)
            return
        self._tried = sent_at - self._start
        self._closed_until = now + min(LONGEST_HOLD, max(SHORTEST_HOLD, self._tried / 3))

    def _try_all(self, now: float) -> None:
        """Let each call try again after its own backoff, as no request was accepted at all."""
        self._allowed = math.inf
        self._closed_until = now + REPLY_TIME

    def _fill(self, start: float, end: float) -> None:
        """Take the requests since `start` for a full window."""
        self._start, self._is_counting = start, True
        self._limit = self._counted = self._count(start)
        self._window = self._good_window = end - start if self._limit else 0.0

    def _count(self, start: float, end: float = math.inf) -> int:
        return sum(start <= permit.sent_at < end for permit in self._accepted)

    def _densest_start(self, latest: float, reset: float) -> float:
        """Return from when until `reset` most requests a second were accepted."""
        best, start, count = 0.0, math.inf, 0
        for permit in reversed(self._accepted):
            if permit.sent_at < latest:
                count += 1
                density = count / max(1e-9, reset - permit.sent_at)
                if density >= best:
                    best, start = density, permit.sent_at
        return start
