"""A chat in the browser: conversations with memory and a budget, and events as they happen.

    python examples/chat_server.py

serves http://127.0.0.1:8000. Each conversation has its own memory (a LangGraph checkpointer) and
its own budget (`track_usage`). While the agent works, its steps arrive as server-sent events; the
page, examples/chat.html, shows them. `--help` lists the options.

Calls the live gateway if SEGMIND_API_KEY is set, and otherwise a local gateway, which does not
answer, but says what it was sent. Install: pip install fastapi uvicorn langchain
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import FileResponse, StreamingResponse
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel, Field

from langchain_segmind import (
    ChatSegmind,
    SegmindBudgetExceededError,
    SegmindError,
    UsageTracker,
    track_usage,
)
from langchain_segmind.testing import Call, FunctionModel, ModelRequest, live_or_local

PAGE = Path(__file__).with_name("chat.html")
HOSTS = ["127.0.0.1", "localhost"]  # no other site can call the server by a name of its own
RESULT = "<tool_result"  # how a prompt shows what a tool returned


class Question(BaseModel):
    """What the page sends."""

    text: str = Field(min_length=1, max_length=10_000)


class Chat:
    """The conversations of one agent, each with a memory and a budget of its own."""

    def __init__(self, model: ChatSegmind, budget: float) -> None:
        self._agent: Any = create_agent(
            model,
            [current_time],
            system_prompt="You are a helpful assistant. Be brief.",
            checkpointer=InMemorySaver(),  # a database in your own program
        )
        self._budget = budget
        self._usage: dict[str, UsageTracker] = {}

    async def history(self, conversation: str) -> list[dict[str, Any]]:
        """Return the messages of a conversation, as events."""
        state = await self._agent.aget_state(self._config(conversation))
        return [event for message in state.values.get("messages", ()) for event in events(message)]

    async def ask(self, conversation: str, text: str) -> AsyncIterator[str]:
        """Yield the agent's steps as server-sent events, and what the conversation cost so far."""
        config = self._config(conversation)
        state = {"messages": [HumanMessage(text)]}
        try:
            async for update in self._agent.astream(state, config, stream_mode="updates"):
                for step in update.values():
                    for message in step["messages"]:
                        for event in events(message):
                            yield encode(event)
        except SegmindBudgetExceededError:
            note = f"The budget of this conversation, ${self._budget:g}, is used up."
            yield encode({"type": "stopped", "text": f"{note} Please start a new one."})
        except SegmindError as error:
            yield encode({"type": "failed", "text": str(error)})
        yield encode({"type": "usage", "text": str(self._usage[conversation])})

    def _config(self, conversation: str) -> RunnableConfig:
        usage = self._usage.setdefault(conversation, track_usage(self._budget))
        return {"configurable": {"thread_id": conversation}, "callbacks": [usage]}


def current_time() -> str:
    """Return the date and the time."""
    return f"{datetime.now().astimezone():%A, %B %d, %Y, %H:%M %Z}"


def events(message: BaseMessage) -> list[dict[str, Any]]:
    """Describe a message of a conversation to the page."""
    match message:
        case AIMessage(tool_calls=[*calls]) if calls:
            return [{"type": "call", "text": f"{call['name']}({call['args']})"} for call in calls]
        case AIMessage():
            return [{"type": "answer", "text": message.text}]
        case ToolMessage():
            return [{"type": "result", "text": message.text}]
    return [{"type": "question", "text": message.text}]


def encode(event: dict[str, Any]) -> str:
    return f"data: {json.dumps(event)}\n\n"


def build(chat: Chat) -> FastAPI:
    """Build the web application."""
    app = FastAPI(title="Chat")
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(PAGE)

    @app.get("/conversations/{conversation}")
    async def history(conversation: str) -> list[dict[str, Any]]:
        return await chat.history(conversation)

    @app.post("/conversations/{conversation}")
    async def ask(conversation: str, question: Question) -> StreamingResponse:
        stream = chat.ask(conversation, question.text)
        return StreamingResponse(stream, media_type="text/event-stream")

    return app


def offline_reply(request: ModelRequest) -> str | Call:
    """Reply without a model: call the tool if the time is asked for, or say what was sent."""
    asked = [turn.text for turn in request.turns if turn.role == "user"]
    if RESULT in asked[-1]:
        return f"[offline] The tool returned: {re.sub('<.*?>', '', asked[-1]).strip()}"
    if "time" in asked[-1].lower():
        return Call("current_time")
    questions = [text for text in asked if RESULT not in text]
    return f"[offline] This is question {len(questions)}; the first one was: {questions[0]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", default="gpt-4o")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--budget", type=float, default=0.05, help="dollars per conversation")
    options = parser.parse_args()
    with live_or_local(responder=FunctionModel(offline_reply), latency=0.5):
        chat = Chat(ChatSegmind(model=options.model), options.budget)
        uvicorn.run(build(chat), port=options.port, access_log=False)


if __name__ == "__main__":
    main()
