"""Read the project's addresses on the web, which `[project.urls]` in pyproject.toml states."""

from __future__ import annotations

import posixpath
import sys
from pathlib import Path
from typing import Any, Final

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT: Final = Path(__file__).parents[2]
_PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
URLS: Final[dict[str, str]] = _PROJECT["urls"]
REPOSITORY: Final = URLS["Repository"]
DOCUMENTATION: Final = URLS["Documentation"]


def target_on_github(link: str, page: str) -> str | None:
    """Return the address on GitHub of a file that a page links to.

    Args:
        link: What the page links to: a path relative to the page, or an address.
        page: The page's path in this repository.

    Returns:
        None if the link leads to a page of the site, to a picture on it, or elsewhere.
    """
    if link.startswith(("https:", "http:", "#")):
        return None
    path, _, anchor = link.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    if path.endswith((".md", ".svg")):
        return None
    kind = "tree" if (ROOT / path).is_dir() else "blob"
    return f"{REPOSITORY}/{kind}/main/{path}" + (f"#{anchor}" if anchor else "")
