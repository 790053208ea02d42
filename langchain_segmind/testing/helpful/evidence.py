"""Values to fill a schema with, found in what was said: names, numbers, dates, sentences."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from langchain_segmind.testing.helpful.material import COMMAND, Material, is_instruction
from langchain_segmind.testing.helpful.numbers import Number, numbers_in
from langchain_segmind.testing.helpful.repertoire import joke
from langchain_segmind.testing.helpful.small_talk import topic_of
from langchain_segmind.testing.helpful.words import STOPWORDS, sentences, terms

_NAME = re.compile(r"[A-Z][\w'-]*(?:(?: (?:de|da|van|von|of|the))* [A-Z][\w'-]*)*")
_QUOTED = re.compile(
    r"\"([^\"\n]+)\"|(?<!\w)'([^'\n]+)'(?!\w)"
    r"|\u201c([^\u201d]+)\u201d|\u2018([^\u2019]+)\u2019|\u300c([^\u300d]+)\u300d"
)
_NUMBER = r"[-(]*(?<!\d)\d+(?:\.\d+)?\)*"
_FORMULA = re.compile(rf"{_NUMBER}(?:\s*(?:\*\*|[-+*/%^])\s*{_NUMBER})+")
_STATE = r", [A-Z][\w.]+(?=\s*(?:[.?!;]|$))"
_VERB = re.compile(r" (?:is|was|has|had|are|were|lives?|works?|likes?|invented|wrote|will|and)\b")
_NO_NAMES = frozenset({"JSON", "I", "I'm", "AI"})

_MONTHS = "january february march april may june july august september october november december"
_WRITTEN_DATE = re.compile(
    r"\b(?P<day>\d{1,2})(?:st|nd|rd|th)? (?:of )?(?P<month>[A-Z][a-z]+),? (?P<year>\d{4})\b"
)
_AMERICAN_DATE = re.compile(
    r"\b(?P<month>[A-Z][a-z]+) (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})\b"
)

_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_FORMS = {
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "uri": re.compile(r"https?://[^\s<>\"')\]]*[^\s<>\"')\].,]"),
    "date-time": re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"),
    "date": re.compile(r"\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b"),
    "time": re.compile(r"\b(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:Z|[+-]\d\d:\d\d)?\b"),
    "uuid": re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE),
    "ipv4": re.compile(rf"\b(?:{_BYTE}\.){{3}}{_BYTE}\b"),
    "phone": re.compile(r"\+?\d[\d ()/-]{6,}\d"),
}


@dataclass(frozen=True)
class Evidence:
    """What is known when a schema is to be filled.

    Attributes:
        request: What was asked.
        lines: The sentences to look in, the most telling first.
        answer: The answer in prose.
        matter: What a tool is to be used on; empty when no tool is called.
    """

    request: str
    lines: tuple[str, ...]
    answer: str
    matter: str = ""

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
        """Find texts of a form, such as ``email``, ``uri``, ``date`` or ``phone``."""
        found = [hit[0] for line in self.lines for hit in _FORMS[form].finditer(line)]
        return found + (list(self._written_dates()) if form == "date" else [])

    def names(self) -> list[str]:
        """Find proper names."""
        return list(dict.fromkeys(name for line in self.lines for name in proper_names(line)))

    def quoted(self) -> list[str]:
        """Find what stands in quotation marks in the request."""
        return quotations(self.request)

    def formulas(self) -> list[str]:
        """Find what can be calculated, such as *2 * (3 + 4)*."""
        return [hit[0] for line in self.lines for hit in _FORMULA.finditer(line)]

    def places(self) -> list[str]:
        """Find proper names that follow *in*, *at*, *from*, *to* or *of*; then all others."""
        text = " ".join(self.lines)
        states = [
            found[0]
            for name in self.names()
            if (found := re.search(rf"\b{re.escape(name)}{_STATE}", text, re.MULTILINE))
        ]
        if states:
            return states
        after = [
            name
            for name in self.names()
            if re.search(rf"\b(?:in|at|from|to|of|for|visit) (?:the )?{re.escape(name)}", text)
        ]
        return list(dict.fromkeys(after + self.names()))

    def numbers(self, hint: Sequence[str]) -> list[Number]:
        """Find numbers: those near a word of the hint first, then in order.

        Args:
            hint: Terms that name the number.
        """
        found = [number for line in self.lines for number in numbers_in(line, hint)]
        return sorted(found, key=lambda number: number.rank)

    def described(self, name: str) -> str | None:
        """Find *red* for ``colour`` in *the colour is red*, *colour: red* or *red colour*."""
        parts = name.lower().split("_")
        text = "\n".join(self.lines)
        for label in dict.fromkeys([" ".join(parts), parts[0]]):
            if found := re.search(
                rf"(?i)\b{re.escape(label)}(?: is| was|:| =) [\"']?([\w'-]+)", text
            ):
                return found[1]
        found = re.search(rf"\b([a-z][\w-]*) {re.escape(parts[0])}\b", text)
        return found[1] if found and found[1] not in {*STOPWORDS, *parts} else None

    def labelled(self, name: str) -> list[str]:
        """Find *Hi there* for ``subject`` in *with the subject "Hi there"*."""
        label = re.escape(name.lower().replace("_", " "))
        text = "\n".join(self.lines)
        found = re.search(rf"(?i)\b{label}(?: is| was| of|:| ?=)? ?(?={_QUOTED.pattern})", text)
        return quotations(text[found.end() :])[:1] if found else []

    def telling(self, hint: Sequence[str]) -> str | None:
        """Find the first sentence that holds a word of the hint."""
        return next((line for line in self.lines if set(hint) & set(terms(line))), None)

    def mentions(self, term: str) -> bool:
        """Tell whether a word was used."""
        return any(term in terms(line) for line in self.lines)

    def _written_dates(self) -> Iterator[str]:
        for line in self.lines:
            for found in (*_WRITTEN_DATE.finditer(line), *_AMERICAN_DATE.finditer(line)):
                month = found["month"].lower()
                if month in _MONTHS.split():
                    number = _MONTHS.split().index(month) + 1
                    yield f"{found['year']}-{number:02}-{int(found['day']):02}"


def quotations(text: str) -> list[str]:
    """List what stands in quotation marks in a text."""
    return [next(filter(None, hit.groups())) for hit in _QUOTED.finditer(text)]


def proper_names(line: str) -> Iterator[str]:
    """Find the proper names in a sentence.

    Args:
        line: The sentence.

    Yields:
        The names, in order. A single word that opens the sentence is only taken for a name when
        a verb follows.
    """
    for found in _NAME.finditer(line):
        before = line[: found.start()].strip("\"'( ")
        opens = not before or before.endswith(":")
        is_order = not before and (is_instruction(line) or COMMAND.match(line) is not None)
        name = _without_first_word(found[0].removesuffix("'s"), is_order)
        sure = " " in name or not opens or is_order or name == line.strip(".!? ")
        if name and name not in _NO_NAMES and (sure or _VERB.match(line[found.end() :])):
            yield name


def _without_first_word(name: str, is_order: bool) -> str:
    first, _, rest = name.partition(" ")
    return rest if is_order or first.lower() in STOPWORDS else name


def _is_bare_order(line: str) -> bool:
    return is_instruction(line) and ":" not in line and not re.search(r"\d", line)
