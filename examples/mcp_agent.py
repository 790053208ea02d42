"""An agent with the tools of an MCP server.

By the Model Context Protocol (MCP), any program can offer tools to agents. This example starts
examples/servers/issue_tracker.py, lists its tools, and lets an agent call them. To use another
server, change SERVER: its command, or its URL with the transport "streamable_http".

Calls the live gateway if SEGMIND_API_KEY is set, and a local gateway otherwise. SEGMIND_MODEL
replaces gpt-4o. Install: pip install langchain langchain-mcp-adapters
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.sessions import StdioConnection
from langchain_mcp_adapters.tools import load_mcp_tools

from langchain_segmind import ChatSegmind
from langchain_segmind.testing import Call, live_or_local

SERVER = StdioConnection(
    transport="stdio",
    command=sys.executable,
    args=[str(Path(__file__).parent / "servers/issue_tracker.py")],
)
QUESTION = "Which bugs are open? Close the one about umlauts: it was fixed in version 2.1."
REPLIES = {  # the local gateway's replies, one per turn; the server's answers are real
    QUESTION: [
        Call("list_issues", {"label": "bug"}),
        Call("close_issue", {"number": 18, "reason": "fixed in version 2.1"}),
        "Two bugs were open: #12 on large exports and #18 on umlauts. I have closed #18.",
    ]
}


async def main() -> None:
    client = MultiServerMCPClient({"issues": SERVER})
    async with client.session("issues") as session:  # one process for all calls
        tools = await load_mcp_tools(session)
        print("The server offers: " + ", ".join(tool.name for tool in tools))
        async with ChatSegmind(model=os.environ.get("SEGMIND_MODEL", "gpt-4o")) as model:
            agent = create_agent(model, tools)
            state = await agent.ainvoke({"messages": [HumanMessage(QUESTION)]})
    for message in state["messages"]:
        show(message)


def show(message: BaseMessage) -> None:
    match message:
        case HumanMessage():
            print(f"\n  you: {message.text}")
        case AIMessage(tool_calls=[*calls]) if calls:
            for call in calls:
                print(f" call: {call['name']}({call['args']})")
        case AIMessage():
            print(f"model: {message.text}")
        case ToolMessage():
            print(f" tool: {message.text!r}")


if __name__ == "__main__":
    with live_or_local(REPLIES):
        asyncio.run(main())
