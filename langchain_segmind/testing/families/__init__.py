"""The body formats: how each reads a request into a `ModelRequest`, and writes a `Reply`.

A new format is one file and one row here. Formats never import one another.
"""

from collections.abc import Mapping
from typing import Any

from langchain_segmind.testing.checks import check_settings
from langchain_segmind.testing.conversation import ModelRequest
from langchain_segmind.testing.directory import Family
from langchain_segmind.testing.families import anthropic, gemini, openai
from langchain_segmind.testing.families.common import (
    FamilyFormat,
    Reading,
    Writing,
    read_response_format,
)

__all__ = ["Reading", "Writing", "read_request", "write_reply"]

# The gateway drops these silently, unless it forwards tools.
_DROPPED = {"tools", "tool_choice", "parallel_tool_calls", "toolConfig", "stream", "stream_options"}
_NO_SETTINGS = frozenset({"messages", "prompt", "response_format", *_DROPPED})

_FORMATS: Mapping[Family, FamilyFormat] = {
    "openai": openai.FORMAT,
    "anthropic": anthropic.FORMAT,
    "gemini": gemini.FORMAT,
}


def read_request(reading: Reading) -> ModelRequest:
    """Read a request body in its family's format; raise a `RefusalError` if it breaks a rule."""
    body, model = reading.body, reading.model
    form = _FORMATS[model.family]
    system, turns = form.read_conversation(reading)
    left_out = _NO_SETTINGS | form.own_fields
    request = ModelRequest(
        slug=model.slug,
        family=model.family,
        system=system,
        turns=turns,
        response_format=read_response_format(body),
        settings={key: value for key, value in body.items() if key not in left_out},
        offer=form.read_offer(body) if reading.forward_tools else None,
    )
    form.check_response_format(request)
    check_settings(request.settings, form.settings)
    return request


def write_reply(family: Family, writing: Writing) -> dict[str, Any]:
    """Write a reply body in a family's format."""
    return _FORMATS[family].write(writing)
