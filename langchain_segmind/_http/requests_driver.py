"""Send requests over requests' adapter, and read replies within one deadline.

It never retries, follows a redirect, keeps a cookie or reads .netrc.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import requests
import urllib3
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

from langchain_segmind._flows.types import Result, Step
from langchain_segmind._http import environment, replies
from langchain_segmind._http.headers import (
    Headers,
    unmasked,
    with_lowercase_names,
)
from langchain_segmind._http.session import LazyResponse, Session, prepare
from langchain_segmind._http.threads import SharedThreads
from langchain_segmind._http.timed_connection import (
    POOL_CLASSES,
    are_connections_replaced,
    attempt,
)


class _Adapter(HTTPAdapter):
    """Use our connections, and look up proxy, certificates and pool once per host.

    requests does so at every call, although they are the same for all calls of a model.
    """

    def __init__(self, limit: int, route: environment.ResolvedRoute) -> None:
        self._pools: dict[str, HTTPConnectionPool] = {}
        # A session would pass the proxies with their passwords through frames that tools show.
        self._proxies = route.proxies
        self._tls = route.tls
        self._note_connection_class()
        super().__init__(pool_connections=2, pool_maxsize=limit)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES

    def _note_connection_class(self) -> None:
        self._connection_class = HTTPConnectionPool.ConnectionCls
        self._is_replaced = are_connections_replaced()

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **{**kwargs, "proxy_ssl_context": self._tls})
        manager.pool_classes_by_scheme = POOL_CLASSES
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        return environment.proxy_headers(proxy)

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, *_: Any, **__: Any
    ) -> HTTPConnectionPool:
        if HTTPConnectionPool.ConnectionCls is not self._connection_class:
            self.close()  # the pools hold connections of the other class
            self._note_connection_class()
        origin, _path = _split_url(request.url or "")
        pool = self._pools.get(origin)
        if pool is None:
            pool = super().get_connection_with_tls_context(request, verify, self._proxies)
            if isinstance(pool, HTTPSConnectionPool):
                self._use_own_tls_context(pool, verify)
            self._pools[origin] = pool
        if self._is_replaced:  # by VCR: it does not say whether it sends, and writes YAML
            attempt.is_sent = True
            request.headers = CaseInsensitiveDict(unmasked(request.headers))
        return pool

    def _use_own_tls_context(self, pool: HTTPSConnectionPool, verify: bool | str) -> None:
        """Check both the gateway and an HTTPS proxy with our own TLS context.

        requests goes by the request's URL, so it never checks an HTTPS proxy that forwards plain
        HTTP, and it leaves the check of the host name to urllib3's default.
        """
        pool.cert_reqs = ssl.CERT_NONE if verify is False else ssl.CERT_REQUIRED
        pool.ca_certs = pool.ca_cert_dir = None  # the context has read them already
        pool.conn_kw["ssl_context"] = self._tls

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        pass  # the pool was built with its certificates

    def request_url(self, request: requests.PreparedRequest, *_: Any) -> str:
        # The shortcut spares each call three parsings of its URL.
        if self._proxies:
            return super().request_url(request, self._proxies)
        return _split_url(request.url or "")[1]

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        return LazyResponse(req, resp, self)

    def close(self) -> None:
        self._pools.clear()
        super().close()


class SyncConnections:
    """The connections of one process."""

    def __init__(self, network: environment.Network) -> None:
        self._route = environment.resolve_route(network)
        limit = environment.connection_limit(network.max_connections)
        self._session = Session(_Adapter(limit, self._route))
        self._semaphore = threading.BoundedSemaphore(limit)
        self._threads = SharedThreads()

    def send(
        self, step: Step, key: SecretStr | None, before_send: Callable[[], None] | None = None
    ) -> Result:
        """Send one request and return its reply, or the failure in its place.

        `before_send` is called right before, and may raise to prevent it.
        """
        began = time.monotonic()
        if not self._semaphore.acquire(timeout=step.pool_timeout):
            return replies.POOL_TIMEOUT
        try:
            # Waiting for a connection counts toward the total timeout, not the attempt's own.
            began = time.monotonic() if step.pool_timeout is None else began
            attempt.deadline = None if step.timeout is None else began + step.timeout
            attempt.is_sent = False
            attempt.late_until = None
            attempt.threads = self._threads
            if before_send is not None:
                before_send()
            return self._exchange(step, key)
        finally:
            self._semaphore.release()

    def close(self) -> None:
        """Close all connections that are not in use."""
        self._session.close()

    def _exchange(self, step: Step, key: SecretStr | None) -> Result:
        try:
            response = self._session.send(
                prepare(step.request, key),
                stream=True,
                allow_redirects=False,
                timeout=_timeout(step.connect_timeout, step.timeout),
                verify=self._route.verify,
                proxies={},
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return replies.failure_from_error(
                error, is_sent=attempt.is_sent, target=self._route.target
            )
        if response.status_code == 407 and self._route.is_forwarded:
            _close(response)
            return replies.PROXY_AUTH_REQUIRED
        return _read(response, key)


@lru_cache(8)  # most calls have the same
def _timeout(connect: float | None, read: float | None) -> urllib3.Timeout:
    """Limit connecting. `read` is only for VCR's connections: ours keep the attempt's deadline."""
    return urllib3.Timeout(connect=connect, read=None if read is None else max(0.001, read))


@lru_cache(64)
def _split_url(url: str) -> tuple[str, str]:
    """Split a URL into its origin (scheme, host and port) and its path."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", slash + path


def _read(response: requests.Response, key: SecretStr | None) -> Result:
    limit = replies.max_body_bytes(response.status_code)
    raw: Any = response.raw
    body = bytearray()
    broken: BaseException | None = None
    headers = with_lowercase_names((response if raw is None else raw).headers.items())
    try:
        if raw is None or raw.tell():  # a mock has made the body, or a hook has read it
            return _parsed_reply(response, headers, key)
        while len(body) <= limit and (chunk := raw.read(replies.CHUNK_BYTES, decode_content=False)):
            body += chunk
            if raw.length_remaining == 0:
                break  # another read would only find that nothing is left
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        broken = error
    finally:
        _close(response)
    return replies.response_from_parts(response.status_code, headers, body, broken, key)


def _parsed_reply(response: requests.Response, headers: Headers, key: SecretStr | None) -> Result:
    """Take the body that requests keeps, which it has decompressed."""
    kept = [(name, value) for name, value in headers if name != "content-encoding"]
    body = bytearray(response.content)
    return replies.response_from_parts(response.status_code, kept, body, None, key)


def _close(response: requests.Response) -> None:
    """Return the connection to its pool; one whose reply was not read to its end is closed."""
    if response.raw is not None:
        response.close()
