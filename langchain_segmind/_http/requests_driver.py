"""The sync driver's sockets: requests' adapter, with a deadline that a dripping server cannot beat.

A socket's timeout starts anew with every byte. So each read and write here first sets it to what
is left of the attempt's time.
"""

from __future__ import annotations

import http
import http.client
import io
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Final, cast

import requests
import urllib3
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NewConnectionError

from langchain_segmind._flows.types import Reply, Step
from langchain_segmind._http import common
from langchain_segmind._http.connect import dial


class _Attempt(threading.local):
    """This thread's attempt: when it must end, and whether anything of the request has left."""

    deadline: float | None = None
    sent: bool = False

    def left(self) -> float | None:
        """Seconds left; None for no limit.

        Raises:
            TimeoutError: If there are none.
        """
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


_attempt: Final = _Attempt()


class _TimedReader(io.RawIOBase):
    """Reads a socket within what is left of the attempt's time."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_attempt.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _WholeLines(io.BufferedReader):
    """Refuses half a line: http.client takes a connection's end for that of the head."""

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:
            raise http.client.RemoteDisconnected("the connection was closed within the reply")
        return line


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = _WholeLines(_TimedReader(sock, self.fp.detach()))

    def begin(self) -> None:
        super().begin()
        while 100 < self.status < 200 and self.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            # An interim reply: the answer is still to come, and `begin` must read on.
            vars(self).update(headers=None, msg=None)
            super().begin()
        wrong = common.validate_headers(self.status, common.lowered(self.headers.items()))
        if wrong or self.headers.defects:  # a line that is no header hides all that follow it
            raise http.client.HTTPException(wrong or "the reply has a header that is none")


def _in_time(connect: Callable[[], socket.socket]) -> socket.socket:
    """Connect within what is left of the attempt's time.

    Resolving a name has no timeout of its own. So a thread does it, one that can be left behind.
    """
    connecting: Future[socket.socket] = Future()
    try:
        threading.Thread(target=_fulfil, args=(connecting, connect), daemon=True).start()
    except RuntimeError:
        return connect()  # the interpreter is about to end, or there are too many threads
    try:
        return connecting.result(_attempt.left())
    except FutureTimeoutError:
        raise TimeoutError("timed out") from None
    finally:
        if not connecting.done():
            connecting.add_done_callback(_close_late)


def _fulfil(future: Future[socket.socket], connect: Callable[[], socket.socket]) -> None:
    try:
        sock = connect()
    except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
        future.set_exception(error)
    else:
        future.set_result(sock)


def _close_late(connecting: Future[socket.socket]) -> None:
    if connecting.exception() is None:
        connecting.result().close()


class _TimedConnection(HTTPConnection):
    """A connection that keeps the attempt's deadline and notes when the request begins to leave."""

    response_class = _TimedResponse
    _idle_since = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether urllib3 may use this connection again."""
        idle = time.monotonic() - self._idle_since
        # Bytes that TLS has unpacked already would be read as the next answer.
        leftover = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
        return idle < common.LONGEST_IDLE and not leftover and super().is_connected

    def connect(self) -> None:
        whole = _attempt.deadline
        if isinstance(self.timeout, int | float):  # here it is the connect timeout
            connecting = time.monotonic() + self.timeout
            _attempt.deadline = connecting if whole is None else min(whole, connecting)
        try:
            super().connect()
        finally:
            _attempt.deadline = whole
            _attempt.sent = False  # what a CONNECT told the proxy was not the request

    def _new_conn(self) -> socket.socket:
        # urllib3 1.26 to 2.8 open the socket in this private method; if it were no longer called, a
        # dead address of a host would again hide those that work, and a slow name server would
        # defeat the deadline.
        left = _attempt.left()
        try:
            sock = _in_time(lambda: self._dial(left))
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"Connection to {self.host} timed out") from error
        except OSError as error:
            raise NewConnectionError(self, f"Failed to connect: {error}") from error
        except UnicodeError:  # from getaddrinfo
            raise LocationParseError(f"{self.host!r}, label empty or too long") from None
        sys.audit("http.client.connect", self, self.host, self.port)
        sock.settimeout(_attempt.left())  # for TLS
        return sock

    def _dial(self, timeout: float | None) -> socket.socket:
        # `_dns_host` (urllib3 since 1.24) keeps the dot at the end of a name, which `host` drops:
        # without it, the resolver would also look in the search domains of this machine.
        host = self._dns_host
        return dial(host, self.port, timeout, self.socket_options or (), self.source_address)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.sock.settimeout(_attempt.left())
        _attempt.sent = True
        super().send(data)

    def getresponse(self) -> Any:
        response = super().getresponse()
        self._idle_since = time.monotonic()
        return response


class _TimedTLSConnection(_TimedConnection, HTTPSConnection):
    """The same over TLS."""

    def connect(self) -> None:
        super().connect()
        self.is_verified = True  # who set verify=False need not be warned at every request


class _Pool(HTTPConnectionPool):
    ConnectionCls = _TimedConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTLSConnection


_POOLS: Final = {"http": _Pool, "https": _TLSPool}


class _Adapter(HTTPAdapter):
    """requests' adapter over our connections.

    It finds proxy, certificates and pool once a host, where requests does at every call: both are
    the same for all calls of a link.

    Args:
        limit: Connections that a pool keeps.
        tls: What certificates are checked with; None where there is no TLS, or it is not checked.
    """

    def __init__(self, limit: int, tls: ssl.SSLContext | None) -> None:
        self._pools: dict[str, HTTPConnectionPool] = {}
        self._tls = tls
        super().__init__(pool_connections=2, pool_maxsize=limit)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **{**kwargs, "proxy_ssl_context": self._tls})
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        """Give the pool of a request's host."""
        url = request.url or ""
        host, _ = _split(url)
        pool = self._pools.get(host)
        if pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            if isinstance(pool, HTTPSConnectionPool):
                self._secure(pool, verify)
            self._pools[host] = pool
        return pool

    def _secure(self, pool: HTTPSConnectionPool, verify: bool | str) -> None:
        """Have our own TLS context check whom the pool connects to, a proxy as well as the gateway.

        requests goes by the request's URL, and so never checks an HTTPS proxy that forwards plain
        HTTP, and it leaves whether the host name is checked to urllib3's default.
        """
        pool.cert_reqs = ssl.CERT_NONE if verify is False else ssl.CERT_REQUIRED
        pool.ca_certs = pool.ca_cert_dir = None  # the context has read them already
        pool.conn_kw["ssl_context"] = self._tls

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing is left to do: the pool was made with its certificates."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """Give what the request asks for: a proxy is told the whole URL."""
        return super().request_url(request, proxies) if proxies else _split(request.url or "")[1]

    def build_response(
        self,
        req: requests.PreparedRequest,  # noqa: ARG002 - requests gives it
        resp: Any,
    ) -> requests.Response:
        """Hand on what is read of it here: the status and urllib3's own response."""
        response = requests.Response()
        response.status_code = resp.status
        response.raw = resp
        return response

    def close(self) -> None:
        self._pools.clear()
        super().close()


