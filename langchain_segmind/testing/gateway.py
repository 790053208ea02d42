"""The local gateway as its users see it: start it, script it, make it fail, read its log."""

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
from langchain_segmind.testing.ledger import CreditAccount, LoggedRequest
from langchain_segmind.testing.models import EchoModel, Scripted, as_reply
from langchain_segmind.testing.queue import Job, JobQueue, Queue
from langchain_segmind.testing.responder_pool import ResponderPool
from langchain_segmind.testing.server import Handler, ServerThread
from langchain_segmind.testing.state import GatewayState


class LocalGateway:
    """A Segmind gateway on this machine, for tests and for trying things out without a key.

    It follows the real gateway's HTTP contract, refusals included, but its answers come from a
    *responder* in this process. It listens on a port of its own, in a thread of its own, and may be
    used from ordinary code, from inside an event loop, and from many threads at once.

    In a `with` block, every `ChatSegmind` and `SegmindEmbeddings` of the process goes to it, also
    those that were built before, and needs no key. Only a model with a ``base_url`` on this machine
    goes there. Of several blocks the innermost counts. `start` and `stop` change nothing for the
    models.

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
        responder: Who answers; by default an `EchoModel`.
        api_key: The key to accept; by default one is made up.
        credits: The balance to begin with, in dollars.
        host: The interface to listen on.
        port: The port to listen on; 0 picks a free one.
        latency: Seconds each model run takes. Runs overlap.
        models: Slugs that exist beyond the vendor's directory. A mapping says their families
            (``"openai"``, ``"anthropic"``, ``"gemini"``); otherwise their names do. Those with
            *embedding* in their names are embedding models.
        retired: Slugs that are answered with 410.
        honor_stop: Whether stop sequences end an answer. The real gateway does not promise it.
        unfetchable_hosts: Hosts of image URLs that are answered with 400.
        refuses_format: Slugs that answer any ``response_format`` with 400.
        forward_tools: Whether the families' own tool fields reach the models, as they do not on
            the real gateway, which ignores them.
        embedding_reply: How vectors are sent: ``"embedding"`` (a list under that key),
            ``"values"`` (under ``embedding.values``), ``"data"`` (``data[0].embedding``),
            ``"embeddings"`` (``embeddings[0]``), ``"embeddings_values"``
            (``embeddings[0].values``) or as a bare ``"list"``. None means ``"values"`` for
            Gemini's models, whose real way is not known, and ``"embedding"`` for the others.
        queue: How the job queue behaves; by default like the real one, as far as is known.
        keep: How many requests the log keeps; None for all.
        watch: Called, in the gateway's thread, with every request once its answer is known.

    Raises:
        ValueError: `embedding_reply` is unknown.
    """

    def __init__(
        self,
        *,
        responder: Responder | None = None,
        api_key: str | None = None,
        credits: float = 10.0,  # noqa: A002 - the vendor's word
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float = 0.0,
        models: Iterable[str] | Mapping[str, Family] = (),
        retired: Iterable[str] = (),
        honor_stop: bool = False,
        unfetchable_hosts: Iterable[str] = (),
        refuses_format: Iterable[str] = (),
        forward_tools: bool = False,
        embedding_reply: EmbeddingReply | None = None,
        queue: Queue | None = None,
        keep: int | None = None,
        watch: Callable[[LoggedRequest], None] | None = None,
    ) -> None:
        if embedding_reply is not None:
            check_choice("embedding_reply", embedding_reply, EmbeddingReply)
        self._host, self._wanted_port = host, port
        self._watch = watch
        self._thread: ServerThread | None = None
        self._port: int | None = None
        self._published: list[active.Running] = []
        self._state = GatewayState(
            ledger=CreditAccount(credits, keep),
            jobs=JobQueue(queue or Queue()),
            responders=ResponderPool(responder or EchoModel()),
            api_key=api_key or f"SG_local_{secrets.token_hex(8)}",
            directory=build_directory(models, retired),
            latency=latency,
            honor_stop=honor_stop,
            unfetchable=frozenset(unfetchable_hosts),
            refuses_format=frozenset(refuses_format),
            forward_tools=forward_tools,
            embedding_reply=embedding_reply,
        )

    @property
    def base_url(self) -> str:
        """The address to give to a client.

        Raises:
            RuntimeError: The gateway was never started.
        """
        if self._port is None:
            raise RuntimeError("the gateway has no address yet: use `with`, or call start() first")
        # A client cannot connect to "all interfaces"; this machine's own is one of them.
        host = "127.0.0.1" if self._host in {"", "0.0.0.0"} else self._host  # noqa: S104
        return f"http://{host}:{self._port}/v1"

    @property
    def api_key(self) -> str:
        """The key it accepts."""
        return self._state.api_key

    @property
    def requests(self) -> list[LoggedRequest]:
        """Every HTTP request in order of arrival, refused ones too."""
        return self._state.ledger.requests

    @property
    def executions(self) -> int:
        """How many model runs were executed, and billed.

        Those of jobs count when they are submitted; with a slow responder, when it has answered.
        """
        return self._state.ledger.executions

    @property
    def credits(self) -> float:
        """The balance left, in dollars."""
        return self._state.ledger.balance

    @property
    def jobs(self) -> list[Job]:
        """Every job of the queue whose id is still known, oldest first, as it stands now.

        A job whose submit was answered with a failure after the run is among them.
        """
        return self._state.jobs.all(time.monotonic())

    def clear(self) -> None:
        """Forget the log, jobs, counters, failures and replies to come; restore the balance."""
        self._state.ledger.clear()
        self._state.jobs.forget()

    def expire(self, request_id: str | None = None) -> None:
        """Have a job's id expire now, so that asking for it is answered with 404.

        Args:
            request_id: The job; None for all there are.

        Raises:
            KeyError: There is no such job.
        """
        self._state.jobs.forget(request_id)

    def reply(self, *replies: Scripted) -> None:
        """Have the next chat runs answered with these replies, before the responder is asked.

        Args:
            *replies: One for each run, in order; a text or a `Call` is short for a `Reply` of it.
                Calls are written in the form that the request asks for.
        """
        self._state.ledger.add_replies(as_reply(reply) for reply in replies)

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
        """Have the next requests fail. Failures queue up; balance and catalogue never fail.

        Args:
            status: The status to answer.
            times: How many requests get it.
            headers: Headers of the answer. By default a 429 says when to try again: in a second.
            body: Text (HTML when it begins with ``<``), bytes, or any JSON value; by default what
                the real gateway sends with this status.
            slug: The only model it is for; None for any.
            after_run: Let the model run, and bill it, before the error. A job is in the queue
                then, although its submit failed.
            drop: Close the connection: without an answer ``"before_run"``, without an answer
                ``"after_run"`` of a model that was billed, or ``"mid_reply"``, halfway through
                the body of a good answer. On polls, which run nothing: all but ``"after_run"``.
            on: Which requests fail: those that start a ``"run"``, by waiting for it or by
                submitting a job; only the ``"submit"`` of jobs; or every ``"poll"`` of a job,
                only those of its ``"status"``, only those of its ``"result"``. A poll that fails
                early shows nothing of its job: 404 is the one for an id not known yet.

        Raises:
            ValueError: `times` is below 1, `status` is not an HTTP status, `drop` or `on` is
                unknown, or a poll is to fail after a run.
        """
        failure = ScriptedFailure(status, times, headers, body, slug, after_run, drop, on)
        self._state.ledger.add_failure(failure)

    def fail_job(
        self, error: str = "The model failed", *, times: int = 1, slug: str | None = None
    ) -> None:
        """Have the next jobs end as FAILED, unbilled, after the time they would have taken.

        Args:
            error: What their polls say went wrong.
            times: How many jobs.
            slug: The only model it is for; None for any.

        Raises:
            ValueError: `times` is below 1.
        """
        failure = ScriptedFailure(422, times, body={"error": error}, slug=slug, of_job=True)
        self._state.ledger.add_failure(failure)

    def start(self) -> None:
        """Start listening.

        Raises:
            RuntimeError: It is running already.
            OSError: The port is taken, or the host is not of this machine.
        """
        if self._thread is not None:
            raise RuntimeError("the gateway is running already")
        try:
            handler = Handler(self._state, self._watch)
            thread = ServerThread(handler, self._host, self._wanted_port)
        except OSError as error:
            place = f"{self._host}:{self._wanted_port}"
            raise OSError(error.errno, f"cannot listen on {place}: {error.strerror}") from error
        thread.start()
        self._thread, self._port = thread, thread.port
        self._published.append(active.add_running(self.base_url))

    def stop(self) -> None:
        """Close every connection and stop listening; does nothing when it is not running."""
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
