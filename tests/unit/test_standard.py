"""LangChain's standard unit suites."""

from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests

from langchain_segmind import ChatSegmind, SegmindEmbeddings


class TestOpenAIFamily(ChatModelUnitTests):
    slug = "gpt-4o"

    @property
    def chat_model_class(self):
        return ChatSegmind

    @property
    def chat_model_params(self):
        return {"model": self.slug, "api_key": "SG_0123456789abcdef"}

    @property
    def init_from_env_params(self):
        environment = {
            "SEGMIND_API_KEY": "SG_from_the_environment",
            "SEGMIND_API_BASE": "https://gateway.example.com/v1",
        }
        expected = {
            "api_key": "SG_from_the_environment",
            "base_url": "https://gateway.example.com/v1",
        }
        return environment, {"model": "gpt-4o"}, expected


class TestAnthropicFamily(TestOpenAIFamily):
    slug = "claude-4.5-sonnet"


class TestGeminiFamily(TestOpenAIFamily):
    slug = "gemini-2.5-flash"


class TestOpenAIEmbeddings(EmbeddingsUnitTests):
    slug = "text-embedding-3-small"

    @property
    def embeddings_class(self):
        return SegmindEmbeddings

    @property
    def embedding_model_params(self):
        return {"model": self.slug, "api_key": "SG_0123456789abcdef"}

    @property
    def init_from_env_params(self):
        environment = {
            "SEGMIND_API_KEY": "SG_from_the_environment",
            "SEGMIND_API_BASE": "https://gateway.example.com/v1",
        }
        expected = {
            "api_key": "SG_from_the_environment",
            "base_url": "https://gateway.example.com/v1",
        }
        return environment, {"model": self.slug}, expected


class TestGeminiEmbeddings(TestOpenAIEmbeddings):
    slug = "gemini-embedding-001"