class SyncConnections:
    """One process's connections.

    The adapter is used without its session: a session follows redirects (it parses `Location` even
    when told not to), keeps cookies and reads .netrc, none of which may happen here.
    """

    def __init__(self, network: common.Network) -> None:
        self._route = common.resolve_route(network)
        tls = None
        if isinstance(self._route.verify, str) or common.needs_tls(network, self._route):
            tls = common.tls_context(self._route.verify)  # a file that cannot be read raises here
        self._is_forwarded = common.is_forwarded(network, self._route)
        limit = common.connection_limit(network.max_connections)
        self._adapter = _Adapter(limit, tls or None)
        self._gate = threading.BoundedSemaphore(limit)

    def send(
        self, step: Step, key: SecretStr | None, observer: common.CallObserver | None = None
    ) -> Reply:
        """Send one request and read its reply, or tell how far it came.

        Args:
            step: What to send, and how patiently.
            key: The gateway's key; None to send none.
            observer: Asked when nothing but the sending is left; may raise to prevent it.
        """
        began = time.monotonic()
        if not self._gate.acquire(timeout=step.retry_policy):
            return common.NO_CONNECTION
        try:
            # A wait for the gate counts for the total timeout, not for the attempt's own.
            began = time.monotonic() if step.retry_policy is None else began
            _attempt.deadline = None if step.timeout is None else began + step.timeout
            _attempt.sent = False
            if observer is not None:
                observer.before_send()
            return self._exchange(step, key)
        finally:
            self._gate.release()

    def close(self) -> None:
        """Close all connections that are not in use."""
        self._adapter.close()

    def _exchange(self, step: Step, key: SecretStr | None) -> Reply:
        try:
            response = self._adapter.send(
                _prepared(step, key),
                stream=True,
                # Reading is timed by _TimedReader, by what is left of the whole attempt.
                timeout=(_shorter(step.connect_timeout, step.timeout), None),
                verify=self._route.verify,
                proxies=self._route.proxies,
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return common.failed(error, sent=_attempt.sent)
        if response.status_code == 407 and self._is_forwarded:
            response.close()
            return common.UNKNOWN_TO_PROXY
        return _read(response, key)


def _split(url: str) -> tuple[str, str]:
    """Take a URL apart into its host, with scheme and port, and its path."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", slash + path


def _shorter(a: float | None, b: float | None) -> float | None:
    return min((t for t in (a, b) if t is not None), default=None)


def _prepared(step: Step, key: SecretStr | None) -> requests.PreparedRequest:
    # Preparing anew at every call costs as much as sending: the URL is checked already, the body is
    # bytes, there are no cookies, files, hooks or authentication.
    request = requests.PreparedRequest()
    request.method = step.request.method
    request.url = step.request.url
    headers = common.headers_for(step.request, key)
    # Extra headers may name one of ours, or one twice, in another case.
    request.headers = cast("Any", CaseInsensitiveDict(headers) if step.request.headers else headers)
    request.body = step.request.body
    return request


def _read(response: requests.Response, key: SecretStr | None) -> Reply:
    cap = common.cap_for(response.status_code)
    read: Callable[..., bytes] = response.raw.read
    body = bytearray()
    broken: BaseException | None = None
    try:
        while len(body) <= cap and (chunk := read(common.CHUNK, decode_content=False)):
            body += chunk
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        broken = error
    finally:
        response.close()
    headers = common.lowered(response.raw.headers.iteritems())
    return common.response_from_parts(response.status_code, headers, body, broken, key)
