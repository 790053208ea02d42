"""A user's media in every form that people have: read, or an error that says what to do."""

import base64
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models._utils import _normalize_messages
from langchain_core.language_models.chat_models import _format_for_tracing
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage

from langchain_segmind import SegmindInvalidRequestError
from langchain_segmind._messages.from_langchain import from_langchain, protect_messages
from langchain_segmind._messages.types import MediaPart, TextPart
from tests.unit.properties import assert_linear_time

PNG_BYTES = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xfb\xef\xbe\xff\xff\xff\x00"
PNG = base64.b64encode(PNG_BYTES).decode()
URL_SAFE = base64.urlsafe_b64encode(PNG_BYTES).decode()
assert {"+", "/", "="} <= set(PNG)
PDF = base64.b64encode(b"%PDF-1.4 tiny").decode()
WAV = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVEfmt ").decode()
MP4 = base64.b64encode(b"\x00\x00\x00\x18ftypisom").decode()
TEXT = base64.b64encode("über".encode()).decode()
WEB = "https://x.example/a.png"


def parts_of(block, *, as_langchain_passes_it=False):
    messages: Any = [HumanMessage([block])]
    if as_langchain_passes_it:
        messages = protect_messages(messages)
        _format_for_tracing(messages)
        messages = _normalize_messages(messages)
    return from_langchain(messages)[0].parts


def image(data, label="image/png", key="base64"):
    return {"type": "image", key: data, "mime_type": label}


def image_url(url):
    return {"type": "image_url", "image_url": {"url": url}}


def source(kind, **fields):
    return {"type": kind, "source": fields}


def labeled(kind, data, label):
    return {"type": kind, "base64": base64.b64encode(data).decode(), "mime_type": label}


