"""Decide from its words which setting a refusal blames, and what can be sent in its place.

A refused request was not billed, so it is sent again where the same can be said in other words. The
sentences are those of OpenAI, Anthropic and Google, which the gateway passes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

REPLACEMENTS: Final[Mapping[str, str | None]] = {
    "max_tokens": "max_completion_tokens",
    "stop": None,  # this package cuts the reply at the first stop sequence itself
}
"""What to send in place of a setting that a model refuses; None for nothing."""

_REFUSES: Final = (
    r"unsupported|unrecogni[sz]ed|unknown|unexpected|deprecated|extra inputs|incompatible"
    r"|(not|n't|cannot|can not|no longer)\b.{0,12}\b(support|permit|allow|accept|available"
    r"|compatible|be (set|used|specified|both))|cannot both|only the default"
)
_MARKS: Final = "['\"`\u2018\u201c]"
_OTHER_NAMES: Final = {
    "stop": r"stop[_ ]?sequences?|\bstop",
    "max_tokens": r"max_?tokens|max[_ ]?output[_ ]?tokens",
    "top_p": "top_?p",
    "top_k": "top_?k",
}


def refused_settings(text: str, settings: Iterable[str]) -> list[str]:
    """Return the settings of a request that a refusal says the model does not accept.

    Args:
        text: What the refusal says.
        settings: The names of what was sent. Short ones and those that are English words only
            count in quotation marks.
    """
    if not re.search(_REFUSES, text, re.IGNORECASE):
        return []
    return [name for name in settings if _names(name, text)]


def advice(refused: Iterable[str]) -> str:
    """Say what to do about settings that have no replacement; blank if there are none."""
    names = " and ".join(refused)
    return f"This model does not accept {names} as it is set; leave it out." if names else ""


def _names(name: str, text: str) -> bool:
    pattern = _OTHER_NAMES.get(name, re.escape(name))
    if re.search(f"{_MARKS}(?:{pattern})\\b", text, re.IGNORECASE):
        return True
    is_plain = "_" in name or name in ("temperature", "stop", "seed")
    return is_plain and re.search(rf"\b(?:{pattern})\b", text, re.IGNORECASE) is not None
