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
class Redirect(Running):
    """A block whose calls go to a gateway."""

    api_key: str
    takes_all: bool


_lock = threading.Lock()
_active: list[Running] = []  # in order: of several redirects, the innermost is the last
_inherited = {name: os.environ[name] for name in _NAMES if name in os.environ}

published: dict[str, str] = dict(_inherited)
"""What stands in the environment, unless somebody has cleared that."""


def add_running(address: str) -> Running:
    """Publish that a gateway listens, until it is removed."""
    return _add(Running(os.getpid(), address))


def add_redirect(address: str, api_key: str, *, takes_all: bool = False) -> Running:
    """Send models to a gateway until this is removed.

    `takes_all` is for models with an address of their own on this machine, too.
    """
    return _add(Redirect(os.getpid(), address, api_key, takes_all))


def remove(entry: Running) -> None:
    """Publish that a gateway does not listen anymore, or end a redirect, innermost or not."""
    with _lock:
        _active.remove(entry)
        _publish()


@contextmanager
def taking_all(address: str, api_key: str) -> Iterator[None]:
    """Send every model to a gateway in a block, whatever address it has."""
    entry = add_redirect(address, api_key, takes_all=True)
    try:
        yield
    finally:
        remove(entry)


def _add(entry: Running) -> Running:
    with _lock:
        _active.append(entry)
        _publish()
    return entry


def _publish() -> None:
    found = dict(_inherited)
    for entry in _active:
        if not isinstance(entry, Redirect):
            gateways = found.get(_GATEWAYS, "").split()
            found[_GATEWAYS] = " ".join([*gateways, f"{entry.pid}@{entry.address}"])
            continue
        found[_REDIRECT] = f"{entry.address} {entry.api_key}"
        if entry.takes_all:
            found[_REDIRECT_ALL] = f"{entry.pid} {found[_REDIRECT]}"
    published.update(found)
    for name in _NAMES:
        if name in found:
            with contextlib.suppress(ValueError):  # a key that the environment cannot hold
                os.environ[name] = found[name]
        else:
            published.pop(name, None)
            os.environ.pop(name, None)
