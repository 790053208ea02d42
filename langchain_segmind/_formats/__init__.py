"""The formats of request and reply bodies, one module for each family of models.

To add a format, write a module that is a `Format`, and add it to `FORMATS` and to `replies`. The
formats must not import one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

from langchain_segmind._formats import anthropic, gemini, openai
from langchain_segmind._formats.body import encode_body
from langchain_segmind._formats.encoding import SETTINGS
from langchain_segmind._formats.replies import decode, decode_job, parse
from langchain_segmind._messages.types import ChatRequest, ChatResponse, MediaPart

__all__ = [
    "FORMATS",
    "SETTINGS",
    "Family",
    "Format",
    "decode",
    "decode_job",
    "encode_body",
    "parse",
]

Family = Literal["openai", "anthropic", "gemini"]


class Format(Protocol):
    """What a family's module has."""

    @property
    def SETTING_NAMES(self) -> Mapping[str, str]:  # noqa: N802 - a module's constant
        """Settings that the family calls by another name."""

    def encode(self, request: ChatRequest) -> dict[str, Any]:
        """Write a request's body."""

    def decode(self, body: Mapping[str, Any]) -> ChatResponse:
        """Read a reply's body."""

    def accepts_media(self, media: MediaPart) -> bool:
        """Return whether a medium that a tool returned can be shown."""


FORMATS: Final[Mapping[Family, Format]] = {
    "openai": openai,
    "anthropic": anthropic,
    "gemini": gemini,
}
