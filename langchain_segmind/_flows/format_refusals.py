"""Decide from its words whether a refusal blames the `response_format` of a request.

A refused request was not billed, so one is sent again with the schema in the prompt unless the
refusal clearly speaks of something else. The sentences are those of OpenAI, Anthropic, Google and
of vLLM, which the gateway passes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from langchain_segmind._context_overflow import is_context_overflow

# Strings, which `re` compiles at the first refusal: these five are long.
_FORMAT: Final = (
    r"response.?(?:format|schema)|json.?(?:schema|object|mode)|structured.?outputs?"
    r"|output.?(?:config|format)"
)
_BLAMES_A_FORMAT: Final = (
    rf"{_FORMAT}|grammar|too many states|any_?of|one_?of|all_?of|\$ref|additional.?properties"
)
_TOO_LARGE: Final = r"(?:prompt|input|request|messages?|text).{0,30}(?:too large|exceed)"
_SOMETHING_ELSE: Final = (
    r"image|picture|photo|audio|video|\bfiles?\b|document|\bpdf\b|media|mime|base.?64|\burls?\b"
    r"|api.?key|authori[sz]|permission|credits?\b|balance|quota|billing|payment|\bplan\b|spend"
    r"|content.?type|host header|\bjson body\b|malformed|safety|moderat|polic(?:y|ies)|blocked"
    r"|flagged|harmful|\bmessages?\b|\broles?\b|prompt is|empty|blank|not found|does not exist"
    r"|temperature|top.?[pk]\b|max.?(?:completion.?|output.?)?tokens|\bstop\b|stop.?sequences"
    r"|\bseed\b|penalty|logit|logprobs|reasoning|effort|thinking|parameter value"
)
_REFUSES_ALL: Final = (
    rf"(?:{_FORMAT})[^.]{{0,60}}?(?:not (?:be )?(?:supported|allowed|available|permitted|enabled)"
    r"|unsupported|unknown|unrecogni[sz]ed|unexpected|disabled)"
    rf"|(?:does not|doesn't|cannot|unsupported|unknown|unrecogni[sz]ed|unexpected|not support)"
    rf"[^.]{{0,60}}?(?:{_FORMAT})"
)
_NAMES_A_PART: Final = (
    r"(?:format|schema)\W{1,3}(?:json_schema|schema|type|properties|\w+\.)|keyword|propert|any.?of"
    r"|one.?of|all.?of|\$ref|pattern|\bitems\b|too (?:large|complex|many|deep|long)|nest|enum"
    r"|strict"
)


def blames_the_format(text: str, settings: Iterable[str] = ()) -> bool:
    """Whether to send a refused request again without its `response_format`.

    Args:
        text: What the refusal says.
        settings: The generation settings of the request: one that is named is to blame.
    """
    is_about_a_schema = _mentions("schema|grammar", text)
    is_about_tokens = _mentions("tokens?|context|prompt", text)
    is_too_long = is_context_overflow(text) or _mentions(_TOO_LARGE, text)
    if is_too_long and (is_about_tokens or not is_about_a_schema):
        return False
    if _mentions(_BLAMES_A_FORMAT, text):
        return True
    names_a_setting = any(re.search(rf"\b{re.escape(name)}\b", text) for name in settings)
    return not names_a_setting and not _mentions(_SOMETHING_ELSE, text)


def refuses_every_format(text: str) -> bool:
    """Whether a refusal says that the model takes no `response_format` at all.

    One that names a keyword, a place or a size speaks of that schema alone.
    """
    return _mentions(_REFUSES_ALL, text) and not _mentions(_NAMES_A_PART, text)


def _mentions(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None
