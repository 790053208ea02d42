"""Texts in, vectors out: the bodies of embedding models, whose two forms are their families' own.

The contract names several forms of a reply and does not say which model uses which, so the reader
finds the one list of numbers in whatever it is wrapped in, and takes nothing that is not one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

from langchain_segmind.errors import SegmindResponseError, explain_value

VectorFamily = Literal["openai", "gemini"]

_PLACES: Final[Mapping[VectorFamily, str]] = {"openai": "prompt", "gemini": "input"}
_WRAPPERS: Final = ("embedding", "embeddings", "data", "values")
_DEEPEST: Final = 6  # wrappers within one another


def encode(text: str, family: VectorFamily, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Write one text as the body of a request.

    Args:
        text: The text.
        family: How the model's bodies look.
        settings: Fields beside the text.
    """
    return {_PLACES[family]: text, **settings}


def decode(value: Any) -> list[float]:
    """Read the vector in the parsed body of a reply of status 200.

    It may stand under `embedding`, `embedding.values`, `data[0].embedding`, `embeddings[0]` or
    `embeddings[0].values`, or be the whole body.

    Raises:
        SegmindResponseError: If there is not just one list of finite numbers; says why.
    """
    found = value
    for _ in range(_DEEPEST):
        match found:
            case dict():
                found = _unwrapped(found)
            case [dict() | list() as only]:
                found = only
            case [dict() | list(), *rest]:
                raise SegmindResponseError(f"it holds {1 + len(rest)} vectors for one text")
            case list():
                return _vector(found)
            case _:
                raise SegmindResponseError(f"it holds a {type(found).__name__} for a vector")
    raise SegmindResponseError("it is nested too deeply")


def _unwrapped(value: Mapping[str, Any]) -> Any:
    found = next((value[key] for key in _WRAPPERS if value.get(key) is not None), None)
    if found is None:
        said = explain_value(value)
        raise SegmindResponseError(f"it is an error: {said}" if said else "it holds no vector")
    return found


def _vector(numbers: list[Any]) -> list[float]:
    if not numbers:
        raise SegmindResponseError("its vector is empty")
    odd = {*map(type, numbers)} - {float, int}
    if odd:
        names = " and ".join(sorted(kind.__name__ for kind in odd))
        raise SegmindResponseError(f"its vector holds {names}, not only numbers")
    try:
        vector = list(map(float, numbers))
    except OverflowError:  # an int beyond all floats
        vector = [math.inf]
    if not all(map(math.isfinite, vector)):
        raise SegmindResponseError("its vector holds a number that is not finite")
    return vector
