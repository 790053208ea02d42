"""Build the documentation site, with warnings as errors, and check every link: `make docs`.

Nothing is fetched: of an address elsewhere, only the form is checked.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tests.release.addresses import REPOSITORY, ROOT

SITE: Final = ROOT / "site"
_LOADED: Final = {"img": "src", "script": "src", "source": "src", "iframe": "src"}
_LOADING_LINKS: Final = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch"}
_FILES: Final = re.compile(re.escape(REPOSITORY) + r"/(?:blob|tree)/main/([^#?]+)")


@dataclass
class Page(HTMLParser):
    """The ids and the addresses of one page.

    Attributes:
        ids: What a link can lead to.
        links: Where its links lead.
        loaded: What a browser loads to show it.
    """

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag refers to."""
        found = {name: value or "" for name, value in attrs}
        self.ids |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and _LOADING_LINKS.intersection(found.get("rel", "").split()):
            self.loaded.append(found["href"])
        if address := found.get(_LOADED.get(tag, "")):
            self.loaded.append(address)


def main() -> None:
    """Build the site and check it; ends with a list of all that is wrong."""
    if sys.version_info < (3, 11):
        raise SystemExit("Sphinx needs Python 3.11 or newer: make PYTHON=python3.12 docs")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-E"]
    done = subprocess.run([*command, "-c", "docs", ".", str(SITE)], cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    pages = read(SITE)
    if faults := [*check(SITE, pages), *missing_names(pages)]:
        raise SystemExit("\n".join(faults))
    links = sum(len(page.links) for page in pages.values())
    print(f"site/index.html: {len(pages)} pages, {links:,} links; all that lead inside are right.")


def read(folder: Path) -> dict[Path, Page]:
    """Read all pages of a folder."""
    pages = {}
    for path in sorted(folder.resolve().rglob("*.html")):
        pages[path] = Page()
        pages[path].feed(path.read_text(encoding="utf-8"))
    return pages


def check(folder: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Find links that lead nowhere, and what is loaded from other servers.

    Args:
        folder: The site.
        pages: Its pages, by path.

    Yields:
        What is wrong, with the page.
    """
    for path, page in pages.items():
        where = path.relative_to(folder.resolve()).as_posix()
        for address in page.loaded:
            if urlsplit(address).netloc:
                yield f"{where}: loads {address} from another server"
        for link in dict.fromkeys([*page.links, *page.loaded]):
            if fault := _fault_of(link, path, pages):
                yield f"{where}: {link} {fault}"
    for path in sorted(folder.rglob("*.css")):
        for address in re.findall(
            r"(?:url\(|@import\s)[\"']?((?:https?:)?//[^\"')]+)", path.read_text()
        ):
            yield f"{path.relative_to(folder).as_posix()}: loads {address} from another server"


def _fault_of(link: str, origin: Path, pages: dict[Path, Page]) -> str:
    parts = urlsplit(link)
    if parts.scheme == "data":
        return ""
    if parts.scheme or parts.netloc:
        file = _FILES.match(link)
        if file and not (ROOT / unquote(file[1])).exists():
            return "is not a file of this repository"
        return "" if parts.scheme == "https" and "." in parts.netloc else "is not an https address"
    target = (origin.parent / unquote(parts.path)).resolve() if parts.path else origin
    if not target.is_file():
        return "does not exist"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
        return "leads to no heading or name there"
    return ""


def missing_names(pages: dict[Path, Page]) -> Iterator[str]:
    """Find public names that the API reference does not have.

    Args:
        pages: The pages of the site, by path.

    Yields:
        A sentence for each.
    """
    import langchain_segmind  # noqa: PLC0415 - `check` is tested without the package's reference
    import langchain_segmind.testing  # noqa: PLC0415

    ids = set().union(*(page.ids for page in pages.values()))
    for module in (langchain_segmind, langchain_segmind.testing):
        for name in module.__all__:
            if not name.startswith("__") and f"{module.__name__}.{name}" not in ids:
                yield f"docs/api: {module.__name__}.{name} is missing"


if __name__ == "__main__":
    main()
