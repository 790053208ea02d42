"""Configure the documentation site: `make docs` builds it with Sphinx, MyST and Furo.

The pages are the Markdown files that GitHub shows, unchanged: the README is the start page. Only
`docs/api` is written for the site; it lists what Sphinx reads from the docstrings.
"""

from __future__ import annotations

import inspect
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from sphinx.application import Sphinx
from sphinx.util.typing import stringify_annotation

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import langchain_segmind  # noqa: E402 - found by the line above
from tests.release.addresses import DOCUMENTATION, REPOSITORY, target_on_github  # noqa: E402

project = "langchain-segmind"
author = "The langchain-segmind developers"
release = langchain_segmind.__version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "docs/api/*.rst"]
exclude_patterns = [".*", "benchmarks", "dist", "examples", "langchain_segmind", "tests"]
nitpicky = False  # names in backticks are links where they can be, and code elsewhere
default_role = "py:obj"
myst_heading_anchors = 4  # GitHub's anchors, which Sphinx checks

# --- the API reference ---------------------------------------------------------------------------

autodoc_default_options = {
    "members": True,
    "member-order": "bysource",
    # Members of our own classes only: what these bases add is documented by their packages.
    "inherited-members": "BaseChatModel, BaseLanguageModel, RunnableSerializable, Serializable, "
    "BaseModel, Runnable, ABC, Generic, Embeddings, BaseCallbackHandler, Protocol, BaseException, "
    "Exception, ModelError, object",
}
autodoc_inherit_docstrings = False
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

# --- the look ------------------------------------------------------------------------------------

html_theme = "furo"
html_title = f"langchain-segmind {release}"
html_baseurl = DOCUMENTATION
html_static_path = ["theme"]
html_css_files = ["custom.css"]
html_copy_source = False
html_show_copyright = False
html_theme_options = {
    "source_repository": REPOSITORY,
    "source_branch": "main",
    "source_directory": "",
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"

NAVIGATION = """

```{toctree}
:hidden:
:caption: Guide

Start <self>
docs/migration
docs/models
Settings <docs/settings>
docs/tool-calling
Embeddings <docs/embeddings>
docs/scaling
Errors <docs/errors>
Testing <docs/testing>
Tracing and mocks <docs/observability>
The gateway <docs/gateway>
```

```{toctree}
:hidden:
:caption: Reference

docs/api/index
docs/faults
CHANGELOG
```

```{toctree}
:hidden:
:caption: Development

CONTRIBUTING
docs/releasing
```
"""


def prepare_page(app: Sphinx, name: str, source: list[str]) -> None:
    """Prepare a page for the site: links to files that are not pages lead to GitHub.

    In the API reference, `LANGCHAINS` stands for the fields of LangChain's own chat models.
    """
    if app.env.doc2path(name).suffix != ".md":
        source[0] = source[0].replace("LANGCHAINS", ", ".join(BaseChatModel.model_fields))
        return
    text = re.sub(
        r"\]\(([^)\s]+)\)",
        lambda found: f"]({target_on_github(found[1], name) or found[1]})",
        source[0],
    )
    if name == root_doc:
        text = re.sub(r"^\[!\[.*\n", "", text, flags=re.MULTILINE)  # badges: pictures of others
        text += NAVIGATION
    source[0] = text


def to_rest(
    _app: Sphinx, what: str, name: str, _thing: Any, _options: Any, lines: list[str]
) -> None:
    """Rewrite the fenced code of a docstring, which is Markdown, and add the facts of a field."""
    inside = False
    # Napoleon takes the first line of an attribute's docstring, up to a colon, for its type. So
    # the first line is an empty comment.
    rewritten = ["..", ""] if what in ("attribute", "property") else []
    for line in lines:
        if line.startswith("```"):
            inside = not inside
            rewritten += ["", f".. code-block:: {line[3:]}", ""] if inside else [""]
        else:
            rewritten.append(f"    {line}" if inside else line)
    lines[:] = [*rewritten, *field_facts(*name.split(".")[-2:])]


def field_facts(owner: str, name: str) -> list[str]:
    """Describe the type and the default of a model's field; nothing for other attributes."""
    field = getattr(getattr(langchain_segmind, owner, None), "model_fields", {}).get(name)
    if field is None:
        return []
    full = stringify_annotation(
        field.annotation, "fully-qualified-except-typing", short_literals=True
    )
    facts = f"Type: ``{re.sub(r'[a-z_.]+[.](?=[A-Z])', '', full)}``"
    if field.is_required():
        return ["", f"{facts}; required."]
    has_default = field.default is not None and field.default_factory is None
    return ["", f"{facts}; default: ``{field.default!r}``." if has_default else f"{facts}."]


def skip_methods_of_others(
    _app: Sphinx, _what: str, _name: str, thing: Any, _skip: bool, _options: Any
) -> bool | None:
    """Skip a method that another package documents, also if a class of ours wraps it."""
    function = inspect.unwrap(getattr(thing, "fget", thing))
    is_ours = str(getattr(function, "__module__", "")).startswith("langchain_segmind")
    return True if callable(function) and not is_ours else None


def shorten_arguments(
    _app: Sphinx, _what: str, name: str, thing: Any, _options: Any, arguments: str, result: str
) -> tuple[str, str | None] | None:
    """Leave out the arguments of models, whose fields follow, and of errors and fixtures."""
    is_error = inspect.isclass(thing) and issubclass(thing, BaseException)
    is_fixture = name.startswith("pytest_segmind.")
    if is_error or is_fixture or hasattr(thing, "model_fields"):
        return "", None
    # Sphinx does not understand the default that a dataclass shows for a factory.
    return (arguments.replace("<factory>", "..."), result) if arguments else None


def add_start_page(app: Sphinx, error: Exception | None) -> None:
    """Make the README the start page of a server, too."""
    if error is None:
        shutil.copy(Path(app.outdir) / f"{root_doc}.html", Path(app.outdir) / "index.html")


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    app.connect("source-read", prepare_page)
    app.connect("autodoc-skip-member", skip_methods_of_others)
    app.connect("autodoc-process-docstring", to_rest, priority=100)  # before napoleon
    app.connect("autodoc-process-signature", shorten_arguments)
    app.connect("build-finished", add_start_page)
