"""Texts as vectors of unit length: texts that share words are near one another.

Each word is hashed to a few places, so a vector is the same in every process and on every
platform, and its beginning is a smaller vector of the same text.
"""

import hashlib
import math
import struct
from collections import Counter, defaultdict
from collections.abc import Mapping

from langchain_segmind.testing.words import STOPWORDS, stem, words

_PLACES = struct.Struct("<6h")  # numbers whose signs count, too
# Where a word's first places lie, as start and span: the beginnings of a vector know it too.
_EARLY = ((0, 128), (128, 128), (256, 512))
_COMMON = 0.1  # what a word that says little weighs
_MILLION = 1e6


def embed(text: str, size: int, kept: int | None = None) -> list[float]:
    """Turn a text into a vector.

    Args:
        text: The text.
        size: How many numbers the whole vector has; at least 768.
        kept: How many of them to keep, at least 256; None for all.

    Returns:
        The beginning of the vector, brought back to unit length; six digits a number.
    """
    spans = (*_EARLY, (0, size), (0, size), (0, size))
    sums: defaultdict[int, float] = defaultdict(float)
    for word, weight in _weights(text).items():
        digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=12).digest()
        for (start, span), number in zip(spans, _PLACES.unpack(digest), strict=True):
            sums[start + number % span] += weight if number >= 0 else -weight
    return _of_unit_length(sums, kept or size)


def _weights(text: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for word, times in Counter(words(text)).items():
        root = stem(word)
        weight = math.sqrt(times) * (_COMMON if word in STOPWORDS else 1.0)
        weights[root] = weights.get(root, 0.0) + weight
    return weights or {text: 1.0}


def _of_unit_length(sums: Mapping[int, float], size: int) -> list[float]:
    kept = {place: value for place, value in sums.items() if place < size}
    scale = _MILLION / math.sqrt(sum(value * value for value in kept.values()))
    vector = [0.0] * size
    for place, value in kept.items():
        vector[place] = round(value * scale) / _MILLION
    return vector
