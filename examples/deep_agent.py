"""A deep agent: it works on files, and hands a part of the task to another agent.

`deepagents` builds it of LangChain's parts, with tools for files and for other agents. By default,
the files are kept in the agent's state, not on your disk.

Calls the live gateway if SEGMIND_API_KEY is set, and a local gateway otherwise. SEGMIND_MODEL
replaces gpt-4o. Install: pip install deepagents (Python 3.11 or newer)
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langchain_segmind import ChatSegmind, track_usage
from langchain_segmind.testing import Call, live_or_local

SOURCE = Path(__file__).parent / "documents/lighthouses.txt"
TASK = (
    "Write three sentences on the Lighthouse of Alexandria for a travel guide into /guide.md. "
    "The facts are in /lighthouses.txt. Have the text checked, then answer with a summary."
)
CHECK = "Compare /guide.md with /lighthouses.txt and name every error."
GUIDE = (
    "The Lighthouse of Alexandria stood on the island of Pharos. It was about 100 meters tall. "
    "Earthquakes destroyed it."
)
REPLIES = {  # the local gateway's replies, one per turn; the tools really run
    TASK: [
        Call("read_file", {"file_path": "/lighthouses.txt"}),
        Call("write_file", {"file_path": "/guide.md", "content": GUIDE}),
        Call("task", {"description": CHECK, "subagent_type": "checker"}),
        "The text is in /guide.md: place, height and end of the lighthouse. It has been checked.",
    ],
    CHECK: [
        Call("read_file", {"file_path": "/guide.md"}),
        Call("read_file", {"file_path": "/lighthouses.txt"}),
        "No errors.",
    ],
}


def main() -> None:
    if find_spec("deepagents") is None:
        print("Skipped: this example needs deepagents (pip install deepagents), and Python 3.11.")
        return
    from deepagents import SubAgent, create_deep_agent  # noqa: PLC0415
    from deepagents.backends.utils import create_file_data  # noqa: PLC0415

    with (
        live_or_local(REPLIES),
        track_usage() as usage,
        ChatSegmind(model=os.environ.get("SEGMIND_MODEL", "gpt-4o")) as model,
    ):
        checker = SubAgent(
            name="checker",
            description="Checks a text against its source.",
            system_prompt="Read both files. Answer with the errors, or with: no errors.",
        )
        agent: Any = create_deep_agent(model=model, subagents=[checker])
        files = {"/lighthouses.txt": create_file_data(SOURCE.read_text())}
        state = agent.invoke({"messages": [HumanMessage(TASK)], "files": files})
        for message in state["messages"]:
            show(message)
        for name in sorted(state["files"].keys() - files.keys()):
            print(f"\n{name}: {state['files'][name]['content']}")
        print(f"Both agents: {usage}")


def show(message: BaseMessage) -> None:
    match message:
        case HumanMessage():
            print(f"  you: {message.text}")
        case AIMessage(tool_calls=[*calls]) if calls:
            for call in calls:
                print(f" call: {call['name']}({', '.join(map(repr, call['args'].values()))[:80]})")
        case AIMessage():
            print(f"model: {message.text}")
        case ToolMessage():
            print(f" tool: {message.text[:80]!r}")


if __name__ == "__main__":
    main()
