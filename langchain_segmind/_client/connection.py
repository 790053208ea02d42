"""The fields, checks and connections that chat and embedding models share.

A base class, unlike the rest of this package, because pydantic collects fields from base classes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from types import MethodType, TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Final, Generic, ParamSpec, TypeVar

from langchain_core.utils import from_env, secret_from_env
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from typing_extensions import Self

from langchain_segmind._client import destination as _live
from langchain_segmind._client import validation as _config
from langchain_segmind._client.state import ClientState
from langchain_segmind._flows.account import balance
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.types import Destination, Flow
from langchain_segmind._http.transport import Network, Transport
from langchain_segmind._messages.types import invalid_request
from langchain_segmind.usage import CreditBalance

default_base_url = from_env("SEGMIND_API_BASE", default="https://api.segmind.com/v1")


P = ParamSpec("P")
R = TypeVar("R")


class of_model_or_class(Generic[P, R]):  # noqa: N801 - it is used as a decorator
    """A method that also works on the class, which it is given in the model's place."""

    def __init__(self, function: Callable[Concatenate[Any, P], R]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __get__(self, model: object | None, owner: type) -> Callable[P, R]:
        """Bind the model, or the class.

        A bound method, unlike a `partial`, has annotations, which LangChain evaluates.
        """
        return MethodType(self._function, owner if model is None else model)


class GatewayClient(BaseModel):
    """The fields and the lifecycle of a client of the gateway."""

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    """The model's slug, as in the gateway's URL: `"gpt-4o"`. https://www.segmind.com/models lists
    them; one that is not known to this package works by the rule of its family."""

    api_key: SecretStr = Field(
        default_factory=secret_from_env("SEGMIND_API_KEY", default=""),
        validation_alias=AliasChoices("api_key", "segmind_api_key"),
        validate_default=True,
        exclude=True,
    )
    """The gateway's key; by default what the environment variable `SEGMIND_API_KEY` holds."""

    base_url: str = Field(
        default_factory=default_base_url,
        validation_alias=AliasChoices("base_url", "segmind_api_base"),
        validate_default=True,
    )
    """The API's address; by default `SEGMIND_API_BASE`, or the vendor's."""

    timeout: float | None = Field(
        default=120.0, validation_alias=AliasChoices("timeout", "request_timeout")
    )
    """Seconds one attempt may take, from its start to the last byte; None for no limit, with which
    a gateway that never answers is waited for forever."""

    connect_timeout: float | None = 10.0
    """Seconds of those for resolving the host, connecting and the TLS handshake."""

    total_timeout: float | None = None
    """Seconds for all attempts and the waits between them; None for no limit."""

    max_retries: int = Field(default=2, ge=0)
    """Attempts after the first, made only when the model surely did not run."""

    max_retry_wait: float = Field(default=60.0, ge=0, allow_inf_nan=False)
    """Seconds the gateway may ask to wait before a retry; asked for more, the call fails at once
    with `retry_after` set."""

    retry_ambiguous: bool = False
    """Whether to repeat a call whose fate is unknown. It may then be paid for more than once."""

    default_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Extra headers of every request."""

    proxy: str | None = Field(default=None, exclude=True, repr=False)
    """A proxy's URL; by default what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say at the first call.

    A gateway on this machine (`localhost`, 127.0.0.0/8, ::1) is reached without a proxy, unless one
    is given here.
    """

    verify: bool | str = True
    """Whether to check the gateway's certificate, or the path of the authorities to trust; True
    uses REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE as they are at the first call."""

    max_connections: int | None = Field(default=None, ge=1)
    """Connections that may be open at once; by default 1,000, or half of the file descriptors this
    process may open where that is less. Waiting for a free one counts for `total_timeout` only."""

    model_config = ConfigDict(
        protected_namespaces=(),
        ignored_types=(of_model_or_class,),
        hide_input_in_errors=True,  # an error about the key must not show it
        defer_build=True,  # no instances are made of this class; see the models
    )

    _state: ClientState = PrivateAttr(default_factory=ClientState)

    _names: ClassVar[frozenset[str]] = frozenset()
    """All names under which a field may be given."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Gather the names once a class: every call asks for them."""
        super().__pydantic_init_subclass__(**kwargs)
        names = set(cls.model_fields)
        for field in cls.model_fields.values():
            if isinstance(field.validation_alias, AliasChoices):
                names.update(n for n in field.validation_alias.choices if isinstance(n, str))
        cls._names = frozenset(names)

    if not TYPE_CHECKING:  # type checkers know the fields better than this signature

        def __init__(self, **data: Any) -> None:
            """Build the model; no error of it shows a secret, nor does its traceback."""
            for name in ("api_key", "segmind_api_key"):
                if isinstance(data.get(name), str):
                    data[name] = SecretStr(data[name])
            try:
                super().__init__(**data)
            except ValidationError as error:
                redacted = _redacted(error)
            else:
                return
            data.clear()
            raise redacted

    @model_validator(mode="before")
    @classmethod
    def _segmind_keep_unknown_arguments(cls, values: Any) -> Any:
        """Move arguments that are no fields into `model_kwargs`: pydantic would drop them."""
        if not isinstance(values, Mapping):
            return values
        known = cls._names
        kept = {name: v for name, v in values.items() if name in known and not _unset(name, v)}
        unknown = {name: value for name, value in values.items() if name not in known}
        if unknown:
            if "model_kwargs" not in known:
                raise ValueError(f"unknown arguments: {', '.join(sorted(unknown))}")
            warnings.warn(
                f"{', '.join(sorted(unknown))}: no parameter of {cls.__name__}, so sent to the "
                "model as it is; pass it in model_kwargs={...} if that is meant",
                stacklevel=6,
            )
            kept["model_kwargs"] = {**(kept.get("model_kwargs") or {}), **unknown}
        return kept

    @field_validator("model", mode="before")
    @classmethod
    def _segmind_check_model(cls, value: object) -> str:
        return _config.check_slug(value)

    @field_validator("api_key", mode="after")
    @classmethod
    def _segmind_check_key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value()
        if not key.strip() and _live.may_lack_key():
            return SecretStr("")
        return SecretStr(_config.check_key(key))

    @field_validator("base_url", mode="after")
    @classmethod
    def _segmind_check_url(cls, value: str) -> str:
        return _config.check_url(value)

    @field_validator("timeout", "connect_timeout", "total_timeout", mode="after")
    @classmethod
    def _segmind_check_seconds(cls, value: float | None, info: ValidationInfo) -> float | None:
        return _config.check_seconds(value, str(info.field_name))

    @field_validator("verify", mode="after")
    @classmethod
    def _segmind_check_verify(cls, value: bool | str) -> bool | str:
        return _config.check_verify(value)

    @field_validator("proxy", mode="after")
    @classmethod
    def _segmind_check_proxy(cls, value: str | None) -> str | None:
        return _config.check_proxy(value)

    @field_validator("default_headers", mode="before")
    @classmethod
    def _segmind_check_headers(cls, value: Any) -> dict[str, str] | None:
        return None if value is None else _config.check_headers(value, "default_headers")

    def _address(self) -> str:
        """Return the address that a call goes to now, whether or not it is allowed."""
        is_explicit = "base_url" in self.__pydantic_fields_set__
        local = _live.redirect(self.base_url, is_explicit=is_explicit)
        return self.base_url if local is None else local.partition(" ")[0]

    def _destination(self) -> Destination:
        """Return where a call goes now.

        Raises:
            SegmindInvalidRequestError: If live requests are not allowed, or there is no key.
        """
        own = Destination(self.base_url, self.api_key, self.proxy, self.verify)
        found = _live.destination(own, is_explicit="base_url" in self.__pydantic_fields_set__)
        if not found.is_local and not self.api_key.get_secret_value():
            raise invalid_request(_config.BLANK_KEY)
        return found

    def _transport(self, to: Destination) -> Transport:
        """Return the connections to where a call goes."""
        state = self._state  # pydantic finds a private attribute by six calls
        if to.is_local:
            network = Network(to.base_url, max_connections=self.max_connections, is_direct=True)
            return state.local_transport(network)
        network = Network(self.base_url, self.proxy, self.verify, self.max_connections)
        found = state.transports.get(network)
        if found is None:
            _config.check_url(self.base_url)  # it may have been assigned
            found = state.add_transport(network)
        return found

    def get_credits(self) -> CreditBalance:
        """Read the key's balance in US dollars; free of charge, and a good check of the key.

        Raises:
            SegmindError: If it cannot be read.
        """
        to = self._destination()
        return CreditBalance(*self._transport(to).run(self._balance(to), to.api_key))

    async def aget_credits(self) -> CreditBalance:
        """Async version of `get_credits`."""
        to = self._destination()
        return CreditBalance(*await self._transport(to).arun(self._balance(to), to.api_key))

    def _balance(self, to: Destination) -> Flow[tuple[float, float]]:
        return balance(to.base_url, retry_policy_of(self), self.default_headers or {})

    def close(self) -> None:
        """Close the connections of sync calls that are not in use; a later call opens new ones."""
        for transport in [*self._state.transports.values()]:
            transport.close()

    async def aclose(self) -> None:
        """Close the connections, those of async calls on this loop when no call is under way."""
        for transport in [*self._state.transports.values()]:
            await transport.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.aclose()


def _redacted(error: ValidationError) -> ValidationError:
    """The same complaints without the values complained of, some of which may be secrets."""
    return ValidationError.from_exception_data(
        error.title,
        [
            InitErrorDetails(
                type=PydanticCustomError(line["type"], "{reason}", {"reason": line["msg"]}),
                loc=line["loc"],
                input="(not shown)",
            )
            for line in error.errors(include_url=False, include_input=False, include_context=False)
        ],
        hide_input=True,
    )


def _unset(name: str, value: Any) -> bool:
    """Whether None was given for what has no None: LangChain's users mean the default by it."""
    return value is None and name in _NEVER_NONE


_NEVER_NONE: Final = frozenset(
    {"api_key", "segmind_api_key", "base_url", "segmind_api_base", "max_retries", "max_retry_wait"}
    | {"retry_ambiguous", "verify", "model_kwargs", "streaming", "family"}
    | {"queue_timeout", "poll_interval", "max_concurrency", "show_progress_bar"}
)


def retry_policy_of(model: GatewayClient) -> RetryPolicy:
    """How long a model tries."""
    return RetryPolicy(
        max_retries=model.max_retries,
        max_retry_wait=model.max_retry_wait,
        total_timeout=model.total_timeout,
        timeout=model.timeout,
        connect_timeout=model.connect_timeout,
        retry_ambiguous=model.retry_ambiguous,
    )
