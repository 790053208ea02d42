"""Read JSON that is cut short or broken: words are kept, and no call runs that was not whole."""

from __future__ import annotations

import re
from typing import Final

from langchain_segmind._messages.types import ToolCall
from langchain_segmind._tool_emulation.envelope import EnvelopeReader, Read
from langchain_segmind._tool_emulation.found import Found
from langchain_segmind._tool_emulation.json_repair import begun_string, last_string, parse_json
from langchain_segmind._tool_emulation.schema import REPLY

CUT: Final = "The reply was cut short."
BROKEN: Final = "The reply is not valid JSON."
_BEGINS_ENVELOPE: Final = re.compile(
    r"[{\[]\s*(?:[\"']reply[\"']\s*:\s*\{\s*)?"
    r"[\"'](?:tool_needed|reply|say|calls|tool_calls|content|function_call)[\"']\s*:"
)
_LISTS: Final = (REPLY, "calls", "tool_calls")
_NAME: Final = re.compile(r"""["']name["']\s*:\s*["']([^"'\\]*)["']""")
_TEXT_KEY: Final = re.compile(r'"(?:reply|say|content)"\s*:\s*(?!\[)')
_CALLS: Final = re.compile(r'"(?:reply|calls|tool_calls)"\s*:\s*\[\s*|\A\W*(?="name")')
_DECIDED: Final = re.compile(
    r"""\{\s*["']tool_needed["']\s*:\s*["']?([^"',]{1,40})["']?\s*,\s*["']reply["']\s*:\s*"""
)


def begins_envelope(body: str) -> bool:
    """Whether a text begins as an envelope does."""
    return _BEGINS_ENVELOPE.match(body) is not None


def name_in(body: str) -> str:
    """Return the first name in a text of JSON, or an empty string."""
    name = _NAME.search(body)
    return name[1] if name else ""


def complete_braces(found: list[Found]) -> None:
    """Read an envelope that lacks only its last braces. If its list is closed, calls are whole."""
    cut = next((n for n, value in enumerate(found) if value.is_cut and value.marks is None), None)
    if cut is None or not begins_envelope(found[cut].body):
        return
    value, body = found[cut], found[cut].body.rstrip("` \n\r\t")
    for braces in ("}", "}}"):
        whole = parse_json(body + braces)
        held = [whole, whole.get(REPLY) if isinstance(whole, dict) else None]
        envelopes = [each for each in held if isinstance(each, dict) and "name" not in each]
        if any(isinstance(each.get(key), list) for each in envelopes for key in _LISTS):
            value.value, value.is_cut, value.end = whole, False, value.start + len(body)
            found[cut + 1 :] = [v for v in found[cut + 1 :] if v.start >= value.end]
            return


def read_broken(value: Found, before: str, after: str, reader: EnvelopeReader) -> Read:
    """Read what there is of an envelope that is cut short or broken: never a call that runs.

    Args:
        value: The envelope.
        before: The words in front of it.
        after: The words behind it.
        reader: Reads decisions.
    """
    body = value.body
    decision = _DECIDED.match(body)
    if decision and not reader.decides_to_call(decision[1]):
        answer = body[decision.end() :]
        return Read(last_string(answer) if answer[:1] in ("'", '"') else answer, [])
    if not value.is_cut:
        return Read("\n".join(filter(None, (before, after))), [ToolCall("", body, error=BROKEN)])
    begun = _CALLS.search(body)
    if decision and body.startswith("{", decision.end()):
        begun = decision  # one call, without its list
    # What stands in the calls of our own form are arguments.
    is_ours = begun is not None and (begun is decision or begun[0].startswith('"reply"'))
    begins = None if is_ours else _TEXT_KEY.search(body)
    text = before if begins is None else body[begins.end() :]
    text = begun_string(text) if begins and text.startswith('"') else text
    rest = body[begun.end() :].strip() if begun else ""
    if not rest:
        return Read(text, [])
    return Read(text, [ToolCall(name_in(rest), rest, error=CUT)])
