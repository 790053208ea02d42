"""Read JSON that may be anything: each function returns a usable value, or an empty one.

Nothing here may raise: an answer that was paid for must not be lost to one odd field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from langchain_segmind._messages.limits import MOST, at_most
from langchain_segmind._messages.types import Choice, ToolCall, Usage, parse_call

_TOO_MANY: Final = 2**53
_REFUSAL_WORDS: Final = re.compile(
    r"refus|safety|filter|block|prohibit|recitation|moderat|polic|sensitive|spii|armor|guard|harm"
    r"|violat",
    re.IGNORECASE,
)
_ESCAPE: Final = (
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole surrogate pair
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_NOT_ARGUMENTS: Final = frozenset(
    {"id", "type", "index", "caller", "cache_control", "thoughtSignature", "thought_signature"}
)
_BESIDE: Final = frozenset({"arguments", "args", "parameters", "params", "input", "kwargs"})
"""Fields that hold arguments where they stand beside a call instead of in it."""


def as_text(value: Any) -> str | None:
    """Return a string; None for anything else."""
    return value if isinstance(value, str) else None


def as_count(value: Any) -> int | None:
    """Return a number of tokens: a whole number, not negative; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value < _TOO_MANY else None


def as_dict(value: Any) -> Mapping[str, Any]:
    """Return a JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def dict_items(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a JSON list; none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def join_text(items: Iterable[Mapping[str, Any]], key: str) -> str:
    """Join the texts that stand under a key of some objects."""
    return "".join(as_text(item.get(key)) or "" for item in items)


def as_usage(input_tokens: Any, output_tokens: Any, **details: Any) -> Usage | None:
    """Return numbers of tokens, details by the fields of `Usage`; None if neither is a number."""
    first, second = as_count(input_tokens), as_count(output_tokens)
    if first is None and second is None:
        return None
    known = {k: as_count(v) for k, v in details.items() if v is not None}
    return Usage(first or 0, second or 0, **known)


def read_choices(
    read: Callable[[Mapping[str, Any]], Choice | None], value: Any
) -> tuple[Choice, ...]:
    """Read the alternatives in a JSON list, and skip one that cannot be read."""
    items = dict_items(value)
    if len(items) > MOST:
        readable = (choice for item in items if (choice := read(item)) is not None)
        return tuple(at_most(readable, "choices"))
    return tuple([choice for item in items if (choice := read(item)) is not None])


def finish_reason(native: str | None, known: Mapping[str, str]) -> str | None:
    """Return OpenAI's word for a provider's reason, or the provider's own if there is none."""
    if not native:
        return None
    return known.get(native, "content_filter" if is_refusal_reason(native) else native.lower())


def is_refusal_reason(reason: str | None) -> bool:
    """Return whether a reply ended because a model or a filter refused.

    Providers add such reasons (`MODEL_ARMOR`, `guardrail_intervened`), so their words decide.
    """
    return reason is not None and _REFUSAL_WORDS.search(reason) is not None


def repair_escapes(json_text: str) -> str:
    r"""Replace escapes of half a surrogate pair, as `\ud800`: no request could send them again."""
    return re.sub(_ESCAPE, lambda found: r"\ufffd" if found[1] else found[0], json_text)


def read_call(
    fields: Mapping[str, Any], key: str, call_id: Any, outer: Mapping[str, Any] | None = None
) -> ToolCall:
    """Build a call from one in a provider's own format.

    A call whose arguments are empty, and that has unknown fields beside them, is invalid: executed
    without arguments, it would use the tool's defaults.

    Args:
        fields: The call, with its `name`.
        key: Where the format has the arguments.
        call_id: The model's own id of the call, if any.
        outer: The fields around the call, where the format has any.
    """
    arguments = fields.get(key)
    if isinstance(arguments, str):
        arguments = repair_escapes(arguments)
    call = parse_call(fields.get("name"), arguments, call_id)
    unknown = {k: v for k, v in fields.items() if k not in {"name", key} | _NOT_ARGUMENTS}
    unknown |= {k: v for k, v in (outer or {}).items() if k in _BESIDE and v not in (None, "", {})}
    if call.arguments or not unknown:
        return call
    raw = json.dumps(unknown, ensure_ascii=False, default=repr)
    return ToolCall(call.name, raw, call.id, error=f"The arguments are not under {key!r}.")
