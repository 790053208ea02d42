"""Check texts before they are embedded, and collect the vectors of many. Nothing here sends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from langchain_segmind._flows.types import Receipt
from langchain_segmind._http.batch import BatchResult
from langchain_segmind._messages.text import check_text as check_characters
from langchain_segmind._messages.types import invalid_request
from langchain_segmind.errors import (
    SegmindBatchError,
    SegmindContextOverflowError,
    SegmindError,
)
from langchain_segmind.models import ModelInfo

Found = tuple[list[float], Receipt]
"""A vector, and what it cost."""

_OF_FIRST: Final = (
    *("status_code", "request_id", "outcome", "attempts", "body", "headers", "cost"),
    *("remaining_credits", "retry_after", "model", "ambiguous_attempts"),
)
"""Fields of a `SegmindBatchError` that have the values of the first text that failed."""


def checked_texts(texts: Sequence[str], model_info: ModelInfo) -> list[str]:
    """Check all texts before any is sent.

    Raises:
        SegmindInvalidRequestError: If one surely cannot be embedded.
    """
    if isinstance(texts, str | bytes):
        raise invalid_request("texts: expected a list of texts, got one text. Pass [text] instead.")
    many = list(texts)
    for index, text in enumerate(many):
        check_text(text, f"texts[{index}]", model_info)
    return many


def check_text(text: str, where: str, model_info: ModelInfo) -> None:
    """Refuse a text that surely cannot be embedded; in doubt, the gateway decides."""
    if not check_characters(text, where).strip():
        raise invalid_request(f"{where} is blank: it cannot be embedded. Leave it out.")
    max_tokens = model_info.context
    if max_tokens is None or len(text) <= 2 * max_tokens:
        return
    words = len(text.split())  # each is at least one token
    if words > max_tokens:
        raise SegmindContextOverflowError(
            f"{where} is too long: it has {words} words, and {model_info.slug} reads {max_tokens} "
            "tokens. Split it. Nothing was sent.",
            outcome="not_sent",
            model=model_info.slug,
        )


def vectors_in_order(
    batch: BatchResult[Found], sent: Sequence[str], texts: Sequence[str]
) -> list[list[float]]:
    """Return the vectors of all texts; equal ones were sent once, and get a vector each.

    Args:
        batch: The outcomes of the texts that were sent.
        sent: Those texts, all different.
        texts: All texts.

    Raises:
        SegmindBatchError: If a text failed. It has the outcomes of all texts.
    """
    if not batch.failed and len(sent) == len(texts):
        return [batch.done[index][0] for index in range(len(texts))]
    numbers = {text: number for number, text in enumerate(sent)}
    vectors = {
        index: [*batch.done[number][0]]
        for index, text in enumerate(texts)
        if (number := numbers[text]) in batch.done
    }
    if not batch.failed:
        return [*vectors.values()]
    number, first = next(iter(batch.failed.items()))
    if not isinstance(first, SegmindError):
        raise first
    index = texts.index(sent[number])
    raise _batch_error(first, index, len(texts), batch, vectors) from first


def _batch_error(
    first: SegmindError,
    index: int,
    count: int,
    batch: BatchResult[Found],
    vectors: dict[int, list[float]],
) -> SegmindBatchError:
    errors = [error for error in batch.failed.values() if isinstance(error, SegmindError)]
    paid = len(batch.done) + sum(error.billed is True for error in errors)
    perhaps_paid = sum(error.billed is None for error in errors)
    perhaps_paid += sum(error.ambiguous_attempts for error in errors)
    perhaps_paid += sum(receipt.ambiguous_attempts for _, receipt in batch.done.values())
    perhaps = f", {perhaps_paid} more perhaps" if perhaps_paid else ""
    return SegmindBatchError(
        f"texts[{index}] of {count} failed; {paid} were billed{perhaps}. {first.message}",
        error=first,
        index=index,
        vectors=vectors,
        paid=paid,
        perhaps_paid=perhaps_paid,
        # Repeating the whole batch would be billed again for the texts that were embedded.
        is_retryable=first.is_retryable and not paid and not perhaps_paid,
        **{name: getattr(first, name) for name in _OF_FIRST},
    )
