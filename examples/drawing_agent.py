"""An agent that draws: its tool calls a picture model with Segmind's own Python client.

The tool returns a sentence for the model, and the picture as its *artifact*: the program gets it
with the `ToolMessage`, and no model has to read, or pay for, its bytes. It is a content block, so a
model that takes images can be shown it.

Calls the live gateway if SEGMIND_API_KEY is set, and otherwise a local gateway, whose pictures are
squares of one color. SEGMIND_MODEL replaces gpt-4o. Install: pip install langchain segmind
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from segmind import SegmindClient

from langchain_segmind import ChatSegmind, content_block_from_file
from langchain_segmind.testing import Call, live_or_local

PAINTER = "flux-schnell"  # a picture model: https://www.segmind.com/models
REQUEST = "Draw a lighthouse at night for the cover of a travel guide."
REPLIES = {  # the local gateway's replies, one per turn
    REQUEST: [
        Call("draw", {"prompt": "A lighthouse at night, light beam over the sea, book cover"}),
        "Here is a cover with a lighthouse at night.",
    ]
}


@tool(response_format="content_and_artifact")
def draw(prompt: str) -> tuple[str, dict[str, Any]]:
    """Draw a picture of what the prompt describes."""
    url = os.environ.get("SEGMIND_API_BASE", "https://api.segmind.com/v1")
    client = SegmindClient(base_url=url, timeout=120)  # it reads SEGMIND_API_KEY
    response = client.run_sync(PAINTER, prompt=prompt)
    cost = response.headers.get("x-cost")
    price = f" for ${float(cost):.4f}" if cost else ""
    return f"The picture is done{price}.", content_block_from_file(response.content)


def main() -> None:
    with (
        live_or_local(REPLIES),
        TemporaryDirectory() as folder,  # use a permanent folder in your own program
        ChatSegmind(model=os.environ.get("SEGMIND_MODEL", "gpt-4o")) as model,
    ):
        agent = create_agent(model, [draw])
        state = agent.invoke({"messages": [HumanMessage(REQUEST)]})
        for message in state["messages"]:
            calls = [call["args"] for call in getattr(message, "tool_calls", ())]
            print(f"{message.type:>5}: {message.text or calls}")
            if isinstance(message, ToolMessage):
                kind = message.artifact["mime_type"].removeprefix("image/")
                picture = Path(folder, f"cover.{kind}")
                picture.write_bytes(base64.b64decode(message.artifact["base64"]))
                print(f"{'':>5}  saved as {picture.name}, {picture.stat().st_size} bytes")


if __name__ == "__main__":
    main()
