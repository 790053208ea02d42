"""A body with big media equals what JSON would make of it, and holds the media once."""

import base64
import json
import tracemalloc

import pytest

from langchain_segmind._formats import FORMATS, encode_body
from langchain_segmind._messages.types import ChatRequest, MediaPart, Message, TextPart

BIG = base64.b64encode(bytes(range(256)) * 500).decode()


def image(data=BIG, where="message 0"):
    return MediaPart("image", where, data=data, mime="image/png")


def ask(*parts):
    return ChatRequest((Message("user", parts),))


@pytest.mark.parametrize("family", FORMATS)
@pytest.mark.parametrize(
    "parts",
    [
        [TextPart("What is this?"), image()],
        [
            image(),
            TextPart("and"),
            image(BIG[::-1]),
            TextPart("\N{HONEYBEE} é"),
        ],
        [image("aGk="), image()],
        [TextPart("(medium 0)"), image()],
        [image(), TextPart("see (medium 0) and (medium 1)")],
        [image('"}],"' * 20_000)],
        [image("\\" + BIG)],
        [image("\n" + BIG)],
        [image("ä" * 100_000)],
    ],
    ids=[
        "one",
        "two",
        "small",
        "placeholder before",
        "placeholder after",
        "quotes",
        "slash",
        "line",
        "letters",
    ],
)
def test_a_body_equals_what_json_would_write(family, parts):
    encode = FORMATS[family].encode
    request = ask(*parts)

    assert json.loads(encode_body(encode, request)) == encode(request)


@pytest.mark.parametrize("family", FORMATS)
def test_a_big_medium_is_in_memory_once(family):
    data = base64.b64encode(bytes(5_000_000)).decode()
    request = ask(TextPart("What is this?"), image(data))

    tracemalloc.start()
    body = encode_body(FORMATS[family].encode, request)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(body) > len(data)
    assert peak < 1.5 * len(data)
