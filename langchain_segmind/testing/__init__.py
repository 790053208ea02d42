"""A Segmind gateway to run on this machine: for our tests, and for yours.

`LocalGateway` answers over real HTTP as the contract says, strictly: what the real gateway would
refuse, it refuses. It imports nothing of the client it serves, so the two cannot share a mistake.
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
    "Reply",
    "Responder",
    "Result",
    "ScriptedModel",
    "Tool",
    "Turn",
    "Usage",
    "live_or_local",
]
