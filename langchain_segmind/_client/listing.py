"""The vendor's catalogue, as a method of a model or of its class."""

from __future__ import annotations

from langchain_segmind import models as _catalogue
from langchain_segmind._client import destination as _live
from langchain_segmind._client import validation as _config
from langchain_segmind._client.connection import (
    GatewayClient,
    default_base_url,
    of_model_or_class,
    retry_policy_of,
)
from langchain_segmind._flows import chat as _flow
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.types import Destination
from langchain_segmind._http.transport import Network, Transport
from langchain_segmind.models import ListedModel


@of_model_or_class
def list_models(
    model: GatewayClient | type[GatewayClient], base_url: str | None = None
) -> list[ListedModel]:
    """Read the vendor's public catalogue of language models; free of charge, without a key.

    Works on the class too: `ChatSegmind.list_models()`.

    Args:
        model: The model or class it is called on.
        base_url: The API whose catalogue is wanted; by default this model's, for the class what
            `SEGMIND_API_BASE` says, or the vendor's.

    Returns:
        The models in the vendor's order, retired ones too, each with what is known of it here.

    Raises:
        SegmindError: If it cannot be read.
    """
    url, transport, retry_policy = _catalogue_of(model, base_url)
    try:
        return transport.run(_flow.models(url, retry_policy), None)
    finally:
        transport.close()


@of_model_or_class
async def alist_models(
    model: GatewayClient | type[GatewayClient], base_url: str | None = None
) -> list[ListedModel]:
    """Read the vendor's public catalogue, as `list_models` does."""
    url, transport, retry_policy = _catalogue_of(model, base_url)
    try:
        return await transport.arun(_flow.models(url, retry_policy), None)
    finally:
        await transport.aclose()


def _catalogue_of(
    model: GatewayClient | type[GatewayClient], base_url: str | None
) -> tuple[str, Transport, RetryPolicy]:
    """Tell where a catalogue is and how to reach it: on connections of its own, as on its host."""
    model_of = None if isinstance(model, type) else model
    is_explicit = base_url is not None
    if base_url is None:
        base_url = model_of.base_url if model_of else default_base_url()
        is_explicit = model_of is not None and "base_url" in model_of.model_fields_set
    own = Destination(_config.check_url(base_url))
    if model_of is not None:
        own = Destination(own.base_url, proxy=model_of.proxy, verify=model_of.verify)
    to = _live.destination(own, is_explicit=is_explicit)
    origin = _catalogue.list_url(to.base_url)
    network = Network(origin, to.proxy, to.verify, is_direct=to.is_local)
    return to.base_url, Transport(network), retry_policy_of(model_of) if model_of else RetryPolicy()
