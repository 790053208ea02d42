"""Every conversation with the gateway, written once, for requests and aiohttp alike.

A flow yields a `Step` and is sent what came of it. It has no clock, no dice and no socket, so a
test plays it with a list of outcomes and asserts the exact steps and waits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from pydantic_core import to_json

from langchain_segmind import _tools, _wire
from langchain_segmind._catalogue import Card, Entry, entries, list_url
from langchain_segmind._exchange import Failure, Fault, Flow, Reply, Request, Response, Step
from langchain_segmind._prompt import Answer, Choice, Prompt
from langchain_segmind._retry import Patience, hinted_wait, is_repeatable, wait_before_next
from langchain_segmind.errors import (
    SegmindConnectionError,
    SegmindContextOverflowError,
    SegmindError,
    SegmindResponseError,
    SegmindTimeoutError,
    class_for,
    explain,
    one_line,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a conversation goes, and how patiently.

    Attributes:
        base_url: The API's address, ending in its version, without a slash.
        card: The model.
        headers: Extra headers for every request.
        native: Whether tools go in the family's own fields instead of in words.
        refuses_format: Whether the model is known to refuse `response_format`.
    """

    base_url: str
    card: Card
    patience: Patience = field(default_factory=Patience)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    native: bool = False
    refuses_format: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer and what the gateway's headers say about it.

    Attributes:
        cost: What the call cost, in US dollars, where the gateway said so.
        remaining_credits: The balance after it.
        generation_time: Seconds the model took, by the gateway's watch.
        refuses_format: Whether the model was found to refuse `response_format`.
    """

    answer: Answer
    refuses_format: bool = False
    request_id: str | None = None
    cost: float | None = None
    remaining_credits: float | None = None
    generation_time: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def chat(prompt: Prompt, target: Target) -> Flow[Heard]:
    """Ask a model and wait for its answer."""
    card = target.card
    # Without tools to declare, providers refuse a history of calls; it is told in words then.
    target = replace(target, native=target.native and bool(prompt.tools))
    alone = remember = target.refuses_format
    request = _request(prompt, target, alone=alone)

    def instead(reply: Response) -> Request | None:
        """Ask in words alone, once, where the model refuses `response_format`."""
        nonlocal alone
        nonlocal remember
        asked = prompt.response_format is not None or (bool(prompt.tools) and not target.native)
        if alone or not asked or not _refuses_format(reply):
            return None
        alone = True
        remember = bool(_FOR_GOOD.search(reply.body.decode("utf-8", "replace")))
        return _request(prompt, target, alone=True)

    def read(response: Response) -> Answer:
        answer = _wire.decode(response.body)
        salt = f"{answer.id}|{response.headers.get('x-request-id')}"
        return _read(answer, prompt, salt, native=target.native)

    answer, headers = yield from ask(request, card.slug, target.patience, read, instead)
    return _heard(answer, headers, refuses_format=remember)


def _read(answer: Answer, prompt: Prompt, salt: str, *, native: bool) -> Answer:
    stop = prompt.settings.get("stop") or ()
    if prompt.response_format is not None:
        stop = ()  # it would cut the JSON
    heard = (
        _tools.hear(choice, prompt, native=native, salt=f"{salt}|{n}")
        for n, choice in enumerate(answer.choices)
    )
    choices = tuple(_cut(choice, stop) for choice in heard)
    if prompt.forced and not any(choice.calls or choice.refusal for choice in choices):
        names = " or ".join(tool.name for tool in prompt.tools)
        raise SegmindResponseError(f"tool_choice asked for a call of {names}, but there is none")
    return replace(answer, choices=choices)


def _request(prompt: Prompt, target: Target, *, alone: bool) -> Request:
    card = target.card
    if target.native:
        spoken = _tools.tell_format(prompt) if alone else prompt
    else:
        spoken = _tools.speak(prompt, alone=alone)
    settings = dict(prompt.settings)
    if prompt.tools or prompt.response_format is not None:
        settings.pop("stop", None)  # upstream it would cut the JSON; the words are cut here
    told = replace(spoken, settings=card.translate(settings))
    body = to_json(_wire.FORMATS[card.family].encode(told))
    return Request("POST", f"{target.base_url}/{card.slug}", body, target.headers)


def _refuses_format(reply: Response) -> bool:
    return reply.status in (400, 406) and bool(
        _FORMAT.search(reply.body.decode("utf-8", "replace"))
    )


_FOR_GOOD: Final = re.compile(r"support|unknown|unrecogni[sz]ed|not allowed", re.IGNORECASE)
"""What tells a model that refuses the format from one that refuses just this schema."""

_FORMAT: Final = re.compile(
    r"response.?format|json.?(schema|object|mode)|structured.?output"
    r"|response.?schema|output.?(config|format)|additionalProperties",
    re.IGNORECASE,
)


def models(base_url: str, patience: Patience) -> Flow[list[Entry]]:
    """Read the vendor's catalogue. It is public, on a host of its own: no key goes there."""
    request = Request("GET", list_url(base_url))
    found, _ = yield from ask(request, "model catalogue", patience, _read_catalogue)
    return found


