"""Certificates and proxies: both drivers trust the same and take the same ways."""

import asyncio
import base64
import contextlib
import socket
import ssl
import threading

import pytest
import trustme

from langchain_segmind import ChatSegmind, SegmindConnectionError, SegmindError
from tests.faults.server import FaultServer, answer

KEY = "SG_0123456789abcdef"
CA = trustme.CA()
OTHER_CA = trustme.CA()


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)


@pytest.fixture(params=["sync", "async"])
def driver(request):
    return request.param


@pytest.fixture
def ca_file(tmp_path):
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return str(path)


def play(driver, url, n=1, **kwargs):
    """Make n calls at once; give the texts or errors."""
    settings = {"timeout": 5, "max_retries": 0, "model": "m", "api_key": KEY, **kwargs}
    model = ChatSegmind(base_url=url, **settings)

    async def calls():
        async with model:
            return await model.abatch(["hi"] * n, return_exceptions=True)

    if driver == "async":
        results = asyncio.run(calls())
    else:
        with model:
            results = model.batch(["hi"] * n, return_exceptions=True)
    return [r if isinstance(r, Exception) else r.text for r in results]


@contextlib.contextmanager
def https(host="127.0.0.1", authority=CA):
    """A server that speaks TLS with a certificate for a host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    with FaultServer({"m": [answer()]}, tls=context) as server:
        yield server


# --- certificates ----------------------------------------------------------------------------


def test_a_trusted_certificate_is_taken_by_many_calls_at_once(driver, ca_file):
    with https() as server:
        assert play(driver, server.url, n=5, verify=ca_file) == ["fine"] * 5


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_are_found_in_the_environment(driver, ca_file, monkeypatch, variable):
    monkeypatch.setenv(variable, ca_file)

    with https() as server:
        assert play(driver, server.url) == ["fine"]
        assert play(driver, server.url.replace("https", "HTTPS")) == ["fine"]


def test_checking_can_be_turned_off_without_a_warning(driver):
    with https(authority=OTHER_CA) as server:
        assert play(driver, server.url, n=3, verify=False) == ["fine"] * 3


@pytest.mark.parametrize("host", ["127.0.0.1", "other.example"])
def test_a_bad_certificate_ends_the_call_before_anything_is_sent(driver, ca_file, host):
    authority = OTHER_CA if host == "127.0.0.1" else CA
    with https(host, authority) as server:
        errors = play(driver, server.url, n=3, verify=ca_file, max_retries=2)

    for error in errors:
        assert isinstance(error, SegmindConnectionError)
        assert (error.outcome, error.attempts, error.is_retryable) == ("not_sent", 1, False)
        assert "certificate" in str(error)
    assert server.requests == {}


def test_a_pinned_authority_is_the_only_one_trusted(driver, ca_file, monkeypatch, tmp_path):
    other = tmp_path / "other.pem"
    OTHER_CA.cert_pem.write_to_path(str(other))
    monkeypatch.setenv("SSL_CERT_FILE", str(other))

    with https(authority=OTHER_CA) as server:
        errors = play(driver, server.url, n=3, verify=ca_file)

    assert all(isinstance(error, SegmindConnectionError) for error in errors)
    assert server.requests == {}


def test_a_server_that_speaks_no_tls_is_told_apart(driver):
    with Proxy(b"HTTP/1.1 400 Bad Request\r\n\r\n", waits_for=b"") as server:
        (error,) = play(driver, f"https://{server.address}/v1", max_retries=2)

    assert isinstance(error, SegmindConnectionError)
    assert (error.outcome, error.attempts) == ("not_sent", 1)


@pytest.mark.parametrize("content", [None, "", "no certificates here"])
def test_a_file_without_certificates_is_named(driver, tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    (error,) = play(driver, "https://127.0.0.1:9/v1", verify=str(path))

    assert isinstance(error, ValueError)
    assert "verify" in str(error)
    assert "ca.pem" in str(error)


def test_calls_in_a_row_use_one_tls_connection(ca_file):
    with (
        https() as server,
        ChatSegmind(model="m", base_url=server.url, api_key=KEY, verify=ca_file) as model,
    ):
        for _ in range(3):
            model.invoke("hi")

    assert len({id(request.connection) for request in server.seen}) == 1


# --- proxies ---------------------------------------------------------------------------------


class Proxy:
    """A proxy for one kind of way: it notes what it is told, and answers as told."""

    def __init__(self, reply=None, waits_for=b"\r\n\r\n"):
        self.reply, self.waits_for = reply, waits_for
        self.told = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(client,)))
                self._threads[-1].start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError):
            client.settimeout(5)
            data = client.recv(65_536)
            while self.waits_for not in data:
                data += client.recv(65_536)
            self.told.append(data.decode("latin-1"))
            if self.reply is not None:
                client.sendall(self.reply)
                return
            method, target, _ = data.split(b" ", 2)
            host, port = target.rpartition(b":")[::2]
            if method != b"CONNECT":
                host, port = target.split(b"/")[2].split(b":")
            with socket.create_connection((host.decode(), int(port))) as server:
                if method == b"CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                else:
                    server.sendall(data)
                self._pump(client, server)

    def _pump(self, client, server):
        back = threading.Thread(target=_copy, args=(server, client))
        back.start()
        _copy(client, server)
        back.join()


def _copy(source, sink):
    with contextlib.suppress(OSError):
        source.settimeout(0.5)
        while data := source.recv(65_536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


BASIC = "Basic " + base64.b64encode(b"me:proxy-secret").decode()


@pytest.mark.parametrize("how", ["environment", "field"])
def test_https_goes_through_a_proxy_that_never_sees_the_key(driver, ca_file, monkeypatch, how):
    with https() as server, Proxy() as proxy:
        url = f"http://me:proxy-secret@{proxy.address}"
        monkeypatch.setenv("HTTPS_PROXY", url if how == "environment" else "http://127.0.0.1:1")
        given = {"proxy": url} if how == "field" else {}

        assert play(driver, server.url, verify=ca_file, **given) == ["fine"]

    (told,) = proxy.told
    assert told.startswith("CONNECT 127.0.0.1:")
    assert f"Proxy-Authorization: {BASIC}" in told
    assert KEY not in told
    assert "proxy-authorization" not in server.seen[0].headers


@pytest.mark.parametrize("how", ["environment", "field"])
def test_http_goes_through_a_proxy(driver, monkeypatch, how):
    with FaultServer({"m": [answer()]}) as server, Proxy() as proxy:
        url = f"http://me:proxy-secret@{proxy.address}"
        monkeypatch.setenv("HTTP_PROXY", url if how == "environment" else "http://127.0.0.1:1")
        given = {"proxy": url} if how == "field" else {}

        assert play(driver, server.url, **given) == ["fine"]

    assert proxy.told[0].startswith(f"POST {server.url}/m ")
    assert f"Proxy-Authorization: {BASIC}" in proxy.told[0]


def test_no_proxy_is_heeded(driver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    with FaultServer({"m": [answer()]}) as server:
        assert play(driver, server.url) == ["fine"]


FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
UNKNOWN = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("reply", [FORBIDDEN, UNKNOWN, b"", b"what?"])
def test_a_proxy_that_opens_no_way_means_nothing_was_sent(driver, reply):
    with https() as server, Proxy(reply) as proxy:
        (error,) = play(driver, server.url, proxy=f"http://me:proxy-secret@{proxy.address}")

    assert isinstance(error, SegmindConnectionError)
    assert (error.outcome, error.billed) == ("not_sent", False)
    assert "proxy-secret" not in str(error) + repr(vars(error))
    assert server.requests == {}


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://", "http://h:port"])
def test_a_proxy_that_cannot_be_used_is_named_and_not_passed_by(driver, monkeypatch, proxy):
    monkeypatch.setenv("ALL_PROXY", proxy)

    with FaultServer({"m": [answer()]}) as server:
        (error,) = play(driver, server.url)

    assert isinstance(error, ValueError)
    assert "proxy" in str(error)
    assert server.requests == {}


def test_connect_timeout_covers_a_proxy_that_never_answers(driver):
    def silent_for_long(request):
        request.server.wait(5)  # then it closes, which would be no timeout

    with FaultServer({"127.0.0.1:9": [silent_for_long]}) as silent:
        address = silent.url.removesuffix("/v1")
        (error,) = play(
            driver, "https://127.0.0.1:9/v1", proxy=address, connect_timeout=0.3, timeout=None
        )

    assert isinstance(error, SegmindError)
    assert isinstance(error, TimeoutError)
    assert error.outcome == "not_sent"
