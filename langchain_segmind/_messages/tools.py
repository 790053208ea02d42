"""Read tools as users pass them: any kind that LangChain accepts, and any form of tool choice.

A tool or a choice that cannot be honored must be an error here, before anything is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from langchain_segmind._client.validation import check_flag, check_json
from langchain_segmind._messages.json_schema import strip_titles
from langchain_segmind._messages.types import Tool

if TYPE_CHECKING:  # loading LangChain's tools takes time that programs without tools can save
    from langchain_core.tools import BaseTool

ToolLike: TypeAlias = Union[dict[str, Any], type, Callable[..., Any], "BaseTool"]


def to_openai_tools(
    tools: Sequence[ToolLike], *, strict: bool | None = None
) -> list[dict[str, Any]]:
    """Describe tools in OpenAI's format, which tracing and LangChain's own code expect.

    Raises:
        ValueError: If `tools` is not a list of tools, one cannot be described, as a provider's
            own tool that only it can run, or two that run different code share a name.
    """
    if not isinstance(tools, Iterable) or isinstance(tools, str | bytes | Mapping):
        raise ValueError(f"tools must be a list of tools, not {type(tools).__name__}.")
    given = list(tools)
    described = [_to_openai_tool(tool, strict) for tool in given]
    _check_code(given, described)
    return described


def _check_code(tools: Sequence[ToolLike], described: Sequence[Mapping[str, Any]]) -> None:
    """Check that tools of one name run the same code: equal descriptions do not show it."""
    by_name: dict[str, list[Any]] = {}
    for tool, description in zip(tools, described, strict=True):
        code, name = _code_of(tool), description["function"].get("name")
        if not code or not isinstance(name, str):
            continue
        first = by_name.setdefault(name, code)
        if not any(_is_same(one, other) for one in first for other in code):
            raise _two_tools(name)


def _code_of(tool: ToolLike) -> list[Any]:
    """Return what a tool runs; nothing for a class or a schema, which only describe arguments."""
    if isinstance(tool, Mapping | type):
        return []
    if isinstance(tool, BaseModel):  # `Tool` and `StructuredTool` of LangChain hold functions
        held = [getattr(tool, name, None) for name in ("func", "coroutine")]
        return [function for function in held if function is not None] or [tool]
    return [tool]


def _is_same(one: Any, other: Any) -> bool:
    # Every access to a method makes a new object of it. What another tool object holds, private
    # attributes too, cannot be compared: such an object is the same as itself only.
    return one is other or (isinstance(one, MethodType) and bool(one == other))


def _two_tools(name: str) -> ValueError:
    return ValueError(f"tools: {name!r} is the name of two tools. Rename one of them.")


def _to_openai_tool(tool: ToolLike, strict: bool | None) -> dict[str, Any]:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind not in (None, "function", "object", "custom"):
        raise ValueError(
            f"tools: {str(kind)[:80]!r} is a tool that only its provider can run. Pass functions, "
            "classes or JSON schemas."
        )
    if isinstance(tool, dict) and kind == "function":
        function = tool.get("function", {k: v for k, v in tool.items() if k != "type"})
        if not isinstance(function, Mapping):
            raise ValueError("tools: the 'function' of a tool must be an object.")
        tool = tool if "function" in tool else {"type": "function", "function": function}
    try:
        return convert_to_openai_tool(tool, strict=strict)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        reason = f"tools: {str(tool)[:80]} is not a function, a class or a JSON schema ({error})"
        raise ValueError(reason[:500]) from None


def parse_tools(tools: Sequence[ToolLike] | None) -> tuple[Tool, ...]:
    """Read tools of any kind. The same tool passed twice is kept once.

    Raises:
        ValueError: If one cannot be described or sent, or two different ones share a name: a call
            of one would run the other.
    """
    by_name: dict[str, Tool] = {}
    for openai_tool in to_openai_tools(() if tools is None else tools):
        tool = _parse_tool(openai_tool["function"])
        first = by_name.setdefault(tool.name, tool)
        if first is not tool and _comparable(first) != _comparable(tool):
            raise _two_tools(tool.name)
    return tuple(by_name.values())


def _parse_tool(function: Mapping[str, Any]) -> Tool:
    name, description = function.get("name"), function.get("description")
    parameters, strict = function.get("parameters"), function.get("strict")
    if not isinstance(name, str) or not name.strip():
        raise ValueError(
            f"tools: a tool's name must be a string that is not blank, got {name!r:.80}."
        )
    if not isinstance(description, str | None) or not isinstance(parameters, Mapping | None):
        raise ValueError(
            f"tools: {name!r} needs a string as its description and an object as its parameters."
        )
    check_flag(strict, f"tools: {name!r}: strict")
    check_json([name, description, parameters], f"tools: {name!r}")
    schema = {"type": "object", "properties": {}, **(parameters or {})}
    return Tool(name, (description or "").strip(), schema, strict)


def _comparable(tool: Tool) -> str:
    """Write a tool as JSON, because in Python 1, 1.0 and True are equal.

    Titles are left out: pydantic makes them from names, and LangChain drops those of a class, but
    not those of the class's JSON schema.
    """
    return json.dumps(
        [tool.description, strip_titles(tool.parameters), tool.strict], sort_keys=True
    )


def apply_tool_choice(tools: tuple[Tool, ...], choice: Any) -> tuple[tuple[Tool, ...], bool]:
    """Apply a tool choice.

    Args:
        tools: Those that the model may call.
        choice: None, a bool, `"auto"`, `"any"`, `"required"`, `"none"`, a tool's name, or a
            dictionary in a provider's form.

    Returns:
        The tools that the model may call, and whether it must call one.

    Raises:
        ValueError: If the choice names a tool that is not among them.
    """
    name = _named_tool(choice)
    word = _choice_word(choice) if name is None else None
    if word == "none":
        return (), False
    if not tools or word == "auto":
        return tools, False
    if word in ("any", "required"):
        return tools, True
    chosen = tuple(tool for tool in tools if tool.name == (name or word))
    if not chosen:
        names = ", ".join(tool.name for tool in tools)
        raise ValueError(
            f"tool_choice: {name or word!r} is not one of the tools. Choose from {names}."
        )
    return chosen, True


def _named_tool(choice: Any) -> str | None:
    """Return the name in a provider's form of a choice; it may be any word, such as 'auto'."""
    if not isinstance(choice, Mapping):
        return None
    function = choice.get("function")
    name = (function if isinstance(function, Mapping) else choice).get("name")
    return name if isinstance(name, str) and name else None


def _choice_word(choice: Any) -> str:
    if choice is None or isinstance(choice, bool):
        return "any" if choice else "auto"
    word = choice.get("type") if isinstance(choice, Mapping) else choice
    if not isinstance(word, str) or not word:
        raise ValueError("tool_choice: pass a tool's name, 'auto', 'any', 'none' or True.")
    return word
