"""What tools return: any value can be sent, and none is an error."""

import base64
import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import FunctionMessage, ToolMessage

from langchain_segmind._formats import FAMILIES as EVERY_FAMILY
from langchain_segmind._formats import FORMATS, decode, encode_body
from langchain_segmind._messages.from_langchain import from_langchain
from langchain_segmind._messages.results import read_result
from langchain_segmind._messages.to_langchain import to_ai_message
from langchain_segmind._messages.types import ChatRequest, Choice, MediaPart, TextPart, ToolResult
from langchain_segmind._tool_emulation.prompt import render_tools
from tests.unit.properties import assert_linear_time, nested_json

PNG = "iVBORw0KGgoAAAANSUhEUg=="
PDF = base64.b64encode(b"%PDF-1.4 tiny").decode()
ZIP = base64.b64encode(b"PK\x03\x04\xff\x00" * 4).decode()
RESOURCE = {"uri": "x://a", "mimeType": "image/png"}
SHOWN = ("image", "image/png", PNG)
CANONICAL_PDF = ("file", "application/pdf", "JVBERi0xLjQ=")
FAMILIES = pytest.mark.parametrize("family", EVERY_FAMILY)


def encoded(text, codec="utf-8"):
    return base64.b64encode(text.encode(codec)).decode()


def message_of(content):
    """Build a message with any content: LangChain's constructor changes some of it."""
    message = ToolMessage("", tool_call_id="c1")
    message.content = content
    return message


def parts_of(*content):
    (part,) = from_langchain([ToolMessage(list(content), tool_call_id="c1")])[0].parts
    assert isinstance(part, ToolResult)
    return part.parts


def encode(family, message, *, native=False):
    request, format_ = ChatRequest(from_langchain([message])), FORMATS[family]
    if not native:
        request = render_tools(request, shows=format_.accepts_media)
    return encode_body(format_.encode, request).decode()


@pytest.mark.parametrize(
    "block",
    [
        {"type": "file", "name": "a.txt", "size": 3},
        {"type": "document", "id": 1, "title": "a.txt"},
        {"type": "image", "id": 1, "path": "a.txt"},
        {"type": "image", "file_id": "f1"},
        {"type": "text", "value": "a.txt"},
        {"type": "text", "text": "a.txt", "size": 3},
        {"type": "text", "text": None},
        {"type": "tool_reference", "tool_name": "value"},
        {"type": "search_result", "source": "s", "content": [{"type": "text", "text": "x"}]},
        {"type": "json", "json": {"a": [1, None, True]}},
        {"type": "image_url", "image_url": 7},
        {"type": ["file"]},
        {"type": None},
        {"type": "file", "source": "git", "name": "a"},
        {"type": "file", "data": "hello world"},
        {"image": "https://x.example/a.png", "price": 3},
        {"image": {"name": "a.png", "size": 3}},
        {"a": 1},
        {},
    ],
)
def test_record_is_sent_as_json(block):
    assert parts_of(block) == (TextPart(json.dumps(block)),)


