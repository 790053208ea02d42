"""LangChain chat models for every LLM behind the Segmind gateway."""

from langchain_segmind._catalogue import Card, Entry
from langchain_segmind._version import __version__
from langchain_segmind.chat_models import ChatSegmind
from langchain_segmind.errors import (
    SegmindAuthenticationError,
    SegmindConnectionError,
    SegmindContextOverflowError,
    SegmindError,
    SegmindInsufficientCreditsError,
    SegmindInvalidRequestError,
    SegmindModelNotFoundError,
    SegmindPermissionDeniedError,
    SegmindRateLimitError,
    SegmindResponseError,
    SegmindServerError,
    SegmindTimeoutError,
)
from langchain_segmind.media import image_block

__all__ = [
    "Card",
    "ChatSegmind",
    "Entry",
    "SegmindAuthenticationError",
    "SegmindConnectionError",
    "SegmindContextOverflowError",
    "SegmindError",
    "SegmindInsufficientCreditsError",
    "SegmindInvalidRequestError",
    "SegmindModelNotFoundError",
    "SegmindPermissionDeniedError",
    "SegmindRateLimitError",
    "SegmindResponseError",
    "SegmindServerError",
    "SegmindTimeoutError",
    "__version__",
    "image_block",
]
