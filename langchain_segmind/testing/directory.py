"""The vendor's directory of models, as data, and the rule for slugs it does not list."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Family = Literal["openai", "anthropic", "gemini"]

CATALOG_KEY = "Inference Segmind Model Information List With Details"

# A prefix counts only up to a dash, a dot, a digit or the end: `claudette` is not a Claude.
_PREFIXES: dict[str, Family] = {"claude": "anthropic", "gemini": "gemini"}

# Whether the vendor says that a chat model takes images: yes, no, or not said.
_TAKES_IMAGES: Mapping[bool | None, str] = {
    True: """
        claude-4-sonnet claude-4.5-sonnet claude-opus-4.7
        gemini-2.5-flash gemini-2.5-flash-lite gemini-2.5-pro
        gemini-3-flash gemini-3-pro gemini-3.1-flash-lite gemini-3.1-pro
        gpt-4o gpt-5-mini gpt-5.1 gpt-5.4-mini gpt-5.5 o3 o4-mini
        qvq-max qwen2-vl-72b-instruct qwen3-vl-flash qwen3-vl-plus qwen3.5-flash qwen3.5-plus
    """,
    False: """
        deepseek-chat gpt-4 gpt-4-turbo llama-v3-8b-instruct
        llama-v3p1-70b-instruct llama-v3p1-8b-instruct mixtral-8x22b-instruct
        qwen-flash qwen3-coder-plus
    """,
    None: """
        deepseek-reasoner glm-5.2 gpt-5 gpt-5-nano gpt-5.2 gpt-5.4 gpt-5.4-nano
        kimi-k2-instruct-0905 llama4-maverick-instruct-basic llama4-scout-instruct-basic
        minimax-m3 nemotron-3-ultra o3-mini
        qwen-3.8-max qwen-plus qwen3-coder-flash qwen3-max qwq-plus
    """,
}
_IMAGES = {slug: takes for takes, slugs in _TAKES_IMAGES.items() for slug in slugs.split()}
_EMBEDDING = (
    "text-embedding-3-small",
    "text-embedding-3-large",
    "gemini-embedding-001",
    "gemini-embedding-2",
)

_PICTURES = ("flux-schnell", "seedream-4.5")

# The catalog lists every kind of model; clients must be able to distinguish them.
_OTHERS = (("kling-text2video", "textToVideo"),)


@dataclass(frozen=True)
class Model:
    """A model the gateway can run."""

    slug: str
    family: Family
    images: bool | None = None  # whether it takes images; None when the vendor does not say
    retired: bool = False  # answered with 410

    @property
    def embeds(self) -> bool:
        """Whether it turns texts into vectors, and does not chat."""
        return "embedding" in self.slug

    @property
    def draws(self) -> bool:
        """Whether it turns a text into a picture, and does not chat."""
        return self.slug in _PICTURES


def build_directory(
    extra: Iterable[str] | Mapping[str, Family] = (), retired: Iterable[str] = ()
) -> dict[str, Model]:
    """List the models of one gateway by slug; see `LocalGateway` for the arguments."""
    families = extra if isinstance(extra, Mapping) else {}
    gone = frozenset(retired)
    slugs = dict.fromkeys([*sorted(_IMAGES), *_EMBEDDING, *_PICTURES, *extra, *sorted(gone)])
    prefixes = {slug: re.split(r"[-.\d]", slug, maxsplit=1)[0] for slug in slugs}
    named = {slug: _PREFIXES.get(prefix, "openai") for slug, prefix in prefixes.items()}
    return {
        slug: Model(slug, families.get(slug, named[slug]), _IMAGES.get(slug), slug in gone)
        for slug in slugs
    }


def catalog(directory: Mapping[str, Model]) -> dict[str, Any]:
    """Write the public catalog document, in the vendor's words and spelling."""
    own = [_entry(model.slug, _kind(model), model.retired) for model in directory.values()]
    return {CATALOG_KEY: own + [_entry(slug, kind) for slug, kind in _OTHERS]}


def _kind(model: Model) -> str:
    if model.draws:
        return "textToImage"
    return "textToEmbedding" if model.embeds else "textToText"


def _entry(slug: str, kind: str, retired: bool = False) -> dict[str, Any]:
    return {
        "slug": slug,
        "title": slug.replace("-", " ").title(),
        "type": kind,
        "description": f"{slug} on the local gateway.",
        "is_depreciated": retired,
    }
