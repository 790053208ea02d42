"""The values of one exchange with the gateway, and the type of a flow.

Values and nothing else. They must not import anything that does I/O or knows the time.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import field
from typing import Any, Literal, TypeVar

from pydantic import SecretStr

from langchain_segmind._value import value

Outcome = Literal["not_sent", "rejected", "unknown", "executed"]
"""How an attempt ended: surely not run; refused and unbilled; unknown; run and billed."""

FaultKind = Literal["connection", "tls", "timeout", "rate_limit", "cut", "too_large", "encoding"]
"""What broke an exchange: before, instead of or in the middle of a reply."""


@value
class Request:
    """What to send; the driver adds the key."""

    method: Literal["GET", "POST"]
    url: str
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@value
class JobEvent:
    """A new state of a job in the queue, this many seconds after the call began.

    States are "QUEUED", "PROCESSING", "COMPLETED", "FAILED", or another word of the gateway.
    """

    state: str
    request_id: str
    model: str
    seconds: float


@value
class Step:
    """Wait `after` seconds, then send.

    Attributes:
        timeout: Seconds the attempt may take from its start to the last byte; None for no limit.
        connect_timeout: Seconds within them for resolving, connecting and the TLS handshake.
        pool_timeout: Seconds it may wait first, for its turn at a rate limit and for a free
            connection; None for no limit.
        event: A new state of the call's job, to be reported.
        longest_wait: Seconds that the gateway may ask calls to wait for a rate limit.
    """

    request: Request
    after: float = 0.0
    timeout: float | None = 120.0
    connect_timeout: float | None = 10.0
    pool_timeout: float | None = None
    event: JobEvent | None = None
    longest_wait: float = 60.0


@value
class Response:
    """An HTTP reply, or as much of it as arrived: `fault` is what kept it from being whole.

    The names of `headers` are in lower case.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: FaultKind | None = None
    detail: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx: the model ran, whatever became of the body."""
        return 200 <= self.status < 300

    @property
    def outcome(self) -> Outcome:
        """How the attempt ended.

        Only HTTP 200 is billed. But a 502, 504 or any other 5xx, and a 500 that is not the
        gateway's own JSON, may come from a front behind which the model goes on running.
        """
        if self.is_success:
            return "executed"
        if 300 <= self.status < 500 or self.status == 503:
            return "rejected"
        if self.status == 500 and self.fault is None and _is_gateway_json(self.body):
            return "rejected"
        return "unknown"


@value
class Failure:
    """No HTTP reply came. Fields are those of `Response`.

    Attributes:
        retry_after: Seconds until a rate limit ends.
    """

    outcome: Outcome
    fault: FaultKind
    detail: str = ""
    retry_after: float | None = None


Result = Response | Failure
"""How a step ended."""


@value
class Reply:
    """What the driver sends back into a flow: the result of a step, time and chance."""

    result: Result
    elapsed: float = 0.0  # seconds since the flow began
    now: float = 0.0  # seconds since 1970
    jitter: float = 0.0  # random, 0 <= jitter < 1


@value
class Receipt:
    """What a call took, from the headers of its reply or, for a job, from its metrics.

    Costs and credits are US dollars, times are seconds.

    Attributes:
        headers: Those of the reply that held the answer.
        ambiguous_attempts: Earlier attempts of the call that may have run and been billed too.
    """

    request_id: str | None = None
    cost: float | None = None
    remaining_credits: float | None = None
    generation_time: float | None = None
    queue_time: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ambiguous_attempts: int = 0


@value
class Destination:
    """Where one call goes, and how.

    Attributes:
        base_url: The API's address, ending in its version, without a slash.
        api_key: The key to send; blank where there is none.
        is_local: Whether the call was redirected to a local gateway, which is reached directly.
    """

    base_url: str
    api_key: SecretStr = SecretStr("")
    proxy: str | None = field(default=None, repr=False)
    verify: bool | str = True
    is_local: bool = False


T = TypeVar("T")
Flow = Generator[Step, Reply, T]
"""A conversation with the gateway: yields a step, is sent its reply, and returns its result."""


def _is_gateway_json(body: bytes) -> bool:
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    # The front before the gateway has its own {"message": "Internal server error"}.
    return isinstance(value, dict) and "error" in value
