"""By which names the local gateway may be called: a web page must not reach it under its own."""

import socket
import sys

import pytest

from langchain_segmind import ChatSegmind
from langchain_segmind.testing import LocalGateway
from tests.integration.local_clients import post, request, text_of
from tests.integration.test_local_process import run

HELLO = "[local stand-in] Hello"
OF_THIS_MACHINE = ["localhost", "LOCALHOST:1", "localhost.", "gateway.localhost:8700", "127.0.0.1"]
OF_THIS_MACHINE += ["127.1.2.3:80", "[::1]", "[::1]:8700", "[::ffff:127.0.0.1]"]
OF_OTHERS = [
    "evil.example",
    "evil.example:8700",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
]
OF_OTHERS += [
    "localhost@evil.example",
    "192.168.1.5",
    "0.0.0.0:8700",
    "[::2]:8700",
    "[::]",
    "x" * 999,
]

has_ipv6 = pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")


@pytest.mark.parametrize("host", OF_THIS_MACHINE)
def test_gateway_answers_to_names_of_this_machine(gateway: LocalGateway, host: str) -> None:
    assert text_of(post(gateway, Host=host)) == HELLO


@pytest.mark.parametrize("host", OF_OTHERS)
def test_gateway_refuses_other_names_and_gives_the_reason(gateway: LocalGateway, host: str) -> None:
    answer = post(gateway, Host=host)

    assert answer.status_code == 403
    assert host[:20] in answer.json()["error"]
    assert "--allow-host" in answer.json()["error"]
    assert (gateway.executions, [r.status for r in gateway.requests]) == (0, [403])


@pytest.mark.parametrize(
    "path", ["/v1/get-user-credits", "/inference-model-information/list", "/v2/requests/1/status"]
)
def test_gateway_refuses_other_names_at_every_address(gateway: LocalGateway, path: str) -> None:
    assert request(gateway, "GET", path, headers={"Host": "evil.example"}).status_code == 403


def test_gateway_refuses_a_request_without_a_name(gateway: LocalGateway) -> None:
    with socket.create_connection(
        ("127.0.0.1", int(gateway.base_url.split(":")[2][:-3]))
    ) as client:
        client.sendall(b"GET /inference-model-information/list HTTP/1.0\r\n\r\n")
        assert client.recv(100).split()[1] == b"403"


@pytest.mark.parametrize(
    "host", ["gateway", "GATEWAY:8700", "gateway.", "10.1.2.3", "[fd00::1]:80"]
)
def test_gateway_answers_to_names_that_are_allowed(host: str) -> None:
    with LocalGateway(allowed_hosts=["Gateway", "10.1.2.3", "[fd00:0::1]"]) as gateway:
        assert text_of(post(gateway, Host=host)) == HELLO
        assert post(gateway, Host="other").status_code == 403


@pytest.mark.parametrize("name", ["", "gateway:8700", "http://gateway", "a b", "*", 1])
def test_gateway_refuses_to_allow_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="allowed_hosts"):
        LocalGateway(allowed_hosts=[name])


@has_ipv6
@pytest.mark.parametrize("host", ["::1", "[::1]"])
async def test_gateway_listens_on_ipv6(host: str) -> None:
    with LocalGateway(host=host) as gateway:
        assert gateway.base_url.startswith("http://[::1]:")
        model = ChatSegmind(model="gpt-4o", base_url=gateway.base_url, api_key=gateway.api_key)
        assert [model.invoke("Hello").text, (await model.ainvoke("Hello")).text] == [HELLO, HELLO]
        await model.aclose()


@has_ipv6
def test_gateway_names_an_ipv6_port_that_is_taken() -> None:
    with LocalGateway(host="::1") as gateway:
        port = int(gateway.base_url.split(":")[-1][:-3])
        with pytest.raises(OSError, match=rf"\[::1\]:{port}"):
            LocalGateway(host="::1", port=port).start()


def test_model_calls_a_gateway_of_another_container_by_an_allowed_name(monkeypatch) -> None:
    monkeypatch.setenv("SEGMIND_ALLOW_HTTP", "gateway")
    gateway = LocalGateway(host="0.0.0.0", allowed_hosts=["gateway"])  # noqa: S104
    gateway.start()
    # Here nothing resolves the name, so the request goes to the gateway as if that were a proxy.
    proxy = gateway.base_url.removesuffix("/v1")
    with ChatSegmind(
        model="gpt-4o", base_url="http://gateway:8700/v1", api_key=gateway.api_key, proxy=proxy
    ) as model:
        assert model.invoke("Hello").text == HELLO
    gateway.stop()

    assert [r.headers["host"] for r in gateway.requests] == ["gateway:8700"]


def test_process_takes_the_address_and_the_names_to_allow() -> None:
    code = (
        "import os, urllib.request as u\n"
        "base = os.environ['SEGMIND_API_BASE']\n"
        "for host in ('one', 'two:80', 'localhost'):\n"
        "    sent = u.Request(base.replace('v1', 'inference-model-information/list'),"
        " headers={'Host': host})\n"
        "    print(u.build_opener(u.ProxyHandler({})).open(sent).status)\n"
    )
    python = ["--", sys.executable, "-c", code]

    done = run("--host", "0.0.0.0", "--allow-host", "one", "--allow-host", "two", *python)  # noqa: S104

    assert done.stdout.split()[-3:] == ["200"] * 3, done.stderr
