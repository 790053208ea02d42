"""What a question gives the default brain to work with: what is asked, and where to look.

A prompt may hold the documents and the question in one text, in many layouts; this file takes it
apart into the request, passages to quote, and instructions that are never quoted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from langchain_segmind.testing.conversation import Media, Offer, Question, Turn
from langchain_segmind.testing.helpful.tools.heard import Deed, deeds_of
from langchain_segmind.testing.helpful.words import capital, is_question, sentences

# A note is what a system text says without calling it a document.
Origin = Literal["document", "note", "user", "assistant"]
_FEW_NOTES = 2

_DOCUMENT = (
    "context|documents?|passages?|sources?|text|article|notes|background|information|excerpts?"
    "|content|facts?"
)
_REPLY = "(?:your |helpful |final )?answer|assistant|ai|response|rest"
_LABELS: tuple[tuple[str, str], ...] = (
    (r"(?:user |the |original |standalone )*(?:question|query)|input|human|user", "ask"),
    (rf"(?:retrieved |the |given )?(?:{_DOCUMENT})|(?:chat |conversation )?history", "document"),
    (rf"{_REPLY}|extracted relevant parts|relevant \(yes / no\)", "rest"),
)
_LABEL = re.compile(
    r"(?:^|(?<=[.!?] ))[ \t]*[#*>]*[ \t]*(?:"
    + "|".join(f"(?P<{kind}{at}>{names})" for at, (names, kind) in enumerate(_LABELS))
    + r")[ \t]*(?:\d+[ \t]*)?[*]*:[*]*",
    re.IGNORECASE | re.MULTILINE,
)
_LEAD_IN = re.compile(
    rf"^(?P<line>.*\b(?:{_DOCUMENT})\b[^:\n.?!]{{0,30}}):[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_TAG = re.compile(rf"<(/?)({_DOCUMENT}|question|query)\b[^>]*>", re.IGNORECASE)
_FENCE = re.compile(r"^\s*(?:`{3}\w*|\"{3}|-{3,}|={3,}|>{3,})\s*$", re.MULTILINE)
_DOCUMENT_REPR = re.compile(r"page_content=(['\"])(.*?)\1(?=[,)])", re.DOTALL)

# Where a document came from, on its first line or in brackets: notes.txt, https://..., [1].
_SOURCE = re.compile(
    r"^(?:(?P<line>\S+\.\w{1,5}|https?://\S+)$|\[(?P<mark>[^\s\[\]][^\[\]\n]{0,39})\]:?[ \t]+)",
    re.MULTILINE,
)
_CITE = re.compile(
    r"\bcit(?:e|es|ing|ations?)\b|\bsources? (?:\w+ ){0,3}in (?:square )?brackets\b"
    r"|\b(?:name|give|add|mention|include|state) (?:the |your |its |their |all )*sources?\b",
    re.IGNORECASE,
)
_OTHERWISE = re.compile(
    r"\bif\b[^.!?\n\"]{0,120}?\b(?:return|say|answer|respond|reply|output|write)\b"
    r"(?:,? (?:with|just|only|exactly|simply))*:? "
    r"(?:\"(?P<said>[^\"\n]{2,200})\"|'(?P<quoted>[^'\n]{2,200})'|(?P<code>(?-i:[A-Z]+(?:_[A-Z]+)+))\b)",
    re.IGNORECASE,
)

_INSTRUCTION = re.compile(
    r"(?:please |always |never |only |then |also |and )*"
    r"(?:you are|you're|you will|you must|you should|you have|your (?:task|job|role|goal|answers?)"
    r"|answer|use|respond|reply|keep|be|do not|don't|if (?:you|the|there)|act|given|based on"
    r"|think|write|return|explain|say|cite|(?:the )?output|summar\w+|translate|below"
    r"|here (?:is|are)|the following|quote|stay|limit|make sure|ensure|provide|refuse|format"
    r"|extract|classify|speak|talk|today you|a chat between|i want you|when (?:you|asked))\b",
    re.IGNORECASE,
)
COMMAND = re.compile(
    r"(?:please |can you |could you |now )*(?:tell|write|give|list|name|say|repeat|explain|describe"
    r"|translate|summar\w+|show|make|create|book|order|generate"
    r"|extract|classify|compare|find|help)\b",
    re.IGNORECASE,
)
_ORDER_TO_ANSWER = re.compile(
    r"^(?:please )?answer (?:the |this |my |user's )*(?:following )?question\b[^:\n]*:\s*",
    re.IGNORECASE,
)
_TOLD_SCHEMA = re.compile(r"^.*\bJSON schema:\s*\{.*$", re.MULTILINE)
_ABOUT_TOOLS = re.compile(r"\{|\btools?\b|\bJSON\b|<tool_", re.IGNORECASE)
_CLAUSE = re.compile(r",? (?:and|but) (?=(?:I|my|we|our)\b)")

_FIRST_TO_SECOND = {
    "i am": "you are",
    "i'm": "you are",
    "i was": "you were",
    "i've": "you have",
    "i'd": "you would",
    "i'll": "you will",
    "i": "you",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "am": "are",
}
_FIRST_PERSON = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, _FIRST_TO_SECOND), key=len, reverse=True)) + r")\b",
    re.IGNORECASE,
)

NOT_FOUND = "I could not find that in the documents."


@dataclass(frozen=True)
class Passage:
    """A sentence that may be quoted.

    Attributes:
        text: The sentence.
        origin: Who said it.
        source: The document it stands in, by its label; empty when it has none.
    """

    text: str
    origin: Origin
    source: str = ""

    def told(self) -> str:
        """Say it to the user: what the user said of themselves comes back as *you*."""
        return to_second_person(self.text) if self.origin == "user" else self.text


@dataclass(frozen=True)
class Material:
    """A question, taken apart.

    Attributes:
        request: What is asked or said last.
        passages: The sentences to look in, in order.
        system: The whole system text.
        prompt: The whole last turn of the user.
        media: What was shown with it, and after it.
        earlier: What the user said before, turn by turn.
        deeds: The tool calls that were answered, in order.
    """

    request: str
    passages: tuple[Passage, ...]
    system: str = ""
    prompt: str = ""
    media: tuple[Media, ...] = ()
    earlier: tuple[str, ...] = ()
    deeds: tuple[Deed, ...] = ()

    @property
    def has_documents(self) -> bool:
        """Whether there is anything to look in but the conversation."""
        origins = [passage.origin for passage in self.passages]
        return "document" in origins or origins.count("note") > _FEW_NOTES

    @property
    def orders(self) -> str:
        """All that may tell what to do."""
        return f"{self.system}\n{self.prompt}"

    @property
    def cites(self) -> bool:
        """Whether the sources of an answer are asked for."""
        return _CITE.search(self.orders) is not None

    @property
    def not_found(self) -> str:
        """What to say when the documents do not tell: what the orders ask to be said then."""
        return _not_found(self.orders)


def take_apart(question: Question, offer: Offer | None = None) -> Material:
    """Take a question apart.

    Args:
        question: What was asked.
        offer: The tools that may be called; the system text then tells of them, too.

    Returns:
        Its material.
    """
    spoken = [at for at, turn in enumerate(question.turns) if _is_request(turn)]
    last = question.turns[spoken[-1]] if spoken else Turn("user", "")
    request, found = _request(last.text)
    system = _without_tools(question.system, offer) if offer else question.system
    passages = list(_documents(_TOLD_SCHEMA.sub("", system)))
    for at, turn in enumerate(question.turns):
        if spoken and at == spoken[-1]:
            passages += found
        else:
            passages += _documents(turn.text) if turn.role == "system" else _said(turn)
        passages += _returned(turn)
    otherwise = _not_found(f"{system}\n{last.text}")
    later = question.turns[spoken[-1] :] if spoken else ()
    return Material(
        request=_ORDER_TO_ANSWER.sub("", request),
        passages=tuple(p for p in dict.fromkeys(passages) if p.text != otherwise),
        system=system,
        prompt=last.text,
        media=tuple(media for turn in later for media in turn.media),
        earlier=tuple(question.turns[at].text for at in spoken[:-1]),
        deeds=tuple(deeds_of(question.turns, spoken[-1] if spoken else -1)),
    )


def _not_found(orders: str) -> str:
    found = _OTHERWISE.search(orders)
    return found[found.lastgroup or 0] if found else NOT_FOUND


def to_second_person(text: str) -> str:
    """Turn *I work here* into *You work here*."""
    return capital(_FIRST_PERSON.sub(lambda found: _FIRST_TO_SECOND[found[0].lower()], text))


def sections(text: str) -> Iterator[tuple[str, str]]:
    """Cut a prompt at its labels (``Context:``, ``Question:``, ``<context>``, …).

    Yields:
        The kind of each section (``"ask"``, ``"document"``, ``"rest"``, or ``"free"`` for what no
        label owns) and its text.
    """
    text = (
        "\n".join(found[1] for found in _DOCUMENT_REPR.findall(text))
        and _DOCUMENT_REPR.sub(lambda found: f"\nContext: {found[2]}\n", text)
    ) or text
    text = _TAG.sub(lambda tag: "\nRest:\n" if tag[1] else f"\n{tag[2]}:\n", text)
    text = _FENCE.sub("", _LEAD_IN.sub(r"\g<line>.\nContext:\n", text))
    kind, start = "free", 0
    for label in _LABEL.finditer(text):
        yield kind, text[start : label.start()].strip()
        kind, start = str(label.lastgroup).rstrip("0123456789"), label.end()
    yield kind, text[start:].strip()


def is_instruction(sentence: str) -> bool:
    """Tell whether a sentence tells the model what to do."""
    return _INSTRUCTION.match(sentence) is not None


def _request(prompt: str) -> tuple[str, list[Passage]]:
    cut = [(kind, text) for kind, text in sections(prompt) if text]
    asked = [text for kind, text in cut if kind == "ask"]
    if asked:
        return asked[-1], list(_quotable(cut))
    if not any(kind == "document" for kind, _ in cut):
        return _last_question(prompt)
    free = [sentence for kind, text in cut if kind != "document" for sentence in sentences(text)]
    passages = list(_quotable(cut))
    questions = [sentence for sentence in free if is_question(sentence)]
    if questions or not passages:
        return (questions or free or [prompt])[-1], passages
    if is_question(passages[-1].text):
        return passages[-1].text, passages[:-1]
    return " ".join(free) or prompt, passages


def _last_question(prompt: str) -> tuple[str, list[Passage]]:
    found = sentences(prompt)
    questions = [at for at, sentence in enumerate(found) if is_question(sentence)]
    if not questions:
        return prompt.strip(), []
    at = questions[-1]
    return found[at], list(_said(Turn("user", "\n".join(found[:at] + found[at + 1 :]))))


def documents_in(text: str) -> Iterator[Passage]:
    """Cut what a tool found into sentences to quote, whatever they look like."""
    for _, section in sections(text):
        yield from _with_sources(section)


def _quotable(cut: list[tuple[str, str]]) -> Iterator[Passage]:
    for kind, text in cut:
        if kind == "document":
            yield from _with_sources(text)
        for sentence in sentences(text) if kind in {"free", "rest"} else ():
            if not (is_instruction(sentence) or is_question(sentence)):
                yield Passage(sentence, "note")


def _with_sources(text: str) -> Iterator[Passage]:
    source, start = "", 0
    for label in (*_SOURCE.finditer(text), None):
        end = label.start() if label else len(text)
        for sentence in sentences(text[start:end]):
            yield Passage(sentence, "document", source)
        if label:
            source, start = label["line"] or label["mark"], label.end()


def _documents(system: str) -> Iterator[Passage]:
    return _quotable([(kind, text) for kind, text in sections(system) if text])


def _is_request(turn: Turn) -> bool:
    return turn.role == "user" and not (turn.results and not turn.text)


def _without_tools(system: str, offer: Offer) -> str:
    for tool in offer.tools:
        system = system.replace(tool.description or "{", "{")
    return "\n".join(line for line in system.splitlines() if not _ABOUT_TOOLS.search(line))


def _returned(turn: Turn) -> Iterator[Passage]:
    for result in turn.results:
        yield from (Passage(sentence, "assistant") for sentence in sentences(result.text))


def _said(turn: Turn) -> Iterator[Passage]:
    origin: Origin = "user" if turn.role == "user" else "assistant"
    for sentence in sentences(turn.text):
        if is_question(sentence) or COMMAND.match(sentence) or sentence == NOT_FOUND:
            continue
        clauses = _CLAUSE.split(sentence) if origin == "user" else [sentence]
        yield from (Passage(clause, origin) for clause in clauses)
