"""`LocalGateway`: start and stop it, script replies and failures, and read its log."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Mapping

from typing_extensions import Self

from langchain_segmind.testing import active
from langchain_segmind.testing.answers import Drop, ScriptedFailure, Target, check_choice
from langchain_segmind.testing.conversation import Responder
from langchain_segmind.testing.directory import Family, build_directory
from langchain_segmind.testing.embeddings import EmbeddingReply
from langchain_segmind.testing.hosts import names_of, url_host
from langchain_segmind.testing.ledger import CreditAccount, LoggedRequest
from langchain_segmind.testing.models import EchoModel, Scripted, as_reply
from langchain_segmind.testing.queue import Job, JobQueue, Queue
from langchain_segmind.testing.rate_limit import RateLimit, RequestCounter
from langchain_segmind.testing.responder_pool import ResponderPool
from langchain_segmind.testing.server import Handler, ServerThread
from langchain_segmind.testing.state import GatewayState


class LocalGateway:
    """A local gateway that imitates Segmind's, for tests and demos without an API key.

    It imitates the documented HTTP API, including errors. It shares no code with the client, so a
    decoder bug cannot hide in both. A *responder* in this process writes its answers. The server
    runs in its own thread. The methods can be called from any thread, also inside an event loop.

    In a `with` block, every `ChatSegmind` and `SegmindEmbeddings` of this process calls the local
    gateway, no matter when the model was built, and needs no key. The only exception is a model
    whose own ``base_url`` is on this machine. If blocks are nested, the innermost gateway is used.
    `start` and `stop` do not redirect any model.

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
        responder: Writes the answers; by default an `EchoModel`.
        api_key: The key that is accepted; by default a random one.
        credits: The initial balance in US dollars.
        host: The address to listen on; by default only this machine can connect. ``"::1"`` is this
            machine over IPv6, ``"0.0.0.0"`` all its interfaces.
        allowed_hosts: More names, beside ``localhost`` and the like, by which the gateway may be
            called, e.g. ``["gateway"]`` from another container. Requests whose ``Host`` header has
            another name are rejected with 403, because a web page could have sent them.
        port: The port to listen on; 0, the default, chooses a free one.
        latency: Seconds that each model run takes. Runs do not wait for each other.
        models: More slugs, beside those of the vendor's directory. A mapping gives the request
            format of each (``"openai"``, ``"anthropic"``, ``"gemini"``); otherwise the start of the
            slug selects it. A slug that contains *embedding* is an embedding model.
        retired: Slugs that are rejected with 410.
        honor_stop: Whether stop sequences end an answer. The vendor does not document that they do.
        unfetchable_hosts: Hosts whose image URLs are rejected with 400.
        refuses_format: Slugs that reject any ``response_format`` with 400.
        refuses_settings: The settings that models reject with 400, in OpenAI's words, by slug:
            ``{"gpt-5": ["max_tokens", "stop", "temperature"]}``.
        forward_tools: Whether the responder receives the request's tool fields. By default they are
            ignored, as by the real gateway.
        embedding_reply: Where a reply has its vector: ``"embedding"``, ``"values"`` (in
            ``embedding.values``), ``"data"`` (in ``data[0].embedding``), ``"embeddings"`` (in
            ``embeddings[0]``), ``"embeddings_values"`` (in ``embeddings[0].values``) or ``"list"``
            (the reply is the vector). By default ``"values"`` for Gemini's models, whose real
            format is unknown, and ``"embedding"`` for the others.
        rate_limit: How many calls are accepted in a time; by default, as many as come.
        queue: How the job queue behaves; by default like the real one, as far as that is known.
        keep: How many requests the log keeps; None, the default, keeps all.
        watch: Called in the server's thread with each request, once its answer is known.

    Raises:
        ValueError: If `embedding_reply` is unknown, or one of `allowed_hosts` is not a name.
    """

    def __init__(
        self,
        *,
        responder: Responder | None = None,
        api_key: str | None = None,
        credits: float = 10.0,  # noqa: A002 - the vendor's word
        host: str = "127.0.0.1",
        allowed_hosts: Iterable[str] = (),
        port: int = 0,
        latency: float = 0.0,
        models: Iterable[str] | Mapping[str, Family] = (),
        retired: Iterable[str] = (),
        honor_stop: bool = False,
        unfetchable_hosts: Iterable[str] = (),
        refuses_format: Iterable[str] = (),
        refuses_settings: Mapping[str, Iterable[str]] | None = None,
        forward_tools: bool = False,
        embedding_reply: EmbeddingReply | None = None,
        rate_limit: RateLimit | None = None,
        queue: Queue | None = None,
        keep: int | None = None,
        watch: Callable[[LoggedRequest], None] | None = None,
    ) -> None:
        if embedding_reply is not None:
            check_choice("embedding_reply", embedding_reply, EmbeddingReply)
        self._host, self._wanted_port = host.strip("[]"), port
        self._watch = watch
        self._thread: ServerThread | None = None
        self._port: int | None = None
        self._published: list[active.Running] = []
        self._state = GatewayState(
            ledger=CreditAccount(credits, keep),
            jobs=JobQueue(queue or Queue()),
            responders=ResponderPool(responder or EchoModel()),
            api_key=api_key or f"SG_local_{secrets.token_hex(8)}",
            allowed_hosts=names_of(self._host, allowed_hosts),
            directory=build_directory(models, retired),
            latency=latency,
            honor_stop=honor_stop,
            unfetchable=frozenset(unfetchable_hosts),
            refuses_format=frozenset(refuses_format),
            refuses_settings={
                slug: tuple(names) for slug, names in (refuses_settings or {}).items()
            },
            forward_tools=forward_tools,
            embedding_reply=embedding_reply,
            rate_limit=RequestCounter(rate_limit),
        )

    @property
    def base_url(self) -> str:
        """The URL for the `base_url` of a model.

        Raises:
            RuntimeError: If the local gateway was never started.
        """
        if self._port is None:
            raise RuntimeError("the gateway has no address yet: use `with`, or call start() first")
        return f"http://{url_host(self._host)}:{self._port}/v1"

    @property
    def api_key(self) -> str:
        """The API key that it accepts."""
        return self._state.api_key

    @property
    def requests(self) -> list[LoggedRequest]:
        """All HTTP requests in order of arrival, including rejected ones."""
        return self._state.ledger.requests

    @property
    def executions(self) -> int:
        """Number of model runs, each of which was billed.

        A job's run is counted at its submission, or, with a slow responder, when that has answered.
        """
        return self._state.ledger.executions

    @property
    def credits(self) -> float:
        """The remaining balance in US dollars."""
        return self._state.ledger.balance

    @property
    def jobs(self) -> list[Job]:
        """The current state of all jobs that have not expired, oldest first.

        This includes jobs whose submission failed with `after_run`.
        """
        return self._state.jobs.all(time.monotonic())

    @property
    def unused(self) -> list[str]:
        """The scripted replies that were never sent and the failures that never happened, as text.

        A failure that was to happen several times counts as used after the first. The fixture
        `segmind_gateway` fails the test if anything is left.
        """
        return self._state.ledger.unused

    def clear(self) -> None:
        """Delete the log, jobs, counters and scripted failures and replies; restore the balance."""
        self._state.ledger.clear()
        self._state.jobs.forget()
        self._state.rate_limit.clear()

    def expire(self, request_id: str | None = None) -> None:
        """Let a job expire now, so that its polls get a 404.

        Args:
            request_id: The job's id; None, the default, for all jobs.

        Raises:
            KeyError: If there is no such job.
        """
        self._state.jobs.forget(request_id)

    def reply(self, *replies: Scripted) -> None:
        """Answer the next chat runs with these replies instead of the responder's.

        Args:
            *replies: One for each run, in order: a `Reply`, or a text or `Call`, which becomes the
                content of one. Calls are written in the format that the request asks for.

        Raises:
            TypeError: If one is not a reply.
        """
        self._state.ledger.add_replies([as_reply(reply) for reply in replies])

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
        on: Target = "run",
    ) -> None:
        """Let the next requests fail. Repeated calls queue up their failures.

        Requests for the balance and the catalog never fail.

        Args:
            status: The HTTP status to send.
            times: How many requests fail.
            headers: The error's headers. By default, a 429 has the time of the next attempt, one
                second later.
            body: Text (HTML if it begins with ``<``), bytes or a JSON value; by default what the
                real gateway is assumed to send with this status.
            slug: Only requests for this model fail; None, the default, for any model.
            after_run: Whether the model runs, and is billed, before the error. If the failed
                request is the submission of a job, the job exists.
            drop: Close the connection instead of sending `status`: ``"before_run"`` or
                ``"after_run"`` without an answer, ``"mid_reply"`` in the middle of the answer. With
                the latter two, the model of a call or job runs and is billed. A poll runs nothing,
                so ``"after_run"`` is an error for polls.
            on: Which requests fail. ``"run"``: calls and submissions of jobs; ``"submit"``: only
                submissions; ``"poll"``: all polls of a job; ``"status"`` or ``"result"``: only
                polls of its status or its result. A 404 imitates an id that is not known yet.

        Raises:
            ValueError: If `times` is below 1, `status` is not an HTTP status, `drop` or `on` is
                unknown, or a poll is to fail after a run.
        """
        failure = ScriptedFailure(status, times, headers, body, slug, after_run, drop, on)
        self._state.ledger.add_failure(failure)

    def fail_job(
        self, error: str = "The model failed", *, times: int = 1, slug: str | None = None
    ) -> None:
        """Let the next jobs end as FAILED, unbilled, after the time that they would have taken.

        Args:
            error: The error message in their polls.
            times: How many jobs fail.
            slug: Only jobs of this model fail; None, the default, for any model.

        Raises:
            ValueError: If `times` is below 1.
        """
        failure = ScriptedFailure(422, times, body={"error": error}, slug=slug, of_job=True)
        self._state.ledger.add_failure(failure)

    def start(self) -> None:
        """Start listening.

        Raises:
            RuntimeError: If it is already running.
            OSError: If the port is in use, or `host` is not an address of this machine.
        """
        if self._thread is not None:
            raise RuntimeError("the gateway is running already")
        try:
            handler = Handler(self._state, self._watch)
            thread = ServerThread(handler, self._host, self._wanted_port)
        except OSError as error:
            place = f"{url_host(self._host)}:{self._wanted_port}"
            raise OSError(error.errno, f"cannot listen on {place}: {error.strerror}") from error
        thread.start()
        self._thread, self._port = thread, thread.port
        self._published.append(active.add_running(self.base_url))

    def stop(self) -> None:
        """Close all connections and stop listening; do nothing if it is not running."""
        while self._published:
            active.remove(self._published.pop())
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    def __enter__(self) -> Self:
        self.start()
        self._published.append(active.add_redirect(self.base_url, self.api_key))
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, *_error: object) -> None:
        await asyncio.to_thread(self.stop)
