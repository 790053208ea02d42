"""Decide where a call goes: to the model's own address, or to a local gateway of a test.

The only module that reads what tests set: which `LocalGateway` is active, and whether live requests
are allowed. It sends nothing. It must not import `langchain_segmind.testing`, which imports nothing
of the client; the two share the variables named here, also with the processes that a test starts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from langchain_segmind._client.validation import is_this_machine
from langchain_segmind._flows.types import Destination
from langchain_segmind.errors import SegmindInvalidRequestError

__all__ = ["Destination", "allow_live_requests", "destination", "may_lack_key", "redirect"]

_ALLOW: Final = "SEGMIND_ALLOW_LIVE_REQUESTS"
_LACK_KEY: Final = "SEGMIND_ALLOW_MISSING_KEY"
_YES: Final = frozenset({"1", "true", "yes", "on"})
_NO: Final = frozenset({"", "0", "false", "no", "off"})

# What these hold is described in `testing/active.py`, which writes them.
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
        own: What the model was set to.
        is_explicit: Whether the user set the model's address, as opposed to its default.

    Raises:
        SegmindInvalidRequestError: If it is a live request, and these are not allowed.
    """
    active = redirect(own.base_url, is_explicit=is_explicit)
    if active is not None:
        address, _, key = active.partition(" ")
        return Destination(address, SecretStr(key), is_local=True)
    value = os.environ.get(_ALLOW)
    if value is None and _switch.allowed is None:
        value = _at_start  # a test may clear the environment
    is_refused = _switch.allowed is False if value is None else _says_no(value)
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
        # Who set SEGMIND_API_BASE to the block's own gateway may test a key that it refuses.
        is_there = gateway != innermost and _port(base_url) == _port(innermost.partition(" ")[0])
        return None if is_there else innermost
    if not is_this_machine(base_url):
        return innermost
    if not gateway:  # another gateway, or a server of the test
        return None
    # A test may run other gateways. Those of a process that started this test run are not its own.
    if _port(base_url) != _port(gateway.partition(" ")[0]):
        own = {pid, str(os.getpid())}
        if any(owner in own for owner in _gateways_at(base_url)):
            return None
    return gateway


def may_lack_key() -> bool:
    """Return whether a model may be built without a key, as in what pytest imports.

    While a local gateway is active, models go there with its key.
    """
    return (
        bool(_variables().get(_REDIRECT))
        or os.environ.get(_LACK_KEY, "").strip().lower() not in _NO
    )


class _Switch:
    """What the last call of `allow_live_requests` said; None before the first.

    The environment variable says the same, and what is set there later wins. This is for a test
    that clears the environment.
    """

    allowed: bool | None = None


_switch: Final = _Switch()


class _Restore:
    """Restores on leaving a block what was set before `allow_live_requests`."""

    def __init__(self) -> None:
        self._before = _switch.allowed, os.environ.get(_ALLOW)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _switch.allowed, value = self._before
        if value is None:
            os.environ.pop(_ALLOW, None)
        else:
            os.environ[_ALLOW] = value


def allow_live_requests(allowed: bool) -> _Restore:
    """Allow or refuse requests to any gateway but a `LocalGateway`, in this process.

    Where they are refused, every call of a model raises before a connection is opened, and so do
    the queue, the credits, the catalogue and the embeddings. Processes started later do the same:
    the environment variable `SEGMIND_ALLOW_LIVE_REQUESTS` is set, to "1" or "0".

    Call it in `conftest.py`, so that no test can spend money, or use it as a context manager.

    Example:
        >>> from langchain_segmind import allow_live_requests
        >>> with allow_live_requests(False):
        ...     pass

    Args:
        allowed: Whether live requests are allowed.

    Returns:
        A context manager that restores on leaving what was set before.

    Raises:
        ValueError: If `allowed` is not True or False.
    """
    if not isinstance(allowed, bool):
        raise ValueError(f"allowed must be True or False, not {allowed!r}")
    before = _Restore()
    _switch.allowed = allowed
    os.environ[_ALLOW] = "1" if allowed else "0"
    return before


def _says_no(value: str) -> bool:
    """Return whether a value of the variable refuses. A typing error does: it costs nothing."""
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
    """Return what `testing/active.py` publishes in this process, or did in the one that started it.

    The environment is read once, at the start: a test may clear it, and reading takes time.
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
