"""Asks the live gateway what nobody knows yet, for a few cents: `make live`.

Prints a table of what was assumed and what was seen, and writes it to a file with all that was
said. Needs SEGMIND_API_KEY; SEGMIND_API_BASE leads elsewhere, as to a local gateway.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import requests

from langchain_segmind import ChatSegmind, SegmindError
from tests.live.probes import UNKNOWNS, Probe, Verdict, probes
from tests.live.purse import OverBudgetError, Purse
from tests.live.wire import PAUSE, Line

OFFER = """{} will be asked {} questions, {:g} s apart: this takes {:.0f} minutes or more.
It should cost two to four cents by the makers' list prices, and ends before {:.2f} USD."""

LONGEST = 2000
"""Characters of a request or a reply that the report repeats."""

WIDEST = 300
"""Characters of a cell."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """A line of the report."""

    probe: Probe
    verdict: Verdict
    seen: str
    cost: float


def main() -> int:
    """Check the gateway that the environment names.

    Returns:
        The exit code: 0 when the check was made, whatever it found.
    """
    key = os.environ.get("SEGMIND_API_KEY", "").strip()
    if not key:
        print("SEGMIND_API_KEY is not set, so nothing was asked.")
        return 2

    def say(text: str) -> None:
        print(text.replace(key, "(the key)"), flush=True)

    try:
        model = ChatSegmind(model="gpt-4o", api_key=key)
        purse = Purse(lambda: model.get_credits().total)
    except (SegmindError, ValueError) as error:
        say(f"The balance cannot be read, so nothing was asked: {error}")
        return 1
    pause = float(os.environ.get("PAUSE", PAUSE))
    with model, closing(Line(model.base_url, key, purse, pause)) as line:
        count = len([*probes()])
        say(OFFER.format(line.base_url, count, pause, count * pause / 60, purse.limit))
        if not os.environ.get("YES") and not _agreed():
            say("Nothing was asked. YES=1 goes on without this question.")
            return 1
        rows = _rows(line, say)
    say("\n" + "\n".join(table(rows)) + f"\n\n{summary(rows, line)}")
    path = Path(os.environ.get("REPORT", "live-report.md"))
    path.write_text(written(rows, line).replace(key, "(the key)"))
    say(f"All that was said, without the key, is in {path}.")
    return 0


def _agreed() -> bool:
    try:
        return input("Go on? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _rows(line: Line, say: Say) -> list[Row]:
    """Ask one question after the other; what was learnt is kept when somebody interrupts it."""
    rows: list[Row] = []
    try:
        for row in run(line):
            rows.append(row)
            say(f"{len(rows):2}. {row.probe.question}: {row.verdict}, {row.seen}")
    except KeyboardInterrupt:
        say("Interrupted: this is what was learnt.")
    return rows


def run(line: Line) -> Iterator[Row]:
    """Ask all questions; those that cost only until the money may not suffice."""
    stopped = ""
    for probe in probes():
        before = line.purse.spent
        verdict: Verdict = "unknown"
        if stopped and not probe.free:
            seen = stopped
        else:
            try:
                verdict, seen = probe.look(line)
            except OverBudgetError as error:
                seen = stopped = f"not asked: {error}"
            except requests.RequestException as error:
                seen = f"no answer came: {type(error).__name__}"
            except SegmindError as error:
                verdict, seen = "differs", f"{type(error).__name__}: {error}"
            except Exception as error:  # noqa: BLE001 - what was paid for must reach the report
                seen = f"not understood, see below: {error!r}"
        yield Row(probe, verdict, seen, line.purse.spent - before)


# --- the report ------------------------------------------------------------------------------


def table(rows: Iterable[Row]) -> list[str]:
    """Write the rows in Markdown; those of an unknown have its number."""
    lines = ["| # | question | assumed | seen | verdict | USD |", "|---|---|---|---|---|---|"]
    for row in rows:
        cells = (
            str(row.probe.unknown or ""),
            row.probe.question,
            row.probe.assumed,
            row.seen[:WIDEST],
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
            f"{number}. {what}: {', '.join(r.verdict for r in rows if r.probe.unknown == number)}"
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
    sys.exit(main())
