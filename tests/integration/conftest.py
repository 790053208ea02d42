import pytest

from langchain_segmind.testing import LocalGateway
from tests.integration.ways import build, way

__all__ = ["way"]


@pytest.fixture
def gateway():
    with LocalGateway() as gateway:
        yield gateway


@pytest.fixture
def model(gateway):
    with build(gateway) as model:
        yield model
