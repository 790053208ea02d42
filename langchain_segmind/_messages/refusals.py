"""Give refusals LangChain's standard content block, which its parsers and middleware look for.

A message carries the refusal in `additional_kwargs`, as OpenAI's do; importing this module
registers the translator that adds the block. It must not change the blocks of other messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.messages import AIMessage
from langchain_core.messages.block_translators import register_translator
from langchain_core.messages.content import ContentBlock

PROVIDER = "segmind"


def refusal_of(message: AIMessage) -> str | None:
    """Return the text with which the model refused, or None."""
    refusal = message.additional_kwargs.get("refusal")
    if isinstance(refusal, str):
        return refusal
    blocks = _refusal_blocks(message)
    return str(blocks[0].get("refusal", "")) if blocks else None


def _refusal_blocks(message: AIMessage) -> list[dict[Any, Any]]:
    if isinstance(message.content, str):
        return []
    return [block for block in message.content if _is_refusal(block)]  # type: ignore[misc]


def _is_refusal(block: object) -> bool:
    return isinstance(block, Mapping) and block.get("type") == "refusal"


def _translate(message: AIMessage) -> list[ContentBlock]:
    """Return LangChain's own blocks of a message, and the refusal after them.

    Raises:
        NotImplementedError: For a message without a refusal. `AIMessage.content_blocks` then does
            what it does for providers without a translator, and keeps reasoning, calls and media.
    """
    refusal = refusal_of(message)
    if refusal is None:
        raise NotImplementedError
    # langchain-core before 1.7.5 does not know the block, and would wrap one that is in the content
    # as non-standard. So it gets the content without it.
    content = message.content
    if not isinstance(content, str):
        content = [block for block in content if not _is_refusal(block)]
    metadata = {k: v for k, v in message.response_metadata.items() if k != "model_provider"}
    rest = message.model_copy(update={"content": content, "response_metadata": metadata})
    refusals = _refusal_blocks(message) or [{"type": "refusal", "refusal": refusal}]
    return [*rest.content_blocks, *cast("list[ContentBlock]", refusals)]


register_translator(PROVIDER, _translate, _translate)
