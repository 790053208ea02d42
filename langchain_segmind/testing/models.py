"""What a model makes of a body, whatever kind of model it is."""

from collections.abc import Mapping
from typing import Any

from langchain_segmind.testing import chat, embeddings
from langchain_segmind.testing.directory import Model
from langchain_segmind.testing.state import Execution, GatewayState


def prepare(state: GatewayState, model: Model, body: Mapping[str, Any]) -> Execution:
    """Read what a body asks of a model.

    Args:
        state: The gateway.
        model: The model.
        body: The request body.

    Returns:
        What runs and bills it; that raises a `RefusalError`, unbilled, when it fails.

    Raises:
        RefusalError: The model cannot run this body.
    """
    prepare_kind = embeddings.prepare if model.embeds else chat.prepare
    return prepare_kind(state, model, body)
