"""The subjects of the benchmarks: baselines, ChatSegmind, and chat models of other packages.

A subject is built from a server's URL and a prompt, and returns a function to call repeatedly. A
package that is not installed is skipped and reported.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any, Final

import aiohttp
import requests
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from typing_extensions import override

from benchmarks.questions import Question
from benchmarks.server import ANSWER
from langchain_segmind import ChatSegmind

Call = Callable[[], Any]
AsyncCall = Callable[[], Awaitable[Any]]

KEY: Final = "SG_0123456789abcdef"
SLUG: Final = "gpt-4o"


def clean_environment() -> None:
    """Remove environment variables that only some of the subjects read."""
    for name in [*os.environ]:
        if name.lower().endswith("_proxy") or name.startswith(("LANGSMITH_", "LANGCHAIN_")):
            del os.environ[name]
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it downloads its price list


# --- baselines -------------------------------------------------------------------------------


def raw_requests(url: str, question: Question, pool: int = 64) -> Call:
    """Build a call with plain requests and a session, as in its documentation.

    `pool` is how many connections are kept.
    """
    session = requests.Session()
    session.headers["x-api-key"] = KEY
    # With more than ten threads, the default pool size would open a new connection for each call.
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=pool))
    address = f"{url}/v1/{SLUG}"
    return lambda: session.post(address, json=question.body, timeout=60).json()


async def raw_aiohttp(
    stack: AsyncExitStack, url: str, question: Question, limit: int = 0
) -> AsyncCall:
    """Build a call with plain aiohttp and a session, which the stack closes.

    `limit` is the maximum number of connections, 0 for no limit.
    """
    address, body = f"{url}/v1/{SLUG}", question.body
    connector = aiohttp.TCPConnector(limit=limit)
    session = await stack.enter_async_context(
        aiohttp.ClientSession(connector=connector, headers={"x-api-key": KEY})
    )

    async def call() -> Any:
        async with session.post(address, json=body) as reply:
            return await reply.json()

    return call


class FromMemory(BaseChatModel):
    """LangChain's own overhead: a model with a fixed answer, after `delay` seconds."""

    delay: float = 0.0

    @property
    @override
    def _llm_type(self) -> str:
        return "memory"

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.delay:
            time.sleep(self.delay)
        return _result(ANSWER)

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.delay:
            await asyncio.sleep(self.delay)
        return _result(ANSWER)


class Plain(FromMemory):
    """A minimal model on aiohttp, without retries, checks or error handling."""

    call: AsyncCall

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = await self.call()
        return _result(reply["choices"][0]["message"]["content"])


def _result(text: str) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])


def floor(url: str, question: Question) -> Call:
    """Build a call of LangChain's overhead plus requests: separate measurements do not add up."""
    model, call = FromMemory(), raw_requests(url, question)
    return lambda: (model.invoke(question.messages), call())


async def async_floor(stack: AsyncExitStack, url: str, question: Question) -> AsyncCall:
    """Async version of `floor`, with aiohttp."""
    model, call = FromMemory(), await raw_aiohttp(stack, url, question)

    async def both() -> Any:
        await model.ainvoke(question.messages)
        return await call()

    return both


# --- this package ----------------------------------------------------------------------------


def segmind(url: str, **settings: Any) -> ChatSegmind:
    """Build a ChatSegmind."""
    return ChatSegmind(model=SLUG, base_url=f"{url}/v1", api_key=KEY, **settings)


# --- other packages --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Peer:
    """A LangChain chat model of another package.

    Attributes:
        module: The module of its class.
        address: The argument for the server's URL, and the path to append to the URL.
    """

    name: str
    module: str
    model: str
    address: tuple[str, str]
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def is_installed(self) -> bool:
        """Whether the package is installed."""
        return find_spec(self.module) is not None

    def build(self, url: str) -> BaseChatModel:
        """Build the model."""
        argument, path = self.address
        given = {"model": self.model, "api_key": KEY, argument: url + path, **self.settings}
        model: BaseChatModel = getattr(import_module(self.module), self.name)(**given)
        return model


PEERS: Final = (
    Peer("ChatMistralAI", "langchain_mistralai", "mistral-small", ("base_url", "/v1")),
    Peer("ChatAnthropic", "langchain_anthropic", "claude-sonnet-4-5", ("base_url", "")),
    Peer("ChatGroq", "langchain_groq", "llama-3.1-8b-instant", ("base_url", "")),
    Peer("ChatOpenAI", "langchain_openai", "gpt-4o", ("base_url", "/v1")),
    Peer("ChatLiteLLM", "langchain_litellm", "openai/gpt-4o", ("api_base", "/v1")),
)


def vendors_client(url: str, question: Question) -> Call:
    """Build a call with the vendor's own client."""
    module = import_module("segmind")
    client = module.SegmindClient(api_key=KEY, base_url=f"{url}/v1")
    return lambda: client.chat_sync(SLUG, **question.body).text


def models(*, peers: bool) -> dict[str, Callable[[str], BaseChatModel]]:
    """Return how to build ChatSegmind and, if requested, the other installed chat models."""
    wanted = [peer for peer in PEERS if peers and peer.is_installed]
    return {"ChatSegmind": segmind, **{peer.name: peer.build for peer in wanted}}


def versions() -> dict[str, str]:
    """Return the versions of all subjects that are installed."""
    names = ["langchain-segmind", "langchain-core", "requests", "aiohttp", "pydantic", "segmind"]
    names += [peer.module.replace("_", "-") for peer in PEERS]
    installed = {d.metadata["Name"].lower().replace("_", "-") for d in metadata.distributions()}
    return {name: metadata.version(name) for name in names if name in installed}
