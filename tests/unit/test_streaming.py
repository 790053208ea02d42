"""The run manager that is kept for `_stream` is used for that stream only."""

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage

from langchain_segmind import ChatSegmind
from langchain_segmind.testing import LocalGateway


class Listener(BaseCallbackHandler):
    def __init__(self):
        self.events = []

    def on_custom_event(self, name, data, **kwargs):
        self.events.append(data)


def test_refused_stream_leaves_no_run_manager_for_the_next():
    listener = Listener()
    with LocalGateway() as gateway:
        address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
        settings = {"model": "gpt-5", "queue": True, "poll_interval": 0.002, "streaming": True}
        with ChatSegmind(**address, **settings) as model:
            with pytest.raises(ValueError, match="n must be 1"):
                model.invoke("Hello", {"callbacks": [listener]}, n=2)
            next(model._stream([HumanMessage("Hello")]))

    assert listener.events == []
