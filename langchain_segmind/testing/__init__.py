"""A Segmind gateway to run on this machine: for our tests, and for yours.

`LocalGateway` answers over real HTTP as the contract says, strictly: what the real gateway would
refuse, it refuses. It imports nothing of the client it serves, so the two cannot share a mistake.
"""

from langchain_segmind.testing.conversation import (
    Brain,
    Call,
    Media,
    Offer,
    Question,
    Reply,
    Result,
    Tool,
    Turn,
    Usage,
)
from langchain_segmind.testing.gateway import LocalGateway
from langchain_segmind.testing.helpful import HelpfulBrain
from langchain_segmind.testing.launch import live_or_local
from langchain_segmind.testing.ledger import LoggedRequest
from langchain_segmind.testing.local_llm import LocalLLM
from langchain_segmind.testing.queue import Job, Queue
from langchain_segmind.testing.scripted import ScriptedBrain
from langchain_segmind.testing.upstream import UpstreamBrain

__all__ = [
    "Brain",
    "Call",
    "HelpfulBrain",
    "Job",
    "LocalGateway",
    "LocalLLM",
    "LoggedRequest",
    "Media",
    "Offer",
    "Question",
    "Queue",
    "Reply",
    "Result",
    "ScriptedBrain",
    "Tool",
    "Turn",
    "UpstreamBrain",
    "Usage",
    "live_or_local",
]
