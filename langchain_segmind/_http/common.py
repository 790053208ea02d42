"""What both drivers do alike: headers out, bodies in, and what an exception means."""

from __future__ import annotations

import re
import ssl
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path
from typing import Final, Literal, Protocol

from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests.sessions import Session
from requests.utils import (
    DEFAULT_CA_BUNDLE_PATH,
    get_auth_from_url,
    select_proxy,
    urldefragauth,
)
from urllib3.util.ssl_ import create_urllib3_context

from langchain_segmind._client.validation import HEADER_NAME, check_proxy, is_this_machine
from langchain_segmind._flows.types import Failure, FaultKind, Outcome, Request, Response
from langchain_segmind._value import value
from langchain_segmind._version import __version__
from langchain_segmind.errors import redact

LARGEST_REPLY: Final = 32 * 1024 * 1024
LARGEST_ERROR: Final = 64 * 1024
CHUNK: Final = 64 * 1024
_MOST_AT_ONCE: Final = 16 * CHUNK

NO_CONNECTION: Final = Failure("not_sent", "timeout", "no connection became free")
UNKNOWN_TO_PROXY: Final = Failure("not_sent", "connection", "the proxy answered 407")

MOST_HEADERS: Final = 99
"""What http.client takes."""

_FOLD: Final = re.compile(r"\r?\n[ \t]+")
_FRAMING: Final = {
    "content-length": re.compile(r"[0-9]{1,18}"),
    "transfer-encoding": re.compile("chunked", re.IGNORECASE),
}
"""What tells where a body ends."""

_USER_AGENT: Final = f"langchain-segmind/{__version__}"

LONGEST_IDLE: Final = 10.0
"""Seconds an idle connection may be used again; servers close theirs, and a request that races the
close is one nobody can tell the fate of."""


Headers = list[tuple[str, str]]


class CallObserver(Protocol):
    """Who pays for what is sent."""

    def before_send(self) -> None:
        """Let a request be sent, or raise to prevent it."""

    def after_reply(self, outcome: Outcome) -> None:
        """Take note of what became of it."""


@value
class Network:
    """How to reach the gateway.

    Attributes:
        origin: Any URL on the gateway's host, to find its proxy in the environment.
        proxy: The proxy's URL; None for what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say, which does
            not apply to this machine's own addresses.
        verify: Whether to check certificates, or the path of the authorities to trust; True also
            reads REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE.
        max_connections: Connections that may be open at once, by thread or task.
        is_direct: Whether to use no proxy, whatever the environment says.
    """

    origin: str
    proxy: str | None = field(default=None, repr=False)
    verify: bool | str = True
    max_connections: int | None = None
    is_direct: bool = False


def headers_for(request: Request, key: SecretStr | None) -> dict[str, str]:
    """Make the headers of a request, the key among them. The result must not outlive the call."""
    headers = {
        "User-Agent": _USER_AGENT,
        "Accept": "application/json",
        # A compressed reply would have to be unpacked before its size is known.
        "Accept-Encoding": "identity",
        **request.headers,
    }
    if key is not None:
        headers["x-api-key"] = SecretHeader(key.get_secret_value())
    if request.body is not None:
        headers["Content-Type"] = "application/json"
        headers["Content-Length"] = str(len(request.body))
    return headers


def cap_for(status: int) -> int:
    """How many bytes of a body are worth reading."""
    return LARGEST_REPLY if 200 <= status < 300 else LARGEST_ERROR


