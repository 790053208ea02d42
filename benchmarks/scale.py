"""`make bench-scale`: measure many prompts in one process, and write the tables of docs/scaling.md.

With `--quick`, only check that everything runs: few prompts, and nothing is written.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from benchmarks import subjects
from benchmarks.clients import BATCH_THREADS, CONNECTIONS
from benchmarks.measures import OURS, child
from benchmarks.server import Server, open_files

PAGE: Final = Path(__file__).parents[1] / "docs/scaling.md"
BEGIN: Final = "<!-- written by `make bench-scale`: begin -->"
END: Final = "<!-- written by `make bench-scale`: end -->"

PEER: Final = "ChatOpenAI"
DELAY: Final = 50
"""Milliseconds that the model takes for a prompt."""

_PROMPTS: Final = (1_000, 10_000, 100_000)
_MOST: Final = {PEER: 10_000, "requests": 10_000}
"""More prompts would take them minutes, and say nothing new."""
_BARE: Final = {
    "abatch": "aiohttp",
    "batch": "requests",
    "ainvoke": "aiohttp",
    "invoke": "requests",
}
_AT_ONCE: Final = (1, 64, 1_000)
_PROCESSES: Final = (1, 2)
_UNKNOWN: Final = "-"

_ABOUT_BATCHES: Final = (
    f"A model that takes {DELAY} ms. `batch` uses {BATCH_THREADS} threads, the other methods their "
    f"defaults,\n`aiohttp` {CONNECTIONS:,} connections:"
)
_ABOUT_RATES: Final = (
    "Calls a second, of all processes together, with a model that answers at once. `at once` is\n"
    "the number of tasks (`ainvoke`) or threads (`invoke`) in each process:"
)

LABELS: Final = 3
"""How many cells of a row say what is measured; the others are figures."""

BatchRow = tuple[int, str, str]
"""Prompts, method and client."""

BATCHES: Final[Sequence[BatchRow]] = [
    (prompts, method, client)
    for prompts in _PROMPTS
    for method in ("abatch", "abatch_as_completed", "batch")
    for client in (OURS, PEER, _BARE.get(method, ""))
    if client and prompts <= _MOST.get(client, prompts)
]
RATES: Final = [
    (method, client) for method in ("ainvoke", "invoke") for client in (OURS, PEER, _BARE[method])
]


@dataclass
class Figures:
    """What was measured; what was not is missing.

    Attributes:
        batches: By row, what `benchmarks.jobs.prompts` returns.
        rates: By method, client, calls at once and processes: calls a second.
        about: When, where and with which versions.
    """

    batches: dict[BatchRow, Mapping[str, Any]] = field(default_factory=dict)
    rates: dict[tuple[str, str, int, int], float] = field(default_factory=dict)
    about: str = "Not measured yet."


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--most", type=int, default=_PROMPTS[-1], help="leave out rows of more prompts"
    )
    options = parser.parse_args()
    subjects.clean_environment()
    open_files()
    with Server() as server:
        figures = measure(server, options.most, quick=options.quick)
    text = tables(figures)
    print(text)
    if not options.quick:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.partition(BEGIN)[0], page.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def measure(server: Server, most: int, *, quick: bool) -> Figures:
    """Measure every row for which the client is installed, each in a new process."""
    figures = Figures(about=_about())
    installed = {peer.name for peer in subjects.PEERS if peer.is_installed}
    missing = {PEER} - (set() if quick else installed)
    for row in BATCHES:
        prompts, method, client = row
        if client in missing or prompts > most:
            continue
        print(f"{prompts:,} prompts, {method}, {client} ...", file=sys.stderr, flush=True)
        before = server.opened()
        size = prompts // 100 if quick else prompts
        found = child("prompts", method, client, server.url(DELAY), size)
        figures.batches[row] = {**found, "connections": server.opened() - before, "prompts": size}
    for method, client in RATES:
        for processes in _PROCESSES:
            if client in missing:
                continue
            print(f"{method}, {client}, {processes} ...", file=sys.stderr, flush=True)
            seconds = 0.05 if quick else 1.0
            found_rates = _rates(processes, method, client, server.url(), seconds)
            for at_once, rate in zip(_AT_ONCE, found_rates, strict=True):
                figures.rates[method, client, at_once, processes] = rate
    return figures


def _rates(processes: int, method: str, client: str, url: str, seconds: float) -> list[float]:
    """Return the calls a second of so many processes together, for each number of calls at once."""
    arguments = [method, client, url, str(seconds), *map(str, _AT_ONCE)]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.jobs", "rates", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(processes)
    ]
    found: list[float] = []
    for _ in _AT_ONCE:
        for process in started:
            _line(process)  # it is ready
        for process in started:
            if process.stdin is not None:
                process.stdin.write("\n")
                process.stdin.flush()
        found.append(sum(float(_line(process)) for process in started))
    for process in started:
        process.communicate()
    return found


def _line(process: subprocess.Popen[str]) -> str:
    line = "" if process.stdout is None else process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended early")
    return line


# --- the page --------------------------------------------------------------------------------


def tables(figures: Figures) -> str:
    """Write the tables of docs/scaling.md."""
    batches = [
        ["prompts", "method", "client", "seconds", "first answer, s", "calls a second"],
        *(_batch_row(row, figures.batches.get(row)) for row in BATCHES),
    ]
    batches[0] += ["peak memory, MB", "KB a prompt", "connections", "failed"]
    rates = [
        ["method", "at once", "client", *(f"{n} process{'es' * (n > 1)}" for n in _PROCESSES)],
        *(
            [f"`{method}`", f"{at_once:,}", client]
            + [
                _number(figures.rates.get((method, client, at_once, processes)))
                for processes in _PROCESSES
            ]
            for method, client in RATES
            for at_once in _AT_ONCE
        ),
    ]
    parts = [_ABOUT_BATCHES, _table(batches), _ABOUT_RATES, _table(rates), figures.about]
    return "\n\n".join(parts) + "\n"


def _batch_row(row: BatchRow, found: Mapping[str, Any] | None) -> list[str]:
    prompts, method, client = row
    cells = [f"{prompts:,}", f"`{method}`", client]
    if found is None:
        return cells + [_UNKNOWN] * 7
    return [
        *cells,
        _number(found["seconds"]),
        _number(found["first"]),
        _number(found["prompts"] / found["seconds"]),
        _number(found["peak"] / 1e6),
        _number(found["grown"] / found["prompts"] / 1e3),
        f"{found['connections']:,}",
        f"{found['failed']:,}",
    ]


def _number(value: float | None) -> str:
    if value is None:
        return _UNKNOWN
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], ["---"] * LABELS + ["---:"] * (len(rows[0]) - LABELS), *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _about() -> str:
    names = ("langchain-segmind", "langchain-core", "langchain-openai", "aiohttp", "requests")
    known = subjects.versions()
    versions = ", ".join(f"{name} {known[name]}" for name in names if name in known)
    date = datetime.now(tz=timezone.utc).date().isoformat()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    cores = os.cpu_count()
    return f"Measured on {date}: {cores} cores, which the server shares, {python}, {versions}."


if __name__ == "__main__":
    main()
