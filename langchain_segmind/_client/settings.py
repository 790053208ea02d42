"""What a user may set of a chat model, and what it comes to in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Final, Literal

from langchain_core.messages import BaseMessage
from pydantic import (
    AliasChoices,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from langchain_segmind import models as _catalogue
from langchain_segmind._client import validation as _config
from langchain_segmind._client.connection import GatewayClient, retry_policy_of
from langchain_segmind._flows.chat import Endpoint, ModelCall
from langchain_segmind._flows.jobs import WaitPolicy
from langchain_segmind._formats import SETTINGS, Family
from langchain_segmind._messages import tools as _toolbox
from langchain_segmind._messages.from_langchain import from_langchain
from langchain_segmind._messages.types import ChatRequest, Tool

_OF_TOOLS: Final = frozenset({"tools", "tool_choice", "parallel_tool_calls"})

_SETTINGS_OF: Final = attrgetter(*SETTINGS)
_UNSET: Final = (None,) * len(SETTINGS)

_NO_TOOLS: Final[tuple[tuple[Tool, ...], bool]] = ((), False)

_PER_CALL: Final = frozenset(
    {*SETTINGS, *_OF_TOOLS, "model", "response_format", "extra_headers", "stream"}
)

_FLAGS: Final = frozenset({"parallel_tool_calls", "stream"})

_ALIASES: Final = {"model_name": "model", "stop_sequences": "stop"}
"""Names that the constructor takes for what one call may set as well."""

_OURS: Final = {
    "messages": "they are the call's input",
    "prompt": "messages are sent instead",
    "instruction": "use a SystemMessage",
    "stream": "the gateway cannot stream; use .stream(), which answers in one piece",
    "tools": "they go with bind_tools(...) or one call",
    "tool_choice": "it goes with bind_tools(...) or one call",
    # Arguments of other chat models. Sent as fields of the body, they could reveal a secret.
    "openai_api_base": "the address is base_url=...",
    "openai_organization": "Segmind has no organizations",
    "organization": "Segmind has no organizations",
    "openai_proxy": "it is proxy=... here",
    "extra_body": "it is model_kwargs={...} here",
    "http_client": "connections are set by proxy=..., verify=... and max_connections=...",
    "http_async_client": "connections are set by proxy=..., verify=... and max_connections=...",
}
"""Body fields that a user may not set, and why."""


class ChatSettings(GatewayClient):
    """The fields of a chat model."""

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
    """How tools reach the model: rendered into the prompt, with calls requested through
    `response_format` (`"emulated"`), or in the provider's own fields (`"native"`), which the
    gateway ignores today. `"auto"` goes by what is known of the model."""

    include_response_headers: bool = False
    """Whether `response_metadata["headers"]` holds the headers of the reply."""

    queue: bool | None = None
    """Whether calls go through the gateway's job queue, which has no limit on how long a model may
    take. By default the models that are known to be slow do."""

    queue_timeout: float = 600.0
    """Seconds a job may take from its submission; then the call fails with the job's id, with which
    `get_job(id).result()` fetches the answer later."""

    poll_interval: float = 0.5
    """Seconds until a job is first polled; later waits grow by half, up to 5 s."""

    @field_validator("queue_timeout", "poll_interval", mode="after")
    @classmethod
    def _segmind_check_waiting(cls, value: float, info: ValidationInfo) -> float:
        _config.check_seconds(value, str(info.field_name))
        return value

    @field_validator("stop", mode="before")
    @classmethod
    def _segmind_check_stop(cls, value: Any) -> Any:
        return _config.check_stop(value)

    @field_validator("model_kwargs", mode="after")
    @classmethod
    def _segmind_check_model_kwargs(cls, value: dict[str, Any]) -> dict[str, Any]:
        clash = sorted(value.keys() & (cls._names - {"model_kwargs"}))
        if clash:
            raise ValueError(f"model_kwargs: {clash[0]} is a parameter of its own; pass it as such")
        return _checked_extras(value, "model_kwargs")

    def _model_info(self, slug: str) -> _catalogue.ModelInfo:
        model_info = _catalogue.model_info_for(slug)
        return model_info if self.family == "auto" else replace(model_info, family=self.family)

    def _model_call(
        self,
        messages: Sequence[BaseMessage] | None,
        stop: Sequence[str] | None,
        kwargs: Mapping[str, Any],
    ) -> ModelCall:
        """Merge what one call was given over the model's settings.

        Args:
            messages: What is asked; None for a job that was submitted before.
            stop: Texts before which the answer ends.
            kwargs: The call's other settings.
        """
        parts = () if messages is None else from_langchain(messages)
        given = {**kwargs, "stop": stop} if stop is not None else kwargs
        self._check_call(given)
        chosen = given.get("model")  # None, as anywhere in a call, means that it was not given
        slug = _config.check_slug(self.model if chosen is None else chosen)
        model_info = self._model_info(slug)
        tools, forced = _NO_TOOLS
        if "tools" in given or "tool_choice" in given:
            offered = _toolbox.parse_tools(given.get("tools"))
            tools, forced = _toolbox.apply_tool_choice(offered, given.get("tool_choice"))
        form = given.get("response_format")
        request = ChatRequest(
            messages=parts,
            tools=tools,
            require_tool_call=forced,
            parallel=given.get("parallel_tool_calls") is not False,
            settings=self._settings(given),
            extras=self._extras(given),
            response_format=None if form is None else _read_form(form),
        )
        if request.response_format is not None:
            _config.check_json(request.response_format, "response_format")
        has_format = form is not None or bool(tools)
        native = self.tool_calling == "native"
        queued = model_info.is_slow if self.queue is None else self.queue
        endpoint = Endpoint(
            destination=self._destination(),
            model_info=model_info,
            retry_policy=retry_policy_of(self),
            headers=self._headers(given.get("extra_headers")),
            native=model_info.native_tools if self.tool_calling == "auto" else native,
            refuses_format=has_format and slug in self._state.refuses_format,
            wait_policy=self._wait_policy() if queued else None,
        )
        return ModelCall(request, endpoint)

    def _headers(self, extra: Any) -> dict[str, str]:
        own = self.default_headers or {}
        return own if extra is None else {**own, **_config.check_headers(extra, "extra_headers")}

    def _wait_policy(self) -> WaitPolicy:
        return WaitPolicy(self.queue_timeout, self.poll_interval)

    def _check_call(self, given: Mapping[str, Any]) -> None:
        for name in given:
            if name in _FLAGS:
                _config.check_flag(given[name], name)
            if name in _ALIASES:
                raise ValueError(f"{name}: for one call, pass it as {_ALIASES[name]}=...")
            if name in self._names and name not in _PER_CALL:
                raise ValueError(f"{name} belongs to the model; set it as ChatSegmind({name}=...)")

    def _check_stream(self, given: Mapping[str, Any]) -> None:
        n = _checked_setting("n", given["n"]) if "n" in given else self.n
        if isinstance(n, int) and n > 1:
            raise ValueError("n must be 1 in a stream, which carries one answer")

    def _settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Merge the call's settings over the model's; None leaves one out."""
        checked = {name: _checked_setting(name, given[name]) for name in given if name in SETTINGS}
        merged = {**self._own_settings(), **checked} if checked else self._own_settings()
        settings = {name: value for name, value in merged.items() if value is not None}
        for name, value in settings.items():
            _config.check_json(value, name)  # it may have been assigned
        return settings

    def _own_settings(self) -> dict[str, Any]:
        """The generation settings of the model that are set."""
        values = _SETTINGS_OF(self)
        if values == _UNSET:
            return {}
        named = zip(SETTINGS, values, strict=True)
        return {name: value for name, value in named if value is not None}

    def _extras(self, given: Mapping[str, Any]) -> dict[str, Any]:
        extras = {name: value for name, value in given.items() if name not in _PER_CALL}
        return (
            {**self.model_kwargs, **_checked_extras(extras, "call")}
            if extras
            else self.model_kwargs
        )