class SecretHeader(str):
    """The key as a header's value: what a traceback shows of it is stars."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def lowered(headers: Iterable[tuple[str, str]]) -> Headers:
    """Give the headers of a reply with their names in lower case."""
    return [(name.lower(), value) for name, value in headers]


def validate_headers(status: int, headers: Headers) -> str:
    """Tell what is wrong with the head of a reply; empty if nothing is.

    Either library lets pass what the other refuses, so a reply that both must take is told here.
    A head that says two things of where its body ends is no reply to trust.
    """
    if status < 200:
        return f"the reply has the status {status}"
    if len(headers) > MOST_HEADERS:
        return "the reply has too many headers"
    values = "|".join([value for _, value in headers])
    if "\n" in values:
        values = _FOLD.sub(" ", values)
    is_line = "\n" not in values and "\r" not in values and "\0" not in values
    names = [name for name, _ in headers]
    if not is_line or not (_are_plain(names) or all(map(HEADER_NAME.fullmatch, names))):
        return "the reply has a header that is none"
    framing = [(name, value.strip()) for name, value in headers if name in _FRAMING]
    if len(framing) > 1 or not all(_FRAMING[name].fullmatch(value) for name, value in framing):
        return "the reply does not tell where it ends"
    return ""


def _are_plain(names: list[str]) -> bool:
    """Whether these are names of letters, digits and dashes, as nearly all are: the quick way."""
    letters = "".join(names).replace("-", "")
    return letters.isascii() and letters.isalnum() and "" not in names


def response_from_parts(
    status: int,
    headers: Headers,
    body: bytearray,
    broken: BaseException | None,
    key: SecretStr | None,
) -> Response:
    """Make the value of a reply from what was read of it before it ended or broke.

    Only an answer is kept whole, and nothing big is held twice.
    """
    secret = "" if key is None else key.get_secret_value()
    lower = dict(reversed(headers))  # of several of one name, the first counts
    if secret in "|".join(lower.values()):
        lower = {name: redact(value, secret) for name, value in lower.items()}
    cap = cap_for(status)
    fault: FaultKind | None = None
    detail = ""
    if broken is not None:
        fault = "timeout" if is_timeout(broken) else "cut"
        detail = "" if fault == "timeout" else root_message(broken)
    elif len(body) > cap:
        fault, detail = "too_large", f"more than {cap} bytes"
    elif "content-encoding" in lower:
        body, fault = _unpacked(body, lower["content-encoding"], cap)
    clipped = (fault is not None or not 200 <= status < 300) and len(body) > LARGEST_ERROR
    kept = bytes(body[:LARGEST_ERROR] if clipped else body)
    if secret.encode() in kept:  # an echo of the key may end up in an error or in a log
        kept = redact(kept.decode("latin-1"), secret).encode("latin-1")
    if clipped:
        kept = kept[: len(kept) - len(secret)]  # the end may be a part of the key
    return Response(status, lower, kept, fault, redact(detail, secret) if detail else "")


def _unpacked(body: bytearray, encoding: str, cap: int) -> tuple[bytearray, FaultKind | None]:
    """Unpack a body that was compressed although we asked for none, but never a bomb."""
    match encoding.strip().lower():
        case "identity" | "":
            return body, None
        case "gzip" | "x-gzip" | "deflate":
            return _inflated(body, cap)
        case _:
            return body, "encoding"


def _inflated(body: bytearray, cap: int) -> tuple[bytearray, FaultKind | None]:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    unpacked = bytearray()
    for start in range(0, len(body), CHUNK):
        packed: bytes = bytes(body[start : start + CHUNK])
        got = b"?"
        while (packed or len(got) == _MOST_AT_ONCE) and not unpacker.eof:
            try:
                got = unpacker.decompress(packed, _MOST_AT_ONCE)
            except zlib.error:
                return body, "encoding"
            unpacked += got
            if len(unpacked) > cap:
                return unpacked, "too_large"
            packed = unpacker.unconsumed_tail
    return unpacked, None if unpacker.eof else "cut"


def failed(error: BaseException, *, sent: bool) -> Failure:
    """Make the value of an exchange that broke before any reply.

    Args:
        error: What the library raised.
        sent: Whether a connection stood and the request began to leave.
    """
    outcome: Outcome = "unknown" if sent else "not_sent"
    fault: FaultKind = "connection"
    if is_timeout(error):
        fault = "timeout"
    elif not sent and any(_is_about_tls(e) for e in chain(error)):
        fault = "tls"
    return Failure(outcome, fault, "" if fault == "timeout" else root_message(error))


def _is_about_tls(error: BaseException) -> bool:
    """Tell a certificate or a protocol that stays bad from a connection that broke meanwhile."""
    broke = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    return isinstance(error, ssl.SSLError | ssl.CertificateError) and not broke


def is_timeout(error: BaseException) -> bool:
    """Tell whether a deadline is at the bottom of an exception."""
    # Python 3.10's asyncio.TimeoutError is not yet the built-in one.
    return any(
        isinstance(e, TimeoutError) or type(e).__name__ == "TimeoutError" for e in chain(error)
    )


def chain(error: BaseException) -> Iterator[BaseException]:
    """Walk from an exception to what caused it, as requests and urllib3 wrap one in another."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        e = waiting.pop()
        if isinstance(e, BaseException) and e not in seen:
            seen.append(e)
            yield e
            waiting += [e.__context__, e.__cause__, getattr(e, "reason", None), *e.args]


