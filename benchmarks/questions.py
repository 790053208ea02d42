"""The prompts, each as LangChain messages and as a request body in OpenAI's format."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

WORDS: Final = "How do bees find their way home when the sun is behind the clouds? "


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt as messages and as a request body."""

    messages: list[BaseMessage]
    body: dict[str, Any]

    def times(self, count: int) -> list[LanguageModelInput]:
        """Return it so many times, for `batch`."""
        return [self.messages for _ in range(count)]


def short() -> Question:
    """Return a prompt of one message."""
    return history(1)


def history(length: int) -> Question:
    """Return a conversation of so many messages of about 200 characters each."""
    texts = [f"{n}. {WORDS * 3}" for n in range(length)]
    messages = [AIMessage(text) if n % 2 else HumanMessage(text) for n, text in enumerate(texts)]
    roles = ("user", "assistant")
    in_openai_form = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    return Question([*messages], {"messages": in_openai_form})


def image(size: int) -> Question:
    """Return a prompt with an image of so many bytes."""
    # It must begin like a PNG: data that is not what its label says is refused.
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n".ljust(size, b"\0")).decode()
    text = {"type": "text", "text": WORDS}
    block = {"type": "image", "base64": data, "mime_type": "image/png"}
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    in_openai_form = [{"role": "user", "content": [text, part]}]
    return Question([HumanMessage([text, block])], {"messages": in_openai_form})


def tools(count: int) -> list[dict[str, Any]]:
    """Return so many tools."""
    properties = {
        "city": {"type": "string", "description": "A city's name."},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "units": {"enum": ["metric", "imperial"], "type": "string"},
    }
    parameters = {"type": "object", "properties": properties, "required": ["city"]}
    about = "Look up the weather of the next days."
    return [
        {
            "type": "function",
            "function": {"name": f"weather_{n}", "description": about, "parameters": parameters},
        }
        for n in range(count)
    ]
