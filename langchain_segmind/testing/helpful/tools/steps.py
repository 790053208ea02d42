"""Which tools a request asks for, in which order: the request is cut into steps of one tool each.

A tool that is named is meant. Otherwise the words of its name, description and arguments decide.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from langchain_segmind.testing.conversation import Offer, Tool
from langchain_segmind.testing.helpful.json_request import json_spans
from langchain_segmind.testing.helpful.references import resolved
from langchain_segmind.testing.helpful.tools.arithmetic import operations
from langchain_segmind.testing.helpful.words import stem, terms, words

_NAMED = 100
_ENOUGH = 2

_JOINT = re.compile(
    r"(?<=[.?!;])\s+|\s*\n\s*|(?:,\s*|\s+)(?:and then|then|and also|and|after that)\s+|,\s+"
)
_LOOSE_END = re.compile(r"(?:[\s,]+(?:and|then|also|after that)\b)*[\s,]*$", re.IGNORECASE)
_SEALED = re.compile(
    r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|[\u201c\u2018][^\u201d\u2019]*[\u201d\u2019]|\([^()]*\)"
)
_ITEM = re.compile(r"\d[\d\s,.]*\W*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
USE = re.compile(r"\bus(?:e|ing) (?:the|a|an|your|this) tools?\b", re.IGNORECASE)
_QUESTION = re.compile(r"(?:who|what|when|where|why|how|which)(?: \w+){3}", re.IGNORECASE)
_MORE_OF_THE_SAME = re.compile(r"(?:and|what about|how about|now|also)\b", re.IGNORECASE)
_TIMES = re.compile(r"\btimes\b", re.IGNORECASE)  # or it would ask for the time

# Words that mean the same to tools; the first stands for the others.
_KIN = (
    "add sum adder addition",
    "subtract subtraction",
    "multiply multiplier multiplication double triple",
    "divide division halve",
    "calculate calculator arithmetic math compute evaluate expression calculation square root",
    "search retrieve retriever lookup find query documents document docs knowledge wikipedia web",
    "weather forecast temperature rain sunny warmer colder hotter",
    "mail email",
)
_ALIKE = {stem(word): stem(group.split()[0]) for group in _KIN for word in group.split()}
_CALCULATE = stem("calculate")
_CALCULATED = frozenset(map(stem, ("add", "subtract", "multiply", "divide")))
_GENERIC = frozenset(terms("get tool function run call use make take return given input value"))
_SEARCH = "search"


@dataclass(frozen=True)
class Step:
    """A part of a request that is one tool's.

    Attributes:
        tool: The tool.
        clause: The words of the request that ask for it.
    """

    tool: Tool
    clause: str


def plan(request: str, offer: Offer) -> list[Step]:
    """Cut a request into steps.

    Args:
        request: The whole of what the user said last.
        offer: The tools.

    Returns:
        The steps in the order asked for; none when no tool fits.
    """
    found = _merged(request, list(_pieces(request, offer)), searching(request, offer))
    if not found and len(offer.tools) == 1 and USE.search(request):
        return [Step(offer.tools[0], request)]
    return found


def again(request: str, offer: Offer, latest: str | None) -> list[Step]:
    """Understand *And in Rome?* as a step of the tool called last."""
    same = [tool for tool in offer.tools if tool.name == latest]
    return [Step(same[0], request)] if same and _MORE_OF_THE_SAME.match(request) else []


def searching(request: str, offer: Offer) -> list[Step]:
    """Understand any question as one for a tool that searches."""
    return [Step(tool, request) for tool in offer.tools if _SEARCH in _known(tool)][:1]


def fitness(tool: Tool, text: str) -> int:
    """Tell how well a tool fits a text; zero when not at all."""
    if mention(tool).search(text):
        return _NAMED
    asked = set(_asked(text))
    own = _own(tool) & asked
    score = _ENOUGH * len(own) + len((_known(tool) - own) & asked)
    return score if score >= _ENOUGH or 2 * score > len(asked) else 0


def mention(tool: Tool) -> re.Pattern[str]:
    """Build the pattern of a tool's name, also written with spaces."""
    name = re.escape(_CAMEL.sub("_", tool.name)).replace("_", "[ _-]?")
    return re.compile(rf"(?<![\w]){name}(?![\w])", re.IGNORECASE)