def _read_catalogue(response: Response) -> list[Entry]:
    return entries(_wire.parse(response.body))


def ask(
    request: Request,
    name: str,
    patience: Patience,
    decode: Callable[[Response], T],
    instead: Callable[[Response], Request | None] | None = None,
) -> Flow[tuple[T, Mapping[str, str]]]:
    """Send a request and read its reply.

    Args:
        request: What to send.
        name: What is asked, for messages.
        patience: How long to try.
        decode: Reads a reply, or raises a `SegmindResponseError` that says why it cannot.
        instead: Gives another request to send at once in the place of one that was refused.

    Returns:
        What was read, and the reply's headers.
    """
    response, attempts = yield from send(request, name, patience, instead)
    try:
        return decode(response), response.headers
    except SegmindResponseError as unusable:
        reason = unusable.message
    error = _unusable(reason, response, name, attempts)
    del response, reason  # tracebacks show locals, and these may hold an echo of the key
    raise error


def send(
    request: Request,
    name: str,
    patience: Patience,
    instead: Callable[[Response], Request | None] | None = None,
) -> Flow[tuple[Response, int]]:
    """Send a request until it is answered, for as long as that cannot be paid for twice.

    Returns:
        The whole reply of status 2xx, and how many attempts it took.

    Raises:
        SegmindError: For any other end.
    """
    attempts, wait, elapsed = 0, 0.0, 0.0
    while True:
        attempts += 1
        reply = yield _step(request, patience, wait, elapsed)
        if isinstance(reply, Response) and reply.is_success and reply.fault is None:
            return reply, attempts
        other = instead(reply) if instead and isinstance(reply, Response) else None
        if other is not None:
            request, wait, elapsed = other, 0.0, reply.elapsed
            continue
        error = _error(reply, name, attempts)
        next_wait = wait_before_next(attempts, reply, patience)
        if next_wait is None or isinstance(error, SegmindContextOverflowError):
            raise error
        wait, elapsed = next_wait, reply.elapsed


def _step(request: Request, patience: Patience, wait: float, elapsed: float) -> Step:
    if patience.total_timeout is None:
        return Step(request, wait, patience.timeout, patience.connect_timeout)
    left = max(0.001, patience.total_timeout - elapsed - wait)
    timeout = left if patience.timeout is None else min(patience.timeout, left)
    return Step(request, wait, timeout, patience.connect_timeout, patience=left)


def _cut(choice: Choice, stop: Sequence[str]) -> Choice:
    """End a choice before the first stop sequence, as the gateway may not honour them."""
    found = [at for word in stop if (at := choice.text.find(word)) >= 0]
    if not found:
        return choice
    reason = choice.finish_reason if choice.calls else "stop"
    return replace(choice, text=choice.text[: min(found)], finish_reason=reason)


