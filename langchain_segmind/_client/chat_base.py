"""The parts of a chat model that all its calls share: recording, input, traces, counts of tokens.

LangChain's hooks for messages, tools and schemas must not be here; they are in `chat_models`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from langchain_core.callbacks import BaseRunManager, Callbacks
from langchain_core.language_models import BaseChatModel, LanguageModelInput, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import LLMResult
from langchain_core.prompt_values import ChatPromptValue, PromptValue
from typing_extensions import override

from langchain_segmind._accounting.recorder import UsageRecorder
from langchain_segmind._client.observers import async_job_reporter, job_reporter
from langchain_segmind._client.profiles import profile
from langchain_segmind._client.results import combined_llm_output, response_metadata
from langchain_segmind._client.settings import ChatSettings
from langchain_segmind._flows.chat import Completion, Endpoint, Submission
from langchain_segmind._flows.types import Flow
from langchain_segmind._messages.from_langchain import protect_messages
from langchain_segmind._messages.refusals import PROVIDER
from langchain_segmind._messages.types import ChatResponse

if TYPE_CHECKING:

    class _Model(ChatSettings, BaseChatModel):
        """The class that these methods are mixed into."""
else:
    _Model = object  # a mixin: pydantic would take a millisecond to build another model class

_NO_MESSAGES: Final = ChatPromptValue(messages=[])

ResponseWithMetadata = tuple[ChatResponse, dict[str, Any]]
"""A response, and the metadata of its messages."""


class ChatBase(_Model):
    """A chat model's calls, and the settings and names by which LangChain knows it."""

    # --- one call ------------------------------------------------------------------------------

    def _complete(
        self,
        flow: Flow[Completion],
        endpoint: Endpoint,
        manager: BaseRunManager | None,
        job_id: str | None = None,
    ) -> ResponseWithMetadata:
        """Drive a flow that returns a response, and record its cost.

        Args:
            flow: The flow.
            endpoint: Where it goes.
            manager: The callbacks that the call's job is reported to.
            job_id: The job whose answer is only fetched; its run was recorded before.
        """
        to = endpoint.destination
        handlers = manager.handlers if manager else ()
        with UsageRecorder(endpoint.model_info.slug, handlers, job_id) as recorder:
            on_job = job_reporter(recorder, manager)
            completion = self._transport(to).run(flow, to.api_key, observer=recorder, on_job=on_job)
            recorder.finish(completion.receipt, completion.response.usage)
        return self._with_metadata(completion, endpoint.model_info.slug)

    async def _acomplete(
        self,
        flow: Flow[Completion],
        endpoint: Endpoint,
        manager: BaseRunManager | None,
        job_id: str | None = None,
    ) -> ResponseWithMetadata:
        """Async version of `_complete`."""
        to = endpoint.destination
        handlers = manager.handlers if manager else ()
        with UsageRecorder(endpoint.model_info.slug, handlers, job_id) as recorder:
            on_job = async_job_reporter(recorder, manager)
            completion = await self._transport(to).arun(
                flow, to.api_key, observer=recorder, on_job=on_job
            )
            recorder.finish(completion.receipt, completion.response.usage)
        return self._with_metadata(completion, endpoint.model_info.slug)

    def _remember_refusals(self, found: Completion | Submission, slug: str) -> None:
        if found.refused_format is not None:
            self._state.add_refusal(slug, found.refused_format)
        if found.refused_settings:
            self._state.add_refused_settings(slug, found.refused_settings)

    def _with_metadata(self, completion: Completion, slug: str) -> ResponseWithMetadata:
        self._remember_refusals(completion, slug)
        with_headers = self.include_response_headers
        return completion.response, response_metadata(completion, slug, with_headers=with_headers)

    # --- input ---------------------------------------------------------------------------------

    # langchain-core (1.6 to 1.8) raises TypeError, KeyError or ValueError for some tool results, on
    # this and every later turn of a conversation. `protect_messages` prevents it. `stream`,
    # `stream_events` and their async versions convert their input with `_convert_input`, a private
    # method; `invoke`, `batch` and their async versions call `generate` or `agenerate`.

    @override
    def _convert_input(self, model_input: LanguageModelInput) -> PromptValue:
        if isinstance(model_input, list) and all(isinstance(m, BaseMessage) for m in model_input):
            # LangChain would validate each of these messages once more, for 1 % of a call.
            return _NO_MESSAGES.model_copy(update={"messages": [*protect_messages(model_input)]})
        value = super()._convert_input(model_input)
        if isinstance(value, ChatPromptValue):
            messages = protect_messages(value.messages)
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
        return super().generate(_protected(messages), stop, callbacks, **kwargs)

    @override
    async def agenerate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        **kwargs: Any,
    ) -> LLMResult:
        return await super().agenerate(_protected(messages), stop, callbacks, **kwargs)

    # --- traces --------------------------------------------------------------------------------

    # Private hooks of langchain-core (1.6 to 1.8). Without `_get_invocation_params`, traces would
    # contain `extra_headers`, which may be secret.

    @property
    @override
    def _llm_type(self) -> str:
        return "segmind-chat"

    @property
    @override
    def _identifying_params(self) -> dict[str, Any]:
        """The settings that change an answer, as traces show them."""
        return {
            "model": self.model,
            "base_url": self._address(),
            "family": self.family,
            **self._own_settings(),
            "tool_calling": self.tool_calling,
            "model_kwargs": dict(self.model_kwargs),
        }

    @property
    @override
    def _serialized(self) -> dict[str, Any]:
        # OpenLLMetry takes the name of the requested model from here.
        return {**super()._serialized, "kwargs": {"model": self.model}}

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
    def _resolve_model_profile(self) -> ModelProfile:
        return profile(self._model_info(self.model))

    @override
    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        # LangChain's own version leaves out the model's stop sequences, and would trace headers.
        kwargs.pop("extra_headers", None)
        own = {"_type": self._llm_type, "stop": self.stop if stop is None else stop}
        if kwargs.get("model", "") is None:
            kwargs["model"] = self.model
        return {**self._identifying_params, **own, **kwargs}

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        slug = kwargs.get("model")
        settings: dict[str, Any] = {
            "ls_temperature": kwargs.get("temperature", self.temperature),
            "ls_max_tokens": kwargs.get("max_tokens", self.max_tokens),
            "ls_stop": (self.stop if stop is None else stop) or None,
        }
        params = LangSmithParams(
            ls_provider=PROVIDER,
            ls_model_name=self.model if slug is None else slug,
            ls_model_type="chat",
        )
        params.update({name: value for name, value in settings.items() if value is not None})  # type: ignore[typeddict-item]
        return params

    @override
    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None], /) -> dict[str, Any]:
        return combined_llm_output(llm_outputs)

    # --- tokens --------------------------------------------------------------------------------

    # The gateway names no tokenizer, and LangChain's default would download GPT-2's. So tokens are
    # estimated, unless the user sets `custom_get_token_ids`.

    @override
    def get_num_tokens(self, text: str) -> int:
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens(text)
        return -(-len(text) // 4)  # four characters each, rounded up

    @override
    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """Estimate the tokens of messages and tools.

        The gateway cannot count them, and every model has its own tokenizer. Text counts a token
        for four characters, or by `custom_get_token_ids`. An image counts 1,000 (85 with
        `detail="low"`), a PDF 1,500 a page, audio and video one for 1,000 bytes: figures in the
        middle of what OpenAI, Anthropic and Google publish.

        Args:
            messages: The messages.
            tools: Tools in any form that `bind_tools` takes, or dictionaries; counted as JSON.

        Returns:
            The estimate.

        Raises:
            ValueError: If a tool cannot be described.
        """
        from langchain_segmind._messages.token_count import describe_tools, without_media  # noqa: PLC0415

        texts, tokens = without_media(convert_to_messages(messages))
        if tools:
            tokens += self.get_num_tokens(describe_tools(tools))
        if self.custom_get_token_ids is not None:
            return tokens + super().get_num_tokens_from_messages(texts)
        return tokens + count_tokens_approximately(texts)


def _protected(conversations: list[list[BaseMessage]]) -> list[list[BaseMessage]]:
    return [list(protect_messages(messages)) for messages in conversations]
