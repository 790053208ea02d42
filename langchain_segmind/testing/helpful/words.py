"""Words and sentences: how the default brain cuts texts up and compares them.

Everything is simple and deterministic. English is known best; other languages are only cut.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+(?:'[a-z]+)?")
_SENTENCE_END = re.compile(
    r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[^\sa-z])|(?<=[\u3002\uff01\uff1f])|\n+"
)
_BULLET = re.compile(r"^(?:[-*•>#]+\s+|\(?\d{1,2}[.)]\s+|\[[^\]]{0,40}\]:?\s+)+")
# A line that ends in the middle of a sentence: before a small letter, or because it was full.
_HARD_WRAP = re.compile(
    r"(?<![.!?:;\n])\n(?=[a-z])|(?<=[^\n]{60}[^.!?:;\n])\n(?=[^\W_])(?!\d{1,2}[.)]\s)"
)
_ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|No|vs|etc|e\.g|i\.e)|\b[A-Z])\.$")

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

# Words that mean the same to a reader in a hurry; the first stands for the others.
_GROUPS = (
    "tall height high",
    "author write wrote written writer",
    "begin start began begun started",
    "born birth birthday",
    "cost price fee charge bill",
    "big large size",
    "job work profession occupation",
    "age old",
    "ahead advance",
    "use used using",
    "live home reside residence",
    "make build built made create construct found established establish",
    "buy bought purchase",
    "fast quick speed",
    "error failure fail",
    "allow permit permitted",
    "send sent submit",
    "max maximum",
    "min minimum",
    "temperature warm hot cold degree",
    "film movie",
    "country nation",
    "love favourite favorite prefer",
    "person people man woman",
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

NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
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


def _synonyms() -> Mapping[str, str]:
    pairs = [(stem(word), stem(group.split()[0])) for group in _GROUPS for word in group.split()]
    return dict(pairs)


_SYNONYMS = _synonyms()


def terms(text: str) -> list[str]:
    """Cut a text into the words that carry its meaning, brought to a common form."""
    stems = (stem(word) for word in words(text) if word not in STOPWORDS)
    return [_SYNONYMS.get(found, found) for found in stems]


def sentences(text: str) -> list[str]:
    """Cut a text into sentences; a line end is an end too, unless the line was only wrapped."""
    found: list[str] = []
    for piece in _SENTENCE_END.split(_HARD_WRAP.sub(" ", text)):
        sentence = _BULLET.sub("", piece.strip()).strip()
        if found and _ABBREVIATION.search(found[-1]) and sentence:
            found[-1] += f" {sentence}"
        elif sentence:
            found.append(sentence)
    return found


def is_question(sentence: str) -> bool:
    """Tell whether a sentence asks something."""
    return sentence.rstrip("\"') ").endswith(("?", "\uff1f"))


def capital(text: str) -> str:
    """Begin a text with a capital letter."""
    return text[:1].upper() + text[1:]


def as_sentence(text: str) -> str:
    """Begin a text with a capital letter, and end it with a full stop."""
    text = capital(text.strip())
    return text if not text or text.endswith((".", "!", "?", "。", "…")) else f"{text}."
