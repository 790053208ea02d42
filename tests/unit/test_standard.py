"""LangChain's standard unit suites."""

from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests

from langchain_segmind import ChatSegmind, SegmindEmbeddings


class Fixtures:
    """What the suites ask for, whichever model is tested."""

    slug: str

    @property
    def chat_model_class(self):
        return ChatSegmind

    @property
    def embeddings_class(self):
        return SegmindEmbeddings

    @property
    def chat_model_params(self):
        return {"model": self.slug, "api_key": "SG_0123456789abcdef"}

    embedding_model_params = chat_model_params

    @property
    def init_from_env_params(self):
        fields = {
            "api_key": "SG_from_the_environment",
            "base_url": "https://gateway.example.com/v1",
        }
        variables = ("SEGMIND_API_KEY", "SEGMIND_API_BASE")
        environment = dict(zip(variables, fields.values(), strict=True))
        return environment, {"model": self.slug}, fields


class TestOpenAIFamily(Fixtures, ChatModelUnitTests):
    slug = "gpt-4o"


class TestAnthropicFamily(Fixtures, ChatModelUnitTests):
    slug = "claude-4.5-sonnet"


class TestGeminiFamily(Fixtures, ChatModelUnitTests):
    slug = "gemini-2.5-flash"


class TestOpenAIEmbeddings(Fixtures, EmbeddingsUnitTests):
    slug = "text-embedding-3-small"


class TestGeminiEmbeddings(Fixtures, EmbeddingsUnitTests):
    slug = "gemini-embedding-001"
