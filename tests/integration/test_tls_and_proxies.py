"""Certificates and proxies: both drivers trust the same authorities and use the same proxies."""

import asyncio
import base64
import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading

import pytest
import trustme

from langchain_segmind import ChatSegmind, SegmindConnectionError, SegmindError, SegmindTimeoutError
from tests.faults.server import ANSWER, FaultServer, answer

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
    """Make n concurrent calls; return the texts or errors."""
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


def certified(host, authority=CA):
    """Build the TLS context of a server with a certificate for a host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


@contextlib.contextmanager
def https(host="127.0.0.1", authority=CA):
    """Run a TLS server with a certificate for a host."""
    with FaultServer({"m": [answer()]}, tls=certified(host, authority)) as server:
        yield server


# --- certificates ----------------------------------------------------------------------------


def test_trusted_certificate_is_accepted_by_concurrent_calls(driver, ca_file):
    with https() as server:
        assert play(driver, server.url, n=5, verify=ca_file) == ["fine"] * 5


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_come_from_the_environment(driver, ca_file, monkeypatch, variable):
    monkeypatch.setenv(variable, ca_file)

    with https() as server:
        assert play(driver, server.url) == ["fine"]
        assert play(driver, server.url.replace("https", "HTTPS")) == ["fine"]


def test_verify_false_does_not_warn(driver):
    with https(authority=OTHER_CA) as server:
        assert play(driver, server.url, n=3, verify=False) == ["fine"] * 3


@pytest.mark.parametrize("host", ["127.0.0.1", "other.example"])
def test_invalid_certificate_fails_before_anything_is_sent(driver, ca_file, host):
    authority = OTHER_CA if host == "127.0.0.1" else CA
    with https(host, authority) as server:
        errors = play(driver, server.url, n=3, verify=ca_file, max_retries=2)

    for error in errors:
        assert isinstance(error, SegmindConnectionError)
        assert (error.outcome, error.attempts, error.is_retryable) == ("not_sent", 1, False)
        assert "certificate" in str(error)
    assert server.requests == {}


WEAK_DEFAULTS = """
import asyncio, ssl, sys

import urllib3.util.ssl_

create = urllib3.util.ssl_.create_urllib3_context


def create_as_urllib3_1_26_does(*args, **kwargs):
    context = create(*args, **kwargs)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


urllib3.util.ssl_.create_urllib3_context = create_as_urllib3_1_26_does
urllib3.connection.create_urllib3_context = create_as_urllib3_1_26_does

from langchain_segmind import ChatSegmind, SegmindConnectionError

driver, url, ca_file, key = sys.argv[1:]
model = ChatSegmind(model="m", api_key=key, base_url=url, verify=ca_file, max_retries=0)
try:
    model.invoke("hi") if driver == "sync" else asyncio.run(model.ainvoke("hi"))
