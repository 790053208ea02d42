"""A body with big media equals what JSON would make of it, and holds the media once."""

import base64
import json
import tracemalloc

import pytest

from langchain_segmind._formats import FAMILIES, FORMATS, encode_body
from langchain_segmind._messages.types import ChatRequest, MediaPart, Message, TextPart

BIG = base64.b64encode(bytes(range(256)) * 500).decode()


def image(data=BIG, where="message 0"):
    return MediaPart("image", where, data=data, mime="image/png")


def ask(*parts):
    return ChatRequest((Message("user", parts),))


CASES = {
    "one": [TextPart("What is this?"), image()],
    "two": [image(), TextPart("and"), image(BIG[::-1]), TextPart("\N{HONEYBEE} é")],
    "small": [image("aGk="), image()],
    "placeholder before": [TextPart("(medium 0)"), image()],
    "placeholder after": [image(), TextPart("see (medium 0) and (medium 1)")],
    "quotes": [image('"}],"' * 20_000)],
    "slash": [image("\\" + BIG)],
    "line": [image("\n" + BIG)],
    "letters": [image("ä" * 100_000)],
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("case", CASES)
def test_body_equals_what_json_would_write(family, case):
    encode, request = FORMATS[family].encode, ask(*CASES[case])

    assert json.loads(encode_body(encode, request)) == encode(request)


@pytest.mark.parametrize("family", FAMILIES)
def test_big_medium_is_in_memory_once(family):
    data = base64.b64encode(bytes(5_000_000)).decode()
    request = ask(TextPart("What is this?"), image(data))

    tracemalloc.start()
    body = encode_body(FORMATS[family].encode, request)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(body) > len(data)
    assert peak < 1.5 * len(data)
