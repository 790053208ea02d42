"""Ask a chat model, directly or through the gateway's job queue.

A request that a model refuses because of its `response_format` is sent once more, with the schema
in the prompt; one refused for a setting, with what replaces the setting. What is sent and how a
reply is read is decided by `_tool_emulation` and `_formats`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Final, TypeVar

from langchain_segmind._flows.format_refusals import blames_the_format, refuses_every_format
from langchain_segmind._flows.job_status import JobHandle, is_job_id
from langchain_segmind._flows.jobs import (
    WaitPolicy,
    job_state,
    job_url,
    queue_url,
    submit_job,
    wait_for_result,
)
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.send import Exchange
from langchain_segmind._flows.setting_refusals import REPLACEMENTS, advice, refused_settings
from langchain_segmind._flows.types import Destination, Flow, Receipt, Request, Response
from langchain_segmind._formats import FORMATS, decode, decode_job, encode_body, is_answer
from langchain_segmind._messages.types import (
    ChatRequest,
    ChatResponse,
    Choice,
    has_calls,
    invalid_request,
)
from langchain_segmind._text import message_from_body
from langchain_segmind._value import value
from langchain_segmind.errors import SegmindError, SegmindJobFailedError, SegmindResponseError
from langchain_segmind.models import ModelInfo

T = TypeVar("T")

EVERY_FORMAT: Final = "*"

Found = tuple[ChatResponse, Receipt]
"""A model's response, and what it took."""


@value
class Endpoint:
    """Where a call goes, and how.

    Attributes:
        headers: Extra headers for every request.
        native: Whether tools go in the format's own fields instead of in the prompt.
        refused_formats: Formats that the model is known to refuse, as `Completion` names them.
        refused_settings: Settings that the model is known to refuse, among `REPLACEMENTS`.
        wait_policy: How long to wait in the queue; None for a call that does not go through it.
    """

    destination: Destination
    model_info: ModelInfo
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    native: bool = False
    refused_formats: Collection[str] = ()
    refused_settings: Collection[str] = ()
    wait_policy: WaitPolicy | None = None


@value
class ModelCall:
    """One call of a model: what is asked, and where."""

    request: ChatRequest
    endpoint: Endpoint


@value
class Completion:
    """A model's response, and what it took.

    Attributes:
        refused_format: The `response_format` that the model refused: `EVERY_FORMAT`, or the key of
            this one; None if it refused none.
        refused_settings: The settings that the model refused in this call and before.
    """

    response: ChatResponse
    receipt: Receipt
    refused_format: str | None = None
    refused_settings: Collection[str] = ()


@value
class Submission:
    """A job that was submitted. The other fields are those of `Completion`."""

    job: JobHandle
    refused_format: str | None = None
    refused_settings: Collection[str] = ()


def chat(call: ModelCall) -> Flow[Completion]:
    """Ask a model and wait for its response, directly or in the queue."""
    ask = _ask if call.endpoint.wait_policy is None else _run_job
    found, refused_format, refused_settings = yield from _in_accepted_form(call, ask)
    return Completion(*found, refused_format, refused_settings)


def submit(call: ModelCall) -> Flow[Submission]:
    """Submit a request to the queue, to fetch its response later."""
    return Submission(*(yield from _in_accepted_form(call, _submit)))


def fetch(job_id: str, call: ModelCall) -> Flow[Completion]:
    """Wait for the response to a request that was submitted; `call` may have no messages."""
    encoding = _Encoding(call, in_words=False)
    job = _job(job_id, call.endpoint)
    return Completion(*(yield from _wait(_exchange(call.endpoint), encoding, job)))


def state(job_id: str, endpoint: Endpoint) -> Flow[str]:
    """Return the state of a job."""
    wait_policy = endpoint.wait_policy or WaitPolicy()
    return (yield from job_state(_exchange(endpoint), _job(job_id, endpoint), wait_policy))


def _ask(exchange: Exchange, encoding: _Encoding) -> Flow[Found]:
    request = encoding.http_request(encoding.endpoint.destination.base_url)
    return exchange.read(request, encoding.decode_reply)


