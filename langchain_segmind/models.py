"""Describe models as data: what this package knows about each, and what the vendor's catalog lists.

A new model is one row of `chat_models`; the start of an unknown slug selects its request format.
Only these rows may name a model. The formats of requests and replies belong to `_formats`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import cache
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from langchain_segmind._formats import FORMATS, Family
from langchain_segmind._messages.types import MediaPart
from langchain_segmind._value import frozen_value
from langchain_segmind.errors import SegmindResponseError

SLOW: Final = 10.0
"""Average seconds from which a model's calls go through the queue.

The vendor advises the queue for calls that can take longer than about 10 s, and calls the direct
path its maintenance mode (documented). A slow call takes two to three times the average, and the
direct path may be cut off after 60 s (assumed), with a billed answer that nobody can fetch later.
"""


KnownModel = Literal[
    "claude-4-sonnet",
    "claude-4.5-sonnet",
    "claude-opus-4.7",
    "deepseek-chat",
    "deepseek-reasoner",
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemini-2.5-pro",
    "gemini-3-flash",
    "gemini-3-pro",
    "gemini-3.1-flash-lite",
    "gemini-3.1-pro",
    "glm-5.2",
    "gpt-4",
    "gpt-4-turbo",
    "gpt-4o",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-5.1",
    "gpt-5.2",
    "gpt-5.4",
    "gpt-5.4-mini",
    "gpt-5.4-nano",
    "gpt-5.5",
    "kimi-k2-instruct-0905",
    "llama-v3-8b-instruct",
    "llama-v3p1-70b-instruct",
    "llama-v3p1-8b-instruct",
    "llama4-maverick-instruct-basic",
    "llama4-scout-instruct-basic",
    "minimax-m3",
    "mixtral-8x22b-instruct",
    "nemotron-3-ultra",
    "o3",
    "o3-mini",
    "o4-mini",
    "qvq-max",
    "qwen-3.8-max",
    "qwen-flash",
    "qwen-plus",
    "qwen2-vl-72b-instruct",
    "qwen3-coder-flash",
    "qwen3-coder-plus",
    "qwen3-max",
    "qwen3-vl-flash",
    "qwen3-vl-plus",
    "qwen3.5-flash",
    "qwen3.5-plus",
    "qwq-plus",
]
"""The slugs of `chat_models`, which editors complete. Any other slug works, too."""

_INFERRED: Final = """
    claude-opus-4.7 deepseek-reasoner gemini-2.5-flash gemini-2.5-pro gemini-3-flash
    gemini-3.1-pro glm-5.2 gpt-5 gpt-5.4 gpt-5.4-nano llama4-maverick-instruct-basic
    llama4-scout-instruct-basic minimax-m3 nemotron-3-ultra o3-mini qwen-3.8-max qwen-plus
    qwen3-coder-flash qwen3-max qwen3-vl-plus qwen3.5-plus qwq-plus
