"""The families of models, each with the module of its format.

To add a family, write a module that is a `Format`, and add its name to `Family`. The formats must
not import one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, Literal, Protocol, cast, get_args

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


FAMILIES: Final[tuple[Family, ...]] = get_args(Family)
"""In the order in which a reply is compared with them."""


class _Formats(dict[Family, Format]):
    """Import a family's module when it is first asked for: most programs use one."""

    def __missing__(self, family: Family) -> Format:
        if family not in FAMILIES:
            raise KeyError(family)
        self[family] = cast("Format", import_module(f"langchain_segmind._formats.{family}"))
        return self[family]


FORMATS: Final[Mapping[Family, Format]] = _Formats()
"""Every family's format; by its name only, as it may not have been imported yet."""
