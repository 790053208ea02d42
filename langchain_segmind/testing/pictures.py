"""Picture runs: a prompt in, a small PNG out, whose text says that no model made it.

Like the real gateway, ``POST /v1/{slug}`` answers with the bytes of the picture. The queue's result
would be the URL of a picture on another host, which this gateway does not have.
"""

import hashlib
import struct
import time
import zlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from langchain_segmind.testing.checks import fields, filled_string, refuse
from langchain_segmind.testing.directory import Model
from langchain_segmind.testing.models import MARK
from langchain_segmind.testing.state import Execution, GatewayState, Run

_PRICE = 3_000_000  # billionths of a dollar a picture
_SIZE = 64  # pixels


def prepare(
    state: GatewayState, model: Model, body: Mapping[str, Any], *, queued: bool = False
) -> Execution:
    """Read what a body asks of a picture model; raise a `RefusalError` if it cannot run it."""
    if queued:
        refuse(f"{model.slug} makes pictures, which the local gateway does on /v1 only")
    if "messages" in body:
        refuse(f"{model.slug} makes pictures: it takes a prompt, not messages")
    prompt = filled_string(fields(body, "body", ["prompt"], None)["prompt"], "prompt")
    return partial(_execute, state, prompt)


async def _execute(state: GatewayState, prompt: str) -> Run:
    began = time.monotonic()
    content = draw(prompt)
    receipt = state.ledger.bill(_PRICE)
    took = time.monotonic() - began + state.latency
    return Run(content, state.latency, took, receipt=receipt, content_type="image/png")


def draw(prompt: str) -> bytes:
    """Return a square of one color, which depends on the prompt, with the prompt as its text."""
    color = hashlib.blake2b(prompt.encode("utf-8", "replace"), digest_size=3).digest()
    rows = (b"\0" + color * _SIZE) * _SIZE
    text = b"Description\0\0\0\0\0" + f"{MARK} {prompt}".encode("utf-8", "replace")
    chunks = (
        (b"IHDR", struct.pack(">2I5B", _SIZE, _SIZE, 8, 2, 0, 0, 0)),
        (b"iTXt", text),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
