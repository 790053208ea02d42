"""Read what the gateway reports free of charge: the balance and the catalog of models."""

from __future__ import annotations

from collections.abc import Mapping

from langchain_segmind._flows.failures import parse_amount
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.send import Exchange
from langchain_segmind._flows.types import Flow, Request, Response
from langchain_segmind._formats import parse
from langchain_segmind.errors import SegmindResponseError
from langchain_segmind.models import ModelInfo, catalog_url, parse_catalog


def balance(
    base_url: str, retry_policy: RetryPolicy, headers: Mapping[str, str]
) -> Flow[tuple[float, float]]:
    """Read the paid and the free credits that are left."""
    request = Request("GET", f"{base_url}/get-user-credits", headers=headers)
    found, _ = yield from Exchange("credits", retry_policy, is_free=True).read(
        request, _decode_balance
    )
    return found


def _decode_balance(response: Response) -> tuple[float, float]:
    body = parse(response.body)
    fields = body if isinstance(body, dict) else {}
    paid, free = parse_amount(fields.get("credits")), parse_amount(fields.get("free-credits"))
    if paid is None and free is None:
        raise SegmindResponseError("it holds no credits")
    return paid or 0.0, free or 0.0


def models(base_url: str, retry_policy: RetryPolicy) -> Flow[list[ModelInfo]]:
    """Read the vendor's catalog. It is public, on a host of its own: no key goes there."""
    request = Request("GET", catalog_url(base_url))
    exchange = Exchange("model catalog", retry_policy, is_free=True)
    found, _ = yield from exchange.read(request, lambda reply: parse_catalog(parse(reply.body)))
    return found
