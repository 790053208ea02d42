"""Ask the live gateway what is not known yet, for a few cents: `make live`.

Prints a table of what was assumed and what was seen, and writes it to a file with every request
and reply. Needs SEGMIND_API_KEY; SEGMIND_API_BASE names another gateway, such as a local one.
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
from tests.live.probes import UNKNOWNS, Probe, Result, probes
from tests.live.spending import OverBudgetError, SpendingLimit
from tests.live.wire import PAUSE, Client

OFFER = """{} will be asked {} questions, {:g} s apart: this takes {:.0f} minutes or more.
It should cost two to four cents by the makers' list prices, and ends before ${:.2f}."""

LONGEST = 2000
"""Characters of a request or a reply that the report repeats."""

WIDEST = 300
"""Characters of a cell."""

Print = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """A line of the report."""

    probe: Probe
    result: Result
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

    def show(text: str) -> None:
        print(text.replace(key, "(the key)"), flush=True)

    try:
        model = ChatSegmind(model="gpt-4o", api_key=key)
        spending = SpendingLimit(lambda: model.get_credits().total)
    except (SegmindError, ValueError) as error:
        show(f"The balance cannot be read, so nothing was asked: {error}")
        return 1
    pause = float(os.environ.get("PAUSE", PAUSE))
    with model, closing(Client(model.base_url, key, spending, pause)) as client:
        count = len([*probes()])
        show(OFFER.format(client.base_url, count, pause, count * pause / 60, spending.limit))
        if not os.environ.get("YES") and not _agreed():
            show("Nothing was asked. YES=1 goes on without this question.")
            return 1
        rows = _rows(client, show)
    show("\n" + "\n".join(table(rows)) + f"\n\n{summary(rows, client)}")
    path = Path(os.environ.get("REPORT", "live-report.md"))
    path.write_text(written(rows, client).replace(key, "(the key)"))
    show(f"Every request and reply, without the key, is in {path}.")
    return 0


def _agreed() -> bool:
    try:
        return input("Go on? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _rows(client: Client, show: Print) -> list[Row]:
    """Ask one question after the other; an interrupt keeps the rows so far."""
    rows: list[Row] = []
    try:
        for row in run(client):
            rows.append(row)
            show(f"{len(rows):2}. {row.probe.question}: {row.result}, {row.seen}")
    except KeyboardInterrupt:
        show("Interrupted: these are the results so far.")
    return rows


def run(client: Client) -> Iterator[Row]:
    """Ask all questions; those that cost something only until the limit is near."""
    stopped = ""
    for probe in probes():
        before = client.spending.spent
        result: Result = "unknown"
        if stopped and not probe.free:
            seen = stopped
        else:
            try:
                result, seen = probe.look(client)
            except OverBudgetError as error:
                seen = stopped = f"not asked: {error}"
            except requests.RequestException as error:
                seen = f"no answer came: {type(error).__name__}"
            except SegmindError as error:
                result, seen = "differs", f"{type(error).__name__}: {error}"
            except Exception as error:  # noqa: BLE001 - what was paid for must reach the report
                seen = f"not understood, see below: {error!r}"
        yield Row(probe, result, seen, client.spending.spent - before)


# --- the report ------------------------------------------------------------------------------


def table(rows: Iterable[Row]) -> list[str]:
    """Write the rows in Markdown; those of an unknown start with its number."""
    lines = ["| # | question | assumed | seen | result | USD |", "|---|---|---|---|---|---|"]
    for row in rows:
        cells = (
            str(row.probe.unknown or ""),
            row.probe.question,
            row.probe.assumed,
            row.seen[:WIDEST],
            row.result,
            f"{row.cost:.6f}",
        )
        lines.append(f"| {' | '.join(' '.join(c.replace('|', '/').split()) for c in cells)} |")
    return lines


def summary(rows: Iterable[Row], client: Client) -> str:
    """Count the results in one client."""
    results = [row.result for row in rows]
    counted = ", ".join(f"{results.count(r)} {r}" for r in ("agrees", "differs", "unknown"))
    return f"{counted}; ${client.spending.spent:.6f} of ${client.spending.limit:.2f} were spent."


def written(rows: list[Row], client: Client) -> str:
    """Write the report: the table, the unknowns by number, every request and reply."""
    parts = [
        "# What the gateway does, and what was assumed",
        f"Asked of {client.base_url}. {summary(rows, client)}",
        "\n".join(table(rows)),
        "## The unknowns",
        "\n".join(
            f"{number}. {what}: {', '.join(r.result for r in rows if r.probe.unknown == number)}"
            for number, what in UNKNOWNS.items()
        ),
        "## Every request and reply",
    ]
    for asked, body, reply in client.replies:
        headers = "\n".join(f"{name}: {value}" for name, value in sorted(reply.headers.items()))
        sent = f"{_short(json.dumps(body))}\n\n" if body is not None else ""
        got = f"{reply.status} after {reply.seconds:.1f} s\n{headers}\n\n{_short(reply.text)}"
        parts.append(f"### {asked}\n\n````\n{sent}{got}\n````")
    return "\n\n".join(parts) + "\n"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text)} characters)"


if __name__ == "__main__":
    sys.exit(main())
