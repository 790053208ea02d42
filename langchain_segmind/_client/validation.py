"""Check what a user may configure, where pydantic's own types and limits do not suffice.

Every message names the parameter and the fix. None may repeat a value that could be secret.
"""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
MAX_JSON_DEPTH: Final = 100

_SLUG: Final = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST_SLUG: Final = 128
_LONGEST_URL: Final = 2048  # servers refuse request lines of more than 8 KiB or so
_RESERVED_HEADERS: Final = {
    "x-api-key": "pass api_key=... instead",
    "content-type": "the gateway accepts JSON only",
    "content-length": "it follows from the body",
    "transfer-encoding": "the body is sent in one piece",
    "accept-encoding": "replies are requested uncompressed, so that their size is known",
    "connection": "the client manages its connections",
    "expect": "the body is sent at once",
    "te": "the client reads the body as it arrives",
    "trailer": "the body is sent in one piece",
    "upgrade": "the client uses HTTP/1.1",
    "proxy-authorization": "put user and password into proxy=...",
    "host": "it follows from base_url",
}

_ALLOW_HTTP: Final = "SEGMIND_ALLOW_HTTP"

BLANK_KEY: Final = (
    "api_key is blank or missing: get a key at https://cloud.segmind.com, then pass api_key=... or "
    "set the environment variable SEGMIND_API_KEY. To go on without a key, run your program with a "
    "local gateway: python -m langchain_segmind.testing -- python program.py; in a test, use the "
    "pytest fixture segmind_gateway."
)


def check_key(key: str) -> str:
    """Check an API key and strip it. The vendor may change its format: only characters count."""
    key = key.strip()
    if not key:
        raise ValueError(BLANK_KEY)
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError(
            "api_key must be one line of printable ASCII without spaces (the value is not shown "
            "here). Copy it again from https://cloud.segmind.com."
        )
    return key


def check_seconds(seconds: float | None) -> float | None:
    """Return a duration that is a positive number, or None.

    Raises:
        ValueError: If it is anything else.
    """
    if seconds is not None and not 0 < seconds < math.inf:
        raise ValueError("must be more than 0 seconds")
    return seconds


def check_timeout(timeout: object) -> object:
    """Refuse the pairs and objects by which HTTP libraries set several timeouts.

    Raises:
        ValueError: If it is one; the message says what to write instead.
    """
    if timeout is None or isinstance(timeout, bool | int | float | str):
        return timeout
    if isinstance(timeout, list | tuple):
        connect, total = (timeout[0], timeout[-1]) if timeout else (None, None)
    else:  # those of httpx, urllib3 and aiohttp
        connect = getattr(timeout, "connect", None) or getattr(timeout, "sock_connect", None)
        total = getattr(timeout, "total", None) or getattr(timeout, "read", None)
    numbers = [each if isinstance(each, int | float) else "..." for each in (total, connect)]
    raise ValueError(
        f"timeout must be a number of seconds or None, not a {type(timeout).__name__}. Use "
        "timeout={} for a whole attempt and connect_timeout={} for its connection.".format(*numbers)
    )


def check_slug(slug: object) -> str:
    """Check a model's slug. It becomes part of the URL, where `../v2/x` would lead elsewhere."""
    if not isinstance(slug, str):
        raise ValueError(f"model must be a string such as 'gpt-4o', not {type(slug).__name__}.")
    if len(slug) > _LONGEST_SLUG:
        raise ValueError(
            f"model={slug[:40]!r}... has {len(slug)} characters, but a slug has at most "
            f"{_LONGEST_SLUG}. Pass the slug only, e.g. 'gpt-4o'."
        )
    if not _SLUG.fullmatch(slug) or slug.strip(".") == "":
        raise ValueError(
            f"model={slug[:80]!r} is not a valid slug: use only letters, digits, '.', '-' and '_', "
            "e.g. 'gpt-4o'."
        )
    return slug


def check_url(url: str) -> str:
    """Check the API's base URL and normalize it: no slash at its end, the host in lower case."""
    url = url.strip().rstrip("/")
    if len(url) > _LONGEST_URL:
        raise ValueError(
            f"base_url has {len(url)} characters, but may have at most {_LONGEST_URL}."
        )
    parts = _split_url(url, "base_url")
    if parts.username is not None or parts.password is not None:
        raise ValueError("base_url must not contain a user or password. Use api_key=... instead.")
    if "?" in url or "#" in url:
        raise ValueError("base_url must not have a query or fragment. End it after the version.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must start with https:// and name a host.")
    if parts.scheme == "http" and not _may_use_http(parts.hostname):
        raise ValueError(
            "base_url must use https: over plain http to another machine, the key could be read. "
            f"For a local gateway in another container, set {_ALLOW_HTTP} to its host name."
        )
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("base_url must be printable ASCII. Write the host in punycode.")
    if {".", ".."} & set(parts.path.lower().replace("%2e", ".").split("/")):
        raise ValueError("base_url must not contain '.' or '..' as a part of its path.")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        reason = "base_url does not name a valid host: a part of it is empty or too long."
        raise ValueError(reason) from None
    return parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower()).geturl()


def _may_use_http(host: str) -> bool:
    allowed = os.environ.get(_ALLOW_HTTP, "").lower().split(",")
    return is_loopback(host) or host in {name.strip() for name in allowed}


