"""Ask a model for output in a schema, and parse its reply.

A reply that was refused, cut short or is not JSON must be an error with the reply in it; it must
not be completed or guessed at.
"""

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

_INVALID_IN_NAME: Final = re.compile(r"[^a-zA-Z0-9_-]+")


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
    """Chain a model that is bound to a schema with the parser of its reply.

    Raises:
        ValueError: If the method is unknown, or lacks a schema that it needs.
    """
    # What LangChain's tracing shows as the requested output.
    traced = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
    if method != "json_mode" and schema is None:
        raise ValueError(f"schema is missing: method={method!r} needs one. Pass a class or a dict")
    if method == "function_calling" and schema is not None:
        name = convert_to_openai_tool(schema)["function"]["name"]
        settings = {"tool_choice": name, "ls_structured_output_format": traced, **kwargs}
        bound = model.bind_tools([schema], strict=strict, **settings)
        parser = _reader(_call_parser(schema, name), _check_calls)
        return _with_raw(bound, parser) if include_raw else bound | parser
    if method == "json_schema" and schema is not None:
        wanted_format = response_format(schema, strict=strict)
    elif method == "json_mode":
        if strict is not None:
            raise ValueError("strict has no effect with method='json_mode'. Use json_schema")
        wanted_format = {"type": "json_object"}
    else:
        raise ValueError(
            f"method={method!r} is unknown. Use json_schema, function_calling or json_mode"
        )
    bound = model.bind(response_format=wanted_format, ls_structured_output_format=traced, **kwargs)
    parser = _reader(_parser(schema), _check_json)
    return _with_raw(bound, parser) if include_raw else bound | parser


def response_format(schema: Schema, *, strict: bool | None = None) -> dict[str, Any]:
    """Write a schema as OpenAI's `response_format`, which the gateway accepts for every family.

    Args:
        schema: A pydantic class (v1 or v2), a TypedDict, a JSON schema, an OpenAI tool or a
            `response_format` already.
        strict: Whether the model must follow the schema exactly; not sent if None.
    """
    if isinstance(schema, Mapping):
        if schema.get("type") in ("json_schema", "json_object", "text") and (
            "json_schema" in schema or len(schema) == 1
        ):
            return dict(schema)
        if isinstance(schema.get("schema"), Mapping) and "name" in schema:
            return {"type": "json_schema", "json_schema": _strict(dict(schema), strict)}
    name, description, json_schema = _describe(schema)
    described = {
        "name": _INVALID_IN_NAME.sub("_", name)[:64] or "answer",
        **({"description": description} if description else {}),
        "schema": _close(json_schema) if strict else json_schema,
    }
    return {"type": "json_schema", "json_schema": _strict(described, strict)}


def _describe(schema: Schema) -> tuple[str, str | None, dict[str, Any]]:
    """Return the name, the description and the JSON schema of whatever users call a schema.

    LangChain's converter is for functions, and loses what is not an object with properties. So it
    converts only what has no JSON schema of its own.
    """
    if isinstance(schema, Mapping) and not {"function", "input_schema", "parameters"} & set(schema):
        json_schema = dict(schema)
    elif isinstance(schema, type) and issubclass(schema, BaseModel):
        json_schema = schema.model_json_schema()
    elif isinstance(schema, type) and is_basemodel_subclass(schema):  # pydantic v1
        json_schema = convert_to_json_schema(schema)
    else:
        function = convert_to_openai_function(schema)
        empty = {"type": "object", "properties": {}}
        return function["name"], function.get("description"), function.get("parameters", empty)
    return str(json_schema.get("title", "answer")), json_schema.get("description"), json_schema


def _close(value: Any) -> Any:
    """Require all named properties and forbid others, as OpenAI demands of a strict schema."""
    if isinstance(value, list):
        return [_close(item) for item in value]
    if not isinstance(value, dict):
        return value
    closed = {key: _close(item) for key, item in value.items()}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed["additionalProperties"] = False
        closed["required"] = list(closed["properties"])
    return closed


def _strict(described: dict[str, Any], strict: bool | None) -> dict[str, Any]:
    return described if strict is None else {**described, "strict": strict}


def _parser(schema: Schema | None) -> Runnable[Any, Any]:
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return PydanticOutputParser(pydantic_object=schema)
    return JsonOutputParser()


def _call_parser(schema: Schema, name: str) -> Runnable[Any, Any]:
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return PydanticToolsParser(tools=[schema], first_tool_only=True)
    return JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)


def _check_refusal(message: AIMessage) -> None:
    """Raise for a refusal, which would otherwise be reported as output that is not JSON."""
    refusal = refusal_of(message)
    if refusal is None:
        return
    reason = f"The model refused to produce the requested output: {refusal}"
    error = getattr(exceptions, "ModelRefusalError", None)  # in langchain-core since 1.7.5
    raise error(reason, raw_message=message) if error else OutputParserException(reason)


def _check_json(message: AIMessage) -> None:
    """Raise unless the text is complete JSON: LangChain's parser would complete half of one."""
    metadata = message.response_metadata
    if "length" in (metadata.get("finish_reason"), metadata.get("native_finish_reason")):
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


def _check_calls(message: AIMessage) -> None:
    """Raise unless there is a call that could be parsed."""
    if message.tool_calls:
        return
    invalid = "; ".join(f"{c['error']} {c['args']}" for c in message.invalid_tool_calls)
    raise OutputParserException(f"The answer has no valid call: {invalid or message.text}")


def _reader(
    parser: Runnable[Any, Any], check: Callable[[AIMessage], None]
) -> Runnable[AIMessage, Any]:
    """Make the step that reads an answer into an object, or raises OutputParserException.

    LangChain's parsers let errors of pydantic and of deep nesting pass. In a stream they yield what
    fits so far, and nothing where nothing fits; as a function, the step reads the whole answer.
    """

    def read(message: AIMessage, config: RunnableConfig) -> Any:
        _check_refusal(message)
        check(message)
        with _raise_parser_errors(message):
            return parser.invoke(message, config)

    async def aread(message: AIMessage, config: RunnableConfig) -> Any:
        _check_refusal(message)
        check(message)
        with _raise_parser_errors(message):
            return await parser.ainvoke(message, config)

    return RunnableLambda(read, aread).with_types(output_type=parser.OutputType)


@contextmanager
def _raise_parser_errors(message: AIMessage) -> Iterator[None]:
    try:
        yield
    except OutputParserException:
        raise
    except (ValueError, TypeError, RecursionError) as error:  # pydantic's is a ValueError
        reason = f"The answer does not fit the schema: {error}"
        raise OutputParserException(reason, llm_output=message.text) from error


def _with_raw(
    bound: Runnable[LanguageModelInput, Any], parser: Runnable[Any, Any]
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
    return RunnableMap(raw=bound) | RunnableLambda(parse, aparse)


def _outcome(raw: Any, parsed: Any, error: Exception | None) -> dict[str, Any]:
    return {"raw": raw, "parsed": parsed, "parsing_error": error}
