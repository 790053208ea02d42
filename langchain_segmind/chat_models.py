"""ChatSegmind: the fields a user sets and the hooks LangChain calls.

What is said to the gateway, and what is done when it fails, is decided in `_flow`; here sync and
async differ in one word.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import AliasChoices, BaseModel, Field, field_validator, model_validator
from typing_extensions import Self, override

from langchain_segmind import (
    _catalogue,
    _config,
    _flow,
    _messages,
    _models,
    _prompt,
    _structured,
    _toolbox,
)
from langchain_segmind._catalogue import Entry
from langchain_segmind._client import (
    GatewayClient,
    field_names,
    of_model_or_class,
    patience_of,
)
from langchain_segmind._exchange import Flow
from langchain_segmind._version import __version__
from langchain_segmind._wire import SETTINGS, Family

_OF_TOOLS: Final = frozenset({"tools", "tool_choice", "parallel_tool_calls"})

_PER_CALL: Final = frozenset(
    {*SETTINGS, *_OF_TOOLS, "model", "response_format", "extra_headers", "stream"}
)

_OURS: Final = {
    "messages": "they are the call's input",
    "prompt": "messages are sent instead",
    "instruction": "use a SystemMessage",
    "stream": "the gateway cannot stream; use .stream(), which answers in one piece",
    "tools": "they go with bind_tools(...) or one call",
    "tool_choice": "it goes with bind_tools(...) or one call",
}
"""Body fields that a user may not set, and why."""


class ChatSegmind(GatewayClient, BaseChatModel):
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
    `extra_headers`; other keyword arguments become fields of the request's body.

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

    **Close.** Connections are shared by all threads and tasks, and closed with the model.

    ```python
    model.close()  # or: with ChatSegmind(...) as model, async with, await model.aclose()
    ```
    """

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    """The model's slug, as in the gateway's URL: `"gpt-4o"`. https://www.segmind.com/models lists
    them; one that is not known to this package works by the rule of its family."""

    family: Literal["auto"] | Family = "auto"
    """How the model's request bodies look; `"auto"` goes by the slug."""

    temperature: float | None = Field(default=None, allow_inf_nan=False)
    """Randomness. Not sent unless set, as all the settings below."""

    max_tokens: int | None = Field(default=None, ge=1)
    """Tokens the answer may have."""

    top_p: float | None = Field(default=None, allow_inf_nan=False)
    """Share of the likeliest tokens to sample from."""

    top_k: int | None = None
    """Number of the likeliest tokens to sample from."""

    stop: list[str] | None = Field(
        default=None, validation_alias=AliasChoices("stop", "stop_sequences")
    )
    """Texts before which the answer ends. Sent, and enforced here too."""

    seed: int | None = None
    """Seed of the sampling, for models that have one."""

    n: int | None = Field(default=None, ge=1)
    """Number of alternatives; `generate` returns them all, `invoke` the first."""

    presence_penalty: float | None = Field(default=None, allow_inf_nan=False)
    """Penalty for words that occurred."""

    frequency_penalty: float | None = Field(default=None, allow_inf_nan=False)
    """Penalty for words by how often they occurred."""

    reasoning_effort: str | None = None
    """How hard a reasoning model thinks: `"low"`, `"medium"`, `"high"`."""

    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Other fields of the request's body, sent as they are."""

    streaming: bool = False
    """Whether `invoke` takes LangChain's streaming path. The gateway itself never streams."""

    tool_calling: Literal["auto", "emulated", "native"] = "auto"
    """How tools reach the model: told in words and asked for through `response_format`
    (`"emulated"`), or in the provider's own fields (`"native"`), which the gateway drops today.
    `"auto"` goes by what is known of the model."""

    include_response_headers: bool = False
    """Whether `response_metadata["headers"]` holds the headers of the reply."""

    # --- construction --------------------------------------------------------------------------

    @field_validator("model", mode="after")
    @classmethod
    def _segmind_check_model(cls, value: str) -> str:
        return _config.check_slug(value)

    @field_validator("stop", mode="before")
    @classmethod
    def _segmind_check_stop(cls, value: Any) -> Any:
        return _config.check_stop(value)

    @field_validator("model_kwargs", mode="after")
    @classmethod
    def _segmind_check_model_kwargs(cls, value: dict[str, Any]) -> dict[str, Any]:
        clash = sorted(value.keys() & (field_names(cls) - {"model_kwargs"}))
        if clash:
            raise ValueError(f"model_kwargs: {clash[0]} is a parameter of its own; pass it as such")
        return _checked_extras(value, "model_kwargs")

    @model_validator(mode="after")
    def _segmind_check_together(self) -> Self:
        if self.streaming and self.n is not None and self.n > 1:
            raise ValueError("n must be 1 where streaming is on: a stream carries one answer")
        self._add_version("langchain-segmind", __version__)
        return self

    @override
    def _resolve_model_profile(self) -> ModelProfile | None:
        return _catalogue.profile(self._card(self.model))

    def _card(self, slug: str) -> _catalogue.Card:
        card = _catalogue.card_for(slug)
        return card if self.family == "auto" else replace(card, family=self.family)

    # --- one call ------------------------------------------------------------------------------

    def _chat(
        self, messages: Sequence[BaseMessage], stop: Sequence[str] | None, kwargs: Mapping[str, Any]
    ) -> Flow[_flow.Heard]:
        """Read what LangChain handed over into a conversation that can begin."""
        given = {**kwargs, "stop": stop} if stop is not None else kwargs
        self._check_call(given)
        slug = _config.check_slug(given.get("model") or self.model)
        card = self._card(slug)
        headers = _config.check_headers(given.get("extra_headers") or {}, "extra_headers")
        form = given.get("response_format")
        tools, forced = _toolbox.choose(_toolbox.read(given.get("tools")), given.get("tool_choice"))
        prompt = _prompt.Prompt(
            turns=_messages.read(messages),
            tools=tools,
            forced=forced,
            parallel=given.get("parallel_tool_calls") is not False,
            settings=self._settings(given),
            extras=self._extras(given),
            response_format=None if form is None else _structured.response_format(form),
        )
        if prompt.response_format is not None:
            _config.check_json(prompt.response_format, "response_format")
        target = _flow.Target(
            base_url=self.base_url,
            card=card,
            native=card.native_tools
            if self.tool_calling == "auto"
            else self.tool_calling == "native",
            refuses_format=slug in self._refusers(),
            patience=patience_of(self),
            headers={**(self.default_headers or {}), **headers},
        )
        return _flow.chat(prompt, target)

    def _check_call(self, given: Mapping[str, Any]) -> None:
        fixed = field_names(type(self)) - _PER_CALL
        for name in given:
            if name in fixed:
                raise ValueError(f"{name} belongs to the model; set it as ChatSegmind({name}=...)")

    def _settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Merge the call's settings over the model's; None leaves one out."""
        merged = {name: given[name] if name in given else getattr(self, name) for name in SETTINGS}
        merged["stop"] = _config.check_stop(merged["stop"])
        settings = {name: value for name, value in merged.items() if value is not None}
        for name, value in settings.items():
            _config.check_json(value, name)
        return settings

    def _extras(self, given: Mapping[str, Any]) -> dict[str, Any]:
        extras = {name: value for name, value in given.items() if name not in _PER_CALL}
        return {**self.model_kwargs, **_checked_extras(extras, "call")}

    def _refusers(self) -> set[str]:
        """The models that were found to refuse `response_format`, for this instance's life."""
        refusers: set[str] = self.__dict__.setdefault("_segmind_refusers", set())
        return refusers

    def _metadata(self, heard: _flow.Heard, slug: str) -> dict[str, Any]:
        if heard.refuses_format:
            self._refusers().add(slug)
        found = {
            "id": heard.answer.id,
            "request_id": heard.request_id,
            "cost": heard.cost,
            "remaining_credits": heard.remaining_credits,
            "generation_time": heard.generation_time,
            "headers": dict(heard.headers) if self.include_response_headers else None,
        }
        known = {name: value for name, value in found.items() if value is not None}
        return {"model_name": slug, "model_provider": "segmind", **known}

    def _result(self, heard: _flow.Heard, kwargs: Mapping[str, Any]) -> ChatResult:
        metadata = self._metadata(heard, kwargs.get("model") or self.model)
        generations = []
        for i, choice in enumerate(heard.answer.choices):
            usage = heard.answer.usage if i == 0 else None  # counted once, however many choices
            message = _messages.write(choice, usage, metadata)
            generations.append(ChatGeneration(message=message))
        return ChatResult(generations=generations)

    def _chunk(self, heard: _flow.Heard, kwargs: Mapping[str, Any]) -> ChatGenerationChunk:
        metadata = self._metadata(heard, kwargs.get("model") or self.model)
        choice = heard.answer.choices[0]
        message = _messages.write_chunk(choice, heard.answer.usage, metadata)
        return ChatGenerationChunk(message=message)

    def _check_stream(self, kwargs: Mapping[str, Any]) -> None:
        n = kwargs.get("n") or self.n or 1
        if isinstance(n, int) and n > 1:
            raise ValueError("n must be 1 in a stream, which carries one answer")

    list_models: ClassVar[of_model_or_class[..., list[Entry]]] = _models.list_models
    alist_models: ClassVar[of_model_or_class[..., Coroutine[Any, Any, list[Entry]]]] = (
        _models.alist_models
    )

    # --- LangChain's hooks ---------------------------------------------------------------------

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        heard = self._transport().run(self._chat(messages, stop, kwargs), self.api_key)
        return self._result(heard, kwargs)

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        heard = await self._transport().arun(self._chat(messages, stop, kwargs), self.api_key)
        return self._result(heard, kwargs)

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        self._check_stream(kwargs)
        heard = self._transport().run(self._chat(messages, stop, kwargs), self.api_key)
        chunk = self._chunk(heard, kwargs)
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
        self._check_stream(kwargs)
        heard = await self._transport().arun(self._chat(messages, stop, kwargs), self.api_key)
        chunk = self._chunk(heard, kwargs)
        if run_manager:
            await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
        yield chunk

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
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

        Raises:
            ValueError: If a tool cannot be described, or the choice is none of them.
        """
        described = _toolbox.describe(tools, strict=strict)
        _toolbox.choose(_toolbox.read(described), tool_choice)
        bound = {
            "tools": described,
            "tool_choice": tool_choice,
            "parallel_tool_calls": parallel_tool_calls,
            "response_format": response_format,
        }
        given = {name: value for name, value in bound.items() if value not in (None, [])}
        return self.bind(**given, **kwargs)

    @override
    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: _structured.Method = "json_schema",
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

        Raises:
            ValueError: For an unknown method, or if a needed schema is missing.
        """
        return _structured.structured(
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
        settings = {name: getattr(self, name) for name in SETTINGS}
        known = {name: value for name, value in settings.items() if value is not None}
        named = {"model": self.model, "base_url": self.base_url, "family": self.family}
        others = {"tool_calling": self.tool_calling, "model_kwargs": dict(self.model_kwargs)}
        return {**named, **known, **others}

    @property
    def model_name(self) -> str:
        """The slug, under the name that LangChain's tools look for."""
        return self.model

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        return {"api_key": "SEGMIND_API_KEY"}

    @override
    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        # The base forgets the model's own stop sequences, and would trace headers.
        told = {name: value for name, value in kwargs.items() if name != "extra_headers"}
        own = {**self._identifying_params, "_type": self._llm_type}
        return {**own, "stop": self.stop if stop is None else stop, **told}

    @override
    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        kwargs.pop("extra_headers", None)  # secrets, perhaps, and no part of what is asked
        return super()._get_llm_string(stop=stop, **kwargs)

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        given = {**{name: getattr(self, name) for name in SETTINGS}, **kwargs}
        params = LangSmithParams(
            ls_provider="segmind",
            ls_model_name=kwargs.get("model") or self.model,
            ls_model_type="chat",
        )
        if given["temperature"] is not None:
            params["ls_temperature"] = given["temperature"]
        if given["max_tokens"] is not None:
            params["ls_max_tokens"] = given["max_tokens"]
        if stop or self.stop:
            params["ls_stop"] = stop or self.stop
        return params

    @override
    def get_num_tokens(self, text: str) -> int:
        """Estimate a text's tokens at four characters each: the gateway tells no tokenizer.

        Exact where `custom_get_token_ids` is set.
        """
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens(text)
        return -(-len(text) // 4)

    @override
    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """Estimate the tokens of messages, as LangChain's approximate counter does."""
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens_from_messages(messages, tools)
        return count_tokens_approximately(messages)


def _checked_extras(extras: dict[str, Any], where: str) -> dict[str, Any]:
    for name, value in extras.items():
        if name in _OURS:
            raise ValueError(f"{where}: {name} cannot be set, because {_OURS[name]}")
        _config.check_json(value, f"{where}: {name}")
    return extras