def file(text, mime, codec="utf-8"):
    return {"type": "file", "base64": encoded(text, codec), "mime_type": mime}


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (file("a,b\n1,2", "text/csv"), "a,b\n1,2"),
        (file('{"a":1}', "application/json"), '{"a":1}'),
        (file("<a/>", "application/xml"), "<a/>"),
        (file("# é", "text/markdown"), "# é"),
        (file("é", "text/csv", "cp1252"), "é"),
        (file("é", "text/plain", "utf-16"), "é"),
        (file("a: 1", "application/x-yaml"), "a: 1"),
        ({"type": "file", "base64": encoded("hello")}, "hello"),
        ({"type": "text-plain", "base64": encoded("hi"), "mime_type": "text/plain"}, "hi"),
        ({"type": "text-plain", "text": "hi", "mime_type": "text/plain"}, "hi"),
        ({"type": "image", "base64": encoded("<svg/>"), "mime_type": "image/svg+xml"}, "<svg/>"),
        ({"type": "file", "url": "data:text/csv;base64," + encoded("a,b")}, "a,b"),
        ({"type": "file", "url": "data:text/plain,a%20b"}, "a b"),
        ({"type": "document", "source": {"type": "text", "data": "hi"}}, "hi"),
        ({"type": "resource", "resource": {"mimeType": "text/plain", "text": "hi"}}, "hi"),
        ({"type": "resource", "resource": {"mimeType": "text/x", "blob": encoded("hi")}}, "hi"),
        ({"type": "non_standard", "value": {"type": "text", "text": "hi"}}, "hi"),
        ({"type": "refusal", "refusal": "no"}, "no"),
        ({"type": "text", "text": "a\ud800b"}, "a\ufffdb"),
        ({"type": "x", "v": "a\ud800b"}, '{"type": "x", "v": "a\ufffdb"}'),
        ({"v": math.nan}, '{"v": NaN}'),
        ({"v": {1}}, '{"v": "{1}"}'),
        # A character set counts only if there is one of that name.
        (file("hi", "text/plain; charset=utf\0"), "hi"),
        (file("hi", "text/plain; charset=utf-8\0"), "hi"),
        (file("hi", "text/plain; charset=utf-nonsense"), "hi"),
        (file("hi", "text/plain; charset=" + "utf" * 50), "hi"),
        (file("hi", "text/plain; charset="), "hi"),
        (file("hi", "text/plain; charset"), "hi"),
        (file("hi", 'text/csv; Charset="UTF-8"; header=present'), "hi"),
        (file("hi", "text/plain;header=a;charset=utf-16-le"), "\u6968"),
    ],
)
def test_text_is_decoded(block, text):
    assert parts_of(block) == (TextPart(text),)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (
            {"type": "file", "url": "file:///a.md", "mime_type": "text/markdown", "id": "lc_1"},
            ["file:///a.md", "text/markdown"],
        ),
        (
            {"type": "resource_link", "uri": "x://y", "name": "y.csv", "mimeType": "text/csv"},
            ["x://y", "y.csv", "text/csv"],
        ),
        ({"type": "video", "url": "https://x/a.mp4", "seconds": 3}, ["https://x/a.mp4", "3"]),
        ({"type": "image", "url": "a.png"}, ["image", "a.png"]),
        (
            {"type": "file", "base64": ZIP, "mime_type": "application/zip", "name": "z\n.zip"},
            ["z .zip", "application/zip", "24 bytes"],
        ),
        ({"type": "resource", "resource": {"uri": "x://b", "blob": ZIP}}, ["x://b", "24 bytes"]),
        ({"type": "image", "base64": "no base64!", "mime_type": "image/png"}, ["image/png", "10"]),
        ({"type": "file", "base64": "?" * 5000, "name": "big"}, ["big", "5000 characters"]),
        # Providers refuse these, and would on every later turn.
        (
            {"type": "image", "base64": encoded("hello"), "mime_type": "image/png"},
            ["image/png", "5 bytes", "another type"],
        ),
    ],
)
def test_file_is_described_in_one_line_when_it_cannot_be_shown(block, words):
    (part,) = parts_of(block)

    assert isinstance(part, TextPart)
    assert all(word in part.text for word in words), part.text
    assert "\n" not in part.text
    assert ZIP not in part.text


@pytest.mark.parametrize(
    ("block", "media"),
    [
        ({"type": "image", "base64": PNG, "mime_type": "image/png"}, SHOWN),
        ({"type": "image", "base64": PNG, "mime_type": "image/jpg"}, SHOWN),
        ({"type": "image", "base64": PNG}, SHOWN),
        ({"type": "image", "base64": f"{PNG[:8]}\n{PNG[8:]}", "mime_type": "image/png"}, SHOWN),
        ({"type": "image", "base64": PNG.rstrip("="), "mime_type": "image/png"}, SHOWN),
        ({"type": "image", "data": PNG, "mimeType": "image/png"}, SHOWN),
        ({"type": "file", "base64": PNG, "mime_type": "image/png"}, SHOWN),
        ({"type": "resource", "resource": {**RESOURCE, "blob": PNG}}, SHOWN),
        ({"type": "media", "data": PNG, "mime_type": "image/png"}, SHOWN),
        ({"type": "computer_screenshot", "image_url": f"data:image/png;base64,{PNG}"}, SHOWN),
        ({"inlineData": {"data": PNG, "mimeType": "image/png"}}, SHOWN),
        ({"image": {"format": "png", "source": {"bytes": base64.b64decode(PNG)}}}, SHOWN),
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}, SHOWN),
        ({"type": "image", "base64": base64.b64decode(PNG), "mime_type": "image/png"}, SHOWN),
        # Base64 is sent as strict decoders take it.
        ({"type": "image", "base64": f"{PNG[:-3]}h\n=", "mime_type": "image/png"}, SHOWN),
        ({"type": "image_url", "image_url": {"url": f"DATA:;BASE64,{PNG}\r\n"}}, SHOWN),
        ({"type": "image", "base64": f"\t{PNG[:-3]}h", "mime_type": "image/png"}, SHOWN),
        ({"type": "resource", "resource": {**RESOURCE, "blob": f"{PNG[:-2]}\n=="}}, SHOWN),
        (
            {"type": "file", "base64": "JVBE Ri0xLjR\n", "mime_type": "application/pdf"},
            CANONICAL_PDF,
        ),
        ({"type": "file", "data": "JVBERi0xLjQ=\n", "mimeType": "application/pdf"}, CANONICAL_PDF),
    ],
)
def test_media_are_shown_in_every_form(block, media):
    (part,) = parts_of(block)

    assert isinstance(part, MediaPart)
    assert (part.kind, part.mime, part.data) == media


