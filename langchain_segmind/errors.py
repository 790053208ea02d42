"""Define the errors of this package, and choose one by HTTP status.

This module decides neither what is sent nor what is retried. Beside each error: the LangChain error
that it also derives from, and when it is raised.

    SegmindError                          also LangChain's ModelError
    ├── SegmindAuthenticationError        ModelAuthenticationError   401
    ├── SegmindPermissionDeniedError      ModelPermissionDeniedError 403
    ├── SegmindModelNotFoundError         ModelNotFoundError         404, 410
    ├── SegmindInsufficientCreditsError                              402, 406 about credits
    ├── SegmindInvalidRequestError        ModelInvalidRequestError   400, 405, 406, 422, ...
    │   └── SegmindContextOverflowError   ContextOverflowError       the prompt is too long
    ├── SegmindRateLimitError             ModelRateLimitError        429
    ├── SegmindServerError                ModelAPIError              408, 425, 5xx
    ├── SegmindConnectionError            ModelConnectionError       no HTTP reply
    ├── SegmindTimeoutError               ModelTimeoutError          a deadline passed
    │   └── SegmindJobTimeoutError                                   a job did not end in time
    ├── SegmindResponseError                                         a 200 without a usable reply
    ├── SegmindJobFailedError             ModelAPIError              a job ended as FAILED
    ├── SegmindJobNotFoundError                                      an unknown or expired job
    ├── SegmindBatchError                                            one of many texts failed
    └── SegmindBudgetExceededError                                   `track_usage(budget=...)`

LangGraph's default retry policy, which reads the bases `ValueError`, `RuntimeError` and
`TimeoutError`, and `ModelRetryMiddleware`, which reads `is_retryable`, do not retry a call that may
have been billed. `Runnable.with_retry` retries every error unless you name classes.
"""

from __future__ import annotations

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

from langchain_segmind._context_overflow import is_context_overflow
from langchain_segmind._text import one_line, redact

