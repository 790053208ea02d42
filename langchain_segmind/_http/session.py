"""requests' session and what it passes around, for the tools that patch requests.

They replace `Session.send` (OpenTelemetry), `Session.get_adapter` (requests-mock) or
`HTTPAdapter.send` (responses), and read the request and the reply as users of requests do. Nothing
here retries, follows a redirect, keeps a cookie or reads .netrc.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final, cast

import requests
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict

from langchain_segmind._flows.types import Request
from langchain_segmind._http.headers import request_headers


def prepare(request: Request, key: SecretStr | None) -> requests.PreparedRequest:
    """Build the request of an attempt.

    requests' own `prepare` costs as much as sending, and is not needed: the URL is checked already,
    the body is bytes, there are no cookies, files, hooks or authentication.
    """
    prepared = requests.PreparedRequest()
    prepared.method = request.method
    prepared.url = request.url
    headers = request_headers(request, key)
    # Extra headers may repeat one of ours, or each other, in another case.
    checked = CaseInsensitiveDict(headers) if request.headers else RequestHeaders(headers)
    prepared.headers = cast("Any", checked)
    prepared.body = request.body
    return prepared


class RequestHeaders(dict[str, str]):
    """Look up names in any case, as in requests' own dictionary, which makes a call 4 % slower."""

    def _key(self, name: str) -> str:
        if super().__contains__(name):
            return name
        return next((key for key in self if key.lower() == name.lower()), name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(self._key(name))

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(self._key(name))

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(self._key(name), value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(self._key(name))

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(self._key(name), default)


class LazyResponse(requests.Response):
    """A reply whose headers and cookies are parsed only for a hook or a tool that asks for them.

    requests does so at once, which costs 5 % of a call.
    """

    def __init__(self, request: requests.PreparedRequest, raw: Any, adapter: HTTPAdapter) -> None:
        vars(self).update(_NO_REPLY, history=[])
        self.request = request
        self.url = request.url or ""
        self.raw = raw
        self.status_code = raw.status
        self.reason = raw.reason
        self.connection = adapter

    @cached_property
    def _parsed(self) -> requests.Response:
        return HTTPAdapter.build_response(self.connection, self.request, self.raw)

    @cached_property
    def headers(self) -> Any:  # type: ignore[override]
        return self._parsed.headers

    @cached_property
    def cookies(self) -> Any:  # type: ignore[override]
        return self._parsed.cookies

    @cached_property
    def encoding(self) -> Any:  # type: ignore[override]
        return self._parsed.encoding


_NO_REPLY: Final = {
    name: value
    for name, value in vars(requests.Response()).items()
    if name not in {"headers", "cookies", "encoding"}
}


class _NoCookies(RequestsCookieJar):
    def extract_cookies(self, *_: Any) -> None:
        pass


class Session(requests.Session):
    """Send requests over one adapter, with nothing from the environment."""

    def __init__(self, adapter: HTTPAdapter) -> None:
        super().__init__()
        self.trust_env = False  # no .netrc
        self.cookies = _NoCookies()
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def resolve_redirects(self, *_: Any, **__: Any) -> Any:
        """Follow none: requests parses `Location` even with allow_redirects=False."""
        return iter(())
