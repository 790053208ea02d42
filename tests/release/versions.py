"""One version, written in three places: the code's literal, the changelog, and a release's tag."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def faults(literal: str, changelog: str, tag: str | None = None) -> list[str]:
    """Return where the places differ.

    Args:
        literal: The version the code says it is.
        changelog: The text of the changelog; its first heading of a version is looked at.
        tag: The tag of a release, which must be dated; None where nothing is released.
    """
    heading = re.search(r"^## (\S+) \((.+)\)$", changelog, re.MULTILINE)
    if heading is None:
        return ["CHANGELOG.md has no heading like `## 1.2.3 (2030-01-31)` or `(unreleased)`"]
    found = []
    if heading[1] != literal:
        found.append(f"CHANGELOG.md begins with {heading[1]}, langchain_segmind is {literal}")
    if tag is not None and tag != f"v{literal}":
        found.append(f"the tag is {tag}, it should be v{literal}")
    if tag is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d", heading[2]):
        found.append(f"CHANGELOG.md says ({heading[2]}) where a release has its date")
    return found


def version(tag: str | None) -> str:
    """Return this project's version.

    Args:
        tag: The tag of a release; None where nothing is released.

    Raises:
        SystemExit: The places differ; says how.
    """
    literal: str = runpy.run_path(str(ROOT / "langchain_segmind/_version.py"))["__version__"]
    if wrong := faults(literal, (ROOT / "CHANGELOG.md").read_text(), tag):
        raise SystemExit("\n".join(wrong))
    return literal
