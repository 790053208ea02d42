"""The local gateway as a process, under a command, and around a program's own block."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from langchain_segmind import ChatSegmind
from langchain_segmind.testing import LocalGateway, Reply, live_or_local
from tests.integration.local_clients import post

MODULE = [sys.executable, "-m", "langchain_segmind.testing"]
ECHO = "[local stand-in] Hello"
BASE, KEY = "SEGMIND_API_BASE", "SEGMIND_API_KEY"


@pytest.fixture
def proxy_that_must_not_be_used(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Name a proxy in the environment, and have the test fail if anybody connects to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
            monkeypatch.setenv(name.lower(), proxy)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


@dataclass
class Process:
    """The gateway run as a process."""

    running: subprocess.Popen[str]
    base_url: str
    api_key: str
    output: str


@pytest.fixture
def process() -> Iterator[Process]:
    command = [*MODULE, "--port", "0", "--latency", "0"]
    environment = os.environ | {KEY: "SG_very_secret", "PYTHONWARNINGS": "error"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        lines: list[str] = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(running.stdout.readline())
            assert lines[-1], running.communicate()
        found = re.search(r"base url +(\S+)\s+api key +(\S+)", "".join(lines))
        assert found is not None
        yield Process(running, found[1], found[2], "".join(lines))
        running.kill()


def test_process_logs_requests_until_it_is_interrupted(process: Process) -> None:
    assert post(process).status_code == 200
    process.running.send_signal(signal.SIGINT)
    out, err = process.running.communicate(timeout=60)
    assert process.running.returncode == 0
    assert out.splitlines() == ['POST /v1/gpt-4o "Hello" -> 200, billed', "Stopped."]
    assert err == ""
    assert "SG_very_secret" not in process.output + out


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*MODULE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


def test_process_names_a_port_that_is_taken(gateway: LocalGateway) -> None:
    port = re.findall(r"\d+", gateway.base_url)[-2]
    done = run("--port", port)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("address", ["nowhere", "ftp://x"])
def test_process_refuses_an_upstream_address_in_one_line(address: str) -> None:
    done = run("--upstream", address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


IMPORT = "from langchain_segmind import ChatSegmind\n"


def test_command_finds_the_gateway_in_its_environment() -> None:
    program = f"{IMPORT}print(ChatSegmind(model='gpt-4o').invoke('Hello').text)"
    done = run("--", sys.executable, "-c", program)
    assert (done.returncode, done.stdout) == (0, f"{ECHO}\n")
    assert done.stderr.startswith("Running with a local Segmind gateway: ")


def test_command_is_logged_on_request() -> None:
    program = f"{IMPORT}ChatSegmind(model='gpt-4o').get_credits()"
    done = run("--log", "--", sys.executable, "-c", program)
    assert done.stderr.endswith("\nGET /v1/get-user-credits -> 200\n")


@pytest.mark.parametrize(
    ("code", "expected"),
    [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)],
)
def test_command_passes_its_exit_code_on(code: str, expected: int) -> None:
    assert run("--", sys.executable, "-c", code).returncode == expected


def test_command_is_named_when_it_does_not_exist() -> None:
    done = run("--", "no-such-program")
    assert done.returncode == 1
    assert "no-such-program: No such file" in done.stderr


@pytest.mark.parametrize("queue", [False, True])
def test_gateway_is_reached_without_a_proxy_of_the_environment(
    gateway: LocalGateway, proxy_that_must_not_be_used: None, queue: bool
) -> None:
    model = ChatSegmind(
        model="claude-4.5-sonnet",
        base_url=gateway.base_url,
        api_key=gateway.api_key,
        queue=queue,
        poll_interval=0.01,
        timeout=60,
    )

    async def ask() -> str:
        async with model:
            return (await model.ainvoke("Hello")).text

    assert model.invoke("Hello").text == ECHO
    assert asyncio.run(ask()) == ECHO
    assert gateway.executions == 2


class TestLiveOrLocal:
    """A block of a program that runs with a key and without one."""

    @pytest.fixture(autouse=True)
    def _no_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in (KEY, BASE):
            monkeypatch.delenv(name, raising=False)

    def ask(self) -> str:
        return ChatSegmind(model="gpt-4o").invoke("Hello").text

    def test_calls_go_to_a_gateway_with_the_settings_given_when_there_is_no_key(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv(BASE, "https://elsewhere.invalid/v1")
        with live_or_local(credits=3.0) as local:
            assert local is not None
            assert local.credits == 3.0
            assert self.ask() == ECHO
            assert local.executions == 1
        assert KEY not in os.environ
        assert os.environ[BASE] == "https://elsewhere.invalid/v1"
        assert capsys.readouterr().out.startswith("No SEGMIND_API_KEY:")

    def test_calls_ignore_a_proxy_of_the_environment_when_there_is_no_key(
        self, proxy_that_must_not_be_used: None
    ) -> None:
        with live_or_local() as local:
            assert local is not None
            assert self.ask() == ECHO
            assert local.executions == 1

    def test_calls_go_where_the_environment_points_when_there_is_a_key(
        self,
        gateway: LocalGateway,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv(KEY, gateway.api_key)
        monkeypatch.setenv(BASE, gateway.base_url)
        with live_or_local(credits=0.0) as local:
            assert local is None
            assert self.ask() == ECHO
        assert gateway.executions == 1
        printed = capsys.readouterr().out
        assert gateway.base_url in printed
        assert gateway.api_key not in printed

    @pytest.mark.parametrize(
        ("reply", "text"),
        [
            ("Paris.", "Paris. [scripted]"),
            (Reply("Paris.", reasoning="Hm."), "Paris. [scripted]"),
            ('{"city": "Paris"}', '{"city": "Paris"}'),
        ],
        ids=["text", "reply", "json"],
    )
    def test_scripted_texts_are_marked_unless_they_are_json(
        self, reply: str | Reply, text: str
    ) -> None:
        for script in ([reply], {"Hello": reply}, {"Hello": [reply]}):
            with live_or_local(script):
                assert self.ask() == text

    def test_environment_is_restored_after_an_error(self) -> None:
        with pytest.raises(KeyError, match="mine"), live_or_local():
            raise KeyError("mine")
        assert BASE not in os.environ
