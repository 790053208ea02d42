"""LangChain chat and embedding models for every LLM behind the Segmind gateway."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from langchain_segmind._client.destination import allow_live_requests
from langchain_segmind._version import __version__
from langchain_segmind.chat_models import ChatSegmind
from langchain_segmind.errors import (
    SegmindAuthenticationError,
    SegmindBatchError,
    SegmindBudgetExceededError,
    SegmindConnectionError,
    SegmindContextOverflowError,
    SegmindError,
    SegmindInsufficientCreditsError,
    SegmindInvalidRequestError,
    SegmindJobFailedError,
    SegmindJobNotFoundError,
    SegmindJobTimeoutError,
    SegmindModelNotFoundError,
    SegmindPermissionDeniedError,
    SegmindRateLimitError,
    SegmindResponseError,
    SegmindServerError,
    SegmindTimeoutError,
)
from langchain_segmind.jobs import SegmindJob
from langchain_segmind.models import ModelInfo
from langchain_segmind.usage import CreditBalance, UsageTotals, UsageTracker, track_usage

if TYPE_CHECKING:
    from langchain_segmind.embeddings import SegmindEmbeddings
    from langchain_segmind.media import content_block_from_file
    from langchain_segmind.progress import Progress, progress_bar

__all__ = [
    "ChatSegmind",
    "CreditBalance",
    "ModelInfo",
    "Progress",
    "SegmindAuthenticationError",
    "SegmindBatchError",
    "SegmindBudgetExceededError",
    "SegmindConnectionError",
    "SegmindContextOverflowError",
    "SegmindEmbeddings",
    "SegmindError",
    "SegmindInsufficientCreditsError",
    "SegmindInvalidRequestError",
    "SegmindJob",
    "SegmindJobFailedError",
    "SegmindJobNotFoundError",
    "SegmindJobTimeoutError",
    "SegmindModelNotFoundError",
    "SegmindPermissionDeniedError",
    "SegmindRateLimitError",
    "SegmindResponseError",
    "SegmindServerError",
    "SegmindTimeoutError",
    "UsageTotals",
    "UsageTracker",
    "__version__",
    "allow_live_requests",
    "content_block_from_file",
    "progress_bar",
    "track_usage",
]

_LATE = {
    "Progress": "progress",
    "SegmindEmbeddings": "embeddings",
    "content_block_from_file": "media",
    "progress_bar": "progress",
}
"""Names that are imported at their first use, because many programs do not need them."""


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
