"""Ask a chat model, directly or through the gateway's job queue.

A request that a model refuses because of its `response_format` is sent once more, with the schema
in the prompt. What is sent and how a reply is read is decided by `_tool_emulation` and `_formats`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Final

from langchain_segmind._flows.job_status import is_job_id
from langchain_segmind._flows.jobs import (
    Job,
    WaitPolicy,
    job_state,
    queue_url,
    submit_job,
    wait_for_result,
)
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.send import Failed, decode_reply, send_with_retries
from langchain_segmind._flows.types import Destination, Flow, Receipt, Request, Response
from langchain_segmind._formats import FORMATS, decode, decode_job, encode_body
from langchain_segmind._messages.types import ChatRequest, ChatResponse, Choice, invalid_request
from langchain_segmind._tool_emulation.prompt import parse_reply, render_format, render_tools
from langchain_segmind._value import value
from langchain_segmind.errors import SegmindResponseError
from langchain_segmind.models import ModelInfo


@value
class Endpoint:
    """Where a call goes, and how.

    Attributes:
        destination: The API's address, and the key.
        model_info: The model.
        retry_policy: How often and how long to try.
        headers: Extra headers for every request.
        native: Whether tools go in the format's own fields instead of in the prompt.
        refuses_format: Whether the model is known to refuse `response_format`.
        wait_policy: How long to wait in the queue; None for a call that does not go through it.
    """

    destination: Destination
    model_info: ModelInfo
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    native: bool = False
    refuses_format: bool = False
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
        refuses_format: Whether the model was found to refuse `response_format`.
    """

    response: ChatResponse
    receipt: Receipt
    refuses_format: bool = False


def chat(call: ModelCall) -> Flow[Completion]:
    """Ask a model and wait for its response, directly or in the queue.

    Raises:
        SegmindError: If there is none.
    """
    is_queued = call.endpoint.wait_policy is not None
    failed: Failed | None = None
    for in_words in _forms(call):
        if failed is not None and not _blames_the_format(failed):
            break
        encoding = _Encoding(call, in_words=in_words)
        if is_queued:
            done = yield from _run_job(encoding, failed)
        else:
            done = yield from _ask(encoding, failed)
        if isinstance(done, Completion):
            return done if failed is None else _remembering(done, failed)
        failed = done
    raise _error_of(failed)


def submit(call: ModelCall) -> Flow[Job]:
    """Submit a request to the queue, to collect its response later.

    Raises:
        SegmindError: If it was not accepted, or if that is unknown.
    """
    failed: Failed | None = None
    for in_words in _forms(call):
        if failed is not None and not _blames_the_format(failed):
            break
        done = yield from _submit(_Encoding(call, in_words=in_words), failed)
        if isinstance(done, Job):
            return done
        failed = done
    raise _error_of(failed)


def fetch(job_id: str, call: ModelCall) -> Flow[Completion]:
    """Wait for the response to a request that was submitted.

    Args:
        job_id: The gateway's id of the job.
        call: What was asked, as far as it is known; it may have no messages.

    Raises:
        SegmindError: With the job's id, whatever went wrong.
    """
    encoding = _Encoding(call, in_words=call.endpoint.refuses_format)
    endpoint = call.endpoint
    found = yield from wait_for_result(
        _job(job_id, endpoint),
        endpoint.retry_policy,
        endpoint.wait_policy or WaitPolicy(),
        encoding.decode_job,
    )
    if isinstance(found, Failed):
        raise found.error
    return Completion(*found)


def state(job_id: str, endpoint: Endpoint) -> Flow[str]:
    """Return the state of a job.

    Raises:
        SegmindError: If it cannot be read.
    """
    wait_policy = endpoint.wait_policy or WaitPolicy()
    return (yield from job_state(_job(job_id, endpoint), endpoint.retry_policy, wait_policy))


def _ask(encoding: _Encoding, failed: Failed | None) -> Flow[Completion | Failed]:
    endpoint = encoding.endpoint
    slug, request = endpoint.model_info.slug, encoding.http_request(endpoint.destination.base_url)
    sent = yield from send_with_retries(request, slug, endpoint.retry_policy, after=failed)
    if isinstance(sent, Failed):
        return sent
    return Completion(*decode_reply(sent, slug, encoding.decode_reply))


def _submit(encoding: _Encoding, failed: Failed | None) -> Flow[Job | Failed]:
    endpoint = encoding.endpoint
    request = encoding.http_request(queue_url(endpoint.destination.base_url))
    return (
        yield from submit_job(
            request, endpoint.model_info.slug, endpoint.retry_policy, after=failed
        )
    )


