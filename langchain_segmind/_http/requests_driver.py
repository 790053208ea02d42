"""Send requests over requests' adapter, and read replies within one deadline.

It never retries, follows a redirect, keeps a cookie or reads .netrc.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, cast

import requests
import urllib3
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

from langchain_segmind._flows.types import Result, Step
from langchain_segmind._http import environment, replies
from langchain_segmind._http.headers import request_headers, with_lowercase_names
from langchain_segmind._http.timed_connection import POOL_CLASSES, attempt


class _Adapter(HTTPAdapter):
    """Use our connections, and look up proxy, certificates and pool once per host.

    requests does so at every call, although they are the same for all calls of a model.
    """

    def __init__(self, limit: int, tls: ssl.SSLContext | None) -> None:
        self._pools: dict[str, HTTPConnectionPool] = {}
        self._tls = tls
        super().__init__(pool_connections=2, pool_maxsize=limit)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **{**kwargs, "proxy_ssl_context": self._tls})
        manager.pool_classes_by_scheme = POOL_CLASSES
        return manager

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        origin, _ = _split_url(request.url or "")
        pool = self._pools.get(origin)
        if pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            if isinstance(pool, HTTPSConnectionPool):
                self._use_own_tls_context(pool, verify)
            self._pools[origin] = pool
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

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        # The shortcut spares each call three parsings of its URL.
        if proxies:
            return super().request_url(request, proxies)
        return _split_url(request.url or "")[1]

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> Any:  # noqa: ARG002 - requests passes it
        return resp  # urllib3's own: requests would copy the headers and make a cookie jar

    def close(self) -> None:
        self._pools.clear()
        super().close()


class SyncConnections:
    """The connections of one process.

    The adapter is used without a session: a session follows redirects (it parses `Location` even
    with allow_redirects=False), keeps cookies and reads .netrc, none of which may happen here.
    """

    def __init__(self, network: environment.Network) -> None:
        self._route = environment.resolve_route(network)
        limit = environment.connection_limit(network.max_connections)
        self._adapter = _Adapter(limit, self._route.tls)
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
        try:
            response: Any = self._adapter.send(
                _prepare(step, key),
                stream=True,
                # No read timeout: `timed_connection` keeps the whole attempt's deadline.
                timeout=(step.connect_timeout, None),
                verify=self._route.verify,
                proxies=self._route.proxies,
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return replies.failure_from_error(error, is_sent=attempt.is_sent)
        if response.status == 407 and self._route.is_forwarded:
            _close(response)
            return replies.PROXY_AUTH_REQUIRED
        return _read(response, key)


def _split_url(url: str) -> tuple[str, str]:
    """Split a URL into its origin (scheme, host and port) and its path."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", slash + path


def _prepare(step: Step, key: SecretStr | None) -> requests.PreparedRequest:
    # requests' own `prepare` costs as much as sending, and is not needed: the URL is checked
    # already, the body is bytes, there are no cookies, files, hooks or authentication.
    request = requests.PreparedRequest()
    request.method = step.request.method
    request.url = step.request.url
    headers = request_headers(step.request, key)
    # Extra headers may repeat one of ours, or each other, in another case.
    request.headers = cast("Any", CaseInsensitiveDict(headers) if step.request.headers else headers)
    request.body = step.request.body
    return request


def _read(response: urllib3.HTTPResponse, key: SecretStr | None) -> Result:
    limit = replies.max_body_bytes(response.status)
    body = bytearray()
    broken: BaseException | None = None
    try:
        while len(body) <= limit and (
            chunk := response.read(replies.CHUNK_BYTES, decode_content=False)
        ):
            body += chunk
            if response.length_remaining == 0:
                break  # another read would only find that nothing is left
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        broken = error
    finally:
        _close(response)
    headers = with_lowercase_names(response.headers.iteritems())
    return replies.response_from_parts(response.status, headers, body, broken, key)


def _close(response: urllib3.HTTPResponse) -> None:
    """Return the connection to its pool; one whose reply was not read to its end is closed."""
    response.close()
    response.release_conn()
