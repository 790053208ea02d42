"""Read a media block of a user's message: an image, a document, audio or video.

A block that cannot be sent is an error that names its place; it must not be dropped or guessed at.
A tool's result follows other rules, in `result_files`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from langchain_segmind._messages import mime
from langchain_segmind._messages.media_fields import MediaFields, is_web_address, join_facts
from langchain_segmind._messages.text import check_text
from langchain_segmind._messages.types import MediaKind, MediaPart, TextPart, invalid_request

_AS_BASE64: Final = "base64, for an image with content_block_from_file(path)"


def read_media(
    kind: MediaKind, block: Mapping[str, Any], where: str
) -> Iterator[MediaPart | TextPart]:
    """Read a block in any form that `media_fields` knows.

    Yields:
        The medium, or the text of a file that is text; and before it what the block says about it.

    Raises:
        SegmindInvalidRequestError: If the block lacks something, or its data are of no use.
    """
    file = MediaFields(kind, block, lambda text: check_text(text, where))
    if file.context:
        yield TextPart(file.context)
    if file.blocks is not None:
        yield from _read_blocks(file, file.blocks, where)
    elif file.text is not None:
        if file.text:
            yield file.with_text(file.text, file.name)
    elif file.data is not None:
        yield _read_data(file, file.data, where)
    else:
        yield _read_url(file, where)


def _read_blocks(
    file: MediaFields, blocks: list[Any], where: str
) -> Iterator[MediaPart | TextPart]:
    """Read the blocks of a document, which are texts and images."""
    if file.name:
        yield TextPart(f"[file: {join_facts(file.name)}]")
    for i, inner in enumerate(blocks):
        kind = inner.get("type") if isinstance(inner, Mapping) else None
        place = f"{where}, block {i} ({kind})"
        if kind == "text":
            yield TextPart(check_text(inner.get("text"), place))
        elif kind == "image":
            yield from read_media("image", inner, place)
        else:
            raise invalid_request(f"{place}: a document of blocks can hold only text and images")


def _read_data(file: MediaFields, data: str, where: str) -> MediaPart | TextPart:
    if not data.strip():
        raise invalid_request(
            f"{where}: the data is empty. Pass the file as base64, or as a data URI in the form "
            "data:<mime type>;base64,<data>"
        )
    encoded = mime.to_base64(data)
    if not encoded:
        raise invalid_request(f"{where}: the data is not base64. Encode the file as {_AS_BASE64}")
    mime_type = mime.actual_mime(file.mime, encoded)
    if file.kind == "file" and mime_type != "application/pdf":
        is_textual = mime.is_textual(mime_type)
        text = mime.decode_text(encoded, file.label, guess=is_textual)
        if text is not None:
            return file.with_text(text, file.name)
    if mime_type is None:
        raise invalid_request(
            f"{where}: mime_type is missing, and the data does not show it. Pass one, such as "
            "'image/png'"
        )
    if not mime.has_signature(mime_type, encoded):
        raise invalid_request(
            f"{where}: the data is not of type {mime_type}. Encode the bytes of the file itself "
            f"as {_AS_BASE64}"
        )
    return file.media(where, mime_type, data=encoded)


def _read_url(file: MediaFields, where: str) -> MediaPart:
    if file.url is None and file.file_id is not None:
        raise invalid_request(
            f"{where}: the gateway keeps no files, so it cannot find one by its id. Send the file "
            f"itself as {_AS_BASE64}"
        )
    if file.url is None:
        raise invalid_request(
            f"{where}: there is no file in a form that LangChain, OpenAI, Anthropic or Google "
            "uses. Pass base64 with a mime_type, or the url of an image"
        )
    media = file.media(where, file.mime)
    if media.kind == "file" and (
        mime.is_textual(media.mime) or file.fields.get("type") == "text-plain"
    ):
        raise invalid_request(
            f"{where}: no model behind the gateway opens a link to a text. Read it yourself, and "
            "send it as text"
        )
    if not is_web_address(media.url):
        raise invalid_request(
            f"{where}: the url is not one of the web (http or https), so the gateway cannot open "
            f"it. Send the file as {_AS_BASE64}"
        )
    return media
