"""The API reference is the docstrings: each public name documents arguments, results and errors.

A method that does what another does may refer to it: "..., as `submit` does" or "see `X.y`".
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

import pytest_segmind
from tests.unit.public_api import CLASSES, FUNCTIONS, MEMBERS, Named, is_ours


def is_public(named: Named) -> bool:
    is_langchains = getattr(named.thing, "__override__", False) and not named.thing.__doc__
    return not named.name.rpartition(".")[2].startswith("_") and not is_langchains


PUBLIC = {name: named for name, named in {**FUNCTIONS, **MEMBERS}.items() if is_public(named)}
CALLABLES = {k: named for k, named in PUBLIC.items() if not isinstance(named.thing, property)}


def arguments(function: object) -> set[str]:
    own = inspect.signature(function).parameters  # type: ignore[arg-type]
    return {name for name in own if name not in ("self", "cls") and not name.startswith("_")}


def section(text: str, title: str) -> str:
    found = re.search(rf"^{title}:\n((?:    .*\n|\n)*)", text + "\n", re.MULTILINE)
    return found[1] if found else ""


def documented(text: str, title: str) -> set[str]:
    """List the names for which a section has a line."""
    return set(re.findall(r"^    \**(\w+):", section(text, title), re.MULTILINE))


def whole(named: Named) -> str:
    """Return a docstring, with the one that it refers to."""
    found = re.search(r"(?:as|see|version of) `(?:(\w+)\.)?(\w+)`", named.docstring)
    if found is None:
        return named.docstring
    owner = CLASSES[found[1]].thing if found[1] else named.owner
    other = inspect.getattr_static(owner, found[2], None)
    return f"{named.docstring}\n\n{inspect.cleandoc(getattr(other, '__doc__', None) or '')}"


def raised_by(named: Named) -> set[str]:
    """List the exceptions that a function itself raises."""
    source = ast.parse(textwrap.dedent(inspect.getsource(named.function)))
    calls = [node.exc for node in ast.walk(source) if isinstance(node, ast.Raise)]
    return {c.func.id for c in calls if isinstance(c, ast.Call) and isinstance(c.func, ast.Name)}


def test_public_api_is_found():
    assert {"QueueMethods.submit", "LocalGateway.fail", "GatewayClient.close"} <= set(PUBLIC)
    assert {"ChatSegmind.list_models", "ChatBase.model_name", "UsageTracker.cost"} <= set(PUBLIC)
    assert {"content_block_from_file", "live_or_local", "track_usage"} <= set(FUNCTIONS)
    assert {"SegmindError", "UsageTracker", "GatewayClient", "Responder"} <= set(CLASSES)


@pytest.mark.parametrize("named", [*CLASSES.values(), *PUBLIC.values()], ids=lambda each: each.name)
def test_docstring_begins_with_a_sentence(named):
    first = named.docstring.split("\n\n")[0]

    assert first.endswith((".", ":", "?")), first


@pytest.mark.parametrize("name", CALLABLES)
def test_docstring_documents_every_argument(name):
    named = CALLABLES[name]

    assert documented(whole(named), "Args") >= arguments(named.function)


@pytest.mark.parametrize("name", CALLABLES)
def test_docstring_documents_the_result(name):
    named = CALLABLES[name]
    result = inspect.signature(named.function).return_annotation
    if arguments(named.function) and result not in (None, "None", "Self"):
        text = whole(named)
        assert section(text, "Returns") or section(text, "Yields")


@pytest.mark.parametrize("name", CALLABLES)
def test_docstring_documents_every_error(name):
    named = CALLABLES[name]

    assert documented(named.docstring, "Raises") >= raised_by(named)


def fields(cls: type) -> Iterator[tuple[str, bool]]:
    """Give the public fields that a class declares, and whether a docstring stands below each."""
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    for node, below in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if node.target.id[0] != "_":
                yield node.target.id, is_text


@pytest.mark.parametrize("name", CLASSES)
def test_docstring_documents_every_field(name):
    cls = CLASSES[name].thing
    needed = {field for field, has_docstring in fields(cls) if not has_docstring}
    if issubclass(cls, BaseModel):
        needed -= {"list_models", "alist_models"}  # methods, which are declared as ClassVars

    assert documented(CLASSES[name].docstring, "Attributes") >= needed


@pytest.mark.parametrize("name", CLASSES)
def test_docstring_documents_every_argument_of_a_class(name):
    cls, text = CLASSES[name].thing, CLASSES[name].docstring
    own = vars(cls).get("__init__")
    if own is None or issubclass(cls, BaseModel) or not is_ours(own):
        return
    found = documented(text, "Args") | documented(text, "Attributes")
    is_made_elsewhere = "see `" in inspect.cleandoc(own.__doc__ or "")

    assert is_made_elsewhere or found >= arguments(own)


def test_fixture_has_a_docstring_of_several_lines():
    assert len(inspect.cleandoc(pytest_segmind.segmind_gateway.__doc__ or "").splitlines()) > 2
