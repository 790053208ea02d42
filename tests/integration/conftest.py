import pytest

from langchain_segmind import ChatSegmind
from langchain_segmind.testing import LocalGateway


@pytest.fixture
def gateway():
    with LocalGateway() as gateway:
        yield gateway


@pytest.fixture
def model(gateway):
    with ChatSegmind(model="gpt-4o", base_url=gateway.base_url, api_key=gateway.api_key) as model:
        yield model
