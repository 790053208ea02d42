"""Twenty small jobs for an agent: it should call the right tools, use their results, and stop.

The tools and their data are invented, so that no model knows the answers without calling them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware
from langchain_core.messages import AIMessage, HumanMessage

from langchain_segmind import ChatSegmind

_MOST_MODEL_CALLS: Final = 6
_SYSTEM_PROMPT: Final = "You answer questions about a ferry company. Be brief."

_CAPTAINS: Final = {
    "kestrel": "Ines Ruiz",
    "petrel": "Tom Okafor",
    "heron": "Mei Lindgren",
    "tern": "Paul Novak",
}
_SEATS: Final = {"kestrel": 180, "petrel": 95, "heron": 240, "tern": 60}
_FARES: Final = {"skagen": 34, "runde": 12, "vega": 58}
_TICKETS_LEFT: Final = {"skagen": 14, "runde": 0, "vega": 9}


@dataclass(frozen=True)
class Job:
    """A job, and how to recognize that it is done.

    Attributes:
        id: Its name in the file of answers.
        question: What the agent is to find out or do.
        expected: Patterns that the agent's last message must contain, whatever their case.
    """

    id: str
    question: str
    expected: Sequence[str]

    def run(self, model: ChatSegmind) -> list[AIMessage]:
        """Have an agent do the job, and return all messages of its model."""
        limit = ModelCallLimitMiddleware(run_limit=_MOST_MODEL_CALLS, exit_behavior="end")
        agent = create_agent(model, TOOLS, system_prompt=_SYSTEM_PROMPT, middleware=[limit])
        state = agent.invoke({"messages": [HumanMessage(self.question)]})
        return [message for message in state["messages"] if isinstance(message, AIMessage)]

    def is_solved(self, text: str) -> bool:
        """Return whether the agent's last message is right."""
        plain = re.sub(r"(?<=\d),(?=\d{3})", "", text)  # 15,012 is 15012
        return all(
            re.search(rf"(?<!\w)(?:{pattern})(?!\w)", plain, re.IGNORECASE)
            for pattern in self.expected
        )


def get_captain(ferry: str) -> str:
    """Get the name of a ferry's captain."""
    return _look_up(_CAPTAINS, "ferry", ferry)


def get_number_of_seats(ferry: str) -> str:
    """Get the number of seats of a ferry."""
    return _look_up(_SEATS, "ferry", ferry)


def get_fare(destination: str) -> str:
    """Get the price of one ticket to a destination, in euros."""
    return _look_up(_FARES, "destination", destination)


def get_tickets_left(destination: str) -> str:
    """Get the number of tickets that are left for a destination today."""
    return _look_up(_TICKETS_LEFT, "destination", destination)


def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


def multiply(a: float, b: float) -> float:
    """Multiply two numbers."""
    return a * b


TOOLS: Final[list[Callable[..., Any]]] = [
    get_captain,
    get_number_of_seats,
    get_fare,
    get_tickets_left,
    add,
    multiply,
]


def _look_up(table: dict[str, Any], kind: str, name: str) -> str:
    return str(table.get(name.strip().lower(), f"There is no {kind} named {name}."))


_NEGATION: Final = r"no|none|not|\w+n't|0|zero|cannot|unknown"
_QUESTIONS: Final = (
    # One call.
    ("Who is the captain of the Heron?", ["Lindgren"]),
    ("How many seats does the Petrel have?", ["95"]),
    ("What is the fare to Vega?", ["58"]),
    ("How many tickets to Skagen are left today?", ["14"]),
    ("What is 417 times 36?", ["15012"]),
    ("Add 2786 and 5947.", ["8733"]),
    # A result that is not what the question hopes for.
    ("Who is the captain of the Albatross?", [_NEGATION]),
    ("Is there a ticket to Runde left today?", [_NEGATION]),
    # Several calls, side by side or one after the other.
    ("Who are the captains of the Kestrel and of the Tern?", ["Ruiz", "Novak"]),
    ("Who is the captain of the Tern, and how many seats does it have?", ["Novak", "60"]),
    ("Tell me the fare to Skagen and how many tickets are left.", ["34", "14"]),
    ("Which has more seats, the Kestrel or the Heron?", ["Heron"]),
    ("Is the ticket to Skagen or the one to Runde cheaper?", ["Runde"]),
    ("How many seats do the Petrel and the Tern have together?", ["155"]),
    ("What do a ticket to Skagen and a ticket to Vega cost together?", ["92"]),
    ("What do four tickets to Runde cost?", ["48"]),
    ("What do all tickets to Vega that are left cost together?", ["522"]),
    ("Multiply 15 by 15, and then add 8.", ["233"]),
    # No call.
    ("Wish me a good morning in one short sentence. You need no tool.", ["morning"]),
    ("Which color do blue and yellow paint make? You need no tool.", ["green"]),
)
JOBS: Final = [
    Job(f"agent_{number}", question, expected)
    for number, (question, expected) in enumerate(_QUESTIONS)
]
