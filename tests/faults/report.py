"""Print every scenario of the catalog, for this package and other chat models, as Markdown.

`python -m tests.faults.report [GROUP ...]`. Each client runs in a process of its own, which is
killed when it does not answer; clients that are not installed are left out. A cell has the class
raised, the requests that arrived, the runs of the model (each is billed) and the seconds.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from tests.faults.catalog import CATALOG
from tests.faults.catalog.places import Place
from tests.faults.catalog.scenario import Scenario
from tests.faults.checks import KEY

LIMIT = 12.0
"""Seconds a client may take for one scenario."""

SHARES = 3
"""Processes for each client: most of the time is spent waiting."""

BARE = ("builtins", "json", "pydantic_core", "asyncio")
"""Modules whose errors do not say whether a call was billed."""


@dataclass(frozen=True)
class Run:
    """The result of one scenario with one client.

    Attributes:
        name: The class that was raised; empty for an answer, "?" where none came in time.
        module: Where that class lives.
        requests: How many requests arrived at the gateway.
        runs: How many times the model ran.
        seconds: How long it took.
        strangers: How many connections other hosts saw.
    """

    name: str
    module: str
    requests: int
    runs: int
    seconds: float
    strangers: int


# --- the clients, each in its own process -------------------------------------------------------


@dataclass(frozen=True)
class Client:
    """A chat model under test.

    Attributes:
        takes_authorities: Whether it has a setting for the certificates to trust.
        whole_seconds: Whether its timeout takes whole seconds only.
    """

    title: str
    package: str
    name: str
    is_async: bool = False
    takes_authorities: bool = True
    whole_seconds: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether it has this package's settings, and uses the gateway's queue."""
        return self.package == "langchain_segmind"

    def build(self, job: Mapping[str, Any]) -> Any:
        """Build the model with those settings that it knows."""
        known = job["settings"] if self.is_ours else ("timeout", "max_retries")
        settings = {"timeout": 10, **{k: v for k, v in job["settings"].items() if k in known}}
        if self.whole_seconds:
            settings["timeout"] = math.ceil(settings["timeout"])
        cls = getattr(import_module(self.package), self.name)
        return cls(model="m", api_key=KEY, base_url=job["url"], **settings)


CLIENTS = {
    "ours": Client("ChatSegmind", "langchain_segmind", "ChatSegmind"),
    "ours-async": Client("ChatSegmind, async", "langchain_segmind", "ChatSegmind", is_async=True),
    "openai": Client("ChatOpenAI", "langchain_openai", "ChatOpenAI"),
    "mistral": Client(
        "ChatMistralAI",
        "langchain_mistralai",
        "ChatMistralAI",
        takes_authorities=False,
        whole_seconds=True,
    ),
}


def work(client: Client) -> None:
    """Run the jobs of standard input, a line of JSON each, and print their results."""
    for line in sys.stdin:
        job = json.loads(line)
        os.environ.update(job["environment"])
        began = time.monotonic()
        error = _error_of(client, job)
        kind = type(error)
        result: dict[str, Any] = {"seconds": time.monotonic() - began}
        result |= {"name": kind.__name__, "module": kind.__module__} if error else {}
        print(json.dumps(result), flush=True)  # noqa: T201
        for name in job["environment"]:
            del os.environ[name]


def _error_of(client: Client, job: Mapping[str, Any]) -> Exception | None:
    async def acall() -> None:
        model = client.build(job)
        for _ in range(job["calls"]):
            await model.ainvoke("hi")
            await asyncio.sleep(0.4 * (job["calls"] - 1))
        await model.aclose()

    try:
        if client.is_async:
            asyncio.run(acall())
        else:
            model = client.build(job)
            for _ in range(job["calls"]):
                model.invoke("hi")
                time.sleep(0.4 * (job["calls"] - 1))
    except Exception as error:  # noqa: BLE001 - whatever it is goes into the table
        return error
    return None


