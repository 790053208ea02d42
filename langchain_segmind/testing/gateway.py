"""The local gateway as its users see it: start it, ask it, make it fail, read its log."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, get_args

from langchain_segmind.testing.desk import Desk
from langchain_segmind.testing.directory import Family, build_directory
from langchain_segmind.testing.helpful import HelpfulBrain
from langchain_segmind.testing.ledger import Drop, Failure, Ledger, LoggedRequest
from langchain_segmind.testing.scripted import as_reply
from langchain_segmind.testing.server import Address, Reception, ServerThread

if TYPE_CHECKING:
    from typing_extensions import Self

    from langchain_segmind.testing.conversation import Brain, Reply


class LocalGateway:
    """A Segmind gateway on this machine, for tests and for trying things out without a key.

    It follows the real gateway's HTTP contract, refusals included, but its answers come from a
    *brain* in this process. It listens on a port of its own, in a thread of its own, and may be
    used from ordinary code, from inside an event loop, and from many threads at once.

    Example:
        >>> from langchain_segmind import ChatSegmind
        >>> with LocalGateway() as gateway:
        ...     model = ChatSegmind(
        ...         model="gpt-4o", base_url=gateway.base_url, api_key=gateway.api_key
        ...     )
        ...     gateway.reply("Hello from a script.")
        ...     gateway.fail(status=429, times=2)
        ...     answer = model.invoke("Hi")

    Args:
        brain: Who answers; by default a `HelpfulBrain`.
        api_key: The key to accept; by default one is made up.
        credits: The balance to begin with, in dollars.
        host: The interface to listen on.
        port: The port to listen on; 0 picks a free one.
        latency: Seconds each model run takes. Runs overlap.
        models: Slugs that exist beyond the vendor's directory. A mapping says their families
            (``"openai"``, ``"anthropic"``, ``"gemini"``); otherwise their names do.
        retired: Slugs that are answered with 410.
        honour_stop: Whether stop sequences end an answer. The real gateway does not promise it.
        unfetchable_hosts: Hosts of image URLs that are answered with 400.
        refuses_format: Slugs that answer any ``response_format`` with 400.
        forward_tools: Whether the families' own tool fields reach the models, as they do not on
            the real gateway, which ignores them.
        keep: How many requests the log keeps; None for all.
        watch: Called, in the gateway's thread, with every request once its answer is known.
    """

    def __init__(
        self,
        *,
        brain: Brain | None = None,
        api_key: str | None = None,
        credits: float = 10.0,  # noqa: A002 - the vendor's word
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float = 0.0,
        models: Iterable[str] | Mapping[str, Family] = (),
        retired: Iterable[str] = (),
        honour_stop: bool = False,
        unfetchable_hosts: Iterable[str] = (),
        refuses_format: Iterable[str] = (),
        forward_tools: bool = False,
        keep: int | None = None,
        watch: Callable[[LoggedRequest], None] | None = None,
    ) -> None:
        self._address = Address(host, port)
        self._watch = watch
        self._thread: ServerThread | None = None
        self._port: int | None = None
        self._desk = Desk(
            ledger=Ledger(credits, keep),
            brain=brain or HelpfulBrain(),
            api_key=api_key or f"SG_local_{secrets.token_hex(8)}",
            directory=build_directory(models, retired),
            latency=latency,
            honour_stop=honour_stop,
            unfetchable=frozenset(unfetchable_hosts),
            refuses_format=frozenset(refuses_format),
            forward_tools=forward_tools,
        )

    @property
    def base_url(self) -> str:
        """The address to give to a client.

        Raises:
            RuntimeError: The gateway was never started.
        """
        if self._port is None:
            raise RuntimeError("the gateway has no address yet: use `with`, or call start() first")
        return f"http://{self._address.host}:{self._port}/v1"

    @property
    def api_key(self) -> str:
        """The key it accepts."""
        return self._desk.api_key

    @property
    def requests(self) -> list[LoggedRequest]:
        """Every HTTP request in order of arrival, refused ones too."""
        return self._desk.ledger.requests

    @property
    def executions(self) -> int:
        """How many model runs were executed, and billed."""
        return self._desk.ledger.executions

    @property
    def credits(self) -> float:
        """The balance left, in dollars."""
        return self._desk.ledger.balance

    def clear(self) -> None:
        """Forget the log, the counters, the failures and replies to come; restore the balance."""
        self._desk.ledger.clear()

    def reply(self, *replies: str | Reply) -> None:
        """Have the next model runs answered with these replies, before the brain is asked."""
        self._desk.ledger.will_reply(as_reply(reply) for reply in replies)

    def fail(
        self,
        status: int = 500,
        *,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        slug: str | None = None,
        after_run: bool = False,
        drop: Drop | None = None,
    ) -> None:
        """Have the next model calls fail. Failures queue up; balance and catalogue calls never do.

        Args:
            status: The status to answer.
            times: How many calls get it.
            headers: Headers of the answer. By default a 429 says when to try again: in a second.
            body: Text (HTML when it begins with ``<``), bytes, or any JSON value; by default what
                the real gateway sends with this status.
            slug: The only model it is for; None for any.
            after_run: Let the model run, and bill it, before the error.
            drop: Close the connection: without an answer ``"before_run"``, without an answer
                ``"after_run"`` of a model that was billed, or ``"mid_reply"``, halfway through
                the body of a good answer.

        Raises:
            ValueError: `times` is below 1, `status` is no HTTP status, or `drop` is unknown.
        """
        if times < 1:
            raise ValueError(f"times={times}: a failure happens at least once")
        if status not in range(200, 600):
            raise ValueError(f"status={status}: expected an HTTP status from 200 to 599")
        if drop not in {None, *get_args(Drop)}:
            raise ValueError(f"drop={drop!r}: expected one of {', '.join(get_args(Drop))}")
        self._desk.ledger.will_fail(
            Failure(status, times, headers, body, slug, after_run=after_run, drop=drop)
        )

    def start(self) -> None:
        """Start listening.

        Raises:
            RuntimeError: It is running already.
            OSError: The port is taken, or the host is not of this machine.
        """
        if self._thread is not None:
            raise RuntimeError("the gateway is running already")
        try:
            thread = ServerThread(Reception(self._desk, self._watch), self._address)
        except OSError as error:
            place = f"{self._address.host}:{self._address.port}"
            raise OSError(error.errno, f"cannot listen on {place}: {error.strerror}") from error
        thread.start()
        self._thread, self._port = thread, thread.port

    def stop(self) -> None:
        """Close every connection and stop listening; does nothing when it is not running."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)
