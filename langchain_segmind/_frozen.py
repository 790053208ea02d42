"""What the values of the house are: dataclasses that never change. It imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from typing_extensions import dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Make a class a frozen dataclass with slots.

    It is the type checker that holds it frozen. To have Python hold it too, as `frozen=True` does,
    would set each field by a call, and those of the sixteen values of a chat are 6 % of it.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