def _heard(answer: Answer, headers: Mapping[str, str], *, refuses_format: bool) -> Heard:
    return Heard(
        answer,
        refuses_format=refuses_format,
        request_id=headers.get("x-request-id"),
        cost=_amount(headers.get("x-cost")),
        remaining_credits=_amount(headers.get("x-remaining-credits")),
        generation_time=_amount(headers.get("x-generation-time")),
        headers=headers,
    )


def _amount(text: str | None) -> float | None:
    """Read a number however it is dressed (`$0.01`, `1,000.5`, `0.4s`); None for anything else."""
    try:
        value = float((text or "").strip().lstrip("$").rstrip("s$ ").replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


# --- what went wrong -------------------------------------------------------------------------

_WORDS: Final[dict[Fault, str]] = {
    "connection": "the connection failed",
    "tls": "the TLS connection failed",
    "timeout": "no full answer came in time",
    "cut": "the reply was cut short",
    "too_large": "the reply is too large",
    "encoding": "the reply is compressed in a way that cannot be read",
}


def _error(reply: Reply, name: str, attempts: int) -> SegmindError:
    """Make the error for a reply that is no success."""
    facts = _facts(reply, name, attempts)
    if isinstance(reply, Failure):
        return _failed(reply, facts)
    if reply.is_success:
        return _lost(reply, facts)
    text = explain(facts["body"])
    cls, advice = class_for(reply.status, text, unsure=reply.outcome == "unknown")
    said = f" ({text})" if text else ""
    tried = f" after {attempts} attempts" if attempts > 1 else ""
    hint = facts["retry_after"]
    asked = f" and asks to wait {hint:.0f} s" if hint else ""
    message = f"{name}: the gateway answered {reply.status}{said}{tried}{asked}. {advice}"
    return cls(message, **facts)


def _failed(failure: Failure, facts: dict[str, Any]) -> SegmindError:
    what = f"{facts['model']}: {_WORDS[failure.fault]}"
    why = f" ({failure.detail})" if failure.detail else ""
    cls = SegmindTimeoutError if failure.fault == "timeout" else SegmindConnectionError
    return cls(f"{what}{why}. {_next(failure)}", **facts)


def _next(failure: Failure) -> str:
    if failure.fault == "tls":
        return "Nothing was sent; check the certificates (verify=..., REQUESTS_CA_BUNDLE)."
    if failure.outcome == "not_sent":
        return "Nothing was sent; check the network, base_url and the proxy settings."
    return (
        "The request had been sent, so the model may have run and been billed; it was not asked "
        "again. A longer timeout=... may help, retry_ambiguous=True repeats such calls."
    )


def _lost(response: Response, facts: dict[str, Any]) -> SegmindError:
    """The model ran, and its answer was lost on the way."""
    cls = SegmindTimeoutError if response.fault == "timeout" else SegmindResponseError
    why = f" ({response.detail})" if response.detail else ""
    return cls(
        f"{facts['model']}: the gateway answered {response.status}, but "
        f"{_WORDS[response.fault or 'cut']}{why}. The run was billed, so it is not repeated.",
        **facts,
    )


def _unusable(reason: str, response: Response, name: str, attempts: int) -> SegmindError:
    facts = _facts(response, name, attempts)
    shown = one_line(facts["body"], 200)
    begins = f" It begins: {shown}" if shown and shown not in reason else ""
    return SegmindResponseError(
        f"{name}: the gateway's reply cannot be used: {reason}. The run was billed, so it "
        f"is not repeated.{begins}",
        **facts,
    )


def _facts(reply: Reply, name: str, attempts: int) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "outcome": reply.outcome,
        "attempts": attempts,
        "model": name,
        "retry_after": hinted_wait(reply),
        "is_retryable": is_repeatable(reply),
    }
    if isinstance(reply, Response):
        facts |= {
            "status_code": reply.status,
            "request_id": reply.headers.get("x-request-id"),
            "remaining_credits": _amount(reply.headers.get("x-remaining-credits")),
            "headers": reply.headers,
            "body": reply.body[: 64 * 1024].decode("utf-8", "replace"),
        }
    return facts
