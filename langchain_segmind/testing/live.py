"""Run a block of a program for everybody: with a key live, and without one on a local gateway."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TextIO

from langchain_segmind.testing import active
from langchain_segmind.testing.conversation import Reply
from langchain_segmind.testing.gateway import LocalGateway
from langchain_segmind.testing.models import Script, Scripted, ScriptedModel, as_replies

SCRIPTED = "[scripted]"


@contextmanager
def live_or_local(replies: Script | None = None, **settings: Any) -> Iterator[LocalGateway | None]:
    """Run a block on the live gateway if there is a key, and on a local gateway if not.

    Unless the environment variable `SEGMIND_API_KEY` is set, every `ChatSegmind` and
    `SegmindEmbeddings` in the block calls the local gateway, no matter when it was built and which
    address it has. The only exception is a model with the address of another `LocalGateway` of this
    process. A line on stdout says where the calls go.

    Example:
        >>> from langchain_segmind import ChatSegmind
        >>> with live_or_local():
        ...     answer = ChatSegmind(model="gpt-4o").invoke("Hello")

    Args:
        replies: The script of a `ScriptedModel`; by default, the local gateway repeats the prompt.
            Texts end in ``[scripted]``, except JSON.
        **settings: Settings of `LocalGateway`, such as ``latency=0.05``.

    Yields:
        The local gateway; None if the calls are live.

    Raises:
        TypeError: If `LocalGateway` does not have such a setting.
    """
    if os.environ.get("SEGMIND_API_KEY"):
        place = os.environ.get("SEGMIND_API_BASE", "the live gateway, and are billed")
        print_line(f"SEGMIND_API_KEY is set: these calls go to {place}.")
        yield None
        return
    responder = {} if replies is None else {"responder": ScriptedModel(_marked(replies))}
    with LocalGateway(**{**responder, **settings}) as gateway:
        variables = {"SEGMIND_API_KEY": gateway.api_key, "SEGMIND_API_BASE": gateway.base_url}
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        what = _describe(replies, settings)
        print_line(f"No SEGMIND_API_KEY: calls go to a local gateway, which {what}.")
        try:
            with active.taking_all(gateway.base_url, gateway.api_key):
                yield gateway
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _describe(replies: Script | None, settings: Mapping[str, Any]) -> str:
    if "responder" in settings:
        return "answers with this program's responder"  # which may be a model
    if replies is None:
        return "echoes the prompts. No model runs"
    return f"returns this program's replies, marked {SCRIPTED}. No model runs"


def _marked(script: Script) -> Script:
    if isinstance(script, Mapping):
        return {key: [*map(_mark, as_replies(found))] for key, found in script.items()}
    return [*map(_mark, script)]


def _mark(reply: Scripted) -> Scripted:
    """Mark a text as scripted, but not JSON: a program parses it."""
    if isinstance(reply, str):
        return reply if reply.lstrip().startswith(("{", "[")) else f"{reply} {SCRIPTED}"
    if isinstance(reply, Reply) and reply.text:
        return replace(reply, text=str(_mark(reply.text)))
    return reply


def print_line(line: str, stream: TextIO | None = None) -> None:
    """Print a line at once, by default on stdout."""
    print(line, file=stream, flush=True)