__all__ = [
    "SegmindAuthenticationError",
    "SegmindBatchError",
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

_MAX_BODY_CHARS: Final = 16 * 1024

_KEPT_HEADERS: Final = (
    *("content-type", "date", "retry-after", "retry-after-ms", "server", "x-cost"),
    *("x-generation-time", "x-rate-limit-reset-at-utc", "x-remaining-credits", "x-request-id"),
)
"""The reply headers that an error keeps; others may be confidential."""

_BILLED: Final = {"not_sent": False, "rejected": False, "executed": True}


class SegmindError(ModelError):
    """The base class of all errors. It can be pickled, and never contains the API key.

    Attributes:
        message: One line: what happened and what to do next.
        status_code: HTTP status of the last reply; None if there was none.
        request_id: The gateway's id of the request; for a job, its id for `ChatSegmind.get_job`.
        outcome: What happened to the last attempt: "not_sent"; "rejected" (3xx, 4xx, 503 or the
            gateway's own 500; this package assumes that the model did not run); "unknown" (the
            model may have run and been billed); or "executed" (a 200 arrived, but its body is lost
            or unusable). None if there was nothing to send.
        attempts: How many requests were sent for this call, polls of a job included.
        body: The last reply's text, at most 16 KiB.
        headers: A few of the last reply's headers, with names in lower case.
        cost: Cost of the failed call in US dollars, if the gateway reported it.
        remaining_credits: The balance that the gateway reported, in credits (US dollars).
        retry_after: Seconds to wait, if the gateway requested that.
        model: The slug that was called.
        is_retryable: Whether the same call can be repeated without paying twice.
        ambiguous_attempts: With `retry_ambiguous`, how many earlier attempts may be billed too.
        job_state: The last known state of the call's job in the queue; None without a job.
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
        job_state: str | None = None,
    ) -> None:
        self.message = one_line(message)
        super().__init__(self.message)
        self.status_code = status_code
        self.request_id = request_id
        self.outcome = outcome
        self.attempts = attempts
        self.body = body[:_MAX_BODY_CHARS] if body is not None else None
        self.headers = {k: v for k, v in (headers or {}).items() if k in _KEPT_HEADERS}
        self.cost = cost
        self.remaining_credits = remaining_credits
        self.retry_after = retry_after
        self.model = model
        self.is_retryable = is_retryable
        self.ambiguous_attempts = ambiguous_attempts
        self.job_state = job_state

    @property
    def billed(self) -> bool | None:
        """Whether the last attempt was billed, inferred from `outcome`; None if unknown."""
        return _BILLED.get(self.outcome or "")

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), dict(vars(self)))

    def add_advice(self, advice: str) -> None:
        """Add what to do next to the message.

        Args:
            advice: A sentence; blank changes nothing.
        """
        if advice:
            self.message = one_line(f"{self.message} {advice}")
            self.args = (self.message,)

    def hide(self, secret: str) -> None:
        """Replace a secret by stars in everything the gateway sent, in case it echoed it.

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
    """The model does not exist, or was retired (404, 410)."""


class SegmindInsufficientCreditsError(SegmindError, ValueError):
    """The credits or the team's spend limit are used up (402, 406)."""


class SegmindInvalidRequestError(SegmindError, ModelInvalidRequestError, ValueError):
    """The gateway rejected the request (4xx, 3xx), or this package refused to send it."""


class SegmindContextOverflowError(SegmindInvalidRequestError, ContextOverflowError):
    """The prompt is longer than the model's context."""


class SegmindRateLimitError(SegmindError, ModelRateLimitError):
    """There were too many requests (429); `retry_after` has the seconds to wait."""


class SegmindServerError(SegmindError, ModelAPIError, RuntimeError):
    """The gateway or the model behind it failed (408, 425, 5xx)."""


class SegmindConnectionError(SegmindError, ModelConnectionError, RuntimeError):
    """There was no HTTP reply: refused, unresolved, reset, bad certificate, failing proxy."""


class SegmindTimeoutError(SegmindError, ModelTimeoutError, TimeoutError):
    """A deadline passed: `timeout`, `connect_timeout` or `total_timeout`."""


class SegmindJobTimeoutError(SegmindTimeoutError):
    """A job did not end in time, but keeps running; `get_job(error.request_id)` fetches it."""


class SegmindResponseError(SegmindError, RuntimeError):
    """A reply with status 200 has no usable answer. It counts as billed and is not retried."""


class SegmindJobFailedError(SegmindError, ModelAPIError, RuntimeError):
    """A job in the queue ended as FAILED, for the reason in the message."""


class SegmindJobNotFoundError(SegmindError, ValueError):
    """The gateway does not know the job: the id is wrong, or its result has expired."""


class SegmindBatchError(SegmindError, RuntimeError):
    """One of many texts could not be embedded, so no more were sent.

    Its other fields are those of `error`, the error of the text that failed first.

    Attributes:
        error: What was raised for that text.
        index: The index of that text, from 0.
        vectors: The vectors that were computed, by the index of their text. They were billed.
        paid: How many texts were billed, unusable replies included.
        perhaps_paid: How many more runs may have been billed.
    """

    def __init__(
        self,
        message: str,
        *,
        error: SegmindError | None = None,
        index: int = 0,
        vectors: Mapping[int, list[float]] | None = None,
        paid: int = 0,
        perhaps_paid: int = 0,
        **fields: Any,
    ) -> None:
        """Build the error; see `SegmindError` for its other fields."""
        super().__init__(message, **fields)
        self.error = error
        self.index = index
        self.vectors = dict(vectors or {})
        self.paid = paid
        self.perhaps_paid = perhaps_paid


class SegmindBudgetExceededError(SegmindError, RuntimeError):
    """A call was not sent, because the budget of a `track_usage` block is used up."""


_REFUSED: Final = (SegmindInvalidRequestError, "Correct the request; it would be rejected again.")
_TRANSIENT: Final = (SegmindServerError, "Try again.")
_BY_STATUS: Final[dict[int, tuple[type[SegmindError], str]]] = {
    400: _REFUSED,
    401: (
        SegmindAuthenticationError,
        "Check the key: set SEGMIND_API_KEY or pass api_key=..., see https://cloud.segmind.com.",
    ),
    402: (SegmindInsufficientCreditsError, "Top up at https://cloud.segmind.com."),
    403: (
        SegmindPermissionDeniedError,
        "This key may not use the model; ask the owner of the key or of its team.",
    ),
    404: (
        SegmindModelNotFoundError,
        "Check the model's slug; https://www.segmind.com/models lists all models.",
    ),
    405: (
        SegmindInvalidRequestError,
        "Check base_url; it must end in the API's version, e.g. '/v1'.",
    ),
    406: _REFUSED,
    408: _TRANSIENT,
    410: (SegmindModelNotFoundError, "This model was retired; choose another one."),
    413: (SegmindInvalidRequestError, "The request is too large; send less or smaller media."),
    425: _TRANSIENT,
    429: (
        SegmindRateLimitError,
        "Call later, or send fewer at once: rate_limiter=..., max_concurrency=... of embeddings.",
    ),
}
_REDIRECT: Final = (
    SegmindInvalidRequestError,
    "Redirects are never followed, so that no other host receives the key; check base_url.",
)
_FAILED: Final = (SegmindServerError, "The gateway or the model behind it failed; try again later.")
_MAY_HAVE_RUN: Final = (
    SegmindServerError,
    "The model may have run and been billed; set retry_ambiguous=True to retry such calls.",
)

_SHORTEN: Final = "Shorten the conversation, or split the text."
_BY_TEXT: Final = (
    ((402, 406), r"credit|balance|spend", _BY_STATUS[402]),
    (
        (400,),
        r"host header",
        (SegmindInvalidRequestError, "The gateway does not serve this host; check base_url."),
    ),
    (
        (406,),  # without a reason, it means too few credits, say Segmind's pages
        r"^(?:406|error|code|status|not.?acceptable|nginx[/.\d]*|cloudflare|\W)*$",
        (SegmindInvalidRequestError, "Check the credits first: get_credits(). Then the request."),
    ),
)
"""Messages that are more exact than their status: statuses, pattern, class and advice."""


def error_class_for(
    status: int, message: str, *, may_have_run: bool = False
) -> tuple[type[SegmindError], str]:
    """Return the class of error for an HTTP status, and the advice that ends its message.

    Args:
        status: The HTTP status, anything but 2xx.
        message: The gateway's message, from `message_from_body`.
        may_have_run: Whether the model may have run in spite of the status.
    """
    for statuses, pattern, found in _BY_TEXT:
        if status in statuses and re.search(pattern, message, re.IGNORECASE):
            return found
    if 400 <= status <= 500 and status != 429 and is_context_overflow(message):
        return SegmindContextOverflowError, _SHORTEN
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return _MAY_HAVE_RUN if may_have_run else _FAILED
    return _REDIRECT if 300 <= status < 400 else _REFUSED
