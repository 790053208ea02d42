"""Start Python programs that use a local gateway, and wait for what other processes do."""

import subprocess
import sys
import time


def start_python(*arguments, gateway=None, environment=None, **pipes):
    """Start Python with an empty environment but for the gateway's address and these variables."""
    variables = {"PATH": "", **(environment or {})}
    if gateway:
        variables |= {"SEGMIND_API_KEY": gateway.api_key, "SEGMIND_API_BASE": gateway.base_url}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, text=True, env=variables, **pipes)


def run_python(*arguments, **settings):
    """Run Python to its end, and return what it printed, its errors and its exit code."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start_python(*arguments, **pipes, **settings) as process:
        printed, errors = process.communicate()
    return printed, errors, process.returncode


def wait_until(is_true, seconds=60):
    """Wait for a condition; a test is about whether it becomes true, not when."""
    until = time.monotonic() + seconds
    while not is_true() and time.monotonic() < until:
        time.sleep(0.01)
    assert is_true()
