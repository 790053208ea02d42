"""What the default brain is ordered to do with a question instead of answering it.

The steps of RAG order such things: make a question stand alone, put it in other words, or say
whether a document answers it.
"""

import re
from collections.abc import Sequence

from langchain_segmind.testing.helpful.evidence import proper_names
from langchain_segmind.testing.helpful.material import Material, Passage
from langchain_segmind.testing.helpful.repertoire import translated
from langchain_segmind.testing.helpful.search import find_answer
from langchain_segmind.testing.helpful.words import NUMBER_WORDS, STOPWORDS, words

_TRANSLATOR = re.compile(r"\btranslat\w+\b[^.\n]*?\b(?:in)?to (?P<to>\w+)", re.IGNORECASE)
_REPHRASER = re.compile(r"\b(?:standalone|stand-alone) question\b|\brephrase\b", re.IGNORECASE)
_VERSIONS = re.compile(
    r"\b(?:generate|write|create|produce|give me|suggest) (?P<count>\d+|\w+) "
    r"(?:different |alternative |other |similar |related |new )*"
    r"(?:versions?|variations?|variants?|rephrasings?|(?:search )?quer(?:y|ies)) ",
    re.IGNORECASE,
)
_GRADER = re.compile(
    r"(?<!\w)['\"]?(?P<yes>yes)['\"]? if\b[^\n]*?(?<!\w)['\"]?(?P<no>no)['\"]? if\b", re.IGNORECASE
)

_HE = r"he|him|she|(?P<own>his|her(?= [a-z])|its|their)|her"
_PRONOUN = re.compile(rf"\b(?:{_HE}|it|that|this|they|them)\b", re.IGNORECASE)
_PERSONAL = re.compile(r"\b(?:he|him|his|she|her)\b", re.IGNORECASE)
_TOPIC = re.compile(r"^wh(?:at|o|ere) (?:is|are|was|were) (?P<it>[^?]+)\?+$", re.IGNORECASE)
_SEVERAL = 3


def as_ordered(material: Material) -> str | None:
    """Do what the prompt orders to do with a question.

    Args:
        material: The question, and the orders.

    Returns:
        What came of it; None when there is no such order.
    """
    if not material.request:
        return None
    if found := _VERSIONS.search(material.orders):
        return "\n".join(_versions(material.request)[: _count(found["count"])])
    if found := _GRADER.search(material.orders):
        fits = find_answer(material.request, material.passages)
        return found["yes"] if fits else found["no"]
    if _REPHRASER.search(material.system):
        return _standing_alone(material)
    order = None if material.has_documents else _TRANSLATOR.search(material.system)
    return translated(material.request, order["to"]) if order else None


def _count(said: str) -> int:
    if said.isdigit():
        return int(said)
    return NUMBER_WORDS.index(said.lower()) if said.lower() in NUMBER_WORDS else _SEVERAL


def _versions(question: str) -> list[str]:
    told = [word for word in words(question) if word not in STOPWORDS]
    keywords = " ".join(told or words(question))
    return [
        question,
        keywords,
        f"What is known about {keywords}?",
        f"Tell me about {keywords}.",
        f"Facts on {keywords}",
    ]


def _standing_alone(material: Material) -> str:
    request = material.request
    found = _PRONOUN.search(request)
    name = _meant(request, material.passages, material.earlier) if found else None
    if found is None or name is None:
        return request
    name += "'s" if found["own"] else ""
    return request[: found.start()] + name + request[found.end() :]


def _meant(request: str, passages: Sequence[Passage], earlier: Sequence[str]) -> str | None:
    """Tell whom or what a pronoun means: what was asked about, or the person in the answer."""
    asked = list(proper_names(earlier[-1])) if earlier else []
    latest = [list(proper_names(passage.text)) for passage in passages]
    told = next((names for names in reversed(latest) if names), [])
    new = [name for name in told if name not in asked]
    same = [name for name in asked if name in told]
    order = [*new, *asked, *told] if _PERSONAL.search(request) else [*same, *told[-1:], *asked]
    names = [name for name in order if name not in request]
    topic = _TOPIC.match(earlier[-1]) if earlier else None
    return next(iter(names), topic["it"] if topic else None)
