"""Which text fits a property, as tables: by the format it must have, by the name it goes by."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_segmind.testing.helpful.evidence import Evidence
from langchain_segmind.testing.helpful.numbers import hint_of
from langchain_segmind.testing.helpful.words import terms

Find = Callable[[Evidence, str], Sequence[str]]

_PLACE = "city|country|place|location|capital|destination|origin|address|town|region"
_NAMED = (
    "name|person|author|who|people|character|inventor|artist|company|organi[sz]ation|brand"
    "|product|founder|director|actor|speaker|owner"
)
_SPOKEN = "language|style|tone|genre|mood"
_TOLD = (
    "answer|summary|text|content|reason|explanation|description|message|response|reply|thought"
    "|comment|detail|result|output|conclusion|analysis|say|note|joke|fact"
)
_COUNTED = "year|number|count|price|amount|cost|height|weight|quantity|rating|score"

# The first row whose pattern is in the property's name says where to look.
_BY_NAME: tuple[tuple[str, Find], ...] = (
    ("setup", lambda evidence, _: [evidence.joke[0]]),
    ("punch_?line", lambda evidence, _: [evidence.joke[1]]),
    ("e?mail", lambda evidence, _: evidence.formed("email")),
    ("url|website|link|homepage", lambda evidence, _: evidence.formed("uri")),
    ("phone|telephone|mobile", lambda evidence, _: evidence.formed("phone")),
    ("date|birthday|deadline", lambda evidence, _: evidence.formed("date")),
    (_PLACE, lambda evidence, _: evidence.places()),
    (rf"(?:^|_)(?:{_NAMED})s?$", lambda evidence, _: evidence.quoted() + evidence.names()),
    (_SPOKEN, lambda evidence, _: evidence.names()),
    ("expression|formula|equation|calculation", lambda evidence, _: evidence.formulas()),
    (
        "query|search|question|input|prompt",
        lambda evidence, _: [evidence.matter or evidence.request],
    ),
    ("topic|subject|theme|keyword", lambda evidence, _: [evidence.topic]),
    (_TOLD, lambda evidence, _: [evidence.answer]),
    (
        rf"(?:^|_)(?:{_COUNTED}|age)$",
        lambda evidence, name: [f"{found.value:g}" for found in evidence.numbers(hint_of(name))],
    ),
)

_EXAMPLES = {
    "email": "someone@example.com",
    "uri": "https://example.com",
    "url": "https://example.com",
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "hostname": "example.com",
    "duration": "P1D",
}

# Tried in turn where a pattern must be met and nothing that was said meets it.
_SAMPLES = (
    *("unknown", "a", "A", "0", "1", "aa", "AA", "00", "abc", "ABC", "123", "abcd", "ABCD", "1234"),
    *("abcde", "ABCDE", "12345", "123456", "a1", "A1", "abc-123", "ABC-123", "abc_123", "AB-1234"),
    *("1.0", "1.0.0", "12:00", "2000-01-01", "#000000", "+10000000000", "555-0100", "example.com"),
)


def find_string(evidence: Evidence, name: str, schema: Mapping[str, Any]) -> list[str]:
    """Find texts for a property in what was said.

    Args:
        evidence: Where to look.
        name: The property's name.
        schema: The property's schema.

    Returns:
        What was found, the best first.
    """
    form = schema.get("format")
    if form in _EXAMPLES:
        return evidence.formed(form) if form in {*_EXAMPLES} - _UNSEARCHED else []
    low = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    finders = [find for pattern, find in _BY_NAME if re.search(pattern, low)]
    found = [text for find in finders[:1] for text in find(evidence, low) if text]
    if evidence.matter:
        said = [*evidence.quoted(), evidence.matter, evidence.request]
        return [*(evidence.labelled(low) if name else []), *found, *said]
    if described := evidence.described(low) if name else None:
        found.append(described)
    if schema.get("pattern"):
        found += [word.strip(".,;:!?") for line in evidence.lines for word in line.split()]
    return found or _sentence_about(evidence, name, schema)


def made_up_string(evidence: Evidence, name: str, schema: Mapping[str, Any]) -> list[str]:
    """Make texts up for a property nothing was said about.

    Args:
        evidence: What was said.
        name: The property's name.
        schema: The property's schema.

    Returns:
        Texts to try, at least one.
    """
    form = schema.get("format")
    if form in _EXAMPLES:
        return [_EXAMPLES[form]]
    examples = [text for text in schema.get("examples") or () if isinstance(text, str)]
    plain = [] if name else [evidence.answer]
    return [*examples, *plain, *_SAMPLES]


_UNSEARCHED = {"ipv6", "hostname", "duration"}


def _sentence_about(evidence: Evidence, name: str, schema: Mapping[str, Any]) -> list[str]:
    hint = terms(f"{name.replace('_', ' ')} {schema.get('description', '')}")
    line = evidence.telling(hint)
    return [line] if line else []
