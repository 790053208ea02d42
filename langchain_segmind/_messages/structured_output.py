"""Structured output: a schema out through `response_format`, an object back through a parser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from langchain_core import exceptions
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import (
    JsonOutputKeyToolsParser,
    PydanticToolsParser,
)
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda, RunnableMap
from langchain_core.utils.function_calling import (
    convert_to_json_schema,
    convert_to_openai_function,
    convert_to_openai_tool,
)
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from langchain_segmind._messages.refusals import refusal_of
from langchain_segmind._messages.types import Method

Schema = dict[str, Any] | type

_NAME: Final = re.compile(r"[^a-zA-Z0-9_-]+")


def structured_output_chain(
    model: BaseChatModel,
    schema: Schema | None,
    /,  # `model` is also a setting of one call
    *,
    method: Method,
    include_raw: bool,
    strict: bool | None,
    **kwargs: Any,
) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
    """Chain a model, told to answer in a schema, with the parser of its answer.

    Raises:
        ValueError: For a method there is none of, or no schema where one is needed.
    """
    told = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
    if method != "json_mode" and schema is None:
        raise ValueError(f"schema: method={method!r} needs one")
    if method == "function_calling" and schema is not None:
        name = convert_to_openai_tool(schema)["function"]["name"]
        settings = {"tool_choice": name, "ls_structured_output_format": told, **kwargs}
        called = model.bind_tools([schema], strict=strict, **settings)
        parser = _reader(_call_parser(schema, name), _check_called)
        return _with_raw(called, parser) if include_raw else called | parser
    if method == "json_schema" and schema is not None:
        form = response_format(schema, strict=strict)
    elif method == "json_mode":
        if strict is not None:
            raise ValueError("strict: method='json_mode' has no schema to be strict about")
        form = {"type": "json_object"}
    else:
        raise ValueError(
            f"method: {method!r} is none; use json_schema, function_calling or json_mode"
        )
    asked = model.bind(response_format=form, ls_structured_output_format=told, **kwargs)
    parser = _reader(_parser(schema), _check_whole)
    return _with_raw(asked, parser) if include_raw else asked | parser


def response_format(schema: Schema, *, strict: bool | None = None) -> dict[str, Any]:
    """Write a schema as OpenAI's `response_format`, the form the gateway takes for every family.

    Args:
        schema: A pydantic class (v1 or v2), a TypedDict, a JSON schema, an OpenAI tool or a
            `response_format` already.
        strict: Whether the model must keep to the schema to the letter; not sent if None.
    """
    if isinstance(schema, Mapping):
        if schema.get("type") in ("json_schema", "json_object", "text") and (
            "json_schema" in schema or len(schema) == 1
        ):
            return dict(schema)
        if isinstance(schema.get("schema"), Mapping) and "name" in schema:
            return {"type": "json_schema", "json_schema": _strict(dict(schema), strict)}
    name, about, described = _described(schema)
    told = {
        "name": _NAME.sub("_", name)[:64] or "answer",
        **({"description": about} if about else {}),
        "schema": _closed(described) if strict else described,
    }
    return {"type": "json_schema", "json_schema": _strict(told, strict)}


def _described(schema: Schema) -> tuple[str, str | None, dict[str, Any]]:
    """Give the name, description and JSON schema of whatever a user may call a schema.

    LangChain's converter is for functions, and would lose what is no object with properties; so it
    is asked only for what has no JSON schema of its own.
    """
    if isinstance(schema, Mapping) and not {"function", "input_schema", "parameters"} & set(schema):
        described = dict(schema)
    elif isinstance(schema, type) and issubclass(schema, BaseModel):
        described = schema.model_json_schema()
    elif isinstance(schema, type) and is_basemodel_subclass(schema):  # pydantic's first version
        described = convert_to_json_schema(schema)
    else:
        function = convert_to_openai_function(schema)
        empty = {"type": "object", "properties": {}}
        return function["name"], function.get("description"), function.get("parameters", empty)
    return str(described.get("title", "answer")), described.get("description"), described


def _closed(value: Any) -> Any:
    """Allow only the named properties, and want them all, as upstream asks of a strict schema."""
    if isinstance(value, list):
        return [_closed(item) for item in value]
    if not isinstance(value, dict):
        return value
    closed = {key: _closed(item) for key, item in value.items()}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed["additionalProperties"] = False
        closed["required"] = list(closed["properties"])
    return closed


def _strict(told: dict[str, Any], strict: bool | None) -> dict[str, Any]:
    return told if strict is None else {**told, "strict": strict}


def _parser(schema: Schema | None) -> Runnable[Any, Any]:
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return PydanticOutputParser(pydantic_object=schema)
    return JsonOutputParser()


def _call_parser(schema: Schema, name: str) -> Runnable[Any, Any]:
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return PydanticToolsParser(tools=[schema], first_tool_only=True)
    return JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)


def _check_not_refused(message: AIMessage) -> None:
    """Raise for a refusal, instead of failing to parse it."""
    refusal = refusal_of(message)
    if refusal is None:
        return
    said = f"The model refused to produce the requested output: {refusal}"
    refused = getattr(exceptions, "ModelRefusalError", None)  # langchain-core has it since 1.7.5
    raise refused(said, raw_message=message) if refused else OutputParserException(said)


def _check_whole(message: AIMessage) -> None:
    """Raise unless an answer is whole JSON: LangChain's parser would complete half of one."""
    told = message.response_metadata
    if "length" in (told.get("finish_reason"), told.get("native_finish_reason")):
        raise OutputParserException(f"The answer was cut short by the token limit: {message.text}")
    try:
        json.loads(message.text)
    except ValueError:
        reason = "is not JSON"
    except RecursionError:
        reason = "is nested too deeply"
    else:
        return
    raise OutputParserException(f"The answer {reason}: {message.text}")


