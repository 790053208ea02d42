"""Play a flow with a list of outcomes: no socket, no clock, no waiting."""

import json

from langchain_segmind._flows.chat import Endpoint, ModelCall, chat
from langchain_segmind._flows.types import Destination, Failure, Reply, Response
from langchain_segmind._messages.types import ChatRequest, Message, TextPart, Tool
from langchain_segmind.models import model_info_for

GATEWAY = "https://gw.example"
HELLO = ChatRequest((Message("user", (TextPart("Hello"),)),))
ADD = Tool("add", "Add.", {"type": "object", "properties": {"a": {"type": "integer"}}})
WITH_TOOL = ChatRequest(HELLO.messages, tools=(ADD,))
NO_FORMAT = "response_format is not supported by this model"
RESET = Failure("unknown", "connection", "reset")


class Played:
    """A flow that was played with these outcomes, each `takes` seconds after its request.

    Keeps the steps, the job events that they carried, and what the flow returned.

    Args:
        flow: The flow.
        outcomes: A list of outcomes, or a function that chooses one for each request.
        takes: Seconds.
    """

    def __init__(self, flow, outcomes, takes=0.0):
        self.steps, self.events, self.elapsed = [], [], 0.0
        left = iter(() if callable(outcomes) else outcomes)
        choose = outcomes if callable(outcomes) else lambda _: next(left)
        step = next(flow)
        while True:
            if step.event is not None:
                self.events.append((step.event.state, step.event.request_id))
            self.steps.append(step)
            self.elapsed += step.after + takes
            try:
                step = flow.send(Reply(choose(step.request), self.elapsed))
            except StopIteration as end:
                self.value = end.value
                return

    @property
    def requests(self):
        return [(step.request.method, step.request.url) for step in self.steps]

    @property
    def waits(self):
        return [step.after for step in self.steps]

    @property
    def bodies(self):
        return [json.loads(step.request.body) for step in self.steps if step.request.body]

    @property
    def text(self):
        return self.value.response.choices[0].text


def call_of(request=HELLO, slug="gpt-4o", **settings):
    """Make a call of a model with settings of `Endpoint`."""
    settings = {"model_info": model_info_for(slug), **settings}
    return ModelCall(request, Endpoint(Destination(f"{GATEWAY}/v1"), **settings))


def play(*outcomes, takes=0.0, **settings):
    """Play a chat with these outcomes."""
    return Played(chat(call_of(**settings)), outcomes, takes)


def response(value, status=200, **headers):
    """Make a reply; header names are written with underscores."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Response(status, {k.replace("_", "-"): v for k, v in headers.items()}, body)