FORMS_OF_A_PNG = [
    # LangChain's, of version 1 and 0
    image(PNG),
    {"type": "image", "base64": PNG},
    {"type": "image", "url": f"data:image/png;base64,{PNG}"},
    {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"},
    {"type": "image", "source_type": "base64", "data": PNG},
    {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png", "id": "1"},
    {"type": "file", "base64": PNG, "mime_type": "image/png"},
    # OpenAI's
    image_url(f"data:image/png;base64,{PNG}"),
    {"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"},
    {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
    {"image_url": {"url": f"data:image/png;base64,{PNG}"}},
    # Anthropic's, Google's, Bedrock's, MCP's
    source("image", type="base64", media_type="image/png", data=PNG),
    {"type": "media", "mime_type": "image/png", "data": PNG},
    {"inline_data": {"mime_type": "image/png", "data": PNG}},
    {"inlineData": {"mimeType": "image/png", "data": PNG}},
    {"image": {"format": "png", "source": {"bytes": PNG_BYTES}}},
    {"type": "image", "mimeType": "image/png", "data": PNG},
    {"type": "resource", "resource": {"uri": "x://a", "mimeType": "image/png", "blob": PNG}},
    {"type": "non_standard", "value": image(PNG)},
    # bytes, also those that base64.b64encode returns
    image(PNG_BYTES),
    image(PNG.encode()),
    image(bytearray(PNG_BYTES), key="data"),
    image(PNG.encode(), key="data"),
    # labels
    image(PNG, "image/PNG"),
    image(PNG, "image/jpeg"),
    image(PNG, "image/x-png; q=1"),
    image(PNG, "application/octet-stream"),
    image(PNG, "png"),
    image(PNG, ".png"),
    image(PNG, "image/*"),
    image(PNG, "nonsense label"),
    image(PNG, ""),
    # encodings
    image(URL_SAFE),
    image(PNG.rstrip("=")),
    image(f"  {PNG[:9]}\r\n{PNG[9:]}\n"),
    image(f"data:image/png;base64,{PNG}"),
    image_url(PNG),
    image_url(f"DATA:image/png;BASE64,{PNG}"),
    image_url(f" data:image/PNG; charset=binary ; base64 ,{PNG}\n"),
    image_url(f"data:;base64,{PNG}"),
    image_url(f"data:base64,{PNG}"),
    image_url("data:image/png;base64," + PNG.replace("+", "%2B").replace("=", "%3D")),
    image_url("data:image/png," + "".join(f"%{byte:02x}" for byte in PNG_BYTES)),
]


@pytest.mark.parametrize("passed", [False, True])
@pytest.mark.parametrize("block", FORMS_OF_A_PNG)
def test_image_is_read_in_every_form(block, passed):
    (part,) = parts_of(block, as_langchain_passes_it=passed)

    assert isinstance(part, MediaPart)
    assert (part.kind, part.mime, part.data, part.url) == ("image", "image/png", PNG, None)


@pytest.mark.parametrize("passed", [False, True])
@pytest.mark.parametrize(
    "block",
    [
        image_url(WEB),
        {"type": "image_url", "image_url": WEB},
        {"type": "input_image", "image_url": WEB},
        {"type": "image", "url": WEB},
        {"type": "image", "source_type": "url", "url": WEB},
        {"type": "image", "image": WEB},
        {"type": "file", "url": WEB, "mime_type": "image/png"},
        source("image", type="url", url=WEB),
        {"type": "media", "file_uri": WEB, "mime_type": "image/png"},
        {"file_data": {"file_uri": WEB, "mime_type": "image/png"}},
    ],
)
def test_url_of_an_image_is_read_in_every_form(block, passed):
    (part,) = parts_of(block, as_langchain_passes_it=passed)

    assert isinstance(part, MediaPart)
    assert (part.kind, part.data, part.url) == ("image", None, WEB)


def test_space_in_a_url_is_escaped():
    (part,) = parts_of(image_url("https://x.example/my image.png"))

    assert part.url == "https://x.example/my%20image.png"


def openai_file(data, **fields):
    return {"type": "file", "file": {"file_data": data, **fields}}


PDF_URI = f"data:application/pdf;base64,{PDF}"


@pytest.mark.parametrize("passed", [False, True])
@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "file", "base64": PDF, "mime_type": "application/pdf"}, "file application/pdf"),
        ({"type": "file", "base64": PDF, "mime_type": "application/x-pdf"}, "file application/pdf"),
        ({"type": "media", "data": PDF, "mime_type": "text/plain"}, "file application/pdf"),
        (image(PDF), "file application/pdf"),
        (openai_file(PDF_URI), "file application/pdf"),
        (openai_file(PDF), "file application/pdf"),
        ({"type": "input_file", "file_data": PDF_URI}, "file application/pdf"),
        (source("document", type="base64", data=PDF), "file application/pdf"),
        ({"document": {"format": "pdf", "source": {"bytes": b"%PDF"}}}, None),
        ({"type": "audio", "base64": WAV, "mime_type": "audio/x-wav"}, "audio audio/wav"),
        ({"type": "audio", "base64": WAV}, "audio audio/wav"),
        ({"type": "audio", "base64": WAV, "mime_type": "audio/mpeg"}, "audio audio/wav"),
        (
            {"type": "input_audio", "input_audio": {"data": WAV, "format": "WAV"}},
            "audio audio/wav",
        ),
        ({"type": "input_audio", "input_audio": WAV}, "audio audio/wav"),
        ({"type": "media", "data": "AAAA", "mime_type": "audio/mp3"}, "audio audio/mp3"),
        ({"type": "video", "base64": MP4, "mime_type": "video/mp4"}, "video video/mp4"),
        ({"type": "video", "base64": MP4}, "video video/mp4"),
        ({"type": "audio", "base64": MP4, "mime_type": "audio/mp4"}, "audio audio/mp4"),
        (labeled("video", b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"), "video video/avi"),
        (labeled("video", b"0&\xb2u\x8ef\xcf\x11", "video/x-ms-wmv"), "video video/wmv"),
        (labeled("video", b"\0\0\0\x20ftyp3gp5", "audio/3gpp"), "video video/3gpp"),
        (labeled("audio", b"OggS\0", "application/ogg"), "audio audio/ogg"),
        (labeled("file", b"\n%PDF-1.7\n", "application/octet-stream"), "file application/pdf"),
        (labeled("file", b"\xef\xbb\xbf%PDF-1.7\n", "binary/octet-stream"), "file application/pdf"),
        (image_url(f"data:image/png,{PNG}"), "image image/png"),
    ],
)
def test_kind_and_type_follow_the_data(block, expected, passed):
    if expected is None:
        with pytest.raises(SegmindInvalidRequestError, match="application/pdf"):
            parts_of(block, as_langchain_passes_it=passed)
        return
    (part,) = parts_of(block, as_langchain_passes_it=passed)

    assert isinstance(part, MediaPart)
    assert f"{part.kind} {part.mime}" == expected


NAMED = {"base64": PDF, "mime_type": "application/pdf"}


@pytest.mark.parametrize("passed", [False, True])
@pytest.mark.parametrize(
    "block",
    [
        {"type": "file", **NAMED, "filename": "a.pdf"},
        {"type": "file", **NAMED, "name": "a.pdf"},
        {"type": "file", **NAMED, "extras": {"filename": "a.pdf"}},
        {"type": "file", **NAMED, "extras": {"title": "a.pdf"}},
        {"type": "file", **NAMED, "metadata": {"name": "a.pdf"}},
        {"type": "file", "source_type": "base64", "data": PDF, "filename": "a.pdf"},
        {"type": "file", "source_type": "base64", "data": PDF, "metadata": {"filename": "a.pdf"}},
        openai_file(PDF_URI, filename="a.pdf"),
        openai_file(f"DATA:application/pdf;base64,{PDF}", filename="a.pdf"),
        {"type": "input_file", "file_data": PDF_URI, "filename": "a.pdf"},
        {**source("document", type="base64", data=PDF), "title": "a.pdf"},
        {"inlineData": {"data": PDF, "displayName": "a.pdf"}},
        {"document": {"format": "pdf", "name": "a.pdf", "source": {"bytes": b"%PDF-1"}}},
    ],
)
def test_name_of_a_file_is_read_in_every_form(block, passed):
    (part,) = parts_of(block, as_langchain_passes_it=passed)

    assert isinstance(part, MediaPart)
    assert part.name == "a.pdf"


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": WEB, "detail": "low"}},
        {"type": "input_image", "image_url": WEB, "detail": "low"},
        {"type": "image", "url": WEB, "extras": {"detail": "low"}},
    ],
)
def test_detail_of_an_image_is_read_in_every_form(block):
    (part,) = parts_of(block, as_langchain_passes_it=True)

    assert isinstance(part, MediaPart)
    assert part.detail == "low"


