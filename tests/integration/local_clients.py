"""Plain clients of the local gateway, which know nothing of ours, and the vendor's own client."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
import requests

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
BODIES: dict[str, dict[str, Any]] = {
    "gpt-4o": HELLO,
    "claude-4.5-sonnet": {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
    },
    "gemini-2.5-flash": {
        "messages": {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    },
}


class Listening(Protocol):
    """A gateway, or a process that plays one."""

    @property
    def base_url(self) -> str: ...
    @property
    def api_key(self) -> str: ...


def root(gateway: Listening) -> str:
    return gateway.base_url.removesuffix("/v1")


def request(gateway: Listening, verb: str, path: str, **more: Any) -> requests.Response:
    """Send a request with the gateway's key."""
    headers = {"x-api-key": gateway.api_key} | more.pop("headers", {})
    return requests.request(verb, root(gateway) + path, headers=headers, timeout=60, **more)


def post(
    gateway: Listening,
    body: Any = None,
    slug: str = "gpt-4o",
    *,
    version: int = 1,
    session: requests.Session | None = None,
    **headers: str,
) -> requests.Response:
    """Post a body the way a plain client would; keyword headers are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = body if isinstance(body, bytes) else json.dumps(HELLO if body is None else body)
    usual = {"x-api-key": gateway.api_key, "Content-Type": "application/json"}
    url = f"{root(gateway)}/v{version}/{slug}"
    return (session or requests).post(url, data=sent, headers=usual | named, timeout=60)


def user(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def text_in(body: Any) -> str:
    """Read the text of a reply of any family."""
    match body:
        case {"choices": [{"message": {"content": str(text)}}, *_]}:
            return text
        case {"content": [{"text": str(text)}, *_]}:
            return text
        case {"candidates": [{"content": {"parts": [{"text": str(text)}, *_]}}]}:
            return text
    pytest.fail(f"no text in {body}")


def text_of(response: requests.Response) -> str:
    assert response.status_code == 200, response.text
    return text_in(response.json())


@contextmanager
def vendors_client(gateway: Listening) -> Iterator[Any]:
    segmind = pytest.importorskip("segmind")
    client = segmind.SegmindClient(api_key=gateway.api_key, base_url=gateway.base_url)
    with vars(client)["_client"]:  # the vendor's client has no close() of its own
        yield client