except SegmindConnectionError as error:
    print(error.outcome)
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "other.example"])
def test_certificate_is_checked_when_urllib3_defaults_to_no_checks(driver, ca_file, host):
    authority = OTHER_CA if host == "127.0.0.1" else CA
    with https(host, authority) as impostor:
        arguments = [driver, impostor.url, ca_file, KEY]
        done = subprocess.run(
            [sys.executable, "-c", WEAK_DEFAULTS, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    assert done.stdout == "not_sent\n", done.stderr
    assert impostor.requests == {}


def test_only_the_given_authority_is_trusted(driver, ca_file, monkeypatch, tmp_path):
    other = tmp_path / "other.pem"
    OTHER_CA.cert_pem.write_to_path(str(other))
    monkeypatch.setenv("SSL_CERT_FILE", str(other))

    with https(authority=OTHER_CA) as server:
        errors = play(driver, server.url, n=3, verify=ca_file)

    assert all(isinstance(error, SegmindConnectionError) for error in errors)
    assert server.requests == {}


def test_server_without_tls_is_not_retried(driver):
    with Proxy(b"HTTP/1.1 400 Bad Request\r\n\r\n", waits_for=b"") as server:
        (error,) = play(driver, f"https://{server.address}/v1", max_retries=2)

    assert isinstance(error, SegmindConnectionError)
    assert (error.outcome, error.attempts) == ("not_sent", 1)


@pytest.mark.parametrize("content", [None, "", "no certificates here"])
def test_error_names_a_file_without_certificates(driver, tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    (error,) = play(driver, "https://127.0.0.1:9/v1", verify=str(path))

    assert isinstance(error, ValueError)
    assert "verify" in str(error)
    assert "ca.pem" in str(error)


def test_sequential_calls_reuse_one_tls_connection(ca_file):
    with (
        https() as server,
        ChatSegmind(model="m", base_url=server.url, api_key=KEY, verify=ca_file) as model,
    ):
        for _ in range(3):
            model.invoke("hi")

    assert len({id(request.connection) for request in server.seen}) == 1


# --- proxies ---------------------------------------------------------------------------------


class Proxy:
    """A proxy that records what it receives, and forwards it or sends a fixed reply.

    It resolves `gateway.example` to this machine, so that tests can use another host's name.
    """

    def __init__(self, reply=None, waits_for=b"\r\n\r\n", tls=None):
        self.reply, self.waits_for, self.tls = reply, waits_for, tls
        self.received = []
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
        with contextlib.ExitStack() as closing, contextlib.suppress(OSError):
            closing.enter_context(client)
            client.settimeout(5)
            if self.tls is not None:
                client = closing.enter_context(self.tls.wrap_socket(client, server_side=True))
            data = client.recv(65_536)
            while self.waits_for not in data:
                data += client.recv(65_536)
            self.received.append(data.decode("latin-1"))
            if self.reply is not None:
                client.sendall(self.reply)
                return
            method, target, _ = data.split(b" ", 2)
            host, port = target.rpartition(b":")[::2]
            if method != b"CONNECT":
                host, port = target.split(b"/")[2].split(b":")
            host = "127.0.0.1" if host == b"gateway.example" else host.decode()
            with socket.create_connection((host, int(port))) as server:
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


def elsewhere(server):
    """Return the address of a server under another host's name."""
    return server.url.replace("127.0.0.1", "gateway.example")


BASIC = "Basic " + base64.b64encode(b"me:proxy-secret").decode()


@pytest.mark.parametrize("how", ["environment", "field"])
def test_https_is_tunneled_so_that_the_proxy_never_sees_the_key(driver, ca_file, monkeypatch, how):
    with https("gateway.example") as server, Proxy() as proxy:
        url = f"http://me:proxy-secret@{proxy.address}"
        monkeypatch.setenv("HTTPS_PROXY", url if how == "environment" else "http://127.0.0.1:1")
        given = {"proxy": url} if how == "field" else {}

        assert play(driver, elsewhere(server), verify=ca_file, **given) == ["fine"]

    (received,) = proxy.received
    assert received.startswith("CONNECT gateway.example:")
    assert f"Proxy-Authorization: {BASIC}" in received
    assert KEY not in received
    assert "proxy-authorization" not in server.seen[0].headers


def test_http_uses_the_given_proxy(driver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    with FaultServer({"m": [answer()]}) as server, Proxy() as proxy:
        url = f"http://me:proxy-secret@{proxy.address}"
        assert play(driver, server.url, proxy=url) == ["fine"]

    assert proxy.received[0].startswith(f"POST {server.url}/m ")
    assert f"Proxy-Authorization: {BASIC}" in proxy.received[0]


ELSEWHERE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_environment_proxy_is_not_used_for_this_machine(driver, monkeypatch, variable, host):
    with FaultServer({"m": [answer()]}) as server, Proxy(ELSEWHERE) as proxy:
        monkeypatch.setenv(variable, f"http://{proxy.address}")

        assert play(driver, server.url.replace("127.0.0.1", host)) == ["fine"]

    assert proxy.received == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.2", "127.255.255.254", "[::1]", "[::ffff:127.0.0.1]"])
def test_environment_proxy_is_not_used_for_loopback_addresses(driver, monkeypatch, scheme, host):
    with Proxy(ELSEWHERE) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://{proxy.address}")

        (error,) = play(driver, f"{scheme}://{host}:9/v1", connect_timeout=0.5)

    assert isinstance(error, SegmindConnectionError | SegmindTimeoutError)
    assert error.outcome == "not_sent"
    assert proxy.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost.", "gateway.localhost"])
def test_environment_proxy_is_not_asked_for_a_tunnel_to_this_machine(driver, monkeypatch, host):
    with https() as server, Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")

        play(driver, server.url.replace("127.0.0.1", host))

    assert proxy.received == []


SPELLINGS = ["127.1", "127.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "0"]  # noqa: S104
SPELLINGS += ["[::]", "[::ffff:0.0.0.0]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "127.0.0.1."]


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_proxy_of_the_environment_is_asked_for_this_machine_however_it_is_written(
    driver, monkeypatch, host
):
    with Proxy(ELSEWHERE) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://{proxy.address}")

        (error,) = play(driver, f"https://{host}:9/v1", connect_timeout=0.5)

    assert isinstance(error, SegmindConnectionError | SegmindTimeoutError)
    assert proxy.received == []


@pytest.mark.parametrize("host", ["127.1", "0.0.0.0", "2130706433", "[::]", "127.0.0.1."])  # noqa: S104
def test_plain_http_to_such_spellings_is_refused(host):
    with pytest.raises(ValueError, match="https"):
        ChatSegmind(model="m", base_url=f"http://{host}:9/v1", api_key="SG_key")


@pytest.mark.parametrize(
    "host", ["128.1", "10.0.0.1", "1", "0x7e000001", "[::2]", "[::ffff:8.8.8.8]"]
)
def test_a_proxy_is_asked_for_other_addresses(driver, monkeypatch, host):
    with Proxy(FORBIDDEN) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        play(driver, f"https://{host}/v1")

    assert len(proxy.received) == 1


def test_no_proxy_variable_exempts_its_hosts(driver, monkeypatch):
    with Proxy(FORBIDDEN) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        play(driver, "https://gateway.invalid/v1")
        monkeypatch.setenv("NO_PROXY", "other.invalid,gateway.invalid")
        play(driver, "https://gateway.invalid/v1")
        play(driver, "https://127.0.0.1.invalid/v1")

    targets = [request.split()[1] for request in proxy.received]
    assert targets == ["gateway.invalid:443", "127.0.0.1.invalid:443"]


# --- proxies that are reached over TLS -------------------------------------------------------

ANSWER_AT_PROXY = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"


def test_https_proxy_is_checked_with_the_same_authorities(driver, ca_file):
    body = json.dumps(ANSWER).encode()
    reply = ANSWER_AT_PROXY % (len(body), body)

    with Proxy(reply, waits_for=b"}]}", tls=certified("127.0.0.1")) as proxy:
        texts = play(
            driver, "http://127.0.0.1:9/v1", proxy=f"https://{proxy.address}", verify=ca_file
        )

    assert texts == ["fine"]
    assert proxy.received[0].startswith("POST http://127.0.0.1:9/v1/m ")


@pytest.mark.parametrize("host", ["127.0.0.1", "other.example"])
@pytest.mark.parametrize("gateway", ["http://127.0.0.1:9/v1", "https://gateway.example/v1"])
def test_https_proxy_with_an_invalid_certificate_receives_nothing(driver, ca_file, gateway, host):
    authority = OTHER_CA if host == "127.0.0.1" else CA
    with Proxy(ELSEWHERE, tls=certified(host, authority)) as proxy:
        errors = [
            *play(driver, gateway, proxy=f"https://{proxy.address}", verify=ca_file),
            *play(driver, gateway, proxy=f"HTTPS://{proxy.address}", verify=ca_file),
        ]

    for error in errors:
        assert isinstance(error, SegmindConnectionError)
        assert (error.outcome, error.billed) == ("not_sent", False)
    assert proxy.received == []


# --- proxies that fail -----------------------------------------------------------------------

FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
UNKNOWN = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("reply", [FORBIDDEN, UNKNOWN, b"", b"what?"])
def test_refused_tunnel_means_not_sent(driver, reply):
    with https() as server, Proxy(reply) as proxy:
        (error,) = play(driver, server.url, proxy=f"http://me:proxy-secret@{proxy.address}")

    assert isinstance(error, SegmindConnectionError)
    assert (error.outcome, error.billed) == ("not_sent", False)
    assert "proxy-secret" not in str(error) + repr(vars(error))
    assert server.requests == {}


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://", "http://h:port"])
def test_unusable_proxy_is_an_error_and_not_bypassed(driver, monkeypatch, proxy):
    monkeypatch.setenv("ALL_PROXY", proxy)

    (error,) = play(driver, "https://gateway.invalid/v1")

    assert isinstance(error, ValueError)
    assert "proxy" in str(error)


def test_connect_timeout_covers_a_silent_proxy(driver):
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