BMP = {"type": "image", "base64": encoded("BM1"), "mime_type": "image/bmp"}
GIF = {"type": "image", "base64": encoded("GIF89a"), "mime_type": "image/gif"}
VIDEO = {"type": "video", "base64": "AAAA", "mime_type": "video/mp4"}
IMAGE_URL = {"type": "image", "url": "https://x.example/a.png"}
CASES = [
    ("openai", BMP),
    ("openai", {"type": "audio", "base64": "AAAA", "mime_type": "audio/flac"}),
    ("openai", VIDEO),
    ("openai", {"type": "file", "url": "https://x.example/a.pdf"}),
    ("anthropic", IMAGE_URL),
    ("anthropic", {"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"}),
    ("anthropic", VIDEO),
    ("anthropic", BMP),
    ("gemini", IMAGE_URL),
    ("gemini", GIF),
    ("gemini", {"type": "video", "url": "https://x.example/a.mp4"}),
]


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(("family", "block"), CASES)
def test_media_are_described_when_the_family_does_not_accept_them(family, block, native):
    sent = encode(family, message_of([{"type": "text", "text": "see"}, block]), native=native)

    assert "see" in sent
    assert (block.get("mime_type") or block["url"]) in sent
    assert "AAAA" not in sent


@FAMILIES
def test_media_are_shown_when_the_family_accepts_them(family):
    image = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    pdf = {"type": "file", "base64": PDF, "mime_type": "application/pdf", "name": "a.pdf"}

    sent = encode(family, message_of([image, pdf]))

    assert PNG in sent
    assert PDF in sent


def test_document_of_blocks_is_read_with_its_title():
    inner = [{"type": "text", "text": "see"}, {"type": "image", "base64": PNG}]
    source = {"type": "content", "content": inner}

    title, text, image = parts_of({"type": "document", "source": source, "title": "T"})

    assert (title, text) == (TextPart("T"), TextPart("see"))
    assert isinstance(image, MediaPart)
    assert image.data == PNG


def test_fields_of_a_result_are_kept():
    message = ToolMessage([], tool_call_id="a\ud800", name="b\ud800", status="error", artifact={1})

    assert from_langchain([message])[0].parts == (
        ToolResult((), "a\ufffd", "b\ufffd", is_error=True),
    )
    function = FunctionMessage(content=[{"type": "file", "name": "a"}], name="f")
    text = TextPart('{"type": "file", "name": "a"}')
    assert from_langchain([function])[0].parts == (ToolResult((text,), None, "f"),)


def test_content_is_sent_when_langchain_would_not_create_it():
    for content, text in [(None, "null"), (7, "7"), ([None, ["a"]], None), (b"ab", '"(2 bytes)"')]:
        (result,) = from_langchain([message_of(content)])[0].parts
        assert isinstance(result, ToolResult)
        if text is not None:
            assert result.parts == (TextPart(text),)


class Unprintable:
    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


def test_value_is_named_when_it_cannot_be_printed():
    cycle: dict[str, object] = {"type": "x"}
    cycle["self"] = cycle
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"d": deep}

    assert parts_of(cycle, deep, {"v": Unprintable()}, {("a",): 1})[3] == TextPart("{('a',): 1}")
    assert parts_of({"v": Unprintable()}) == (TextPart("(dict, which cannot be printed)"),)


