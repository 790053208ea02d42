"""Read the vendor's catalogue of models, as a method of a model or of its class.

The catalogue is public: no key and no other header of the model may go to its host.
"""

from __future__ import annotations

from langchain_segmind._client import destination, validation
from langchain_segmind._client.connection import (
    GatewayClient,
    default_base_url,
    of_model_or_class,
    retry_policy_of,
)
from langchain_segmind._flows.account import models
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.types import Destination
from langchain_segmind._http.transport import Network, Transport
from langchain_segmind.models import ModelInfo, catalogue_url


@of_model_or_class
def list_models(
    model: GatewayClient | type[GatewayClient], base_url: str | None = None
) -> list[ModelInfo]:
    """Read the vendor's public catalogue of language models. It is free and needs no key.

    Works on the class too: `ChatSegmind.list_models()`.

    Args:
        model: The model or class it is called on.
        base_url: The API whose catalogue to read. By default this model's; for the class, that of
            `SEGMIND_API_BASE`, or else the vendor's.

    Returns:
        The models in the vendor's order, deprecated ones too, with what this package knows of each.

    Raises:
        SegmindError: If it cannot be read.
    """
    url, transport, retry_policy = _catalogue_of(model, base_url)
    try:
        return transport.run(models(url, retry_policy), None)
    finally:
        transport.close()


@of_model_or_class
async def alist_models(
    model: GatewayClient | type[GatewayClient], base_url: str | None = None
) -> list[ModelInfo]:
    """Async version of `list_models`."""
    url, transport, retry_policy = _catalogue_of(model, base_url)
    try:
        return await transport.arun(models(url, retry_policy), None)
    finally:
        await transport.aclose()


def _catalogue_of(
    model: GatewayClient | type[GatewayClient], base_url: str | None
) -> tuple[str, Transport, RetryPolicy]:
    """Return the API's URL, connections to the catalogue's host, and the retry policy."""
    instance = None if isinstance(model, type) else model
    is_explicit = base_url is not None
    if base_url is None:
        base_url = instance.base_url if instance else default_base_url()
        is_explicit = instance is not None and "base_url" in instance.model_fields_set
    configured = Destination(validation.check_url(base_url))
    if instance is not None:
        configured = Destination(configured.base_url, proxy=instance.proxy, verify=instance.verify)
    actual = destination.destination(configured, is_explicit=is_explicit)
    origin = catalogue_url(actual.base_url)
    transport = Transport(Network(origin, actual.proxy, actual.verify, is_direct=actual.is_local))
    return actual.base_url, transport, retry_policy_of(instance) if instance else RetryPolicy()
