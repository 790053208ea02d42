"""Run the local gateway as a process: ``python -m langchain_segmind.testing --port 8700``."""

import argparse
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from langchain_segmind.testing.gateway import LocalGateway
from langchain_segmind.testing.live import print_line
from langchain_segmind.testing.live_log import LiveLog
from langchain_segmind.testing.openai_compatible import OpenAICompatibleModel

_KEPT = 1000  # requests; a process that runs for days must not grow
_PORT = 8700
_UPSTREAM_KEY = "UPSTREAM_API_KEY"

_WELCOME = """\
The local Segmind gateway is running. {about}
  base url  {base_url}
  api key   {api_key}

Use it from any program, without changing its code:
  export SEGMIND_API_BASE={base_url}
  export SEGMIND_API_KEY={api_key}
or start a program together with a gateway:
  python -m langchain_segmind.testing -- python program.py
Use it in Python:
  from langchain_segmind import ChatSegmind
  model = ChatSegmind(model="gpt-4o", base_url="{base_url}", api_key="{api_key}")
  print(model.invoke("What is the capital of France?").text)
Use it in tests (installing this package adds the pytest fixture):
  def test_my_program(segmind_gateway):
      segmind_gateway.reply("Paris.")

Requests are logged below. Press Ctrl-C to stop."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gateway until Ctrl-C or a termination signal, or until a command has run."""
    options = _parser().parse_args(arguments)
    command = options.command[options.command[:1] == ["--"] :]
    try:
        gateway = _gateway(options, command)
        gateway.start()
    except OSError as error:
        return _fail(error.strerror or str(error))
    except ValueError as error:
        return _fail(str(error))
    upstream = f"It forwards requests to the model at {options.upstream}."
    about = upstream if options.upstream else "It echoes the prompt instead of running a model."
    try:
        return _run(gateway, about, command) if command else _serve(gateway, about, options)
    finally:
        gateway.stop()


def _serve(gateway: LocalGateway, about: str, options: argparse.Namespace) -> int:
    stopped = threading.Event()

    _on_signals(lambda _number, _frame: stopped.set())
    # A key that was given may be a real one, and terminals are recorded.
    shown = "<the key you gave>" if options.api_key else gateway.api_key
    print_line(_WELCOME.format(about=about, base_url=gateway.base_url, api_key=shown))
    stopped.wait()
    gateway.stop()
    print_line("Stopped.")
    return 0


def _run(gateway: LocalGateway, about: str, command: Sequence[str]) -> int:
    _print_error(f"Running with a local Segmind gateway: {' '.join(command)}\n{about}")
    variables = {"SEGMIND_API_KEY": gateway.api_key, "SEGMIND_API_BASE": gateway.base_url}
    try:
        running = subprocess.Popen(command, env={**os.environ, **variables})  # noqa: S603 - the user's own command
    except OSError as error:
        return _fail(f"{command[0]}: {error.strerror}")
    _on_signals(lambda number, _frame: running.send_signal(number))
    code = running.wait()
    return code if code >= 0 else 128 - code  # as shells say which signal ended it


def _on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _gateway(options: argparse.Namespace, command: Sequence[str]) -> LocalGateway:
    responder = None
    if options.upstream:
        key = os.environ.get(_UPSTREAM_KEY)
        responder = OpenAICompatibleModel(options.upstream, options.upstream_model, api_key=key)
    # The output of a command must stay separate.
    log = LiveLog(_print_error if command else print_line).show
    return LocalGateway(
        responder=responder,
        host=options.host,
        allowed_hosts=options.allow_host,
        port=(0 if command else _PORT) if options.port is None else options.port,
        api_key=options.api_key,
        latency=options.latency,
        credits=options.credits,
        keep=_KEPT,
        watch=log if options.log or not command else None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m langchain_segmind.testing",
        description="Run a local Segmind gateway, for tests and for demos without an API key.",
    )
    port = f"port to listen on; 0 picks a free one (default: {_PORT}; with a command: a free one)"
    parser.add_argument("--port", type=int, help=port)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 for all of this machine's (default: 127.0.0.1)",
    )
    parser.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="name by which another machine or container calls this gateway; may be repeated",
    )
    parser.add_argument("--api-key", help="API key to accept (default: a generated one)")
    parser.add_argument(
        "--latency", type=float, default=0.0, help="seconds that each model run takes"
    )
    parser.add_argument(
        "--credits", type=float, default=10.0, help="initial balance in US dollars (default: 10)"
    )
    parser.add_argument(
        "--upstream",
        metavar="URL",
        help="forward requests to an OpenAI-compatible server such as http://127.0.0.1:11434/v1; "
        f"if it needs a key, set {_UPSTREAM_KEY}",
    )
    parser.add_argument(
        "--upstream-model", metavar="NAME", help="name of its model (default: the slug)"
    )
    parser.add_argument("--log", action="store_true", help="with a command: log requests to stderr")
    parser.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        metavar="-- command",
        help="program to run with SEGMIND_API_BASE and SEGMIND_API_KEY set to this gateway",
    )
    return parser


def _fail(text: str) -> int:
    _print_error(text)
    return 1


def _print_error(line: str) -> None:
    print_line(line, sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
