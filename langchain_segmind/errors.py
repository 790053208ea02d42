"""What can go wrong, as a tree. This file imports nothing of ours.

    SegmindError                          also LangChain's ModelError
    ├── SegmindAuthenticationError        ModelAuthenticationError   401
    ├── SegmindPermissionDeniedError      ModelPermissionDeniedError 403
    ├── SegmindModelNotFoundError         ModelNotFoundError         404, 410
    ├── SegmindInsufficientCreditsError                              402, 406 that speaks of credits
    ├── SegmindInvalidRequestError        ModelInvalidRequestError   400, 405, 406, 422, ...
    │   └── SegmindContextOverflowError   ContextOverflowError       the prompt is too long
    ├── SegmindRateLimitError             ModelRateLimitError        429
    ├── SegmindServerError                ModelAPIError              408, 425, 5xx
    ├── SegmindConnectionError            ModelConnectionError       no HTTP answer
    ├── SegmindTimeoutError               ModelTimeoutError          a deadline passed
    │   └── SegmindJobTimeoutError                                   a job did not end in time
    ├── SegmindResponseError                                         a 200 that cannot be used
    ├── SegmindJobFailedError             ModelAPIError              a job ended as FAILED
    ├── SegmindJobNotFoundError                                      an unknown or expired job
    └── SegmindBudgetExceededError                                   `track_usage(budget=...)`

Which class repeats what was perhaps paid for? None. Each says so three ways: `outcome` tells what
became of the request, `is_retryable` is what LangChain's `ModelRetryMiddleware` reads, and a
`ValueError`, `RuntimeError` or `TimeoutError` among the bases keeps LangGraph's default retry
policy from running a paid model a second time.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)

__all__ = [
    "SegmindAuthenticationError",
    "SegmindBudgetExceededError",
    "SegmindConnectionError",
    "SegmindContextOverflowError",
    "SegmindError",
    "SegmindInsufficientCreditsError",
    "SegmindInvalidRequestError",
    "SegmindJobFailedError",
    "SegmindJobNotFoundError",
    "SegmindJobTimeoutError",
    "SegmindModelNotFoundError",
    "SegmindPermissionDeniedError",
    "SegmindRateLimitError",
    "SegmindResponseError",
    "SegmindServerError",
    "SegmindTimeoutError",
]

LONGEST_MESSAGE: Final = 2_000
"""Characters an error message may have."""

LONGEST_BODY: Final = 16 * 1024
"""Characters of the gateway's reply that an error keeps."""

KEPT_HEADERS: Final = (
    "content-type",
    "date",
    "retry-after",
    "retry-after-ms",
    "server",
    "x-cost",
    "x-generation-time",
    "x-rate-limit-reset-at-utc",
    "x-remaining-credits",
    "x-request-id",
)
"""The reply headers an error keeps; all others may hold what is nobody's business."""

_BILLED: Final = {"not_sent": False, "rejected": False, "executed": True}


