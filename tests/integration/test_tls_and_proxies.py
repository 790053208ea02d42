"""Certificates and proxies: both drivers trust the same authorities and use the same proxies."""

import base64
import contextlib
import os
import ssl
import subprocess
import sys

import pytest
import trustme

from langchain_segmind import SegmindConnectionError, SegmindTimeoutError
from tests.faults import checks
from tests.faults.checks import KEY, both_drivers, build, call
from tests.faults.server import FaultServer, Relay, answer, refused, reply

CA = trustme.CA()
OTHER_CA = trustme.CA()
VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""In the order in which they count."""

NOT_CONNECTED = (SegmindConnectionError, SegmindTimeoutError)

pytestmark = both_drivers


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ca_file(tmp_path):
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return str(path)


def play(driver, url, n=1, **settings):
    """Make n concurrent calls; return the texts or errors."""
    model = build(url, **{"max_retries": 0, **settings})
    results = call(driver, model, ["hi"] * n, method="batch", return_exceptions=True)
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


# A certificate for this host that nobody trusts, and a trusted one for another host.
invalid_certificates = pytest.mark.parametrize(
    "certificate", [("127.0.0.1", OTHER_CA), ("other.example", CA)], ids=["authority", "host"]
)


# --- certificates ----------------------------------------------------------------------------


def test_trusted_certificate_is_accepted_by_concurrent_calls(driver, ca_file):
    with https() as server:
        assert play(driver, server.url, n=5, verify=ca_file) == ["fine"] * 5


def authorities(variable, folder, authority=CA):
    """Write an authority as a variable's value names it: in a file, or in a folder by its hash."""
    folder.mkdir()
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    if variable != "SSL_CERT_DIR":
        return str(path)
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(path)]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    path.rename(folder / f"{name}.0")
    return str(folder)


@pytest.mark.parametrize("variable", VARIABLES)
def test_authorities_come_from_the_environment(driver, tmp_path, monkeypatch, variable):
    monkeypatch.setenv(variable, authorities(variable, tmp_path / "trusted"))

    with https() as server:
        assert play(driver, server.url) == ["fine"]
        assert play(driver, server.url.replace("https", "HTTPS")) == ["fine"]


def test_folders_of_authorities_may_be_a_list(driver, tmp_path, monkeypatch):
    folder = authorities("SSL_CERT_DIR", tmp_path / "trusted")
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'missing'}{os.pathsep}{folder}")

    with https() as server:
        assert play(driver, server.url) == ["fine"]


@pytest.mark.parametrize("first", range(len(VARIABLES) - 1))
def test_first_variable_with_authorities_counts(driver, tmp_path, monkeypatch, first):
    monkeypatch.setenv(VARIABLES[first], authorities(VARIABLES[first], tmp_path / "first"))
    for variable in VARIABLES[first + 1 :]:
        folder = tmp_path / variable
        monkeypatch.setenv(variable, authorities(variable, folder, OTHER_CA))

    with https() as server, https(authority=OTHER_CA) as other:
        assert play(driver, server.url) == ["fine"]
        (error,) = play(driver, other.url)

    assert isinstance(error, SegmindConnectionError)
    assert [name for name in VARIABLES if name not in str(error)] == []
    assert f"127.0.0.1:{other.port}" in str(error)


@pytest.mark.parametrize("variable", VARIABLES)
def test_error_names_the_variables_when_a_path_does_not_exist(driver, monkeypatch, variable):
    monkeypatch.setenv(variable, "/nowhere/ca")

    (error,) = play(driver, "https://127.0.0.1:9/v1")

    assert isinstance(error, ValueError)
    assert [name for name in ("/nowhere/ca", *VARIABLES) if name not in str(error)] == []


def test_verify_false_does_not_warn(driver):
    with https(authority=OTHER_CA) as server:
        assert play(driver, server.url, n=3, verify=False) == ["fine"] * 3


@invalid_certificates
def test_invalid_certificate_fails_before_anything_is_sent(driver, ca_file, certificate):
    with https(*certificate) as server:
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


@invalid_certificates
def test_certificate_is_checked_when_urllib3_defaults_to_no_checks(driver, ca_file, certificate):
    with https(*certificate) as impostor:
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