@pytest.mark.parametrize("passed", [False, True])
@pytest.mark.parametrize(
    ("block", "texts"),
    [
        ({"type": "text-plain", "text": "über"}, ["über"]),
        ({"type": "text-plain", "base64": TEXT, "mime_type": "text/plain"}, ["über"]),
        ({"type": "text-plain", "url": f"data:text/plain;base64,{TEXT}"}, ["über"]),
        ({"type": "text-plain", "text": ""}, []),
        ({"type": "text-plain", "text": "über", "title": "T"}, ["[file: T]\nüber"]),
        ({"type": "text-plain", "text": "über", "context": "C"}, ["C", "über"]),
        ({"type": "file", "source_type": "text", "text": "über"}, ["über"]),
        ({"type": "file", "source_type": "text", "url": "über"}, ["über"]),
        ({"type": "file", "base64": TEXT, "mime_type": "text/csv"}, ["über"]),
        ({"type": "file", "base64": TEXT, "mime_type": "application/octet-stream"}, ["über"]),
        (
            {"type": "file", "base64": "/A==", "mime_type": "text/csv", "filename": "a.csv"},
            ["[file: a.csv]\nü"],
        ),
        (openai_file(f"data:text/csv;base64,{TEXT}", filename="a"), ["[file: a]\nüber"]),
        ({"type": "media", "mime_type": "text/plain", "data": TEXT}, ["über"]),
        (source("document", type="text", media_type="text/plain", data="über"), ["über"]),
        (
            {
                **source("document", type="text", data="über"),
                "title": "T",
                "context": "C",
                "citations": {"enabled": True},
            },
            ["C", "[file: T]\nüber"],
        ),
        (source("document", type="content", content="über"), ["über"]),
        (
            {
                **source("document", type="content", content=[{"type": "text", "text": "über"}]),
                "title": "T",
            },
            ["[file: T]", "über"],
        ),
        ({"type": "resource", "resource": {"uri": "x://a", "text": "über"}}, ["über"]),
        ({"document": {"format": "txt", "source": {"bytes": b"hi"}}}, ["hi"]),
    ],
)
def test_text_of_a_file_is_sent_as_text(block, texts, passed):
    parts = parts_of(block, as_langchain_passes_it=passed)

    assert list(parts) == [TextPart(text) for text in texts]


