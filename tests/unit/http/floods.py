"""Play a flood of calls against a rate limit in simulated time: no socket, no clock, no waiting."""

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from langchain_segmind._http.rate_limit import Permit, RateLimit

ROUND_TRIP = 0.005
STEP = 0.0003  # seconds of work for each call


@dataclass
class Server:
    """Accepts so many requests in a window, and counts all."""

    limit: int
    window: float
    sliding: bool = False
    hint: bool = True
    phase: float = 0.0  # fixed windows begin this long before the flood
    requests: int = 0
    accepted: deque[float] = field(default_factory=deque)

    def refusal(self, now):
        """Return None if a request is accepted, otherwise for how long none is."""
        self.requests += 1
        passed = self.window if self.sliding else (now + self.phase) % self.window
        begin = now - passed
        while self.accepted and self.accepted[0] <= begin:
            self.accepted.popleft()
        if len(self.accepted) < self.limit:
            self.accepted.append(now)
            return None
        return (self.accepted[0] if self.sliding else begin) + self.window - now


class Flood:
    """Calls of one model, as the drivers play them.

    Args:
        server: The server.
        calls: How many calls there are.
        concurrency: How many run at the same time.
        before: When single calls ran before.
        latency: Seconds until an answer; a 429 comes after a round trip.

    Attributes:
        sent: When each request left.
        refused: How many were refused.
        failed: How many calls were refused three times.
    """

    def __init__(self, server, calls, *, concurrency=1000, before=(), latency=0.05):
        self.sent, self.refused, self.failed = [], 0, 0
        self.limit = RateLimit()
        self._server, self._latency = server, latency
        self._random = random.Random(1)  # noqa: S311
        self._events: list[Any] = []
        self._order = count()
        self._queue: deque[int] = deque()
        self._left = calls
        self._next_turn = math.inf
        for moment in before:
            self._at(moment, self._attempt, 1)
        for n in range(min(calls, concurrency)):
            self._at(n * STEP, self._start)
        while self._events:
            now, _, act, args = heapq.heappop(self._events)
            act(now, *args)

    @property
    def seconds(self):
        return max(self.sent)

    def _at(self, moment, act, *args):
        heapq.heappush(self._events, (moment, next(self._order), act, args))

    def _start(self, now):
        if self._left:
            self._left -= 1
            self._attempt(now, 1)

    def _attempt(self, now, attempts):
        permit = Permit()
        if self.limit.enter(permit, now, may_pass=not self._queue):
            self._send(now, permit, attempts)
            return
        self._queue.append(attempts)
        self.limit.waiting += 1
        self._turn_at(now)

    def _turn_at(self, moment):
        if moment < self._next_turn:
            self._next_turn = moment
            self._at(moment, self._turn)

    def _turn(self, now):
        if now != self._next_turn:
            return  # an earlier one was planned later
        self._next_turn = math.inf
        if not self._queue:
            return
        wait = self.limit.wait(now)
        if wait > 0:
            self._turn_at(now + wait + 1e-6)
            return
        permit = Permit()
        self.limit.admit(permit, now)
        self.limit.waiting -= 1
        self._send(now, permit, self._queue.popleft())
        self._turn_at(now + STEP)

    def _send(self, now, permit, attempts):
        permit.sent_at = now
        self.sent.append(now)
        self._at(now + ROUND_TRIP * self._random.uniform(0.4, 0.6), self._serve, permit, attempts)

    def _serve(self, now, permit, attempts):
        delay, way = self._server.refusal(now), ROUND_TRIP / 2
        if delay is None:
            self._at(now + self._latency * self._random.uniform(0.5, 1.5), self._answered, permit)
        else:
            hint = delay if self._server.hint else None
            self._at(now + way, self._refused, permit, attempts, hint)

    def _answered(self, now, permit):
        self.limit.answer(permit, now)
        self._turn_at(now)
        self._start(now)

    def _refused(self, now, permit, attempts, hint):
        self.refused += 1
        self.limit.refuse(permit, now, hint)
        if attempts == 3:
            self.failed += 1
            self._start(now)
            return
        jitter = self._random.random()
        backoff = 2 ** (attempts - 1) * (0.5 + 0.5 * jitter)
        wait = backoff if hint is None else hint + 0.1 * jitter
        self._at(now + wait, self._attempt, attempts + 1)
