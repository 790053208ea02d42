"""The places where faults happen: gateways over HTTP and TLS, proxies, hosts that do not answer.

A place is opened for one scenario. `Place` names the URL a model calls and the settings it needs.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import trustme

from tests.faults import server as does
from tests.faults.server import JOB, Act, FaultServer, Relay, answer, reply

if TYPE_CHECKING:
    from tests.faults.catalog.scenario import Scenario


@dataclass
class Place:
    """Where a scenario happens.

    Attributes:
        url: The gateway's address.
        gateway: The server behind it; None where nothing listens.
        settings: What a model needs to reach it.
        canaries: Hosts that must never see a connection.
    """

    url: str
    gateway: FaultServer | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    canaries: tuple[FaultServer, ...] = ()


OpenPlace = Callable[["Scenario"], AbstractContextManager[Place]]


def _scripts(scenario: Scenario) -> dict[str, tuple[Act, ...]]:
    return {
        "m": scenario.acts,
        "status": scenario.polls,
        "result": scenario.results,
        "*": scenario.acts,  # where other clients send theirs
    }


@contextlib.contextmanager
def on_this_machine(scenario: Scenario, **settings: Any) -> Iterator[Place]:
    """Open a gateway over plain HTTP."""
    with FaultServer(_scripts(scenario), **settings) as server:
        yield Place(server.url, server)


def greeted(greeting: does.Greeting, scheme: str = "http") -> OpenPlace:
    """A machine that handles every connection before it reads."""

    @contextlib.contextmanager
    def place(scenario: Scenario) -> Iterator[Place]:
        with FaultServer({"*": ()}, greeting=greeting) as server:
            yield Place(server.url.replace("http", scheme, 1), server)

    return place


def without_reading_bodies(scenario: Scenario) -> AbstractContextManager[Place]:
    """Open a gateway that acts as soon as it has read a request's head."""
    return on_this_machine(scenario, reads_bodies=False)


@contextlib.contextmanager
def nobody_listens(_: Scenario) -> Iterator[Place]:
    """Name a port that refuses connections."""
    with does.refused() as url:
        yield Place(url)


@contextlib.contextmanager
def blackhole(_: Scenario) -> Iterator[Place]:
    """Name a port that neither takes nor refuses connections."""
    with does.blackhole() as url:
        yield Place(url)


@contextlib.contextmanager
def no_such_host(_: Scenario) -> Iterator[Place]:
    """Name a host that does not exist."""
    yield Place("https://gateway.invalid/v1")


CA: Final = trustme.CA()
OTHER_CA: Final = trustme.CA()
LONG_AGO: Final = datetime(2001, 1, 1, tzinfo=timezone.utc)


@contextlib.contextmanager
def _trust() -> Iterator[str]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "ca.pem")
        CA.cert_pem.write_to_path(str(path))
        yield str(path)


def over_tls(
    authority: trustme.CA = CA,
    host: str = "127.0.0.1",
    *,
    expired: bool = False,
    wants_client: bool = False,
) -> OpenPlace:
    """A gateway over TLS, whose certificate may not be what it should."""

    @contextlib.contextmanager
    def place(scenario: Scenario) -> Iterator[Place]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        since, until = (LONG_AGO, LONG_AGO.replace(year=2002)) if expired else (None, None)
        cert = authority.issue_cert(host, not_before=since, not_after=until)
        cert.configure_cert(context)
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            CA.configure_trust(context)
        with FaultServer(_scripts(scenario), tls=context) as server, _trust() as path:
            yield Place(server.url, server, {"verify": path})

    return place


def through_proxy(*acts: Act, plain: bool = False) -> OpenPlace:
    """A gateway behind a proxy, which works where no acts are given.

    Args:
        *acts: What the proxy does instead of relaying.
        plain: Whether the gateway is plain HTTP; else the proxy is asked to CONNECT.
    """

    @contextlib.contextmanager
    def place(scenario: Scenario) -> Iterator[Place]:
        gateway = on_this_machine if plain else over_tls()
        proxy = FaultServer({"*": acts}) if acts else Relay()
        with gateway(scenario) as beyond, proxy:
            address = f"127.0.0.1:{proxy.port}"
            settings = {**beyond.settings, "proxy": f"http://me:proxy-secret@{address}"}
            yield replace(beyond, settings=settings)

    return place


@contextlib.contextmanager
def proxy_refuses(scenario: Scenario) -> Iterator[Place]:
    """Open a gateway behind a proxy where nobody listens."""
    with on_this_machine(scenario) as beyond, does.refused() as url:
        yield replace(beyond, settings={"proxy": url.removesuffix("/v1")})


def beside_canary(status: int, location: str) -> OpenPlace:
    """A gateway that redirects, to `{canary}` in the location: a host that must stay unseen."""

    @contextlib.contextmanager
    def place(scenario: Scenario) -> Iterator[Place]:
        with FaultServer({"*": (answer(),)}) as canary:
            target = location.format(canary=f"localhost:{canary.port}")
            redirect = reply(status, b"", {"Location": target})
            scripts = {
                slug: tuple(redirect if act is to_canary else act for act in acts)
                for slug, acts in _scripts(scenario).items()
            }
            with FaultServer(scripts) as server:
                yield Place(server.url, server, canaries=(canary,))

    return place


@contextlib.contextmanager
def with_urls_of_a_canary(scenario: Scenario) -> Iterator[Place]:
    """Open a gateway whose queue names URLs of a job at another host."""
    with FaultServer({"*": (answer(),)}) as canary:
        url = f"http://localhost:{canary.port}/v2/requests/{JOB}"
        body = {"status_url": url, "response_url": url, "poll_url": url, "request_id": JOB}
        scripts = _scripts(scenario) | {"m": (reply(200, body, runs=True),)}
        with FaultServer(scripts) as server:
            yield Place(server.url, server, canaries=(canary,))


def to_canary(_: does.Request) -> None:
    """Stand for a redirect to the canary, whose address is known only once it listens."""
    raise AssertionError("this scenario needs a canary beside it")
