"""LangChain's standard integration suites, over HTTP on the local gateway, for each family."""

import inspect
from typing import Any

import httpx
import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests
from vcr import VCR

from langchain_segmind import ChatSegmind, SegmindEmbeddings
from langchain_segmind.testing import LocalGateway, ScriptedModel
from tests.integration.call_styles import CALL_STYLES
from tests.integration.samples import PNG

FILES = {"png": PNG, "pdf": b"%PDF-1.4\n%%EOF\n", "wav": b"RIFF\x24\x00\x00\x00WAVEfmt "}

JOKE = '{"setup": "What do cats like best?", "punchline": "Mice-cream."}'
SCRIPT = {"Return the result as a JSON with 'setup' and 'punchline' keys": JOKE}

MODES: dict[str, dict[str, Any]] = {
    **CALL_STYLES,
    "native tools": {"queue": False, "tool_calling": "native"},
    "function calling": {"queue": False},
}


EMBEDDINGS = (
    "text-embedding-3-small",
    "text-embedding-3-large",
    "gemini-embedding-001",
    "gemini-embedding-2",
)


class OnTheLocalGateway(ChatModelIntegrationTests):
    slug = "gpt-4o"
    chat_model_class = ChatSegmind
    supports_image_inputs = True
    supports_anthropic_inputs = True

    @pytest.fixture(autouse=True, params=MODES)
    def _mode(self, request):
        self.mode = request.param
        native = self.mode == "native tools"
        with LocalGateway(forward_tools=native, responder=ScriptedModel(SCRIPT)) as self.gateway:
            yield

    @pytest.fixture(autouse=True)
    def _offline_files(self, monkeypatch):
        """The suite downloads its files; there is no network here, and any of the kind will do."""

        def get(url, **_):
            content = FILES[url.rsplit(".")[-1]]
            return httpx.Response(200, content=content, request=httpx.Request("GET", url))

        monkeypatch.setattr(httpx, "get", get)
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "langchain-segmind")

    enable_vcr_tests = True

    @pytest.fixture
    def vcr(self, request, _mode, model, tmp_path):
        """A cassette with the story that the suite streams, which holds every other request in.

        It takes the place of a fixture that pytest-recording uses for every test; the others here
        use no cassette.
        """
        if "vcr" not in inspect.signature(request.function).parameters:
            yield None
            return
        path = str(tmp_path / "story.yaml")
        with VCR().use_cassette(path):
            list(model.stream("Write a story about a cat."))
        with VCR().use_cassette(path, record_mode="none", allow_playback_repeats=True) as cassette:
            requests = len(self.gateway.requests)
            yield cassette
        assert cassette.play_count == len(cassette)
        assert len(self.gateway.requests) == requests

    @property
    def chat_model_params(self):
        address = {"base_url": self.gateway.base_url, "api_key": self.gateway.api_key}
        return {"model": self.slug, **address, **MODES[self.mode]}

    @property
    def structured_output_kwargs(self):
        return {"method": "function_calling"} if self.mode == "function calling" else {}


class TestOpenAIFamily(OnTheLocalGateway):
    model_override_value = "gpt-5.4-mini"
    supports_json_mode = True
    supports_image_urls = True

    @property
    def supports_image_tool_message(self):
        return self.mode != "native tools"  # OpenAI's own tool messages take only text


class TestAnthropicFamily(OnTheLocalGateway):
    slug = "claude-4.5-sonnet"
    model_override_value = "claude-opus-4.7"
    supports_pdf_inputs = True
    supports_pdf_tool_message = True
    supports_image_tool_message = True


class TestGeminiFamily(OnTheLocalGateway):
    slug = "gemini-2.5-flash"
    model_override_value = "gemini-3-pro"
    supports_json_mode = True
    supports_pdf_inputs = True
    supports_pdf_tool_message = True
    supports_image_tool_message = True
    supports_audio_inputs = True


class TestEmbeddings(EmbeddingsIntegrationTests):
    embeddings_class = SegmindEmbeddings

    @pytest.fixture(autouse=True, params=EMBEDDINGS)
    def _settings(self, request, gateway):
        address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
        self.settings = {"model": request.param, **address}

    @property
    def embedding_model_params(self):
        return self.settings
