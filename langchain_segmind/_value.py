"""Decorators of this package's values. It imports no other module of the package."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar

from typing_extensions import dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Make a class a dataclass with slots; the type checker forbids changes to its instances.

    `frozen=True` would forbid them at run time too, but it sets each field by a call: that is 6 %
    of the time of a chat, which builds sixteen values. And `dataclass` would compile `__eq__`,
    `__hash__` and `__repr__` for each class, which is a sixth of this package's import time.
    """
    return _with_methods(dataclass(slots=True, eq=False, repr=False)(cls))


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen_value(cls: type[T]) -> type[T]:
    """Make a class a value whose instances cannot be changed at run time either: a public one."""
    return _with_methods(dataclass(slots=True, frozen=True, eq=False, repr=False)(cls))


def _with_methods(cls: type[T]) -> type[T]:
    made: Any = cls
    names = [f.name for f in fields(made) if f.compare]
    made.__values__ = attrgetter(*names, "__class__")  # one name alone would not give a tuple
    made.__eq__, made.__hash__, made.__repr__ = _eq, _hash, _repr
    return cls


def _eq(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return bool(self.__values__(self) == self.__values__(other))


def _hash(self: Any) -> int:
    return hash(self.__values__(self))


def _repr(self: Any) -> str:
    shown = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr]
    return f"{type(self).__name__}({', '.join(shown)})"