def test_images_inside_a_document_are_read():
    inner = [{"type": "text", "text": "see"}, source("image", type="base64", data=PNG)]

    text, picture = parts_of(source("document", type="content", content=inner))

    assert text == TextPart("see")
    assert isinstance(picture, MediaPart)
    assert picture.where == "message 0, block 0 (document), block 1 (image)"


FAULTS = [
    (image("this is no base64!"), "not base64"),
    (image("A"), "not base64"),
    (image("ünïcode"), "not base64"),
    (image(""), "empty"),
    (image(" \n"), "empty"),
    (image(b""), "empty"),
    (image_url("data:image/png;base64,"), "empty"),
    (image_url("data:x"), "data URI"),
    ({"type": "image"}, "url"),
    ({"type": "image", "path": "a.png"}, "base64"),
    ({"type": "image_url", "image_url": 7}, "form"),
    ({"type": "image", "base64": 7}, "form"),
    ({"type": "image", "base64": "AAAA"}, "mime_type"),
    ({"type": "file", "base64": "AAAA"}, "mime_type"),
    (image("aGVsbG8="), "not of type image/png"),
    ({"type": "file", **NAMED, "base64": "aGkB"}, "not of type application/pdf"),
    ({"type": "image", "file_id": "f"}, "keeps no files"),
    ({"type": "image", "source_type": "id", "id": "f"}, "keeps no files"),
    ({"type": "file", "file": {"file_id": "f"}}, "keeps no files"),
    ({"type": "input_file", "file_id": "f"}, "keeps no files"),
    (source("document", type="file", file_id="f"), "keeps no files"),
    ({"type": "text-plain", "file_id": "f"}, "keeps no files"),
    ({"type": "text-plain", "url": "https://x.example/a.txt"}, "send it as text"),
    ({"type": "file", "url": "https://x.example/a", "mime_type": "text/csv"}, "send it as text"),
    ({"type": "image", "url": "file:///a.png"}, "content_block_from_file"),
    ({"type": "image", "url": "/home/a.png"}, "content_block_from_file"),
    ({"type": "image", "url": "C:\\a.png"}, "content_block_from_file"),
    ({"type": "image", "url": "gs://bucket/a.png"}, "http"),
    ({"type": "image", "url": "https://"}, "http"),
    ({"type": "image", "url": "https://x.example/a\nb.png"}, "http"),
    (source("document", type="content", content=[{"type": "x"}]), "block 0 (x)"),
    (source("document", type="content", content=[7]), "block 0"),
    (image(PNG) | {"name": "a\ud800"}, "surrogate"),
]


@pytest.mark.parametrize(("block", "words"), FAULTS)
def test_block_that_cannot_be_sent_raises_an_error_with_its_place_and_advice(block, words):
    with pytest.raises(SegmindInvalidRequestError) as caught:
        from_langchain([HumanMessage("a"), HumanMessage(["b", block])])

    text = str(caught.value)
    assert text.startswith(f"message 1, block 1 ({block['type']})")
    assert words in text
    assert text.endswith("Nothing was sent.")
    assert (caught.value.outcome, caught.value.billed) == ("not_sent", False)


