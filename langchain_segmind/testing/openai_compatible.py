"""A responder that asks a real model: any server that speaks OpenAI's chat completions.

Errors there become errors of this gateway, and are never billed. `completions` writes and reads
the bodies.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from langchain_segmind.testing.completions import (
    UnreadableError,
    UnsupportedError,
    completion_body,
    read_completion,
)
from langchain_segmind.testing.conversation import ModelRequest, Reply

_CONNECT_SECONDS = 10.0
_SHOWN = 300  # characters of an answer that makes no sense
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

# What this gateway answers when the server answered with that; everything else is a bad gateway.
# A key refused there is not the key given here, so that 401 and 403 are not passed on.
_STATUSES = {400: 400, 404: 404, 413: 413, 422: 400, 429: 429, 500: 500, 503: 503}


class OpenAICompatibleModel:
    """Answers with a model that some other server runs: Ollama, llama.cpp, vLLM and their like.

    The three families, emulated tools, ``response_format`` and all settings work with it as the
    server lets them.

    Example:
        >>> from langchain_segmind.testing import LocalGateway
        >>> responder = OpenAICompatibleModel("http://127.0.0.1:11434/v1", model="llama3.2")
        >>> gateway = LocalGateway(responder=responder)

    Args:
        url: The address before ``/chat/completions``; it usually ends in ``/v1``.
        model: The model's name there; None asks for the slug the client asked for.
        api_key: A key for that server, sent as a bearer token.
        timeout: Seconds the server may be silent.
        threads: How many requests it is asked at the same time.

    Raises:
        ValueError: The address does not begin with http or https, or has more than a path.
    """

    def __init__(
        self,
        url: str,
        model: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 300.0,
        threads: int = 8,
    ) -> None:
        parts = urlsplit(url)
        odd = parts.query or parts.fragment or "@" in parts.netloc  # it is shown in errors
        if parts.scheme not in {"http", "https"} or not parts.hostname or odd:
            raise ValueError(f"{url!r}: expected an address like http://127.0.0.1:11434/v1")
        self.threads = max(1, threads)
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout = (min(timeout, _CONNECT_SECONDS), timeout)
        self._proxied = parts.hostname not in _LOCAL

    def respond(self, request: ModelRequest) -> Reply:
        """Ask the server, see `Responder.respond`.

        Returns:
            Its reply, or an error that is not billed: 400, 404, 413, 429, 500 and 503 are passed
            on; 504 means that it took too long, and 502 that it cannot be reached, refused the
            key, or answered something else than a chat completion.
        """
        try:
            return self._read(self._post(completion_body(request, self._model or request.slug)))
        except UnsupportedError as error:
            return _failed(400, str(error))
        except requests.ReadTimeout:
            return _failed(504, f"{self._url} did not answer within {self._timeout[1]:g} s")
        except requests.RequestException as error:
            return _failed(502, f"{self._url} gave no answer ({_cause(error)}). Does it run?")

    def _post(self, body: Mapping[str, Any]) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = self._proxied  # no proxy stands between a machine and itself
            return session.post(
                self._url,
                json=body,
                headers=self._headers,
                timeout=self._timeout,
                allow_redirects=False,
            )

    def _read(self, response: requests.Response) -> Reply:
        try:
            body = response.json()
        except ValueError:
            body = None
        if not response.ok or response.is_redirect:
            return self._refused(response, body)
        try:
            return read_completion(body)
        except UnreadableError as error:
            shown = response.text[:_SHOWN]
            return _failed(502, f"{self._url} answered no completion, {error}: {shown!r}")

    def _refused(self, response: requests.Response, body: Any) -> Reply:
        text = _error_in(body)
        status = _STATUSES.get(response.status_code, 502)
        if text is None:
            text = response.text[:_SHOWN].strip() or str(response.reason)
            # A wrong address is answered in all sorts of ways, a missing model in JSON.
            status = 502 if status == 404 else status
        after = response.headers.get("retry-after")
        headers = {"retry-after": after} if after and status in {429, 503} else {}
        return _failed(status, f"{self._url} answered {response.status_code}: {text}", headers)


def _failed(status: int, text: str, headers: Mapping[str, str | None] | None = None) -> Reply:
    return Reply(status=status, body={"error": text}, headers=headers or {})


def _error_in(body: Any) -> str | None:
    """Find the text of an error: OpenAI nests it, others do not."""
    held = body.get("error", body) if isinstance(body, dict) else None
    if isinstance(held, dict):
        held = held.get("message") or held.get("detail")
    return held if isinstance(held, str) and held else None


def _cause(error: BaseException) -> str:
    """Name what is at the bottom of an error: requests wraps urllib3, which wraps the system's."""
    inner = error.args[0] if error.args else None
    inner = getattr(inner, "reason", inner)
    found = inner if isinstance(inner, BaseException) else error
    while (deeper := found.__cause__ or found.__context__) is not None and deeper is not error:
        found = deeper
    return found.strerror if isinstance(found, OSError) and found.strerror else type(found).__name__
