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
    r"|(?:should|must) (?:be|have)(?! at least| an? )|cannot be|supports? (?:only )?up to|over the"
    r"|out of range|limit)"
)
_ABOUT_THE_PROMPT: Final = (
    # OpenAI's, Anthropic's, Bedrock's: "prompt is too long", "Prompt too long; exceeded ...", and
    # codes such as "prompt_too_long"
    rf"\b(?<!output ){_PROMPT}[\W_]{{1,3}}(?:is |are |was |you \w+ was )?too[ _]long"
    r"|\bprompt is too (?:large|big)|too many total text bytes"
    # Alibaba's "Range of input length should be [1, 204800]", Google's "The input token count (...)
    # exceeds", OpenAI's "Input tokens exceed the configured limit"
    rf"|\b{_PROMPT}[\W_]{{1,3}}(?:(?:prompt|message|content) )?(?:tokens?|length)\b"
    rf"[^.;]{{0,80}}?{_EXCEEDS}"
    # "The number of tokens in the prompt exceeds", "tokens in request more than max tokens allowed"
    rf"|(?:(?<!output )(?<!max )(?<!completion )\btokens in|length of) (?:\w+ )?{_PROMPT}\b"
    rf"[^.;]{{0,60}}?{_EXCEEDS}"
    # TensorRT-LLM's "The sum of prompt length (4096.0), query length (0) should not exceed"
    r"|sum of prompt length"
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
    # Bedrock's "expected maxLength: 42000, actual: 60000"
    r"|expected maxLength"
    # GLM's, Qwen's and Moonshot's in Chinese: "Prompt 超长", "输入长度超过模型上限"
    r"|(?:prompt|输入|提示词|上下文)(?:(?!图|音频|视频|文件|输出)[^。;]){0,20}?(?:超|过长|太长)"
    r"|超[^。;]{0,15}上下文"
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
    rf"|\b(?:output|completion|answer|response|generation|budget)s?\b[^.;]{{0,40}}?{_EXCEEDS}"
)
_ABOUT_TIME: Final = (  # a rate, or Go's "context deadline exceeded"
    r"\bper[ _-]?(?:second|minute|min|hour|day)|\bTPM\b|quota|rate.?limit|please wait|每分钟|频率"
    r"|deadline ?exceeded"
)


def is_context_overflow(text: str) -> bool:
    """Return whether a refusal says that the prompt is too long.

    Args:
        text: What the refusal says.
    """
    if _mentions(_ABOUT_TIME, text):
        return False
    if _mentions(_ABOUT_THE_PROMPT, text):
        return True
    return _mentions(_ABOUT_THE_CONTEXT, text) and not _mentions(_ABOUT_THE_ANSWER, text)


def _mentions(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None
