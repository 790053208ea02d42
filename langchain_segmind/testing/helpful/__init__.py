"""The default brain: deterministic, and useful enough that a program without a key makes sense."""

import json
import re
from dataclasses import replace
from typing import Any, get_args

from langchain_segmind.testing.conversation import Call, Offer, Question, Reply
from langchain_segmind.testing.helpful.almanac import ALMANAC
from langchain_segmind.testing.helpful.evidence import Evidence
from langchain_segmind.testing.helpful.json_request import schema_asked_for, schema_in_prompt
from langchain_segmind.testing.helpful.material import (
    COMMAND,
    Material,
    take_apart,
    to_second_person,
)
from langchain_segmind.testing.helpful.orders import as_ordered
from langchain_segmind.testing.helpful.schema import fill
from langchain_segmind.testing.helpful.search import find_answer
from langchain_segmind.testing.helpful.small_talk import about_ourselves, small_talk
from langchain_segmind.testing.helpful.tools.envelope import Envelope, find_envelope
from langchain_segmind.testing.helpful.tools.errands import Errands, errands
from langchain_segmind.testing.helpful.tools.heard import heard
from langchain_segmind.testing.helpful.tools.manners import Manner, Saying, write
from langchain_segmind.testing.helpful.tools.report import report
from langchain_segmind.testing.helpful.words import as_sentence, is_question
from langchain_segmind.testing.tokens import cut

_ASKS = re.compile(
    r"(?:please |can you |could you |so |and |now )*(?:what|who|whom|whose|when|where|why|which|how"
    r"|is|are|was|were|do|does|did|can|could|should|will|would|has|have|tell|explain|describe"
    r"|define|find|show|look up)\b",
    re.IGNORECASE,
)
_IGNORANCE = "I do not know that: I am the local gateway's stand-in, and know what I am told."


class HelpfulBrain:
    """Answers from what it is given: questions from their context, schemas from the conversation.

    It calls the tools it is offered, natively or in an envelope (see `envelope`), and tells what
    came of them. It keeps no state, so the same request always gets the same reply.

    Args:
        manner: How it writes an envelope: ``"plain"`` as asked for, or as some odd model would
            (see `Manner`).

    Raises:
        ValueError: The manner is unknown.
    """

    threads = 0  # an answer takes less than a change of threads

    def __init__(self, manner: Manner = "plain") -> None:
        if manner not in get_args(Manner):
            raise ValueError(f"manner={manner!r}: expected one of {', '.join(get_args(Manner))}")
        self._manner = manner

    def answer(self, question: Question) -> Reply:
        """Answer a question.

        Args:
            question: What was asked.

        Returns:
            Prose, or JSON where `response_format` or the prompt asks for it; cut short, with
            ``finish_reason="length"``, where ``max_tokens`` allows no more.
        """
        question = heard(question)
        envelope = find_envelope(question)
        offer = envelope.offer if envelope else question.offer
        material = take_apart(question, offer)
        made = [deed for deed in material.deeds if deed.current]
        text = report(material, made) or prose(question.slug, material)
        todo = _errands(question.slug, offer, material, text) if offer else Errands()
        text = text if made else report(material, todo.done) or text
        calls = todo.calls
        if envelope is not None:
            saying = Saying(envelope, _words(envelope, calls, material, text), calls, text)
            return _within_limit(question, write(self._manner, saying))
        if calls:
            return Reply(_announced(calls), calls=calls)
        schema = schema_asked_for(question, material) or schema_in_prompt(material)
        if schema is not None:
            text = json.dumps(fill(schema, Evidence.of(material, text)), ensure_ascii=False)
        return _within_limit(question, Reply(text))


def prose(slug: str, material: Material) -> str:
    """Answer in words, and never with none.

    Args:
        slug: The model that is asked.
        material: What was asked.
    """
    return _at_hand(slug, material) or (
        _look_up(material) if _asks(material) else _acknowledge(material)
    )


def _at_hand(slug: str, material: Material) -> str | None:
    """Answer what needs neither knowledge nor tools."""
    if text := as_ordered(material):
        return text
    asks = material.has_documents and _asks(material)
    if asks and (text := find_answer(material.request, material.passages, cite=material.cites)):
        return text
    return about_ourselves(slug, material) or small_talk(material)


def _asks(material: Material) -> bool:
    return is_question(material.request) or _ASKS.match(material.request) is not None


def _errands(slug: str, offer: Offer, material: Material, text: str) -> Errands:
    known = _at_hand(slug, material) or find_answer(material.request, material.passages)
    return errands(offer, material, text, stuck=_asks(material) and not known)


def _words(envelope: Envelope, calls: tuple[Call, ...], material: Material, text: str) -> Any:
    """Tell what goes into an envelope beside the calls: words, or an answer of some schema."""
    if envelope.words is None:
        return _announced(calls) if calls else text
    return None if calls else fill(envelope.words, Evidence.of(material, text))


def _announced(calls: tuple[Call, ...]) -> str:
    names = dict.fromkeys(call.name for call in calls)
    return f"I will use {' and '.join(names)}."


def _look_up(material: Material) -> str:
    if text := find_answer(material.request, material.passages, cite=material.cites):
        return text
    if material.has_documents:
        return material.not_found
    return find_answer(material.request, ALMANAC) or _IGNORANCE


def _acknowledge(material: Material) -> str:
    request = material.request
    if not request.strip():
        return "I am listening."
    if text := find_answer(request, material.passages, cite=material.cites):
        return text
    if material.has_documents:
        return material.not_found
    if COMMAND.match(request):
        return f"I am only a stand-in, and cannot do this: {request}"
    return f"Understood. {as_sentence(to_second_person(request))}"


def _within_limit(question: Question, reply: Reply) -> Reply:
    for name in ("max_tokens", "max_completion_tokens"):
        limit = question.settings.get(name)
        if isinstance(limit, int) and (short := cut(reply.text, limit)) != reply.text:
            reply = replace(reply, text=short, finish_reason="length")
    return reply
