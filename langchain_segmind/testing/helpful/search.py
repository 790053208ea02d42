"""Finding the sentences that answer a question, by the words they share with it.

A shared word counts the more the rarer it is. A question is answered only when at least half of
its weight is found, so that a stranger's question gets an honest no.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from langchain_segmind.testing.helpful.material import Passage
from langchain_segmind.testing.helpful.words import as_sentence, terms, words

_ENOUGH = 0.5
_SECOND_BEST = 0.7
_SHORTEST = 3  # words; anything less is a heading
_FEW = 6  # words; with fewer a sentence does not explain itself
_BORROWED = 0.8  # a word that *it* stands for counts a little less than the word itself

_MISSED = 3  # what a name weighs more that occurs nowhere: another tower's height is no answer
_NAME = re.compile(r"(?<=\w )[A-Z][\w'-]+(?: [A-Z][\w'-]+)*")

_PRONOUNS = frozenset(words("he she it they this these that those his her its their"))

# What a good answer to such a question holds, and how much that is worth.
_EXPECTED = tuple(
    (re.compile(asks, re.IGNORECASE), re.compile(holds), worth)
    for asks, holds, worth in (
        (r"\bwhen\b|\bwh(?:at|ich) year\b", r"\b\d{4}\b|\b\d{1,2}(?::\d\d|\s?[ap]m)\b", 0.12),
        (r"\bhow (?:many|much|tall|high|long|old|far|big|often|fast)\b", r"\d", 0.12),
        (r"\bwho(?:se|m)?\b", r"(?<=\s)[A-Z][a-z]+", 0.03),
        (r"\bwhere\b", r"\b(?:in|at|near|on|from) (?:the )?[A-Z]", 0.05),
        (r"\bwhy\b", r"(?i:\b(?:because|since|so that|therefore|due to)\b)", 0.05),
        (r"\b(?:i|my|me|mine)\b", r"(?i:\b(?:i|i'm|my|me)\b)", 0.1),
    )
)


@dataclass(frozen=True)
class Hit:
    """A passage that answers.

    Attributes:
        at: Its place among the passages.
        score: How well it fits, about 0 to 1.
        shared: The question's words it holds.
        borrowed: Whether it leans on the passage before it.
    """

    at: int
    score: float
    shared: frozenset[str]
    borrowed: bool = False


def find_answer(question: str, passages: Sequence[Passage], *, cite: bool = False) -> str | None:
    """Answer a question out of passages.

    Args:
        question: The question.
        passages: Where to look, in order.
        cite: Whether to name the source behind each sentence that has one, in brackets.

    Returns:
        One or two sentences, or None when nothing fits well enough.
    """
    hits = sorted(_hits(question, passages), key=lambda hit: (-hit.score, hit.at))
    if not hits or hits[0].score < _ENOUGH:
        return None
    chosen = {hits[0].at}
    if hits[0].borrowed or _points_back(passages, hits[0].at):
        chosen.add(hits[0].at - 1)
    elif len(hits) > 1 and _adds(hits[1], hits[0]):
        chosen.add(hits[1].at)
    read = groupby((passages[at] for at in sorted(chosen)), key=lambda passage: passage.source)
    return " ".join(_told(list(found), source if cite else "") for source, found in read)


def _told(found: Sequence[Passage], source: str) -> str:
    text = " ".join(as_sentence(passage.told()) for passage in found)
    return f"{text[:-1]} [{source}]{text[-1]}" if source else text


def central(passages: Sequence[Passage], most: int = 2) -> list[str]:
    """Choose the sentences that say most about a text: those with its most frequent words."""
    counts = Counter(term for passage in passages for term in set(terms(passage.text)))
    ranked = sorted(
        range(len(passages)),
        key=lambda at: (-_average(counts, terms(passages[at].text)), at),
    )
    return [as_sentence(passages[at].text) for at in sorted(ranked[:most])]


def _average(counts: Counter[str], found: Sequence[str]) -> float:
    return sum(counts[term] for term in set(found)) / (3 + len(found))


def _adds(second: Hit, first: Hit) -> bool:
    good = second.score >= _SECOND_BEST * first.score
    return good and not second.borrowed and bool(second.shared - first.shared)


def _hits(question: str, passages: Sequence[Passage]) -> list[Hit]:
    asked = frozenset(terms(question)) or frozenset(words(question))
    held = [frozenset(terms(passage.text)) for passage in passages]
    weights = _weights(asked, held)
    firsts = {term for found in _NAME.finditer(question) for term in terms(found[0])[:1]}
    for term in firsts & asked - frozenset[str]().union(*held):
        weights[term] *= _MISSED
    return [
        _hit(at, question, weights, held, passages)
        for at in range(len(passages))
        if asked & held[at] and len(words(passages[at].text)) >= _SHORTEST
    ]


def _weights(asked: frozenset[str], held: Sequence[frozenset[str]]) -> dict[str, float]:
    counts = Counter(term for found in held for term in found)
    return {term: 1 + math.log((len(held) + 1) / (counts[term] + 1)) for term in sorted(asked)}


def _hit(
    at: int,
    question: str,
    weights: dict[str, float],
    held: Sequence[frozenset[str]],
    passages: Sequence[Passage],
) -> Hit:
    text = passages[at].text
    own = weights.keys() & held[at]
    lent = weights.keys() & held[at - 1] - own if at and _leans(passages, at) else set[str]()
    total = sum(weights.values())
    score = sum(weights[term] for term in own) + _BORROWED * sum(weights[term] for term in lent)
    bonus = sum(
        worth for asks, holds, worth in _EXPECTED if asks.search(question) and holds.search(text)
    )
    brevity = 1 / (100 + len(text))
    return Hit(at, score / total + bonus + brevity, frozenset(own | lent), bool(lent))


def _points_back(passages: Sequence[Passage], at: int) -> bool:
    """Tell whether a sentence says *that is it* of what the sentence before it tells."""
    few = len(words(passages[at].text)) <= _FEW
    is_read = passages[at].origin == "document"
    return at > 0 and few and is_read and _leans(passages, at)


def _leans(passages: Sequence[Passage], at: int) -> bool:
    first = next(iter(words(passages[at].text)), "")
    before, here = passages[at - 1], passages[at]
    return first in _PRONOUNS and (before.origin, before.source) == (here.origin, here.source)
