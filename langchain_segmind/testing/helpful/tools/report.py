"""What to say when tools have answered: their words when they are few, else those that fit."""

from collections.abc import Sequence

from langchain_segmind.testing.helpful.material import Material, documents_in
from langchain_segmind.testing.helpful.search import central, find_answer
from langchain_segmind.testing.helpful.small_talk import describe
from langchain_segmind.testing.helpful.tools.heard import Deed
from langchain_segmind.testing.helpful.words import as_sentence, is_question

_SHORT = 300  # letters that are passed on as they are


def report(material: Material, deeds: Sequence[Deed]) -> str | None:
    """Tell what came of calls.

    Args:
        material: The question.
        deeds: The calls.

    Returns:
        The report, failures included; None when there were no calls.
    """
    good = [deed for deed in deeds if not deed.failed]
    done = {deed.call.name for deed in good}
    bad = {deed.call.name: deed for deed in deeds if deed.failed and deed.call.name not in done}
    failures = [f"I could not do it: {name} failed. {deed.text}" for name, deed in bad.items()]
    return "\n".join([*_news(good, material), *failures]) or None


def _news(good: Sequence[Deed], material: Material) -> list[str]:
    if sum(len(deed.text) for deed in good) > _SHORT:
        return [_excerpt(good, material)]
    if not any(deed.text for deed in good) and good:
        seen = " and ".join(map(describe, material.media))
        return [as_sentence(f"I see {seen}") if seen else "Done."]
    return [_told(deed, alone=len(good) == 1) for deed in good if deed.text]


def _told(deed: Deed, *, alone: bool) -> str:
    if deed.text.endswith((".", "!", "?", "。")) and " " in deed.text:
        return deed.text
    given = ", ".join(str(value) for value in deed.call.arguments.values())
    named = f"{deed.call.name} ({given}):" if given else f"{deed.call.name}:"
    start = "The answer is" if alone else named
    return f"{start} {deed.text}."


def _excerpt(good: Sequence[Deed], material: Material) -> str:
    lines = [line for deed in good for line in documents_in(deed.text)]
    if text := find_answer(material.request, lines, cite=material.cites):
        return text
    return material.not_found if is_question(material.request) else " ".join(central(lines))
