"""The default brain: deterministic, and useful enough that a program without a key makes sense."""

import json
import re
from dataclasses import replace

from langchain_segmind.testing.conversation import Question, Reply
from langchain_segmind.testing.helpful.almanac import ALMANAC
from langchain_segmind.testing.helpful.evidence import Evidence
from langchain_segmind.testing.helpful.json_request import schema_asked_for, schema_in_prompt
from langchain_segmind.testing.helpful.material import (
    NOT_FOUND,
    Material,
    take_apart,
    to_second_person,
)
from langchain_segmind.testing.helpful.schema import fill
from langchain_segmind.testing.helpful.search import find_answer
from langchain_segmind.testing.helpful.small_talk import (
    small_talk,
    translated,
    translation_asked_by,
)
from langchain_segmind.testing.helpful.words import as_sentence, is_question
from langchain_segmind.testing.tokens import cut

_ASKS = re.compile(
    r"(?:please |can you |could you |so |and |now )*(?:what|who|whom|whose|when|where|why|which|how"
    r"|is|are|was|were|do|does|did|can|could|should|will|would|has|have|tell|explain|describe"
    r"|define|find|show|look up)\b",
    re.IGNORECASE,
)
_ABOUT_ME = re.compile(r"\b(?:your name|who are you|what are you|(?:what|which) model)\b", re.IGNORECASE)
_ABOUT_TALK = re.compile(
    r"\bwhat (?:did i (?:just )?(?:say|ask)|was my (?:first|last|previous) \w+)", re.IGNORECASE
)
_IGNORANCE = "I do not know that: I am the local gateway's stand-in, and know what I am told."


class HelpfulBrain:
    """Answers from what it is given: questions from their context, schemas from the conversation.

    It keeps no state, so the same request always gets the same reply.
    """

    def answer(self, question: Question) -> Reply:
        """Answer a question.

        Args:
            question: What was asked.

        Returns:
            Prose, or JSON where `response_format` or the prompt asks for it; cut short, with
            ``finish_reason="length"``, where ``max_tokens`` allows no more.
        """
        material = take_apart(question)
        schema = schema_asked_for(question) or schema_in_prompt(material)
        if schema is None:
            return _within_limit(question, prose(question, material))
        evidence = Evidence.of(material, prose(question, material))
        return _within_limit(question, json.dumps(fill(schema, evidence), ensure_ascii=False))


def prose(question: Question, material: Material) -> str:
    """Answer in words; never with none."""
    request = material.request
    if language := translation_asked_by(material.system):
        return translated(request, language)
    if not material.has_documents and (text := _about_ourselves(question, request)):
        return text
    asks = is_question(request) or _ASKS.match(request) is not None
    if material.has_documents and asks and (text := find_answer(request, material.passages)):
        return text
    return small_talk(material) or (_look_up(material) if asks else _acknowledge(material))


def _about_ourselves(question: Question, request: str) -> str | None:
    if _ABOUT_ME.search(request):
        return f"I am {question.slug}, played by the local gateway."
    if found := _ABOUT_TALK.search(request):
        said = [turn.text for turn in question.turns if turn.role == "user"][:-1]
        earlier = said[0 if "first" in found[0] else -1] if said else "nothing"
        return f"You said: {earlier}"
    return None


def _look_up(material: Material) -> str:
    if text := find_answer(material.request, material.passages):
        return text
    if material.has_documents:
        return NOT_FOUND
    return find_answer(material.request, ALMANAC) or _IGNORANCE


def _acknowledge(material: Material) -> str:
    if not material.request.strip():
        return "I am listening."
    if text := find_answer(material.request, material.passages):
        return text
    if material.has_documents:
        return NOT_FOUND
    return f"Understood. {as_sentence(to_second_person(material.request))}"


def _within_limit(question: Question, text: str) -> Reply:
    limits = [question.settings.get(name) for name in ("max_tokens", "max_completion_tokens")]
    reply = Reply(text)
    for limit in limits:
        if isinstance(limit, int) and (short := cut(reply.text, limit)) != reply.text:
            reply = replace(reply, text=short, finish_reason="length")
    return reply
