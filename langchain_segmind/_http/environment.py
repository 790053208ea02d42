"""Find the way to the gateway: its proxy, its TLS context and how many connections may be open.

Both drivers use what is found here, so they cannot disagree. It reads the environment and
certificate files, but never opens a connection.
"""

import os
import ssl
from dataclasses import field
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from requests.sessions import Session
from requests.utils import (
    DEFAULT_CA_BUNDLE_PATH,
    select_proxy,
    urldefragauth,
)
from urllib3.util.ssl_ import create_urllib3_context

from langchain_segmind._client.validation import MaskedText, check_proxy, is_this_machine
from langchain_segmind._value import value

MAX_IDLE_SECONDS: Final = 10.0
"""How long an idle connection may be reused. Servers close idle connections, and when a request
races that close, nobody can tell whether it was processed."""

AUTHORITIES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""The environment variables that may hold the certificate authorities: those of requests, and then
those of OpenSSL, in the order of httpx. The last may hold several folders."""

_DEFAULT_CONNECTIONS: Final = 1000  # the fastest limit measured for many calls at once


class Network(NamedTuple):
    """The settings that say how to reach the gateway; a tuple, as each call looks them up.

    Attributes:
        origin: Any URL on the gateway's host, to find its proxy in the environment.
        proxy: The proxy's URL; None to use HTTPS_PROXY, HTTP_PROXY and NO_PROXY, which do not
            apply to this machine's own addresses.
        verify: Whether to check certificates, or the path of the authorities to trust; True reads
            it from the first of `AUTHORITIES` that is set.
        max_connections: How many connections each process (sync) or event loop (async) may open.
        is_direct: Whether to ignore every proxy of the environment.
    """

    origin: str
    proxy: str | None = None
    verify: bool | str = True
    max_connections: int | None = None
    is_direct: bool = False

    def __repr__(self) -> str:
        """Leave out the proxy, which may hold a password."""
        return f"Network({self.origin!r})"


@value
class ResolvedRoute:
    """The way to the gateway.

    Attributes:
        proxies: Proxies by scheme, in requests' form.
        proxy: The URL of the proxy that applies, without its credentials.
        proxy_headers: Those credentials.
        is_forwarded: Whether that proxy reads and forwards the requests: it opens no tunnel.
        verify: What to verify certificates with.
        target: The host and port of the gateway, and of the proxy, for error messages.
        tls: Verifies them; None where neither gateway nor proxy is reached over TLS.
    """

    proxies: dict[str, str] = field(repr=False)
    proxy: str | None
    proxy_headers: dict[str, str] = field(repr=False)
    is_forwarded: bool
    verify: bool | str
    target: str
    tls: ssl.SSLContext | None


def resolve_route(network: Network) -> ResolvedRoute:
    """Find the proxy and certificate authorities for the gateway's host, as requests does.

    It reads certificate files: keep it off the event loop.

    Raises:
        ValueError: If the environment or the user names a proxy or a file that cannot be used.
    """
    proxy, verify = ("", network.verify) if network.is_direct else _proxy_and_verify(network)
    proxy = MaskedText(proxy)
    is_https = network.origin.lower().startswith("https:")
    needs_tls = is_https or proxy.lower().startswith("https:")
    return ResolvedRoute(
        proxies={"http": proxy, "https": proxy} if proxy else {},
        proxy=urldefragauth(proxy) if proxy else None,
        proxy_headers=proxy_headers(proxy),
        is_forwarded=bool(proxy) and not is_https,
        verify=verify,
        target=_target(network.origin, proxy),
        tls=_tls_context(verify) if needs_tls or isinstance(verify, str) else None,
    )


def _proxy_and_verify(network: Network) -> tuple[str, bool | str]:
    """Read both from the environment, where the user did not set them.

    Unlike in requests, no proxy of the environment applies to this machine itself: the proxy is
    another machine, which would connect to its own loopback interface and could read the key.
    """
    proxies, verify = _environment(network)
    if isinstance(verify, str) and not any(Path(path).exists() for path in _paths(verify)):
        raise ValueError(
            f"verify: the file or folder {verify!r} does not exist. Correct verify=..., or the "
            f"environment variable {', '.join(AUTHORITIES[:-1])} or {AUTHORITIES[-1]}."
        )
    proxy = MaskedText(network.proxy or "")
    if not proxy and not is_this_machine(network.origin):
        proxy = MaskedText(select_proxy(network.origin, proxies) or "")
    if not proxy:
        return "", verify
    proxy = MaskedText(proxy.strip() if "://" in proxy else f"http://{proxy.strip()}")
    try:
        check_proxy(proxy)
    except ValueError as error:
        raise error.with_traceback(None) from None  # its frames hold the parts of the URL
    return proxy, verify


def _environment(network: Network) -> tuple[dict[str, str], bool | str]:
    """Read the proxies by scheme and the certificate authorities from the environment."""
    with Session() as session:
        found = session.merge_environment_settings(network.origin, {}, None, network.verify, None)
    verify = found["verify"]
    if verify is True:
        verify = next(filter(None, map(os.environ.get, AUTHORITIES)), True)
    proxies: dict[str, str] = {k: MaskedText(url) for k, url in found["proxies"].items() if url}
    return proxies, verify


def _paths(verify: str) -> list[str]:
    """Return the folders of a list as OpenSSL reads it, or the one path that is given."""
    return [verify] if Path(verify).exists() else verify.split(os.pathsep)


def _target(origin: str, proxy: str) -> str:
    through = f" through the proxy {_host_and_port(proxy)}" if proxy else ""
    return _host_and_port(origin) + through


def _host_and_port(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def proxy_headers(proxy: str) -> dict[str, str]:
    """Return the headers with the credentials of a proxy's URL, if it has any."""
    headers = HTTPAdapter().proxy_headers(proxy)
    return {name: MaskedText(value) for name, value in headers.items()}


def _tls_context(verify: bool | str) -> ssl.SSLContext | None:
    """Build the TLS context that requests would use; None to verify nothing."""
    if verify is False:
        return None
    context = create_urllib3_context()
    # Who receives the key must not depend on a library's default.
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    path = DEFAULT_CA_BUNDLE_PATH if verify is True else verify
    try:
        if Path(path).is_file():
            context.load_verify_locations(cafile=path)
        else:
            context.load_verify_locations(capath=path)
    except (OSError, ssl.SSLError):
        raise ValueError(
            f"verify: no certificates can be read from {path!r}. Pass the path of a PEM file or of "
            "a folder of certificates."
        ) from None
    return context


def connection_limit(requested: int | None) -> int:
    """Return how many connections may be open at once.

    The default is at most half of the file descriptors that this process may open.
    """
    if requested is not None:
        return requested
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return 256
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _DEFAULT_CONNECTIONS
    return max(1, min(_DEFAULT_CONNECTIONS, soft // 2))
