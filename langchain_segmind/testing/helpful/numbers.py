"""Numbers in a sentence, and how likely each is the one that a name asks for."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langchain_segmind.testing.helpful.words import NUMBER_WORDS, terms, words

_DIGITS = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?")
_SPELT = re.compile(rf"\b(?:{'|'.join(NUMBER_WORDS[1:])})\b", re.IGNORECASE)
_YEAR = re.compile(r"[12]\d{3}")
_WINDOW = 200  # letters looked at on either side of a number
_FURTHEST = 6  # words between a number and the word that names it

# A number's name is often not said, but its unit is.
_UNITS = {
    "price": "price cost amount dollars euros pounds usd eur",
    "amount": "amount price cost dollars euros",
    "age": "age aged years old",
    "height": "height tall feet metres meters cm",
    "length": "length long metres meters km miles",
    "weight": "weight weighs kg kilograms pounds tons",
    "distance": "distance km miles kilometres away",
    "duration": "duration minutes hours days seconds weeks",
    "rating": "rating stars score",
    "percentage": "percentage percent",
    "temperature": "temperature degrees",
    "year": "year born in since",
}


@dataclass(frozen=True)
class Number:
    """A number that was said.

    Attributes:
        value: The number.
        rank: The smaller, the better it fits the name asked for.
        near: Whether a word of the name stands near.
    """

    value: float
    rank: tuple[bool, int]
    near: bool


def hint_of(name: str, description: str = "") -> list[str]:
    """Tell the terms that may stand near the number a property asks for.

    Args:
        name: The property's name.
        description: Its description.
    """
    named = terms(name.replace("_", " "))
    units = [unit for key, unit in _UNITS.items() if set(terms(key)) & set(named)]
    return [*named, *terms(" ".join([description, *units]))]


def numbers_in(line: str, hint: Sequence[str]) -> Iterator[Number]:
    """Find the numbers in a sentence.

    Args:
        line: The sentence.
        hint: Terms that name the number asked for.
    """
    wants_year = "year" in hint
    for at, value in _spotted(line):
        is_year = _YEAR.fullmatch(f"{value:g}") is not None
        distance = _distance(line, at, hint)
        yield Number(value, (is_year != wants_year, distance), distance <= _FURTHEST)


def _spotted(line: str) -> list[tuple[int, float]]:
    digits = [(hit.start(), float(hit[0].replace(",", ""))) for hit in _DIGITS.finditer(line)]
    spelt = [
        (hit.start(), float(NUMBER_WORDS.index(hit[0].lower()))) for hit in _SPELT.finditer(line)
    ]
    return sorted(spot for spot in digits + spelt if math.isfinite(spot[1]))


def _distance(line: str, at: int, hint: Sequence[str]) -> int:
    if line[at - 1 : at] in set("$€£") and "dollar" in hint:
        return 0
    before = words(line[max(0, at - _WINDOW) : at])[::-1]
    after = words(re.sub(r"^[-\d.,]+", "", line[at : at + _WINDOW]))
    for distance in range(_FURTHEST + 1):
        around = [*before[distance : distance + 1], *after[distance : distance + 1]]
        if any(term in hint for word in around for term in terms(word)):
            return distance
    return _FURTHEST + 1
