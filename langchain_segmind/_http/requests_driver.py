"""Send requests over the connection pools of requests, and read replies within one deadline.

It never retries, follows a redirect, keeps a cookie or reads .netrc.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import urllib3
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool

from langchain_segmind._flows.types import Result, Step
from langchain_segmind._http import environment, replies
from langchain_segmind._http.headers import request_headers, with_lowercase_names
from langchain_segmind._http.timed_connection import POOL_CLASSES, attempt


class _Adapter(HTTPAdapter):
    """Make requests' pools with our connections and our TLS context."""

    def __init__(self, limit: int, route: environment.ResolvedRoute) -> None:
        self._pools: dict[str, HTTPConnectionPool] = {}
        self._route = route
        super().__init__(pool_connections=2, pool_maxsize=limit)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        tls = self._route.tls
        manager = super().proxy_manager_for(proxy, **{**kwargs, "proxy_ssl_context": tls})
        manager.pool_classes_by_scheme = POOL_CLASSES
        return manager

    def pool_for(self, origin: str) -> HTTPConnectionPool:
        """Return the pool of a host, through its proxy.

        requests' `send` looks up proxy, certificates and pool at every call, although they are the
        same for all calls of a model.
        """
        pool = self._pools.get(origin)
        if pool is None:
            proxy = self._route.proxies.get("https")
            manager = self.poolmanager if proxy is None else self.proxy_manager_for(proxy)
            pool = manager.connection_from_url(origin)
            if isinstance(pool, HTTPSConnectionPool):
                # requests would leave the check of the host name to urllib3's default.
                pool.cert_reqs = ssl.CERT_NONE if self._route.verify is False else ssl.CERT_REQUIRED
                pool.conn_kw["ssl_context"] = self._route.tls
            self._pools[origin] = pool
        return pool

    def close(self) -> None:
        self._pools.clear()
        super().close()


class SyncConnections:
    """The connections of one process.

    There is no session of requests: it follows redirects (it parses `Location` even with
    allow_redirects=False), keeps cookies and reads .netrc, none of which may happen here. Its
    `prepare` costs as much as sending, for a URL that is checked and a body of bytes.
    """

    def __init__(self, network: environment.Network) -> None:
        self._route = environment.resolve_route(network)
        limit = environment.connection_limit(network.max_connections)
        self._adapter = _Adapter(limit, self._route)
        self._semaphore = threading.BoundedSemaphore(limit)

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
            if before_send is not None:
                before_send()
            return self._exchange(step, key)
        finally:
            self._semaphore.release()

    def close(self) -> None:
        """Close all connections that are not in use."""
        self._adapter.close()

    def _exchange(self, step: Step, key: SecretStr | None) -> Result:
        request, is_forwarded = step.request, self._route.is_forwarded
        origin, path = _split_url(request.url)
        headers = request_headers(request, key)
        try:
            response = self._adapter.pool_for(origin).urlopen(
                request.method,
                request.url if is_forwarded else path,
                request.body,
                # Extra headers may repeat one of ours, or each other, in another case.
                CaseInsensitiveDict(headers) if request.headers else headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                # No read timeout: `timed_connection` keeps the whole attempt's deadline.
                timeout=urllib3.Timeout(connect=step.connect_timeout, read=None),
                preload_content=False,
                decode_content=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return replies.failure_from_error(error, is_sent=attempt.is_sent)
        if response.status == 407 and is_forwarded:
            response.close()
            return replies.PROXY_AUTH_REQUIRED
        return _read(response, key)


def _split_url(url: str) -> tuple[str, str]:
    """Split a URL into its origin (scheme, host and port) and its path."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", slash + path


def _read(response: BaseHTTPResponse, key: SecretStr | None) -> Result:
    limit = replies.max_body_bytes(response.status)
    body = bytearray()
    broken: BaseException | None = None
    try:
        while len(body) <= limit and (chunk := response.read(replies.CHUNK_BYTES)):
            body += chunk
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        broken = error
    finally:
        response.close()
        response.release_conn()
    headers = with_lowercase_names(response.headers.iteritems())
    return replies.response_from_parts(response.status, headers, body, broken, key)
