"""Single values for a schema: one of a few, a text, a number, yes or no."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_segmind.testing.helpful.evidence import Evidence
from langchain_segmind.testing.helpful.numbers import hint_of
from langchain_segmind.testing.helpful.references import Schema
from langchain_segmind.testing.helpful.strings import find_string, made_up_string
from langchain_segmind.testing.helpful.words import terms

_CHEERFUL = frozenset(
    terms("love great good excellent amazing wonderful happy best nice fantastic")
)
_GLOOMY = frozenset(terms("hate bad terrible awful worst angry sad poor horrible broken upset"))
_MOODS = {
    **dict.fromkeys(("positive", "happy", "good"), _CHEERFUL),
    **dict.fromkeys(("negative", "sad", "angry", "bad"), _GLOOMY),
}
_NO = re.compile(r"\b(?:not|no|never|isn't|don't|doesn't|without|cannot|can't)\b", re.IGNORECASE)
_SMALL_STEP = 0.001


@dataclass(frozen=True)
class Filled:
    """A value, and whether the evidence gave it.

    Attributes:
        value: A JSON value.
        found: False when it was made up.
    """

    value: Any
    found: bool = False


def choose(options: Sequence[Any], evidence: Evidence) -> Filled:
    """Choose the option that was mentioned, or whose mood was heard."""
    if mentioned := mentioned_options(options, evidence):
        return Filled(mentioned[0], found=True)
    for option in options:
        mood = _MOODS.get(str(option).lower(), frozenset())
        if any(evidence.mentions(term) for term in sorted(mood)):
            return Filled(option, found=True)
    return Filled("neutral" if "neutral" in options else options[0])


def mentioned_options(options: Sequence[Any], evidence: Evidence) -> list[Any]:
    """List the options that were mentioned."""
    return [
        option
        for option in options
        if all(evidence.mentions(term) for term in terms(str(option)) or [str(option)])
    ]


def fill_string(schema: Schema, name: str, evidence: Evidence, taken: list[Any]) -> Filled:
    """Find a text, or make one up.

    Args:
        schema: The schema of the text.
        name: Its name.
        evidence: Where to look.
        taken: Values in use; arguments of a tool do not repeat one another.
    """
    found = [fitted(schema, text) for text in find_string(evidence, name, schema)]
    if good := [text for text in found if _accepts(schema, text)]:
        fresh = [text for text in good if not (evidence.matter and text in taken)]
        taken.append((fresh or good)[0])
        return Filled((fresh or good)[0], found=True)
    made = [fitted(schema, text) for text in made_up_string(evidence, name, schema)]
    return Filled(next((text for text in made if _accepts(schema, text)), made[0]))


def fitted(schema: Schema, text: str) -> str:
    """Cut or stretch a text to the length a schema allows."""
    least = int(schema.get("minLength", 0))
    text = text[: int(schema.get("maxLength", len(text)))]
    return text + "." * (least - len(text))


def fill_number(schema: Schema, name: str, evidence: Evidence, taken: list[Any]) -> Filled:
    """Find a number that no other property has taken, or make one up.

    Args:
        schema: The schema of the number.
        name: Its name.
        evidence: Where to look.
        taken: Numbers in use; the one found is added.
    """
    for number in evidence.numbers(hint_of(name, str(schema.get("description", "")))):
        if number.value not in taken and bounded(schema, number.value) == number.value:
            taken.append(number.value)
            return Filled(bounded(schema, number.value), found=True)
    return Filled(bounded(schema, 0))


def bounded(schema: Schema, number: float) -> float:
    """Bring a number within the bounds, and to the step, a schema allows."""
    whole = "integer" in schema.get("type", ())
    step = schema.get("multipleOf") or (1 if whole else None)
    low, high = _bounds(schema, step or _SMALL_STEP)
    number = min(max(number, low), high)
    if step:
        below = math.floor(number / step) * step
        number = below if below >= low else math.ceil(number / step) * step
    return int(number) if whole else number


def fill_boolean(schema: Schema, name: str, evidence: Evidence) -> Filled:
    """Say yes when it was mentioned, unless with a *not*."""
    named = terms(name.replace("_", " "))
    line = evidence.telling(named or terms(str(schema.get("description", ""))))
    return Filled(line is not None and _NO.search(line) is None, found=line is not None)


def _accepts(schema: Schema, text: str) -> bool:
    pattern = schema.get("pattern")
    return pattern is None or re.search(pattern, text) is not None


def _bounds(schema: Schema, step: float) -> tuple[float, float]:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    if "exclusiveMinimum" in schema:
        low = max(low, schema["exclusiveMinimum"] + step)
    if "exclusiveMaximum" in schema:
        high = min(high, schema["exclusiveMaximum"] - step)
    return low, high
