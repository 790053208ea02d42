"""Rewrite calls in the formats of other makers as `<tool_call name="...">{...}</tool_call>`.

Models fall back into the format they were trained on, whatever they are asked for. This module
knows those formats and nothing else: what becomes of the elements is decided by who reads them. It
rewrites only a reply that is nothing but calls of tools on offer, so that no quote can become one.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from langchain_segmind._messages.json_schema import takes_strings
from langchain_segmind._messages.limits import MOST
from langchain_segmind._messages.types import Tool
from langchain_segmind._tool_emulation.calls import Tools, resolve_name
from langchain_segmind._tool_emulation.json_repair import UNPARSABLE, has_odd_escape, parse_json

_NAME: Final = r"[\w./-]{1,100}"
_BAR: Final = r"[|\uff5c]"  # DeepSeek writes full-width bars, and U+2581 for spaces
_GAP: Final = r"[\u2581_ ]"
_PREFIX: Final = rf"(?:\w{{1,20}}:|{_BAR}DSML{_BAR})?"
_LONGEST_CODE: Final = 20_000


@dataclass(frozen=True)
class _Dialect:
    """How one maker writes a call.

    Attributes:
        begin: What a call begins with; its group is the tool's name.
        end: What it ends with.
        opens: What may stand in front of the first of several calls.
        closes: What may stand behind the last.
        argument: What an argument begins and ends with; None where the arguments are JSON. The
            groups are its name, and whether it is a string.
    """

    begin: str
    end: str
    opens: str
    closes: str
    argument: tuple[re.Pattern[str], re.Pattern[str]] | None = None


_PARAMETERS: Final = (
    re.compile(
        rf"\s*<{_PREFIX}parameter(?:\s+name\s*=\s*|=)[\"']?([^\"'<>]{{1,100}})[\"']?"
        r"(?:\s+string\s*=\s*\"(\w+)\")?\s*>"
    ),
    re.compile(rf"</{_PREFIX}parameter\s*>"),
)
_GLM_ARGUMENTS: Final = (
    re.compile(r"\s*<arg_key>\s*([^<>]{1,100})</arg_key>()\s*<arg_value>"),
    re.compile(r"</arg_value>"),
)
_DIALECTS: Final = {
    # Claude, MiniMax (`<minimax:tool_call>`), DeepSeek 3.2 (with `DSML`).
    "invoke": _Dialect(
        rf"<{_PREFIX}invoke\s{{1,100}}name\s{{0,20}}=\s{{0,20}}[\"']?(?P<invoke_name>{_NAME})[\"']?\s{{0,20}}>"
        rf"(?=\s{{0,20}}(?:<{_PREFIX}parameter|</{_PREFIX}invoke|\Z))",
        rf"</{_PREFIX}invoke\s{{0,20}}>",
        rf"<{_PREFIX}(?:function_calls|tool_calls?)\s{{0,20}}>\s{{0,20}}",
        rf"\s{{0,20}}</{_PREFIX}(?:function_calls|tool_calls?)\s{{0,20}}>",
        _PARAMETERS,
    ),
    # Qwen3-Coder, and Llama with JSON between the same marks.
    "function": _Dialect(
        rf"<function=(?P<function_name>{_NAME})>(?=\s{{0,20}}(?:<parameter=|</function|\{{|\Z))",
        r"</function\s{0,20}>",
        r"<tool_call>\s{0,20}",
        r"\s{0,20}</tool_call\s{0,20}>",
        _PARAMETERS,
    ),
    "glm": _Dialect(
        rf"<tool_call>\s{{0,20}}(?P<glm_name>{_NAME})\s{{0,20}}(?=<arg_key>|</tool_call\s{{0,20}}>)",
        r"</tool_call\s{0,20}>",
        "",
        "",
        _GLM_ARGUMENTS,
    ),
    "kimi": _Dialect(
        rf"<\|tool_call_begin\|>\s{{0,20}}(?P<kimi_name>{_NAME}?)(?::\d{{1,6}})?\s{{0,20}}"
        r"<\|tool_call_argument_begin\|>",
        r"<\|tool_call_end\|>",
        r"<\|tool_calls_section_begin\|>\s{0,20}",
        r"\s{0,20}<\|tool_calls_section_end\|>",
    ),
    "deepseek": _Dialect(
        rf"<{_BAR}tool{_GAP}call{_GAP}begin{_BAR}>(?:function<{_BAR}tool{_GAP}sep{_BAR}>)?"
        rf"\s{{0,20}}(?P<deepseek_name>{_NAME})\s{{0,20}}(?:<{_BAR}tool{_GAP}sep{_BAR}>)?\s{{0,20}}(?:```\w{{0,20}}\s{{0,20}})?(?=\{{)",
        rf"<{_BAR}tool{_GAP}call{_GAP}end{_BAR}>",
        rf"<{_BAR}tool{_GAP}calls{_GAP}begin{_BAR}>\s{{0,20}}",
        rf"\s{{0,20}}<{_BAR}tool{_GAP}calls{_GAP}end{_BAR}>",
    ),
    # Mistral.
    "args": _Dialect(
        rf"\[TOOL_CALLS\]\s{{0,20}}(?P<args_name>{_NAME})(?:\[CALL_ID\]\w{{1,40}})?\s{{0,20}}\[ARGS\](?=\s{{0,20}}\{{)",
        r"(?=\[TOOL_CALLS\])|\Z",
        "",
        "",
    ),
    # OpenAI's open models.
    "harmony": _Dialect(
        rf"<\|channel\|>\w{{1,20}}\s{{1,100}}to=(?P<harmony_name>{_NAME})\s{{0,20}}(?:<\|constrain\|>\w{{1,20}})?"
        r"\s{0,20}<\|message\|>",
        r"<\|(?:call|end|return)\|>|\Z",
        r"<\|start\|>assistant\s{0,20}",
        "",
    ),
    # Gemini writes Python.
    "code": _Dialect(
        r"<tool_code>(?P<code_name>)|```tool_code\s{0,20}\n", r"</tool_code>|```", "", ""
    ),
}
_BEGIN: Final = re.compile("|".join(f"(?P<{k}>{d.begin})" for k, d in _DIALECTS.items()))
_ENDS: Final = {kind: re.compile(dialect.end) for kind, dialect in _DIALECTS.items()}
_OPENS: Final = {k: re.compile(rf"(?:{d.opens})\Z") for k, d in _DIALECTS.items() if d.opens}
_CLOSES: Final = {k: re.compile(d.closes) for k, d in _DIALECTS.items() if d.closes}
_PYTHON_LIST: Final = re.compile(r"\s*\[\s*[\w.]{1,100}\(.*\)\s*\]\s*", re.DOTALL)
"""How Llama writes calls, as its whole reply."""
_LONGEST_OPENING: Final = 200
_LONGEST_BEGIN: Final = 800  # with what must follow it
_NOT_SPACE: Final = re.compile(r"\S")


@dataclass(frozen=True)
class Rewritten:
    """A reply whose calls are elements, and what each of them was."""

    text: str
    originals: Mapping[str, str]

    def restore(self, element: str) -> str:
        """Return an element as the model wrote it."""
        return self.originals.get(element, element)


def rewrite(text: str, tools: Tools) -> Rewritten | None:
    """Rewrite a reply that is nothing but calls of tools on offer; None if it is anything else.

    With words around it a call may be quoted, and a rewritten one would hide how.
    """
    originals: dict[str, str] = {}
    at = 0
    if _PYTHON_LIST.fullmatch(text) and (calls := _python_calls(text, tools)):
        found = iter([(0, len(text), text, [(name, _json(a), True) for name, a in calls])])
    else:
        found = _calls(text, tools)
    for start, end, core, elements in found:
        if text[at:start].strip():
            return None
        for element in elements:
            originals[_marked(element, len(originals))] = core
        at = end
        if len(originals) > MOST:
            break  # more than are read, whatever follows
    else:
        if not originals or text[at:].strip():
            return None
    return Rewritten("\n".join(originals), originals)


def _marked(element: tuple[str, str, bool], number: int) -> str:
    name, body, is_whole = element
    close = "</tool_call>" if is_whole else ""
    return f'<tool_call name="{name}" id="\0{number}">{body}{close}'


def _calls(text: str, tools: Tools) -> Iterator[tuple[int, int, str, list[tuple[str, str, bool]]]]:
    """Find calls: begin, end and text of each, and its names, bodies and whether it has an end."""
    at = 0
    while first := _NOT_SPACE.search(text, at):
        # Farther away, there would be words in front of it.
        latest_end = first.start() + _LONGEST_OPENING + _LONGEST_BEGIN
        begin = _BEGIN.search(text, at, latest_end)
        if begin is None:
            break
        at = begin.end()
        kind = next(kind for kind in _DIALECTS if begin[kind] is not None)
        name = "" if kind == "code" else resolve_name(begin[f"{kind}_name"], tools)
        if kind != "code" and name not in tools:
            continue
        end = _ENDS[kind].search(text, at)
        stop = end.start() if end else len(text)
        body, at = text[at:stop], end.end() if end else len(text)
        if kind == "code":
            calls = _python_calls(body, tools) if end else []
            if calls:
                elements = [(name, _json(arguments), True) for name, arguments in calls]
                yield begin.start(), at, body, elements
            continue
        start, core = begin.start(), text[begin.start() : at]
        if opening := kind in _OPENS and _OPENS[kind].search(
            text, max(0, start - _LONGEST_OPENING), start
        ):
            start = opening.start()
        if closing := kind in _CLOSES and _CLOSES[kind].match(text, at):
            at = closing.end()
        arguments = _arguments(body, tools[name], _DIALECTS[kind].argument)
        yield start, at, core, [(name, arguments, end is not None)]


def _arguments(
    body: str, tool: Tool, argument: tuple[re.Pattern[str], re.Pattern[str]] | None
) -> str:
    """Write arguments as JSON: an object, or the text of those that cannot be read."""
    value = parse_json(body.strip().removesuffix("```"))
    if isinstance(value, dict):
        return _json(value)
    found = None if argument is None else _read_arguments(body, *argument)
    if found is None:
        return _json(body)
    properties = tool.parameters.get("properties")
    schemas = properties if isinstance(properties, Mapping) else {}
    typed = {name: _typed(text, schemas.get(name), mark, tool) for name, mark, text in found}
    return _json(typed if len(typed) == len(found) else body)


def _read_arguments(
    body: str, begins: re.Pattern[str], ends: re.Pattern[str]
) -> list[tuple[str, str, str]] | None:
    """Read each argument's name, its mark and its text; None if there is anything else."""
    found: list[tuple[str, str, str]] = []
    at = 0
    while begin := begins.match(body, at):
        end = ends.search(body, begin.end())
        if end is None:
            return None
        found.append((begin[1].strip(), begin[2], body[begin.end() : end.start()]))
        at = end.end()
    return None if body[at:].strip() else found


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _typed(text: str, schema: Any, is_string: str, tool: Tool) -> Any:
    """Read the text of an argument: as a string where its schema takes one, else as JSON."""
    text = text.removeprefix("\n").removesuffix("\n")
    is_untyped = not is_string and (not isinstance(schema, Mapping) or not schema)
    may_be_text = not is_string and not is_untyped and takes_strings(schema, tool.parameters)
    if is_string == "true" or may_be_text:
        return text
    value = parse_json(text)
    if is_untyped:
        return value if isinstance(value, dict | list) else text
    return text if value is UNPARSABLE else value


