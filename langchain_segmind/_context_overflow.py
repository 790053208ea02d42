"""Recognize the sentences by which providers refuse a prompt that is too long.

The gateway passes their words on, under any status. A sentence about an answer that may not be so
long is about a setting, and must not be recognized: a shorter conversation would not help.
"""

from __future__ import annotations

import re
from typing import Final

_PROMPT: Final = r"(?:prompt|input|inputs|messages?|conversation|request|text|history)"
_EXCEEDS: Final = (
    r"(?:exceed\w*|too (?:long|large|many|big)|longer than|larger than|greater than|more than"
    r"|should be|must be|must have|cannot be|supports? (?:only )?up to|over the|out of range|limit)"
)
_ABOUT_THE_PROMPT: Final = (
    # OpenAI's, Anthropic's, Bedrock's: "prompt is too long", "Prompt too long; exceeded ..."
    rf"\b{_PROMPT}\W{{1,3}}(?:is |are |was )?too long"
    # Alibaba's "Range of input length should be [1, 204800]", Google's "The input token count (...)
    # exceeds", OpenAI's "Input tokens exceed the configured limit"
    rf"|\b{_PROMPT}[\W_](?:prompt |message )?(?:tokens?|length)\b[^.;]{{0,80}}?{_EXCEEDS}"
    # GLM's "Prompt exceeds max length", MiniMax's "context window exceeds limit"
    rf"|\b(?:{_PROMPT}|context)\b[^.;]{{0,60}}? exceed\w*"
    r"(?:(?!output|completion|answer)[^.;]){0,40}?(?:tokens?\b|length|context|window)"
    # Cohere's, AI21's: "too many tokens", "Prompt has too many tokens"
    r"|too many (?:\w+ ){0,2}tokens"
    # xAI's "maximum prompt length is", vLLM's "longer than the maximum model length"
    r"|max(?:imum)?[ _-](?:allowed )?(?:prompt|input|model|sequence)[ _-](?:length|size|tokens)"
    # TGI's "`inputs` tokens + `max_new_tokens` must be <= 8193", "`inputs` must have less than"
    r"|inputs?\W{1,3}(?:tokens \+|must have less than \d+ tokens)"
    # OpenAI's "Invalid 'messages[0].content': string too long"
    r"|'(?:messages|input)(?:\[\d+\])?(?:\.content)?(?:\[\d+\])?(?:\.text)?'?: "
    r"(?:string|array) too long"
    # Bedrock's "expected maxLength: 42000, actual: 60000"; GLM's in Chinese, as its documentation
    r"|expected maxLength|prompt ?超长"
)
_ABOUT_THE_CONTEXT: Final = (
    r"context.{0,20}(?:length|window|limit|size|exceed|overflow|too long)"
    # Moonshot's "exceeded model token limit", Volcengine's "exceed max message tokens"
    r"|exceed\w* (?:the )?(?:model|max|maximum)[ _-]?(?:message )?tokens?\b"
    r"|maximum (?:number of )?(?:input )?tokens|reduce (?:the length of )?(?:the|your) "
    rf"{_PROMPT}"
)
_ABOUT_THE_ANSWER: Final = (
    r"max(?:imum)?[ _-]?(?:completion|output|new|generated)?[ _-]?tokens[\W_]{1,3}"
    rf"(?:\S+ ){{0,4}}?{_EXCEEDS}"
    r"|(?:range|value|values) (?:of|for) \W?max\w*tokens"
    rf"|\b(?:output|completion|answer|response|generation)s?\b[^.;]{{0,40}}?{_EXCEEDS}"
)
_ABOUT_A_RATE: Final = r"\bper[ _-]?(?:second|minute|min|hour|day)|\bTPM\b|quota|rate.?limit"


def is_context_overflow(text: str) -> bool:
    """Return whether a refusal says that the prompt is too long.

    Args:
        text: What the refusal says.
    """
    if _mentions(_ABOUT_A_RATE, text):
        return False
    if _mentions(_ABOUT_THE_PROMPT, text):
        return True
    return _mentions(_ABOUT_THE_CONTEXT, text) and not _mentions(_ABOUT_THE_ANSWER, text)


def _mentions(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None
