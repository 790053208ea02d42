import signal

import pytest

from langchain_segmind.testing import LocalGateway
from tests.integration.call_styles import build, call_style

__all__ = ["call_style"]


@pytest.fixture(autouse=True, scope="session")
def _interruptible():
    """Handle SIGINT also in a run in the background, which inherits that it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def gateway():
    with LocalGateway() as gateway:
        yield gateway


@pytest.fixture
async def model(gateway):
    async with build(gateway) as model:
        yield model


@pytest.fixture(params=["sync", "async"])
def call(request):
    """Call a method or its async version, as in `await call(model, "invoke", "Hello")`."""

    async def run(target, method, *args, **kwargs):
        if request.param == "async":
            return await getattr(target, f"a{method}")(*args, **kwargs)
        return getattr(target, method)(*args, **kwargs)

    return run
