"""Draw the bar chart of the README as SVG, from `results.json`: `python -m benchmarks.chart`.

The picture has a background of its own, because a page may be light when the system is dark.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from benchmarks.measures import FLOOR, LANGCHAIN, OURS

HERE: Final = Path(__file__).parent
_GROUPS: Final = {
    "invoke: CPU, µs": "One call with invoke()",
    "ainvoke: CPU, µs": "One call with ainvoke()",
}
_FLOORS: Final = {"requests", "aiohttp", LANGCHAIN, FLOOR}
"""What is not a chat model or a client of an API."""
_LEGEND: Final = {
    "ours": OURS,
    "peer": "other clients",
    "floor": "baselines: plain HTTP, LangChain",
}

_WIDTH: Final = 760
_EDGE: Final = 16
_LEFT: Final = 234
_RIGHT: Final = 84  # for the value beside the longest bar
_BAR: Final = 18
_STEP: Final = 26
_NOTE: Final = 16  # between lines of the note
_NOTE_LETTERS: Final = 120  # in a line of the note
_STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.note { font-size: 11px; fill: #57606a }
.page { fill: #ffffff; stroke: #d0d7de }
.floor { fill: #afb8c1 } .ours { fill: #0969da } .peer { fill: #d4a72c }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note { fill: #9198a1 }
  .page { fill: #161b22; stroke: #3d444d }
  .floor { fill: #656c76 } .ours { fill: #4493f8 } .peer { fill: #bb8009 }
}
"""


def draw(results: Mapping[str, Any]) -> str:
    """Draw one bar per subject, for its median.

    Args:
        results: What `results.json` holds.
    """
    groups = {title: results["medians"][name] for name, title in _GROUPS.items()}
    title = "CPU time of a call without the model's own time, in µs: lower is better"
    at = 30
    lines = [f'<text class="title" x="{_EDGE}" y="{at}">{escape(title)}</text>', *_legend(at + 14)]
    at += 40
    widest = max(value for group in groups.values() for value in group.values())
    for name, group in groups.items():
        at += 22
        lines.append(f'<text class="title" x="{_EDGE}" y="{at}">{escape(name)}</text>')
        at += 12
        for subject, value in sorted(group.items(), key=lambda item: item[1]):
            kind = "ours" if subject == OURS else "floor" if subject in _FLOORS else "peer"
            lines += _bar(subject, value, widest, at, kind)
            at += _STEP
        at += 8
    for text in wrap(_note(results), _NOTE_LETTERS, break_on_hyphens=False):
        at += _NOTE
        lines.append(f'<text class="note" x="{_EDGE}" y="{at}">{escape(text)}</text>')
    height = at + _EDGE
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-label="{escape(title)}">'
    )
    page = f'<rect class="page" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="6"/>'
    return "\n".join([head, f"<style>{_STYLE}</style>", page, *lines, "</svg>\n"])


def _legend(at: int) -> Iterator[str]:
    x = _EDGE
    for kind, text in _LEGEND.items():
        yield f'<rect class="{kind}" x="{x}" y="{at}" width="12" height="12" rx="2"/>'
        yield f'<text x="{x + 18}" y="{at + 11}">{escape(text)}</text>'
        x += 44 + 7 * len(text)


def _bar(name: str, value: float, widest: float, at: int, kind: str) -> list[str]:
    width = max(1, round(value / widest * (_WIDTH - _LEFT - _RIGHT)))
    middle = at + 14
    return [
        f'<text x="{_LEFT - 8}" y="{middle}" text-anchor="end">{escape(name)}</text>',
        f'<rect class="{kind}" x="{_LEFT}" y="{at}" width="{width}" height="{_BAR}" rx="2"/>',
        f'<text x="{_LEFT + width + 6}" y="{middle}">{value:,.0f}</text>',
    ]


def _note(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return f"{results['date']}, {machine['cores']} cores, {machine['python']}, {versions}"


if __name__ == "__main__":
    found = json.loads((HERE / "results.json").read_text())
    (HERE / "overhead.svg").write_text(draw(found))
