"""LangChain's standard integration suites, over HTTP on the local gateway, for each family."""

import base64
from typing import ClassVar

import httpx
import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests

from langchain_segmind import ChatSegmind, SegmindEmbeddings
from langchain_segmind.testing import LocalGateway, ScriptedModel
from tests.integration.call_styles import CALL_STYLES

FILES = {
    "png": base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
        "gg=="
    ),
    "pdf": b"%PDF-1.4\n%%EOF\n",
    "wav": b"RIFF\x24\x00\x00\x00WAVEfmt ",
}


JOKE = '{"setup": "What do cats like best?", "punchline": "Mice-cream."}'
SCRIPT = {"Return the result as a JSON with 'setup' and 'punchline' keys": JOKE}


@pytest.fixture
def gateway():
    with LocalGateway(responder=ScriptedModel(SCRIPT)) as gateway:
        yield gateway


class OnTheLocalGateway(ChatModelIntegrationTests):
    slug = "gpt-4o"
    other_slug = "gpt-5.4-mini"
    tool_calling = "auto"
    way: ClassVar = CALL_STYLES["direct"]

    @pytest.fixture(autouse=True)
    def _gateway(self, gateway):
        self.gateway = gateway

    @pytest.fixture(autouse=True)
    def _offline_files(self, monkeypatch):
        """The suite downloads its files; there is no network here, and any of the kind will do."""

        def get(url, **_):
            content = FILES[url.rsplit(".")[-1]]
            return httpx.Response(200, content=content, request=httpx.Request("GET", url))

        monkeypatch.setattr(httpx, "get", get)
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "langchain-segmind")

    @property
    def chat_model_class(self):
        return ChatSegmind

    @property
    def chat_model_params(self):
        return {
            "model": self.slug,
            "base_url": self.gateway.base_url,
            "api_key": self.gateway.api_key,
            "tool_calling": self.tool_calling,
            **self.way,
        }

    @property
    def model_override_value(self):
        return self.other_slug

    @property
    def supports_image_inputs(self):
        return True

    @property
    def supports_image_tool_message(self):
        return True

    @property
    def supports_anthropic_inputs(self):
        return True


class TestOpenAIFamily(OnTheLocalGateway):
    @property
    def supports_json_mode(self):
        return True

    @property
    def supports_image_urls(self):
        return True


class TestAnthropicFamily(OnTheLocalGateway):
    slug = "claude-4.5-sonnet"
    other_slug = "claude-opus-4.7"

    @property
    def supports_pdf_inputs(self):
        return True

    @property
    def supports_pdf_tool_message(self):
        return True


class TestGeminiFamily(OnTheLocalGateway):
    slug = "gemini-2.5-flash"
    other_slug = "gemini-3-pro"

    @property
    def supports_json_mode(self):
        return True

    @property
    def supports_pdf_inputs(self):
        return True

    @property
    def supports_pdf_tool_message(self):
        return True

    @property
    def supports_audio_inputs(self):
        return True


class NativeTools:
    """The same with tools in the family's own fields, on a gateway that forwards them."""

    tool_calling = "native"

    @pytest.fixture
    def gateway(self):
        with LocalGateway(forward_tools=True, responder=ScriptedModel(SCRIPT)) as gateway:
            yield gateway


class TestOpenAIFamilyNatively(NativeTools, TestOpenAIFamily):
    @property
    def supports_image_tool_message(self):
        return False  # OpenAI's own tool messages take only text


class TestAnthropicFamilyNatively(NativeTools, TestAnthropicFamily):
    pass


class TestGeminiFamilyNatively(NativeTools, TestGeminiFamily):
    pass


class ByFunctionCalling:
    """The same with structured output by a forced tool."""

    @property
    def structured_output_kwargs(self):
        return {"method": "function_calling"}


class TestOpenAIFamilyByFunctionCalling(ByFunctionCalling, TestOpenAIFamily):
    pass


class TestAnthropicFamilyByFunctionCalling(ByFunctionCalling, TestAnthropicFamily):
    pass


class TestGeminiFamilyByFunctionCalling(ByFunctionCalling, TestGeminiFamily):
    pass


class InTheQueue:
    """The same through the job queue."""

    way = CALL_STYLES["queue"]


class TestOpenAIFamilyInTheQueue(InTheQueue, TestOpenAIFamily):
    pass


class TestAnthropicFamilyInTheQueue(InTheQueue, TestAnthropicFamily):
    pass


class TestGeminiFamilyInTheQueue(InTheQueue, TestGeminiFamily):
    pass


class TestSmallEmbeddings(EmbeddingsIntegrationTests):
    slug = "text-embedding-3-small"

    @pytest.fixture(autouse=True)
    def _gateway(self, gateway):
        self.gateway = gateway

    @property
    def embeddings_class(self):
        return SegmindEmbeddings

    @property
    def embedding_model_params(self):
        return {
            "model": self.slug,
            "base_url": self.gateway.base_url,
            "api_key": self.gateway.api_key,
        }


class TestLargeEmbeddings(TestSmallEmbeddings):
    slug = "text-embedding-3-large"


class TestGeminiEmbeddings(TestSmallEmbeddings):
    slug = "gemini-embedding-001"


class TestGemini2Embeddings(TestSmallEmbeddings):
    slug = "gemini-embedding-2"
