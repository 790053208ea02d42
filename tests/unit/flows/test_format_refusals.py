"""Which refusals are answered by sending the schema in the prompt, and what is remembered."""

import pytest

from langchain_segmind._flows.format_refusals import blames_the_format, refuses_every_format


@pytest.mark.parametrize(
    "text",
    [
        "The specified schema produces a constraint that has too many states for serving.",
        "The compiled grammar is too large, which would cause performance issues.",
        "Schema is too complex for compilation. Try reducing the number of tools.",
        "Grammar error: Unimplemented keys: ['pattern']",
        "Request contains an invalid argument.",
        "Unknown name \"const\" at 'response_schema': Cannot find field.",
        "response_format is not supported by this model",
        "Unsupported parameter: 'response_format'.",
        "output_config.format.schema: 'additionalProperties' must be explicitly set to false",
        "Bad Request",
        "",
        "any_of[0].items: missing field.",
        "Request too large: the response schema has too many properties",
        "The input schema is too large",
    ],
)
def test_refusal_blames_the_format_unless_it_names_another_cause(text):
    assert blames_the_format(text)


@pytest.mark.parametrize(
    "text",
    [
        "Your messages exceed the maximum context length (10000 in the response_format schemas).",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "Input tokens exceed the configured limit of 272000 tokens.",
        "Range of input length should be [1, 204800]",
        "Your request exceeded model token limit: 262144",
        "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
        "Invalid image data: could not decode",
        "Unsupported value: 'temperature' does not support 0 with this model.",
        "Unsupported parameter: 'max_tokens' is not supported with this model.",
        "Insufficient credits",
        "Invalid content type",
        "messages: roles must alternate",
        "The request was blocked by the safety system",
        "The model 'x' does not exist",
        "reasoning_effort must be one of low, medium, high",
        "Unsupported image media type; must be one of image/png",
        "Request failed schema validation: messages[0].role must be one of user, assistant",
    ],
)
def test_refusal_with_another_cause_ends_the_call(text):
    assert not blames_the_format(text)


def test_refusal_that_names_a_setting_ends_the_call():
    assert blames_the_format("Invalid value for verbosity")
    assert not blames_the_format("Invalid value for verbosity", ["verbosity"])


@pytest.mark.parametrize(
    "text",
    [
        "response_format is not supported by this model",
        "Unsupported parameter: 'response_format'.",
        "This model does not support structured outputs",
        "Unknown field: response_format",
        "json_schema is not available for this model",
    ],
)
def test_refusal_of_every_format_is_recognized(text):
    assert refuses_every_format(text)


@pytest.mark.parametrize(
    "text",
    [
        "The specified schema produces a constraint that has too many states for serving.",
        "Invalid schema for response_format 'reply': 'pattern' is not supported",
        "response_format.json_schema.schema: keyword 'oneOf' is not allowed",
        "Structured outputs do not support more than 100 properties",
        "Grammar error: Unimplemented keys: ['pattern']",
        "Request contains an invalid argument.",
        "Unknown name \"const\" at 'response_schema.properties[0]': Cannot find field.",
        "",
    ],
)
def test_refusal_of_one_schema_is_not_remembered_for_the_model(text):
    assert not refuses_every_format(text)