def _pieces(request: str, offer: Offer) -> Iterator[tuple[str, Tool | None]]:
    sealed = request
    for start, end, _ in json_spans(request):
        sealed = sealed[:start] + "x" * (end - start) + sealed[end:]
    sealed = _SEALED.sub(lambda found: "x" * len(found[0]), sealed)
    ends = [*(hit.end() for hit in _JOINT.finditer(sealed)), len(request)]
    for start, end in pairwise([0, *ends]):
        yield from _named_pieces(request[start:end], offer.tools)


def _named_pieces(text: str, tools: Sequence[Tool]) -> Iterator[tuple[str, Tool | None]]:
    """One piece for every tool named in it, else one piece for the tool that fits best."""
    hits = [(hit.start(), tool) for tool in tools if (hit := mention(tool).search(text))]
    named = [tool for _, tool in sorted(hits, key=lambda hit: hit[0])]
    best = max(tools, key=lambda tool: fitness(tool, text))
    fits = fitness(best, text) > 0 and not _ITEM.fullmatch(text)
    for tool in named or [best]:
        yield text, tool if named or fits else None


def _merged(
    request: str, pieces: list[tuple[str, Tool | None]], searching: Sequence[Step]
) -> list[Step]:
    """Give words that no tool owns to the step before them, or to the first step.

    A question that comes first is a step of its own where there is a tool that searches.
    """
    steps: list[Step] = []
    waiting = ""
    for text, tool in pieces:
        if tool is None and not steps:
            waiting += text
        elif tool is None or (steps and tool == steps[-1].tool and _is_bare(tool, text)):
            steps[-1] = Step(steps[-1].tool, steps[-1].clause + text)
        else:
            if not steps and searching and _QUESTION.match(waiting):
                steps.append(Step(searching[0].tool, waiting))
                waiting = ""
            steps.append(Step(tool, waiting + text))
            waiting = ""
    return [
        Step(step.tool, _LOOSE_END.sub("", step.clause) if _says_more(step) else request)
        for step in steps
    ]


def _is_bare(tool: Tool, text: str) -> bool:
    return not terms(mention(tool).sub("", USE.sub("", text)))


def _says_more(step: Step) -> bool:
    left = set(_asked(mention(step.tool).sub("", step.clause)))
    return bool(left - {"us", "first"})


def _own(tool: Tool) -> set[str]:
    return set(_kin(terms(_CAMEL.sub(" ", tool.name).replace("_", " ")))) - _GENERIC


def _known(tool: Tool) -> set[str]:
    properties = tool.parameters.get("properties") or {}
    plain = {name: resolved(held, tool.parameters) for name, held in properties.items()}
    told = [
        f"{name.replace('_', ' ')} {held.get('description', '')}" for name, held in plain.items()
    ]
    return (_own(tool) | set(_kin(terms(" ".join([tool.description, *told]))))) - _GENERIC


def _asked(text: str) -> Iterator[str]:
    done = operations(text)
    spelt = " ".join([_TIMES.sub(" ", text), *(done if len(done) == 1 else [])])
    said = words(spelt)
    pairs = [first + second for first, second in pairwise(said)]
    found = [term for term in terms(spelt) if not term.isdigit()]
    alike = [*_kin(found), *(_ALIKE[pair] for pair in map(stem, pairs) if pair in _ALIKE)]
    yield from alike
    if done or (_CALCULATED & set(alike) and re.search(r"\d", text)):
        yield _CALCULATE


def _kin(found: Sequence[str]) -> list[str]:
    return [_ALIKE.get(term, term) for term in found]
