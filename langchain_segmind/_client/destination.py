"""Decide where a call goes: to the model's own address, or to a local gateway of a test.

The only module that reads what tests set: which `LocalGateway` is active, and whether live requests
are allowed. It must not import `langchain_segmind.testing`, and the reverse: the two share only the
variables named here, which also reach the processes that a test starts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from langchain_segmind._client.validation import is_this_machine
from langchain_segmind._flows.types import Destination
from langchain_segmind.errors import SegmindInvalidRequestError

_ALLOW: Final = "SEGMIND_ALLOW_LIVE_REQUESTS"
_LACK_KEY: Final = "SEGMIND_ALLOW_MISSING_KEY"
_YES: Final = frozenset({"1", "true", "yes", "on"})
_NO: Final = frozenset({"", "0", "false", "no", "off"})

# `testing/active.py` writes these, and describes what they hold.
_GATEWAYS: Final = "SEGMIND_LOCAL_GATEWAYS"
_REDIRECT: Final = "SEGMIND_LOCAL_REDIRECT"
_REDIRECT_ALL: Final = "SEGMIND_LOCAL_REDIRECT_ALL"
_WRITER: Final = "langchain_segmind.testing.active"

_inherited: Final = {
    name: os.environ[name] for name in (_GATEWAYS, _REDIRECT, _REDIRECT_ALL) if name in os.environ
}

_at_start: Final = os.environ.get(_ALLOW)


def destination(own: Destination, *, is_explicit: bool) -> Destination:
    """Return where a call goes now.

    Args:
        own: The destination that the model is configured for.
        is_explicit: Whether the user set the model's address.

    Raises:
        SegmindInvalidRequestError: If this is a live request, and live requests are not allowed.
    """
    active = redirect(own.base_url, is_explicit=is_explicit)
    if active is not None:
        address, _, key = active.partition(" ")
        return Destination(address, SecretStr(key), is_local=True)
    value = os.environ.get(_ALLOW)
    if value is None and _switch.allowed is None:
        value = _at_start  # a test may clear the environment
    is_refused = _switch.allowed is False if value is None else _is_refusal(value)
    if is_refused and not _gateways_at(own.base_url):
        raise _refusal(own.base_url, value)
    return own


def redirect(base_url: str, *, is_explicit: bool) -> str | None:
    """Return the address and the key of the local gateway that a model is redirected to, if any.

    Args:
        base_url: The model's address.
        is_explicit: Whether the user set it.
    """
    variables = _variables()
    innermost = variables.get(_REDIRECT)
    if not innermost:
        return None
    pid, _, gateway = variables.get(_REDIRECT_ALL, "").partition(" ")
    if not is_explicit:
        # With SEGMIND_API_BASE set to the block's own gateway, a test may use a key of its own.
        is_there = gateway != innermost and _port(base_url) == _port(innermost.partition(" ")[0])
        return None if is_there else innermost
    if not is_this_machine(base_url):
        return innermost
    if not gateway:  # the address is another gateway's, or a server's of the test
        return None
    # A test may run other gateways; those of the process that started the tests are not its own.
    if _port(base_url) != _port(gateway.partition(" ")[0]):
        own = {pid, str(os.getpid())}
        if any(owner in own for owner in _gateways_at(base_url)):
            return None
    return gateway


def may_lack_key() -> bool:
    """Return whether a model may be built without a key, e.g. in a module that pytest imports.

    While a local gateway is active, the gateway's key is sent.
    """
    return (
        bool(_variables().get(_REDIRECT))
        or os.environ.get(_LACK_KEY, "").strip().lower() not in _NO
    )


class _Switch:
    """The value that `allow_live_requests` set; None before its first call.

    The environment variable has the same value, and what is set there later wins. This copy is for
    tests that clear the environment.
    """

    allowed: bool | None = None


_switch: Final = _Switch()


def allow_live_requests(allowed: bool) -> AbstractContextManager[object]:
    """Allow or refuse requests to any gateway but a `LocalGateway`, in this process.

    While they are refused, every method that would send a request raises
    `SegmindInvalidRequestError` before a connection is opened. Processes started later do the same,
    because the environment variable `SEGMIND_ALLOW_LIVE_REQUESTS` is set, to "1" or "0".

    Call it in `conftest.py`, so that no test can spend money, or use it as a context manager.

    Example:
        >>> from langchain_segmind import allow_live_requests
        >>> with allow_live_requests(False):
        ...     pass

    Args:
        allowed: Whether live requests are allowed.

    Returns:
        A context manager that restores the previous state at its end.

    Raises:
        ValueError: If `allowed` is not True or False.
    """
    if not isinstance(allowed, bool):
        raise ValueError(f"allowed must be True or False, not {allowed!r}.")
    restore = _Restore(_switch.allowed, os.environ.get(_ALLOW))
    _set_switch(allowed, "1" if allowed else "0")
    return restore


class _Restore(AbstractContextManager[object]):
    """Restores a state of the switch at each exit."""

    def __init__(self, allowed: bool | None, value: str | None) -> None:
        self._state = (allowed, value)

    def __exit__(self, *exc_info: object) -> None:
        _set_switch(*self._state)


def _set_switch(allowed: bool | None, value: str | None) -> None:
    _switch.allowed = allowed
    if value is None:
        os.environ.pop(_ALLOW, None)
    else:
        os.environ[_ALLOW] = value


def _is_refusal(value: str) -> bool:
    """Return whether a value of the variable refuses. A misspelled one does: that costs nothing."""
    return value != "" and value.strip().lower() not in _YES


def _refusal(base_url: str, value: str | None) -> SegmindInvalidRequestError:
    by_call = _switch.allowed is False and value in (None, "0")
    switch = f"{_ALLOW} is set to {value!r}" if not by_call else "allow_live_requests(False) is set"
    return SegmindInvalidRequestError(
        f"Live requests are refused: {switch}, and {base_url} is not a LocalGateway of this "
        "process. In a test, use the pytest fixture segmind_gateway or LocalGateway; to send the "
        f"request, call allow_live_requests(True) or set {_ALLOW}=1. Nothing was sent.",
        outcome="not_sent",
    )


def _variables() -> Mapping[str, str]:
    """Return what `testing/active.py` publishes in this process, or in the one that started it.

    The environment was read once, at the start: a test may clear it, and reading takes time.
    """
    found: Mapping[str, str] = getattr(sys.modules.get(_WRITER), "published", _inherited)
    return found


def _gateways_at(base_url: str) -> list[str]:
    """Return the process ids of the local gateways at an address; empty if it is not one."""
    port = _port(base_url)
    found = []
    for entry in _variables().get(_GATEWAYS, "").split() if port is not None else ():
        pid, _, address = entry.partition("@")
        if _port(address) == port:
            found.append(pid)
    return found


@lru_cache(64)
def _port(url: str) -> int | None:
    """Return the port of a plain HTTP address; a base URL of that kind is on this machine."""
    try:
        parts = urlsplit(url)
        port = parts.port or 80
    except ValueError:
        return None
    return port if parts.scheme == "http" else None
