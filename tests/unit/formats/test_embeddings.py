"""Bodies of embedding models: two forms are written, every form is read, and only numbers pass."""

import math

import pytest

from langchain_segmind._formats import parse
from langchain_segmind._formats.embeddings import decode, encode
from langchain_segmind.errors import SegmindResponseError

GOOD = {
    "embedding": '{"embedding": [0.5, -1, 2e-3]}',
    "embedding.values": '{"embedding": {"values": [0.5, -1, 2e-3]}}',
    "data[0].embedding": '{"data": [{"embedding": [0.5, -1, 2e-3], "index": 0}], "model": "m"}',
    "embeddings[0]": '{"embeddings": [[0.5, -1, 2e-3]]}',
    "embeddings[0].values": '{"embeddings": [{"values": [0.5, -1, 2e-3]}]}',
    "bare list": "[0.5, -1, 2e-3]",
    "list in a list": "[[0.5, -1, 2e-3]]",
    "beside a null": '{"embedding": null, "data": [{"embedding": [0.5, -1, 2e-3]}]}',
    "beside an empty error": '{"error": null, "embedding": [0.5, -1, 2e-3]}',
}

BAD = {
    "empty": ("{}", "holds no vector"),
    "empty vector": ('{"embedding": []}', "empty"),
    "empty in values": ('{"embedding": {"values": []}}', "empty"),
    "no data": ('{"data": []}', "empty"),
    "null": ("null", "NoneType"),
    "a number": ("7", "int"),
    "a text": ('{"embedding": "AACAPw=="}', "str"),
    "texts": ('{"embedding": ["0.5", "1"]}', "str"),
    "truth": ('{"embedding": [true, 1.0]}', "bool"),
    "nulls": ('{"embedding": [1.0, null]}', "NoneType"),
    "nested": ('{"embedding": [1.0, [2.0]]}', "list"),
    "NaN": ('{"embedding": [1.0, NaN]}', "not finite"),
    "infinity": ('{"embedding": [1.0, 1e999]}', "not finite"),
    "a huge int": ('{"embedding": [1' + "0" * 350 + "]}", "not finite"),
    "two vectors": ('{"data": [{"embedding": [1.0]}, {"embedding": [2.0]}]}', "2 vectors"),
    "two lists": ('{"embeddings": [[1.0], [2.0]]}', "2 vectors"),
    "deep": ('{"embedding": ' * 9 + "[1.0]" + "}" * 9, "nested too deeply"),
    "deeper": ("[" * 300 + "]" * 300, "nested too deeply"),
    "an error": ('{"error": "model is loading"}', "it is an error: model is loading"),
    "a chat's answer": ('{"choices": [{"message": {"content": "Hi"}}]}', "holds no vector"),
}


@pytest.mark.parametrize("form", GOOD)
def test_vector_is_read_in_every_form(form):
    vector = decode(parse(GOOD[form].encode()))

    assert vector == [0.5, -1.0, 0.002]
    assert {type(number) for number in vector} == {float}


@pytest.mark.parametrize("case", BAD)
def test_anything_else_raises_an_error_with_the_reason(case):
    body, reason = BAD[case]

    with pytest.raises(SegmindResponseError, match=reason):
        decode(parse(body.encode()))


def test_smallest_and_the_largest_numbers_are_kept():
    assert decode([5e-324, 1.7e308, 0]) == [5e-324, 1.7e308, 0.0]
    with pytest.raises(SegmindResponseError):
        decode([math.inf])


def test_each_family_has_its_own_key_for_the_text():
    assert encode("Hi", "openai", {}) == {"prompt": "Hi"}
    task = {"task_type": "CLUSTERING", "output_dimensionality": 768}
    assert encode("Hi", "gemini", task) == {"input": "Hi", **task}