class SegmindError(ModelError):
    """Any failure of a call to the gateway.

    Holds plain data only, so it survives pickle, and never the API key.

    Attributes:
        message: One line: what happened and what to do next.
        status_code: HTTP status of the last reply, or None when there was none.
        request_id: The gateway's id of the request, where it sent one; that of the job in the
            queue once there is one, with which `ChatSegmind.fetch` collects the answer.
        outcome: What became of the last attempt: "not_sent" (the model surely did not run),
            "rejected" (the gateway answered with a documented, unbilled error), "unknown" (sent,
            but no trustworthy answer: it may have run and been billed) or "executed" (a 200
            arrived, but its body is lost or unusable). None where nothing was to be sent.
        attempts: How many requests were made for this call, polls of a job included.
        body: The last reply's text, at most 16 KiB.
        headers: An allow-listed few of the last reply's headers, names in lower case.
        cost: What the call cost all the same, in US dollars, where the gateway said so.
        remaining_credits: The balance the gateway reported, in its credits (US dollars).
        retry_after: Seconds the gateway asked to wait.
        model: The slug that was called.
        is_retryable: Whether the same call may be repeated without paying twice.
        ambiguous_attempts: With `retry_ambiguous`, how many attempts before the last may have run
            and been billed too.
        index: Of `embed_documents`, as the next three: the place, from 0, of the text that failed
            first, to which all the above belongs; None where there was one text only.
        vectors: The vectors of the texts that were embedded, by place. They were paid for.
        paid: How many texts were billed, unusable answers included.
        perhaps_paid: How many more runs may have been billed.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        request_id: str | None = None,
        outcome: str | None = None,
        attempts: int = 0,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        cost: float | None = None,
        remaining_credits: float | None = None,
        retry_after: float | None = None,
        model: str | None = None,
        is_retryable: bool = False,
        ambiguous_attempts: int = 0,
    ) -> None:
        self.message = one_line(message)
        super().__init__(self.message)
        self.status_code = status_code
        self.request_id = request_id
        self.outcome = outcome
        self.attempts = attempts
        self.body = body[:LONGEST_BODY] if body is not None else None
        self.headers = {k: v for k, v in (headers or {}).items() if k in KEPT_HEADERS}
        self.cost = cost
        self.remaining_credits = remaining_credits
        self.retry_after = retry_after
        self.model = model
        self.is_retryable = is_retryable
        self.ambiguous_attempts = ambiguous_attempts
        self.index: int | None = None
        self.vectors: dict[int, list[float]] = {}
        self.paid = 0
        self.perhaps_paid = 0

    @property
    def billed(self) -> bool | None:
        """Whether the gateway charged for the last attempt; None when nobody can tell."""
        return _BILLED.get(self.outcome or "")

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), dict(vars(self)))

    def add_batch_result(
        self,
        index: int,
        count: int,
        *,
        vectors: dict[int, list[float]],
        paid: int,
        perhaps_paid: int,
    ) -> None:
        """Say which of many texts this befell, and what became of the others.

        Args:
            index: The text's place.
            count: How many texts there were.
            vectors: Those that were embedded.
            paid: How many were billed.
            perhaps_paid: How many more runs may have been.
        """
        perhaps = f", {perhaps_paid} more perhaps" if perhaps_paid else ""
        self.message = one_line(
            f"texts[{index}] of {count} failed; {paid} were paid for{perhaps}. {self.message}"
        )
        self.args = (self.message,)
        self.index, self.vectors = index, vectors
        self.paid, self.perhaps_paid = paid, perhaps_paid
        self.is_retryable = self.is_retryable and not paid and not perhaps_paid

    def hide(self, secret: str) -> None:
        """Blot a secret out of what the gateway said, should it have echoed it.

        Args:
            secret: The API key.
        """
        self.message = redact(self.message, secret)
        self.args = (self.message,)
        self.body = None if self.body is None else redact(self.body, secret)
        self.request_id = None if self.request_id is None else redact(self.request_id, secret)
        self.headers = {name: redact(value, secret) for name, value in self.headers.items()}


def _rebuild(cls: type[SegmindError], state: dict[str, Any]) -> SegmindError:
    error = cls(state["message"])
    vars(error).update(state)
    return error


class SegmindAuthenticationError(SegmindError, ModelAuthenticationError, ValueError):
    """The key is missing, wrong or expired (401)."""


class SegmindPermissionDeniedError(SegmindError, ModelPermissionDeniedError, ValueError):
    """The key may not use this model, team or scope (403)."""


class SegmindModelNotFoundError(SegmindError, ModelNotFoundError, ValueError):
    """No such model, or it was retired (404, 410)."""


class SegmindInsufficientCreditsError(SegmindError, ValueError):
    """The credits or the team's spend limit are used up (402, 406)."""


class SegmindInvalidRequestError(SegmindError, ModelInvalidRequestError, ValueError):
    """The gateway or the model refused what was sent (400, 405, 406, 409, 413, 415, 422, 3xx)."""


class SegmindContextOverflowError(SegmindInvalidRequestError, ContextOverflowError):
    """The prompt is longer than the model's context."""


class SegmindRateLimitError(SegmindError, ModelRateLimitError):
    """Too many requests (429); `retry_after` holds the seconds the gateway asked for."""


class SegmindServerError(SegmindError, ModelAPIError, RuntimeError):
    """The gateway or the model behind it failed (408, 425, 5xx)."""


class SegmindConnectionError(SegmindError, ModelConnectionError, RuntimeError):
    """No HTTP answer: refused, unresolved, reset, bad certificate, failing proxy."""


class SegmindTimeoutError(SegmindError, ModelTimeoutError, TimeoutError):
    """A deadline passed: `timeout`, `connect_timeout` or `total_timeout`."""


class SegmindJobTimeoutError(SegmindTimeoutError):
    """A job did not end within `queue_timeout` or `total_timeout`; it runs on in the queue.

    `ChatSegmind.fetch(error.request_id)` collects its answer later.
    """


class SegmindResponseError(SegmindError, RuntimeError):
    """A reply of status 200 without a usable answer. It was billed and is not asked for again."""


class SegmindJobFailedError(SegmindError, ModelAPIError, RuntimeError):
    """A job in the queue ended as FAILED, for the reason in the message."""


class SegmindJobNotFoundError(SegmindError, ValueError):
    """The gateway does not know the job: the id is wrong, or its result has expired."""


class SegmindBudgetExceededError(SegmindError, RuntimeError):
    """A call was not begun, because the budget of a `track_usage` is used up."""


