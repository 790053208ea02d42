"""The fields, checks and connections that chat and embedding models share.

A base class, unlike the rest of this package, because pydantic collects fields from base classes.
"""

import warnings
from collections.abc import Callable, Mapping
from types import MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Concatenate,
    Generic,
    ParamSpec,
    TypeVar,
    get_args,
)

from langchain_core.utils import from_env, secret_from_env
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from typing_extensions import Self

from langchain_segmind._client.arguments import check_model, judge_unknown
from langchain_segmind._client.destination import destination, may_lack_key, redirect
from langchain_segmind._client.redaction import without_values
from langchain_segmind._client.state import ClientState
from langchain_segmind._client.validation import (
    BLANK_KEY,
    check_headers,
    check_key,
    check_proxy,
    check_seconds,
    check_timeout,
    check_url,
    check_verify,
    mask_headers,
)
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
    """A method that also works on the class: its first argument is then the class."""

    def __init__(self, function: Callable[Concatenate[Any, P], R]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __get__(self, model: object | None, owner: type) -> Callable[P, R]:
        """Bind the model, or the class.

        A bound method, unlike a `partial`, has annotations, which LangChain evaluates.
        """
        return MethodType(self._function, owner if model is None else model)


def _check_secret_key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    return SecretStr("" if not text.strip() and may_lack_key() else check_key(text))


def _check_default_headers(headers: Any) -> dict[str, str] | None:
    return None if headers is None else check_headers(headers, "default_headers")


class GatewayClient(BaseModel):
    """The fields and the lifecycle of a client of the gateway."""

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    """The model's slug, as in the gateway's URL: `"gpt-4o"`. https://www.segmind.com/models lists
    them. For a slug that this package does not know, its start selects the request format."""

    api_key: SecretStr = Field(
        default_factory=secret_from_env("SEGMIND_API_KEY", default=""),
        validation_alias=AliasChoices("api_key", "segmind_api_key"),
        validate_default=True,
        exclude=True,
    )
    """The gateway's key; by default the environment variable `SEGMIND_API_KEY`."""

    base_url: str = Field(
        default_factory=default_base_url,
        validation_alias=AliasChoices("base_url", "segmind_api_base"),
        validate_default=True,
    )
    """The API's address; by default `SEGMIND_API_BASE`, or the vendor's."""

    timeout: float | None = Field(
        default=120.0,
        gt=0,
        allow_inf_nan=False,
        validation_alias=AliasChoices("timeout", "request_timeout"),
    )
    """Seconds one attempt may take, from its start to the last byte. With None there is no limit: a
    call to a gateway that never replies never ends."""

    connect_timeout: float | None = Field(default=10.0, gt=0, allow_inf_nan=False)
    """Seconds of `timeout` for resolving the host, connecting and the TLS handshake."""

    total_timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Seconds for all attempts and the waits between them; None for no limit."""

    max_retries: int = Field(default=2, ge=0)
    """Attempts after the first, made only if the model surely did not run, or with
    `retry_ambiguous`."""

    max_retry_wait: float = Field(default=60.0, ge=0, allow_inf_nan=False)
    """Longest wait, in seconds, that the gateway may request before a retry. If it requests a
    longer one, the call fails at once, and the error's `retry_after` holds the seconds."""

    retry_ambiguous: bool = False
    """Whether to repeat a call when it is unknown whether the model ran. It may be billed twice."""

    default_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Extra headers of every request."""

    proxy: str | None = Field(default=None, exclude=True, repr=False)
    """A proxy's URL; by default what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say at the first call.

    A gateway on this machine (`localhost`, 127.0.0.0/8, ::1) is reached without a proxy, unless one
    is given here.
    """

    verify: bool | str = True
    """Whether to check the gateway's certificate, or the path of the authorities to trust; True
    uses the first of REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE and SSL_CERT_DIR that is set
    at the first call."""

    max_connections: int | None = Field(default=None, ge=1)
    """Connections that may be open at once; by default 1,000, or half of the file descriptors this
    process may open if that is less. Waiting for a free one counts for `total_timeout` only."""

    model_config = ConfigDict(
        protected_namespaces=(),
        ignored_types=(of_model_or_class,),
        hide_input_in_errors=True,  # an error about the key must not show it
        defer_build=True,  # no instances are made of this class; see the models
    )

    # A check in a field's annotation would be lost in a subclass that declares the field again.
    _segmind_check_model = field_validator("model", mode="before")(check_model)
    _segmind_check_key = field_validator("api_key")(_check_secret_key)
    _segmind_check_url = field_validator("base_url")(check_url)
    _segmind_check_seconds = field_validator("timeout", "connect_timeout", "total_timeout")(
        check_seconds
    )
    _segmind_check_timeout = field_validator("timeout", mode="before")(check_timeout)
    # pydantic copies strings as plain ones, so they are masked afterwards.
    _segmind_mask_headers = field_validator("default_headers")(mask_headers)
    _segmind_check_headers = field_validator("default_headers", mode="before")(
        _check_default_headers
    )
    _segmind_check_proxy = field_validator("proxy")(check_proxy)
    _segmind_check_verify = field_validator("verify")(check_verify)

    _state: ClientState = PrivateAttr(default_factory=ClientState)

    _names: ClassVar[frozenset[str]] = frozenset()
    """All names under which a field may be given."""

    _alias_of: ClassVar[Mapping[str, str]] = {}
    """The field of each of these names that is not the field's own."""

    _never_none: ClassVar[frozenset[str]] = frozenset()
    """Those of fields that have a default and cannot be None: None means the default there."""

    _how_to_choose: ClassVar[str] = "Pass model=...."
    """What an error about a missing model says to do."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Collect the names once for each class, because every call needs them."""
        super().__pydantic_init_subclass__(**kwargs)
        names, never_none, alias_of = set(), set(), {}
        for name, field in cls.model_fields.items():
            alias = field.validation_alias
            choices = alias.choices if isinstance(alias, AliasChoices) else ()
            own = {name, *(choice for choice in choices if isinstance(choice, str))}
            names |= own
            alias_of.update(dict.fromkeys(own - {name}, name))
            may_be_none = field.annotation is Any or type(None) in get_args(field.annotation)
            if not field.is_required() and not may_be_none:
                never_none |= own
        cls._names, cls._never_none = frozenset(names), frozenset(never_none)
        cls._alias_of = alias_of

    if not TYPE_CHECKING:  # type checkers know the fields better than this signature

        def __init__(self, *args: Any, **data: Any) -> None:
            """Build the model. Neither an error nor its traceback shows a secret."""
            if args:
                name = type(self).__name__
                raise TypeError(f"{name} takes keyword arguments only. Use {name}(model=...).")
            for name in ("api_key", "segmind_api_key"):
                if isinstance(data.get(name), str):
                    data[name] = SecretStr(data[name])
            try:
                super().__init__(**data)
            except ValidationError as error:
                redacted = without_values(error, f"model is missing. {self._how_to_choose}")
            else:
                return
            data.clear()
            raise redacted

    @model_validator(mode="before")
    @classmethod
    def _segmind_check_arguments(cls, values: Any) -> Any:
        """Refuse arguments that are not settings, or move them into `model_kwargs`.

        pydantic would drop them.
        """
        if not isinstance(values, Mapping):
            return values
        for alias, field in cls._alias_of.items():
            if alias in values and field in values and values[alias] != values[field]:
                raise ValueError(f"{field} and {alias} are one setting. Use only {field}=....")
        given = {n: v for n, v in values.items() if v is not None or n not in cls._never_none}
        fields = {name: given.pop(name) for name in values if name not in cls._names}
        for name in [*fields]:
            takes_fields = "model_kwargs" in cls._names
            is_sent, warning = judge_unknown(
                name, fields[name], cls._names, has_body_fields=takes_fields
            )
            if not is_sent:
                del fields[name]
            if warning:
                warnings.warn(warning, stacklevel=5)  # where it is built, past three `__init__`
        if fields:
            given["model_kwargs"] = {**(given.get("model_kwargs") or {}), **fields}
        return given

    def _address(self) -> str:
        """Return the address that a call goes to now, whether or not it is allowed."""
        is_explicit = "base_url" in self.__pydantic_fields_set__
        local = redirect(self.base_url, is_explicit=is_explicit)
        return self.base_url if local is None else local.partition(" ")[0]

    def _destination(self) -> Destination:
        """Return where a call goes now, and raise what `_redirected` raises."""
        return self._redirected(self._own_destination())

    def _own_destination(self) -> Destination:
        return Destination(self.base_url, self.api_key, self.proxy, self.verify)

    def _redirected(self, own: Destination) -> Destination:
        """Return where a call goes now: to the model's own destination, or a local gateway.

        Raises:
            SegmindInvalidRequestError: If live requests are not allowed, or the key is missing.
        """
        found = destination(own, is_explicit="base_url" in self.__pydantic_fields_set__)
        if not found.is_local and not self.api_key.get_secret_value():
            raise invalid_request(BLANK_KEY)
        return found

    def _client_state(self) -> ClientState:
        # pydantic finds a private attribute by six calls, which would be 1 % of a chat.
        state: ClientState = (self.__pydantic_private__ or {})["_state"]
        return state

    def _transport(self, to: Destination) -> Transport:
        """Return the connections to where a call goes."""
        state = self._client_state()
        network = Network(to.base_url, to.proxy, to.verify, self.max_connections, to.is_local)
        if to.is_local:
            return state.local_transport(network)
        found = state.transports.get(network)
        if found is None:
            check_url(to.base_url)  # it may have been assigned
            found = state.add_transport(network)
        return found

    def _retry_policy(self) -> RetryPolicy:
        return RetryPolicy(
            max_retries=self.max_retries,
            max_retry_wait=self.max_retry_wait,
            total_timeout=self.total_timeout,
            timeout=self.timeout,
            connect_timeout=self.connect_timeout,
            retry_ambiguous=self.retry_ambiguous,
        )

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
        return balance(to.base_url, self._retry_policy(), self.default_headers or {})

    def close(self) -> None:
        """Close the connections of sync calls that are not in use; a later call opens new ones."""
        for transport in [*self._state.transports.values()]:
            transport.close()

    async def aclose(self) -> None:
        """Close the connections, also of async calls on this loop, once those calls have ended."""
        for transport in [*self._state.transports.values()]:
            await transport.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()
