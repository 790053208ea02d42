"""Publish which local gateways of this process run, and to which of them its models go.

The client reads it from `published`, or from the environment in the processes that this one starts,
and from nowhere else: the gateway imports nothing of the client. It reads them in its module
`_client/destination.py`.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_GATEWAYS = "SEGMIND_LOCAL_GATEWAYS"
"""The gateways that run, as `pid@address`, with a space between two."""

_REDIRECT = "SEGMIND_LOCAL_REDIRECT"
"""`address key`: where every model goes but those with an explicit address on this machine."""

_REDIRECT_ALL = "SEGMIND_LOCAL_REDIRECT_ALL"
"""`pid address key`: where those go, too, but for those of another gateway of that process.
Set only together with the one before."""

_NAMES = (_GATEWAYS, _REDIRECT, _REDIRECT_ALL)


@dataclass(eq=False, frozen=True)  # two with equal values are still two
class Running:
    """A gateway that listens."""

    pid: int
    address: str


@dataclass(eq=False, frozen=True)
class Redirect:
    """A block whose calls go to a gateway."""

    pid: int
    address: str
    api_key: str
    takes_all: bool


_lock = threading.Lock()
_running: list[Running] = []
_redirects: list[Redirect] = []  # the innermost last
_inherited = {name: os.environ[name] for name in _NAMES if name in os.environ}

published: dict[str, str] = dict(_inherited)
"""What stands in the environment, unless somebody has cleared that."""


def add(address: str) -> Running:
    """Publish that a gateway listens, until it is removed."""
    running = Running(os.getpid(), address)
    with _lock:
        _running.append(running)
        _publish()
    return running


def remove(running: Running) -> None:
    """Publish that a gateway does not listen anymore."""
    with _lock:
        _running.remove(running)
        _publish()


def begin(address: str, api_key: str, *, takes_all: bool = False) -> Redirect:
    """Send models to a gateway until `end`.

    Args:
        address: The gateway's.
        api_key: The key it accepts.
        takes_all: Whether models with an address of their own on this machine go there, too.
    """
    redirect = Redirect(os.getpid(), address, api_key, takes_all)
    with _lock:
        _redirects.append(redirect)
        _publish()
    return redirect


def end(redirect: Redirect) -> None:
    """End a redirect, whether or not it is the innermost."""
    with _lock:
        _redirects.remove(redirect)
        _publish()


@contextmanager
def taking_all(address: str, api_key: str) -> Iterator[None]:
    """Send every model to a gateway in a block, whatever address it has."""
    redirect = begin(address, api_key, takes_all=True)
    try:
        yield
    finally:
        end(redirect)


def _publish() -> None:
    found = dict(_inherited)
    if _running:
        own = [f"{gateway.pid}@{gateway.address}" for gateway in _running]
        found[_GATEWAYS] = " ".join([*_inherited.get(_GATEWAYS, "").split(), *own])
    for redirect in _redirects:
        goal = f"{redirect.address} {redirect.api_key}"
        found[_REDIRECT] = goal
        if redirect.takes_all:
            found[_REDIRECT_ALL] = f"{redirect.pid} {goal}"
    published.update(found)
    for name in _NAMES:
        if name in found:
            with contextlib.suppress(ValueError):  # a key that is no text for an environment
                os.environ[name] = found[name]
        else:
            published.pop(name, None)
            os.environ.pop(name, None)
