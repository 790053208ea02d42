"""Run a local gateway that imitates Segmind's, for this package's tests and for yours.

It imitates the documented HTTP API, including errors. It shares no code with the client, so a
decoder bug cannot hide in both.
"""

from langchain_segmind.testing.conversation import (
    Call,
    Media,
    ModelRequest,
    Offer,
    Reply,
    Responder,
    Result,
    Tool,
    Turn,
    Usage,
)
from langchain_segmind.testing.gateway import LocalGateway
from langchain_segmind.testing.ledger import LoggedRequest
from langchain_segmind.testing.live import live_or_local
from langchain_segmind.testing.models import EchoModel, FunctionModel, ScriptedModel
from langchain_segmind.testing.openai_compatible import OpenAICompatibleModel
from langchain_segmind.testing.output_styles import OutputStyle
from langchain_segmind.testing.queue import Job, Queue
from langchain_segmind.testing.rate_limit import RateLimit

__all__ = [
    "Call",
    "EchoModel",
    "FunctionModel",
    "Job",
    "LocalGateway",
    "LoggedRequest",
    "Media",
    "ModelRequest",
    "Offer",
    "OpenAICompatibleModel",
    "OutputStyle",
    "Queue",
    "RateLimit",
    "Reply",
    "Responder",
    "Result",
    "ScriptedModel",
    "Tool",
    "Turn",
    "Usage",
    "live_or_local",
]