def check_verify(verify: bool | str) -> bool | str:
    """Check that a path is not blank: requests would then check no certificate."""
    if isinstance(verify, str) and not verify.strip():
        raise ValueError(
            "verify is blank: set it to True, False or a file or folder of certificate authorities."
        )
    return verify


def check_proxy(url: str | None) -> str | None:
    """Check a proxy's URL. It may contain credentials, so it is never shown."""
    if url is None:
        return None
    parts = _split_url(url, "proxy")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("proxy must have the form http://host:port or https://host:port.")
    return url


def _split_url(url: str, field: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises if the port is not a number
    except ValueError:
        raise ValueError(f"{field} is not a valid URL.") from None
    return parts


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1, in any notation."""
    address = _ip_address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def is_this_machine(url: str) -> bool:
    """Return whether a URL leads to this machine, however its host is written.

    It must not decide whether plain http is allowed; `is_loopback` does. What a resolver makes of
    `127.1` or `x.localhost` depends on the resolver.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    if is_loopback(host) or host.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    address = _ip_address(host) or _ipv4_of_numbers(host)
    # A system that connects to the unspecified address connects to itself.
    return address is not None and (address.is_loopback or address.is_unspecified)


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    # Before Python 3.13, `is_loopback` of an IPv4 address within IPv6 is False.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _ipv4_of_numbers(host: str) -> ipaddress.IPv4Address | None:
    """Read an address as C's `inet_aton` does: 127.1, 2130706433, 0x7f000001, 0177.0.0.1."""
    parts = host.split(".")
    if len(parts) > 4 or not all(map(_NUMBER.fullmatch, parts)):
        return None
    try:
        *first, last = [int(part, _BASES.get(part[:2].lower(), 10)) for part in parts]
        head = int.from_bytes(bytes(first), "big") << 8 * (4 - len(first))
        tail = last.to_bytes(4 - len(first), "big")
    except (ValueError, OverflowError):
        return None
    return ipaddress.IPv4Address(head + int.from_bytes(tail, "big"))


_NUMBER: Final = re.compile(r"0x[0-9a-f]{1,10}|[0-9]{1,14}", re.IGNORECASE)
_BASES: Final = {"0x": 16} | {f"0{digit}": 8 for digit in range(10)}


def check_flag(value: object, field: str) -> None:
    """Check an optional bool. 0, "" and "no" are not accepted."""
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"{field} must be True or False, not a {type(value).__name__}.")


class MaskedText(str):
    """Hold a text that may be secret; a traceback that shows its `repr` shows stars."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return _MaskedBytes(super().encode(encoding, errors))


class _MaskedBytes(bytes):
    """Hold a masked text for urllib3, in whose frames it stays while a proxy opens a tunnel."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'***'"


def check_headers(headers: object, field: str) -> dict[str, str]:
    """Check extra headers. Their values may be secret, so they are never shown."""
    if not isinstance(headers, Mapping):
        raise ValueError(f"{field} must be a mapping of header names to strings.")
    for name, value in headers.items():
        if not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
            raise ValueError(f"{field}: {str(name)[:80]!r} is not a valid header name.")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ValueError(f"{field}: the value of {name} must be one line of printable ASCII.")
        if name.lower() in _RESERVED_HEADERS:
            raise ValueError(f"{field}: {name} cannot be set: {_RESERVED_HEADERS[name.lower()]}.")
    return {name: MaskedText(value) for name, value in headers.items()}


def mask_headers(headers: Any) -> Any:
    """Mask the values of extra headers that are checked later, whatever was passed."""
    if not isinstance(headers, Mapping):
        return headers
    return {
        k: MaskedText(value) if isinstance(value, str) else value for k, value in headers.items()
    }


def check_json(value: object, where: str, depth: int = 0) -> None:
    """Check that a value can be sent as JSON.

    Raises:
        ValueError: If it contains NaN, an infinity, a lone surrogate, a key that is not a string,
            itself or anything that JSON cannot represent; the message says where.
    """
    if depth > MAX_JSON_DEPTH:
        raise ValueError(f"{where[:200]} is nested too deeply, or contains itself.")
    match value:
        case None | bool() | int():
            pass
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{where} is {value}, but JSON numbers must be finite.")
        case str():
            _check_text(value, where)
        case list() | tuple():
            for i, item in enumerate(value):
                check_json(item, f"{where}[{i}]", depth + 1)
        case dict():
            for key, item in value.items():
                _check_json_key(key, where)
                check_json(item, f"{where}[{key!r}]", depth + 1)
        case _:
            kind = type(value).__name__
            raise ValueError(f"{where} has the type {kind}, which JSON cannot represent.")


def _check_json_key(key: object, where: str) -> None:
    if not isinstance(key, str):
        raise ValueError(f"{where} has the key {key!r}: JSON keys must be strings.")
    _check_text(key, where)


def _check_text(text: str, where: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{where} contains a lone surrogate, which is not valid Unicode. Remove or replace it."
        ) from None


def check_stop(stop: object) -> list[str] | None:
    """Check stop sequences and return them as a list; None if there are none."""
    if stop is None:
        return None
    sequences = [stop] if isinstance(stop, str) else stop
    if not isinstance(sequences, list | tuple) or not all(
        isinstance(sequence, str) and sequence for sequence in sequences
    ):
        raise ValueError("stop must be a string or a list of strings, none of them empty.")
    return list(sequences) or None