def _python_calls(code: str, tools: Tools) -> list[tuple[str, dict[str, Any]]]:
    """Read statements that are nothing but calls of tools; without exception, or none at all."""
    if len(code) > _LONGEST_CODE or has_odd_escape(code):
        return []
    try:
        found = [_python_call(node, tools) for node in _python_nodes(ast.parse(code.strip()))]
        json.dumps(found)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return []
    return found


def _python_nodes(tree: ast.Module) -> Iterator[ast.expr]:
    for statement in tree.body:
        if not isinstance(statement, ast.Expr | ast.Assign):
            raise ValueError("not a call")
        node = statement.value
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "print" and node.args:
            node = node.args[0]
        yield from node.elts if isinstance(node, ast.List | ast.Tuple) else (node,)


def _python_call(node: ast.expr, tools: Tools) -> tuple[str, dict[str, Any]]:
    if not isinstance(node, ast.Call):
        raise ValueError("not a call")
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    properties = list(tools[name].parameters.get("properties") or ()) if name in tools else None
    if properties is None or len(node.args) > len(properties):
        raise ValueError("not a tool on offer")
    keywords = [(word.arg or "", ast.literal_eval(word.value)) for word in node.keywords]
    positional = zip(properties, map(ast.literal_eval, node.args), strict=False)
    arguments = [*positional, *keywords]
    if len(dict(arguments)) != len(arguments):
        raise ValueError("an argument is given twice")
    return name, dict(arguments)
