"""Media as people write them, over HTTP, with a gateway that refuses what providers refuse."""

import base64
import json
from typing import Any

import pytest
from langchain_core.messages import ChatMessage, HumanMessage, ToolMessage

from langchain_segmind import SegmindInvalidRequestError
from tests.integration.call_styles import CALL_STYLES, build, model_requests
from tests.integration.samples import PNG, PNG_BASE64, SLUGS, each_family

GPT, CLAUDE, GEMINI = SLUGS
PDF = base64.b64encode(b"%PDF-1.4 tiny").decode()
WAV = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVEfmt ").decode()
GIF = base64.b64encode(b"GIF89a").decode()
BMP = base64.b64encode(b"BM\x01\x00\x00\x00\x00\x00\x00\x00").decode()
LINES = "\n".join(PNG_BASE64[at : at + 76] for at in range(0, len(PNG_BASE64), 76))
WEB = "https://x.example/a.png"

PICTURES: list[dict[Any, Any]] = [
    {"type": "image", "base64": PNG_BASE64, "mime_type": "image/jpg"},
    {"type": "image", "base64": PNG_BASE64},
    {"type": "image", "base64": LINES, "mime_type": "IMAGE/PNG; charset=binary"},
    {"type": "image", "base64": PNG, "mime_type": "application/octet-stream"},
    {"type": "image", "source_type": "base64", "data": PNG_BASE64, "id": "1"},
    {"type": "image_url", "image_url": {"url": f"DATA:image/jpg;BASE64,{LINES}"}},
    {"type": "input_image", "image_url": f"data:;base64,{PNG_BASE64}"},
    {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": LINES}},
    {"type": "media", "mime_type": "image/png", "data": PNG_BASE64},
    {"image": {"format": "png", "source": {"bytes": PNG}}},
]


PDFS: list[dict[Any, Any]] = [
    {"type": "file", "base64": PDF, "mime_type": "application/x-pdf", "filename": "own1.pdf"},
    {"type": "file", "source_type": "base64", "data": PDF, "metadata": {"name": "own2.pdf"}},
    {"type": "file", "file": {"file_data": PDF, "filename": "own3.pdf"}},
    {"type": "input_file", "file_data": f"DATA:;base64,{PDF}", "filename": "own4.pdf"},
    {"type": "document", "source": {"type": "base64", "data": PDF}, "title": "own5.pdf"},
    {"document": {"format": "pdf", "name": "own6.pdf", "source": {"bytes": b"%PDF-1.4 tiny"}}},
]
TEXTS: list[dict[Any, Any]] = [
    {"type": "text-plain", "base64": "YSxi", "mime_type": "text/plain", "title": "T1"},
    {"type": "file", "file": {"file_data": "data:text/csv;base64,YSxi", "filename": "T2"}},
    {"type": "file", "source_type": "text", "text": "a,b", "filename": "T3"},
    {"type": "document", "source": {"type": "text", "data": "a,b"}, "title": "T4"},
]
ASKED = {"role": "assistant", "content": "", "tool_calls": [{"name": "f", "args": {}, "id": "1"}]}


@each_family
@pytest.mark.parametrize("style", CALL_STYLES)
async def test_media_are_accepted_as_people_write_them(gateway, call, slug, style):
    blocks: list[Any] = ["Look.", *PICTURES, *PDFS, *TEXTS]

    with build(gateway, slug, **CALL_STYLES[style]) as model:
        await call(model, "invoke", [HumanMessage(blocks)])

    (request,) = model_requests(gateway)
    sent = json.dumps(request.body)
    assert request.status == 200
    assert (sent.count(PNG_BASE64), sent.count(PDF)) == (len(PICTURES), len(PDFS))
    assert all(f"[file: T{n}]\\na,b" in sent for n in range(1, 5))
    # Gemini's form has no place for a name.
    assert sum(f"own{n}.pdf" in sent for n in range(1, 7)) == (0 if slug == GEMINI else len(PDFS))


@each_family
@pytest.mark.parametrize("style", CALL_STYLES)
async def test_media_of_a_tool_are_accepted_as_people_write_them(gateway, call, slug, style):
    result = ToolMessage([*PICTURES, *PDFS, *TEXTS], tool_call_id="1")

    with build(gateway, slug, **CALL_STYLES[style]) as model:
        await call(model, "invoke", ["Look.", ASKED, result])

    (request,) = model_requests(gateway)
    sent = json.dumps(request.body)
    assert request.status == 200
    assert (sent.count(PNG_BASE64), sent.count(PDF)) == (len(PICTURES), len(PDFS))
    assert sent.count("a,b") == len(TEXTS)


def labeled(data, label="image/png"):
    return {"type": "image", "base64": data, "mime_type": label}


UNSENDABLE = [
    *[(slug, labeled("no base64!")) for slug in SLUGS],
    *[(slug, labeled("")) for slug in SLUGS],
    *[(slug, {"type": "image", "url": "file:///a.png"}) for slug in SLUGS],
    *[(slug, labeled(BMP)) for slug in SLUGS],
    *[(slug, {"type": "text-plain", "url": "https://x.example/a.txt"}) for slug in SLUGS],
    *[(slug, {"type": "file", "source_type": "id", "id": "f"}) for slug in SLUGS],
    *[(slug, {"type": "file", "url": "https://x.example/a.pdf"}) for slug in SLUGS],
    *[(slug, {"type": "video", "url": "https://x.example/a.mp4"}) for slug in SLUGS],
    (GPT, {"type": "video", "base64": "AAAA", "mime_type": "video/mp4"}),
    (CLAUDE, {"type": "video", "base64": "AAAA", "mime_type": "video/mp4"}),
    (CLAUDE, {"type": "audio", "base64": WAV, "mime_type": "audio/wav"}),
    (CLAUDE, {"type": "image", "url": WEB}),
    (GEMINI, {"type": "media", "file_uri": WEB, "mime_type": "image/png"}),
    (GEMINI, labeled(GIF)),
    (GEMINI, {"type": "audio", "base64": "AAAA", "mime_type": "audio/midi"}),
]


@pytest.mark.parametrize(("slug", "block"), UNSENDABLE)
async def test_block_that_a_family_does_not_take_is_an_error_before_sending(
    gateway, call, slug, block
):
    with build(gateway, slug) as model, pytest.raises(SegmindInvalidRequestError) as caught:
        await call(model, "invoke", ["Hello", HumanMessage(["Look.", block])])

    assert f"message 1, block 1 ({block['type']})" in str(caught.value)
    assert caught.value.outcome == "not_sent"
    assert model_requests(gateway) == []


@each_family
@pytest.mark.parametrize("role", ["system", "assistant"])
async def test_media_are_an_error_outside_human_messages(gateway, call, slug, role):
    content: list[Any] = [{"type": "text", "text": "a"}, PICTURES[0]]
    message = ChatMessage(content=content, role=role)

    with build(gateway, slug) as model, pytest.raises(SegmindInvalidRequestError) as caught:
        await call(model, "invoke", ["Hello", message, "Go on."])

    assert "message 1, block 1 (image)" in str(caught.value)
    assert "human message" in str(caught.value)
    assert model_requests(gateway) == []