"""
"""Models whose family follows from the name alone: no page or code of the vendor shows it."""


@frozen_value
class ModelInfo:
    """One model: what this package knows about it, and what the vendor's catalog lists.

    Values come from the vendor's pages; a third of the families are inferred from the name. The
    fields `title`, `description`, `is_deprecated` and `parameters` come from the catalog. Only
    `ChatSegmind.list_models()` reads it; elsewhere they are None.

    Attributes:
        slug: Its name in the gateway's URL.
        family: Its request format.
        images: Whether it accepts images; None if unknown.
        context: Tokens of its context, as the vendor states; None if unknown.
        seconds: How many seconds a call takes on average; None if unknown.
        setting_names: Maps ChatSegmind's names of settings to the model's own; None for a setting
            that must not be sent.
        native_tools: Whether the gateway forwards tools to it. Today the gateway forwards none.
        title: The catalog's display name.
        description: The catalog's description.
        is_deprecated: Whether the catalog marks it as deprecated.
        parameters: The catalog's `parameters_schema`, unchanged.
    """

    slug: str
    family: Family
    images: bool | None = None
    context: int | None = None
    seconds: float | None = None
    setting_names: Mapping[str, str | None] = field(default_factory=dict)
    native_tools: bool = False
    title: str | None = None
    description: str | None = None
    is_deprecated: bool | None = None
    parameters: Any = None

    @property
    def is_slow(self) -> bool:
        """Whether its calls go through the gateway's job queue by default; see `SLOW`."""
        return self.seconds is not None and self.seconds >= SLOW

    @property
    def grade(self) -> Literal["documented", "assumed"]:
        """How certain `family` is: shown by the vendor's pages or code, or assumed by the name."""
        is_shown = self.slug in chat_models() and self.slug not in _INFERRED.split()
        return "documented" if is_shown else "assumed"

    def accepts_media(self, media: MediaPart) -> bool:
        """Return whether the model accepts an image, document, audio or video that a tool returned.

        Args:
            media: What the tool returned.

        Returns:
            False if it must be described in text instead.
        """
        if self.images is False and media.kind == "image":
            return False
        return FORMATS[self.family].accepts_media(media)

    def translate(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Rename settings to the model's own names, without those that must not be sent.

        Args:
            settings: Values by ChatSegmind's names, such as `max_tokens`.

        Returns:
            The fields to send.
        """
        renamed = {self.setting_names.get(name, name): value for name, value in settings.items()}
        return {name: value for name, value in renamed.items() if name is not None}


# Over 50 lines, because it is a table with one line for each model.
# No row has `setting_names` yet. Upstream, gpt-5*, o3* and o4-mini probably require
# max_completion_tokens for max_tokens and a temperature of 1, and claude-opus-4.7 refuses
# temperature and top_p. Until the gateway is seen to refuse them, send what the user set.
@cache
def chat_models() -> Mapping[str, ModelInfo]:
    """Return the known chat models by slug. Building them at import time would slow it down."""
    rows = (
        ModelInfo("claude-4-sonnet", "anthropic", images=True, seconds=11),
        ModelInfo("claude-4.5-sonnet", "anthropic", images=True, seconds=24),
        ModelInfo("claude-opus-4.7", "anthropic", images=True, context=1_000_000, seconds=18),
        ModelInfo("deepseek-chat", "openai", images=False, context=128_000, seconds=34),
        ModelInfo("deepseek-reasoner", "openai", seconds=67),
        ModelInfo("gemini-2.5-flash", "gemini", images=True, context=1_000_000, seconds=11),
        ModelInfo("gemini-2.5-flash-lite", "gemini", images=True, seconds=4.4),
        ModelInfo("gemini-2.5-pro", "gemini", images=True, seconds=27),
        ModelInfo("gemini-3-flash", "gemini", images=True, seconds=18),
        ModelInfo("gemini-3-pro", "gemini", images=True, seconds=31),
        ModelInfo("gemini-3.1-flash-lite", "gemini", images=True, seconds=3.4),
        ModelInfo("gemini-3.1-pro", "gemini", images=True, seconds=39),
        ModelInfo("glm-5.2", "openai", context=1_000_000),
        ModelInfo("gpt-4", "openai", images=False, seconds=13),
        ModelInfo("gpt-4-turbo", "openai", images=False, context=128_000, seconds=9.9),
        ModelInfo("gpt-4o", "openai", images=True, seconds=6.0),
        ModelInfo("gpt-5", "openai", seconds=62),
        ModelInfo("gpt-5-mini", "openai", images=True, seconds=48),
        ModelInfo("gpt-5-nano", "openai", seconds=30),
        ModelInfo("gpt-5.1", "openai", images=True, seconds=9.0),
        ModelInfo("gpt-5.2", "openai", seconds=21),
        ModelInfo("gpt-5.4", "openai", seconds=4.6),
        ModelInfo("gpt-5.4-mini", "openai", images=True, seconds=5.1),
        ModelInfo("gpt-5.4-nano", "openai", seconds=3.5),
        ModelInfo("gpt-5.5", "openai", images=True, context=1_000_000, seconds=17),
        ModelInfo("kimi-k2-instruct-0905", "openai", seconds=2.2),
        ModelInfo("llama-v3-8b-instruct", "openai", images=False, seconds=1.3),
        ModelInfo("llama-v3p1-70b-instruct", "openai", images=False, seconds=2.7),
        ModelInfo("llama-v3p1-8b-instruct", "openai", images=False, seconds=1.7),
        ModelInfo("llama4-maverick-instruct-basic", "openai", seconds=2.5),
        ModelInfo("llama4-scout-instruct-basic", "openai", seconds=2.7),
        ModelInfo("minimax-m3", "openai", context=1_000_000, seconds=2.7),
        ModelInfo("mixtral-8x22b-instruct", "openai", images=False, context=64_000, seconds=2.7),
        ModelInfo("nemotron-3-ultra", "openai", context=1_000_000),
        ModelInfo("o3", "openai", images=True, seconds=11),
        ModelInfo("o3-mini", "openai", seconds=3.3),
        ModelInfo("o4-mini", "openai", images=True, seconds=12),
        ModelInfo("qvq-max", "openai", images=True, seconds=28),
        ModelInfo("qwen-3.8-max", "openai", context=1_000_000),
        ModelInfo("qwen-flash", "openai", images=False, context=1_000_000, seconds=4.6),
        ModelInfo("qwen-plus", "openai", context=1_000_000, seconds=2.1),
        ModelInfo("qwen2-vl-72b-instruct", "openai", images=True, seconds=7.1),
        ModelInfo("qwen3-coder-flash", "openai", context=1_000_000, seconds=4.7),
        ModelInfo("qwen3-coder-plus", "openai", images=False, context=1_000_000, seconds=3.8),
        ModelInfo("qwen3-max", "openai", context=262_144, seconds=5.6),
        ModelInfo("qwen3-vl-flash", "openai", images=True, context=262_144, seconds=4.0),
        ModelInfo("qwen3-vl-plus", "openai", images=True, seconds=7.1),
        ModelInfo("qwen3.5-flash", "openai", images=True, seconds=32),
        ModelInfo("qwen3.5-plus", "openai", images=True, context=1_000_000, seconds=17),
        ModelInfo("qwq-plus", "openai", seconds=56),
    )
    return {row.slug: row for row in rows}


@cache
def embedding_models() -> Mapping[str, ModelInfo]:
    """Return the known embedding models by slug."""
    # `context` is the number of tokens that one text may have, from Segmind's pages for Gemini's
    # models and from OpenAI's for its own.
    rows = (
        ModelInfo("text-embedding-3-small", "openai", context=8192),
        ModelInfo("text-embedding-3-large", "openai", context=8192),
        ModelInfo("gemini-embedding-001", "gemini", context=2048),
        ModelInfo("gemini-embedding-2", "gemini", context=8192),
    )
    return {row.slug: row for row in rows}


_FAMILIES: Final[Mapping[str, Family]] = {"claude": "anthropic", "gemini": "gemini"}
"""The family by the start of a slug; other slugs are of the family "openai"."""


def model_info_for(slug: str) -> ModelInfo:
    """Return what is known about a chat model; for an unknown slug, only its request format."""
    return chat_models().get(slug) or ModelInfo(slug, _family(slug))


def embedding_model_info_for(slug: str) -> ModelInfo:
    """Return what is known about an embedding model; for an unknown slug, only its format.

    Raises:
        ValueError: If it is a chat model. It would run and be billed, but not return a vector.
    """
    if slug in chat_models():
        raise ValueError(
            f"model={slug!r} is a chat model. Use ChatSegmind, or the slug of an embedding model."
        )
    family: Family = "gemini" if _family(slug) == "gemini" else "openai"
    return embedding_models().get(slug) or ModelInfo(slug, family)


def _family(slug: str) -> Family:
    # A start counts only before a dash, digit, dot or the end: `claudette-7b` is not a Claude.
    found = re.match(rf"({'|'.join(_FAMILIES)})(?![a-z])", slug, re.IGNORECASE)
    return _FAMILIES[found[1].lower()] if found else "openai"


# --- the vendor's catalog ------------------------------------------------------------------

_API: Final = "https://api.segmind.com"
_CATALOG: Final = "https://api.spotprod.segmind.com"
_CATALOG_PATH: Final = "/inference-model-information/list"
_CATALOG_KEY: Final = "Inference Segmind Model Information List With Details"


def catalog_url(base_url: str) -> str:
    """Return the catalog's URL. The vendor's catalog is not on the API's host."""
    parts = urlsplit(base_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    return (_CATALOG if origin == _API else origin) + _CATALOG_PATH


def parse_catalog(document: Any) -> list[ModelInfo]:
    """Parse the language models in the vendor's catalog.

    Args:
        document: The parsed JSON: a list of entries, or an object that contains one.

    Raises:
        SegmindResponseError: If it does not contain a list.
    """
    lists = list(document.values()) if isinstance(document, dict) else [document]
    named = document.get(_CATALOG_KEY) if isinstance(document, dict) else None
    entries = next((value for value in (named, *lists) if isinstance(value, list)), None)
    if entries is None:
        raise SegmindResponseError("it does not contain a list of models")
    return list(_language_models(entries))


def _language_models(entries: list[Any]) -> Iterator[ModelInfo]:
    for entry in entries:
        if isinstance(entry, dict) and entry.get("type") == "textToText" and entry.get("slug"):
            slug = str(entry["slug"])
            deprecated = str(entry.get("is_depreciated"))  # the vendor's spelling
            yield replace(
                model_info_for(slug),
                title=str(entry.get("title") or slug),
                description=str(entry.get("description") or ""),
                is_deprecated=deprecated.lower() in ("true", "1"),
                parameters=entry.get("parameters_schema"),
            )
