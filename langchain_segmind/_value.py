"""What the values of the house are: dataclasses that never change. It imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar

from typing_extensions import dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Make a class a frozen dataclass with slots.

    It is the type checker that holds it frozen. To have Python hold it too, as `frozen=True` does,
    would set each field by a call, and those of the sixteen values of a chat are 6 % of it.

    Comparing and showing are written here once: a dataclass compiles its own, and those of thirty
    values are a sixth of what importing this package adds to importing LangChain.
    """
    made: Any = dataclass(slots=True, eq=False, repr=False)(cls)
    names = [f.name for f in fields(made)]
    made.__values__ = attrgetter(*names, "__class__")  # never of one alone, which gives no tuple
    made.__eq__, made.__hash__, made.__repr__ = _equal, _hash, _show
    return made  # type: ignore[no-any-return]


def _equal(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return bool(self.__values__(self) == self.__values__(other))


def _hash(self: Any) -> int:
    return hash(self.__values__(self))


def _show(self: Any) -> str:
    shown = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr]
    return f"{type(self).__name__}({', '.join(shown)})"
