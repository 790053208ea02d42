"""The body formats: how each reads a request into a `ModelRequest`, and writes a `Reply` down.

A new format is one file and one row here. Formats never import one another.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_segmind.testing.conversation import ModelRequest
from langchain_segmind.testing.directory import Family
from langchain_segmind.testing.families import anthropic, gemini, openai
from langchain_segmind.testing.families.common import Reading, Writing

__all__ = ["FORMATS", "Format", "Reading", "Writing"]


@dataclass(frozen=True)
class Format:
    """One body format.

    Attributes:
        read: Request body to request; refuses what the family would refuse.
        write: Reply to the family's reply body.
    """

    read: Callable[[Reading], ModelRequest]
    write: Callable[[Writing], dict[str, Any]]


FORMATS: Mapping[Family, Format] = {
    "openai": Format(openai.read, openai.write),
    "anthropic": Format(anthropic.read, anthropic.write),
    "gemini": Format(gemini.read, gemini.write),
}