def _run_job(encoding: _Encoding, failed: Failed | None) -> Flow[Completion | Failed]:
    endpoint = encoding.endpoint
    job = yield from _submit(encoding, failed)
    if isinstance(job, Failed):
        return job
    found = yield from wait_for_result(
        job, endpoint.retry_policy, endpoint.wait_policy or WaitPolicy(), encoding.decode_job
    )
    return found if isinstance(found, Failed) else Completion(*found)


def _job(job_id: str, endpoint: Endpoint) -> Job:
    if not is_job_id(job_id):
        raise invalid_request(
            "request_id must be an id that the gateway gave: letters, digits, _ and -"
        )
    base_url = queue_url(endpoint.destination.base_url)
    return Job(job_id, endpoint.model_info.slug, base_url, endpoint.headers)


# --- how a request is put, and how its reply is read -------------------------------------------


def _forms(call: ModelCall) -> tuple[bool, ...]:
    """In which forms a request may be sent, in this order: whether in words alone.

    In words alone, the schema of the answer stands in the prompt instead of in `response_format`.
    """
    request, endpoint = call.request, call.endpoint
    if endpoint.refuses_format:
        return (True,)
    is_native = endpoint.native and bool(request.tools)
    has_format = request.response_format is not None or (bool(request.tools) and not is_native)
    return (False, True) if has_format else (False,)


class _Encoding:
    """One form of a request: with `response_format`, or in words alone."""

    def __init__(self, call: ModelCall, *, in_words: bool) -> None:
        self._request = request = call.request
        self.endpoint = call.endpoint
        # Without tools to declare, providers refuse a history of calls; it is rendered as text.
        self._native = call.endpoint.native and bool(request.tools)
        self._in_words = in_words
        kind = (request.response_format or {}).get("type", "text")
        # Stop sequences would cut JSON, so they are not sent with it; the text is cut here.
        self._is_json = bool(request.tools) or kind != "text"
        self._stop: Sequence[str] = ()
        if kind == "text":
            self._stop = request.settings.get("stop") or ()

    def http_request(self, base_url: str) -> Request:
        request, model_info = self._request, self.endpoint.model_info
        if self._native:
            rendered = render_format(request) if self._in_words else request
        else:
            rendered = render_tools(request, alone=self._in_words, shows=model_info.accepts_media)
        if request.settings:
            settings = dict(request.settings)
            if self._is_json:
                settings.pop("stop", None)
            rendered = replace(rendered, settings=model_info.translate(settings))
        body = encode_body(FORMATS[model_info.family].encode, rendered)
        return Request("POST", f"{base_url}/{model_info.slug}", body, self.endpoint.headers)

    def decode_reply(self, response: Response) -> ChatResponse:
        return self._parse(decode(response.body), response.headers.get("x-request-id"))

    def decode_job(self, result: Mapping[str, Any]) -> ChatResponse:
        return self._parse(decode_job(result), result.get("request_id"))

    def _parse(self, response: ChatResponse, call_id: str | None) -> ChatResponse:
        request = self._request
        choices = tuple(
            [
                parse_reply(
                    choice, request, native=self._native, salt=f"{response.id}|{call_id}|{n}"
                )
                for n, choice in enumerate(response.choices)
            ]
        )
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


def _cut(choice: Choice, stop: Sequence[str]) -> Choice:
    """End a choice before the first stop sequence, as the gateway may not honor them."""
    found = [at for word in stop if (at := choice.text.find(word)) >= 0]
    if not found:
        return choice
    reason = choice.finish_reason if choice.calls else "stop"
    return replace(choice, text=choice.text[: min(found)], finish_reason=reason)


# --- refusals of `response_format` --------------------------------------------------------------

_FORMAT: Final = re.compile(
    r"response.?format|json.?(schema|object|mode)|structured.?output"
    r"|response.?schema|output.?(config|format)|additionalProperties",
    re.IGNORECASE,
)
_FOR_GOOD: Final = re.compile(r"support|unknown|unrecogni[sz]ed|not allowed", re.IGNORECASE)
"""Words of a model that refuses every format, as opposed to just this schema."""


def _blames_the_format(failed: Failed) -> bool:
    return failed.is_refusal and bool(_FORMAT.search(failed.error.body or ""))


def _remembering(completion: Completion, failed: Failed) -> Completion:
    refuses = bool(_FOR_GOOD.search(failed.error.body or ""))
    return replace(completion, refuses_format=refuses)


def _error_of(failed: Failed | None) -> Exception:
    return AssertionError("there is always a first encoding") if failed is None else failed.error