class Worker:
    """The process of one client; it is started again after it was killed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._process: subprocess.Popen[str] | None = None

    def run(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Run a job; the name of the result is "?" when it takes too long."""
        if self._process is not None and self._process.poll() is not None:
            self.stop()  # it died at the last one
        process = self._process = self._process or self._started()
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if selector.select(LIMIT) and (line := process.stdout.readline()):
                found: dict[str, Any] = json.loads(line)
                return found
        self.stop()
        return {"name": "?", "module": "", "seconds": LIMIT}

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None

    def _started(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.report", "--work", self._name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout
        process.stdout.readline()  # it is ready
        return process


# --- the runs ----------------------------------------------------------------------------------


def run_all(name: str, scenarios: Iterable[Scenario]) -> dict[str, Run]:
    """Run all scenarios that a client can run."""
    client, worker = CLIENTS[name], Worker(name)
    found = {}
    for scenario in scenarios:
        if client.is_ours or _is_for_others(scenario):
            with scenario.at() as place:
                if client.takes_authorities or "verify" not in place.settings:
                    found[scenario.name] = _run(client, worker, scenario, place)
    worker.stop()
    return found


def _is_for_others(scenario: Scenario) -> bool:
    """Return whether a fault can happen at any gateway, and is not one of many that are alike."""
    if scenario.group == "status":
        return "with" not in scenario.name or "the gateway's words" in scenario.name
    segmind_only = ("claude", "gemini", "job")
    return scenario.group != "queue" and not any(word in scenario.name for word in segmind_only)


def _run(client: Client, worker: Worker, scenario: Scenario, place: Place) -> Run:
    settings = {**place.settings, **scenario.settings}
    environment: dict[str, Any] = {}
    if not client.is_ours:
        known = {"verify": ("SSL_CERT_FILE",), "proxy": ("HTTPS_PROXY", "HTTP_PROXY")}
        for field, names in known.items():
            environment |= dict.fromkeys(names, settings[field]) if field in settings else {}
    job = {"url": place.url, "settings": settings, "calls": scenario.calls}
    result = worker.run({**job, "environment": environment})
    server = place.gateway
    return Run(
        result.get("name", ""),
        result.get("module", ""),
        server.requests.total() if server else 0,
        server.executions["m"] + server.executions["*"] if server else 0,
        result["seconds"],
        sum(canary.connections for canary in place.canaries),
    )


# --- the table ---------------------------------------------------------------------------------


def summary(scenarios: list[Scenario], runs: Mapping[str, Mapping[str, Run]]) -> str:
    """Count what matters to a user, by client."""
    by_name = {scenario.name: scenario for scenario in scenarios}
    lines = [
        f"| of {len(scenarios)} faults | {' | '.join(CLIENTS[name].title for name in runs)} |",
        "|---|" + "---:|" * len(runs),
    ]
    counts: dict[str, Callable[[Scenario, Run], bool]] = {
        "could be run": lambda _, run: True,
        "answered": lambda _, run: not run.name,
        "ran the model more than once by default": lambda s, run: (
            run.runs > s.calls and "retry_ambiguous" not in s.settings
        ),
        f"did not end within {LIMIT:.0f} s, its own waits included": lambda _, run: run.name == "?",
        "raised an error of the standard library or pydantic": lambda _, run: (
            run.module.split(".")[0] in BARE
        ),
        "followed a redirect to another host": lambda _, run: run.strangers > 0,
        "lost an answer that had arrived": lambda s, run: s.error is None and run.name != "",
    }
    for what, counts_it in counts.items():
        cells = (
            sum(counts_it(by_name[scenario], run) for scenario, run in found.items())
            for found in runs.values()
        )
        lines.append(f"| {what} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def table(scenarios: Iterable[Scenario], runs: Mapping[str, Mapping[str, Run]]) -> str:
    """Show every run."""
    lines = [
        f"| fault | {' | '.join(CLIENTS[name].title for name in runs)} |",
        "|---|" + "---|" * len(runs),
    ]
    for scenario in scenarios:
        cells = (_cell(found.get(scenario.name)) for found in runs.values())
        lines.append(f"| {scenario.name.replace('|', '/')} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(run: Run | None) -> str:
    if run is None:
        return "-"
    result = {"": "answer", "?": "no end"}.get(run.name, run.name)
    return f"{result} {run.requests}/{run.runs}, {run.seconds:.1f} s"


def main(groups: list[str]) -> None:
    """Run the report and print it."""
    scenarios = [s for s in CATALOG if not groups or s.group in groups]
    names = [name for name, client in CLIENTS.items() if find_spec(client.package)]
    shares = [(name, scenarios[n::SHARES]) for name in names for n in range(SHARES)]
    with ThreadPoolExecutor(len(shares)) as pool:
        parts = list(pool.map(lambda share: run_all(*share), shares))
    runs: dict[str, dict[str, Run]] = {name: {} for name in names}
    for (name, _), part in zip(shares, parts, strict=True):
        runs[name] |= part
    print("# Faults\n")  # noqa: T201
    print(_ABOUT)  # noqa: T201
    print(summary(scenarios, runs), end="\n\n## Every fault\n\n")  # noqa: T201
    print(table(scenarios, runs))  # noqa: T201


_ABOUT = """Generated by `make faults`. Each chat model runs with its default settings. A cell
is: result, requests received / model runs (each billed), seconds. Faults of Segmind's queue and of
Claude's and Gemini's formats, and most variants of error bodies, are run with ChatSegmind only.
"""


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        chosen = CLIENTS[sys.argv[2]]
        import_module(chosen.package)
        print("ready", flush=True)  # noqa: T201
        work(chosen)
    else:
        main(sys.argv[1:])
