"""What the default brain says to what is not a question: a table of patterns and answers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from langchain_segmind.testing.conversation import Media
from langchain_segmind.testing.helpful.material import Material, sections, to_second_person
from langchain_segmind.testing.helpful.search import central
from langchain_segmind.testing.helpful.words import as_sentence, capital, sentences

Say = Callable[[re.Match[str], Material], str]

_JOKES = (
    ("Why did the {topic} get a library card?", "To check out all the stories about {topic}."),
    ("What do {topic} and good code have in common?", "Nobody notices them until they break."),
    ("Why was the book about {topic} so thin?", "All the punchlines had already escaped."),
)
_VERSES = (
    "{Topic} at first light,",
    "a quiet thought wanders by,",
    "and stays for the night.",
)
_STORY = (
    "Once upon a time there was a traveller who knew nothing of {topic}.",
    "One day the traveller met someone who knew everything about {topic}, and they talked all night.",
    "By morning both had learnt something new.",
)

_PHRASES = {
    "french": {
        "hello": "Bonjour",
        "i love programming": "J'adore la programmation",
        "thank you": "Merci",
        "good morning": "Bonjour",
        "goodbye": "Au revoir",
        "how are you": "Comment allez-vous",
    },
    "german": {
        "hello": "Hallo",
        "i love programming": "Ich liebe das Programmieren",
        "thank you": "Danke",
        "good morning": "Guten Morgen",
        "goodbye": "Auf Wiedersehen",
        "how are you": "Wie geht es Ihnen",
    },
    "spanish": {
        "hello": "Hola",
        "i love programming": "Me encanta programar",
        "thank you": "Gracias",
        "good morning": "Buenos días",
        "goodbye": "Adiós",
        "how are you": "¿Cómo estás",
    },
    "italian": {
        "hello": "Ciao",
        "i love programming": "Amo programmare",
        "thank you": "Grazie",
        "good morning": "Buongiorno",
        "goodbye": "Arrivederci",
        "how are you": "Come stai",
    },
}

_LISTS = {
    "colo": ("red", "green", "blue", "yellow", "purple", "orange", "pink", "brown"),
    "fruit": ("apple", "banana", "cherry", "grape", "mango", "orange", "pear", "plum"),
    "animal": ("cat", "dog", "horse", "lion", "owl", "rabbit", "tiger", "whale"),
    "planet": ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"),
    "language": ("Python", "Rust", "Go", "Java", "C", "Ruby", "Haskell", "Swift"),
    "cit": ("Paris", "London", "Tokyo", "Rome", "Berlin", "Madrid", "Delhi", "Lima"),
    "countr": ("France", "Japan", "Kenya", "Peru", "India", "Norway", "Canada", "Chile"),
    "ice cream": ("vanilla", "chocolate", "strawberry", "mint", "lemon", "hazelnut", "mango"),
}
NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)

_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
_OPERATORS = {
    **dict.fromkeys(("+", "plus", "and"), "+"),
    **dict.fromkeys(("-", "minus"), "-"),
    **dict.fromkeys(("*", "x", "×", "times", "multiplied by"), "*"),  # noqa: RUF001 - meant
    **dict.fromkeys(("/", "÷", "divided by", "over"), "/"),
}

_TOPIC = re.compile(r"\b(?:about|on|regarding|concerning) (?:the |a |an )?([^.?!,;\n]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Habit:
    """One row of the table.

    Attributes:
        pattern: What the request must look like.
        say: What to answer.
    """

    pattern: re.Pattern[str]
    say: Say


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


def topic_of(request: str) -> str:
    """Tell what a request is about: *cats*, of *Tell me a joke about cats*."""
    found = _TOPIC.search(request)
    return found[1].strip() if found else "computers"


def joke(topic: str) -> tuple[str, str]:
    """Choose a joke, always the same for a topic: its setup and its punchline."""
    setup, punchline = _JOKES[sum(map(ord, topic)) % len(_JOKES)]
    return setup.format(topic=topic), punchline.format(topic=topic)


def describe(media: Media) -> str:
    """Tell what can be told of a picture without eyes."""
    if media.url is not None:
        return f"a picture at {urlsplit(media.url).hostname}"
    kind = (media.mime or media.kind).partition("/")[2].upper() or media.kind
    size = _pixels(media.data or b"")
    noun = {"image": "picture", "file": "document"}.get(media.kind, media.kind)
    article = "an" if noun == "audio" else "a"
    return f"{article} {noun} ({kind}, {size}{len(media.data or b'')} bytes)"


def _pixels(data: bytes) -> str:
    if data.startswith(b"\x89PNG"):
        return (
            f"{int.from_bytes(data[16:20], 'big')} × {int.from_bytes(data[20:24], 'big')} pixels, "  # noqa: RUF001
        )
    if data.startswith(b"GIF8"):
        return f"{int.from_bytes(data[6:8], 'little')} × {int.from_bytes(data[8:10], 'little')} pixels, "  # noqa: RUF001
    return ""


def _look(_found: re.Match[str], material: Material) -> str:
    if not material.media:
        return ""
    return as_sentence(f"I see {' and '.join(map(describe, material.media))}")


def _create(found: re.Match[str], material: Material) -> str:
    topic = topic_of(material.request)
    match found["kind"].lower():
        case "joke":
            return " ".join(joke(topic))
        case "story":
            return " ".join(_STORY).format(topic=topic)
        case _:
            return "\n".join(_VERSES).format(Topic=capital(topic))


def _translate(found: re.Match[str], material: Material) -> str:
    named = found.groupdict()
    language = str(named.get("to") or named.get("to2"))
    text = str(named.get("text") or named.get("text2") or "").strip(" \"'\u201c\u201d:\n")
    return translated(text or " ".join(p.text for p in material.passages), language)


def translated(text: str, language: str) -> str:
    """Translate one of a few phrases; mark anything else as what it should have become."""
    phrase = _PHRASES.get(language.lower(), {}).get(text.lower().strip(" .!?"))
    if phrase is None:
        return f"[{capital(language.lower())}] {text}"
    return phrase + (text[-1] if text[-1] in ".!?" else "")


def _summarise(found: re.Match[str], material: Material) -> str:
    passages = material.passages
    if not material.has_documents:
        text = found["text"].strip() or " ".join(passage.text for passage in passages)
        return " ".join(as_sentence(sentence) for sentence in sentences(text)[:2])
    return " ".join(central(passages))


def _calculate(found: re.Match[str], _material: Material) -> str:
    left, right = (float(found[side].replace(",", "")) for side in ("left", "right"))
    operator = _OPERATORS[found["operator"].lower()]
    if operator == "/" and right == 0:
        return "One cannot divide by zero."
    result = _OPERATIONS[operator](left, right)
    return f"{found['left']} {operator} {found['right']} = {result:.12g}"


def _list(found: re.Match[str], _material: Material) -> str:
    said = found["count"].lower()
    count = int(said) if said.isdigit() else NUMBER_WORDS.index(said)
    what = found["what"].lower()
    known = next((items for stem, items in _LISTS.items() if stem in what), ())
    items = [*known, *(f"{what} {number}" for number in range(1, 100))]
    return ", ".join(items[:count])


def _greet(found: re.Match[str], material: Material) -> str:
    name = _NAME.search(material.request)
    who = f", {name['name']}" if name else ""
    return f"{capital(found[1].lower())}{who}! How can I help you?"


def _meet(found: re.Match[str], material: Material) -> str:
    said = to_second_person(" ".join(sentences(material.request)))
    return f"Nice to meet you, {found['name']}. I will remember: {said[:1].lower()}{said[1:]}"


_NUMBER = r"-?\d[\d,]*(?:\.\d+)?"
_NAME = re.compile(
    r"(?i:\b(?:my name is|i am called|call me|i'm|i am)) (?P<name>[A-Z][\w'-]*(?: [A-Z][\w'-]*)*)"
)
_WORKS = "joke|poem|haiku|limerick|verse|song|story|rhyme"

# The first row that fits, and has something to say, answers.
HABITS = tuple(
    Habit(re.compile(pattern, flags), say)
    for pattern, flags, say in (
        (
            r"^(?:please )?translate (?:(?:the following|this) (?:\w+ )?)?(?:from \w+ )?(?:in)?to "
            r"(?P<to>\w+)\s*[:.]?\s*(?P<text>.*)$"
            r"|^(?:please )?translate (?P<text2>.+?) (?:in)?to (?P<to2>\w+)\W*$",
            re.IGNORECASE | re.DOTALL,
            _translate,
        ),
        (
            r"^(?:please |can you |could you )*(?:summar[iy]\w*|sum up|tl;?dr|give (?:me )?(?:a|an) "
            r"(?:\w+ )*summary)(?: (?:of )?(?:the|this) (?:following )?(?:\w+ )?)?[^:\n]*[:\n]?"
            r"(?P<text>.*)$",
            re.IGNORECASE | re.DOTALL,
            _summarise,
        ),
        (
            r"^(?:please |can you |could you |now )*(?:tell|write|compose|give|make|share|create"
            rf"|invent|generate)\b.*\b(?P<kind>{_WORKS})s?\b",
            re.IGNORECASE | re.DOTALL,
            _create,
        ),
        (rf"^(?P<kind>{_WORKS})\b", re.IGNORECASE, _create),
        (r"\b(?:image|picture|photo|file|document|audio|video|this|see|pdf)\b", re.IGNORECASE, _look),
        (
            rf"(?P<left>{_NUMBER})\s*(?P<operator>\+|-|\*|/|×|÷|x|plus|minus|times"  # noqa: RUF001
            rf"|multiplied by|divided by|over)\s*(?P<right>{_NUMBER})",
            re.IGNORECASE,
            _calculate,
        ),
        (
            r"^(?:please )?(?:say|repeat(?: after me)?|echo|(?:reply|respond|answer) with)"
            r"(?: (?:only|exactly|just|the|single|words?|text|phrase|following))*\s*:?\s*"
            r"[\"'\u201c]?(?P<text>.+?)[\"'\u201d]?[.!]?$",
            re.IGNORECASE | re.DOTALL,
            lambda found, _: found["text"],
        ),
        (
            r"\b(?:list|name|give me|what are) (?P<count>\d{1,2}|" + "|".join(NUMBER_WORDS) + r") "
            r"(?P<what>[\w ]+)",
            re.IGNORECASE,
            _list,
        ),
        (r"\b(?:my name is|call me) ", re.IGNORECASE, lambda _, material: _met(material)),
        (r"^(hi|hello|hey|good (?:morning|evening|afternoon)|greetings)\b(?!.*\?)", re.IGNORECASE, _greet),
        (r"\bhow are you\b", re.IGNORECASE, lambda *_: "I am well, thank you. How can I help you?"),
        (r"^(?:thanks|thank you|cheers)\b", re.IGNORECASE, lambda *_: "You are welcome!"),
        (r"^(?:bye|goodbye|see you)\b", re.IGNORECASE, lambda *_: "Goodbye!"),
    )
)


def _met(material: Material) -> str:
    found = _NAME.search(material.request)
    return _meet(found, material) if found and not material.request.endswith("?") else ""


def translation_asked_by(system: str) -> str | None:
    """Tell the language a system text asks all to be translated into, if it does."""
    found = re.search(r"\btranslat\w+\b.*?\b(?:in)?to (\w+)", system, re.IGNORECASE)
    return (
        found[1] if found and not any(kind == "document" for kind, _ in sections(system)) else None
    )
