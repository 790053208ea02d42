"""ChatSegmind: the fields a user sets and the hooks LangChain calls.

What is said to the gateway, and what is done when it fails, is decided in `_flow`; here sync and
async differ in one word.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from inspect import signature
from typing import Any, ClassVar

from langchain_core import tools as lc_tools
from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    BaseCallbackHandler,
    CallbackManagerForLLMRun,
    Callbacks,
)
from langchain_core.language_models import BaseChatModel, LanguageModelInput, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from langchain_core.prompt_values import ChatPromptValue, PromptValue
from langchain_core.runnables import Runnable, RunnableConfig
from pydantic import BaseModel, ConfigDict, model_validator
from typing_extensions import Self, override

# LangChain evaluates the annotations of our methods, as in `with_fallbacks(...).bind_tools(...)`.
# What is slow to load is therefore named through a package that loads it when it is asked for, as
# `langchain_core.tools` does with `BaseTool` (5 ms) and this one with `jobs` (3 ms).
import langchain_segmind
from langchain_segmind import models as _catalogue
from langchain_segmind._accounting.recorder import UsageRecorder
from langchain_segmind._client import events as _events
from langchain_segmind._client import listing as _models
from langchain_segmind._client import validation as _config
from langchain_segmind._client.connection import of_model_or_class
from langchain_segmind._client.settings import ChatSettings
from langchain_segmind._flows import chat as _flow
from langchain_segmind._flows.chat import Completion, Endpoint
from langchain_segmind._flows.types import Destination, Flow
from langchain_segmind._messages import tools as _toolbox
from langchain_segmind._messages.from_langchain import from_langchain, protect_results
from langchain_segmind._messages.refusals import PROVIDER
from langchain_segmind._messages.to_langchain import to_ai_message, to_ai_message_chunk
from langchain_segmind._messages.types import ChatRequest, Method
from langchain_segmind._version import __version__
from langchain_segmind.models import ModelInfo

__all__ = ["ChatSegmind"]


class ChatSegmind(ChatSettings, BaseChatModel):
    """A chat model behind Segmind's gateway.

    **Set up.** Get a key at https://cloud.segmind.com and set `SEGMIND_API_KEY`, or pass
    `api_key=...`. Building a model opens no connection and sends nothing.

    ```python
    from langchain_segmind import ChatSegmind

    model = ChatSegmind(model="gpt-4o", temperature=0, max_tokens=300)
    ```

    **Ask.** Messages may be a text, tuples or LangChain's classes.

    ```python
    message = model.invoke([("system", "Be brief."), ("human", "What is LangChain?")])
    print(message.text)
    print(message.usage_metadata)  # {"input_tokens": ..., "output_tokens": ..., ...}
    print(message.response_metadata["cost"])  # US dollars, where the gateway tells
    ```

    **Stream.** The gateway cannot stream; `stream` yields the whole answer as one chunk.

    ```python
    for chunk in model.stream("Tell me a joke about bees."):
        print(chunk.text)
    ```

    **Ask many at once.** On threads with `batch`, on one event loop with `abatch`.

    ```python
    import asyncio

    answers = model.batch(["What is 1 + 1?", "What is 2 + 2?"])
    answers = asyncio.run(model.abatch([f"What is {n} + {n}?" for n in range(20)]))
    ```

    **Get objects** of a pydantic class, or dictionaries of a TypedDict or JSON schema.

    ```python
    from pydantic import BaseModel


    class Person(BaseModel):
        name: str
        year_of_birth: int


    person = model.with_structured_output(Person).invoke("Ada Lovelace was born in 1815.")
    ```

    **Show images**, by URL or inline; inline is safest, as the gateway cannot fetch every host.

    ```python
    import base64

    png = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Erk"
        "Jggg=="
    )
    image = {"type": "image", "base64": base64.b64encode(png).decode(), "mime_type": "image/png"}
    model.invoke([{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}])
    ```

    **Give it tools.** The gateway forwards none, so they are told in words; calls come as always.

    ```python
    def multiply(a: int, b: int) -> int:
        \"\"\"Multiply two numbers.\"\"\"
        return a * b


    message = model.bind_tools([multiply]).invoke("Multiply 17 and 23, please.")
    print(message.tool_calls)
    ```

    **Set one call apart** with any generation setting, `model`, `response_format` or
    `extra_headers`; other keyword arguments become fields of the request's body. A setting of None
    is left out of the call; `model=None` means this model.

    ```python
    model.invoke("Hello", model="gpt-5.4-mini", temperature=1)
    ```

    **Handle failure.** Every error is a `SegmindError` and LangChain's own, so
    `except ModelRateLimitError` works too. `outcome` and `billed` tell what became of the request.
    A call is repeated by itself only if the model surely did not run.

    ```python
    from langchain_segmind import SegmindError

    try:
        model.invoke("Hello", model="no-such-model")
    except SegmindError as error:
        print(error, error.outcome, error.billed)
    ```

    **Wait long.** Slow models are asked through the gateway's job queue, where a job's id collects
    its answer whatever happens. `submit` fires many at once, to be collected later.

    ```python
    jobs = [model.submit(question) for question in ("What is 1 + 1?", "What is 2 + 2?")]
    print([str(job) for job in jobs])  # the ids
    print([job.result().text for job in jobs], model.fetch(str(jobs[0])).text)
    ```

    **Watch the money.** A budget ends calls before they are sent.

    ```python
    from langchain_segmind import track_usage

    with track_usage(budget=0.50) as spent:
        model.invoke("Hello")
    print(spent.cost, spent.by_model, model.get_credits().total)
    ```

    **Close.** Connections are shared by all threads and tasks, and closed with the model.

    ```python
    model.close()  # or: with ChatSegmind(...) as model, async with, await model.aclose()
    ```
    """

    model_config = ConfigDict(defer_build=False)  # the first model is to be built as fast as others

    @model_validator(mode="after")
    def _segmind_check_together(self) -> Self:
        if self.streaming and self.n is not None and self.n > 1:
            raise ValueError("n must be 1 where streaming is on: a stream carries one answer")
        self._add_version("langchain-segmind", __version__)
        return self

    @override
    def _resolve_model_profile(self) -> ModelProfile | None:
        return _catalogue.profile(self._model_info(self.model))

    # --- one call ------------------------------------------------------------------------------

    def _asked(
        self, messages: Sequence[BaseMessage], stop: Sequence[str] | None, kwargs: Mapping[str, Any]
    ) -> tuple[ChatRequest, Endpoint]:
        return self._read_call(from_langchain(messages), stop, kwargs)

    def _begin(
        self, messages: Sequence[BaseMessage], stop: Sequence[str] | None, kwargs: Mapping[str, Any]
    ) -> tuple[Flow[Completion], Endpoint]:
        """Read what LangChain handed over into a conversation that can begin, and its target."""
        prompt, target = self._asked(messages, stop, kwargs)
        return _flow.chat(prompt, target), target

    def _play(
        self,
        flow: Flow[Completion],
        target: Endpoint,
        manager: _events.Manager,
        job: str | None = None,
    ) -> Completion:
        """Play a conversation that brings an answer, on the books of those who track it."""
        to = target.destination
        with UsageRecorder(
            target.model_info.slug, manager.handlers if manager else (), job
        ) as recorder:
            completion = self._transport(to).run(
                flow,
                to.api_key,
                observer=recorder,
                tell=_events.job_event_sender(manager, recorder),
            )
            recorder.finish(completion.receipt, completion.answer.usage)
        return completion

    async def _aplay(
        self,
        flow: Flow[Completion],
        target: Endpoint,
        manager: _events.AsyncManager,
        job: str | None = None,
    ) -> Completion:
        to = target.destination
        with UsageRecorder(
            target.model_info.slug, manager.handlers if manager else (), job
        ) as recorder:
            completion = await self._transport(to).arun(
                flow,
                to.api_key,
                observer=recorder,
                tell=_events.ajob_event_sender(manager, recorder),
            )
            recorder.finish(completion.receipt, completion.answer.usage)
        return completion

    def _metadata(self, completion: Completion, slug: str) -> dict[str, Any]:
        if completion.refuses_format:
            self._refusers().add(slug)
        receipt = completion.receipt
        found = {
            "model_name": slug,
            "model_provider": PROVIDER,
            "id": completion.answer.id,
            "request_id": receipt.request_id,
            "cost": receipt.cost,
            "remaining_credits": receipt.remaining_credits,
            "generation_time": receipt.generation_time,
            "queue_time": receipt.queue_time,
            "ambiguous_attempts": receipt.ambiguous_attempts or None,
            "headers": dict(receipt.headers) if self.include_response_headers else None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _result(self, completion: Completion, slug: str) -> ChatResult:
        metadata = self._metadata(completion, slug)
        generations = []
        for i, choice in enumerate(completion.answer.choices):
            usage = (
                completion.answer.usage if i == 0 else None
            )  # counted once, however many choices
            message = to_ai_message(choice, usage, metadata)
            generations.append(ChatGeneration(message=message))
        return ChatResult(generations=generations)

    def _message(self, completion: Completion, slug: str) -> AIMessage:
        metadata = self._metadata(completion, slug)
        return to_ai_message(completion.answer.choices[0], completion.answer.usage, metadata)

    def _chunk(self, completion: Completion, slug: str) -> ChatGenerationChunk:
        metadata = self._metadata(completion, slug)
        choice = completion.answer.choices[0]
        message = to_ai_message_chunk(choice, completion.answer.usage, metadata)
        return ChatGenerationChunk(message=message)

    list_models: ClassVar[of_model_or_class[..., list[ModelInfo]]] = _models.list_models
    alist_models: ClassVar[of_model_or_class[..., Coroutine[Any, Any, list[ModelInfo]]]] = (
        _models.alist_models
    )

    # --- the queue -----------------------------------------------------------------------------

    def submit(
        self,
        messages: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> langchain_segmind.jobs.SegmindJob:
        """Put a question into the gateway's queue, to collect its answer later.

        Args:
            messages: What `invoke` takes.
            config: Its callbacks are told of the job, and trackers among them count its cost.
            stop: Texts before which the answer ends.
            **kwargs: What `invoke` takes, tools too: `tools=[...]`.

        Returns:
            The job. The model runs and is billed once, whether or not the answer is collected.

        Raises:
            SegmindError: If it was not accepted, or if nobody can tell because the gateway's reply
                was lost; then it is not submitted again.
        """
        prompt, target = self._asked(self._convert_input(messages).to_messages(), stop, kwargs)
        to = target.destination
        manager = _events.of_config(self, config)
        if self.rate_limiter is not None:
            self.rate_limiter.acquire(blocking=True)
        with UsageRecorder(target.model_info.slug, manager.handlers) as recorder:
            job = self._transport(to).run(
                _flow.submit(prompt, target),
                to.api_key,
                observer=recorder,
                tell=_events.job_event_sender(manager, recorder),
            )
            recorder.mark_pending()
        return self._job(job.id, recorder.trackers, stop=stop, **kwargs)

    async def asubmit(
        self,
        messages: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> langchain_segmind.jobs.SegmindJob:
        """Put a question into the gateway's queue, as `submit` does."""
        prompt, target = self._asked(self._convert_input(messages).to_messages(), stop, kwargs)
        to = target.destination
        manager = _events.aof_config(self, config)
        if self.rate_limiter is not None:
            await self.rate_limiter.aacquire(blocking=True)
        with UsageRecorder(target.model_info.slug, manager.handlers) as recorder:
            job = await self._transport(to).arun(
                _flow.submit(prompt, target),
                to.api_key,
                observer=recorder,
                tell=_events.ajob_event_sender(manager, recorder),
            )
            recorder.mark_pending()
        return self._job(job.id, recorder.trackers, stop=stop, **kwargs)

    def fetch(
        self,
        request_id: str,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Collect the answer of a job in the queue, whoever submitted it; free of charge.

        Waits if it is still running, for `queue_timeout` seconds. The gateway keeps answers for
        about an hour.

        Args:
            request_id: The job's id, as in an error's `request_id`, the log or `str(job)`.
            config: Its callbacks are told of the job's states.
            stop: Texts before which the answer ends.
            **kwargs: What the question was asked with, where it matters for reading its answer:
                `tools`, `tool_choice`, `response_format`, `model`.

        Returns:
            The answer, as `invoke` would have given it.

        Raises:
            SegmindJobFailedError: If the job failed.
            SegmindJobTimeoutError: If it is still not done.
            SegmindJobNotFoundError: If the gateway does not know it, or not any more.
            SegmindError: For any other failure, with the job's id.
        """
        prompt, target = self._read_call((), stop, kwargs)
        flow = _flow.fetch(request_id, prompt, self._queued(target))
        completion = self._play(flow, target, _events.of_config(self, config), request_id)
        return self._message(completion, target.model_info.slug)

    async def afetch(
        self,
        request_id: str,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Collect the answer of a job in the queue, as `fetch` does."""
        prompt, target = self._read_call((), stop, kwargs)
        flow = _flow.fetch(request_id, prompt, self._queued(target))
        completion = await self._aplay(flow, target, _events.aof_config(self, config), request_id)
        return self._message(completion, target.model_info.slug)

    def job(self, request_id: str, /, **kwargs: Any) -> langchain_segmind.jobs.SegmindJob:
        """Make a handle of a job from its id; nothing is sent.

        Args:
            request_id: The job's id.
            **kwargs: What `submit` was given beside the messages.

        Returns:
            The job, whose answer `result` collects.
        """
        return self._job(request_id, **kwargs)

    def _job(
        self, request_id: str, trackers: Sequence[BaseCallbackHandler] = (), **kwargs: Any
    ) -> langchain_segmind.jobs.SegmindJob:
        from langchain_segmind.jobs import SegmindJob  # noqa: PLC0415

        return SegmindJob(self, request_id, trackers, **kwargs)

    def job_status(self, request_id: str) -> str:
        """Ask what became of a job; free of charge.

        Args:
            request_id: The job's id.

        Returns:
            "QUEUED", "PROCESSING", "COMPLETED" or "FAILED".

        Raises:
            SegmindJobNotFoundError: If the gateway does not know it, or not any more.
            SegmindError: If it cannot be asked.
        """
        flow, to = self._state(request_id)
        return self._transport(to).run(flow, to.api_key)

    async def ajob_status(self, request_id: str) -> str:
        """Ask what became of a job, as `job_status` does."""
        flow, to = self._state(request_id)
        return await self._transport(to).arun(flow, to.api_key)

    def _state(self, request_id: str) -> tuple[Flow[str], Destination]:
        _, target = self._read_call((), None, {})
        return _flow.state(request_id, self._queued(target)), target.destination

    def _queued(self, target: Endpoint) -> Endpoint:
        return replace(target, waiting=self._waiting())

    # --- LangChain's hooks ---------------------------------------------------------------------

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        flow, target = self._begin(messages, stop, kwargs)
        completion = self._play(flow, target, run_manager)
        return self._result(completion, target.model_info.slug)

    _generate.__dict__["__signature__"] = signature(_generate)

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        flow, target = self._begin(messages, stop, kwargs)
        completion = await self._aplay(flow, target, run_manager)
        return self._result(completion, target.model_info.slug)

    # LangChain inspects both at every call, and is quicker where the answer is kept.
    _agenerate.__dict__["__signature__"] = signature(_agenerate)

    @override
    async def _agenerate_with_cache(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        try:
            return await super()._agenerate_with_cache(messages, stop, run_manager, **kwargs)
        except BaseException as error:
            # LangChain tells callbacks of errors, but not that a call was cancelled. One that was
            # forgotten, and is closed with its loop, has nobody to wait for.
            if run_manager is not None and not isinstance(error, Exception | GeneratorExit):
                await run_manager.on_llm_error(error, response=LLMResult(generations=[]))
            raise

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        watcher = run_manager or _events.take_run_manager()
        self._check_stream(kwargs)
        flow, target = self._begin(messages, stop, kwargs)
        completion = self._play(flow, target, watcher)
        chunk = self._chunk(completion, target.model_info.slug)
        if run_manager:
            run_manager.on_llm_new_token(chunk.text, chunk=chunk)
        yield chunk

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        watcher = run_manager or _events.take_run_manager()
        self._check_stream(kwargs)
        flow, target = self._begin(messages, stop, kwargs)
        completion = await self._aplay(flow, target, watcher)
        chunk = self._chunk(completion, target.model_info.slug)
        if run_manager:
            await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
        yield chunk

    @override
    def _convert_input(self, model_input: LanguageModelInput) -> PromptValue:
        # A private hook of langchain-core, there since 0.1, that stream, stream_events and their
        # async versions call first. Without it and `generate`, which invoke and batch call, too,
        # langchain-core itself raises TypeError, KeyError or ValueError for some tool results, on
        # this and every later turn of a conversation.
        value = super()._convert_input(model_input)
        if isinstance(value, ChatPromptValue):
            messages = protect_results(value.messages)
            if messages is not value.messages:
                return ChatPromptValue(messages=messages)
        return value

    @override
    def generate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Answer several conversations, one after the other, as LangChain's `generate` does.

        Args:
            messages: The conversations.
            stop: Texts before which an answer ends.
            callbacks: Callbacks of all the calls.
            **kwargs: Settings for these calls.

        Returns:
            The answers, each with its alternatives.

        Raises:
            SegmindError: If one of them fails.
        """
        return super().generate(_protected(messages), stop, callbacks, **kwargs)

    @override
    async def agenerate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Answer several conversations at the same time, as `generate` does."""
        return await super().agenerate(_protected(messages), stop, callbacks, **kwargs)

    @override
    def _should_stream(
        self,
        *,
        async_api: bool,
        run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> bool:
        should = super()._should_stream(async_api=async_api, run_manager=run_manager, **kwargs)
        if should and run_manager is not None:
            _events.set_run_manager(run_manager)
        return should

    @override
    def stream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        """Answer as `invoke` does, in one chunk: the gateway cannot stream.

        Args:
            input: What `invoke` takes.
            config: Callbacks and the like.
            stop: Texts before which the answer ends.
            **kwargs: Settings for this call.

        Yields:
            The whole answer, once.

        Raises:
            SegmindError: If there is none; see `outcome`, `billed`.
        """
        config = _events.with_run_id(config)
        chunks = super().stream(input, config, stop=stop, **kwargs)
        with _events.keep_run_manager(_events.of_config(self, config)):
            first = next(chunks, None)
        if first is not None:
            yield first
            yield from chunks

    @override
    async def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """Answer in one chunk, as `stream` does."""
        config = _events.with_run_id(config)
        stream: Any = super().astream(input, config, stop=stop, **kwargs)
        async with aclosing(stream) as chunks:
            with _events.keep_run_manager(_events.aof_config(self, config)):
                first = await anext(chunks, None)
            if first is not None:
                yield first
                async for chunk in chunks:
                    yield chunk

    @override
    def bind(self, **kwargs: Any) -> langchain_segmind.jobs.SegmindBinding:
        """Bind arguments to every call, and to every job.

        Args:
            **kwargs: What `invoke` takes by name.

        Returns:
            A runnable of this model, with `submit` and `fetch`, too.
        """
        from langchain_segmind.jobs import SegmindBinding  # noqa: PLC0415

        return SegmindBinding(bound=self, kwargs=kwargs, config={})

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | lc_tools.BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        response_format: dict[str, Any] | type | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools to the model.

        The gateway forwards no tools; they are told in words and the calls asked for in JSON, on
        every model alike. A model's calls stand in `AIMessage.tool_calls` as with any other.

        Args:
            tools: Functions, pydantic classes, TypedDicts, LangChain tools, or dictionaries in
                OpenAI's or Anthropic's form.
            tool_choice: `"auto"` (the default), `"any"`, `"required"` or True for at least one
                call, `"none"`, or a tool's name, also in OpenAI's or Anthropic's form.
            strict: Whether arguments must keep to their schema to the letter; not sent if None.
            parallel_tool_calls: False allows one call at a time.
            response_format: The schema of the final answer, beside the tools or without any.
            **kwargs: Settings for these calls.

        Returns:
            A runnable of this model, whose messages hold `tool_calls`.

        Raises:
            ValueError: If a tool cannot be described, two different tools share a name, or the
                choice is none of them.
        """
        _config.check_flag(strict, "strict")
        _config.check_flag(parallel_tool_calls, "parallel_tool_calls")
        described = _toolbox.to_openai_tools(tools, strict=strict)
        _toolbox.apply_tool_choice(_toolbox.parse_tools(described), tool_choice)
        bound = {
            "tools": described,
            "tool_choice": tool_choice,
            "parallel_tool_calls": parallel_tool_calls,
            "response_format": response_format,
        }
        given = {name: value for name, value in bound.items() if value is not None}
        if not described:
            del given["tools"]
        return self.bind(**given, **kwargs)

    @override
    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Make a model that answers with an object.

        Args:
            schema: A pydantic class (v1 or v2), whose instances are then the answers, or a
                TypedDict or JSON schema for plain dictionaries.
            method: `"json_schema"` holds the model to the schema; `"function_calling"` has it call
                the schema as a tool; `"json_mode"` only holds it to JSON, and the prompt must tell
                which keys are wanted; Claude refuses it.
            include_raw: Whether to answer with `{"raw": message, "parsed": object or None,
                "parsing_error": exception or None}` instead of raising when parsing fails. With
                `"function_calling"`, an answer without any call is a `SegmindResponseError` still.
            strict: Whether the schema is to be kept to the letter; not sent if None.
            **kwargs: Settings for these calls.

        Returns:
            A runnable that takes what `invoke` takes, and gives the object. It raises LangChain's
            `OutputParserException` for an answer that does not fit or was cut short.

        Raises:
            ValueError: For an unknown method, or if a needed schema is missing.
        """
        from langchain_segmind._messages.structured_output import structured_output_chain  # noqa: PLC0415

        return structured_output_chain(
            self,
            schema,
            method=method,
            include_raw=include_raw,
            strict=strict,
            **kwargs,
        )

    @property
    @override
    def _llm_type(self) -> str:
        return "segmind-chat"

    @property
    @override
    def _identifying_params(self) -> dict[str, Any]:
        """All that changes an answer, so that differently set models share no cached ones."""
        return {
            "model": self.model,
            "base_url": self._address(),
            "family": self.family,
            **self._own_settings(),
            "tool_calling": self.tool_calling,
            "model_kwargs": dict(self.model_kwargs),
        }

    @property
    def model_name(self) -> str:
        """The slug, under the name that LangChain's tools look for."""
        return self.model

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        """The environment variable of the key, for LangChain's serializer."""
        return {"api_key": "SEGMIND_API_KEY"}

    @override
    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        # The base forgets the model's own stop sequences, and would trace headers.
        kwargs.pop("extra_headers", None)
        own = {"_type": self._llm_type, "stop": self.stop if stop is None else stop}
        if kwargs.get("model", "") is None:
            kwargs["model"] = self.model
        return {**self._identifying_params, **own, **kwargs}

    @override
    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        kwargs.pop("extra_headers", None)  # secrets, perhaps, and no part of what is asked
        return super()._get_llm_string(stop=stop, **kwargs)

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        slug = kwargs.get("model")
        params = LangSmithParams(
            ls_provider="segmind",
            ls_model_name=self.model if slug is None else slug,
            ls_model_type="chat",
        )
        temperature = kwargs.get("temperature", self.temperature)
        max_tokens = kwargs.get("max_tokens", self.max_tokens)
        if temperature is not None:
            params["ls_temperature"] = temperature
        if max_tokens is not None:
            params["ls_max_tokens"] = max_tokens
        words = self.stop if stop is None else stop
        if words:
            params["ls_stop"] = words
        return params

    @override
    def get_num_tokens(self, text: str) -> int:
        """Estimate a text's tokens at four characters each: the gateway tells no tokenizer.

        Args:
            text: The text.

        Returns:
            Tokens; exact where `custom_get_token_ids` is set.
        """
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens(text)
        return -(-len(text) // 4)

    @override
    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """Estimate the tokens of messages, as LangChain's approximate counter does.

        Args:
            messages: The messages.
            tools: Not counted, unless `custom_get_token_ids` is set.

        Returns:
            Tokens.
        """
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens_from_messages(messages, tools)
        return count_tokens_approximately(messages)


def _protected(conversations: list[list[BaseMessage]]) -> list[list[BaseMessage]]:
    return [list(protect_results(messages)) for messages in conversations]
