"""The settings of a chat model, and how those of one call are checked and merged over them."""

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from operator import itemgetter
from typing import Annotated, Any, Final, Literal

from langchain_core.messages import BaseMessage
from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from langchain_segmind._client.arguments import (
    RESERVED_FIELDS,
    check_model,
    check_not_secret,
    judge_unknown,
)
from langchain_segmind._client.connection import GatewayClient
from langchain_segmind._client.validation import (
    check_flag,
    check_headers,
    check_json,
    check_seconds,
    check_stop,
)
from langchain_segmind._flows.chat import Endpoint, ModelCall
from langchain_segmind._flows.jobs import WaitPolicy
from langchain_segmind._flows.types import Destination
from langchain_segmind._formats import SETTINGS, Family
from langchain_segmind._messages.from_langchain import from_langchain
from langchain_segmind._messages.tools import apply_tool_choice, parse_tools
from langchain_segmind._messages.types import ChatRequest, Message, Tool
from langchain_segmind.models import ModelInfo, embedding_models, model_info_for

_NO_TOOLS: Final[tuple[tuple[Tool, ...], bool]] = ((), False)

_FLAGS: Final = frozenset({"parallel_tool_calls", "stream"})

_PER_CALL: Final = frozenset(
    {*SETTINGS, *_FLAGS, "tools", "tool_choice", "model", "response_format", "extra_headers"}
    | {"model_kwargs"}
)

_ALIASES: Final = {"model_name": "model", "stop_sequences": "stop"}
"""Names that only the constructor accepts, for what one call may set too."""

_OPENAI_LIMIT: Final = "max_completion_tokens"
"""OpenAI's newer name of `max_tokens`, which some models require; `model_kwargs` sends it as it is.
"""