KEYS = [
    *("type", "text", "url", "uri", "base64", "data", "blob", "file", "image_url", "source"),
    *("name", "resource", "mime_type", "mimeType", "title", "source_type", "input_audio"),
]
kinds = st.sampled_from(["file", "image", "text", "audio", "resource", "image/png", "text/csv"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
json_like = nested_json(scalars | st.just(PNG) | kinds, st.sampled_from(KEYS) | st.text(max_size=3))


@FAMILIES
@given(st.lists(json_like, max_size=3), st.booleans())
def test_any_result_can_be_sent(family, content, native):
    body = encode(family, message_of(content), native=native)

    if not native:
        messages = json.loads(body)["messages"]
        assert len(re.findall(r"</?tool_result", json.dumps(messages))) == 2


@pytest.mark.parametrize("native", [False, True])
@FAMILIES
@pytest.mark.parametrize("value", ["1e999", "[" * 150 + "]" * 150, '"\\ud800"', "-1e999"])
def test_decoded_call_can_be_sent_again(family, native, value):
    arguments = f'{{"a": {value}}}'
    call = {"id": "c1", "function": {"name": "f", "arguments": arguments}}
    raw = json.dumps({"choices": [{"message": {"tool_calls": [call]}}]})
    if family == "anthropic":
        block = f'{{"type": "tool_use", "name": "f", "id": "c1", "input": {arguments}}}'
        raw = f'{{"content": [{block}]}}'
    if family == "gemini":
        part = f'{{"functionCall": {{"name": "f", "args": {arguments}}}}}'
        raw = f'{{"candidates": [{{"content": {{"parts": [{part}]}}}}]}}'
    (decoded,) = decode(raw.encode()).choices[0].calls
    message = to_ai_message(Choice(calls=(decoded,)), None, {})
    assert message.tool_calls or message.invalid_tool_calls

    body = encode(family, message, native=native)

    json.loads(body, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


# --- odd data ------------------------------------------------------------------------------------

odd_text = st.text("QUI=\n\r\t -_\0\ud800/;,", max_size=9) | st.sampled_from(
    [PNG, PDF, ZIP, "QU\n=", "QUI\n", "data:image/png;base64,QU\r\n", "data:;base64,QUI", "a.txt"]
)
labels = st.sampled_from(
    ["image/png", "application/pdf", "text/plain", "text/csv; charset=", "application/octet-stream"]
) | st.text(max_size=5)
media_blocks = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["image", "image_url", "file", "audio", "video", "document", "media", "resource"]
        )
    },
    optional={
        **dict.fromkeys(["base64", "data", "blob", "file_data", "url", "uri", "name"], odd_text),
        **dict.fromkeys(["mime_type", "mimeType"], st.tuples(labels, odd_text).map("".join)),
        "format": odd_text,
        **dict.fromkeys(
            ["image_url", "source", "resource", "file"],
            st.fixed_dictionaries(
                {}, optional=dict.fromkeys(["url", "data", "blob", "mimeType"], odd_text)
            ),
        ),
    },
)


@FAMILIES
@given(st.lists(media_blocks, max_size=2))
def test_any_file_can_be_sent_with_canonical_base64(family, blocks):
    message = message_of(blocks)
    (result,) = from_langchain([message])[0].parts
    assert isinstance(result, ToolResult)

    encode(family, message)

    for part in result.parts:
        if isinstance(part, MediaPart) and part.data is not None:
            raw = base64.b64decode(part.data, validate=True)
            assert base64.b64encode(raw).decode() == part.data


HOSTILE = {
    "character sets": lambda n: {
        "mime_type": "text/plain;" + "charset=utf" * n + " x",
        "base64": "aGk=",
    },
    "parameters": lambda n: {"mime_type": "text/plain" + ";charset=" * n, "base64": "aGk="},
    "names of sets": lambda n: {"mime_type": "text/plain;charset=" + "utf" * n, "base64": "aGk="},
    "types": lambda n: {"mime_type": "a/" + "+json" * n + "!", "base64": "aGk="},
    "line breaks": lambda n: {"base64": "QUJD\r\n" * n},
    "padding": lambda n: {"base64": "=" * 9 * n + "\n" * n},
    "broken data": lambda n: {"base64": "QQ==" * n},
    "control characters": lambda n: {"base64": encoded("a\0" * n)},
    "spaces in a name": lambda n: {"name": "a \n" * n, "base64": ZIP},
    "an address": lambda n: {"url": "https://" + "a-" * 5 * n + " "},
    "a data URI": lambda n: {"url": "data:" + ";base64" * n + ",QUI="},
    "percents": lambda n: {"url": "data:text/plain," + "%" * 5 * n},
    "other keys": lambda n: {str(i): i for i in range(n)} | {"url": "x://y"},
    "surrogates": lambda n: {"url": "x://" + "\ud800" * n},
}


@pytest.mark.parametrize("form", HOSTILE)
def test_reading_a_block_takes_linear_time(form):
    def build(size):
        return [{"type": "file", **HOSTILE[form](size)}]

    assert_linear_time(lambda blocks: read_result(blocks, "message 0"), build, 3000)
