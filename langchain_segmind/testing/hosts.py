"""Which names the gateway is called by: those of this machine, and those that are allowed.

A web page can have a name of its own point to 127.0.0.1 (DNS rebinding), and a browser would then
let it read what a server on this machine answers. Its requests carry that name in their Host.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable

_NAME = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_WITH_PORT = re.compile(r"(?:\[(?P<ipv6>[^\[\]]*)\]|(?P<name>[^\[\]:]*))(?::\d{0,5})?")
_EVERY_INTERFACE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104


def names_of(host: str, allowed: Iterable[str]) -> frozenset[str]:
    """Return the names that are accepted beside those of this machine.

    Args:
        host: The address to listen on.
        allowed: Names or IP addresses, without a port.

    Raises:
        ValueError: If one of `allowed` is anything else.
    """
    names = [allowed] if isinstance(allowed, str) else [*allowed]
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name.strip("[]")):
            raise ValueError(f"allowed_hosts: {name!r} is not a host name or IP address")
    own = [] if host in _EVERY_INTERFACE else [host]
    return frozenset(_normal(name.strip("[]")) for name in [*names, *own])


def is_accepted(header: str, names: Collection[str]) -> bool:
    """Return whether a request with this Host header is answered.

    Args:
        header: The header's value; empty if there was none.
        names: What `names_of` returned.
    """
    parts = _WITH_PORT.fullmatch(header.strip())
    if parts is None:
        return False
    name = _normal(parts["ipv6"] or parts["name"] or "")
    return name in names or _is_loopback(name)


def refusal_of(header: str) -> str:
    """Say why a request with this Host header is not answered, and what to do."""
    name = header[:80] or "(none)"
    return (
        f"The Host header is {name!r}, but the local gateway is called by the names of its own "
        "machine only, such as localhost, because a web page may use other names to reach it. To "
        "allow one, start it with allowed_hosts=[...] or --allow-host NAME."
    )


def url_host(host: str) -> str:
    """Return how a URL names a server of this machine that listens on an address."""
    if host in _EVERY_INTERFACE:  # a client cannot connect to all; this machine's own is among them
        return "[::1]" if host == "::" else "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _normal(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower().rstrip(".")


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    # Before Python 3.13, `is_loopback` of an IPv4 address within IPv6 is False.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
