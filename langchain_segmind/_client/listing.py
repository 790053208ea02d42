"""Read the vendor's catalog of models, as a method of a model or of its class.

The catalog is public. The model's key and headers must not go to its host.
"""

from __future__ import annotations

from langchain_segmind._client.connection import (
    GatewayClient,
    default_base_url,
    of_model_or_class,
)
from langchain_segmind._client.destination import destination
from langchain_segmind._client.validation import check_url
from langchain_segmind._flows.account import models
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.types import Destination
from langchain_segmind._http.transport import Network, Transport
from langchain_segmind.models import ModelInfo, catalog_url


@of_model_or_class
def list_models(
    model: GatewayClient | type[GatewayClient], base_url: str | None = None
) -> list[ModelInfo]:
    """Read the vendor's public catalog of language models. It is free and needs no key.

    Works on the class too: `ChatSegmind.list_models()`.

    Args:
        model: The model or the class that it is called on.
        base_url: The API whose catalog to read; by default the model's. For the class, that is
            `SEGMIND_API_BASE`, or the vendor's API.

    Returns:
        The models in the vendor's order, deprecated ones included, and what this package knows of
        each.

    Raises:
        SegmindError: If it cannot be read.
    """
    url, transport, retry_policy = _catalog_of(model, base_url)
    try:
        return transport.run(models(url, retry_policy), None)
    finally:
        transport.close()


@of_model_or_class
async def alist_models(
    model: GatewayClient | type[GatewayClient], base_url: str | None = None
) -> list[ModelInfo]:
    """Async version of `list_models`."""
    url, transport, retry_policy = _catalog_of(model, base_url)
    try:
        return await transport.arun(models(url, retry_policy), None)
    finally:
        await transport.aclose()


def _catalog_of(
    model: GatewayClient | type[GatewayClient], base_url: str | None
) -> tuple[str, Transport, RetryPolicy]:
    """Return the API's URL, connections to the catalog's host, and the retry policy."""
    if isinstance(model, type):
        configured = Destination(check_url(default_base_url() if base_url is None else base_url))
        is_explicit, retry_policy = base_url is not None, RetryPolicy()
    else:
        url = model.base_url if base_url is None else base_url
        configured = Destination(check_url(url), proxy=model.proxy, verify=model.verify)
        is_explicit = base_url is not None or "base_url" in model.model_fields_set
        retry_policy = model._retry_policy()  # noqa: SLF001 - a method of the model
    to = destination(configured, is_explicit=is_explicit)
    network = Network(catalog_url(to.base_url), to.proxy, to.verify, is_direct=to.is_local)
    return to.base_url, Transport(network), retry_policy