def _submit(exchange: Exchange, encoding: _Encoding) -> Flow[JobHandle]:
    base_url = encoding.endpoint.destination.base_url
    return submit_job(exchange, encoding.http_request(queue_url(base_url)), base_url)


def _run_job(exchange: Exchange, encoding: _Encoding) -> Flow[Found]:
    try:
        job = yield from _submit(exchange, encoding)
    except SegmindResponseError:
        match exchange.reply.result:
            case Response(fault=None) as response if is_answer(response.body):
                return exchange.decode(response, encoding.decode_reply)
        raise
    return (yield from _wait(exchange, encoding, job))


def _wait(exchange: Exchange, encoding: _Encoding, job: JobHandle) -> Flow[Found]:
    wait_policy = encoding.endpoint.wait_policy or WaitPolicy()
    return wait_for_result(exchange, job, wait_policy, encoding.decode_job)


def _exchange(endpoint: Endpoint) -> Exchange:
    return Exchange(endpoint.model_info.slug, endpoint.retry_policy)


def _job(job_id: str, endpoint: Endpoint) -> JobHandle:
    if not is_job_id(job_id):
        raise invalid_request(
            "request_id must be a job's id, of letters, digits, _ and -: str(job), or the "
            "request_id of an error after the submission"
        )
    url = job_url(endpoint.destination.base_url, job_id)
    return JobHandle(job_id, endpoint.model_info.slug, url, endpoint.headers)


# --- refusals of `response_format` and of settings ----------------------------------------------


def _in_accepted_form(
    call: ModelCall, ask: Callable[[Exchange, _Encoding], Flow[T]]
) -> Flow[tuple[T, str | None, Collection[str]]]:
    """Ask with `response_format` and all settings, and again without what is rejected.

    The schema is then in the prompt, and a setting replaced, each once.

    Returns:
        The result, and what was refused, as `Completion` names it.
    """
    request, endpoint = call.request, call.endpoint
    exchange, in_words = _exchange(endpoint), _is_refused(call)
    refused_format: str | None = None
    refused = endpoint.refused_settings
    is_native = endpoint.native and bool(request.tools)
    has_format = request.response_format is not None or (bool(request.tools) and not is_native)
    while True:
        encoding = _Encoding(call, in_words=in_words, refused=refused)
        try:
            return (yield from ask(exchange, encoding)), refused_format, refused
        except SegmindError as error:
            if has_format and not in_words and _blames_the_format(error, request):
                refused_format, in_words = _refused_key(error, request), True
            else:
                blamed = _blamed_settings(error, encoding)
                replaceable = REPLACEMENTS.keys() & {*blamed} - {*refused}
                if not replaceable:
                    error.add_advice(advice(blamed))
                    raise
                refused = {*refused, *replaceable}
            exchange.refused += 1


def _is_refused(call: ModelCall) -> bool:
    """Return whether the model is known to refuse the format that the call would ask for."""
    refused = call.endpoint.refused_formats
    return bool(refused) and (EVERY_FORMAT in refused or _format_key(call.request) in refused)


def _refused_key(error: SegmindError, request: ChatRequest) -> str:
    is_general = refuses_every_format(message_from_body(error.body or ""))
    return EVERY_FORMAT if is_general else _format_key(request)


def _format_key(request: ChatRequest) -> str:
    format_ = (request.response_format, request.tools, request.require_tool_call, request.parallel)
    return hashlib.sha256(repr(format_).encode(errors="replace")).hexdigest()


def _blames_the_format(error: SegmindError, request: ChatRequest) -> bool:
    """Return whether the gateway or the model refused a request, unbilled, for its format."""
    text = message_from_body(error.body or "")
    return _is_refusal(error, 400, 406) and blames_the_format(text, request.settings)


def _blamed_settings(error: SegmindError, encoding: _Encoding) -> list[str]:
    """Return the settings that were sent and for which a request was refused, unbilled."""
    if not _is_refusal(error, 400, 406, 422, 500):
        return []
    return refused_settings(message_from_body(error.body or ""), encoding.sent_settings())


def _is_refusal(error: SegmindError, *statuses: int) -> bool:
    is_one = error.status_code in statuses or isinstance(error, SegmindJobFailedError)
    return is_one and error.outcome == "rejected"


