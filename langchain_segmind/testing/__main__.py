"""Runs the local gateway as a process: ``python -m langchain_segmind.testing --port 8700``."""

import argparse
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from langchain_segmind.testing.gateway import LocalGateway
from langchain_segmind.testing.ledger import LoggedRequest

_KEPT = 1000  # requests; a process that runs for days must not grow
_POLL = re.compile(r"/v2/requests/(?P<id>[^/]+)(?P<status>/status)?")
_HIDDEN = "<the key you gave>"

_WELCOME = """\
The local Segmind gateway listens.
  base url  {base_url}
  api key   {api_key}
Use it like this:
  from langchain_segmind import ChatSegmind
  model = ChatSegmind(model="gpt-4o", base_url="{base_url}", api_key="{api_key}")
  print(model.invoke("What is the capital of France?").content)
Ctrl-C stops it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gateway until Ctrl-C, or a termination signal.

    Args:
        arguments: The command line; None for the process's own.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(arguments)
    gateway = LocalGateway(
        port=options.port,
        api_key=options.api_key,
        latency=options.latency,
        credits=options.credits,
        keep=_KEPT,
        watch=LiveLog(_say).show,
    )
    try:
        gateway.start()
    except OSError as error:
        sys.stderr.write(f"{error.strerror}\n")
        return 1
    # A key that was given may be a real one, and terminals are recorded.
    shown = _HIDDEN if options.api_key else gateway.api_key
    _say(_WELCOME.format(base_url=gateway.base_url, api_key=shown))
    _wait()
    gateway.stop()
    _say("Stopped.")
    return 0


class LiveLog:
    """Writes every request on a line, but polls that only say *not yet*, or *done*: it counts them.

    Args:
        say: Where the lines go.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._polls: dict[str, int] = {}

    def show(self, request: LoggedRequest) -> None:
        """Show a request, or count it."""
        job = _POLL.match(request.path)
        if job is None:
            self._say(describe(request))
        elif job["status"] and request.status == 200:
            self._count(job["id"])
        else:
            polls = self._polls.pop(job["id"], 0)
            after = f", after {polls} status poll{'s' * (polls != 1)}" if polls else ""
            self._say(describe(request) + after)

    def _count(self, request_id: str) -> None:
        self._polls[request_id] = self._polls.get(request_id, 0) + 1
        if len(self._polls) > _KEPT:
            del self._polls[next(iter(self._polls))]


def describe(request: LoggedRequest) -> str:
    """Write a request on one line, without its headers."""
    outcome = "connection dropped" if request.status is None else str(request.status)
    billed = ", billed" if request.executed else ""
    return f"{request.method} {request.path} -> {outcome}{billed}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m langchain_segmind.testing",
        description="A Segmind gateway on this machine, for tests and first steps without a key.",
    )
    parser.add_argument("--port", type=int, default=8700, help="0 picks a free one (%(default)s)")
    parser.add_argument("--api-key", help="the key to accept (by default one is made up)")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds each model run takes")
    parser.add_argument("--credits", type=float, default=10.0, help="dollars to begin with")
    return parser


def _wait() -> None:
    over = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        over.set()

    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, end)
    over.wait()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
