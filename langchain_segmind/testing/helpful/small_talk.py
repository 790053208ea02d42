"""What the default brain says to what needs no search: a table of patterns and answers."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from langchain_segmind.testing.conversation import Media
from langchain_segmind.testing.helpful.material import Material, to_second_person
from langchain_segmind.testing.helpful.repertoire import listed, translated, work_of_art
from langchain_segmind.testing.helpful.search import central
from langchain_segmind.testing.helpful.words import NUMBER_WORDS, as_sentence, capital, sentences

Found = re.Match[str]

_OPERATIONS: dict[str, tuple[Sequence[str], Callable[[float, float], float]]] = {
    "+": (("+", "plus"), lambda left, right: left + right),
    "-": (("-", "minus"), lambda left, right: left - right),
    "*": (("*", "x", "\u00d7", "times", "multiplied by"), lambda left, right: left * right),
    "/": (("/", "\u00f7", "divided by"), lambda left, right: left / right),
}

_POLITE = r"^(?:please |can you |could you |now )*"
_NUMBER = r"(?<!\d)-?\d[\d,]*(?:\.\d+)?"
_WORKS = "joke|poem|haiku|limerick|verse|song|story|rhyme"
_TOPIC = re.compile(r"\b(?:about|on|regarding) (?:the |a |an )?([^.?!,;\n]+)", re.IGNORECASE)
_NAME = re.compile(
    r"(?i:\b(?:my name is|i am called|call me|i'm|i am)) (?P<name>[A-Z][\w'-]*(?: [A-Z][\w'-]*)*)"
)
_MY_NAME = re.compile(r"\b(?:my name|who am i|call me)\b.*\?", re.IGNORECASE)
_ABOUT_MODEL = re.compile(
    r"\b(?:your name|who are you|what are you|(?:what|which) model)\b", re.IGNORECASE
)
_ABOUT_TALK = re.compile(
    r"\bwhat (?:did i (?:just )?(?:say|ask)|was my (?:first|last|previous) \w+)", re.IGNORECASE
)


def small_talk(material: Material) -> str | None:
    """Answer what needs no search.

    Args:
        material: What was said.

    Returns:
        The answer, or None when the request is none of the table's.
    """
    for habit in HABITS:
        found = habit.pattern.search(material.request)
        if found and (text := habit.say(found, material)):
            return text
    return None


def about_ourselves(slug: str, material: Material) -> str | None:
    """Answer questions about the model, the user's name and the conversation itself.

    Args:
        slug: The model that is asked.
        material: What was said.

    Returns:
        The answer, or None when the question is about something else.
    """
    request, said = material.request, material.earlier
    if _ABOUT_MODEL.search(request):
        return f"I am {slug}, played by the local gateway."
    names = [found["name"] for text in said for found in _NAME.finditer(text)]
    if names and _MY_NAME.search(request):
        return f"Your name is {names[-1]}."
    if found := _ABOUT_TALK.search(request):
        at = 0 if "first" in found[0].lower() else -1
        return f"You said: {said[at] if said else 'nothing'}"
    return None


def topic_of(request: str) -> str:
    """Tell what a request is about: *cats*, of *Tell me a joke about cats*."""
    found = _TOPIC.search(request)
    return found[1].strip() if found else "computers"


def describe(media: Media) -> str:
    """Tell what can be told of a picture without eyes."""
    if media.url is not None:
        return f"a picture at {urlsplit(media.url).hostname}"
    data = media.data or b""
    kind = (media.mime or media.kind).partition("/")[2].upper() or media.kind
    noun = {"image": "picture", "file": "document"}.get(media.kind, media.kind)
    article = "an" if noun == "audio" else "a"
    return f"{article} {noun} ({', '.join([kind, *_pixels(data), f'{len(data)} bytes'])})"


def _pixels(data: bytes) -> list[str]:
    if data.startswith(b"\x89PNG"):
        sides = [int.from_bytes(data[at : at + 4], "big") for at in (16, 20)]
    elif data.startswith(b"GIF8"):
        sides = [int.from_bytes(data[at : at + 2], "little") for at in (6, 8)]
    else:
        return []
    return [f"{sides[0]} by {sides[1]} pixels"]


def _look(_found: Found, material: Material) -> str:
    if material.media:
        return as_sentence(f"I see {' and '.join(map(describe, material.media))}")
    return "" if material.has_documents or not material.request else "I see no picture here."


def _create(found: Found, material: Material) -> str:
    return work_of_art(found["kind"].lower(), topic_of(material.request))


def _translate(found: Found, material: Material) -> str:
    text = found["text"].strip(" \"'\u201c\u201d:\n")
    return translated(text or " ".join(line.text for line in material.passages), found["to"])


def _summarise(found: Found, material: Material) -> str:
    if material.has_documents:
        return " ".join(central(material.passages))
    text = found["text"].strip() or " ".join(line.text for line in material.passages)
    return " ".join(as_sentence(sentence) for sentence in sentences(text)[:2])


def _calculate(found: Found, _material: Material) -> str:
    left, right = (float(found[side].replace(",", "")) for side in ("left", "right"))
    said = found["operator"].lower()
    sign, operation = next((sign, do) for sign, (ways, do) in _OPERATIONS.items() if said in ways)
    if sign == "/" and right == 0:
        return "One cannot divide by zero."
    return f"{found['left']} {sign} {found['right']} = {operation(left, right):.12g}"


def _list(found: Found, _material: Material) -> str:
    said = found["count"].lower()
    count = int(said) if said.isdigit() else NUMBER_WORDS.index(said)
    return listed(found["what"].lower(), count)


def _greet(found: Found, material: Material) -> str:
    name = _NAME.search(material.request)
    who = f", {name['name']}" if name else ""
    return f"{capital(found['word'].lower())}{who}! How can I help you?"


def _meet(_found: Found, material: Material) -> str:
    name = _NAME.search(material.request)
    if name is None or material.request.endswith("?"):
        return ""
    said = to_second_person(" ".join(sentences(material.request)))
    return f"Nice to meet you, {name['name']}. I will remember: {said[:1].lower()}{said[1:]}"


def _echo(found: Found, _material: Material) -> str:
    return found["text"]


def _say(text: str) -> Callable[[Found, Material], str]:
    return lambda _found, _material: text


@dataclass(frozen=True)
class Habit:
    """One row of the table.

    Attributes:
        pattern: What the request must look like.
        say: What to answer; an empty answer leaves the request to the rows below.
    """

    pattern: re.Pattern[str]
    say: Callable[[Found, Material], str]


def _habit(say: Callable[[Found, Material], str], *pattern: str) -> Habit:
    return Habit(re.compile("".join(pattern), re.IGNORECASE | re.DOTALL), say)


# The first row that fits, and has something to say, answers.
HABITS = (
    _habit(
        _translate,
        _POLITE + r"translate (?:(?:the following|this) (?:\w+ )?)?(?:from \w+ )?(?:in)?to ",
        r"(?P<to>\w+)\s*[:.]?\s*(?P<text>.*)$",
    ),
    _habit(_translate, _POLITE + r"translate (?P<text>.+?) (?:in)?to (?P<to>\w+)\W*$"),
    _habit(
        _summarise,
        _POLITE + r"(?:summar[iy]\w*|sum up|tl;?dr|give (?:me )?an? (?:\w+ )*summary)",
        r"(?: (?:of )?(?:the|this) (?:following )?(?:\w+ )?)?[^:\n]*[:\n]?(?P<text>.*)$",
    ),
    _habit(
        _create,
        _POLITE + r"(?:tell|write|compose|give|make|share|create|invent|generate)\b",
        rf".*?\b(?P<kind>{_WORKS})s?\b",
    ),
    _habit(_create, rf"^(?P<kind>{_WORKS})\b"),
    _habit(_look, r"\b(?:image|picture|photo)s?\b|^(?:what|describe|who|see)\b.*\bthis\W*$|^$"),
    _habit(
        _calculate,
        rf"(?P<left>{_NUMBER})\s*(?P<operator>",
        "|".join(re.escape(way) for ways, _ in _OPERATIONS.values() for way in ways),
        rf")\s*(?P<right>{_NUMBER})",
    ),
    _habit(
        _echo,
        _POLITE + r"(?:say|repeat(?: after me)?|echo|(?:reply|respond|answer) with)",
        r"(?: (?:only|exactly|just|the|single|words?|text|phrase|following))*\s*:?\s*",
        r"[\"'\u201c]?(?P<text>.+?)[\"'\u201d]?[.!]?$",
    ),
    _habit(
        _list,
        rf"\b(?:list|name|give me|what are) (?P<count>\d{{1,2}}|{'|'.join(NUMBER_WORDS)}) ",
        r"(?P<what>[\w ]+)",
    ),
    _habit(_meet, r"\b(?:my name is|call me) "),
    _habit(_say("I am well, thank you. How can I help you?"), r"\bhow are you\b"),
    _habit(
        _greet,
        r"^(?P<word>hi|hello|hey|greetings|good (?:morning|evening|afternoon)|bonjour|hola|hallo",
        r"|ciao|привет|你好)\b(?!.*\?)",
    ),
    _habit(_say("You are welcome!"), r"^(?:thanks|thank you|cheers)\b"),
    _habit(_say("Goodbye!"), r"^(?:bye|goodbye|see you)\b"),
)
