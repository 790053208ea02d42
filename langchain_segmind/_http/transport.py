"""Drive a flow over HTTP: `run` uses requests, `arun` uses aiohttp.

Both keep the same promises: a deadline from the start to the last byte, capped bodies, no
redirects, no cookies, no .netrc, the same proxies and certificates, and an outcome for every
attempt. This module never decides whether to retry; the flow does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from pydantic import SecretStr

from langchain_segmind._flows.types import Flow, JobEvent, Outcome, Reply, Result
from langchain_segmind._http.environment import Network
from langchain_segmind._http.event_loops import EventLoops
from langchain_segmind.errors import SegmindError

if TYPE_CHECKING:
    from langchain_segmind._http.batch import AsyncCancelToken, CancelToken
    from langchain_segmind._http.rate_gate import RateGate
    from langchain_segmind._http.requests_driver import SyncConnections

__all__ = ["Network", "Transport"]

T = TypeVar("T")

MAX_GATES: Final = 64
"""How many rate limits are kept: copies of a model may use ever new keys."""


class SendObserver(Protocol):
    """Watches the requests of a call that may be billed."""

    def before_send(self) -> None:
        """Note that such a request is sent next, or raise to prevent it."""

    def after_reply(self, outcome: Outcome) -> None:
        """Note its outcome."""


class Transport:
    """The connections of one model, opened at the first call and shared by threads and tasks.

    A copy or an unpickled one starts without connections, and so does a forked child: two
    processes on one socket would read each other's answers. The environment's proxies and
    certificates are read once, at the first call.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._sync_connections: dict[int, SyncConnections] = {}
        self._event_loops = EventLoops(network)
        self._gates: dict[tuple[int, str, int], RateGate] = {}  # by process, model and key
        self._last_gates: dict[str, RateGate] = {}  # that were used last, by model

    def __reduce__(self) -> tuple[Any, ...]:
        return Transport, (self.network,)

    def run(
        self,
        flow: Flow[T],
        key: SecretStr | None,
        *,
        observer: SendObserver | None = None,
        on_job: Callable[[JobEvent], None] | None = None,
        cancel_token: CancelToken | None = None,
    ) -> T:
        """Drive a flow over requests and return its result.

        Args:
            flow: The flow.
            key: The gateway's key; None to send none.
            observer: Watches the requests that may be billed.
            on_job: Called with each new state of the call's job.
            cancel_token: Ends a wait before a retry early.

        Raises:
            SegmindError: What the flow raises, without the key.
        """
        connections = self._sync_connections.get(os.getpid()) or self._open_sync()
        began, event = time.monotonic(), None
        try:
            step = next(flow)
            while True:
                if step.event is not None and on_job is not None:
                    event = step.event
                    on_job(event)
                if step.after:
                    (time.sleep if cancel_token is None else cancel_token.wait)(step.after)
                if observer is None or step.request.method == "GET":
                    result = connections.send(step, key)
                else:
                    gate = self._gate(step.request.url, key)
                    with gate.turn(step, observer.before_send) as turn:
                        failure = None if turn.is_admitted else turn.wait(cancel_token)
                        result = turn.result = failure or connections.send(
                            turn.step, key, turn.before_send
                        )
                    observer.after_reply(result.outcome)
                step = flow.send(_timed(result, began))
        except StopIteration as end:
            value: T = end.value
            return value
        except SegmindError as error:
            _redact(error, key)  # first: what a callback raises would hold the error
            if on_job is not None and (last := _last_event(error, event, began)):
                on_job(last)
            raise error from None
        finally:
            flow.close()

    async def arun(
        self,
        flow: Flow[T],
        key: SecretStr | None,
        *,
        observer: SendObserver | None = None,
        on_job: Callable[[JobEvent], Awaitable[None]] | None = None,
        cancel_token: AsyncCancelToken | None = None,
    ) -> T:
        """Async version of `run`, over aiohttp."""
        connections = self._event_loops.of_running_loop()
        began, event = time.monotonic(), None
        try:
            step = next(flow)
            while True:
                if step.event is not None and on_job is not None:
                    event = step.event
                    await on_job(event)
                if step.after:
                    await _sleep(step.after, cancel_token)
                if observer is None or step.request.method == "GET":
                    result = await connections.send(step, key)
                else:
                    gate = self._gate(step.request.url, key)
                    with gate.turn(step, observer.before_send, is_task=True) as turn:
                        failure = None if turn.is_admitted else await turn.await_it(cancel_token)
                        result = turn.result = failure or await connections.send(
                            turn.step, key, turn.before_send
                        )
                    observer.after_reply(result.outcome)
                step = flow.send(_timed(result, began))
        except StopIteration as end:
            value: T = end.value
            return value
        except SegmindError as error:
            _redact(error, key)  # first: what a callback raises would hold the error
            if on_job is not None and (last := _last_event(error, event, began)):
                await on_job(last)
            raise error from None
        finally:
            flow.close()

    def _gate(self, url: str, key: SecretStr | None) -> RateGate:
        """Return the rate limit of a model and a key; each process has its own."""
        gate = self._last_gates.get(url)  # most calls have the same key, and hashing it takes time
        if gate is None or gate.key is not key or gate.pid != os.getpid():
            from langchain_segmind._http.rate_gate import RateGate  # noqa: PLC0415 - see `_open_sync`

            name = (os.getpid(), url, hash(key))
            gate = self._gates.setdefault(name, RateGate(url, key))
            gate.key = key
            if len(self._gates) > MAX_GATES:
                self._last_gates.clear()
                self._gates.pop(next(iter(self._gates)), None)  # its calls still hold it
            self._last_gates[url] = gate
        return gate

    def close(self) -> None:
        """Close the connections of `run`; those of `arun` close with `aclose` or their loop."""
        connections = self._sync_connections.pop(os.getpid(), None)
        if connections is not None:
            connections.close()

    async def aclose(self) -> None:
        """Close the connections of `run`, and those of `arun` on the running loop."""
        self.close()
        await self._event_loops.close()

    def _open_sync(self) -> SyncConnections:
        # Imported by the first call, like the async driver: it is 3 % of importing this package.
        from langchain_segmind._http.requests_driver import SyncConnections  # noqa: PLC0415

        return self._sync_connections.setdefault(os.getpid(), SyncConnections(self.network))


async def _sleep(seconds: float, cancel_token: AsyncCancelToken | None) -> None:
    if cancel_token is None:
        await asyncio.sleep(seconds)
        return
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(cancel_token.wait(), seconds)


def _redact(error: SegmindError, key: SecretStr | None) -> None:
    """Take the key out of an error, and the flow's frames, whose locals hold what was received."""
    if key is not None:
        error.hide(key.get_secret_value())
    error.with_traceback(None)


def _timed(result: Result, began: float) -> Reply:
    jitter = random.random()  # noqa: S311 - it spreads retries, it guards nothing
    return Reply(result, time.monotonic() - began, time.time(), jitter)


def _last_event(error: SegmindError, reported: JobEvent | None, began: float) -> JobEvent | None:
    """Return the job's event that the error ended before a step could carry it, if there is one."""
    state, job_id = error.job_state, error.request_id
    known = None if reported is None else (reported.state, reported.request_id)
    if state is None or job_id is None or (state, job_id) == known:
        return None
    return JobEvent(state, job_id, error.model or "", time.monotonic() - began)
