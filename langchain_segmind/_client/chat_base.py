"""What a chat model does however it is called: one recorded call, its input, traces and caches.

LangChain's hooks for messages, tools and schemas are in `chat_models`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import Callbacks
from langchain_core.language_models import BaseChatModel, LanguageModelInput, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import LLMResult
from langchain_core.prompt_values import ChatPromptValue, PromptValue
from typing_extensions import override

from langchain_segmind import models as _catalogue
from langchain_segmind._accounting.recorder import UsageRecorder
from langchain_segmind._client.callbacks import AsyncManager, Manager
from langchain_segmind._client.observers import async_job_reporter, job_reporter
from langchain_segmind._client.settings import ChatSettings
from langchain_segmind._flows.chat import Completion, Endpoint
from langchain_segmind._flows.types import Flow
from langchain_segmind._messages.from_langchain import protect_results
from langchain_segmind._messages.refusals import PROVIDER

if TYPE_CHECKING:

    class _Model(ChatSettings, BaseChatModel):
        """What the methods below are mixed into."""
else:
    _Model = object  # a mixin: pydantic would take a millisecond to make another class of models


class ChatBase(_Model):
    """A chat model's calls, and the settings and names by which LangChain knows it."""

    # --- one call ------------------------------------------------------------------------------

    def _complete(
        self,
        flow: Flow[Completion],
        endpoint: Endpoint,
        manager: Manager,
        job_id: str | None = None,
    ) -> Completion:
        """Drive a flow that returns a response, and record its cost.

        Args:
            flow: The flow.
            endpoint: Where it goes.
            manager: Dispatches the events of the call's job.
            job_id: The job whose answer is only fetched; its run was recorded before.
        """
        to = endpoint.destination
        with UsageRecorder(
            endpoint.model_info.slug, manager.handlers if manager else (), job_id
        ) as recorder:
            on_job = job_reporter(recorder, manager)
            completion = self._transport(to).run(flow, to.api_key, observer=recorder, on_job=on_job)
            recorder.finish(completion.receipt, completion.response.usage)
        if completion.refuses_format:
            self._state.refuses_format.add(endpoint.model_info.slug)
        return completion

    async def _acomplete(
        self,
        flow: Flow[Completion],
        endpoint: Endpoint,
        manager: AsyncManager,
        job_id: str | None = None,
    ) -> Completion:
        """Async version of `_complete`."""
        to = endpoint.destination
        with UsageRecorder(
            endpoint.model_info.slug, manager.handlers if manager else (), job_id
        ) as recorder:
            on_job = async_job_reporter(recorder, manager)
            completion = await self._transport(to).arun(
                flow, to.api_key, observer=recorder, on_job=on_job
            )
            recorder.finish(completion.receipt, completion.response.usage)
        if completion.refuses_format:
            self._state.refuses_format.add(endpoint.model_info.slug)
        return completion

    # --- input ---------------------------------------------------------------------------------

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

    # --- traces and caches -----------------------------------------------------------------------

    @property
    @override
    def _llm_type(self) -> str:
        return "segmind-chat"

    @property
    @override
    def _identifying_params(self) -> dict[str, Any]:
        """All that changes an answer, so that models with other settings share no cached ones."""
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
    def _resolve_model_profile(self) -> ModelProfile | None:
        return _catalogue.profile(self._model_info(self.model))

    @override
    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        # The base leaves out the model's own stop sequences, and would trace headers.
        kwargs.pop("extra_headers", None)
        own = {"_type": self._llm_type, "stop": self.stop if stop is None else stop}
        if kwargs.get("model", "") is None:
            kwargs["model"] = self.model
        return {**self._identifying_params, **own, **kwargs}

    @override
    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        kwargs.pop("extra_headers", None)  # possibly secrets, and no part of what is asked
        return super()._get_llm_string(stop=stop, **kwargs)

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        slug = kwargs.get("model")
        params = LangSmithParams(
            ls_provider=PROVIDER,
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

    # --- tokens --------------------------------------------------------------------------------

    @override
    def get_num_tokens(self, text: str) -> int:
        """Estimate a text's tokens at four characters each: the gateway names no tokenizer.

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
