"""Cut a text into words, and words to their stems, so that texts can be compared.

Simple and deterministic. English is known best; other languages are only cut.
"""

import re
from functools import lru_cache

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+(?:'[a-z]+)?")

STOPWORDS = frozenset(
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


def words(text: str) -> list[str]:
    """Cut a text into words, in lower case."""
    return _WORD.findall(text.replace("\u2019", "'").lower())


@lru_cache(maxsize=10_000)
def stem(word: str) -> str:
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
