"""The two styles of a call, direct and through the job queue; many suites run in both."""

from typing import Any

import pytest

from langchain_segmind import ChatSegmind, SegmindEmbeddings

CALL_STYLES: dict[str, dict[str, Any]] = {
    "direct": {"queue": False},
    "queue": {"queue": True, "poll_interval": 0.01},
}

in_both_styles = [
    pytest.mark.usefixtures("call_style"),
    pytest.mark.parametrize("call_style", CALL_STYLES, indirect=True),
]

_current: dict[str, Any] = {**CALL_STYLES["direct"]}


@pytest.fixture
def call_style(request):
    """Have `build` make models that call in one style; without it, they call directly."""
    _current.update(CALL_STYLES[request.param])
    yield request.param
    _current.clear()
    _current.update(CALL_STYLES["direct"])


def build(gateway, model="gpt-4o", **kwargs):
    """Build a model for a local gateway, in the call style of the running test."""
    address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    return ChatSegmind(model=model, **address, **{**_current, **kwargs})


def build_embeddings(gateway, model="text-embedding-3-small", **kwargs):
    """Build an embedding model for a local gateway."""
    address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    return SegmindEmbeddings(model=model, **address, **kwargs)


def model_requests(gateway):
    """Return the requests that run a model: all but polls."""
    return [request for request in gateway.requests if request.method == "POST"]
