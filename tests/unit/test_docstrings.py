"""The API reference is the docstrings: each public name says what goes in, what comes out, and why.

A method that does what another does may say so instead: "..., as `submit` does" or "see `X.y`".
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

import langchain_segmind
import langchain_segmind.testing
import pytest_segmind
from langchain_segmind import chat_models, embeddings, errors, jobs, media, progress
from langchain_segmind import usage as of_credits

MODULES = [
    langchain_segmind,
    langchain_segmind.testing,
    chat_models,
    of_credits,
    embeddings,
    errors,
    jobs,
    media,
    progress,
]


class Named(NamedTuple):
    name: str
    thing: Any
    inside: type | None = None

    @property
    def text(self) -> str:
        own = self.thing.fget if isinstance(self.thing, property) else self.thing
        return inspect.cleandoc(own.__doc__ or "")


def ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith(("langchain_segmind", "pytest_segmind"))


def public(module: ModuleType) -> Iterator[Named]:
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            yield Named(f"{thing.__module__}.{thing.__qualname__}", thing)


def classes() -> dict[str, type]:
    """The public classes, and those of ours they inherit from, whose members users see as well."""
    tops = [n.thing for m in MODULES for n in public(m) if inspect.isclass(n.thing)]
    found = [cls for top in tops for cls in top.__mro__ if ours(cls)]
    return {f"{cls.__module__}.{cls.__qualname__}": cls for cls in found}


def members(cls: type) -> Iterator[Named]:
    for name, value in list(vars(cls).items()):  # pydantic may finish a class meanwhile
        thing = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        is_method = inspect.isfunction(thing) or isinstance(thing, property)
        is_late = type(thing).__name__ == "of_model_or_class"
        is_langchains = getattr(thing, "__override__", False) and not thing.__doc__
        if name[0] != "_" and (is_method or is_late) and not is_langchains:
            yield Named(f"{cls.__qualname__}.{name}", thing, cls)


CLASSES = classes()
FUNCTIONS = {n.name: n for m in MODULES for n in public(m) if inspect.isfunction(n.thing)}
METHODS = {n.name: n for cls in CLASSES.values() for n in members(cls)}
CALLABLES = {
    name: named
    for name, named in {**FUNCTIONS, **METHODS}.items()
    if not isinstance(named.thing, property)
}


def function_of(thing: Any) -> Callable[..., Any]:
    own: Callable[..., Any] = inspect.unwrap(getattr(thing, "_function", thing))
    return own


def arguments(thing: Any) -> list[str]:
    own = inspect.signature(function_of(thing)).parameters
    return [name for name in own if name not in ("self", "cls") and not name.startswith("_")]


def section(text: str, title: str) -> str:
    found = re.search(rf"^{title}:\n((?:    .*\n|\n)*)", text + "\n", re.MULTILINE)
    return found[1] if found else ""


def told_in(text: str, title: str) -> set[str]:
    """The names a section has a line for."""
    return set(re.findall(r"^    \**(\w+):", section(text, title), re.MULTILINE))


def whole(named: Named) -> str:
    """A docstring, and the one it leaves the telling to."""
    found = re.search(r"(?:as|see|version of) `(?:(\w+)\.)?(\w+)`", named.text)
    if found is None:
        return named.text
    cls = next((c for c in CLASSES.values() if c.__name__ == found[1]), named.inside)
    other = inspect.getattr_static(cls, found[2], None)
    return f"{named.text}\n\n{inspect.cleandoc(getattr(other, '__doc__', None) or '')}"


def raised_by(thing: Any) -> set[str]:
    """The exceptions a function raises by itself."""
    source = ast.parse(textwrap.dedent(inspect.getsource(function_of(thing))))
    calls = [node.exc for node in ast.walk(source) if isinstance(node, ast.Raise)]
    return {c.func.id for c in calls if isinstance(c, ast.Call) and isinstance(c.func, ast.Name)}


def test_there_is_something_to_look_at():
    assert {"QueueMethods.submit", "LocalGateway.fail", "GatewayClient.close"} <= set(METHODS)
    assert "langchain_segmind.media.content_block_from_file" in FUNCTIONS
    assert "langchain_segmind.errors.SegmindError" in CLASSES


@pytest.mark.parametrize("named", [*CLASSES.items(), *FUNCTIONS.items(), *METHODS.items()])
def test_it_has_a_docstring_of_its_own(named):
    name, thing = named
    text = thing.text if isinstance(thing, Named) else inspect.cleandoc(thing.__doc__ or "")

    first = text.split("\n\n")[0]
    assert first.endswith((".", ":", "?")), f"{name}: {first!r}"


@pytest.mark.parametrize("name", CALLABLES)
def test_it_tells_what_each_argument_is(name):
    named = CALLABLES[name]

    assert told_in(whole(named), "Args") >= set(arguments(named.thing)), name


@pytest.mark.parametrize("name", CALLABLES)
def test_it_tells_what_comes_out(name):
    named = CALLABLES[name]
    comes = inspect.signature(function_of(named.thing)).return_annotation
    if arguments(named.thing) and comes not in (None, "None", "Self"):
        text = whole(named)
        assert section(text, "Returns") or section(text, "Yields"), name


@pytest.mark.parametrize("name", CALLABLES)
def test_it_tells_what_it_raises(name):
    named = CALLABLES[name]

    assert told_in(named.text, "Raises") >= raised_by(named.thing), name


def fields(cls: type) -> Iterator[tuple[str, bool]]:
    """The fields a class declares, and whether a docstring stands below each."""
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    for node, below in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if node.target.id[0] != "_":
                yield node.target.id, is_text


@pytest.mark.parametrize("name", CLASSES)
def test_every_field_is_told(name):
    cls = CLASSES[name]
    attributes = told_in(inspect.cleandoc(cls.__doc__ or ""), "Attributes")
    is_model = issubclass(cls, BaseModel)
    wanted = {
        field
        for field, has_docstring in fields(cls)
        if not (has_docstring or (is_model and field in ("list_models", "alist_models")))
    }

    assert attributes >= wanted, name


@pytest.mark.parametrize("name", CLASSES)
def test_every_argument_of_a_class_is_told(name):
    cls = CLASSES[name]
    own = vars(cls).get("__init__")
    if own is None or issubclass(cls, BaseModel) or not ours(own):
        return
    text = inspect.cleandoc(cls.__doc__ or "")
    told = told_in(text, "Args") | told_in(text, "Attributes")
    is_made_elsewhere = "see `" in inspect.cleandoc(own.__doc__ or "")

    assert is_made_elsewhere or told >= set(arguments(own)), name


def test_the_fixture_says_what_it_is():
    assert len(inspect.cleandoc(pytest_segmind.segmind_gateway.__doc__ or "").splitlines()) > 2
