"""Ask a model for output in a schema, and parse its reply.

A reply that was refused, cut short or is not JSON must be an error with the reply in it; it must
not be completed or guessed at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, get_args

from langchain_core import exceptions
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import (
    JsonOutputKeyToolsParser,
    PydanticToolsParser,
)
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.utils.function_calling import (
    convert_to_json_schema,
    convert_to_openai_tool,
)
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from langchain_segmind._messages.refusals import refusal_of
from langchain_segmind._messages.types import Method

Schema = dict[str, Any] | type

_INVALID_IN_NAME: Final = re.compile(r"[^a-zA-Z0-9_-]+")


def structured_output_chain(
    model: BaseChatModel | Any,  # or a binding of one
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
    if method not in get_args(Method):
        raise ValueError(
            f"method={method!r} is unknown. Use json_schema, function_calling or json_mode."
        )
    if method != "json_mode" and schema is None:
        raise ValueError(f"schema is missing: method={method!r} needs one. Pass a class or a dict.")
    if method == "json_mode" and strict is not None:
        raise ValueError("strict has no effect with method='json_mode'. Use json_schema.")
    # What LangChain's tracing shows as the requested output.
    traced = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
    settings = {"ls_structured_output_format": traced, **kwargs}
    is_model = isinstance(schema, type) and is_basemodel_subclass(schema)
    parser: Runnable[Any, Any]
    if method == "function_calling" and schema is not None:
        name = _as_function(schema)["name"]
        bound = model.bind_tools([schema], strict=strict, **{"tool_choice": name, **settings})
        parser = JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)
        if is_model:
            parser = PydanticToolsParser(tools=[schema], first_tool_only=True)
        return bound | _reader(parser, _check_calls, include_raw)
    wanted_format = {"type": "json_object"}
    if method == "json_schema" and schema is not None:
        wanted_format = response_format(schema, strict=strict)
    bound = model.bind(response_format=wanted_format, **settings)
    parser = PydanticOutputParser(pydantic_object=schema) if is_model else JsonOutputParser()
    return bound | _reader(parser, _check_json, include_raw)


def response_format(schema: Schema, *, strict: bool | None = None) -> dict[str, Any]:
    """Write a schema as OpenAI's `response_format`, which the gateway accepts for every family.

    Args:
        schema: A pydantic class (v1 or v2), a TypedDict, a JSON schema, an OpenAI tool or a
            `response_format` already.
        strict: Whether the model must follow the schema exactly; not sent if None.
    """
    fields = schema if isinstance(schema, Mapping) else {}
    if fields.get("type") in ("json_schema", "json_object", "text") and (
        "json_schema" in fields or len(fields) == 1
    ):
        return dict(fields)
    if isinstance(fields.get("schema"), Mapping) and "name" in fields:
        described = dict(fields)
    else:
        name, description, json_schema = _describe(schema)
        described = {"name": _INVALID_IN_NAME.sub("_", name)[:64] or "answer"}
        if description:
            described["description"] = description
        described["schema"] = _close(json_schema) if strict else json_schema
    if strict is not None:
        described["strict"] = strict
    return {"type": "json_schema", "json_schema": described}


def _describe(schema: Schema) -> tuple[str, str | None, dict[str, Any]]:
    """Return the name, the description and the JSON schema of whatever users call a schema.

    LangChain's converter is for functions, and loses what is not an object with properties. So it
    converts only what has no JSON schema of its own.
    """
    if isinstance(schema, Mapping) and schema.get("type") == "function":  # OpenAI's tool
        inner = schema.get("function")
        schema = dict(inner) if isinstance(inner, Mapping) else {**schema}
        schema.pop("type", None)
    if isinstance(schema, Mapping) and not {"function", "input_schema", "parameters"} & set(schema):
        json_schema = dict(schema)
    elif isinstance(schema, type) and issubclass(schema, BaseModel):
        json_schema = schema.model_json_schema()
    elif isinstance(schema, type) and is_basemodel_subclass(schema):  # pydantic v1
        json_schema = convert_to_json_schema(schema)
    else:
        function = _as_function(schema)
        empty = {"type": "object", "properties": {}}
        return function["name"], function.get("description"), function.get("parameters", empty)
    return str(json_schema.get("title", "answer")), json_schema.get("description"), json_schema


def _as_function(schema: Schema) -> dict[str, Any]:
    """Describe a schema as a function in OpenAI's form, with LangChain's converter."""
    reason = (
        "It is not a class with fields, a TypedDict, a function or a JSON schema. For a list or an "
        "optional value, pass a class that has it as a field."
    )
    if schema is not list:  # the converter takes it for a function
        try:
            return dict(convert_to_openai_tool(schema)["function"])
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            if isinstance(schema, Mapping):
                reason = str(error).rpartition("\n")[2]
    raise ValueError(f"schema: {str(schema)[:80]} cannot be used. {reason}")


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


def _check_refusal(message: AIMessage) -> None:
    """Raise for a refusal, which would otherwise be reported as output that is not JSON."""
    refusal = refusal_of(message)
    if refusal is None:
        return
    reason = f"The model refused to produce the requested output: {refusal}"
    error = getattr(exceptions, "ModelRefusalError", None)  # in langchain-core since 1.7.5
    raise error(reason, raw_message=message) if error else OutputParserException(reason)


def _check_json(message: AIMessage) -> bool:
    """Raise unless the text is complete JSON: LangChain's parser would complete half of one.

    Returns:
        Whether there is an answer yet; not in a message that calls tools.
    """
    _check_refusal(message)
    if message.tool_calls:
        return False
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
        return True
    raise OutputParserException(f"The answer {reason}: {message.text}")


def _check_calls(message: AIMessage) -> bool:
    """Raise unless there is a call that could be parsed."""
    _check_refusal(message)
    if message.tool_calls:
        return True
    invalid = "; ".join(f"{c['error']} {c['args']}" for c in message.invalid_tool_calls)
    raise OutputParserException(f"The answer has no valid call: {invalid or message.text}")


def _reader(
    parser: Runnable[Any, Any], check: Callable[[AIMessage], bool], include_raw: bool
) -> Runnable[AIMessage, Any]:
    """Make the step that reads an answer into an object.

    In a stream, LangChain's parsers yield what fits so far, and nothing where nothing fits; as a
    function, the step reads the whole answer.
    """

    def read(message: AIMessage, config: RunnableConfig) -> Any:
        with _outcome(message, include_raw) as outcome:
            if check(message):
                outcome["parsed"] = parser.invoke(message, config)
        return outcome if include_raw else outcome["parsed"]

    async def aread(message: AIMessage, config: RunnableConfig) -> Any:
        with _outcome(message, include_raw) as outcome:
            if check(message):
                outcome["parsed"] = await parser.ainvoke(message, config)
        return outcome if include_raw else outcome["parsed"]

    output_type = dict[str, Any] if include_raw else parser.OutputType
    return RunnableLambda(read, aread).with_types(output_type=output_type)


@contextmanager
def _outcome(raw: AIMessage, include_raw: bool) -> Iterator[dict[str, Any]]:
    """Keep the error of parsing in the outcome, or raise it as an OutputParserException.

    LangChain's parsers let errors of pydantic and of deep nesting pass.
    """
    outcome: dict[str, Any] = {"raw": raw, "parsed": None, "parsing_error": None}
    try:
        try:
            yield outcome
        except OutputParserException:
            raise
        except (ValueError, TypeError, RecursionError) as error:  # pydantic's is a ValueError
            reason = f"The answer does not fit the schema: {error}"
            raise OutputParserException(reason, llm_output=raw.text) from error
    except Exception as error:
        if not include_raw:
            raise
        outcome["parsing_error"] = error
