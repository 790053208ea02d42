"""Build the headers of requests, and check those of replies.

It never logs or shows the API key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import SecretStr

from langchain_segmind._client.validation import HEADER_NAME, MaskedText
from langchain_segmind._flows.types import Request
from langchain_segmind._version import __version__

Headers = list[tuple[str, str]]

MALFORMED_HEADER: Final = "the reply has a malformed header"
_CONTRADICTORY_LENGTH: Final = (
    "the reply's Content-Length and Transfer-Encoding do not say where its body ends"
)

_MAX_HEADERS: Final = 99  # what http.client accepts
_LINE_FOLDING: Final = re.compile(r"\r?\n[ \t]+")
_FRAMING_HEADERS: Final = {  # where a body ends
    "content-length": re.compile(r"[0-9]{1,18}"),
    "transfer-encoding": re.compile("chunked", re.IGNORECASE),
}
_USER_AGENT: Final = f"langchain-segmind/{__version__}"


COMMON_HEADERS: Final = {
    "User-Agent": _USER_AGENT,
    "Accept": "application/json",
    # A compressed reply would have to be decompressed before its size is known.
    "Accept-Encoding": "identity",
}
"""Headers that all requests have, unless the user sets others."""


def request_headers(request: Request, key: SecretStr | None) -> dict[str, str]:
    """Build the headers of a request. They include the key, so they must not outlive the call."""
    headers = {**COMMON_HEADERS, **own_headers(request, key)}
    if request.body is not None:
        headers["Content-Length"] = str(len(request.body))
    return headers


def own_headers(request: Request, key: SecretStr | None) -> dict[str, str]:
    """Build the headers of a request beside `COMMON_HEADERS` and the length of its body."""
    headers = dict(request.headers)
    if key is not None:
        headers["x-api-key"] = MaskedText(key.get_secret_value())
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    return headers


def unmasked(headers: Mapping[str, Any]) -> dict[str, str]:
    """Copy a request's headers as plain strings, for a tool that writes them to a file."""
    return {name: str(value) for name, value in headers.items()}


def with_lowercase_names(headers: Iterable[tuple[str, str]]) -> Headers:
    """Copy a reply's headers, with their names in lower case."""
    return [(name.lower(), value) for name, value in headers]


def validate_headers(status: int, headers: Headers) -> str:
    """Return why the status and headers of a reply are invalid, or ''.

    requests and aiohttp accept different malformed headers; checking here makes both agree. A reply
    that contradicts itself about where its body ends cannot be trusted.
    """
    if status < 200:
        return f"the reply has the status {status}"
    if len(headers) > _MAX_HEADERS:
        return "the reply has too many headers"
    values = "|".join([value for _, value in headers])
    if "\n" in values:
        values = _LINE_FOLDING.sub(" ", values)
    is_one_line = "\n" not in values and "\r" not in values and "\0" not in values
    names = [name for name, _ in headers]
    letters = "".join(names).replace("-", "")  # a shortcut for nearly every reply
    is_simple = letters.isascii() and letters.isalnum() and "" not in names
    if not is_one_line or not (is_simple or all(map(HEADER_NAME.fullmatch, names))):
        return MALFORMED_HEADER
    framing = 0
    for name, value in headers:
        if name in _FRAMING_HEADERS:
            framing += 1
            if framing > 1 or not _FRAMING_HEADERS[name].fullmatch(value.strip()):
                return _CONTRADICTORY_LENGTH
    return ""
