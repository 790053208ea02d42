"""Run a program against a gateway: a command, or the rest of the process itself."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from langchain_segmind.testing import active
from langchain_segmind.testing.gateway import LocalGateway
from langchain_segmind.testing.scripted import Script, ScriptedModel


def environment(gateway: LocalGateway) -> Mapping[str, str]:
    """Return the variables that make `ChatSegmind` use a gateway."""
    return {"SEGMIND_API_KEY": gateway.api_key, "SEGMIND_API_BASE": gateway.base_url}


@contextmanager
def live_or_local(replies: Script | None = None, **settings: Any) -> Iterator[LocalGateway | None]:
    """Run a block on the live gateway if there is a key, and on a local gateway if not.

    In the block, every `ChatSegmind` and `SegmindEmbeddings` goes to the local gateway, whenever it
    was built and whatever address it has, unless the environment variable `SEGMIND_API_KEY` holds a
    key. Only a model with the address of another `LocalGateway` of this process goes there. A line
    on stdout says where the calls go.

    Example:
        >>> from langchain_segmind import ChatSegmind
        >>> with live_or_local():
        ...     answer = ChatSegmind(model="gpt-4o").invoke("Hello")

    Args:
        replies: What the local gateway replies, as `ScriptedModel` takes it; by default it repeats
            what it is asked.
        **settings: What `LocalGateway` takes, as ``latency=0.05``.

    Yields:
        The local gateway; None where the calls are live.

    Raises:
        TypeError: `LocalGateway` does not have such a setting.
    """
    if os.environ.get("SEGMIND_API_KEY"):
        place = os.environ.get("SEGMIND_API_BASE", "the live gateway, and are billed")
        _print(f"SEGMIND_API_KEY is set: these calls go to {place}.")
        yield None
        return
    if replies is not None:
        settings = {"responder": ScriptedModel(replies), **settings}
    with LocalGateway(**settings) as gateway:
        variables = environment(gateway)
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        what = "echoes the prompts" if replies is None else "returns the program's scripted replies"
        _print(f"No SEGMIND_API_KEY: calls go to a local gateway, which {what}.")
        try:
            with active.taking_all(gateway.base_url, gateway.api_key):
                yield gateway
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def launch(gateway: LocalGateway, command: Sequence[str]) -> int:
    """Run a command until it ends, with the gateway in its environment; return its exit code."""
    variables = {**os.environ, **environment(gateway)}
    running = subprocess.Popen(command, env=variables)  # noqa: S603 - the user's own command

    def pass_on(number: int, _frame: FrameType | None) -> None:
        running.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = running.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code  # as shells say which signal ended it
