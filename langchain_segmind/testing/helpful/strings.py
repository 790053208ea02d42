"""Which text fits a property, as tables: by the format it must have, by the name it goes by."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_segmind.testing.helpful.evidence import Evidence
from langchain_segmind.testing.helpful.words import terms

Find = Callable[[Evidence], Sequence[str]]

# The first row whose pattern is in the property's name says where to look.
_BY_NAME: tuple[tuple[re.Pattern[str], Find], ...] = tuple(
    (re.compile(pattern), find)
    for pattern, find in (
        (r"setup", lambda evidence: [evidence.joke[0]]),
        (r"punchline|punch_line", lambda evidence: [evidence.joke[1]]),
        (r"e?mail", lambda evidence: evidence.formed("email")),
        (r"url|website|link|homepage", lambda evidence: evidence.formed("uri")),
        (r"phone|telephone|mobile", lambda evidence: evidence.formed("phone")),
        (r"date|birthday|deadline", lambda evidence: evidence.formed("date")),
        (
            r"city|country|place|location|capital|destination|origin|address|town|region",
            lambda evidence: evidence.places(),
        ),
        (
            r"(?:^|_)(?:name|person|author|who|people|character|inventor|artist|company"
            r"|organi[sz]ation|brand|product|founder|director|actor|speaker|owner)s?$",
            lambda evidence: evidence.names(),
        ),
        (r"query|search|question|input|prompt", lambda evidence: [evidence.request]),
        (r"topic|subject|theme|keyword", lambda evidence: [evidence.topic]),
        (
            r"answer|summary|text|content|reason|explanation|description|message|response|reply"
            r"|thought|comment|detail|result|output|conclusion|analysis|say|note|joke|fact",
            lambda evidence: [evidence.answer],
        ),
    )
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
    found = [text for find in _finders(name) for text in find(evidence) if text]
    if described := evidence.described(name.lower()) if name else None:
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


def _finders(name: str) -> list[Find]:
    low = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return [find for pattern, find in _BY_NAME if pattern.search(low)][:1]


def _sentence_about(evidence: Evidence, name: str, schema: Mapping[str, Any]) -> list[str]:
    hint = terms(f"{name.replace('_', ' ')} {schema.get('description', '')}")
    line = evidence.telling(hint)
    return [line] if line else []
