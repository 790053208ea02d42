"""The two ways a call can go, direct and through the queue; the suites are run on both."""

from typing import Any

import pytest

from langchain_segmind import ChatSegmind

WAYS: dict[str, dict[str, Any]] = {
    "direct": {"queue": False},
    "queue": {"queue": True, "poll_interval": 0.01},
}

both_ways = [
    pytest.mark.usefixtures("way"),
    pytest.mark.parametrize("way", WAYS, indirect=True),
]

_now: dict[str, Any] = {}


@pytest.fixture
def way(request):
    """Have every model that is built here go one way."""
    _now.update(WAYS[request.param])
    yield request.param
    _now.clear()


def build(gateway, model="gpt-4o", **kwargs):
    """Build a model for a local gateway, for the way of the test that runs."""
    address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    return ChatSegmind(model=model, **address, **{**_now, **kwargs})


def asked(gateway):
    """The requests that had a model run, or were to: all but polls."""
    return [request for request in gateway.requests if request.method == "POST"]
