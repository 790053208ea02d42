"""The gateway as it answers on the wire: requests of our making, replies untouched.

`ChatSegmind` would translate the one and tidy the other, and so hide what is asked here.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from langchain_core.messages import AIMessage

from langchain_segmind import ChatSegmind, __version__
from langchain_segmind._formats import decode
from langchain_segmind._messages.types import Choice
from langchain_segmind.errors import SegmindResponseError
from tests.live.purse import Purse

PAUSE = 12.0
"""Seconds between calls: five a minute is the lowest rate limit the vendor has published."""

PATIENCE = 5
"""Pauses to wait when the gateway asks for patience all the same."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer.

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
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.raw)
        except ValueError:
            return None

    @property
    def cost(self) -> float | None:
        """What the gateway says it cost, in US dollars."""
        return _number(self.headers.get("x-cost"))

    @property
    def tokens(self) -> tuple[int, int] | None:
        """How many tokens were read and written, where that is told."""
        try:
            used = decode(self.raw).usage
        except SegmindResponseError:
            return None
        return (used.input, used.output) if used else None

    @property
    def choice(self) -> Choice:
        """The answer as our own decoder reads it.

        Raises:
            SegmindResponseError: It cannot.
        """
        return decode(self.raw).choices[0]

    def brief(self, length: int = 120) -> str:
        """Tell status and body in a few words."""
        return f"{self.status} `{' '.join(self.text.split())[:length]}`"


@dataclass
class _Bill:
    cost: float | None = None
    tokens: tuple[int, int] | None = None


@dataclass
class Line:
    """Everything a check asks goes through here, and is remembered.

    Attributes:
        base_url: Of the gateway, ending in a version.
        key: The key; it is never in what is remembered.
        purse: Who allows and counts.
        pause: Seconds between calls.
        replies: Of every call and poll, with what was asked.
    """

    base_url: str
    key: str
    purse: Purse
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
        """Where jobs are."""
        return self.base_url.rpartition("/")[0] + "/v2"

    @property
    def direct(self) -> list[Reply]:
        """What came back when a model was asked, and waited for."""
        return [r for asked, _, r in self.replies if asked.startswith(f"POST {self.base_url}/")]

    def ask(self, slug: str, body: Mapping[str, Any], most: int, *, queue: bool = False) -> Reply:
        """Have a model run.

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
        with self._paid(slug, self.purse.estimate(slug, _tokens(body), most)) as recorder:
            reply = self._send("POST", url, body)
            if reply.status == 429:
                time.sleep(self.pause * PATIENCE)
                reply = self._send("POST", url, body)
            recorder.cost, recorder.tokens = reply.cost, reply.tokens
        return reply

    def invoke(self, slug: str, text: str, most: int, **settings: Any) -> AIMessage:
        """Have a model run by `ChatSegmind`.

        Args:
            slug: The model.
            text: The question.
            most: The most tokens the answer is expected to have.
            **settings: Of `ChatSegmind`.

        Raises:
            OverBudgetError: It might cost too much, so it was not sent.
            SegmindError: It failed.
        """
        own = {"api_key": self.key, "base_url": self.base_url, "max_retries": 0, **settings}
        with (
            self._paid(slug, self.purse.estimate(slug, _tokens(text), most)) as recorder,
            ChatSegmind(model=slug, **own) as model,
        ):
            time.sleep(self.pause)
            message = model.invoke(text)
            recorder.cost = message.response_metadata.get("cost")
            if used := message.usage_metadata:
                recorder.tokens = used["input_tokens"], used["output_tokens"]
        return message

    @contextmanager
    def _paid(self, slug: str, estimate: float) -> Iterator[_Bill]:
        self.purse.check(estimate)
        recorder = _Bill()
        try:
            yield recorder
        except requests.RequestException:
            recorder.cost = estimate
            raise
        finally:
            self.purse.count(slug, estimate, recorder.cost, recorder.tokens)

    def poll(self, path: str) -> Reply:
        """Ask for a job, free of charge.

        Args:
            path: What follows the version.
        """
        return self._send("GET", f"{self.queue_url}/{path}")

    def _send(self, method: str, url: str, body: Any = None) -> Reply:
        time.sleep(self.pause if body is not None else self.pause / 4)
        began = time.monotonic()
        got = self._session.request(method, url, json=body, timeout=150, allow_redirects=False)
        headers = {name.lower(): value for name, value in got.headers.items()}
        headers.pop("set-cookie", None)  # nobody's business
        reply = Reply(got.status_code, headers, got.content, time.monotonic() - began)
        self.replies.append((f"{method} {url}", body, reply))
        return reply


def _tokens(body: Any) -> int:
    """Count the tokens of a request roughly, and rather too many; a picture has a thousand."""
    match body:
        case str():
            return len(body) // 3 + 1 if len(body) < 5000 else 1000
        case dict():
            return sum(_tokens(key) + _tokens(value) for key, value in body.items())
        case list():
            return sum(map(_tokens, body))
        case _:
            return 1


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) and found >= 0 else None
