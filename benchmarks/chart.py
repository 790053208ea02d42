"""Draw the bar chart of the README as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from statistics import median
from typing import Final

from benchmarks.measures import FLOOR, LANGCHAIN, OURS

_WIDTH: Final = 760
_LEFT: Final = 230
_BAR: Final = 18
_STEP: Final = 26
_STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.note { font-size: 11px; fill: #6e7781 }
.floor { fill: #afb8c1 } .ours { fill: #0969da } .peer { fill: #d4a72c }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note { fill: #8d96a0 }
  .floor { fill: #545d68 } .ours { fill: #4493f8 } .peer { fill: #bb8009 }
}
"""


def draw(groups: Mapping[str, Mapping[str, list[float]]], note: str, floors: set[str]) -> str:
    """Draw one bar per subject, for the median of its samples.

    Args:
        groups: The samples of each subject in microseconds, by the title of their group.
        note: The text below the bars.
        floors: The names of subjects that are not clients.
    """
    lines: list[str] = []
    at = 10
    widest = max(median(samples) for group in groups.values() for samples in group.values())
    for title, group in groups.items():
        at += 20
        lines.append(f'<text class="title" x="10" y="{at}">{escape(title)}</text>')
        at += 12
        for name, samples in sorted(group.items(), key=lambda item: median(item[1])):
            kind = "ours" if name == OURS else "floor" if name in floors else "peer"
            lines += _bar(name, median(samples), widest, at, kind)
            at += _STEP
        at += 10
    lines.append(f'<text class="note" x="10" y="{at + 10}">{escape(note)}</text>')
    height = at + 24
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-label="CPU time of one call">'
    )
    return "\n".join([head, f"<style>{_STYLE}</style>", *lines, "</svg>\n"])


def _bar(name: str, value: float, widest: float, at: int, kind: str) -> list[str]:
    width = max(1, round(value / widest * (_WIDTH - _LEFT - 80)))
    middle = at + 14
    return [
        f'<text x="{_LEFT - 8}" y="{middle}" text-anchor="end">{escape(name)}</text>',
        f'<rect class="{kind}" x="{_LEFT}" y="{at}" width="{width}" height="{_BAR}" rx="2"/>',
        f'<text x="{_LEFT + width + 6}" y="{middle}">{value:,.0f} µs</text>',
    ]


FLOORS: Final = {"requests", "aiohttp", LANGCHAIN, FLOOR}