def _check_called(message: AIMessage) -> None:
    """Raise unless an answer holds a call that can be read."""
    if message.tool_calls:
        return
    broken = "; ".join(f"{c['error']} {c['args']}" for c in message.invalid_tool_calls)
    raise OutputParserException(f"The answer holds no valid call: {broken or message.text}")


def _reader(
    parser: Runnable[Any, Any], check: Callable[[AIMessage], None]
) -> Runnable[AIMessage, Any]:
    """Make the step that reads an answer into an object, or raises OutputParserException.

    LangChain's parsers let errors of pydantic and of deep nesting pass. In a stream they yield what
    fits so far, and nothing where nothing fits; as a function, the step reads the whole answer.
    """

    def read(message: AIMessage, config: RunnableConfig) -> Any:
        _check_not_refused(message)
        check(message)
        with _misfits_raised_as_one(message):
            return parser.invoke(message, config)

    async def aread(message: AIMessage, config: RunnableConfig) -> Any:
        _check_not_refused(message)
        check(message)
        with _misfits_raised_as_one(message):
            return await parser.ainvoke(message, config)

    return RunnableLambda(read, aread).with_types(output_type=parser.OutputType)


@contextmanager
def _misfits_raised_as_one(message: AIMessage) -> Iterator[None]:
    try:
        yield
    except OutputParserException:
        raise
    except (ValueError, TypeError, RecursionError) as error:  # pydantic's is a ValueError
        said = f"The answer does not fit the schema: {error}"
        raise OutputParserException(said, llm_output=message.text) from error


def _with_raw(
    asked: Runnable[LanguageModelInput, Any], parser: Runnable[Any, Any]
) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
    def parse(found: dict[str, Any], config: RunnableConfig) -> dict[str, Any]:
        try:
            return _outcome(found["raw"], parser.invoke(found["raw"], config), None)
        except Exception as error:  # noqa: BLE001 - it is what the user asked to be given
            return _outcome(found["raw"], None, error)

    async def aparse(found: dict[str, Any], config: RunnableConfig) -> dict[str, Any]:
        try:
            return _outcome(found["raw"], await parser.ainvoke(found["raw"], config), None)
        except Exception as error:  # noqa: BLE001
            return _outcome(found["raw"], None, error)

    # LangChain's own way, `with_fallbacks`, raises in a stream once the message has been yielded.
    return RunnableMap(raw=asked) | RunnableLambda(parse, aparse)


def _outcome(raw: Any, parsed: Any, error: Exception | None) -> dict[str, Any]:
    return {"raw": raw, "parsed": parsed, "parsing_error": error}
