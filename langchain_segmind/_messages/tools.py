"""Read tools as users pass them: any kind that LangChain accepts, and any form of tool choice.

A tool or a choice that cannot be honored must be an error here, before anything is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, Union

from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from langchain_segmind._client.validation import check_flag, check_json
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
        if isinstance(tool, dict) and kind == "custom":
            return _free_text_tool(tool)
        converted = convert_to_openai_tool(tool, strict=strict)
        return _free_text_tool(converted) if converted.get("type") == "custom" else converted
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        reason = f"tools: {str(tool)[:80]} is not a function, a class or a JSON schema ({error})"
        raise ValueError(reason[:500]) from None


def _free_text_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Describe OpenAI's custom tool, which takes a text, with the argument of LangChain's."""
    custom = tool.get("custom", tool)
    about = [custom.get("description") or ""]
    if custom.get("format", {}).get("type") == "grammar":
        grammar = custom["format"].get("grammar", custom["format"])
        about.append(
            f"The input follows this {grammar['syntax']} grammar:\n{grammar['definition']}"
        )
    text = {"type": "string", "description": "The input, as free text."}
    parameters = {"type": "object", "properties": {"__arg1": text}, "required": ["__arg1"]}
    described = {"name": custom["name"], "description": "\n".join(filter(None, about))}
    return {"type": "function", "function": {**described, "parameters": parameters}}


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
    # Imported by the first two tools of one name, as it is 3 % of importing this package.
    from langchain_segmind._messages.json_schema import strip_titles  # noqa: PLC0415

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
    mode, names = _read_choice(choice)
    if mode == "none":
        return (), False
    if not tools:
        return tools, False
    offered = {tool.name: tool for tool in tools}
    if missing := [name for name in names if name not in offered]:
        names_offered = ", ".join(offered)
        raise ValueError(
            f"tool_choice: {missing[0]!r} is not one of the tools. Choose from {names_offered}."
        )
    chosen = tuple(offered[name] for name in dict.fromkeys(names)) if names else tools
    return chosen, mode == "any"


_MODES: Final = {"auto": "auto", "any": "any", "required": "any", "none": "none"}


def _read_choice(choice: Any) -> tuple[str, list[str]]:
    """Return a choice's mode, "auto", "any" or "none", and the tools that it allows, if it does."""
    if choice is None or isinstance(choice, bool):
        return ("any" if choice else "auto"), []
    if isinstance(choice, str) and choice:
        return (_MODES[choice], []) if choice in _MODES else ("any", [choice])
    found = _read_choice_form(choice) if isinstance(choice, Mapping) else None
    if found is None:
        raise ValueError("tool_choice: pass a tool's name, 'auto', 'any', 'none' or True.")
    return found


def _read_choice_form(choice: Mapping[str, Any]) -> tuple[str, list[str]] | None:
    """Read a dictionary of OpenAI, Anthropic, Gemini or Bedrock; None if it is another."""
    for key in ("function_calling_config", "functionCallingConfig", "allowed_tools"):
        if isinstance(choice.get(key), Mapping):  # Gemini's, and one of OpenAI's
            return _read_choice_form(choice[key])
    for key in ("function", "custom", "tool"):  # OpenAI's and Bedrock's
        inner = choice.get(key)
        choice = inner if isinstance(inner, Mapping) else choice
    if isinstance(choice.get("name"), str) and choice["name"]:
        return "any", [choice["name"]]
    mode = choice.get("mode", choice.get("type"))
    if mode is None and len(choice) == 1:  # Bedrock's {"auto": {}}
        (mode,) = choice
    allowed = choice.get("allowed_function_names", choice.get("allowedFunctionNames", []))
    names = [name for name in allowed or () if isinstance(name, str)]
    for tool in choice.get("tools") or ():
        function = tool.get("function", tool) if isinstance(tool, Mapping) else {}
        names += [function["name"]] if isinstance(function.get("name"), str) else []
    known = _MODES.get(mode.lower()) if isinstance(mode, str) else None
    if known is None and mode == "allowed_tools":
        known = "auto"
    return None if known is None else (known, names)