@pytest.mark.parametrize("content", [None, "", "no certificates here"])
def test_error_names_a_file_without_certificates(driver, tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    (error,) = play(driver, "https://127.0.0.1:9/v1", verify=str(path))

    assert isinstance(error, ValueError)
    assert "verify" in str(error)
    assert "ca.pem" in str(error)


def test_sequential_calls_reuse_one_tls_connection(driver, ca_file):
    with https() as server:
        assert checks.play(driver, server.url, calls=3, verify=ca_file).text == "fine"

    assert server.connections == 1


# --- proxies ---------------------------------------------------------------------------------


def elsewhere(server):
    """Return the address of a server under another host's name."""
    return server.url.replace("127.0.0.1", "gateway.example")


FORBIDDEN = reply(403, b"")
UNAVAILABLE = reply(503, b"")
BASIC = "Basic " + base64.b64encode(b"me:proxy-secret").decode()


@pytest.mark.parametrize("how", ["environment", "field"])
def test_https_is_tunneled_so_that_the_proxy_never_sees_the_key(driver, ca_file, monkeypatch, how):
    with https("gateway.example") as server, Relay() as proxy:
        url = f"http://me:proxy-secret@{proxy.address}"
        monkeypatch.setenv("HTTPS_PROXY", url if how == "environment" else "http://127.0.0.1:1")
        given = {"proxy": url} if how == "field" else {}

        assert play(driver, elsewhere(server), verify=ca_file, **given) == ["fine"]

    (received,) = proxy.received
    assert received.startswith("CONNECT gateway.example:")
    assert f"proxy-authorization: {BASIC}" in received
    assert KEY not in received
    assert "proxy-authorization" not in server.seen[0].headers


def test_http_uses_the_given_proxy(driver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    with FaultServer({"m": [answer()]}) as server, Relay() as proxy:
        url = f"http://me:proxy-secret@{proxy.address}"
        assert play(driver, server.url, proxy=url) == ["fine"]

    assert proxy.received[0].startswith(f"POST {server.url}/m ")
    assert f"proxy-authorization: {BASIC}" in proxy.received[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_environment_proxy_is_not_used_for_this_machine(driver, monkeypatch, variable, host):
    with FaultServer({"m": [answer()]}) as server, Relay(UNAVAILABLE) as proxy:
        monkeypatch.setenv(variable, f"http://{proxy.address}")

        assert play(driver, server.url.replace("127.0.0.1", host)) == ["fine"]

    assert proxy.received == []


SPELLINGS = ["127.1", "127.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "0"]  # noqa: S104
SPELLINGS += ["[::]", "[::ffff:0.0.0.0]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "127.0.0.1."]
LOOPBACK = ["127.0.0.2", "127.255.255.254", "[::1]", "[::ffff:127.0.0.1]"]


@pytest.mark.parametrize(
    "origin",
    [
        *(f"{scheme}://{host}" for scheme in ("http", "https") for host in LOOPBACK),
        *(f"https://{host}" for host in SPELLINGS),
    ],
)
def test_environment_proxy_is_not_used_for_any_spelling_of_loopback(driver, monkeypatch, origin):
    with Relay(UNAVAILABLE) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://{proxy.address}")

        (error,) = play(driver, f"{origin}:9/v1", connect_timeout=0.5)

    assert isinstance(error, NOT_CONNECTED)
    assert error.outcome == "not_sent"
    assert proxy.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost.", "gateway.localhost"])
def test_environment_proxy_is_not_asked_for_a_tunnel_to_this_machine(driver, monkeypatch, host):
    with https() as server, Relay() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")

        play(driver, server.url.replace("127.0.0.1", host))

    assert proxy.received == []


@pytest.mark.parametrize("host", ["127.1", "0.0.0.0", "2130706433", "[::]", "127.0.0.1."])  # noqa: S104
def test_plain_http_to_a_spelling_of_loopback_is_refused(driver, host):
    with pytest.raises(ValueError, match="https"):
        build(f"http://{host}:9/v1")


@pytest.mark.parametrize(
    "host", ["128.1", "10.0.0.1", "1", "0x7e000001", "[::2]", "[::ffff:8.8.8.8]"]
)
def test_environment_proxy_is_used_for_other_addresses(driver, monkeypatch, host):
    with Relay(FORBIDDEN) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        play(driver, f"https://{host}/v1")

    assert len(proxy.received) == 1


@pytest.mark.parametrize("exempt", ["*", "localhost,.invalid", "gateway.invalid"])
def test_no_proxy_variable_exempts_as_in_requests(driver, monkeypatch, exempt):
    with Relay(FORBIDDEN) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("NO_PROXY", exempt)
        play(driver, "https://gateway.invalid/v1")
        play(driver, "https://localhost:9/v1")

    assert proxy.received == []


def test_given_proxy_is_used_for_this_machine_when_no_proxy_exempts_it(driver, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    with FaultServer({"m": [answer()]}) as server, Relay() as proxy:
        assert play(driver, server.url, proxy=f"http://{proxy.address}") == ["fine"]

    assert len(proxy.received) == 1


def test_no_proxy_variable_exempts_its_hosts(driver, monkeypatch):
    with Relay(FORBIDDEN) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        play(driver, "https://gateway.invalid/v1")
        monkeypatch.setenv("NO_PROXY", "other.invalid,gateway.invalid")
        play(driver, "https://gateway.invalid/v1")
        play(driver, "https://127.0.0.1.invalid/v1")

    targets = [request.split()[1] for request in proxy.received]
    assert targets == ["gateway.invalid:443", "127.0.0.1.invalid:443"]


# --- proxies that are reached over TLS -------------------------------------------------------


def test_https_proxy_is_checked_with_the_same_authorities(driver, ca_file):
    with Relay(answer(), tls=certified("127.0.0.1")) as proxy:
        texts = play(
            driver, "http://127.0.0.1:9/v1", proxy=f"https://{proxy.address}", verify=ca_file
        )

    assert texts == ["fine"]
    assert proxy.received[0].startswith("POST http://127.0.0.1:9/v1/m ")


@pytest.mark.parametrize("variable", [None, "SSL_CERT_FILE"])
def test_https_is_tunneled_through_an_https_proxy(driver, ca_file, monkeypatch, variable):
    if variable:
        monkeypatch.setenv(variable, ca_file)
    with (
        https("gateway.example") as server,
        Relay(tls=certified("127.0.0.1")) as proxy,
    ):
        url = f"https://me:proxy-secret@{proxy.address}"
        given = {} if variable else {"verify": ca_file}
        assert play(driver, elsewhere(server), proxy=url, **given) == ["fine"]

    (received,) = proxy.received
    assert received.startswith("CONNECT gateway.example:")
    assert f"proxy-authorization: {BASIC}" in received
    assert KEY not in received
    assert "proxy-authorization" not in server.seen[0].headers


def test_gateway_behind_an_https_proxy_is_checked(driver, ca_file):
    with (
        https("gateway.example", OTHER_CA) as impostor,
        Relay(tls=certified("127.0.0.1")) as proxy,
    ):
        given = {"proxy": f"https://{proxy.address}", "verify": ca_file}
        (error,) = play(driver, elsewhere(impostor), **given)

    assert isinstance(error, SegmindConnectionError)
    assert error.outcome == "not_sent"
    assert impostor.requests == {}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_refused_connection_is_reported_with_host_and_port(driver, scheme):
    with refused() as url:
        address = url.removeprefix("http://").removesuffix("/v1")
        (error,) = play(driver, f"{scheme}://{address}/v1")
        given = {"proxy": f"{scheme}://me:proxy-secret@{address}"}
        (behind,) = play(driver, "https://gateway.example/v1", **given)

    assert address in str(error)
    assert f"gateway.example:443 through the proxy {address}" in str(behind)
    assert "proxy-secret" not in str(behind)


@invalid_certificates
@pytest.mark.parametrize("gateway", ["http://127.0.0.1:9/v1", "https://gateway.example/v1"])
def test_https_proxy_with_an_invalid_certificate_receives_nothing(
    driver, ca_file, gateway, certificate
):
    with Relay(UNAVAILABLE, tls=certified(*certificate)) as proxy:
        errors = [
            *play(driver, gateway, proxy=f"https://{proxy.address}", verify=ca_file),
            *play(driver, gateway, proxy=f"HTTPS://{proxy.address}", verify=ca_file),
        ]

    for error in errors:
        assert isinstance(error, SegmindConnectionError)
        assert (error.outcome, error.billed) == ("not_sent", False)
    assert proxy.received == []


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://", "http://h:port"])
def test_unusable_proxy_is_an_error_and_not_bypassed(driver, monkeypatch, proxy):
    monkeypatch.setenv("ALL_PROXY", proxy)

    (error,) = play(driver, "https://gateway.invalid/v1")

    assert isinstance(error, ValueError)
    assert "proxy" in str(error)