@pytest.mark.parametrize(
    "build",
    [
        SystemMessage,
        AIMessage,
        lambda content: ChatMessage(content=content, role="system"),
        lambda content: ChatMessage(content=content, role="assistant"),
    ],
)
def test_media_are_an_error_in_messages_that_only_hold_text(build):
    with pytest.raises(SegmindInvalidRequestError, match="human message") as caught:
        from_langchain([build([{"type": "text", "text": "a"}, image(PNG)])])

    assert "message 0, block 1 (image)" in str(caught.value)
    plain = {"type": "text-plain", "base64": TEXT, "mime_type": "text/plain"}
    assert from_langchain([build([plain])])[0].parts == (TextPart("über"),)


def test_media_of_the_role_user_are_read():
    (part,) = from_langchain([ChatMessage(content=[image(PNG)], role="user")])[0].parts

    assert isinstance(part, MediaPart)


keys = ["url", "base64", "data", "text", "id", "file_id", "mime_type", "filename", "extras", "name"]
held = st.sampled_from(["", PNG, PDF_URI, f"data:text/csv;base64,{TEXT}", WEB, "wav", "a/b"])
odd: st.SearchStrategy[Any] = (
    held | st.none() | st.integers() | st.binary(max_size=3) | st.just({}) | st.just(["a"])
)
fields = st.dictionaries(st.sampled_from([*keys, "format", "file_data", "detail"]), odd, max_size=4)
blocks = st.builds(
    lambda kind, source_type, outer, key, inner: {
        **({} if kind is None else {"type": kind}),
        **({} if source_type is None else {"source_type": source_type}),
        **outer,
        **({} if key is None else {key: inner}),
    },
    st.sampled_from([None, "image", "audio", "file", "input_audio", "image_url", "media", "text"]),
    st.sampled_from([None, "url", "base64", "id", "text", "x"]),
    fields,
    st.sampled_from([None, "file", "input_audio", "image_url", "image", "source"]),
    fields | held,
)


@given(blocks)
def test_any_block_is_read_or_raises_only_our_error(block):
    message = HumanMessage("")
    message.content = [block]
    protected = list(protect_messages([message]))
    _format_for_tracing(protected)

    for messages in ([message], _normalize_messages(protected)):
        parts: Any = ()
        with suppress(SegmindInvalidRequestError):
            parts = from_langchain(messages)[0].parts
        for part in parts:
            if isinstance(part, MediaPart) and part.data is not None:
                raw = base64.b64decode(part.data, validate=True)
                assert base64.b64encode(raw).decode() == part.data


def test_block_is_not_wrapped_when_langchain_converts_it_rightly():
    blocks = [image(PNG), image_url(WEB), openai_file(PDF_URI, filename="a"), FORMS_OF_A_PNG[3]]
    messages = [HumanMessage(blocks)]

    assert protect_messages(messages) is messages


HOSTILE = {
    "line breaks": lambda n: image("QUJD\r\n" * n),
    "parameters": lambda n: image(PNG, "image/png" + ";a=b" * n),
    "a label": lambda n: image(PNG, "a/" + "+json" * n + "!"),
    "a data URI": lambda n: image_url("data:" + ";base64" * n + ",QUI="),
    "percents": lambda n: {"type": "file", "url": "data:text/plain," + "%41" * n},
    "an address": lambda n: {"type": "image", "url": "https://" + "a-" * 5 * n},
    "nesting": lambda n: {"type": "image", "source": {"source": {"source": {"data": PNG * n}}}},
    "bytes": lambda n: image(b"QUJD" * n),
}


@pytest.mark.parametrize("form", HOSTILE)
def test_reading_a_block_takes_linear_time(form):
    def read(block):
        with suppress(SegmindInvalidRequestError):
            from_langchain([HumanMessage([block])])

    assert_linear_time(read, HOSTILE[form], 3000)