_STATUS: Final[dict[int, tuple[type[SegmindError], str]]] = {
    400: (SegmindInvalidRequestError, "Correct the request; it would be refused again."),
    401: (
        SegmindAuthenticationError,
        "Check the key: set SEGMIND_API_KEY or pass api_key=..., see https://cloud.segmind.com.",
    ),
    402: (SegmindInsufficientCreditsError, "Top up at https://cloud.segmind.com."),
    403: (SegmindPermissionDeniedError, "This key may not use the model; ask its owner or team."),
    404: (
        SegmindModelNotFoundError,
        "Check the model's slug; https://www.segmind.com/models lists those there are.",
    ),
    405: (SegmindInvalidRequestError, "Check base_url; it must end in the API's version, as /v1."),
    406: (SegmindInvalidRequestError, "Correct the request; it would be refused again."),
    408: (SegmindServerError, "Try again."),
    410: (SegmindModelNotFoundError, "This model was retired; choose another one."),
    413: (SegmindInvalidRequestError, "The request is too large; send less or smaller media."),
    425: (SegmindServerError, "Try again."),
    429: (
        SegmindRateLimitError,
        "Send fewer requests at once: set rate_limiter=..., or max_concurrency=... of embeddings.",
    ),
}
_REDIRECT = (
    SegmindInvalidRequestError,
    "Redirects are never followed, so that the key stays here; check base_url.",
)
_OTHER_REFUSAL = (SegmindInvalidRequestError, "Correct the request; it would be refused again.")
_SERVER = (SegmindServerError, "The fault is the gateway's or the model's; try again later.")
_UNSURE = (
    SegmindServerError,
    "The model may have run and been billed; only retry_ambiguous=True would ask it again.",
)

_CREDITS = re.compile(r"credit|balance|spend", re.IGNORECASE)
_OVERFLOW = re.compile(
    r"context.{0,20}(length|window|limit)|(prompt|input|text) is too long|"
    r"too many (input )?tokens|"
    r"maximum (number of )?(input )?tokens",
    re.IGNORECASE,
)
_HOST = re.compile(r"host header", re.IGNORECASE)


def class_for(status: int, text: str, *, unsure: bool = False) -> tuple[type[SegmindError], str]:
    """Tell which error an HTTP status and the gateway's words stand for.

    Args:
        status: The HTTP status, anything but 2xx.
        text: What the gateway said, as `explain` reads it from the body.
        unsure: Whether the model may have run all the same.

    Returns:
        The class and the advice that ends its message.
    """
    if status in (402, 406) and _CREDITS.search(text):
        return _STATUS[402]
    if (400 <= status < 500 or status == 500) and status != 429 and _OVERFLOW.search(text):
        return SegmindContextOverflowError, "Shorten the conversation, or split the text."
    if status == 400 and _HOST.search(text):
        return SegmindInvalidRequestError, "This speaks of a wrong address; check base_url."
    if status in _STATUS:
        return _STATUS[status]
    if 300 <= status < 400:
        return _REDIRECT
    if status >= 500:
        return _UNSURE if unsure else _SERVER
    return _OTHER_REFUSAL


def explain(body: str) -> str:
    """Read what the gateway means from the body of an error reply.

    Args:
        body: JSON with `error`, `error_description`, `message` or `detail` (each a text or an
            object), HTML, plain text or nothing.

    Returns:
        One clean line, empty where there is nothing to read.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return one_line(_without_markup(body), 500)
    return explain_value(value)


def explain_value(value: Any) -> str:
    """Read what the gateway means from a parsed error body; empty where it says nothing."""
    return one_line("; ".join(_words(value)), 500)


def _words(value: Any, depth: int = 0) -> list[str]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, list) and depth < 3:
        return [word for item in value[:5] for word in _words(item, depth + 1)]
    if isinstance(value, dict) and depth < 3:
        known = ("error", "error_description", "message", "msg", "detail", "reason", "code")
        found = [word for key in known if key in value for word in _words(value[key], depth + 1)]
        return list(dict.fromkeys(found))
    return []


def _without_markup(text: str) -> str:
    if "<" not in text:
        return text
    text = re.sub(r"(?is)<(script|style|head)\b.*?(</\1\s*>|$)", " ", text[:LONGEST_BODY])
    return html.unescape(re.sub(r"<[^<>]*>", " ", text))


SHORTEST_SECRET: Final = 8
"""Characters below which a key is no secret, but a word that may stand anywhere."""


def redact(text: str, secret: str) -> str:
    """Put stars in the place of a secret."""
    return text.replace(secret, "***") if len(secret) >= SHORTEST_SECRET else text


def one_line(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """Make a text fit for one line of a log: no control characters or line breaks, and short."""
    clean = "".join(c if c.isprintable() else " " for c in text[: 4 * longest])
    clean = " ".join(clean.split())
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"
