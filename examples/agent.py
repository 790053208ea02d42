"""An agent with three tools that holds a conversation, on one model of each family.

The gateway does not forward tools, so tool calling is emulated: the tool schemas go into the
prompt, and the reply is parsed into tool calls. LangChain's `create_agent` works as usual.

Calls the live gateway if SEGMIND_API_KEY is set, and a local gateway otherwise. SEGMIND_MODEL sets
a single model, and CALLS the number of questions. Install: pip install langchain numpy
"""

from __future__ import annotations

import os

from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, ToolException, create_retriever_tool, tool
from langchain_core.vectorstores import InMemoryVectorStore
from langgraph.checkpoint.memory import InMemorySaver

from langchain_segmind import ChatSegmind, track_usage
from langchain_segmind.testing import Call, live_or_local

MODELS = os.environ.get("SEGMIND_MODEL", "gpt-4o claude-4.5-sonnet gemini-2.5-flash").split()
LOOK_UP = Call("look_up_order", {"number": 1042})
REPLIES = {  # the local gateway's replies, by a text in the prompt; a list has one reply per turn
    "Multiply 17 and 23": [Call("multiply", {"a": 17, "b": 23}), "17 times 23 is 391."],
    "order 1042": [LOOK_UP, LOOK_UP, "Order 1042 was shipped on Monday."],
    "return the shoes": [
        Call("search_rules", {"query": "How long can I return shoes?"}),
        "You can return them within 30 days, if they are unworn.",
    ],
    "Thank you": "You are welcome!",
}
QUESTIONS = (
    "Multiply 17 and 23, please.",
    "Look up the order 1042: was it shipped?",
    "Search the rules of the shop: how long can I return the shoes?",
    "Thank you!",
)


def main() -> None:
    with live_or_local(REPLIES), track_usage() as usage:
        for slug in MODELS:
            print(f"\n=== {slug} " + "=" * (60 - len(slug)))
            # Slow models go through the gateway's job queue, which is polled.
            with ChatSegmind(model=slug, poll_interval=0.1) as model:
                converse(model)
        print(f"\nIn total: {usage}")


def converse(model: ChatSegmind) -> None:
    """Ask an agent all questions in one conversation, and print each step."""
    limit = ModelCallLimitMiddleware(run_limit=4, exit_behavior="end")  # weak models may never stop
    agent = create_agent(model, tools(), middleware=[limit], checkpointer=InMemorySaver())
    shown = 0
    for question in QUESTIONS[: int(os.environ.get("CALLS", "4"))]:
        state = agent.invoke(
            {"messages": [HumanMessage(question)]}, {"configurable": {"thread_id": model.model}}
        )
        for message in state["messages"][shown:]:
            show(message)
        shown = len(state["messages"])


def tools() -> list[BaseTool]:
    """Return a calculator, a lookup that fails the first time, and a document search."""
    tries: list[int] = []

    @tool
    def multiply(a: int, b: int) -> int:
        """Multiply two whole numbers."""
        return a * b

    @tool
    def look_up_order(number: int) -> str:
        """Look up an order by its number."""
        tries.append(number)
        if len(tries) == 1:
            raise ToolException("the shop does not answer, try again")
        return f"Order {number} was shipped on Monday."

    look_up_order.handle_tool_error = True
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=16))
    store.add_documents([Document(rule) for rule in RULES])
    search = create_retriever_tool(
        store.as_retriever(search_kwargs={"k": len(RULES)}),
        "search_rules",
        "Search the rules of the shop.",
    )
    return [multiply, look_up_order, search]


RULES = (
    "Shoes and clothes can be returned within 30 days, if they are unworn.",
    "Shipping is free above 50 euros.",
    "Gift cards are valid for three years.",
)


def show(message: BaseMessage) -> None:
    match message:
        case HumanMessage():
            print(f"\n  you: {message.text}")
        case AIMessage():
            if message.text and not message.tool_calls:
                print(f"model: {message.text}")
            for call in message.tool_calls:
                print(f" call: {call['name']}({call['args']})")
        case ToolMessage():
            print(f" tool: {message.status}: {message.text[:70]!r}")


if __name__ == "__main__":
    main()
