"""Asks the live gateway what nobody knows yet, for a few cents: `make live`.

Prints a table of what was assumed and what was seen, and writes it to a file with all that was
said. Needs SEGMIND_API_KEY; SEGMIND_API_BASE leads elsewhere, as to a local gateway.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from langchain_segmind import ChatSegmind, SegmindError
from tests.live.probes import UNKNOWNS, Probe, Verdict, probes
from tests.live.purse import LIMIT, OverBudgetError, Purse
from tests.live.wire import PAUSE, Line

REPORT = Path("live-report.md")
LONGEST = 2000
"""Characters of a request or a reply that the report repeats."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """A line of the report."""

    probe: Probe
    verdict: Verdict
    seen: str
    cost: float


def main(environment: Mapping[str, str], ask: Callable[[str], str] = input) -> int:
    """Check the gateway that the environment names.

    Args:
        environment: The variables: the key, the address, YES to go on without being asked.
        ask: Puts a question to the one who pays.

    Returns:
        The exit code: 0 when the check was made, whatever it found.
    """
    key = environment.get("SEGMIND_API_KEY", "").strip()
    if not key:
        print("SEGMIND_API_KEY is not set: there is nobody to ask. Nothing was sent.")
        return 2

    def say(text: str) -> None:
        print(text.replace(key, "(the key)"), flush=True)

    with ChatSegmind(model="gpt-4o", api_key=key) as model:
        address = model.base_url

        def balance() -> float:
            return model.get_credits().total

        try:
            purse = Purse(balance)
        except SegmindError as error:
            say(f"The balance cannot be read, so nothing was asked: {error}")
            return 1
        line = Line(address, key, purse, float(environment.get("PAUSE", PAUSE)))
        todo = list(probes())
        say(
            f"{address} has {balance():.4f} USD for this key. {len(todo)} questions will be asked,\n"
            f"{line.pause:g} s apart, for {LIMIT:.2f} USD at most; a cent or two is expected."
        )
        if not environment.get("YES") and not _agreed(ask):
            say("Nothing was asked. YES=1 goes on without this question.")
            return 1
        rows = run(line, todo, say)
    report = written(rows, line).replace(key, "(the key)")
    Path(environment.get("REPORT", REPORT)).write_text(report)
    say("\n" + "\n".join(table(rows)))
    say(f"\n{summary(rows, line)}\nAll that was said is in {environment.get('REPORT', REPORT)}.")
    return 0


def _agreed(ask: Callable[[str], str]) -> bool:
    try:
        return ask("Go on? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def run(line: Line, todo: Iterable[Probe], say: Say) -> list[Row]:
    """Ask one question after the other; none that costs, once the money may not suffice."""
    rows: list[Row] = []
    stopped = ""
    for probe in todo:
        before = line.purse.spent
        verdict, seen = ("unknown", stopped) if stopped else _look(probe, line)
        if seen.startswith(STOPPED):
            stopped = seen
        rows.append(Row(probe, verdict, seen, line.purse.spent - before))
        say(f"{len(rows):2}. {probe.question}: {verdict}, {seen}")
    return rows


STOPPED = "not asked"


def _look(probe: Probe, line: Line) -> tuple[Verdict, str]:
    try:
        return probe.look(line)
    except OverBudgetError as error:
        return "unknown", f"{STOPPED}: {error}"
    except SegmindError as error:
        return "differs", f"{type(error).__name__}: {error}"
    except requests.RequestException as error:
        return "unknown", f"no answer came: {type(error).__name__}"


# --- the report ------------------------------------------------------------------------------


def table(rows: Iterable[Row]) -> list[str]:
    """Write the rows in Markdown; those of an unknown have its number."""
    lines = ["| # | question | assumed | seen | verdict | USD |", "|---|---|---|---|---|---|"]
    for row in rows:
        cells = (
            str(row.probe.unknown or ""),
            row.probe.question,
            row.probe.assumed,
            row.seen,
            row.verdict,
            f"{row.cost:.6f}",
        )
        lines.append(f"| {' | '.join(' '.join(c.replace('|', '/').split()) for c in cells)} |")
    return lines


def summary(rows: Iterable[Row], line: Line) -> str:
    """Tell in a line what came of it."""
    verdicts = [row.verdict for row in rows]
    counted = ", ".join(f"{verdicts.count(v)} {v}" for v in ("agrees", "differs", "unknown"))
    return f"{counted}; {line.purse.spent:.6f} USD of {line.purse.limit:.2f} were spent."


def written(rows: list[Row], line: Line) -> str:
    """Write the report: the table, the unknowns by number, and all that was said."""
    parts = [
        "# What the gateway does, beside what we assumed",
        f"Asked of {line.base_url}. {summary(rows, line)}",
        "\n".join(table(rows)),
        "## The unknowns",
        "\n".join(
            f"{number}. {what}: {', '.join(row.verdict for row in rows if row.probe.unknown == number)}"
            for number, what in UNKNOWNS.items()
        ),
        "## All that was said",
    ]
    for asked, body, reply in line.replies:
        headers = "\n".join(f"{name}: {value}" for name, value in sorted(reply.headers.items()))
        told = f"{_short(json.dumps(body))}\n\n" if body is not None else ""
        got = f"{reply.status} after {reply.seconds:.1f} s\n{headers}\n\n{_short(reply.text)}"
        parts.append(f"### {asked}\n\n````\n{told}{got}\n````")
    return "\n\n".join(parts) + "\n"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text)} characters)"


if __name__ == "__main__":
    sys.exit(main(os.environ))
