"""What is still to be done for a request: the calls its steps ask for, less those that were made.

A call that failed is made once more, corrected where the error says how; then it is given up.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_segmind.testing.conversation import Call, Offer, Tool
from langchain_segmind.testing.helpful.evidence import quotations
from langchain_segmind.testing.helpful.material import Material
from langchain_segmind.testing.helpful.numbers import numbers_in
from langchain_segmind.testing.helpful.references import resolved
from langchain_segmind.testing.helpful.tools.arguments import calls_of, extraction, takes_numbers
from langchain_segmind.testing.helpful.tools.heard import Deed
from langchain_segmind.testing.helpful.tools.steps import Step, again, fitness, plan, searching

_MOST_TRIES = 2
_LEANS = re.compile(
    r"(?<!is )\b(?:it|that|this|them)\b(?=\W*(?:$|(?:by|with|to|into|from|and|using|on)\b))"
    r"|\bthe (?:result|answer|sum|product|value|total|number|output)\b",
    re.IGNORECASE,
)
_FINAL = re.compile(r"\b(?:reject|declin|denied|not allowed|forbidden|do not retry)", re.IGNORECASE)
_CORRECTS = re.compile(
    r"\b(?:did you mean|try|use|expected|must be|should be|valid)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Errands:
    """What a request still needs, and what it needs no more.

    Attributes:
        calls: What to call now.
        done: What was done already, perhaps for an earlier request.
    """

    calls: tuple[Call, ...] = ()
    done: tuple[Deed, ...] = ()


def errands(offer: Offer, material: Material, answer: str, *, stuck: bool) -> Errands:
    """Decide what to call now.

    Args:
        offer: The tools.
        material: The question.
        answer: What would be said if nothing were called.
        stuck: Whether that is no answer to what was asked.

    Returns:
        The errands; no calls when the request is done with, or no tool fits it.
    """
    offer = replace(offer, tools=tuple(map(_plain, offer.tools)))
    ordinary = _ordinary(offer)
    steps = _steps(replace(offer, tools=ordinary), material, stuck=stuck)
    found = list(_looked_through(steps, material))
    calls = tuple(item for item in found if isinstance(item, Call))
    if not calls and offer.forced:
        calls = (_forced(offer, steps, material, answer),)
    return Errands(calls[: offer.most], tuple(item for item in found if isinstance(item, Deed)))


def _plain(tool: Tool) -> Tool:
    """Follow the reference that may stand in for the whole schema of a tool."""
    return replace(tool, parameters=resolved(tool.parameters, tool.parameters))


def _ordinary(offer: Offer) -> tuple[Tool, ...]:
    """Leave aside the tools that take the final answer, named like the classes they are."""
    small = tuple(tool for tool in offer.tools if not _takes_answer(tool))
    return small if offer.forced and small else offer.tools


def _takes_answer(tool: Tool) -> bool:
    return tool.name[:1].isupper()


def _steps(offer: Offer, material: Material, *, stuck: bool) -> list[Step]:
    request = material.prompt
    latest = material.deeds[-1].call.name if material.deeds else None
    return (
        plan(request, offer)
        or again(request, offer, latest)
        or (searching(request, offer) if stuck else [])
    )


def _looked_through(steps: Sequence[Step], material: Material) -> Iterator[Call | Deed]:
    """Go through the steps: what was done comes out as the deed, what was not as the call."""
    planned = [
        call
        for at, step in enumerate(steps)
        if not _leans(at, step)
        for call in calls_of(step.tool, step.clause, material)
    ]
    waiting, latest = False, None
    for at, step in enumerate(steps):
        if _leans(at, step):
            if waiting or latest is None:
                return
            step = Step(step.tool, _with_result(step, latest))  # noqa: PLW2901
        for call in _once(calls_of(step.tool, step.clause, material)):
            tries = _tries(call, planned, material.deeds)
            done = next((deed for deed in tries if not deed.failed), None)
            if done:
                latest = done.text
                yield done
            elif not _given_up(tries):
                waiting = True
                yield _corrected(call, tries[-1].text) if tries else call


def _leans(at: int, step: Step) -> bool:
    return at > 0 and _LEANS.search(step.clause) is not None


def _once(calls: Sequence[Call]) -> Iterator[Call]:
    return (call for at, call in enumerate(calls) if call not in calls[:at])


def _with_result(step: Step, text: str) -> str:
    number = next(numbers_in(text, []), None) if takes_numbers(step.tool) else None
    told = f"{number.value:.15g}" if number else f'"{text}"'
    return _LEANS.sub(lambda _: told, step.clause, count=1)


def _tries(call: Call, planned: Sequence[Call], deeds: Sequence[Deed]) -> list[Deed]:
    """List the deeds that were this call, also where its arguments had been changed."""
    others = [(other.name, dict(other.arguments)) for other in planned]
    wanted = (call.name, dict(call.arguments))
    made = [((deed.call.name, dict(deed.call.arguments)), deed) for deed in deeds]
    return [
        deed
        for key, deed in made
        if (key == wanted and (deed.current or not deed.failed))
        or (deed.current and key[0] == call.name and key not in others)
    ]


def _given_up(tries: Sequence[Deed]) -> bool:
    return len(tries) >= _MOST_TRIES or any(_FINAL.search(deed.text) for deed in tries)


def _corrected(call: Call, error: str) -> Call:
    """Change the argument an error text complains of, to the value it names."""
    hint = _CORRECTS.search(error)
    named: list[Any] = quotations(error[hint.end() :]) if hint else []
    texts = {key: value for key, value in call.arguments.items() if isinstance(value, str)}
    wrong = [key for key, value in texts.items() if value in error] or list(texts)
    right = [value for value in named if value not in texts.values()]
    if not right or not wrong:
        return call
    return replace(call, arguments={**call.arguments, wrong[0]: right[0]})


def _forced(offer: Offer, steps: Sequence[Step], material: Material, answer: str) -> Call:
    """Guess the call that must be made when none is called for."""
    made = {deed.call.name for deed in material.deeds if deed.current and not deed.failed}
    fresh = [tool for tool in offer.tools if tool.name not in made] or list(offer.tools)
    takers = [tool for tool in fresh if _takes_answer(tool)]
    order = (takers or fresh)[:: -1 if made else 1]
    tool = max(order, key=lambda tool: fitness(tool, material.prompt))
    if made or _takes_answer(tool):
        return extraction(tool, material, answer)
    clause = next((step.clause for step in steps if step.tool == tool), material.prompt)
    return calls_of(tool, clause, material)[0]
