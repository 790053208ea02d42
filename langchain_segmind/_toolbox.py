"""Tools as users give them, read into ours: any kind LangChain knows, and any form of choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, Union

from langchain_core.utils.function_calling import convert_to_openai_tool

from langchain_segmind._config import check_json
from langchain_segmind._prompt import Tool

if TYPE_CHECKING:  # loading LangChain's tools costs those who use none
    from langchain_core.tools import BaseTool

Offer: TypeAlias = Union[dict[str, Any], type, Callable[..., Any], "BaseTool"]

_FORCED: Final = frozenset({"any", "required"})


def describe(tools: Sequence[Offer], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """Describe tools in OpenAI's form, which tracing and LangChain's own code expect.

    Raises:
        ValueError: If one cannot be described, as a provider's own tool that only it can run.
    """
    return [_described(tool, strict) for tool in tools]


def _described(tool: Offer, strict: bool | None) -> dict[str, Any]:
    if isinstance(tool, dict) and tool.get("type") not in (None, "function", "object", "custom"):
        raise ValueError(
            f"tools: {str(tool['type'])[:80]!r} is a tool that only its provider can run; give "
            "functions, classes or JSON schemas"
        )
    if isinstance(tool, dict) and tool.get("type") == "function" and "function" not in tool:
        tool = {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}
    try:
        described = convert_to_openai_tool(tool, strict=strict)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        reason = f"tools: {str(tool)[:80]} is no function, class or JSON schema of one ({error})"
    else:
        return described
    raise ValueError(reason[:500])


def read(tools: Sequence[Offer] | None) -> tuple[Tool, ...]:
    """Read tools into ours.

    Raises:
        ValueError: If one cannot be described or sent, or two share a name.
    """
    read_tools = tuple(_tool(described["function"]) for described in describe(tools or ()))
    by_name: dict[str, Tool] = {}
    for tool in read_tools:
        if by_name.setdefault(tool.name, tool).parameters.keys() != tool.parameters.keys():
            raise ValueError(f"tools: {tool.name!r} is the name of two tools; give each its own")
    return tuple(by_name.values())


def _tool(function: Mapping[str, Any]) -> Tool:
    name, parameters = function["name"], function.get("parameters") or {}
    check_json([name, function.get("description"), parameters], f"tools: {name!r}")
    nothing = {"type": "object", "properties": {}}
    about = (function.get("description") or "").strip()
    return Tool(name, about, {**nothing, **parameters}, function.get("strict"))


def choose(tools: tuple[Tool, ...], choice: Any) -> tuple[tuple[Tool, ...], bool]:
    """Apply a tool choice.

    Args:
        tools: Those on offer.
        choice: None, a bool, a word, a tool's name, or a dictionary as providers have it.

    Returns:
        The tools that may be called, and whether one must be.

    Raises:
        ValueError: If the choice is none of the tools.
    """
    named = _named(choice)
    wanted = named or _wanted(choice)
    if named is None and wanted == "none":
        return (), False
    if not tools or (named is None and wanted == "auto"):
        return tools, False
    if named is None and wanted in _FORCED:
        return tools, True
    chosen = tuple(tool for tool in tools if tool.name == wanted)
    if not chosen:
        names = ", ".join(tool.name for tool in tools)
        raise ValueError(f"tool_choice: {wanted!r} is no tool on offer; choose from {names}")
    return chosen, True


def _named(choice: Any) -> str | None:
    """The tool that a provider's form of a choice names, whatever its name is."""
    if not isinstance(choice, Mapping):
        return None
    function = choice.get("function")
    inner = function if isinstance(function, Mapping) else choice
    name = inner.get("name")
    return name if isinstance(name, str) and name else None


def _wanted(choice: Any) -> str:
    if isinstance(choice, Mapping):
        choice = choice.get("type")
    if choice is None or choice is False:
        return "auto"
    if choice is True:
        return "any"
    if not isinstance(choice, str):
        raise ValueError("tool_choice: give a tool's name, 'auto', 'any', 'none' or True")
    return choice