def _read_form(form: Any) -> dict[str, Any]:
    from langchain_segmind._messages.structured_output import response_format  # noqa: PLC0415 - with its parsers

    try:
        return response_format(form)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        why = str(error).partition("\n")[0]
        reason = f"response_format: {str(form)[:80]!r} is not a class or a JSON schema ({why})"
    raise ValueError(reason[:500])


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    field: Any = ChatSettings.model_fields[name]
    parts = (field.annotation, name, *field.metadata)
    annotated: Any = Annotated[parts]  # mypy takes `Annotated[(*parts,)]` for newer syntax
    return TypeAdapter(annotated)


def _checked_setting(name: str, value: Any) -> Any:
    """Hold a setting of one call to what the model's own is held to, in the same words."""
    if name == "stop":
        return _config.check_stop(value)
    try:
        return _adapter(name).validate_python(value)
    except ValidationError as error:
        raise ValueError(f"{name}: {error.errors()[0]['msg']}") from None


def _checked_extras(extras: dict[str, Any], where: str) -> dict[str, Any]:
    for name, value in extras.items():
        if name.endswith("api_key"):
            raise ValueError(
                f"{where}: {name} cannot be set, because it would be sent to the model; Segmind's "
                "own key is api_key=..."
            )
        if name in _OURS:
            raise ValueError(f"{where}: {name} cannot be set, because {_OURS[name]}")
        _config.check_json(value, f"{where}: {name}")
    return extras