class ChatSettings(GatewayClient):
    """The fields of a chat model."""

    family: Literal["auto"] | Family = "auto"
    """The request format; `"auto"` selects it by the start of the slug."""

    temperature: float | None = Field(default=None, allow_inf_nan=False)
    """Randomness. Like the settings below, it is only sent if it is set."""

    max_tokens: int | None = Field(
        default=None, ge=1, validation_alias=AliasChoices("max_tokens", _OPENAI_LIMIT)
    )
    """Most tokens the answer may have."""

    top_p: float | None = Field(default=None, allow_inf_nan=False)
    """Share of the likeliest tokens to sample from."""

    top_k: int | None = None
    """Number of the likeliest tokens to sample from."""

    stop: Annotated[list[str] | None, BeforeValidator(check_stop)] = Field(
        default=None, validation_alias=AliasChoices("stop", "stop_sequences")
    )
    """Texts before which the answer ends. This package also cuts the reply there. They are not sent
    with tools, and are ignored with `response_format`, because JSON must not be cut."""

    seed: int | None = None
    """Seed of the sampling, for models that accept one."""

    n: int | None = Field(default=None, ge=1)
    """Number of alternatives; `generate` returns them all, `invoke` the first."""

    presence_penalty: float | None = Field(default=None, allow_inf_nan=False)
    """Penalty for words that have occurred."""

    frequency_penalty: float | None = Field(default=None, allow_inf_nan=False)
    """Penalty for words by how often they have occurred."""

    reasoning_effort: str | None = None
    """How hard a reasoning model thinks: `"low"`, `"medium"`, `"high"`."""

    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Other fields of the request's body, sent as they are; those of one call are added to them."""

    streaming: bool = False
    """Whether `invoke` takes LangChain's streaming path. The gateway never streams."""

    tool_calling: Literal["auto", "emulated", "native"] = "auto"
    """How tools reach the model: in the prompt, with calls requested through `response_format`
    (`"emulated"`), or in the provider's own fields (`"native"`), which the gateway ignores today.
    `"auto"` chooses by what is known of the model."""

    include_response_headers: bool = False
    """Whether `response_metadata["headers"]` holds the headers of the reply."""

    queue: bool | None = None
    """Whether calls go through the gateway's job queue, where a model may take any time. By default
    only the calls of models that are known to be slow do."""

    queue_timeout: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    """Seconds a job may take from its submission. After that the call fails, and
    `get_job(error.request_id).result()` fetches the answer later."""

    poll_interval: float = Field(default=0.5, gt=0, allow_inf_nan=False)
    """Seconds until a job is first polled; later waits grow by half, up to 5 s."""

    # For subclasses that declare these fields again; one call uses the check in the annotation.
    _segmind_check_stop = field_validator("stop", mode="before")(check_stop)
    _segmind_check_waits = field_validator("queue_timeout", "poll_interval")(check_seconds)

    @field_validator("model_kwargs", mode="after")
    @classmethod
    def _segmind_check_model_kwargs(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in sorted(value):
            if name in cls._names and name != _OPENAI_LIMIT:
                raise ValueError(
                    f"model_kwargs: {name} is a parameter. Pass it as {name}=... instead."
                )
        return _check_extras(value, "model_kwargs")

    def _model_info(self, slug: str) -> ModelInfo:
        if slug in embedding_models():
            raise ValueError(
                f"model={slug!r} is an embedding model. Use SegmindEmbeddings, or the slug of a "
                "chat model."
            )
        model_info = model_info_for(slug)
        return model_info if self.family == "auto" else replace(model_info, family=self.family)

    def _model_call(
        self,
        messages: Sequence[BaseMessage] | None,
        stop: Sequence[str] | None,
        kwargs: Mapping[str, Any],
    ) -> ModelCall:
        """Check the settings of one call, and merge them over the model's.

        Args:
            messages: The call's input; None for a job that was submitted before.
            stop: Texts before which the answer ends.
            kwargs: The call's other settings. One of None counts as not given.
        """
        parts = () if messages is None else from_langchain(messages)
        if kwargs or stop is not None:
            given = {**kwargs, "stop": stop} if stop is not None else kwargs
            call = self._merged_call(parts, given)
            self._warn_about_unknown(kwargs)
            return call
        return self._plain_call(parts)

    def _plain_call(self, parts: tuple[Message, ...]) -> ModelCall:
        """Return a call that has no settings of its own, as most calls.

        What follows from the model's fields is kept until one of them changes, for it would be 4 %
        of a call. Fields that can change in place are read anew.
        """
        fields = vars(self)
        if fields["model_kwargs"] or fields["stop"] or fields["default_headers"]:
            return self._merged_call(parts, {})
        state, values = self._client_state(), _VALUES(fields)
        known = state.plain_call
        if known is None or known[0] != values:
            own = self._own_destination()
            known = state.plain_call = (values, self._merged_call((), {}, own))
        request, endpoint = known[1].request, known[1].endpoint
        to = self._redirected(endpoint.destination)
        refused = self._refused_settings(endpoint.model_info.slug)
        if to is not endpoint.destination or refused != endpoint.refused_settings:
            endpoint = replace(endpoint, destination=to, refused_settings=refused)
        return ModelCall(ChatRequest(parts, request.settings), endpoint)

    def _merged_call(
        self, parts: tuple[Message, ...], given: Mapping[str, Any], to: Destination | None = None
    ) -> ModelCall:
        model_info, request = self._request(parts, given)
        has_format = request.response_format is not None or bool(request.tools)
        is_native = self.tool_calling == "native"
        is_queued = model_info.is_slow if self.queue is None else self.queue
        refused = self._state.refused_formats.get(model_info.slug, ()) if has_format else ()
        endpoint = Endpoint(
            destination=to or self._destination(),
            model_info=model_info,
            retry_policy=self._retry_policy(),
            headers=self._headers(given.get("extra_headers")),
            native=model_info.native_tools if self.tool_calling == "auto" else is_native,
            refused_formats=refused,
            refused_settings=self._refused_settings(model_info.slug),
            wait_policy=self._wait_policy() if is_queued else None,
        )
        return ModelCall(request, endpoint)

    def _request(
        self, messages: tuple[Message, ...], given: Mapping[str, Any]
    ) -> tuple[ModelInfo, ChatRequest]:
        """Merge the settings of one call over the model's: which model is asked, and what."""
        given = self._check_names(given)
        slug = check_model(self.model if given.get("model") is None else given["model"])
        tools, is_forced = _NO_TOOLS
        if "tools" in given or "tool_choice" in given:
            offered = parse_tools(given.get("tools"))
            tools, is_forced = apply_tool_choice(offered, given.get("tool_choice"))
        request = ChatRequest(
            messages=messages,
            tools=tools,
            require_tool_call=is_forced,
            parallel=given.get("parallel_tool_calls") is not False,
            settings=self._settings(given),
            extras=self._extras(given),
            response_format=_read_response_format(given.get("response_format")),
        )
        return self._model_info(slug), request

    def _refused_settings(self, slug: str) -> Collection[str]:
        return self._client_state().refused_settings.get(slug, ())

    def _headers(self, extra: Any) -> dict[str, str]:
        own = self.default_headers or {}
        return own if extra is None else {**own, **check_headers(extra, "extra_headers")}

    def _wait_policy(self) -> WaitPolicy:
        return WaitPolicy(self.queue_timeout, self.poll_interval)

    def _check_names(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the arguments of one call that say something, under the names of fields."""
        left_out = []
        for name, value in given.items():
            if name in _FLAGS:
                check_flag(value, name)
            elif name in _PER_CALL:
                continue
            elif name in _ALIASES:
                raise ValueError(
                    f"{name} is not a setting of a call. Pass {_ALIASES[name]}=... instead."
                )
            elif name == _OPENAI_LIMIT:
                if given.get("max_tokens") not in (None, value):
                    raise ValueError(f"max_tokens and {name} are one setting. Use only one.")
                left_out.append(name)
            elif name in self._names:
                raise ValueError(f"{name} is a setting of the model. Pass ChatSegmind({name}=...).")
            elif not judge_unknown(name, value, self._names | _PER_CALL)[0]:
                left_out.append(name)
        if not left_out:
            return given
        kept = {name: value for name, value in given.items() if name not in left_out}
        return kept if _OPENAI_LIMIT not in given else {**kept, "max_tokens": given[_OPENAI_LIMIT]}

    def _warn_about_unknown(self, given: Mapping[str, Any]) -> None:
        for name, value in given.items():
            if name not in _PER_CALL and name not in self._names:
                _, warning = judge_unknown(name, value, self._names | _PER_CALL)
                if warning:
                    warnings.warn(warning, stacklevel=2)

    def _check_stream(self, given: Mapping[str, Any]) -> None:
        n = _check_setting("n", given["n"]) if "n" in given else self.n
        if isinstance(n, int) and n > 1:
            raise ValueError("n must be 1 in a stream, which has one answer. Use generate instead.")

    def _settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        checked = {name: _check_setting(name, given[name]) for name in given if name in SETTINGS}
        merged = {**self._own_settings(), **checked}
        settings = {name: value for name, value in merged.items() if value is not None}
        for name, value in settings.items():
            check_json(value, name)  # it may have been assigned
        return settings

    def _own_settings(self) -> dict[str, Any]:
        """Return the generation settings of the model that are set."""
        fields = vars(self)
        return {name: fields[name] for name in SETTINGS if fields[name] is not None}

    def _extras(self, given: Mapping[str, Any]) -> dict[str, Any]:
        extras = {name: value for name, value in given.items() if name not in _PER_CALL}
        more = given.get("model_kwargs")
        if more is not None:
            if not isinstance(more, dict):
                raise ValueError("model_kwargs must be a dictionary of fields of the request.")
            extras |= self._segmind_check_model_kwargs(more)
        return {**self.model_kwargs, **_check_extras(extras, "call")}


_VALUES: Final = itemgetter(*ChatSettings.model_fields)


def _read_response_format(given: Any) -> dict[str, Any] | None:
    if given is None:
        return None
    from langchain_segmind._messages.structured_output import response_format  # noqa: PLC0415 - it imports parsers

    try:
        found = response_format(given)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        cause = str(error).partition("\n")[0]
        problem = f"response_format: {str(given)[:80]!r} is not a class or a JSON schema: {cause}"
    else:
        check_json(found, "response_format")
        return found
    raise ValueError(problem[:500])


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    field: Any = ChatSettings.model_fields[name]
    parts = (field.annotation, name, *field.metadata)
    annotated: Any = Annotated[parts]  # mypy takes `Annotated[(*parts,)]` for newer syntax
    return TypeAdapter(annotated)


def _check_setting(name: str, value: Any) -> Any:
    """Check a setting of one call by the rules of the model's field, with the same messages."""
    try:
        return _adapter(name).validate_python(value)
    except ValidationError as error:
        problem = error.errors()[0]["msg"].removeprefix("Value error, ")
    raise ValueError(problem if problem.startswith(name) else f"{name}: {problem}")


def _check_extras(extras: dict[str, Any], where: str) -> dict[str, Any]:
    for name, value in extras.items():
        check_not_secret(name, f"{where}: ")
        if name in RESERVED_FIELDS:
            raise ValueError(f"{where}: {name} cannot be set: {RESERVED_FIELDS[name]}.")
        check_json(value, f"{where}: {name}")
    return extras
