"""Texts as vectors of unit length: texts that share words are near one another.

Each word is hashed to a few places, so a vector is the same in every process and on every
platform, and its beginning is a smaller vector of the same text. English is known best; other
languages are only split into words.
"""

import hashlib
import math
import re
import struct
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache

_PLACES = struct.Struct("<6h")  # numbers whose signs count, too
# Where a word's first places lie, as start and span: the beginnings of a vector know it too.
_EARLY = ((0, 128), (128, 128), (256, 512))
_COMMON = 0.1  # what a word that says little weighs
_MILLION = 1e6
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+(?:'[a-z]+)?")

_STOPWORDS = frozenset(
    _WORD.findall(
        """
        a about above after again all also am an and any are as at far be been before being
        below but by can could did do does doing done down for from further give get had has
        have having he her here hers him his how i if in into is it its itself just know let
        like many may me might mine more most much must my myself no nor not now of off on
        once one only or other our ours out over own please same shall she should so some
        such tell than that the their theirs them then there these they this those through
        to too under until up us very was we were what when where which while who whom whose
        why will with would you your yours i'm you're it's don't doesn't what's there's
        """
    )
)

_ENDINGS = (
    ("sses", "ss"),
    ("ies", "y"),
    ("ing", ""),
    ("ed", ""),
    ("ly", ""),
    ("es", ""),
    ("s", ""),
)

_SHORTEST_STEM = 3
_VOWEL = re.compile("[aeiouy]")


def embed(text: str, size: int, kept: int | None = None) -> list[float]:
    """Turn a text into a vector of a size of at least 768.

    Only its first numbers are kept, at least 256, and scaled to unit length; six digits a number.
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
    for word, times in Counter(_words(text)).items():
        root = _stem(word)
        weight = math.sqrt(times) * (_COMMON if word in _STOPWORDS else 1.0)
        weights[root] = weights.get(root, 0.0) + weight
    return weights or {text: 1.0}


def _of_unit_length(sums: Mapping[int, float], size: int) -> list[float]:
    kept = {place: value for place, value in sums.items() if place < size}
    scale = _MILLION / math.sqrt(sum(value * value for value in kept.values()))
    vector = [0.0] * size
    for place, value in kept.items():
        vector[place] = round(value * scale) / _MILLION
    return vector


def _words(text: str) -> list[str]:
    """Split a text into words, in lower case."""
    return _WORD.findall(text.replace("\u2019", "'").lower())


@lru_cache(maxsize=10_000)
def _stem(word: str) -> str:
    """Take the ending off a word, so that *retries*, *retried* and *retrying* are one."""
    word = word.removesuffix("'s")
    if word.endswith(("ss", "us", "is")):
        return word
    for ending, instead in _ENDINGS:
        rest = word.removesuffix(ending) + instead
        if word.endswith(ending) and len(rest) >= _SHORTEST_STEM and _VOWEL.search(rest):
            return _tidy(rest)
    return _tidy(word)


def _tidy(word: str) -> str:
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "sle":
        return word[:-1]
    if len(word) > _SHORTEST_STEM and word.endswith("e"):
        return word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > _SHORTEST_STEM else word
