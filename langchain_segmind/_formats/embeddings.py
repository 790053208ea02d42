"""Write and read the bodies of embedding models.

The gateway's documentation has several forms of a reply, without the models that use them. So
`decode` finds the one list of numbers in whatever wraps it; nothing else may pass as a vector.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

from langchain_segmind._text import AN_ERROR, message_from_json
from langchain_segmind.errors import SegmindResponseError

VectorFamily = Literal["openai", "gemini"]

_TEXT_KEYS: Final[Mapping[VectorFamily, str]] = {"openai": "prompt", "gemini": "input"}
_WRAPPERS: Final = ("embedding", "embeddings", "data", "values")
_MAX_WRAPPERS: Final = 6


def encode(text: str, family: VectorFamily, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Write the body of a request for one text.

    Args:
        text: The text.
        family: Whose format the body has.
        settings: The body's other fields.
    """
    return {_TEXT_KEYS[family]: text, **settings}


def decode(value: Any) -> list[float]:
    """Read the vector in the parsed body of a reply of status 200.

    It may stand under `embedding`, `embedding.values`, `data[0].embedding`, `embeddings[0]` or
    `embeddings[0].values`, or be the whole body.

    Raises:
        SegmindResponseError: If there is not exactly one list of finite numbers, with the reason.
    """
    found = value
    for _ in range(_MAX_WRAPPERS):
        match found:
            case dict():
                found = _unwrap(found)
            case [dict() | list() as only]:
                found = only
            case [dict() | list(), *rest]:
                raise SegmindResponseError(f"it holds {1 + len(rest)} vectors for one text")
            case list():
                return _vector(found)
            case _:
                raise SegmindResponseError(f"it holds a {type(found).__name__} for a vector")
    raise SegmindResponseError("it is nested too deeply")


def _unwrap(value: Mapping[str, Any]) -> Any:
    wrapped = next((value[key] for key in _WRAPPERS if value.get(key) is not None), None)
    if wrapped is None:
        error = message_from_json(value)
        raise SegmindResponseError(f"{AN_ERROR}{error}" if error else "it holds no vector")
    return wrapped


def _vector(numbers: list[Any]) -> list[float]:
    if not numbers:
        raise SegmindResponseError("its vector is empty")
    other_types = {*map(type, numbers)} - {float, int}
    if other_types:
        names = " and ".join(sorted(t.__name__ for t in other_types))
        raise SegmindResponseError(f"its vector holds {names}, not only numbers")
    try:
        vector = list(map(float, numbers))
    except OverflowError:  # an int larger than any float
        vector = [math.inf]
    if not all(map(math.isfinite, vector)):
        raise SegmindResponseError("its vector holds a number that is not finite")
    return vector
