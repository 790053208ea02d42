"""What the default brain knows by heart: jokes, verses, a few phrases in a few languages, lists."""

from langchain_segmind.testing.helpful.words import capital

_JOKES = (
    ("Why did the {topic} get a library card?", "To check out all the stories about {topic}."),
    ("What do {topic} and good code have in common?", "Nobody notices them until they break."),
    ("Why was the book about {topic} so thin?", "All the punchlines had already escaped."),
)
_VERSE = "{Topic} at first light,\na quiet thought wanders by,\nand stays for the night."
_STORY = (
    "Once upon a time there was a traveller who knew nothing of {topic}. "
    "One day the traveller met someone who knew everything about {topic}, "
    "and they talked all night. By morning both had learnt something new."
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
        "how are you": "Cómo estás",
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


def joke(topic: str) -> tuple[str, str]:
    """Choose a joke, always the same for a topic: its setup and its punchline."""
    setup, punchline = _JOKES[sum(map(ord, topic)) % len(_JOKES)]
    return setup.format(topic=topic), punchline.format(topic=topic)


def work_of_art(kind: str, topic: str) -> str:
    """Tell a joke or a story about a topic; anything else becomes a verse."""
    if kind == "joke":
        return " ".join(joke(topic))
    return (_STORY if kind == "story" else _VERSE).format(topic=topic, Topic=capital(topic))


def translated(text: str, language: str) -> str:
    """Translate one of a few phrases; mark anything else as what it should have become."""
    phrase = _PHRASES.get(language.lower(), {}).get(text.lower().strip(" .!?"))
    if phrase is None:
        return f"[{capital(language.lower())}] {text}"
    return phrase + (text[-1] if text[-1] in ".!?" else "")


def listed(what: str, count: int) -> str:
    """List so many things of a kind, in one line."""
    known = next((items for stem, items in _LISTS.items() if stem in what), ())
    items = [*known, *(f"{what} {number}" for number in range(1, count + 1))]
    return ", ".join(items[:count])
