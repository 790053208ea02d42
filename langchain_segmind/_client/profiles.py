"""Describe a model as LangChain's profile, which its middleware and agents read.

What the makers publish of their models is here. The gateway may allow less, so these figures are
assumed; what the gateway's vendor states is in `models`. What is unknown must be left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from langchain_core.language_models import ModelProfile

from langchain_segmind._value import value
from langchain_segmind.models import ModelInfo


@value
class Published:
    """What a model's maker publishes; None for what it does not.

    Attributes:
        max_input: Tokens of the longest prompt.
        max_output: Tokens of the longest answer.
        reasoning: Whether the model can reason before it answers.
    """

    max_input: int | None = None
    max_output: int | None = None
    reasoning: bool | None = None


# Over 50 lines, because it is a table with one line for each model.
# The makers' pages; for OpenAI, Anthropic, Google, Moonshot and NVIDIA as LangChain's partner
# packages have them (langchain-openai 1.7, langchain-anthropic 1.7, ... in November 2026). OpenAI
# publishes 400,000 tokens of context for gpt-5 to gpt-5.2, of which 272,000 are for the prompt.
@cache
def published() -> Mapping[str, Published]:
    """Return what the makers publish, by slug."""
    return {
        "claude-4-sonnet": Published(200_000, 64_000, reasoning=True),
        "claude-4.5-sonnet": Published(200_000, 64_000, reasoning=True),
        "claude-opus-4.7": Published(1_000_000, 128_000, reasoning=True),
        "deepseek-chat": Published(128_000, 8_192, reasoning=False),
        "deepseek-reasoner": Published(128_000, 65_536, reasoning=True),
        "gemini-2.5-flash": Published(1_048_576, 65_536, reasoning=True),
        "gemini-2.5-flash-lite": Published(1_048_576, 65_536, reasoning=True),
        "gemini-2.5-pro": Published(1_048_576, 65_536, reasoning=True),
        "gemini-3-flash": Published(1_048_576, 65_536, reasoning=True),
        "gemini-3-pro": Published(1_048_576, 65_536, reasoning=True),
        "gemini-3.1-flash-lite": Published(1_048_576, 65_536, reasoning=True),
        "gemini-3.1-pro": Published(1_048_576, 65_536, reasoning=True),
        "glm-5.2": Published(reasoning=True),
        "gpt-4": Published(8_192, 8_192, reasoning=False),
        "gpt-4-turbo": Published(128_000, 4_096, reasoning=False),
        "gpt-4o": Published(128_000, 16_384, reasoning=False),
        "gpt-5": Published(272_000, 128_000, reasoning=True),
        "gpt-5-mini": Published(272_000, 128_000, reasoning=True),
        "gpt-5-nano": Published(272_000, 128_000, reasoning=True),
        "gpt-5.1": Published(272_000, 128_000, reasoning=True),
        "gpt-5.2": Published(272_000, 128_000, reasoning=True),
        "gpt-5.4": Published(1_050_000, 128_000, reasoning=True),
        "gpt-5.4-mini": Published(272_000, 128_000, reasoning=True),
        "gpt-5.4-nano": Published(272_000, 128_000, reasoning=True),
        "gpt-5.5": Published(1_050_000, 128_000, reasoning=True),
        "kimi-k2-instruct-0905": Published(262_144, 16_384, reasoning=False),
        "llama-v3-8b-instruct": Published(8_192, reasoning=False),
        "llama-v3p1-70b-instruct": Published(131_072, reasoning=False),
        "llama-v3p1-8b-instruct": Published(131_072, reasoning=False),
        "llama4-maverick-instruct-basic": Published(1_048_576, reasoning=False),
        "llama4-scout-instruct-basic": Published(10_485_760, reasoning=False),
        "minimax-m3": Published(reasoning=True),
        "mixtral-8x22b-instruct": Published(65_536, reasoning=False),
        "nemotron-3-ultra": Published(max_output=128_000, reasoning=True),
        "o3": Published(200_000, 100_000, reasoning=True),
        "o3-mini": Published(200_000, 100_000, reasoning=True),
        "o4-mini": Published(200_000, 100_000, reasoning=True),
        "qvq-max": Published(106_496, 8_192, reasoning=True),
        "qwen-flash": Published(997_952, 32_768),
        "qwen-plus": Published(997_952, 32_768),
        "qwen2-vl-72b-instruct": Published(30_720, 2_048, reasoning=False),
        "qwen3-coder-flash": Published(997_952, 65_536, reasoning=False),
        "qwen3-coder-plus": Published(997_952, 65_536, reasoning=False),
        "qwen3-max": Published(258_048, 65_536),
        "qwen3-vl-flash": Published(258_048, 32_768),
        "qwen3-vl-plus": Published(258_048, 32_768),
        "qwen3.5-flash": Published(991_808, 65_536),
        "qwen3.5-plus": Published(991_808, 65_536),
        "qwq-plus": Published(98_304, 8_192, reasoning=True),
    }


_NOTHING = Published()


def profile(model_info: ModelInfo) -> ModelProfile:
    """Return LangChain's profile of a model, without what is unknown."""
    known = ModelProfile(
        text_inputs=True,
        text_outputs=True,
        image_outputs=False,
        audio_outputs=False,
        video_outputs=False,
        structured_output=True,
        tool_calling=True,
        tool_choice=True,
        tool_call_streaming=False,
    )
    facts = published().get(model_info.slug, _NOTHING)
    sizes = [size for size in (model_info.context, facts.max_input) if size is not None]
    if sizes:
        known["max_input_tokens"] = min(sizes)
    if facts.max_output is not None:
        known["max_output_tokens"] = facts.max_output
    if facts.reasoning is not None:
        known["reasoning_output"] = facts.reasoning
    return {**known, **_media(model_info)}


def _media(model_info: ModelInfo) -> ModelProfile:
    """Return what a model can be shown, by a user or as the result of an emulated tool."""
    known = ModelProfile()
    if model_info.family != "gemini":
        known["video_inputs"] = False
    if model_info.family == "anthropic":
        known["audio_inputs"] = False
    if model_info.images is not None:
        known["image_inputs"] = known["image_tool_message"] = model_info.images
        # Only the OpenAI format accepts the URL of an image; only Claude's and Gemini's formats
        # document how to send a PDF, and only Gemini's sound and video.
        known["image_url_inputs"] = model_info.images and model_info.family == "openai"
        if model_info.family != "openai":
            known["pdf_inputs"] = known["pdf_tool_message"] = model_info.images
        if model_info.family == "gemini":
            known["audio_inputs"] = known["video_inputs"] = model_info.images
    return known
