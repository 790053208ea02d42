"""Every conversation with the gateway, written once, for requests and aiohttp alike.

A flow yields a `Step` and is sent what came of it. It has no clock, no dice and no socket, so a
test plays it with a list of outcomes and asserts the exact steps and waits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Final

from pydantic_core import to_json

from langchain_segmind import _formats as _wire
from langchain_segmind._flows import jobs as _queue
from langchain_segmind._flows.failures import parse_amount
from langchain_segmind._flows.jobs import Job, WaitPolicy
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.send import send_decoded
from langchain_segmind._flows.types import Destination, Flow, Receipt, Request, Response
from langchain_segmind._formats import embeddings as vectors
from langchain_segmind._messages.types import ChatRequest, ChatResponse, Choice, invalid_request
from langchain_segmind._tool_emulation import prompt as _tools
from langchain_segmind._value import value
from langchain_segmind.errors import SegmindResponseError
from langchain_segmind.models import ModelInfo, catalogue_url, parse_catalogue


@value
class Endpoint:
    """Where a conversation goes, and how patiently.

    Attributes:
        destination: The API's address, and the key.
        model_info: The model.
        headers: Extra headers for every request.
        native: Whether tools go in the family's own fields instead of in words.
        refuses_format: Whether the model is known to refuse `response_format`.
        waiting: How long to wait in the queue; None for a call that does not go through it.
    """

    destination: Destination
    model_info: ModelInfo
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    native: bool = False
    refuses_format: bool = False
    waiting: WaitPolicy | None = None


@value
class Completion:
    """An answer and what it took.

    Attributes:
        refuses_format: Whether the model was found to refuse `response_format`.
    """

    answer: ChatResponse
    receipt: Receipt
    refuses_format: bool = False


def chat(prompt: ChatRequest, target: Endpoint) -> Flow[Completion]:
    """Ask a model and wait for its answer, directly or in the queue."""
    conversation = _Conversation(prompt, target)
    slug, retry_policy = target.model_info.slug, target.retry_policy
    if target.waiting is None:
        asked = send_decoded(
            conversation.request, slug, retry_policy, conversation.read_reply, conversation.fallback
        )
    else:
        asked = _queue.run_job(
            conversation.request,
            slug,
            retry_policy,
            target.waiting,
            conversation.read_job,
            fallback=conversation.fallback,
        )
    answer, receipt = yield from asked
    return Completion(answer, receipt, refuses_format=conversation.refuses_format)


def submit(prompt: ChatRequest, target: Endpoint) -> Flow[Job]:
    """Put a question into the queue, to have it answered later."""
    conversation = _Conversation(prompt, replace(target, waiting=target.waiting or WaitPolicy()))
    return (
        yield from _queue.submit(
            conversation.request, target.model_info.slug, target.retry_policy, conversation.fallback
        )
    )


def fetch(job_id: str, prompt: ChatRequest, target: Endpoint) -> Flow[Completion]:
    """Wait for the answer to a question that was put into the queue.

    Args:
        job_id: The gateway's id of the job.
        prompt: What was asked, as far as it is known; it may have no turns.
        target: Where it was asked.
    """
    conversation = _Conversation(prompt, target)
    job = _job(job_id, target)
    found = _queue.wait_for_result(
        job, target.retry_policy, target.waiting or WaitPolicy(), conversation.read_job
    )
    answer, receipt = yield from found
    return Completion(answer, receipt)


def state(job_id: str, target: Endpoint) -> Flow[str]:
    """Ask what became of a job."""
    waiting = target.waiting or WaitPolicy()
    return (yield from _queue.state_of(_job(job_id, target), target.retry_policy, waiting))


def _job(job_id: str, target: Endpoint) -> Job:
    if not _queue.is_job_id(job_id):
        raise invalid_request(
            "request_id must be an id that the gateway gave: letters, digits, _ and -"
        )
    return Job(
        job_id,
        target.model_info.slug,
        _queue.queue_url(target.destination.base_url),
        target.headers,
    )


class _Conversation:
    """How one question is put, and how what comes back is read."""

    def __init__(self, prompt: ChatRequest, target: Endpoint) -> None:
        self._prompt = prompt
        self._target = target
        # Without tools to declare, providers refuse a history of calls; it is told in words then.
        self._native = target.native and bool(prompt.tools)
        self._alone = self.refuses_format = target.refuses_format
        wanted = (prompt.response_format or {}).get("type", "text")
        # Stop sequences would cut JSON, so with it they are not sent; the words are cut here.
        self._is_json = bool(prompt.tools) or wanted != "text"
        self._stop = () if wanted != "text" else prompt.settings.get("stop") or ()

    @property
    def request(self) -> Request:
        prompt, target = self._prompt, self._target
        if self._native:
            spoken = _tools.render_format(prompt) if self._alone else prompt
        else:
            spoken = _tools.render_tools(
                prompt, alone=self._alone, shows=target.model_info.accepts_media
            )
        model_info, base_url = target.model_info, target.destination.base_url
        told = spoken
        if prompt.settings:
            settings = dict(prompt.settings)
            if self._is_json:
                settings.pop("stop", None)
            told = replace(spoken, settings=model_info.translate(settings))
        body = _wire.encode_body(_wire.FORMATS[model_info.family].encode, told)
        url = base_url if target.waiting is None else _queue.queue_url(base_url)
        return Request("POST", f"{url}/{model_info.slug}", body, target.headers)

    def fallback(self, refusal: str) -> Request | None:
        """Ask in words alone, once, where the model refuses `response_format`."""
        prompt = self._prompt
        asked = prompt.response_format is not None or (bool(prompt.tools) and not self._native)
        if self._alone or not asked or not _FORMAT.search(refusal):
            return None
        self._alone = True
        self.refuses_format = bool(_FOR_GOOD.search(refusal))
        return self.request

    def read_reply(self, response: Response) -> ChatResponse:
        answer = _wire.decode(response.body)
        return self._heard(answer, response.headers.get("x-request-id"))

    def read_job(self, result: Mapping[str, Any]) -> ChatResponse:
        return self._heard(_wire.decode_job(result), result.get("request_id"))

    def _heard(self, answer: ChatResponse, call_id: str | None) -> ChatResponse:
        prompt, native = self._prompt, self._native
        completion = [
            _tools.parse_reply(choice, prompt, native=native, salt=f"{answer.id}|{call_id}|{n}")
            for n, choice in enumerate(answer.choices)
        ]
        choices = tuple(
            [_cut(choice, self._stop) for choice in completion] if self._stop else completion
        )
        if prompt.require_tool_call and not any(
            choice.calls or choice.refusal for choice in choices
        ):
            names = " or ".join(tool.name for tool in prompt.tools)
            raise SegmindResponseError(
                f"tool_choice asked for a call of {names}, but there is none"
            )
        return answer if choices == answer.choices else replace(answer, choices=choices)


_FOR_GOOD: Final = re.compile(r"support|unknown|unrecogni[sz]ed|not allowed", re.IGNORECASE)
"""What tells a model that refuses the format from one that refuses just this schema."""

_FORMAT: Final = re.compile(
    r"response.?format|json.?(schema|object|mode)|structured.?output"
    r"|response.?schema|output.?(config|format)|additionalProperties",
    re.IGNORECASE,
)


def _cut(choice: Choice, stop: Sequence[str]) -> Choice:
    """End a choice before the first stop sequence, as the gateway may not honour them."""
    found = [at for word in stop if (at := choice.text.find(word)) >= 0]
    if not found:
        return choice
    reason = choice.finish_reason if choice.calls else "stop"
    return replace(choice, text=choice.text[: min(found)], finish_reason=reason)


def embed(
    text: str, target: Endpoint, settings: Mapping[str, Any], check: Callable[[list[float]], None]
) -> Flow[tuple[list[float], Receipt]]:
    """Turn one text into a vector.

    Args:
        text: The text.
        target: The model.
        settings: Fields of the body beside the text.
        check: Given the vector; raises a `SegmindResponseError` that says why it is not usable.
    """

    def read(response: Response) -> list[float]:
        vector = vectors.decode(_wire.parse(response.body))
        check(vector)
        return vector

    model_info = target.model_info
    family: vectors.VectorFamily = "gemini" if model_info.family == "gemini" else "openai"
    body = to_json(vectors.encode(text, family, settings))
    request = Request(
        "POST", f"{target.destination.base_url}/{model_info.slug}", body, target.headers
    )
    return (yield from send_decoded(request, model_info.slug, target.retry_policy, read))


def models(base_url: str, retry_policy: RetryPolicy) -> Flow[list[ModelInfo]]:
    """Read the vendor's catalogue. It is public, on a host of its own: no key goes there."""
    request = Request("GET", catalogue_url(base_url))
    found, _ = yield from send_decoded(request, "model catalogue", retry_policy, _read_catalogue)
    return found


def _read_catalogue(response: Response) -> list[ModelInfo]:
    return parse_catalogue(_wire.parse(response.body))


def balance(
    base_url: str, retry_policy: RetryPolicy, headers: Mapping[str, str]
) -> Flow[tuple[float, float]]:
    """Read the paid and the free credits that are left; free of charge."""
    request = Request("GET", f"{base_url}/get-user-credits", headers=headers)
    found, _ = yield from send_decoded(request, "credits", retry_policy, _read_balance)
    return found


def _read_balance(response: Response) -> tuple[float, float]:
    value = _wire.parse(response.body)
    told = value if isinstance(value, dict) else {}
    paid, free = parse_amount(told.get("credits")), parse_amount(told.get("free-credits"))
    if paid is None and free is None:
        raise SegmindResponseError("it holds no credits")
    return paid or 0.0, free or 0.0