def root_message(error: BaseException) -> str:
    """Say in words what is at the bottom of an exception."""
    errors = list(chain(error))
    of_system = [e.strerror for e in errors if isinstance(e, OSError) and e.strerror]
    said = [str(e) for e in errors if str(e) and " object at 0x" not in str(e)]
    return (of_system or said[::-1] or [type(error).__name__])[0][:300]


# --- proxies and certificates, found in one way for both drivers ------------------------------


@value
class ResolvedRoute:
    """How to reach the gateway's host, found once.

    Attributes:
        proxies: Proxies by scheme, in requests' form.
        verify: What to verify certificates with.
        proxy: The proxy that applies, without its credentials.
        proxy_headers: Those credentials.
    """

    proxies: dict[str, str] = field(repr=False)
    verify: bool | str
    proxy: str | None
    proxy_headers: dict[str, str] = field(repr=False)


def resolve_route(network: Network) -> ResolvedRoute:
    """Find the proxy and certificate authorities for the gateway's host, as requests does.

    Unlike in requests, no proxy of the environment applies to this machine itself: the proxy is
    another machine, which would connect to its own loopback, and would read the key.

    Raises:
        ValueError: If the environment or the user names a proxy or a file that cannot be used.
    """
    if network.is_direct:
        return ResolvedRoute({}, network.verify, None, {})
    with Session() as session:
        found = session.merge_environment_settings(network.origin, {}, None, network.verify, None)
    verify = found["verify"]
    if isinstance(verify, str) and not Path(verify).exists():
        raise ValueError(
            f"verify: there is no file or folder {verify!r}; correct verify=..., or the variables "
            "REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE"
        )
    proxy = network.proxy
    if not proxy and not is_this_machine(network.origin):
        proxy = select_proxy(network.origin, {k: v for k, v in found["proxies"].items() if v})
    if not proxy:
        return ResolvedRoute({}, verify, None, {})
    proxy = proxy.strip() if "://" in proxy else f"http://{proxy.strip()}"
    check_proxy(proxy)
    headers = HTTPAdapter().proxy_headers(proxy) if get_auth_from_url(proxy)[0] else {}
    return ResolvedRoute({"http": proxy, "https": proxy}, verify, urldefragauth(proxy), headers)


def needs_tls(network: Network, resolve_route: ResolvedRoute) -> bool:
    """Tell whether the gateway or the proxy is reached over TLS."""
    return any(
        url.lower().startswith("https:") for url in (network.origin, resolve_route.proxy or "")
    )


def is_forwarded(network: Network, resolve_route: ResolvedRoute) -> bool:
    """Tell whether a proxy reads requests and answers them, instead of connecting only."""
    return resolve_route.proxy is not None and not network.origin.startswith("https:")


def tls_context(verify: bool | str) -> ssl.SSLContext | Literal[False]:
    """Make the TLS context that requests would use; reads files, so keep it off the event loop."""
    if verify is False:
        return False
    context = create_urllib3_context()
    # urllib3 1.26 leaves the host name to its own connections, and aiohttp then takes any
    # certificate. Whom the key goes to must not depend on a library's default.
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    path = DEFAULT_CA_BUNDLE_PATH if verify is True else verify
    try:
        if Path(path).is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError):
        raise ValueError(f"verify: {path!r} holds no certificates that can be read") from None
    return context


def connection_limit(wanted: int | None) -> int:
    """How many connections may be open at once.

    By default 1,000, the fastest bound measured for many calls at once, but at most half of the
    file descriptors this process may open.
    """
    if wanted is not None:
        return wanted
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return 256
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1000 if soft == resource.RLIM_INFINITY else max(1, min(1000, soft // 2))
