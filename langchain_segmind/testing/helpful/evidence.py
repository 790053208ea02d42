"""Values to fill a schema with, found in what was said: names, numbers, sentences."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from langchain_segmind.testing.helpful.material import Material, is_instruction
from langchain_segmind.testing.helpful.small_talk import NUMBER_WORDS, joke, topic_of
from langchain_segmind.testing.helpful.words import STOPWORDS, sentences, stem, terms, words

_NAME = re.compile(r"[A-Z][\w'-]*(?:(?: (?:de|da|van|von|of|the))* [A-Z][\w'-]*)*")
_VERB = re.compile(r" (?:is|was|has|had|are|were|lives?|works?|likes?|invented|wrote|will|and) ")
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,3}(?:,\d{3})+(?![\d,])|(?<![\w.])-?\d+(?:\.\d+)?")
_NUMBER_WORD = re.compile(r"\b(?:" + "|".join(NUMBER_WORDS[1:]) + r")\b", re.IGNORECASE)
_YEAR = re.compile(r"[12]\d{3}")
_NEAR = 6  # words between a number and the word that names it

_MONTHS = "january february march april may june july august september october november december"
_DATE = re.compile(
    r"\b(?P<d1>\d{1,2}) (?P<m1>[A-Z][a-z]+),? (?P<y1>\d{4})\b"
    r"|\b(?P<m2>[A-Z][a-z]+) (?P<d2>\d{1,2})(?:st|nd|rd|th)?,? (?P<y2>\d{4})\b"
)

_FORMS = {
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "uri": re.compile(r"https?://[^\s<>\"')\]]*[^\s<>\"')\].,]"),
    "date-time": re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"),
    "date": re.compile(r"\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b"),
    "time": re.compile(r"\b(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:Z|[+-]\d\d:\d\d)?\b"),
    "uuid": re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE),
    "ipv4": re.compile(r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b"),
    "phone": re.compile(r"\+?\d[\d ()/-]{6,}\d"),
}
_FORMS["url"] = _FORMS["uri"]


@dataclass(frozen=True)
class Evidence:
    """What is known when a schema is to be filled.

    Attributes:
        request: What was asked.
        lines: The sentences to look in, the most telling first.
        answer: The answer in prose.
    """

    request: str
    lines: tuple[str, ...]
    answer: str

    @classmethod
    def of(cls, material: Material, answer: str) -> "Evidence":
        """Gather the evidence of a question.

        Args:
            material: The question.
            answer: The answer in prose.
        """
        asked = [line for line in sentences(material.request) if not _is_bare_order(line)]
        told = [passage.text for passage in material.passages]
        return cls(material.request, tuple(dict.fromkeys(asked + told)), answer)

    def only(self, line: str) -> "Evidence":
        """Look at nothing but one sentence."""
        return replace(self, request=line, lines=(line,), answer=line)

    @property
    def topic(self) -> str:
        """What the request is about."""
        return topic_of(self.request)

    @property
    def joke(self) -> tuple[str, str]:
        """A joke about the topic."""
        return joke(self.topic)

    def formed(self, form: str) -> list[str]:
        """Find texts of a form: ``email``, ``uri``, ``date``, ``phone``, …"""
        found = [hit[0] for line in self.lines for hit in _FORMS[form].finditer(line)]
        return found + (list(self._written_dates()) if form == "date" else [])

    def names(self) -> list[str]:
        """Find proper names."""
        found = [name for line in self.lines for name in _names(line)]
        return list(dict.fromkeys(found))

    def places(self) -> list[str]:
        """Find proper names that follow *in*, *at*, *from*, *to* or *of*; then all others."""
        text = " ".join(self.lines)
        after = [
            name
            for name in self.names()
            if re.search(rf"\b(?:in|at|from|to|of|for|visit) (?:the )?{re.escape(name)}", text)
        ]
        return list(dict.fromkeys(after + self.names()))

    def numbers(self, hint: Sequence[str]) -> list[float]:
        """Find numbers: those near a word of the hint first, then in order.

        Args:
            hint: Terms that name the number.
        """
        wants_year = stem("year") in hint
        found = [(*_rank(line, at, value, hint, wants_year), value) for line in self.lines
                 for at, value in _numbers(line)]  # fmt: skip
        return [value for _, value in sorted(found, key=lambda item: item[0])]

    def is_near(self, number: float, hint: Sequence[str]) -> bool:
        """Tell whether a number stands near a word of the hint."""
        return any(
            value == number and _distance(line, at, hint) <= _NEAR
            for line in self.lines
            for at, value in _numbers(line)
        )

    def described(self, name: str) -> str | None:
        """Find *red* for ``colour`` in *the colour is red*, *colour: red* or *red colour*."""
        label = re.escape(name.replace("_", " "))
        text = "\n".join(self.lines)
        if found := re.search(rf"\b{label}(?: is| was|:| =) [\"']?([\w'-]+)", text, re.IGNORECASE):
            return found[1]
        first = re.escape(name.split("_", maxsplit=1)[0])
        found = re.search(rf"\b([a-z][\w-]*) {first}\b", text)
        return found[1] if found and found[1] not in STOPWORDS else None

    def telling(self, hint: Sequence[str]) -> str | None:
        """Find the first sentence that holds a word of the hint."""
        return next((line for line in self.lines if set(hint) & set(terms(line))), None)

    def mentions(self, term: str) -> bool:
        """Tell whether a word was used."""
        return any(term in terms(line) for line in self.lines)

    def _written_dates(self) -> Iterator[str]:
        for line in self.lines:
            for found in _DATE.finditer(line):
                day, month = found["d1"] or found["d2"], (found["m1"] or found["m2"]).lower()
                if month in _MONTHS.split():
                    number = _MONTHS.split().index(month) + 1
                    yield f"{found['y1'] or found['y2']}-{number:02}-{int(day):02}"


def _is_bare_order(line: str) -> bool:
    return is_instruction(line) and ":" not in line and not _NUMBER.search(line)


def _names(line: str) -> Iterator[str]:
    for found in _NAME.finditer(line):
        name = found[0].removesuffix("'s")
        first = name.split()[0]
        if first.lower() in STOPWORDS:
            name = name.removeprefix(first).strip()
        opens = not line[: found.start()].rstrip("\"'( ").strip() or line[: found.start()].endswith(
            ": "
        )
        is_subject = _VERB.match(line[found.end() :] + " ") is not None
        if name and (" " in name or not opens or is_subject or name == line.strip(".!?")):
            yield name


def _numbers(line: str) -> Iterator[tuple[int, float]]:
    for found in _NUMBER.finditer(line):
        yield found.start(), float(found[0].replace(",", ""))
    for found in _NUMBER_WORD.finditer(line):
        yield found.start(), float(NUMBER_WORDS.index(found[0].lower()))


def _distance(line: str, at: int, hint: Sequence[str]) -> int:
    before, after = words(line[:at]), words(line[at:])[1:]
    for distance in range(_NEAR + 1):
        around = [*before[-1 - distance : len(before) - distance], *after[distance : distance + 1]]
        if any(term in hint for word in around for term in terms(word)):
            return distance
    return _NEAR + 1


def _rank(
    line: str,
    at: int,
    value: float,
    hint: Sequence[str],
    wants_year: bool,
) -> tuple[tuple[bool, int, bool]]:
    is_year = _YEAR.fullmatch(f"{value:g}") is not None
    return ((wants_year and not is_year, _distance(line, at, hint), is_year and not wants_year),)
