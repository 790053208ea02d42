"""ChatSegmind: LangChain's hooks for messages, tools and schemas.

Each async method repeats its sync twin with `await`. What is sent, and what happens after a
failure, is decided in `_flows`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

# LangChain evaluates these methods' annotations, e.g. in `with_fallbacks(...).bind_tools(...)`.
# Importing `BaseTool` takes 5 ms, so it is named through its package, which imports it then.
from langchain_core import tools as lc_tools
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator
from typing_extensions import Self, override

from langchain_segmind._client import listing
from langchain_segmind._client.caching import CachingMethods
from langchain_segmind._client.observers import skip_empty_end
from langchain_segmind._client.results import chat_chunk, chat_result
from langchain_segmind._client.settings import ChatSettings
from langchain_segmind._client.signatures import keep_signature
from langchain_segmind._client.streaming import take_run_manager
from langchain_segmind._client.validation import check_flag
from langchain_segmind._flows.chat import chat
from langchain_segmind._messages.tools import apply_tool_choice, parse_tools, to_openai_tools
from langchain_segmind._messages.types import Method
from langchain_segmind._version import __version__
from langchain_segmind.binding_methods import BindingMethods
from langchain_segmind.jobs import QueueMethods

if TYPE_CHECKING:
    from langchain_segmind.bindings import SegmindBinding
    from langchain_segmind.models import KnownModel
else:
    SegmindBinding = Runnable  # see `binding_methods`
    KnownModel = str  # the slugs are for editors; checking a union would take time

__all__ = ["ChatSegmind"]


class ChatSegmind(BindingMethods, QueueMethods, CachingMethods, ChatSettings, BaseChatModel):
    """A chat model behind Segmind's gateway.

    Get a key at https://cloud.segmind.com and set `SEGMIND_API_KEY`, or pass `api_key=...`.
    Building a model does not open a connection.

    ```python
    from langchain_segmind import ChatSegmind

    model = ChatSegmind(model="gpt-4o", temperature=0, max_tokens=300)
    message = model.invoke([("system", "Be brief."), ("human", "What is LangChain?")])
    print(message.text)
    print(message.usage_metadata)  # {"input_tokens": ..., "output_tokens": ..., ...}
    print(message.response_metadata["cost"])  # US dollars, where the gateway reports them
    ```

    `batch`, `ainvoke`, `abatch`, `stream`, `bind_tools` and chains work as with any chat model of
    LangChain. The gateway cannot stream, so `stream` yields the whole answer as one chunk.

    **Structured output** is a pydantic object, or a dictionary for a TypedDict or JSON schema:

    ```python
    from pydantic import BaseModel


    class Person(BaseModel):
        name: str
        year_of_birth: int


    person = model.with_structured_output(Person).invoke("Ada Lovelace was born in 1815.")
    ```

    **Settings of one call** are the generation settings, `model`, `response_format` and
    `extra_headers`. `model_kwargs={...}` adds other fields to the request's body. A setting of None
    is not sent; `model=None` means this model.

    ```python
    model.invoke("Hello", model="gpt-5.4-mini", temperature=1)
    ```

    **Errors** derive from `SegmindError` and from LangChain's errors: `except ModelRateLimitError`
    works too. `outcome` and `billed` say whether you were charged. A call is only retried if the
    model surely did not run, or if `retry_ambiguous=True`.

    ```python
    from langchain_segmind import SegmindError

    try:
        model.invoke("Hello", model="no-such-model")
    except SegmindError as error:
        print(error, error.outcome, error.billed)
    ```

    **Slow models** go through the gateway's job queue. The job's id lets you fetch the answer
    later, even from another process. `submit` does not wait for the answer.

    ```python
    jobs = [model.submit(question) for question in ("What is 1 + 1?", "What is 2 + 2?")]
    print([job.result().text for job in jobs])
    print(model.get_job(str(jobs[0])).result().text)
    ```

    **Costs** are counted by `track_usage`, where the gateway reports them. Once the reported cost
    reaches the budget, the next call raises `SegmindBudgetExceededError` before it is sent. Calls
    without a reported cost are not counted (see `unpriced_calls`).

    ```python
    from langchain_segmind import track_usage

    with track_usage(budget=0.50) as usage:
        model.invoke("Hello")
    print(usage.cost, usage.by_model, model.get_credits().total)
    ```

    **Connections** are shared by all threads and tasks until the model is closed.

    ```python
    model.close()  # or: with ChatSegmind(...) as model, async with, await model.aclose()
    ```
    """

    model_config = ConfigDict(
        defer_build=False
    )  # building the first model is as fast as the others

    model: KnownModel | str = Field(validation_alias=AliasChoices("model", "model_name"))
    """The model's slug, as in the gateway's URL: `"gpt-4o"`. `python -m langchain_segmind models`
    lists those that editors complete; any other works, too. For a slug that this package does not
    know, its start selects the request format."""

    _how_to_choose = (
        "Pass a slug, e.g. model='gpt-4o'. To list them, run: python -m langchain_segmind models"
    )

    # Replaces langchain-core's (1.6 to 1.8), which takes a given profile for the whole one. But its
    # advice is to pass `profile={"max_input_tokens": ...}`, which would lose `structured_output`.
    @model_validator(mode="after")
    def _set_model_profile(self) -> Self:
        self.profile = {**self._resolve_model_profile(), **(self.profile or {})}
        return self

    @model_validator(mode="after")
    def _segmind_check_together(self) -> Self:
        if self.streaming and self.n is not None and self.n > 1:
            raise ValueError("n must be 1 if streaming=True: a stream has one answer.")
        # A private method of langchain-core (1.6 to 1.8): traces show the version that it adds.
        self._add_version("langchain-segmind", __version__)
        return self

    # Not fields: pydantic ignores their type. It reads no bare `ClassVar` in a subclass before 2.8,
    # and one with a type would lose the names of the arguments.
    list_models = listing.list_models  # type: ignore[pydantic-field]
    alist_models = listing.alist_models  # type: ignore[pydantic-field]

    # --- LangChain's hooks ---------------------------------------------------------------------

    @override
    @keep_signature
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        call = self._model_call(messages, stop, kwargs)
        return chat_result(*self._complete(chat(call), call.endpoint, run_manager))

    @override
    @keep_signature
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        call = self._model_call(messages, stop, kwargs)
        if run_manager is not None:
            skip_empty_end(run_manager)
        return chat_result(*await self._acomplete(chat(call), call.endpoint, run_manager))

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        manager = run_manager or take_run_manager()
        self._check_stream(kwargs)
        cache = self._stream_cache(messages, stop, kwargs)
        chunk = cache.lookup() if cache else None
        if chunk is None:
            call = self._model_call(messages, stop, kwargs)
            answer = self._complete(chat(call), call.endpoint, manager)
            chunk = chat_chunk(*answer)
            if cache:
                cache.update(chat_result(*answer))
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
        manager = run_manager or take_run_manager()
        self._check_stream(kwargs)
        cache = self._stream_cache(messages, stop, kwargs)
        chunk = await cache.alookup() if cache else None
        if chunk is None:
            call = self._model_call(messages, stop, kwargs)
            answer = await self._acomplete(chat(call), call.endpoint, manager)
            chunk = chat_chunk(*answer)
            if cache:
                await cache.aupdate(chat_result(*answer))
        if run_manager:
            await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
        yield chunk

    @override
    def bind(self, **kwargs: Any) -> SegmindBinding:
        """Bind arguments to every call and every job.

        Args:
            **kwargs: Settings, as for `invoke`.

        Returns:
            A runnable of this model, which also has `submit` and `get_job`.
        """
        from langchain_segmind.bindings import SegmindBinding  # noqa: PLC0415

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

        The gateway ignores `tools`. So tool calling is emulated, for every model in the same way:
        the tools' schemas go into the prompt, the model replies in JSON, and the reply is parsed
        into `AIMessage.tool_calls`.

        Args:
            tools: Functions, pydantic classes, TypedDicts, LangChain tools, or dictionaries in
                OpenAI's or Anthropic's form.
            tool_choice: `"auto"` (the default), `"any"`, `"required"` or True for at least one
                call, `"none"`, or a tool's name, also in OpenAI's or Anthropic's form.
            strict: Whether arguments must match their schema exactly; not sent if None.
            parallel_tool_calls: False allows one call per answer.
            response_format: The schema of the final answer, with or without tools.
            **kwargs: Settings for these calls.

        Returns:
            A runnable of this model, whose messages have `tool_calls`.

        Raises:
            ValueError: If a tool cannot be described, two different tools share a name, or
                `tool_choice` names another tool.
        """
        check_flag(strict, "strict")
        check_flag(parallel_tool_calls, "parallel_tool_calls")
        described = to_openai_tools(tools, strict=strict)
        apply_tool_choice(parse_tools(described), tool_choice)
        bound = {
            "tools": described or None,
            "tool_choice": tool_choice,
            "parallel_tool_calls": parallel_tool_calls,
            "response_format": response_format,
        }
        given = {name: value for name, value in bound.items() if value is not None}
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
        """Return a runnable that returns an instance of the schema instead of a message.

        Args:
            schema: A pydantic class (v1 or v2); or a TypedDict or JSON schema, for which the
                runnable returns dictionaries.
            method: `"json_schema"` sends the schema as the format of the answer.
                `"function_calling"` sends it as a tool that must be called. `"json_mode"` only
                requests JSON, so the prompt must describe the keys; Claude does not support it.
            include_raw: Whether to return `{"raw": message, "parsed": object or None,
                "parsing_error": exception or None}` instead of raising when parsing fails. With
                `"function_calling"`, an answer without a call still raises `SegmindResponseError`.
            strict: Whether answers must match the schema exactly; not sent if None.
            **kwargs: Settings for these calls.

        Returns:
            A runnable with the input of `invoke`. It raises LangChain's `OutputParserException` if
            the answer does not match the schema or was cut off.

        Raises:
            ValueError: If the method is unknown, or requires a schema and there is none.
        """
        from langchain_segmind._messages.structured_output import structured_output_chain  # noqa: PLC0415

        options: dict[str, Any] = {"method": method, "include_raw": include_raw, "strict": strict}
        return structured_output_chain(self, schema, **options, **kwargs)
