"""The families of models, each with the module of its format.

To add a family, write a module that is a `Format`, and add it to `FORMATS`. The formats must not
import one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

from langchain_segmind._formats import anthropic, gemini, openai
from langchain_segmind._messages.types import ChatRequest, ChatResponse, MediaPart

Family = Literal["openai", "anthropic", "gemini"]


class Format(Protocol):
    """What a family's module has."""

    @property
    def SETTING_NAMES(self) -> Mapping[str, str]:  # noqa: N802 - a module's constant
        """Settings that the family calls by another name."""

    def encode(self, request: ChatRequest) -> dict[str, Any]:
        """Write a request's body.

        Raises:
            SegmindInvalidRequestError: If a part cannot be sent in this format.
        """

    def is_reply(self, body: Mapping[str, Any], *, is_sure: bool) -> bool:
        """Return whether a JSON object is a reply in this format.

        Args:
            body: The object.
            is_sure: Whether it is a reply in some format, and not perhaps an answer that is JSON.
        """

    def decode(self, body: Mapping[str, Any]) -> ChatResponse:
        """Read a reply's body. Odd optional fields are left out.

        Raises:
            SegmindResponseError: If it holds neither an answer nor the reason why it has none.
        """

    def accepts_media(self, media: MediaPart) -> bool:
        """Return whether a medium that a tool returned can be shown."""


FORMATS: Final[Mapping[Family, Format]] = {
    "openai": openai,
    "anthropic": anthropic,
    "gemini": gemini,
}
"""In the order in which a reply is compared with them."""
