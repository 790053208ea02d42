"""One fault as a value, and the places where faults happen."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import trustme

from langchain_segmind import errors as e
from tests.faults import server as does
from tests.faults.server import JOB, Act, FaultServer, Relay, answer, reply


@dataclass(frozen=True)
class Scenario:
    """One fault.

    Attributes:
        name: What happens, grouped by the word before the colon.
        acts: What the gateway does at the first request for the model, the second, ...; the last
            act serves all that follow.
        error: The class the call must raise; None if it must answer.
        outcome: What the error must say became of the last attempt.
        requests: How many requests for the model may arrive.
        runs: How many times the model runs.
        attempts: What the error must count; None where that is all that arrived.
        gone: How many clients must have left before their answer was whole.
        says: What the error's message must hold.
        polls: What the queue does at the polls for a job's state.
        results: What it does at those for the result.
        polled: How many polls must arrive; None where nothing is said about it.
        text: What the answer must be.
        settings: The model's, beside the address.
        calls: How many calls are made, all but the last of which must go well.
        place: Where the acts take place; None for a gateway over plain HTTP.
    """

    name: str
    acts: tuple[Act, ...] = ()
    error: type[e.SegmindError] | None = None
    outcome: str | None = None
    requests: int = 1
    runs: int = 0
    attempts: int | None = None
    gone: int = 0
    says: str = ""
    polls: tuple[Act, ...] = ()
    results: tuple[Act, ...] = ()
    polled: int | None = None
    text: str = "fine"
    settings: Mapping[str, Any] = field(default_factory=dict)
    calls: int = 1
    place: Callable[[Scenario], AbstractContextManager[Place]] | None = None

    def at(self) -> AbstractContextManager[Place]:
        """Open the place where it happens."""
        return (self.place or on_this_machine)(self)

    @property
    def group(self) -> str:
        """The kind of fault."""
        return self.name.partition(":")[0]


@dataclass
class Place:
    """Where a scenario takes place.

    Attributes:
        url: The gateway's address.
        gateway: What stands there; None where nothing does.
        settings: What a model needs to get there.
        canaries: Hosts that must never see a connection.
    """

    url: str
    gateway: FaultServer | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    canaries: tuple[FaultServer, ...] = ()


def _scripts(scenario: Scenario) -> dict[str, tuple[Act, ...]]:
    return {
        "m": scenario.acts,
        "status": scenario.polls,
        "result": scenario.results,
        "*": scenario.acts,  # where other clients send theirs
    }


@contextlib.contextmanager
def on_this_machine(scenario: Scenario) -> Iterator[Place]:
    """A gateway over plain HTTP."""
    with FaultServer(_scripts(scenario)) as server:
        yield Place(server.url, server)


def greeted(greeting: does.Greeting, scheme: str = "http") -> Any:
    """A machine that does something to every connection before it reads."""

    @contextlib.contextmanager
    def place(scenario: Scenario) -> Iterator[Place]:
        with FaultServer({"*": ()}, greeting=greeting) as server:
            yield Place(server.url.replace("http", scheme, 1), server)

    return place


def without_reading_bodies(scenario: Scenario) -> AbstractContextManager[Place]:
    """A gateway that acts as soon as it has read a request's head."""
    return _serving(FaultServer(_scripts(scenario), reads_bodies=False))


@contextlib.contextmanager
def _serving(server: FaultServer) -> Iterator[Place]:
    with server:
        yield Place(server.url, server)


@contextlib.contextmanager
def nobody_listens(_: Scenario) -> Iterator[Place]:
    """A port that refuses connections."""
    with does.refused() as url:
        yield Place(url)


@contextlib.contextmanager
def blackhole(_: Scenario) -> Iterator[Place]:
    """A port that neither takes nor refuses connections."""
    with does.blackhole() as url:
        yield Place(url)


@contextlib.contextmanager
def no_such_host(_: Scenario) -> Iterator[Place]:
    """A name that nobody knows."""
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
) -> Any:
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


def through_proxy(*acts: Act) -> Any:
    """An HTTPS gateway behind a proxy that is asked to CONNECT; it works where no acts are told."""

    @contextlib.contextmanager
    def place(scenario: Scenario) -> Iterator[Place]:
        with over_tls()(scenario) as beyond, _proxy(acts) as address:
            proxy = {"proxy": f"http://me:proxy-secret@{address}"}
            yield replace(beyond, settings={**beyond.settings, **proxy})

    return place


def through_plain_proxy(*acts: Act) -> Any:
    """A plain HTTP gateway behind a proxy; it works where no acts are told."""

    @contextlib.contextmanager
    def place(scenario: Scenario) -> Iterator[Place]:
        with on_this_machine(scenario) as beyond, _proxy(acts) as address:
            yield replace(beyond, settings={"proxy": f"http://me:proxy-secret@{address}"})

    return place


@contextlib.contextmanager
def _proxy(acts: tuple[Act, ...]) -> Iterator[str]:
    if not acts:
        with Relay() as relay:
            yield relay.address
    else:
        with FaultServer({"*": acts}) as proxy:
            yield f"127.0.0.1:{proxy.port}"


@contextlib.contextmanager
def proxy_refuses(scenario: Scenario) -> Iterator[Place]:
    """A gateway behind a proxy where nobody listens."""
    with on_this_machine(scenario) as beyond, does.refused() as url:
        yield replace(beyond, settings={"proxy": url.removesuffix("/v1")})


def beside_canary(status: int, location: str) -> Any:
    """A gateway that redirects, to `{canary}` in the location: a host that must stay unseen."""

    @contextlib.contextmanager
    def place(scenario: Scenario) -> Iterator[Place]:
        with FaultServer({"*": (answer(),)}) as canary:
            told = {"Location": location.format(canary=f"localhost:{canary.port}")}
            redirect = reply(status, b"", told)
            scripts = {
                slug: tuple(redirect if act is to_canary else act for act in acts)
                for slug, acts in _scripts(scenario).items()
            }
            with FaultServer(scripts) as server:
                yield Place(server.url, server, canaries=(canary,))

    return place


@contextlib.contextmanager
def with_urls_of_a_canary(scenario: Scenario) -> Iterator[Place]:
    """A gateway whose queue tells to ask for a job at another host."""
    with FaultServer({"*": (answer(),)}) as canary:
        url = f"http://localhost:{canary.port}/v2/requests/{JOB}"
        told = {"status_url": url, "response_url": url, "poll_url": url, "request_id": JOB}
        scripts = _scripts(scenario) | {"m": (reply(200, told, runs=True),)}
        with FaultServer(scripts) as server:
            yield Place(server.url, server, canaries=(canary,))


def to_canary(_: does.Request) -> None:
    """Stands for a redirect to the canary, whose address is only known when it is there."""
    raise AssertionError("this scenario needs a canary beside it")