# --- how a request is put, and how its reply is read -------------------------------------------

# `_tool_emulation` is imported by the first call that needs it: compiling its patterns would be a
# quarter of this package's import time, and most programs do not use tools.


class _Encoding:
    """One form of a request.

    With `response_format`, or with the schema in the prompt instead; with all settings, or without
    those that were refused.
    """

    def __init__(self, call: ModelCall, *, in_words: bool, refused: Collection[str] = ()) -> None:
        self._request = request = call.request
        self.endpoint = call.endpoint
        # Without tools to declare, providers refuse a history of calls; it is rendered as text.
        self._native = call.endpoint.native and bool(request.tools)
        self._in_words = in_words
        self._refused = refused
        # Whether there is nothing to render into the prompt, or to parse from the answer.
        self._is_plain = not (
            request.tools
            or request.response_format is not None
            or not request.messages
            or has_calls(request)
        )
        kind = (request.response_format or {}).get("type", "text")
        # Stop sequences would cut JSON, so they are not sent with it; the text is cut here.
        self._is_json = bool(request.tools) or kind != "text"
        self._stop: Sequence[str] = ()
        if kind == "text":
            self._stop = request.settings.get("stop") or ()

    def http_request(self, base_url: str) -> Request:
        request, model_info = self._request, self.endpoint.model_info
        rendered = request if self._is_plain else self._render()
        if request.settings:
            rendered = replace(rendered, settings=model_info.translate(self._settings()))
        body = encode_body(FORMATS[model_info.family].encode, rendered)
        return Request("POST", f"{base_url}/{model_info.slug}", body, self.endpoint.headers)

    def _settings(self) -> dict[str, Any]:
        settings = dict(self._request.settings)
        if self._is_json:
            settings.pop("stop", None)
        for name in self._refused:
            if name in settings:
                value, other = settings.pop(name), REPLACEMENTS[name]
                if other is not None:
                    settings[other] = value
        return settings

    def sent_settings(self) -> list[str]:
        """Return the names of the settings and other fields that are sent."""
        return [*self._settings(), *self._request.extras]

    def _render(self) -> ChatRequest:
        from langchain_segmind._tool_emulation.prompt import render_format, render_tools  # noqa: PLC0415 - see above

        request, shows = self._request, self.endpoint.model_info.accepts_media
        if self._native:
            return render_format(request) if self._in_words else request
        return render_tools(request, alone=self._in_words, shows=shows)

    def decode_reply(self, response: Response) -> ChatResponse:
        headers = response.headers
        answer = decode(response.body, headers.get("content-type", ""))
        return self._parse(answer, headers.get("x-request-id"))

    def decode_job(self, result: Mapping[str, Any]) -> ChatResponse:
        return self._parse(decode_job(result), result.get("request_id"))

    def _parse(self, response: ChatResponse, call_id: str | None) -> ChatResponse:
        request, choices = self._request, response.choices
        if not self._is_plain or any(choice.calls for choice in choices):
            choices = self._parse_choices(choices, f"{response.id}|{call_id}")
        if self._stop:
            choices = tuple([_cut(choice, self._stop) for choice in choices])
        if request.require_tool_call and not any(
            choice.calls or choice.refusal for choice in choices
        ):
            names = " or ".join(tool.name for tool in request.tools)
            raise SegmindResponseError(
                f"tool_choice asked for a call of {names}, but there is none"
            )
        return response if choices == response.choices else replace(response, choices=choices)

    def _parse_choices(self, choices: tuple[Choice, ...], salt: str) -> tuple[Choice, ...]:
        from langchain_segmind._tool_emulation.reply import parse_reply  # noqa: PLC0415 - see above

        return tuple(
            [
                parse_reply(choice, self._request, native=self._native, salt=f"{salt}|{n}")
                for n, choice in enumerate(choices)
            ]
        )


def _cut(choice: Choice, stop: Sequence[str]) -> Choice:
    """End a choice before the first stop sequence, as the gateway may not honor them."""
    found = [at for word in stop if (at := choice.text.find(word)) >= 0]
    if not found:
        return choice
    reason = choice.finish_reason if choice.calls else "stop"
    return replace(choice, text=choice.text[: min(found)], finish_reason=reason)
