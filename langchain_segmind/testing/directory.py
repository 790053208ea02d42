"""The vendor's directory of models, as data, and the rule for slugs it does not list."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Family = Literal["openai", "anthropic", "gemini"]

CATALOGUE_KEY = "Inference Segmind Model Information List With Details"

_PREFIXES: dict[str, Family] = {"claude": "anthropic", "gemini": "gemini"}

# Slug, and whether the vendor says that it takes images: yes, no, or not said.
_CHAT: tuple[tuple[str, bool | None], ...] = (
    ("claude-4-sonnet", True),
    ("claude-4.5-sonnet", True),
    ("claude-opus-4.7", True),
    ("deepseek-chat", False),
    ("deepseek-reasoner", None),
    ("gemini-2.5-flash", True),
    ("gemini-2.5-flash-lite", True),
    ("gemini-2.5-pro", True),
    ("gemini-3-flash", True),
    ("gemini-3-pro", True),
    ("gemini-3.1-flash-lite", True),
    ("gemini-3.1-pro", True),
    ("glm-5.2", None),
    ("gpt-4", False),
    ("gpt-4-turbo", False),
    ("gpt-4o", True),
    ("gpt-5", None),
    ("gpt-5-mini", True),
    ("gpt-5-nano", None),
    ("gpt-5.1", True),
    ("gpt-5.2", None),
    ("gpt-5.4", None),
    ("gpt-5.4-mini", True),
    ("gpt-5.4-nano", None),
    ("gpt-5.5", True),
    ("kimi-k2-instruct-0905", None),
    ("llama-v3-8b-instruct", False),
    ("llama-v3p1-70b-instruct", False),
    ("llama-v3p1-8b-instruct", False),
    ("llama4-maverick-instruct-basic", None),
    ("llama4-scout-instruct-basic", None),
    ("minimax-m3", None),
    ("mixtral-8x22b-instruct", False),
    ("nemotron-3-ultra", None),
    ("o3", True),
    ("o3-mini", None),
    ("o4-mini", True),
    ("qvq-max", True),
    ("qwen-3.8-max", None),
    ("qwen-flash", False),
    ("qwen-plus", None),
    ("qwen2-vl-72b-instruct", True),
    ("qwen3-coder-flash", None),
    ("qwen3-coder-plus", False),
    ("qwen3-max", None),
    ("qwen3-vl-flash", True),
    ("qwen3-vl-plus", True),
    ("qwen3.5-flash", True),
    ("qwen3.5-plus", True),
    ("qwq-plus", None),
)

_EMBEDDING = (
    "text-embedding-3-small",
    "text-embedding-3-large",
    "gemini-embedding-001",
    "gemini-embedding-2",
)

# The catalogue lists every kind of model; clients must be able to tell them apart.
_OTHERS = (("flux-schnell", "textToImage"), ("kling-text2video", "textToVideo"))


@dataclass(frozen=True)
class Model:
    """A model the gateway can run.

    Attributes:
        slug: Its name in the path.
        family: The body format it takes.
        images: Whether it takes images; None when the vendor does not say.
        retired: Whether it is answered with 410.
    """

    slug: str
    family: Family
    images: bool | None = None
    retired: bool = False

    @property
    def embeds(self) -> bool:
        """Whether it turns texts into vectors, and does not chat."""
        return "embedding" in self.slug


def family_of(slug: str) -> Family:
    """Tell the family of a slug by its name.

    A prefix counts only up to a dash, a dot, a digit or the end: ``claudette`` is no Claude.
    """
    name = re.split(r"[-.\d]", slug, maxsplit=1)[0]
    return _PREFIXES.get(name, "openai")


def build_directory(
    extra: Iterable[str] | Mapping[str, Family] = (), retired: Iterable[str] = ()
) -> dict[str, Model]:
    """List the models of one gateway.

    Args:
        extra: Slugs beyond the vendor's; a mapping also says their family.
        retired: Slugs to answer with 410, listed before or not.

    Returns:
        The models by slug.
    """
    families = extra if isinstance(extra, Mapping) else {}
    listed, gone = dict(_CHAT), frozenset(retired)
    slugs = dict.fromkeys([*listed, *_EMBEDDING, *extra, *sorted(gone)])
    return {
        slug: Model(slug, families.get(slug, family_of(slug)), listed.get(slug), slug in gone)
        for slug in slugs
    }


def catalogue(directory: Mapping[str, Model]) -> dict[str, Any]:
    """Write the public catalogue document, in the vendor's words and spelling."""
    own = [
        _entry(model.slug, "textToEmbedding" if model.embeds else "textToText", model.retired)
        for model in directory.values()
    ]
    return {CATALOGUE_KEY: own + [_entry(slug, kind) for slug, kind in _OTHERS]}


def _entry(slug: str, kind: str, retired: bool = False) -> dict[str, Any]:
    return {
        "slug": slug,
        "title": slug.replace("-", " ").title(),
        "type": kind,
        "description": f"{slug} on the local gateway.",
        "is_depreciated": retired,
    }
