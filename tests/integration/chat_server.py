"""Run examples/chat_server.py for the tests of its API and of its page."""

import re
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

from langchain_segmind.testing import Reply, Usage
from tests.integration.processes import start_python

EXAMPLE = Path(__file__).parents[2] / "examples/chat_server.py"
BUDGET = 0.01
ALL_OF_IT = Usage(2_000, 2_000)


def reply(request):
    """Answer from the conversation that was sent, which shows what the server remembers."""
    questions = [turn.text for turn in request.turns if turn.role == "user"]
    if "Spend everything." in questions[-1]:
        return Reply("Done.", usage=ALL_OF_IT)
    names = re.findall(r"My name is (\w+)", "\n".join(questions))
    return f"You are {names[0]}." if names else "I do not know your name."


@contextmanager
def serve(gateway):
    """Start the server, give its address, and stop it as Ctrl-C does."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    arguments = (EXAMPLE, "--port", 0, "--budget", BUDGET)
    with start_python(*arguments, gateway=gateway, **pipes) as process:
        printed = ""
        for line in process.stderr:
            printed += line
            if address := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        else:
            raise AssertionError(printed)
        try:
            yield address[0]
        finally:
            process.send_signal(signal.SIGINT)
            errors = process.communicate()[1]
    assert "Traceback" not in errors, errors
