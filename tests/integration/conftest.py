import signal

import pytest

from langchain_segmind.testing import LocalGateway
from tests.integration.call_styles import build, call_style

__all__ = ["call_style"]


@pytest.fixture(autouse=True, scope="session")
def _interruptible():
    """Heed interrupts also where the tests run in the background, and inherited to ignore them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def gateway():
    with LocalGateway() as gateway:
        yield gateway


@pytest.fixture
def model(gateway):
    with build(gateway) as model:
        yield model
