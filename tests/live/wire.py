"""The gateway as it answers on the wire: requests written here, replies untouched.

`ChatSegmind` would translate the one and tidy the other, and so hide what the check asks about.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import requests
from langchain_core.messages import AIMessage

from langchain_segmind import ChatSegmind, SegmindEmbeddings, SegmindResponseError, __version__
from langchain_segmind.testing import LocalGateway
from tests.live.spending import SpendingLimit

PAUSE = 12.0
"""Seconds between calls: five a minute is the lowest rate limit the vendor has published."""

PAUSES_AFTER_429 = 5
"""How many pauses to wait when the gateway limits the rate all the same."""

Read = TypeVar("Read")


def _read(raw: bytes, kind: Callable[..., Any], slug: str, call: Callable[[Any], Read]) -> Read:
    """Read a body as users of this package do: a local gateway sends it to a model.

    Raises:
        SegmindResponseError: The package cannot read it.
    """
    gateway = LocalGateway()
    gateway.start()
    try:
        gateway.fail(200, body=raw)
        address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
        with kind(model=slug, **address, max_retries=0) as model:
            return call(model)
    finally:
        gateway.stop()


@dataclass(frozen=True)
class Reply:
    """An HTTP reply.

    Attributes:
        status: Its status.
        headers: Its headers, names in lower case.
        raw: Its body.
        seconds: How long it took.
    """

    status: int
    headers: Mapping[str, str]
    raw: bytes
    seconds: float

    @property
    def text(self) -> str:
        """The body as text."""
        return self.raw.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is not JSON."""
        try:
            return json.loads(self.raw)
        except ValueError:
            return None

    @property
    def cost(self) -> float | None:
        """The cost in US dollars that the gateway names."""
        return _number(self.headers.get("x-cost"))

    @cached_property
    def message(self) -> AIMessage:
        """The body as `ChatSegmind` reads it.

        Raises:
            SegmindResponseError: It cannot.
        """
        message: AIMessage = _read(
            self.raw, ChatSegmind, "gpt-4o", lambda model: model.invoke("Hello")
        )
        return message

    @cached_property
    def vector(self) -> list[float]:
        """The body as `SegmindEmbeddings` reads it.

        Raises:
            SegmindResponseError: It cannot.
        """
        slug = "text-embedding-3-small"
        return _read(self.raw, SegmindEmbeddings, slug, lambda model: model.embed_query("Hello"))

    @property
    def tokens(self) -> tuple[int, int] | None:
        """The tokens of input and output, where the body has them."""
        if self.status != 200:
            return None
        try:
            return _tokens_of(self.message)
        except SegmindResponseError:
            return None

    @property
    def is_cut(self) -> bool:
        """Whether the answer ends at its limit of tokens."""
        return bool(self.message.response_metadata["finish_reason"] == "length")

    def brief(self, length: int = 120) -> str:
        """Show status and body in one line."""
        return f"{self.status} `{' '.join(self.text.split())[:length]}`"


@dataclass
class _Cost:
    cost: float | None = None
    tokens: tuple[int, int] | None = None


@dataclass
class Client:
    """Sends everything a check asks, within its spending limit, and keeps the replies.

    Attributes:
        base_url: Of the gateway, ending in a version.
        key: The key; it is never in what is kept.
        spending: The limit.
        pause: Seconds between calls.
        replies: Of every call and poll, with what was asked.
    """

    base_url: str
    key: str
    spending: SpendingLimit
    pause: float = PAUSE
    replies: list[tuple[str, Any, Reply]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.auth = lambda request: request  # else a .netrc would add credentials
        self._session.headers.update(
            {"x-api-key": self.key, "User-Agent": f"langchain-segmind/{__version__} live check"}
        )

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    @property
    def queue_url(self) -> str:
        """The address of the job queue."""
        return self.base_url.rpartition("/")[0] + "/v2"

    @property
    def direct(self) -> list[Reply]:
        """The replies of models that were called directly."""
        return [r for asked, _, r in self.replies if asked.startswith(f"POST {self.base_url}/")]

    def ask(self, slug: str, body: Mapping[str, Any], most: int, *, queue: bool = False) -> Reply:
        """Call a model.

        Args:
            slug: The model.
            body: The request's body.
            most: The most tokens the answer is expected to have.
            queue: Whether to submit a job.

        Raises:
            OverBudgetError: It might cost too much, so it was not sent.
            requests.RequestException: No answer came; it counts as if the model had run.
        """
        url = f"{self.queue_url if queue else self.base_url}/{slug}"
        with self._within_limit(slug, body, most) as actual:
            reply = self._send("POST", url, body)
            if reply.status == 429:
                time.sleep(self.pause * PAUSES_AFTER_429)
                reply = self._send("POST", url, body)
            actual.cost, actual.tokens = reply.cost, reply.tokens
        return reply

    def invoke(self, slug: str, text: str, most: int, **settings: Any) -> AIMessage:
        """Call a model by `ChatSegmind`, directly: that is the path about which least is known.

        Args:
            slug: The model.
            text: The question.
            most: The most tokens the answer is expected to have.
            **settings: Of `ChatSegmind`.

        Raises:
            OverBudgetError: It might cost too much, so it was not sent.
            SegmindError: It failed.
        """
        own = {"api_key": self.key, "base_url": self.base_url, "max_retries": 0, "queue": False}
        with (
            self._within_limit(slug, text, most) as actual,
            ChatSegmind(model=slug, **{**own, **settings}) as model,
        ):
            time.sleep(self.pause)
            message = model.invoke(text)
            actual.cost = message.response_metadata.get("cost")
            actual.tokens = _tokens_of(message)
        return message

    @contextmanager
    def _within_limit(self, slug: str, body: Any, most: int) -> Iterator[_Cost]:
        estimate = self.spending.estimate(slug, _count_tokens(body), most)
        self.spending.check(estimate)
        actual = _Cost()
        try:
            yield actual
        except requests.RequestException:
            actual.cost = estimate
            raise
        finally:
            self.spending.record(slug, estimate, actual.cost, actual.tokens)

    def poll(self, path: str) -> Reply:
        """Ask about a job, free of charge.

        Args:
            path: What follows the version.
        """
        return self._send("GET", f"{self.queue_url}/{path}")

    def _send(self, method: str, url: str, body: Any = None) -> Reply:
        time.sleep(self.pause if body is not None else self.pause / 4)
        began = time.monotonic()
        got = self._session.request(method, url, json=body, timeout=150, allow_redirects=False)
        headers = {name.lower(): value for name, value in got.headers.items()}
        headers.pop("set-cookie", None)  # a session of the user's
        reply = Reply(got.status_code, headers, got.content, time.monotonic() - began)
        self.replies.append((f"{method} {url}", body, reply))
        return reply


def _tokens_of(message: AIMessage) -> tuple[int, int] | None:
    used = message.usage_metadata
    return (used["input_tokens"], used["output_tokens"]) if used else None


def _count_tokens(body: Any) -> int:
    """Count the tokens of a request roughly, and rather too many; a picture has a thousand."""
    match body:
        case str():
            return len(body) // 3 + 1 if len(body) < 5000 else 1000
        case dict():
            return sum(_count_tokens(key) + _count_tokens(value) for key, value in body.items())
        case list():
            return sum(map(_count_tokens, body))
        case _:
            return 1


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) and found >= 0 else None
