"""The public API, for the tests of its annotations and of its docstrings."""

import inspect
from typing import Any, NamedTuple

import langchain_segmind
import langchain_segmind.testing
from langchain_segmind import chat_models, embeddings, errors, jobs, media, progress, usage

MODULES = [langchain_segmind, langchain_segmind.testing]
MODULES += [chat_models, embeddings, errors, jobs, media, progress, usage]


class Named(NamedTuple):
    """A class, a function, a method or a property; the last two with their class."""

    name: str
    thing: Any
    owner: type | None = None

    @property
    def function(self) -> Any:
        """The plain function behind a property, or behind a method that works on the class too."""
        thing: Any = self.thing.fget if isinstance(self.thing, property) else self.thing
        return inspect.unwrap(getattr(thing, "_function", thing))

    @property
    def docstring(self) -> str:
        return inspect.cleandoc(self.thing.__doc__ or "")


def is_ours(thing: object) -> bool:
    return str(getattr(thing, "__module__", "")).startswith(("langchain_segmind", "pytest_segmind"))


def members(cls: type) -> list[Named]:
    """List what a class itself defines, private methods too."""
    found = []
    for name, value in list(vars(cls).items()):  # pydantic may finish a class meanwhile
        thing = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        is_late = type(thing).__name__ == "of_model_or_class"
        if inspect.isfunction(thing) or isinstance(thing, property) or is_late:
            found.append(Named(f"{cls.__qualname__}.{name}", thing, cls))
    return [named for named in found if is_ours(named.function)]


EXPORTED = [getattr(module, name) for module in MODULES for name in module.__all__]
FUNCTIONS = {
    thing.__name__: Named(thing.__name__, thing)
    for thing in EXPORTED
    if callable(thing) and is_ours(thing) and not inspect.isclass(thing)
}
# Those that users build, and those of ours from which they inherit.
CLASSES = {
    cls.__qualname__: Named(cls.__qualname__, cls)
    for exported in filter(inspect.isclass, EXPORTED)
    for cls in exported.__mro__
    if is_ours(cls)
}
MEMBERS = {each.name: each for named in CLASSES.values() for each in members(named.thing)}
