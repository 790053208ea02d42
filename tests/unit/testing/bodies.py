"""Request bodies of the three families, and what the local gateway reads and writes of them."""

from typing import Any

import pytest

from langchain_segmind.testing import ModelRequest, Reply, Usage
from langchain_segmind.testing.answers import RefusalError
from langchain_segmind.testing.directory import Family, build_directory
from langchain_segmind.testing.families import Reading, Writing, read_request, write_reply

SLUGS: dict[Family, str] = {
    "openai": "gpt-4o",
    "anthropic": "claude-4.5-sonnet",
    "gemini": "gemini-2.5-flash",
}
DIRECTORY = build_directory()


def openai(*messages: Any, **more: Any) -> dict[str, Any]:
    """Write messages, as OpenAI and Anthropic have them."""
    return {"messages": list(messages), **more}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def gemini(*contents: Any, **more: Any) -> dict[str, Any]:
    return {"messages": {"contents": list(contents), **more}}


def turn(*parts: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


def json_schema(schema: Any) -> dict[str, Any]:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    return {"response_format": wanted}


def read(slug: str, body: dict[str, Any], **more: Any) -> ModelRequest:
    """Read a body as a gateway does that forwards no tools, unless `forward_tools` is set."""
    return read_request(Reading(DIRECTORY[slug], body, **more))


def refusal(slug: str, body: dict[str, Any], **more: Any) -> tuple[int, str]:
    with pytest.raises(RefusalError) as caught:
        read(slug, body, **more)
    assert isinstance(caught.value.body, dict)
    return caught.value.status, caught.value.body["error"]


def written(family: Family, reply: Reply, **more: Any) -> dict[str, Any]:
    return write_reply(family, Writing("slug", reply, Usage(3, 2), "1", **more))
