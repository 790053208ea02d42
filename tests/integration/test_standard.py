"""LangChain's standard integration suite, over HTTP on the local gateway."""

import base64

import httpx
import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_segmind import ChatSegmind

ONE_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class TestGpt4o(ChatModelIntegrationTests):
    @pytest.fixture(autouse=True)
    def _gateway(self, gateway):
        self.gateway = gateway

    @pytest.fixture(autouse=True)
    def _offline_picture(self, monkeypatch):
        """The suite downloads its picture; there is no network here, and any picture will do."""

        def get(url, **_):
            return httpx.Response(200, content=ONE_PIXEL, request=httpx.Request("GET", url))

        monkeypatch.setattr(httpx, "get", get)

    @property
    def chat_model_class(self):
        return ChatSegmind

    @property
    def chat_model_params(self):
        return {
            "model": "gpt-4o",
            "base_url": self.gateway.base_url,
            "api_key": self.gateway.api_key,
        }

    @property
    def model_override_value(self):
        return "gpt-5.4-mini"

    @property
    def has_structured_output(self):
        return True

    @property
    def supports_json_mode(self):
        return True

    @property
    def supports_image_inputs(self):
        return True

    @property
    def supports_image_urls(self):
        return True
