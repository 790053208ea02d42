"""Runs a command against a gateway: the program under it needs to know nothing."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from types import FrameType

from langchain_segmind.testing.gateway import LocalGateway

_KILLED = 128  # what shells add to a signal's number


def environment(gateway: LocalGateway) -> Mapping[str, str]:
    """Tell which variables have `ChatSegmind` use a gateway."""
    return {"SEGMIND_API_KEY": gateway.api_key, "SEGMIND_API_BASE": gateway.base_url}


def launch(gateway: LocalGateway, command: Sequence[str]) -> int:
    """Run a command until it ends, with the gateway in its environment.

    Args:
        gateway: A gateway that runs.
        command: The program and its arguments.

    Returns:
        Its exit code.

    Raises:
        OSError: There is no such program, or it may not be run.
    """
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
    return code if code >= 0 else _KILLED - code
